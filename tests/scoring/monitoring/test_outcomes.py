"""Which promises have come due, and how they were kept."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from scoring.monitoring.outcomes import Promise, by_month, come_due, line

GIVEN = datetime(2026, 6, 30, 16, tzinfo=UTC)
PROMISE = Promise(subject="A", as_of=GIVEN, pd_12m=0.1)


def at(year: int, month: int, day: int, hour: int = 16) -> datetime:
    return datetime(year, month, day, hour, tzinfo=UTC)


@pytest.mark.parametrize(
    ("known", "first", "found"),
    [
        (at(2027, 7, 30),     None,                 [False]),
        (at(2027, 7, 29),     None,                 []),
        (at(2027, 7, 29),     at(2026, 7, 1),       []),       # a default that came early does not come due early
        (at(2027, 7, 30),     at(2026, 6, 30, 17),  [True]),
        (at(2027, 7, 30),     at(2026, 6, 30, 16),  []),       # nothing was promised of one in default
        (at(2027, 7, 30),     at(2027, 6, 30, 16),  [True]),
        (at(2027, 7, 30),     at(2027, 6, 30, 17),  [False]),
    ],
)  # fmt: skip
def test_a_promise_comes_due_a_year_and_a_month_later(
    known: datetime, first: datetime | None, found: list[bool]
) -> None:
    defaults = {} if first is None else {"A": first}
    assert [item.defaulted for item in come_due([PROMISE], defaults, known_until=known)] == found


def test_cohorts() -> None:
    later = Promise(subject="B", as_of=at(2026, 8, 1), pd_12m=0.3)
    both = [PROMISE, later, Promise(subject="C", as_of=GIVEN, pd_12m=0.2)]
    kept = come_due(both, {"C": at(2026, 9, 1)}, known_until=at(2027, 8, 1))
    first, second = by_month(both, kept)
    assert (first["cohort"], first["promised"], first["rows"], first["defaults"]) == ("2026-06", 2, 2, 1)
    assert (first["mean_pd"], first["default_rate"]) == (pytest.approx(0.15), 0.5)
    assert first["actual_to_expected"] == pytest.approx(1 / 0.3)
    assert (second["cohort"], second["promised"], second["rows"], second["mean_pd"]) == ("2026-08", 1, 0, None)
    assert line([])["optimism"] is None
