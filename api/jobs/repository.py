"""Jobs as rows: one is claimed by one worker at a time, and by another once its lease is over."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from api.database.statements import insert_once
from api.database.tables import job
from data_contracts.errors import NotFound


class JobState(StrEnum):
    """How a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


def add(
    connection: sa.Connection, job_id: str, *, kind: str, arguments: Mapping[str, Any], now: datetime
) -> sa.Row[Any]:
    """Queue a job; one that is there already stays as it is."""
    row = {
        "job_id": job_id,
        "kind": kind,
        "arguments": dict(arguments),
        "state": JobState.QUEUED.value,
        "attempts": 0,
        "created_time": now,
        "done": 0,
        "total": 0,
    }
    insert_once(connection, job, row)
    return load(connection, job_id)


def find(connection: sa.Connection, job_id: str) -> sa.Row[Any] | None:
    """The row of a job; None where there is none."""
    return connection.execute(sa.select(job).where(job.c.job_id == job_id)).one_or_none()


def load(connection: sa.Connection, job_id: str) -> sa.Row[Any]:
    """The row of a job. Raises NotFound."""
    row = find(connection, job_id)
    if row is None:
        raise NotFound(f"There is no job {job_id!r}.")
    return row


def listed(connection: sa.Connection, *, limit: int) -> list[sa.Row[Any]]:
    """The latest jobs, newest first."""
    newest = sa.select(job).order_by(job.c.created_time.desc(), job.c.job_id).limit(limit)
    return list(connection.execute(newest))


def claim(connection: sa.Connection, *, worker: str, now: datetime, lease_until: datetime) -> sa.Row[Any] | None:
    """The oldest job that nobody works on, or whose worker's lease is over, for this worker; None where there is none.

    A rival's claim skips a row that is being claimed (PostgreSQL), or waits for this transaction (SQLite).
    """
    is_free = (job.c.state == JobState.QUEUED.value) | (
        (job.c.state == JobState.RUNNING.value) & (job.c.lease_until < now)
    )
    oldest = sa.select(job.c.job_id).where(is_free).order_by(job.c.created_time, job.c.job_id).limit(1)
    job_id = connection.scalar(oldest.with_for_update(skip_locked=True))
    if job_id is None:
        return None
    taken = {"state": JobState.RUNNING.value, "worker": worker, "lease_until": lease_until, "error": None}
    begun = job.update().where(job.c.job_id == job_id)
    connection.execute(begun.values(attempts=job.c.attempts + 1, **taken))
    return load(connection, job_id)


def tell(connection: sa.Connection, job_id: str, *, worker: str, done: int, total: int, lease_until: datetime) -> bool:
    """Say how far a worker is, which renews its lease; False where the job is another's by now."""
    mine = (job.c.job_id == job_id) & (job.c.worker == worker) & (job.c.state == JobState.RUNNING.value)
    told = connection.execute(job.update().where(mine).values(done=done, total=total, lease_until=lease_until))
    return told.rowcount == 1


def finish(
    connection: sa.Connection,
    job_id: str,
    *,
    worker: str,
    state: JobState,
    result: Mapping[str, Any] | None,
    error: str | None,
    now: datetime,
) -> None:
    """End a job that is still this worker's."""
    mine = (job.c.job_id == job_id) & (job.c.worker == worker) & (job.c.state == JobState.RUNNING.value)
    values = {"state": state.value, "finished_time": now, "lease_until": None, "error": error}
    connection.execute(job.update().where(mine).values(result=None if result is None else dict(result), **values))


def requeue(connection: sa.Connection, job_id: str) -> sa.Row[Any]:
    """Queue a failed job once more. Raises NotFound."""
    failed = (job.c.job_id == job_id) & (job.c.state == JobState.FAILED.value)
    connection.execute(job.update().where(failed).values(state=JobState.QUEUED.value, finished_time=None))
    return load(connection, job_id)
