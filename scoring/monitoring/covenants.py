"""Covenants: what a borrower promised to keep to, how near it is to breaking it, and what a cure takes.

A covenant is a measure with a bound. It is *near* a breach within a margin of the bound, or where its trend reaches the
bound within the days that are watched; it is *breached* only where it has been beyond the bound for all of its grace
days. What is not observed is neither kept nor breached.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from scoring.monitoring.vocabulary import EarlyWarning, Severity, WarningCode


class Bound(StrEnum):
    """On which side of its bound a measure must stay."""

    AT_LEAST = "at_least"
    AT_MOST = "at_most"


class CovenantState(StrEnum):
    """How a covenant stands, from good to bad; `paused` while lender and borrower agreed that it does not count."""

    KEPT = "kept"
    UNKNOWN = "unknown"
    PAUSED = "paused"
    NEAR_BREACH = "near_breach"
    IN_GRACE = "in_grace"
    BREACHED = "breached"
    CURED = "cured"


WARNS: Mapping[CovenantState, Severity] = {
    CovenantState.NEAR_BREACH: Severity.WATCH,
    CovenantState.IN_GRACE: Severity.SERIOUS,
    CovenantState.BREACHED: Severity.CRITICAL,
}
"""How much a state weighs as an early warning; the others warn of nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Covenant:
    """A promise: `measure` stays on one side of `bound`. It is near a breach within `near_ratio` of the bound or where
    its trend crosses within `ahead_days`; breached after `grace_days` beyond it without a day back; cured after
    `cure_days` back within it without a day beyond."""

    covenant_id: str
    measure: str
    side: Bound
    bound: float
    near_ratio: float
    ahead_days: int
    grace_days: int
    cure_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a measure was on a day; None where it was not observed."""

    day: date
    value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Days, both inclusive, on which a covenant does not count, and why; a reset forgets what was before it."""

    first_day: date
    last_day: date
    reason: str
    is_reset: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a covenant stands on a day: the value, since when, on which day its grace ends or it would be cured, and in
    how many days its trend crosses the bound (None where it does not)."""

    covenant_id: str
    state: CovenantState
    day: date
    value: float | None
    since: date | None
    turns_on: date | None
    crosses_in_days: int | None


def standing(covenant: Covenant, readings: Sequence[Reading], *, day: date, pauses: Sequence[Pause] = ()) -> Standing:
    """How the covenant stands on `day` after these readings, in order of days; later ones are not looked at."""
    if any(pause.first_day <= day <= pause.last_day for pause in pauses):
        return _standing(covenant, CovenantState.PAUSED, day, _value_on(readings, day))
    start = max((pause.last_day for pause in pauses if pause.is_reset and pause.last_day < day), default=None)
    seen = [
        reading
        for reading in readings
        if reading.day <= day and (start is None or reading.day > start) and not _is_paused(reading.day, pauses)
    ]
    value = _value_on(seen, day)
    known = [reading for reading in seen if reading.value is not None]
    if not known:
        return _standing(covenant, CovenantState.UNKNOWN, day, value)
    return _judged(covenant, known, day=day, value=value)


def covenant_warning(
    state: CovenantState, *, unit: str, today: date, told_to: str, evidence: Mapping[str, float | str]
) -> EarlyWarning:
    """The warning of a covenant in a state that warns (`WARNS`), to the lender to whom it was promised: near a breach
    within its margin (watch) or beyond it in its days of grace (serious), or breached (critical)."""
    is_breach = state is CovenantState.BREACHED
    return EarlyWarning(
        unit=unit,
        day=today,
        code=WarningCode.COVENANT_BREACH if is_breach else WarningCode.COVENANT_NEAR_BREACH,
        severity=WARNS[state],
        strength=float(WARNS[state]),
        evidence=evidence,
        told_to=told_to,
    )


def _judged(covenant: Covenant, known: Sequence[Reading], *, day: date, value: float | None) -> Standing:
    """Walk the days: beyond the bound a grace runs, back within it a cure does."""
    beyond_since: date | None = None
    back_since: date | None = None
    is_breached = False
    for reading in known:
        if _is_beyond(covenant, reading.value):
            beyond_since, back_since = beyond_since or reading.day, None
            is_breached = is_breached or (reading.day - beyond_since).days >= covenant.grace_days
        else:
            beyond_since, back_since = None, back_since or reading.day
    if is_breached and back_since is not None and (day - back_since).days >= covenant.cure_days:
        return _standing(covenant, CovenantState.CURED, day, value, since=back_since)
    if is_breached:
        turns = None if back_since is None else back_since + timedelta(days=covenant.cure_days)
        return _standing(covenant, CovenantState.BREACHED, day, value, since=beyond_since or back_since, turns_on=turns)
    if beyond_since is not None:
        turns = beyond_since + timedelta(days=covenant.grace_days)
        return _standing(covenant, CovenantState.IN_GRACE, day, value, since=beyond_since, turns_on=turns)
    if value is None:
        return _standing(covenant, CovenantState.UNKNOWN, day, value)
    crosses = _crosses_in(covenant, known)
    is_near = _distance(covenant, value) <= covenant.near_ratio * abs(covenant.bound)
    state = CovenantState.NEAR_BREACH if is_near or crosses is not None else CovenantState.KEPT
    return _standing(covenant, state, day, value, crosses=crosses)


def _crosses_in(covenant: Covenant, known: Sequence[Reading]) -> int | None:
    """In how many days the straight line through the days watched crosses the bound; None beyond `ahead_days`."""
    last = known[-1]
    window = [reading for reading in known if (last.day - reading.day).days <= covenant.ahead_days]
    if len(window) < 3:
        return None
    days = [(reading.day - last.day).days for reading in window]
    values = [reading.value for reading in window if reading.value is not None]
    mean_day, mean_value = sum(days) / len(days), sum(values) / len(values)
    spread = sum((at - mean_day) ** 2 for at in days)
    slope = sum((at - mean_day) * (told - mean_value) for at, told in zip(days, values, strict=True)) / spread
    falls = slope < 0 if covenant.side is Bound.AT_LEAST else slope > 0
    if not falls:
        return None
    at_last = mean_value - slope * mean_day
    ahead = max(0.0, (covenant.bound - at_last) / slope)
    return int(ahead) + (ahead > int(ahead)) if ahead <= covenant.ahead_days else None


def _distance(covenant: Covenant, value: float) -> float:
    """How far within the bound a value lies; negative beyond it."""
    return value - covenant.bound if covenant.side is Bound.AT_LEAST else covenant.bound - value


def _is_beyond(covenant: Covenant, value: float | None) -> bool:
    return value is not None and _distance(covenant, value) < 0


def _is_paused(day: date, pauses: Sequence[Pause]) -> bool:
    return any(pause.first_day <= day <= pause.last_day for pause in pauses)


def _value_on(readings: Sequence[Reading], day: date) -> float | None:
    return next((reading.value for reading in reversed(readings) if reading.day == day), None)


def _standing(
    covenant: Covenant,
    state: CovenantState,
    day: date,
    value: float | None,
    *,
    since: date | None = None,
    turns_on: date | None = None,
    crosses: int | None = None,
) -> Standing:
    return Standing(
        covenant_id=covenant.covenant_id,
        state=state,
        day=day,
        value=value,
        since=since,
        turns_on=turns_on,
        crosses_in_days=crosses,
    )
