"""What lies on core enterprises, looked through, against cases worked by hand; amounts in fen."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.core_enterprises import (
    CoreEnterprise,
    OnCoreEnterprises,
    parse_on_core_enterprises,
    plain_on_core_enterprises,
    tightest,
)
from scoring.monitoring.delinquency import Due
from scoring.portfolio.core_enterprises import debtor, looked_through, on_core_enterprises
from scoring.portfolio.ledgers import sold_to_buyers
from scoring.portfolio.loans import Loan, outstanding_minor

DAY = date(2026, 6, 30)


def owed(obligor: str, amount: int, *, paid: int = 0) -> Loan:
    """Four instalments without interest, a month apart, the first `paid` of them paid by the day."""
    each, first = amount // 4, DAY - timedelta(days=100)
    days = [first + timedelta(days=30 * number) for number in range(4)]
    dues = [Due(due_on=on, amount_minor=each, payments=[(on, each)]) for on in days[:paid]]
    return Loan(
        facility_id=f"{obligor}/1", obligor_id=obligor, product="working_capital", granted_on=date(2026, 1, 1),
        amount_minor=amount, annual_rate=0.0, instalments=4, dues=dues, lgd=0.4,
    )  # fmt: skip


SOLD = {
    "APPLICANT": {"CORE": 300, "SMALL": 100},
    "TIER1": {"CORE": 50},
    "TIER2": {"SMALL": 1, "FAR": 2},
    "CORE": {"FAR": 7},
}
LOANS = [
    owed("APPLICANT", 400),          # 300 on CORE, 100 on SMALL
    owed("TIER1", 1_000, paid=1),    # 750 left, all on CORE
    owed("TIER2", 100),              # 33 1/3 on SMALL, 66 2/3 on FAR: 33 and 67
    owed("CORE", 80),                # direct on CORE, and through it on FAR
    owed("SILENT", 40),              # no invoice: on nobody
    owed("REPAID", 40, paid=4),      # owes nothing
]  # fmt: skip


def test_a_book_looked_through_by_hand() -> None:
    owed_by = {loan.obligor_id: debtor(outstanding_minor(loan, DAY), SOLD.get(loan.obligor_id, {})) for loan in LOANS}
    found = on_core_enterprises(looked_through(owed_by), SOLD["APPLICANT"], lenders=["Bank A"])
    lines = [(item.core_enterprise, item.sold_minor, item.direct_minor, item.through_minor)
             for item in found.core_enterprises]  # fmt: skip
    assert lines == [("CORE", 300, 80, 300 + 750), ("SMALL", 100, 0, 100 + 33)]
    assert (found.obligors, found.with_buyers) == (5, 4)
    assert found.outstanding_minor == 400 + 750 + 100 + 80 + 40
    assert found.unexplained_minor == 40
    assert parse_on_core_enterprises(json.loads(json.dumps(plain_on_core_enterprises(found)))) == found


def test_what_nobody_sold_and_nobody_owes_is_known_and_nothing() -> None:
    found = on_core_enterprises(looked_through({}), {}, lenders=["Bank A"])
    assert (found.core_enterprises, found.obligors, found.outstanding_minor) == ((), 0, 0)
    assert tightest(found, cap_minor=1_000, amount_minor=5) is None


def known(*buyers: tuple[str, int, int]) -> OnCoreEnterprises:
    items = [CoreEnterprise(core_enterprise=name, sold_minor=sold, direct_minor=0, through_minor=on)
             for name, sold, on in buyers]  # fmt: skip
    return OnCoreEnterprises(
        lenders=("Bank A",), core_enterprises=items, obligors=1, with_buyers=1, outstanding_minor=0, unexplained_minor=0
    )


# buyers (name, sold, lies on it already)       asked  binds   lendable  with it      of a limit of 1,000
ROOMS = [
    ([("A", 1, 0)],                               400, "A",       1_000,    400),
    ([("A", 3, 700), ("B", 1, 0)],                400, "A",         400,  1_000),  # 300 / (3/4)
    ([("A", 3, 700), ("B", 1, 950)],              400, "B",         200,  1_050),  # 50 / (1/4)
    ([("A", 1, 900), ("B", 1, 900)],              100, "A",         200,    950),  # of equals the first by name
    ([("A", 3, 999), ("B", 4, 0)],                  2, "A",           2,  1_000),  # 1 / (3/7) = 2.33; 2 x 3/7 counts as 1
    ([("A", 3, 999), ("B", 4, 0)],                  3, "A",           2,  1_001),  # 3 x 3/7 = 1.29 counts as 2
    ([("A", 1, 1_200)],                             1, "A",           0,  1_201),  # above it before anything is lent
]  # fmt: skip


@pytest.mark.parametrize(("buyers", "asked", "binds", "lendable", "with_it"), ROOMS)
def test_room_on_the_buyer_that_binds_first(
    buyers: list[tuple[str, int, int]], asked: int, binds: str, lendable: int, with_it: int
) -> None:
    room = tightest(known(*buyers), cap_minor=1_000, amount_minor=asked)
    assert room is not None
    assert (room.core_enterprise, room.lendable_minor, room.with_request_minor) == (binds, lendable, with_it)


sold_and_owed = st.tuples(st.integers(1, 10**9), st.integers(0, 2 * 10**6))


@given(st.lists(sold_and_owed, min_size=1, max_size=6), st.integers(1, 10**6))
def test_the_limit_is_exceeded_exactly_where_more_than_lendable_is_asked_for(
    told: list[tuple[int, int]], asked: int
) -> None:
    buyers = [(f"B{place}", sold, on) for place, (sold, on) in enumerate(told)]
    room = tightest(known(*buyers), cap_minor=10**6, amount_minor=asked)
    assert room is not None
    assert (room.with_request_minor > 10**6) == (asked > room.lendable_minor)


def test_what_was_taken_back_was_not_sold() -> None:
    rows = [
        ("A", "X", "issued", 500),
        ("A", "X", "red_letter", 200),
        ("A", "Y", "issued", 1),
        ("A", "Z", "red_letter", 9),
    ]
    invoices = pd.DataFrame(rows, columns=["obligor_id", "buyer_id", "status", "amount_minor"])
    assert sold_to_buyers(invoices) == {"A": {"X": 300, "Y": 1}}
