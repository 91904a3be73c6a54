"""What became of those who were scored: which promises have come due, and how they were kept, cohort by cohort."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from data_contracts.reference.calendars import add_months
from scoring.credit.promised import promised_and_seen

WINDOW_MONTHS = 12
REPORTING_LAG_MONTHS = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """A PD that was given to somebody at a time."""

    subject: str
    as_of: datetime
    pd_12m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A promise that has come due, and whether a default fell into its twelve months."""

    promise: Promise
    defaulted: bool


def come_due(
    promises: Iterable[Promise], first_defaults: Mapping[str, datetime], *, known_until: datetime
) -> list[Kept]:
    """Promises whose twelve months and the time in which defaults are reported are over. Whoever had defaulted before
    is left out: nothing was promised of them. `first_defaults` are those known at `known_until`, by subject."""
    return [
        Kept(promise=promise, defaulted=_struck(promise, first_defaults.get(promise.subject)))
        for promise in promises
        if is_due(promise.as_of, known_until=known_until) and not _was_before(promise, first_defaults)
    ]


def is_due(as_of: datetime, *, known_until: datetime) -> bool:
    """Whether what became of the twelve months after `as_of` is known."""
    return add_months(as_of, WINDOW_MONTHS + REPORTING_LAG_MONTHS) <= known_until


def line(kept: Sequence[Kept]) -> dict[str, Any]:
    """What was promised and seen."""
    pd = np.array([item.promise.pd_12m for item in kept], dtype=np.float64)
    return promised_and_seen(pd, np.array([item.defaulted for item in kept], dtype=np.bool_))


def by_month(promises: Sequence[Promise], kept: Sequence[Kept]) -> list[dict[str, Any]]:
    """A line a month of promising (UTC), with how many promises it holds and how many of them have come due."""
    months = sorted({month(promise.as_of) for promise in promises})
    return [
        {
            "cohort": name,
            "promised": sum(month(promise.as_of) == name for promise in promises),
            **line([item for item in kept if month(item.promise.as_of) == name]),
        }
        for name in months
    ]


def month(instant: datetime) -> str:
    """The month of an instant, as cohorts are named."""
    return f"{instant:%Y-%m}"


def _was_before(promise: Promise, first_defaults: Mapping[str, datetime]) -> bool:
    first = first_defaults.get(promise.subject)
    return first is not None and first <= promise.as_of


def _struck(promise: Promise, first: datetime | None) -> bool:
    return first is not None and promise.as_of < first <= add_months(promise.as_of, WINDOW_MONTHS)
