"""What became of decisions, as it is reported and told."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from api.decision_events.repository import EventKind
from api.http.shapes import Asked, Told

EventDay = Annotated[date, Field(ge=date(1990, 1, 1), le=date(2199, 12, 31), description="The day it happened.")]


class EventAsked(Asked):
    """What became of a decision. An obligor reports disputes only; a dispute needs its reason in words."""

    kind: EventKind
    happened_on: EventDay
    note: Annotated[str, Field(max_length=1000, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""


class EventTold(Told):
    """One report."""

    event_id: str
    decision_id: str
    kind: EventKind
    happened_on: date
    note: str
    reported_by: str
    reported_time: datetime


class EventAnswer(Told):
    """What was reported."""

    event: EventTold
    livemode: bool
