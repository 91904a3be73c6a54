"""A night finds firms that bill each other in a ring, out of ledgers that came in by the front door."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from ledger_door import told

from api.database.engine import unit_of_work
from api.home import Home, open_home
from api.watch import service

FIRMS = ("91999999MA00070019", "91999999MA0000001N", "91999999MA0001000T")
AS_OF = datetime(2026, 6, 30, 16, tzinfo=UTC)
INVOICE = (
    "obligor_id,invoice_id,buyer_id,delivery_id,event_time,status,corrected_invoice_id,amount_minor,tax_minor,currency,"
    "due_date"
)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    opened = open_home(tmp_path / "home")
    yield opened
    opened.engine.dispose()


def billed(home: Home, rounds: int, *, corrected: int = 0) -> None:
    """So many months in which each firm bills the next 1,000 yuan for a delivery that nobody noted; every firm noted
    one delivery of another kind. Of the first `corrected` rounds the last invoice was taken off."""
    rows = [
        (
            seller,
            f"{place}-{month}",
            FIRMS[(place + 1) % 3],
            f"X{place}-{month}",
            f"2026-0{month}-0{place + 1}T01:00:00Z",
        )
        for month in range(1, rounds + 1)
        for place, seller in enumerate(FIRMS)
    ]
    issued = [(*row, "issued", None, 100_000, 0, "CNY", "2026-08-01") for row in rows]
    off = [
        (FIRMS[2], f"R{month}", FIRMS[0], None, f"2026-0{month}-09T01:00:00Z", "red_letter", f"2-{month}", 100_000, 0,
         "CNY", None)
        for month in range(1, corrected + 1)
    ]  # fmt: skip
    told(home, "invoice", INVOICE, issued + off)
    told(
        home,
        "delivery",
        "obligor_id,delivery_id,order_id,event_time,parts,amount_minor,currency",
        [(firm, "D1", "P1", "2026-02-01T01:00:00Z", 10, 1_000, "CNY") for firm in FIRMS],
    )


def test_a_ring_opens_a_case_of_each_firm_that_names_its_own_invoices(home: Home) -> None:
    billed(home, 3)
    answer = service.watch(home, as_of=AS_OF, now=AS_OF)
    assert {case["obligor_id"] for case in answer["cases"]} == set(FIRMS)
    (case,) = (case for case in answer["cases"] if case["obligor_id"] == FIRMS[1])
    (warning,) = case["warnings"]
    assert (warning["code"], warning["severity"], warning["last_day"]) == ("circular_trade", "serious", "2026-06-30")
    with unit_of_work(home.engine) as connection:
        (event,) = service.described(connection, case["case_id"])["events"]
    (told_of,) = event["evidence"]
    assert told_of["evidence"] == {
        "firms": 3,
        "rounds": 3,
        "buyer_id": FIRMS[2],
        "billed_by": FIRMS[0],
        "invoices": "1-1, 1-2, 1-3",  # its own: what others bill is not for whoever may see this firm
        "amount_minor": 300_000,
        "undelivered_minor": 300_000,
        "currency": "CNY",
        "since": "2026-01-01",
        "until": "2026-03-03",
    }
    assert service.watch(home, as_of=AS_OF, now=AS_OF)["news"] == []


def test_one_round_and_rounds_that_were_taken_off_are_no_ring(home: Home) -> None:
    billed(home, 3, corrected=2)
    assert service.watch(home, as_of=AS_OF, now=AS_OF)["warnings"] == 0
