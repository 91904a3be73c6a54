"""What a lender sees of a case that also holds what another lender was promised."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import pytest

from scoring.monitoring.cases import Case, Opening, as_seen_by, take_in
from scoring.monitoring.covenants import CovenantState, covenant_warning
from scoring.monitoring.vocabulary import EarlyWarning, Severity, WarningCode

DAY = date(2026, 6, 30)
OPENS = Opening(
    severity=Severity.SERIOUS, codes=frozenset({WarningCode.WEAK_PRODUCTION, WarningCode.COVENANT_BREACH})
)  # fmt: skip


def weak(severity: Severity = Severity.SERIOUS, code: WarningCode = WarningCode.WEAK_PRODUCTION) -> EarlyWarning:
    return EarlyWarning(unit="FIRM", day=DAY, code=code, severity=severity, strength=2.0, evidence={})


def promised(to: str, state: CovenantState = CovenantState.BREACHED) -> EarlyWarning:
    return covenant_warning(state, unit=f"dec_{to}/coverage", today=DAY, told_to=to, evidence={"value": 0.4})


def case_of(nights: Sequence[Sequence[EarlyWarning]]) -> Case | None:
    """The case after a night a day, beginning on `DAY`."""
    case: Case | None = None
    for number, found in enumerate(nights):
        day = DAY + timedelta(days=number)
        dated = [EarlyWarning(**{**_fields(item), "day": day}) for item in found]
        handled = take_in(case, "FIRM", dated, day=day, opens=OPENS)
        case = case if handled is None else handled.case
    return case


def _fields(item: EarlyWarning) -> dict[str, object]:
    return {name: getattr(item, name) for name in EarlyWarning.__dataclass_fields__}


LOW = weak(Severity.WATCH, WarningCode.LOW_HOURS)


@pytest.mark.parametrize(
    ("nights",                                            "a",                  "b"),
    [
        ([[promised("a")]],                               ("critical", 0, 1),   None),
        ([[promised("a"), LOW]],                          ("critical", 0, 2),   None),
        ([[promised("a")], [weak()]],                     ("critical", 0, 2),   ("serious", 1, 1)),
        ([[promised("a"), LOW], [weak(), LOW]],           ("critical", 0, 3),   ("serious", 1, 2)),
        ([[weak()], [promised("a")]],                     ("critical", 0, 2),   ("serious", 0, 1)),
        ([[promised("a"), promised("b")]],                ("critical", 0, 1),   ("critical", 0, 1)),
        ([[weak(), LOW]],                                 ("serious", 0, 2),    ("serious", 0, 2)),
        ([[LOW]],                                         None,                 None),
        ([[promised("a", CovenantState.NEAR_BREACH)]],    None,                 None),
        ([[promised("a", CovenantState.IN_GRACE)]],       None,                 None),
        ([[weak()], [promised("a", CovenantState.IN_GRACE)]], ("serious", 0, 2), ("serious", 0, 1)),
    ],
)  # fmt: skip
def test_severity_first_day_and_warnings_that_each_lender_sees(
    nights: list[list[EarlyWarning]], a: tuple[str, int, int] | None, b: tuple[str, int, int] | None
) -> None:
    case = case_of(nights)

    def seen_by(lender: str) -> tuple[str, int, int] | None:
        told = None if case is None else as_seen_by(case, lender, opens=OPENS)
        if told is None:
            return None
        assert all(first >= told.opened_on for _, first, _ in told.seen.values())
        return told.severity.name.lower(), (told.opened_on - DAY).days, len(told.seen)

    assert (seen_by("a"), seen_by("b")) == (a, b)


def test_what_another_was_promised_leaves_no_trace() -> None:
    """Whatever the other's covenant does, the case looks to a lender as it would without it, but for its id."""
    shared = [[LOW], [weak(), LOW], [weak(Severity.CRITICAL)]]
    with_it = case_of([[*found, promised("a")] for found in shared])
    alone = case_of([[], *shared[1:]])
    assert with_it is not None
    assert alone is not None
    seen = as_seen_by(with_it, "b", opens=OPENS)
    assert seen is not None
    assert (seen.opened_on, seen.severity, seen.seen) == (alone.opened_on, alone.severity, alone.seen)
