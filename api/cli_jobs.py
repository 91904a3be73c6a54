"""Commands about work that is queued, and the worker that does it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Annotated

import typer

from api.console import HomeOption, JsonOption, aligned, opened, show
from api.database.engine import unit_of_work
from api.instants import parse_instant
from api.jobs import repository as jobs
from api.jobs import service

ZONE = "Asia/Shanghai"
SHOWN = 50
COLUMNS = ("job_id", "kind", "state", "attempts", "done", "total", "error")

job_app = typer.Typer(help="Work that is queued, and how it stands.", no_args_is_help=True)


def mount(app: typer.Typer) -> None:
    """Give `app` these commands."""
    app.add_typer(job_app, name="job")
    app.command("work")(work)


@job_app.command("add-watch")
def add_watch(
    *,
    as_of: Annotated[str | None, typer.Option("--as-of", help="Instant or date; default now.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Queue the watch of every consenting obligor for the last day that is over; the same instant is queued once."""
    now = datetime.now(UTC)
    instant = parse_instant(as_of, zone=ZONE) if as_of else now
    with opened(home) as here, unit_of_work(here.engine) as connection:
        told = service.queue_watch(connection, as_of=instant, now=now)
    show(told, as_json, f"{told['job_id']} is {told['state']}")


@job_app.command("list")
def list_jobs(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """The latest jobs, newest first."""
    with opened(home) as here, unit_of_work(here.engine) as connection:
        told = [service.plain_job(row) for row in jobs.listed(connection, limit=SHOWN)]
    show({"jobs": told}, as_json, aligned(told, COLUMNS) if told else "No job.")


@job_app.command("retry")
def retry(
    job_id: Annotated[str, typer.Argument(help="The job's id.")],
    *,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Queue a failed job once more."""
    with opened(home) as here, unit_of_work(here.engine) as connection:
        told = service.plain_job(jobs.requeue(connection, job_id))
    show(told, as_json, f"{job_id} is {told['state']}")


def work(
    *,
    wait: Annotated[
        float | None, typer.Option("--wait", min=0.1, help="Look again after so many seconds, for ever.")
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Do every job that is free, also those whose worker died, and end when there is none."""
    with opened(home) as here:
        told = service.work(here, clock=lambda: datetime.now(UTC))
        while wait is not None:
            time.sleep(wait)
            service.work(here, clock=lambda: datetime.now(UTC))
    show({"jobs": told}, as_json, aligned(told, COLUMNS) if told else "No job is free.")
