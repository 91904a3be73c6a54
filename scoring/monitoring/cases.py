"""Cases: all warnings of one obligor in one place, so that a person is asked once, and everything that was done kept.

A case is a value; what happens to it are events in order. While it is open every further warning joins it; snoozed, it
stays quiet until its day or until something worse comes; closed, it stays as it was and what comes after opens another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import Any

from scoring.errors import InvalidRequest
from scoring.monitoring.vocabulary import EarlyWarning, Severity, WarningCode


class CaseState(StrEnum):
    """How a case stands."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    ESCALATED = "escalated"
    SNOOZED = "snoozed"
    CLOSED = "closed"


class Act(StrEnum):
    """What a person does with a case."""

    ACKNOWLEDGE = "acknowledge"
    ESCALATE = "escalate"
    SNOOZE = "snooze"
    CLOSE = "close"


class CaseOutcome(StrEnum):
    """How a case ended."""

    RECOVERED = "recovered"
    CURED = "cured"
    RESTRUCTURED = "restructured"
    DEFAULTED = "defaulted"
    FALSE_ALARM = "false_alarm"
    DATA_FAULT = "data_fault"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case of one obligor. `seen` holds of each (unit, code) the worst severity and the days on which it was first
    and last warned of; `told_to` of units that one lender alone may be told of, which; `loudest` is the severity at
    which somebody was last told."""

    obligor_id: str
    opened_on: date
    state: CaseState
    severity: Severity
    seen: Mapping[tuple[str, WarningCode], tuple[Severity, date, date]]
    loudest: Severity
    snoozed_until: date | None = None
    outcome: CaseOutcome | None = None
    told_to: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Handled:
    """A case after a day's warnings, and whether somebody has to be told of it now."""

    case: Case
    is_news: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """Which warnings open a case: those of these codes that are at least as severe."""

    severity: Severity
    codes: frozenset[WarningCode] = frozenset(WarningCode)

    def by(self, warnings: Iterable[EarlyWarning]) -> bool:
        """Whether any of these does."""
        return any(item.severity >= self.severity and item.code in self.codes for item in warnings)


def opening(values: Mapping[str, Any]) -> Opening:
    """As the parameters of monitoring in force say."""
    terms = values["monitoring"]["cases"]
    return Opening(
        severity=Severity[terms["opens_at"].upper()],
        codes=frozenset(WarningCode(code) for code in terms["opened_by"]),
    )


def take_in(
    case: Case | None, obligor_id: str, warnings: Sequence[EarlyWarning], *, day: date, opens: Opening
) -> Handled | None:
    """The case after this day's warnings; None where there is none and nothing that opens one.

    Everything else joins a case that is open and opens none. Taking in the same day again changes nothing.
    """
    standing = None if case is None or case.state is CaseState.CLOSED else case
    if standing is None and not opens.by(warnings):
        return None
    if standing is None:
        first = _merged({}, warnings)
        severity = _worst(first)
        opened = Case(
            obligor_id=obligor_id,
            opened_on=day,
            state=CaseState.OPEN,
            severity=severity,
            seen=first,
            loudest=severity,
            told_to=_told_to({}, warnings),
        )
        return Handled(case=opened, is_news=True)
    seen = _merged(standing.seen, warnings)
    severity = max((_severity_today(warnings), standing.severity))
    is_worse = severity > standing.loudest
    wakes = standing.state is CaseState.SNOOZED and _is_over(standing, day)
    is_news = is_worse or (wakes and bool(warnings))
    state = CaseState.OPEN if standing.state is CaseState.SNOOZED and is_news else standing.state
    return Handled(
        case=replace(
            standing,
            state=state,
            severity=severity,
            seen=seen,
            loudest=max(standing.loudest, severity) if is_news else standing.loudest,
            snoozed_until=None if state is CaseState.OPEN else standing.snoozed_until,
            told_to=_told_to(standing.told_to, warnings),
        ),
        is_news=is_news,
    )


def as_seen_by(case: Case, lender: str, *, opens: Opening) -> Case | None:
    """As much of a case as a lender may see: nothing of what another was promised, nor that there is such a thing.

    Where something is hidden, the case begins and weighs as if that had never been warned of; where nothing that is
    left opens one, there is none.
    """
    seen = {key: told for key, told in case.seen.items() if case.told_to.get(key[0], lender) == lender}
    if len(seen) == len(case.seen):
        return case
    opened = [
        first for (_, code), (severity, first, _) in seen.items() if severity >= opens.severity and code in opens.codes
    ]
    if not opened:
        return None
    since = min(opened)
    seen = {key: (severity, max(first, since), last) for key, (severity, first, last) in seen.items() if last >= since}
    return replace(case, opened_on=since, seen=seen, severity=_worst(seen), loudest=_worst(seen))


def act(case: Case, what: Act, *, reason: str, until: date | None = None, outcome: CaseOutcome | None = None) -> Case:
    """The case after a person did something, always with a reason. Raises InvalidRequest for what makes no sense."""
    if case.state is CaseState.CLOSED:
        raise InvalidRequest("The case is closed.", hint="What comes after it opens another.")
    if not reason.strip():
        raise InvalidRequest(f"To {what.value} a case needs a reason.", hint="Say it in words.")
    match what:
        case Act.ACKNOWLEDGE:
            return replace(case, state=CaseState.ACKNOWLEDGED, snoozed_until=None)
        case Act.ESCALATE:
            return replace(case, state=CaseState.ESCALATED, snoozed_until=None)
        case Act.SNOOZE:
            if until is None:
                raise InvalidRequest("A case is snoozed until a day.", hint="Name it.")
            return replace(case, state=CaseState.SNOOZED, snoozed_until=until)
        case Act.CLOSE:
            if outcome is None:
                raise InvalidRequest("A case is closed with an outcome.", hint="Name it.")
            return replace(case, state=CaseState.CLOSED, outcome=outcome, snoozed_until=None)


def _merged(
    seen: Mapping[tuple[str, WarningCode], tuple[Severity, date, date]], warnings: Iterable[EarlyWarning]
) -> dict[tuple[str, WarningCode], tuple[Severity, date, date]]:
    merged = dict(seen)
    for item in warnings:
        key = (item.unit, item.code)
        severity, first, last = merged.get(key, (item.severity, item.day, item.day))
        merged[key] = (max(severity, item.severity), min(first, item.day), max(last, item.day))
    return merged


def _told_to(before: Mapping[str, str], warnings: Iterable[EarlyWarning]) -> dict[str, str]:
    return {**before, **{item.unit: item.told_to for item in warnings if item.told_to is not None}}


def _worst(seen: Mapping[tuple[str, WarningCode], tuple[Severity, date, date]]) -> Severity:
    return max(severity for severity, _, _ in seen.values())


def _severity_today(warnings: Sequence[EarlyWarning]) -> Severity:
    return max((item.severity for item in warnings), default=Severity.WATCH)


def _is_over(case: Case, day: date) -> bool:
    return case.snoozed_until is not None and day >= case.snoozed_until
