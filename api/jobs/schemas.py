"""Nights as they are asked for, and jobs as they are answered."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from api.http.shapes import Asked, Told, UtcInstant
from api.jobs.repository import JobState


class WatchAsked(Asked):
    """Which night: of the last day that is over at `as_of`, by default now."""

    as_of: UtcInstant | None = None


class JobTold(Told):
    """Work that is queued, and how it stands."""

    job_id: str
    kind: str
    arguments: dict[str, Any]
    state: JobState
    attempts: int
    done: int
    total: int
    created_time: datetime
    finished_time: datetime | None
    result: dict[str, Any] | None
    error: str | None


class JobAnswer(Told):
    """One job."""

    job: JobTold
    livemode: bool


class SearchAsked(Asked):
    """Nothing needs to be said: the decision is named by the path."""


class SearchTold(Told):
    """How the search for what an obligor can do about a decision stands; the offer once it is done."""

    decision_id: str
    state: JobState
    queued_time: datetime
    finished_time: datetime | None
    offer_id: str | None


class SearchAnswer(Told):
    """One search."""

    search: SearchTold
    livemode: bool
