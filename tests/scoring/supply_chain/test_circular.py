"""Rings of invoices by hand, and trade that only looks like one."""

from __future__ import annotations

from datetime import date, timedelta
from importlib.resources import files

import pytest

from data_contracts.reference.dated import load_book
from scoring.supply_chain.circular import Bill, rings

START = date(2026, 1, 5)
VALUES = load_book(files("scoring") / "supply_chain" / "parameters").at(START)


def bills(*told: tuple[str, int, int], is_delivered: bool | None = False, currency: str = "CNY") -> list[Bill]:
    """From words such as ("A>B", day, amount)."""
    return [
        Bill(
            invoice_id=f"{way}-{day}",
            seller_id=way[0],
            buyer_id=way[2],
            amount_minor=amount,
            currency=currency,
            issued_on=START + timedelta(days=day),
            is_delivered=is_delivered,
        )
        for way, day, amount in told
    ]


ROUND = [("A>B", 0, 100), ("B>C", 5, 102), ("C>A", 10, 98)]
AGAIN = [(way, day + 30, amount) for way, day, amount in ROUND]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([*ROUND, *AGAIN], [("A", "B", "C")]),
        ([*ROUND, *AGAIN, ("A>D", 1, 100), ("D>E", 2, 100)], [("A", "B", "C")]),  # other trade beside it
        (ROUND, []),  # once is a coincidence
        ([*ROUND[:2], *AGAIN[:2]], []),  # it does not come back
        ([("A>B", 0, 100), ("B>A", 9, 101), ("A>B", 40, 50), ("B>A", 44, 50)], [("A", "B")]),
        ([("A>B", 0, 100), ("B>A", 9, 40), ("A>B", 40, 100), ("B>A", 44, 40)], []),  # comes back as something else
        ([("A>B", 0, 100), ("B>C", 5, 100), ("C>A", 70, 100), ("A>B", 80, 100), ("B>C", 90, 100), ("C>A", 150, 100)], []),
        ([("A>A", 0, 100), ("A>A", 9, 100)], []),  # a firm that bills itself is another matter
    ],
)  # fmt: skip
def test_rings(told: list[tuple[str, int, int]], expected: list[tuple[str, ...]]) -> None:
    assert [ring.firms for ring in rings(bills(*told), VALUES)] == expected


def test_a_ring_names_its_invoices_and_sums_to_the_fen() -> None:
    (ring,) = rings(bills(*ROUND, *AGAIN), VALUES)
    assert (ring.rounds, ring.amount_minor, ring.undelivered_minor) == (2, 600, 600)
    assert set(ring.invoices) == {f"{way}-{day}" for way, day, _ in [*ROUND, *AGAIN]}
    assert ((ring.last_day - ring.first_day).days, ring.first_day) == (40, START)


def test_goods_that_were_delivered_and_what_nobody_knows_are_no_ring() -> None:
    assert rings(bills(*ROUND, *AGAIN, is_delivered=True), VALUES) == []
    assert rings(bills(*ROUND, *AGAIN, is_delivered=None), VALUES) == []


def test_order_of_rows_and_names_do_not_matter() -> None:
    told = bills(*ROUND, *AGAIN)
    assert rings(told[::-1], VALUES) == rings(told, VALUES)


def test_nobody_trades() -> None:
    assert rings([], VALUES) == []
