"""Receivables and orders out of ledgers, by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from data_contracts.errors import NotFound
from data_contracts.reference.dated import load_book
from scoring.supply_chain.purchase_order.from_ledgers import Confirmed, OrderLedgers, release_of
from scoring.supply_chain.purchase_order.jobs import shared_out
from scoring.supply_chain.purchase_order.loans import LoanTold, exposure_on, loans_of
from scoring.supply_chain.purchase_order.norms import norms
from scoring.supply_chain.purchase_order.order import Milestone, Work
from scoring.supply_chain.purchase_order.tranches import Hold
from scoring.supply_chain.receivables.eligibility import RuleCode
from scoring.supply_chain.receivables.from_ledgers import SellerLedgers, base_of, receivables_of

DAY = date(2026, 6, 30)
VALUES = load_book(files("scoring") / "supply_chain" / "parameters").at(DAY)


def at(day: str) -> pd.Timestamp:
    return pd.Timestamp(day, tz="UTC")


def frame(columns: str, *rows: tuple[Any, ...]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=columns.split())


INVOICES = frame(
    "invoice_id buyer_id delivery_id event_time status corrected_invoice_id amount_minor tax_minor currency due_date",
    ("I1", "B1", "D1", at("2026-06-01"), "issued", None, 1130, 130, "CNY", date(2026, 7, 30)),
    ("I2", "B2", "D2", at("2026-06-02"), "issued", None, 1130, 130, "CNY", date(2026, 7, 30)),
    ("I3", "B2", "D3", at("2026-06-03"), "issued", None, 2260, 260, "CNY", date(2026, 7, 30)),
    ("I4", "B3", None, at("2026-06-04"), "issued", None, 500, 0, "CNY", date(2026, 7, 30)),
    ("I5", "B3", "D5", at("2026-06-05"), "issued", None, 900, 0, "CNY", date(2026, 7, 30)),
    ("R5", "B3", None, at("2026-06-06"), "red_letter", "I5", 900, 0, "CNY", None),
)
LEDGERS = SellerLedgers(
    invoices=INVOICES,
    receipts=frame("invoice_id buyer_id event_time amount_minor", ("I1", "B1", at("2026-06-20"), 130)),
    deliveries=frame("delivery_id amount_minor", ("D1", 1000), ("D3", 1500)),
    supplier_invoices=frame("supplier_id amount_minor amount_paid_minor currency", ("B1", 100, 40, "CNY")),
    ratings=frame("counterparty_id event_time recorded_time pd_12m", ("B1", at("2026-01-01"), at("2026-01-01"), 0.01)),
    confirmations=frame("obligor_id supplier_id invoice_id event_time status amount_minor currency"),
)


def test_what_is_owed_and_what_was_shipped() -> None:
    found = {item.invoice_id: (item.outstanding_minor, item.shipped_minor) for item in receivables_of(LEDGERS)}
    assert found == {
        "I1": (1000, 1130),  # paid in part; the delivery with the invoice's tax
        "I2": (1130, 0),  # names a delivery that nobody noted
        "I3": (2260, 1760),
        "I4": (500, None),  # names none
    }


def test_every_fen_is_eligible_or_in_one_deduction() -> None:
    told = base_of(LEDGERS, day=DAY, currency="CNY", pd_supplier=0.05, lgd=Decimal("0.4"), values=VALUES)
    for item in told.judged:
        assert item.eligible_minor + sum(item.deductions.values()) == item.receivable.outstanding_minor
    by_invoice = {item.receivable.invoice_id: item.deductions for item in told.judged}
    assert by_invoice["I2"] == {RuleCode.NOT_SHIPPED: 1130}
    assert by_invoice["I1"][RuleCode.CONTRA] == 60  # what the seller owes B1
    assert {line.invoice_id: line.basis for line in told.base.lines}["I1"] == "buyer_and_supplier"
    assert told.base.advance_minor == sum(line.advance_minor for line in told.base.lines)


def loan(collateral: str, amount: int, *, drawn: date = DAY, repaid: dict[date, int] | None = None) -> LoanTold:
    return LoanTold(
        facility_id=f"on {collateral}", collateral_id=collateral, drawn_on=drawn, amount_minor=amount, currency="CNY",
        repaid=repaid or {},
    )  # fmt: skip


def order_ledgers(*, counted: float = 1.0) -> OrderLedgers:
    """Half a year at 100 parts a day of 1 kWh and 0.1 hours each; then an order of 1,000 parts and five days of work, of
    which parts are told `counted` times."""
    days = pd.date_range("2026-01-01", "2026-06-29", freq="D")
    parts = np.full(len(days), 100.0)
    is_order = days >= pd.Timestamp("2026-06-25")
    return OrderLedgers(
        orders=frame(
            "order_id buyer_id event_time placed part_number parts amount_minor currency due_date",
            ("P1", "B1", at("2026-06-25"), pd.Timestamp("2026-06-25"), None, 1000, 1_000_000, "CNY", date(2026, 7, 20)),
        ),
        deliveries=frame("delivery_id order_id amount_minor"),
        invoices=INVOICES,
        supplier_invoices=frame("supplier_invoice_id supplier_id event_time", ("S1", "STEEL", at("2026-06-26"))),
        loans=[loan("P1", 300_000)],
        days=pd.DataFrame(
            {
                "day": days,
                "parts": np.where(is_order, parts * counted, parts),
                "energy_executing_kwh": parts,
                "executing_hours": parts * 0.1,
            }
        ),
    )


ACCEPTED = Confirmed(is_accepted=True, material_suppliers=frozenset({"STEEL"}))


def test_only_purchases_from_agreed_suppliers_are_an_orders_material() -> None:
    ledgers = order_ledgers()
    for suppliers, drawable in (({"STEEL"}, 400_000), (set(), 350_000), ({"CLOTH"}, 350_000)):
        said = Confirmed(is_accepted=True, material_suppliers=frozenset(suppliers))
        _, _, told = release_of(ledgers, "P1", said, day=DAY, values=VALUES)
        assert told.exposure_minor == drawable  # else 70 % of the half that was made


def test_an_order_is_paid_on_what_was_made() -> None:
    file, ahead, told = release_of(order_ledgers(), "P1", ACCEPTED, day=DAY, values=VALUES)
    assert (file.order.kwh_per_unit, file.order.hours_per_unit) == (pytest.approx(1.0), pytest.approx(0.1))
    assert file.work.units == 500
    assert told.progress.verified == pytest.approx(0.5)
    assert ahead is not None
    assert ahead.probability_on_time > 0.95
    assert told.exposure_minor == 400_000  # 40 % on its start exceed 70 % of a half; 300,000 are drawn
    assert told.release_minor == 100_000


def after_an_older_order(*days: tuple[str, int]) -> OrderLedgers:
    """Order A for 100 parts, placed on the first day of work and due in June; B for 1,000, placed on June 1st; `days`
    are blocks of work by their last day and the parts of each, 1 kWh and 0.1 hours a part."""
    spans = [(pd.Timestamp(last), parts) for last, parts in days]
    day = pd.date_range("2026-01-05", spans[-1][0], freq="D")
    parts = np.array([next(parts for last, parts in spans if today <= last) for today in day], dtype=float)
    january, june = pd.Timestamp("2026-01-05"), pd.Timestamp("2026-06-01")
    return replace(
        order_ledgers(),
        orders=frame(
            "order_id buyer_id event_time placed part_number parts amount_minor currency due_date",
            ("A", "B1", at("2026-01-04T17:00"), january, None, 100, 100_000, "CNY", date(2026, 6, 15)),
            ("B", "B1", at("2026-05-31T17:00"), june, None, 1000, 1_000_000, "CNY", date(2026, 7, 20)),
        ),
        supplier_invoices=frame("supplier_invoice_id supplier_id event_time", ("S1", "STEEL", at("2026-06-02"))),
        days=pd.DataFrame({"day": day, "parts": parts, "energy_executing_kwh": parts, "executing_hours": parts / 10}),
    )


# blocks of work: last day, parts a day                      units of A, of B    B is entitled to
OLDER = [
    ([("2026-05-31", 20)],                                   100, None,          300_000),  # on its acceptance alone
    ([("2026-05-31", 20), ("2026-06-03", 0)],                100, 0,             300_000),
    ([("2026-05-31", 20), ("2026-06-03", 20)],               100, 60,            400_000),  # on its start
    ([("2026-05-31", 0), ("2026-06-03", 100)],               100, 200,           400_000),  # A, due first, is made of June
    ([("2026-05-31", 20), ("2026-06-20", 100)],              100, 1000,          700_000),  # never above what is ordered
]  # fmt: skip


@pytest.mark.parametrize(("days", "older", "younger", "entitled"), OLDER)
def test_what_was_made_before_an_order_was_placed_is_no_work_on_it(
    days: list[tuple[str, int]], older: float, younger: float | None, entitled: int
) -> None:
    ledgers, accepted = after_an_older_order(*days), ACCEPTED
    first, _, _ = release_of(ledgers, "A", accepted, day=DAY, values=VALUES)
    second, _, told = release_of(ledgers, "B", accepted, day=DAY, values=VALUES)
    assert (first.work.units, second.work.units) == (older, younger)
    assert max(tranche.entitled_minor for tranche in told.tranches) == entitled


def test_a_counter_that_runs_ahead_and_an_order_that_nobody_accepted_earn_nothing() -> None:
    _, _, spoofed = release_of(order_ledgers(counted=1.5), "P1", ACCEPTED, day=DAY, values=VALUES)
    earned = next(item for item in spoofed.tranches if item.tranche.value == "earned")
    assert (earned.entitled_minor, Hold.WITNESSES_DISAGREE in earned.holds) == (0, True)
    _, _, unaccepted = release_of(order_ledgers(), "P1", Confirmed(), day=DAY, values=VALUES)
    assert unaccepted.release_minor == 0
    with pytest.raises(NotFound):
        release_of(order_ledgers(), "P9", Confirmed(), day=DAY, values=VALUES)


D1, D2 = pd.Timestamp("2026-06-25"), pd.Timestamp("2026-06-26")
MACHINE_DAYS = frame(
    "machine_uid day parts energy_executing_kwh executing_hours",
    ("M1", D1, 100.0, 50.0, 10.0),
    ("M1", D2, 100.0, 50.0, 10.0),
    ("M2", D1, 40.0, 8.0, 4.0),
)
ORDERS = frame(
    "order_id part_number placed due_date parts",
    ("P1", None, D1, date(2026, 7, 20), 1000),
    ("P2", None, D2, date(2026, 7, 20), 1000),
)
# runs of M1 (day, order, parts, seconds)                    work of P1: units, kWh, hours    left to be shared: units
JOBS = [
    ([],                                                     None,                            240),
    ([(D1, "P1", 100, 36_000)],                              (100, 50.0, 10.0),               140),
    ([(D1, "P1", 60, 27_000), (D1, None, 40, 9_000)],        (60, 37.5, 7.5),                 140),  # three quarters of the time
    ([(D1, "P1", 60, None), (D1, "P2", 40, None)],           (60, 30.0, 6.0),                 140),  # without times by parts
    ([(D1, "P1", 60, 18_000)],                               (60, 25.0, 5.0),                 140),  # half of the day was its
    ([(D1, "P1", 150, 36_000), (D1, None, 50, 36_000)],      (75, 25.0, 5.0),                 140),  # cut to what was counted
    ([(D1, "P1", 100, 36_000), (D2, "P1", 100, 36_000)],     (200, 100.0, 20.0),               40),
    ([(D1, "P2", 100, 36_000)],                              None,                            140),  # before P2 was placed
    ([(D1, "P9", 100, 36_000)],                              None,                            140),  # an order nobody knows
    ([(pd.Timestamp("2026-07-01"), "P1", 9, 60)],            None,                            240),  # no machine-day
]  # fmt: skip


@pytest.mark.parametrize(("runs", "work", "left"), JOBS)
def test_a_days_work_goes_to_the_job_that_it_is_told_of(
    runs: list[tuple[Any, ...]], work: tuple[float, float, float] | None, left: float
) -> None:
    rows = frame("machine_uid day order_id parts executing_seconds", *[("M1", *run) for run in runs])
    rows = rows.assign(program="O1", part_number=None)
    rows = rows.astype({"day": "datetime64[us]", "parts": "float64", "executing_seconds": "float64"})
    found = shared_out(MACHINE_DAYS, rows, ORDERS)
    expected = None if work is None else Work(units=work[0], kwh=pytest.approx(work[1]), hours=pytest.approx(work[2]))
    assert found.runs.by_order.get("P1") == expected
    assert found.days["parts"].sum() == left


def test_told_of_another_job_a_day_earns_this_order_nothing_and_untold_days_are_shared() -> None:
    ledgers = order_ledgers()
    days = ledgers.days.assign(machine_uid="M1")
    lately = days[days["day"] >= pd.Timestamp("2026-06-25")]
    jobs = [("P1", 100), ("another", 100), (None, 100)]  # then two days of which nothing is told
    runs = pd.DataFrame(
        [{"machine_uid": "M1", "day": row.day, "program": "O1", "part_number": None, "order_id": order, "parts": parts,
          "executing_seconds": 36_000.0}
         for row, (order, parts) in zip(lately.itertuples(), jobs, strict=False)]
    )  # fmt: skip
    told = replace(ledgers, jobs=shared_out(days, runs, ORDERS))
    file, _, released = release_of(told, "P1", ACCEPTED, day=DAY, values=VALUES)
    assert (file.work_by_job.units, file.work.units) == (100, 300)
    assert released.progress.verified == pytest.approx(0.3)
    started = next(item for item in released.tranches if item.tranche.value == "started")
    assert {"production runs", "machine-days"} <= set(started.evidence)
    whole, _, _ = release_of(ledgers, "P1", ACCEPTED, day=DAY, values=VALUES)
    assert (whole.work_by_job.units, whole.work.units) == (None, 500)


BEFORE, LATER = date(2026, 6, 1), date(2026, 7, 30)
# lent, on what and what of it was repaid                                             order  invoices  drawn
LIVES = [
    ([loan("P1", 300)],                                                                 300,        0,   300),
    ([loan("P1", 300, drawn=BEFORE), loan("I1", 125)],                                  300,      125,   425),  # on top
    ([loan("P1", 300, drawn=BEFORE, repaid={DAY: 300}), loan("I1", 425)],                 0,      425,   425),  # moved
    ([loan("P1", 300, drawn=BEFORE, repaid={DAY: 300}), loan("I1", 200)],                 0,      200,   300),  # in part
    ([loan("P1", 300, drawn=BEFORE, repaid={LATER: 300}), loan("I1", 125)],             125,        0,   425),  # later
    ([loan("I1", 400, repaid={LATER: 400}), loan("I9", 77), loan("P2", 55)],              0,        0,   400),
]  # fmt: skip


@pytest.mark.parametrize(("loans", "on_order", "on_receivables", "drawn"), LIVES)
def test_an_order_and_its_invoices_are_one_exposure(
    loans: list[LoanTold], on_order: int, on_receivables: int, drawn: int
) -> None:
    found = exposure_on("P1", {"I1"}, loans, currency="CNY")
    assert (found.on_order_minor, found.on_receivables_minor, found.drawn_minor) == (on_order, on_receivables, drawn)
    repaid = sum(amount for item in loans if item.collateral_id in ("P1", "I1") for amount in item.repaid.values())
    lent = sum(item.amount_minor for item in loans if item.collateral_id in ("P1", "I1"))
    assert found.total_minor == lent - repaid


def test_what_an_advance_on_an_orders_invoice_lent_is_not_released_on_the_order_again() -> None:
    ledgers = replace(order_ledgers(), deliveries=frame("delivery_id order_id amount_minor", ("D1", "P1", 1000)))
    for on_invoice, released in ((0, 100_000), (60_000, 40_000), (100_000, 0)):
        told = replace(ledgers, loans=[loan("P1", 300_000), *([loan("I1", on_invoice)] if on_invoice else [])])
        _, _, found = release_of(told, "P1", ACCEPTED, day=DAY, values=VALUES)
        assert (found.release_minor, found.exposure_minor) == (released, 400_000)


def test_instalments_paid_in_full_repay_principal_and_interest_does_not() -> None:
    """120,000 over two months at 12 %: half of it and a little less goes off first (1.01 / 2.01 of it stays)."""
    facilities = frame(
        "facility_id collateral_id event_time amount_minor currency rate_per_year instalments",
        ("F1", "P1", at("2026-05-31 17:00"), 120_000, "CNY", 0.12, 2),
        ("F2", None, at("2026-06-01"), 9_000, "CNY", 0.12, 1),
    )
    paid = frame(
        "facility_id instalment due_date amount_due_minor amount_paid_minor paid_date",
        ("F1", 1, date(2026, 7, 1), 60_902, 60_902, date(2026, 7, 3)),
        ("F1", 2, date(2026, 8, 1), 60_902, 60_901, date(2026, 8, 1)),
    )
    (told,) = loans_of(facilities, paid, zone=ZoneInfo("Asia/Shanghai"))
    assert (told.drawn_on, told.repaid) == (date(2026, 6, 1), {date(2026, 7, 3): 120_000 - 60_299})


def inspected(*records: tuple[str, int, int]) -> pd.DataFrame:
    """Records (buyer, parts inspected, parts passed) of the order P1."""
    rows = [(buyer, f"Q{number}", "P1", *parts) for number, (buyer, *parts) in enumerate(records)]
    return frame("obligor_id inspection_id order_id parts_inspected parts_passed", *rows)


# the buyer's records                            lender's word  units  status
INSPECTED = [
    ([],                                         None,          None,  None),
    ([],                                         300,           300,   "met"),
    ([("B1", 400, 380), ("B1", 20, 15)],         None,          395,   "met"),
    ([("B1", 400, 380)],                         300,           300,   "met"),
    ([("B1", 400, 380)],                         500,           380,   "met"),
    ([("B1", 400, 0)],                           500,           0,     "contradicted"),  # looked at, and none passed
    ([("B1", 10, 40)],                           None,          10,    "met"),  # no more than were looked at
    ([("B2", 400, 380)],                         None,          None,  None),  # of somebody who is not its buyer
]  # fmt: skip


@pytest.mark.parametrize(("records", "word", "units", "status"), INSPECTED)
def test_a_buyers_own_records_tell_what_passed(
    records: list[tuple[str, int, int]], word: int | None, units: int | None, status: str | None
) -> None:
    ledgers = replace(order_ledgers(), inspections=inspected(*records))
    file, _, told = release_of(ledgers, "P1", replace(ACCEPTED, inspected_units=word), day=DAY, values=VALUES)
    seen = file.seen.get(Milestone.INSPECTED)
    assert (file.inspected_units, None if seen is None else seen.status.value) == (units, status)
    shipped = next(item for item in told.tranches if item.tranche.value == "shipped")
    assert (Hold.MILESTONE_CONTRADICTED in shipped.holds) is (status == "contradicted")


def test_norms_are_the_parts_own_as_far_as_runs_tell_it() -> None:
    """All parts take 1 kWh and 0.1 h. Of ten days the part itself was told, at 3 kWh and 0.2 h: half of either. A part
    that no run told has the firm's; without any day of the firm the part's own stand alone."""
    days = pd.DataFrame({"units": [100.0] * 20, "kwh": [100.0] * 20, "hours": [10.0] * 20})
    own = pd.DataFrame({"units": [10.0] * 10 + [np.nan], "kwh": [30.0] * 11, "hours": [2.0] * 11})
    found = norms(days, own, worth_days=10)
    assert (found.kwh, found.hours) == (pytest.approx(2.0), pytest.approx(0.15))
    assert (found.own_days, found.own_weight) == (10, 0.5)
    for whole, part, expected in (
        (days, own[:0], (1.0, 0.1, 0.0)),
        (days, None, (1.0, 0.1, 0.0)),
        (days[:0], own, (3.0, 0.2, 1.0)),
        (days[:0], None, (None, None, 0.0)),
    ):
        told = norms(whole, part, worth_days=10)
        assert (told.kwh, told.hours, told.own_weight) == expected
