"""Obligors as they are answered."""

from __future__ import annotations

from datetime import datetime

from api.http.shapes import Told


class ObligorTold(Told):
    """Who an obligor is."""

    obligor_id: str
    name: str | None
    subject_kind: str | None
    industry_division: str | None
    site_zone: str | None
    registered_time: datetime


class ObligorAnswer(Told):
    """One obligor."""

    obligor: ObligorTold
    livemode: bool


class ObligorList(Told):
    """A page of obligors, in order of their codes."""

    data: list[ObligorTold]
    next_cursor: str | None
    livemode: bool


class LookTold(Told):
    """One look at an obligor's data: when, by whom, in which role, and at what."""

    time: datetime
    viewer: str
    role: str
    what: str


class LookList(Told):
    """A page of looks, the newest first."""

    data: list[LookTold]
    next_cursor: str | None
    livemode: bool
