"""What became of obligors: windows, censoring, arrears and early warnings, an aligned row a case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from sample_tables import INSTANT, OBLIGOR

from data_contracts.contract import RecordKind
from data_contracts.reference.calendars import add_months
from features.labels import NEVER, CreditLabels, Outcomes
from features.machine_day.days import to_micros

AS_OF = datetime(2024, 6, 30, 16, tzinfo=UTC)
LATER = datetime(2026, 6, 30, 16, tzinfo=UTC)
EVENTS = pa.schema([("obligor_id", pa.string()), ("event_time", INSTANT), ("rule_version", pa.string())])
INSTALMENTS = pa.schema(
    [
        ("obligor_id", pa.string()),
        ("event_time", INSTANT),
        ("due_date", pa.date32()),
        ("paid_date", pa.date32()),
        ("amount_due_minor", pa.int64()),
        ("amount_paid_minor", pa.int64()),
    ]
)


class Told:
    """Observations that hold two ledgers."""

    def __init__(self, events: Sequence[Mapping[str, Any]] = (), repayments: Sequence[Mapping[str, Any]] = ()) -> None:
        self._tables = {
            RecordKind.DEFAULT_EVENT: pa.Table.from_pylist(list(events), schema=EVENTS),
            RecordKind.REPAYMENT: pa.Table.from_pylist(list(repayments), schema=INSTALMENTS),
        }

    def rows(self, kind: RecordKind, **_: Any) -> pa.Table:
        return self._tables[kind]


def defaulted_at(*instants: datetime) -> list[dict[str, Any]]:
    return [
        {"obligor_id": OBLIGOR, "event_time": instant, "rule_version": f"rule {number}"}
        for number, instant in enumerate(instants)
    ]


def instalment(due: date, paid: date | None, *, in_full: bool = True) -> dict[str, Any]:
    begins = datetime(due.year, due.month, due.day, tzinfo=UTC) - timedelta(hours=8)
    amount = 100 if paid and in_full else 40 if paid else 0
    return {"obligor_id": OBLIGOR, "event_time": begins, "due_date": due, "paid_date": paid,
            "amount_due_minor": 100, "amount_paid_minor": amount}  # fmt: skip


def outcomes(told: Told, *, known_until: datetime = LATER, known_then: Told | None = None) -> Outcomes:
    labels = CreditLabels(told, known_until=known_until)  # type: ignore[arg-type]
    then = (known_then or Told()).rows(RecordKind.REPAYMENT)
    return labels.of([OBLIGOR], as_of=AS_OF, known_then=then)


SECOND = timedelta(microseconds=1)
YEAR = add_months(AS_OF, 12)
CASES = [
    # first default             known until               default  censored  in default  months
    (None,                      LATER,                    False,   False,    False,      12),
    (AS_OF - SECOND,            LATER,                    False,   False,    True,       12),
    (AS_OF,                     LATER,                    False,   False,    True,       12),
    (AS_OF + SECOND,            LATER,                    True,    False,    False,      1),
    (add_months(AS_OF, 1),      LATER,                    True,    False,    False,      1),
    (add_months(AS_OF, 1) + SECOND, LATER,                True,    False,    False,      2),
    (YEAR,                      LATER,                    True,    False,    False,      12),
    (YEAR + SECOND,             LATER,                    False,   False,    False,      12),
    (None,                      add_months(YEAR, 1),      False,   False,    False,      12),
    (None,                      add_months(YEAR, 1) - SECOND, False, True,   False,      11),
    (add_months(AS_OF, 2),      add_months(AS_OF, 5),     True,    True,     False,      2),
    (add_months(AS_OF, 4) + SECOND, add_months(AS_OF, 5), False,   True,     False,      4),
    (None,                      add_months(AS_OF, 1),     False,   True,     False,      0),
    (AS_OF + SECOND,            AS_OF + 2 * SECOND,       False,   True,     False,      0),
]  # fmt: skip


@pytest.mark.parametrize(("default", "known_until", "defaulted", "censored", "in_default", "months"), CASES)
def test_windows_and_censoring(
    default: datetime | None, known_until: datetime, *, defaulted: bool, censored: bool, in_default: bool, months: int
) -> None:
    told = Told([] if default is None else defaulted_at(default))
    found = outcomes(told, known_until=known_until)
    assert (found.defaulted[0], found.censored, found.in_default[0]) == (defaulted, censored, in_default)
    if not in_default:
        assert found.observed_months[0] == months
    assert found.rule_versions == (["rule 0"] if defaulted else [None])
    assert found.observed_until == max(to_micros(AS_OF), min(to_micros(YEAR), to_micros(add_months(known_until, -1))))


def test_the_first_of_several_defaults_counts() -> None:
    found = outcomes(Told(defaulted_at(add_months(AS_OF, 6), add_months(AS_OF, 3))))
    assert found.default_times.tolist() == [to_micros(add_months(AS_OF, 3))]
    assert found.rule_versions == ["rule 1"]
    assert outcomes(Told()).default_times.tolist() == [NEVER]


DUE = date(2024, 4, 2)
ARREARS = [
    # due                 paid               in full  in default at 2024-07-01 local
    (DUE,                 None,              False,   True),   # 90 days past due
    (DUE,                 date(2024, 4, 3),  False,   True),   # a part is not the whole
    (DUE,                 date(2024, 6, 1),  True,    False),
    (date(2024, 4, 3),    None,              False,   False),  # 89 days
]  # fmt: skip


@pytest.mark.parametrize(("due", "paid", "in_full", "expected"), ARREARS)
def test_ninety_days_past_due_as_known_then(due: date, paid: date | None, *, in_full: bool, expected: bool) -> None:
    then = Told(repayments=[instalment(due, paid, in_full=in_full)])
    assert bool(outcomes(Told(), known_then=then).in_default[0]) is expected
    assert not outcomes(then).in_default[0]  # what is told of it later is no reason to leave it out


WARNINGS = [
    # due                 paid                3 months  6 months
    (date(2024, 7, 1),    date(2024, 7, 30),  0,        0),   # 29 days late
    (date(2024, 7, 1),    date(2024, 7, 31),  1,        1),   # 30 days late
    (date(2024, 7, 1),    None,               1,        1),
    (date(2024, 10, 1),   None,               0,        1),
    (date(2024, 5, 31),   None,               0,        0),   # 31 days late already
    (date(2024, 12, 15),  None,               0,        0),   # 30 days late only after six months
]  # fmt: skip


@pytest.mark.parametrize(("due", "paid", "in_three", "in_six"), WARNINGS)
def test_early_warnings(due: date, paid: date | None, in_three: int, in_six: int) -> None:
    found = outcomes(Told(repayments=[instalment(due, paid)])).warnings
    assert {months: values.tolist() for months, values in found.items()} == {3: [in_three], 6: [in_six]}


def test_warnings_of_months_that_are_not_over_are_not_known() -> None:
    found = outcomes(Told(), known_until=add_months(AS_OF, 5)).warnings
    assert {months: values.tolist() for months, values in found.items()} == {3: [0], 6: [-1]}


LIVES = [
    # first default             known until               months  ended in default
    (None,                      add_months(AS_OF, 31),    30,     False),
    (None,                      add_months(AS_OF, 90),    60,     False),
    (YEAR + SECOND,             add_months(AS_OF, 31),    13,     True),
    (add_months(AS_OF, 29) + SECOND, add_months(AS_OF, 30), 29,   False),
    (None,                      AS_OF + SECOND,           0,      False),
]  # fmt: skip


@pytest.mark.parametrize(("default", "known_until", "months", "defaulted"), LIVES)
def test_lives_reach_as_far_as_anything_is_known(
    default: datetime | None, known_until: datetime, months: int, *, defaulted: bool
) -> None:
    lives = outcomes(Told([] if default is None else defaulted_at(default)), known_until=known_until).lives
    assert (lives.months.tolist(), lives.defaulted.tolist()) == ([months], [defaulted])
