"""Jobs: queued once, worked on by whoever is free, and taken up again where a worker died.

What a job does must bear being done again from its beginning; a night's watch does, because each obligor's day is kept
once, together with what was found of it, and a search for recourse does, because the same offer is kept once.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from api.database.engine import unit_of_work
from api.home import Home
from api.identity import answer_id
from api.jobs import repository as jobs
from api.jobs.repository import JobState
from api.recourse import service as recourse
from api.watch import service as watching
from api.watch.nightly import Told
from data_contracts.errors import MillgradeError
from data_contracts.identifiers import DecisionId
from data_contracts.observations.tables import to_microseconds

WATCH = "watch"
RECOURSE = "recourse"
LEASE = timedelta(minutes=10)
"""A worker tells after every block; one that has been silent for so long is taken for dead."""
SHOWN = 1000

Clock = Callable[[], datetime]


def queue_watch(connection: sa.Connection, *, as_of: datetime, now: datetime) -> dict[str, Any]:
    """Queue the watch of the last day that is over at `as_of`; the same instant is queued once."""
    arguments = {"as_of": as_of.isoformat()}
    job_id = answer_id("job_", {"kind": WATCH, "as_of": to_microseconds(as_of)})
    return plain_job(jobs.add(connection, job_id, kind=WATCH, arguments=arguments, now=now))


def queue_recourse(connection: sa.Connection, decision_id: DecisionId, *, now: datetime) -> dict[str, Any]:
    """Queue the search for what the obligor can do about a decision; how it stands, if it is queued already."""
    arguments = {"decision_id": decision_id}
    return _told_search(jobs.add(connection, _search_id(decision_id), kind=RECOURSE, arguments=arguments, now=now))


def recourse_search(connection: sa.Connection, decision_id: DecisionId) -> dict[str, Any] | None:
    """How the search about a decision stands; None where nobody asked for one."""
    row = jobs.find(connection, _search_id(decision_id))
    return None if row is None else _told_search(row)


def work(home: Home, *, clock: Clock, worker: str | None = None) -> list[dict[str, Any]]:
    """Do every job that is free, one after another, until there is none; each as it ended.

    A job that fails with a named error is kept as failed with it; any other error is kept too, and raised.
    """
    name, ended = worker or f"{socket.gethostname()[:20]}/{os.getpid()}", list[dict[str, Any]]()
    while True:
        now = clock()
        with unit_of_work(home.engine) as connection:
            row = jobs.claim(connection, worker=name, now=now, lease_until=now + LEASE)
        if row is None:
            return ended
        _do(home, row, worker=name, clock=clock)
        with unit_of_work(home.engine) as connection:
            ended.append(plain_job(jobs.load(connection, row.job_id)))


def plain_job(row: sa.Row[Any]) -> dict[str, Any]:
    """A job as it is answered."""
    return {
        "job_id": row.job_id,
        "kind": row.kind,
        "arguments": row.arguments,
        "state": row.state,
        "attempts": row.attempts,
        "done": row.done,
        "total": row.total,
        "created_time": row.created_time.isoformat(),
        "finished_time": None if row.finished_time is None else row.finished_time.isoformat(),
        "result": row.result,
        "error": row.error,
    }


def _search_id(decision_id: DecisionId) -> str:
    return answer_id("job_", {"kind": RECOURSE, "decision_id": decision_id})


def _told_search(row: sa.Row[Any]) -> dict[str, Any]:
    """A search for those whom its decision concerns; why one failed is for the operator."""
    return {
        "decision_id": row.arguments["decision_id"],
        "state": row.state,
        "queued_time": row.created_time.isoformat(),
        "finished_time": None if row.finished_time is None else row.finished_time.isoformat(),
        "offer_id": (row.result or {}).get("offer_id"),
    }


def _do(home: Home, row: sa.Row[Any], *, worker: str, clock: Clock) -> None:
    def told(_: str, done: int, total: int) -> None:
        with unit_of_work(home.engine) as connection:
            jobs.tell(connection, row.job_id, worker=worker, done=done, total=total, lease_until=clock() + LEASE)

    def end(state: JobState, *, result: Mapping[str, Any] | None = None, error: str | None = None) -> None:
        with unit_of_work(home.engine) as connection:
            jobs.finish(connection, row.job_id, worker=worker, state=state, result=result, error=error, now=clock())

    try:
        result = _WORK[row.kind](home, row.arguments, clock(), told)
    except MillgradeError as error:
        end(JobState.FAILED, error=str(error)[:SHOWN])
    except Exception as error:
        end(JobState.FAILED, error=f"{type(error).__name__}: {error}"[:SHOWN])
        raise
    else:
        end(JobState.DONE, result=result)


def _watch(home: Home, arguments: Mapping[str, Any], now: datetime, progress: Told) -> Mapping[str, Any]:
    told = watching.watch(home, as_of=datetime.fromisoformat(arguments["as_of"]), now=now, progress=progress)
    counts = ("day", "obligors", "obligors_watched_now", "warnings", "parameters_version")
    return {
        **{name: told[name] for name in counts},
        "news": len(told["news"]),
        "cases": len(told["cases"]),
        "watch_list": len(told["watch_list"]),
    }


def _seek(home: Home, arguments: Mapping[str, Any], now: datetime, _: Told) -> Mapping[str, Any]:
    return {"offer_id": recourse.seek(home, DecisionId(arguments["decision_id"]), now=now)}


_WORK: Mapping[str, Callable[[Home, Mapping[str, Any], datetime, Told], Mapping[str, Any]]] = {
    WATCH: _watch,
    RECOURSE: _seek,
}
