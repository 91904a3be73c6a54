"""The register of leased machines against cases worked by hand, as tables; amounts in fen."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, timedelta
from importlib.resources import files
from typing import Any

import pandas as pd
import pytest

from data_contracts.reference.dated import load_book
from scoring.credit.collateral import collateral_terms
from scoring.supply_chain.collateral.lease_register import (
    LeasedMachine,
    LeaseLedgers,
    Untold,
    Whereabouts,
    lease_register,
    totals,
)
from scoring.supply_chain.collateral.leasing import UseAndPay

DAY = date(2026, 6, 30)
VALUES = load_book(files("scoring") / "supply_chain" / "parameters").at(DAY)
WEAR = collateral_terms(load_book(files("scoring") / "parameters").at(DAY))
MACHINE = "A/M1"
HOME = (31.30, 120.60)
A_KILOMETRE_NORTH = (31.309, 120.60)


def ago(days: int) -> date:
    return DAY - timedelta(days=days)


FACILITY = {
    "facility_id": "L1", "lender_id": "Leasing A", "facility_kind": "finance_lease", "collateral_id": MACHINE,
    "amount_minor": 12_000_000, "currency": "CNY", "rate_per_year": 0.0, "instalments": 12,
}  # fmt: skip
LEASE = {
    "facility_id": "L1", "machine_uid": MACHINE, "event_time": pd.Timestamp(ago(365)), "rental_minor": 1_000_000,
    "residual_minor": 500_000, "currency": "CNY", "latitude_deg": HOME[0], "longitude_deg": HOME[1], "radius_m": 300.0,
}  # fmt: skip
OWNED = {
    "machine_uid": MACHINE, "event_time": pd.Timestamp(ago(365)), "owned_on": pd.Timestamp(ago(365)),
    "asset_value_minor": 100_000_000, "currency": "CNY", "maker": "DMG", "model": "CMX", "serial": None,
}  # fmt: skip


def ledgers(
    *,
    unpaid: int = 1,
    fixes: list[tuple[int, tuple[float, float]]] | None = None,
    lease: dict[str, Any] | None = None,
    owned: dict[str, Any] | None = None,
    hours: float | None = 12.0,
) -> LeaseLedgers:
    """Three rentals fell due 70, 40 and 10 days ago, the last `unpaid` of them unpaid; `fixes` are days ago and where."""
    dues = [
        {"facility_id": "L1", "due_date": ago(days), "amount_due_minor": 1_000_000,
         "amount_paid_minor": 0 if number < unpaid else 1_000_000}
        for number, days in enumerate((10, 40, 70))
    ]  # fmt: skip
    days = [
        {"machine_uid": MACHINE, "day": pd.Timestamp(ago(back)), "executing_hours": hours,
         "executing_seconds": (hours or 0.0) * 3600, "observed_seconds": 86_400.0 if hours is not None else 0.0}
        for back in range(1, 201)
    ]  # fmt: skip
    where = [
        {"machine_uid": MACHINE, "day": pd.Timestamp(ago(back)), "latitude_deg": at[0], "longitude_deg": at[1]}
        for back, at in (fixes or [])
    ]
    columns = ["machine_uid", "day", "latitude_deg", "longitude_deg"]
    return LeaseLedgers(
        facilities=pd.DataFrame([FACILITY, {**FACILITY, "facility_id": "B1", "facility_kind": "term_loan"}]),
        repayments=pd.DataFrame(dues),
        leases=pd.DataFrame([LEASE if lease is None else lease]),
        machines=pd.DataFrame([OWNED if owned is None else owned]),
        fixes=pd.DataFrame(where, columns=columns).astype({"day": "datetime64[us]"}),
        days=pd.DataFrame(days),
    )


def only(found: LeaseLedgers) -> LeasedMachine:
    (line,) = lease_register(found, day=DAY, wear=WEAR, values=VALUES)
    return line


def test_a_lease_by_hand() -> None:
    line = only(ledgers())
    # 365 days at 12 of 24 hours are 4,380 hours: 0.15 + 0.03 x 4.38 of wear, and the condition at its worst
    value = 100_000_000 * 0.85 * math.exp(-0.15 - 0.03 * 4.38)
    at_end = value * math.exp(-0.15 * 9 / 12 - 0.03 * 12 * 365 / 12 * 9 / 1000)
    assert line.worth.value_minor == pytest.approx(value, abs=1)
    assert line.worth.sale_value_minor == pytest.approx(value * 0.70 * 0.95, abs=1)
    assert line.worth.value_at_end_minor == pytest.approx(at_end, abs=1)
    assert line.worth.residual_gap_minor == 0
    assert (line.instalments_due, line.overdue_minor, line.days_past_due) == (3, 1_000_000, 10)
    assert line.use_and_pay is UseAndPay.BUSY_IN_ARREARS
    end = line.early_end
    assert end is not None
    assert line.worth.sale_value_minor is not None
    # without interest: 1 overdue, 9 rentals left, the residual, less what the machine fetches
    assert (end.overdue_minor, end.rentals_today_minor, end.residual_today_minor) == (1_000_000, 9_000_000, 500_000)
    assert end.due_minor == 10_500_000 - line.worth.sale_value_minor
    assert (line.maker, line.serial, line.missing) == ("DMG", None, ())


# unpaid  overdue     days past due
ARREARS = [
    (0,           0,   0),
    (1,   1_000_000,  10),
    (2,   2_000_000,  40),  # the oldest counts
    (3,   3_000_000,  70),
]  # fmt: skip


@pytest.mark.parametrize(("unpaid", "overdue", "late"), ARREARS)
def test_arrears(unpaid: int, overdue: int, late: int) -> None:
    line = only(ledgers(unpaid=unpaid))
    assert (line.overdue_minor, line.days_past_due) == (overdue, late)


AT_HOME = [(back, HOME) for back in range(6, 20)]
# fixes                                                       where                  since
PLACES = [
    ([],                                                      Whereabouts.NOT_TOLD,  None),
    (AT_HOME,                                                 Whereabouts.INSIDE,    None),
    ([*AT_HOME, (2, A_KILOMETRE_NORTH)],                      Whereabouts.OUTSIDE,   None),
    ([*AT_HOME, (3, A_KILOMETRE_NORTH), (2, HOME)],           Whereabouts.INSIDE,    None),
    ([*AT_HOME, *((b, A_KILOMETRE_NORTH) for b in (3, 2, 1))], Whereabouts.MOVED,    ago(3)),
    ([*AT_HOME, (-1, A_KILOMETRE_NORTH)],                     Whereabouts.INSIDE,    None),  # of tomorrow
]  # fmt: skip


@pytest.mark.parametrize(("fixes", "where", "since"), PLACES)
def test_where_it_stands(fixes: list[tuple[int, tuple[float, float]]], where: Whereabouts, since: date | None) -> None:
    place = only(ledgers(fixes=fixes)).place
    assert (place.where, None if place.moved is None else place.moved.since) == (where, since)


def test_what_no_ledger_tells_is_named_and_not_guessed() -> None:
    cases = [
        (ledgers(lease={**LEASE, "facility_id": "another"}), (Untold.LEASE,)),
        (ledgers(owned={**OWNED, "asset_value_minor": None}), (Untold.VALUE,)),
        (ledgers(owned={**OWNED, "machine_uid": "A/M2"}), (Untold.VALUE,)),
        (ledgers(hours=None), (Untold.HOURS,)),
        (ledgers(lease={**LEASE, "currency": "EUR"}), (Untold.CURRENCY,)),
    ]
    for found, missing in cases:
        line = only(found)
        assert (line.missing, line.early_end) == (missing, None)
        assert line.overdue_minor == 1_000_000
    no_place = only(ledgers(lease={**LEASE, "radius_m": None}, fixes=AT_HOME))
    assert (no_place.place.where, no_place.place.last_fix_on) == (Whereabouts.NO_PLACE_AGREED, ago(6))


def test_an_agreed_residual_above_what_it_will_be_worth_is_a_gap() -> None:
    line = only(ledgers(lease={**LEASE, "residual_minor": 60_000_000}))
    assert line.worth.value_at_end_minor is not None
    assert line.worth.residual_gap_minor == 60_000_000 - line.worth.value_at_end_minor > 0


def test_sums_are_those_of_the_lines_by_currency() -> None:
    line = only(ledgers())
    foreign = replace(line, facility_id="L2", currency="EUR", early_end=None, overdue_minor=7)
    found = totals([line, foreign, replace(line, facility_id="L3")])
    assert line.early_end is not None
    assert [(total["currency"], total["leases"], total["financed_minor"], total["overdue_minor"],
             total["early_end_known"], total["early_end_due_minor"]) for total in found] == [
        ("CNY", 2, 24_000_000, 2_000_000, 2, 2 * line.early_end.due_minor),
        ("EUR", 1, 12_000_000, 7, 0, 0),
    ]  # fmt: skip
