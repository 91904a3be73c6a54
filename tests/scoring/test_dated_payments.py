"""Payments on instalments, each on its day, out of the versions of a ledger; by hand, amounts in fen."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_contracts.reference.dated import load_book
from scoring.monitoring.delinquency import arrears
from scoring.portfolio.ledgers import dated_payments, loans_from

VALUES = load_book(files("scoring") / "monitoring" / "parameters").at(date(2018, 1, 1))
ZONE = ZoneInfo("Asia/Shanghai")
D1, D5, D9 = date(2026, 3, 1), date(2026, 3, 5), date(2026, 3, 9)

# versions in order of recording (day of the last payment, paid so far)    payments
VERSIONS = [
    ([],                                               []),
    ([(None, 0)],                                      []),
    ([(D1, 100)],                                      [(D1, 100)]),                # loaded late: all of it counts from then
    ([(None, 0), (D5, 100)],                           [(D5, 100)]),
    ([(None, 0), (D1, 30), (D5, 70), (D9, 100)],       [(D1, 30), (D5, 40), (D9, 30)]),
    ([(D1, 100), (D5, 100)],                           [(D5, 100)]),                # the day was corrected
    ([(D1, 30), (D5, 70), (D9, 70)],                   [(D1, 30), (D9, 40)]),       # that of the last part
    ([(D1, 100), (D5, 20)],                            [(D1, 100), (D5, -80)]),     # given back
    ([(D1, 100), (None, 0), (D9, 100)],                [(D1, 100), (D1, -100), (D9, 100)]),  # it never came
]  # fmt: skip


@pytest.mark.parametrize(("versions", "payments"), VERSIONS)
def test_each_payment_counts_from_its_day(versions: list[tuple[date, int]], payments: list[tuple[date, int]]) -> None:
    assert dated_payments(versions) == payments


@given(st.lists(st.tuples(st.dates(date(2026, 1, 1), date(2026, 12, 31)), st.integers(0, 10**9)), max_size=6))
def test_payments_add_up_to_what_the_last_version_says(versions: list[tuple[date, int]]) -> None:
    assert sum(amount for _, amount in dated_payments(versions)) == (versions[-1][1] if versions else 0)


FACILITIES = pd.DataFrame(
    [{"obligor_id": "A", "facility_id": "F", "event_time": datetime(2026, 1, 1, tzinfo=UTC), "facility_kind": "term_loan",
      "purpose": "working_capital", "currency": "CNY", "amount_minor": 12_000_000, "rate_per_year": 0.0,
      "instalments": 12}]
)  # fmt: skip


def told(*versions: tuple[int, date, int, date | None]) -> pd.DataFrame:
    """Instalment, due day, paid so far, day of the last payment; recorded one day after another."""
    rows = [
        {"obligor_id": "A", "facility_id": "F", "instalment": number, "due_date": due, "amount_due_minor": 1_000_000,
         "amount_paid_minor": paid, "paid_date": on, "recorded_time": datetime(2026, 4, 1, tzinfo=UTC) + timedelta(days=at)}
        for at, (number, due, paid, on) in enumerate(versions)
    ]  # fmt: skip
    return pd.DataFrame(rows).sample(frac=1.0, random_state=1)  # in no order


FIRST = date(2026, 2, 1)
IN_PARTS = told(
    (1, FIRST, 0, None),
    (1, FIRST, 400_000, FIRST + timedelta(days=10)),
    (2, date(2026, 3, 1), 0, None),
    (1, FIRST, 1_000_000, FIRST + timedelta(days=45)),
    (2, date(2026, 3, 1), 1_000_000, FIRST + timedelta(days=45)),
)
# day after the first was due   overdue      days past due
DAYS = [
    (0,                                 0,   0),
    (1,                         1_000_000,   1),
    (9,                         1_000_000,   9),
    (10,                          600_000,  10),  # a part came, the rest is as old as before
    (27,                          600_000,  27),
    (29,                        1_600_000,  29),  # the second fell due a day ago
    (44,                        1_600_000,  44),
    (45,                                0,   0),
]  # fmt: skip


@pytest.mark.parametrize(("after", "overdue", "late"), DAYS)
def test_days_past_due_from_dated_payments(after: int, overdue: int, late: int) -> None:
    (loan,) = loans_from(FACILITIES, IN_PARTS, lgd={"working_capital": 0.4}, zone=ZONE)
    found = arrears(loan.dues, day=FIRST + timedelta(days=after), values=VALUES)
    assert (found.overdue_minor, found.days_past_due) == (overdue, late)
