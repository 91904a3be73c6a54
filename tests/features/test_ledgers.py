"""Ledgers on the days of a history: flows, balances that settle and expire, and the standing at the end."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from day_tables import FULL, back, day, span
from ledger_tables import due, ledgers, months_back, noon, told
from sample_tables import MACHINE, OBLIGOR

from features.history import DailyHistory
from features.ledgers import Ledgers

DAYS = [day(back(n), idle=FULL) for n in range(10)]


def last(found: DailyHistory, name: str, *ages: int) -> list[float]:
    values = getattr(found, name).values[0]
    return [float(values[-1 - age]) for age in ages]


def test_orders_are_open_until_they_are_delivered_or_a_year_old() -> None:
    said = ledgers(
        purchase_order=[
            {"order_id": "A", "buyer_id": "X", "event_time": noon(40), "parts": 100, "amount_minor": 5_000,
             "due_date": due(20)},
            {"order_id": "B", "buyer_id": "X", "event_time": noon(370), "parts": 30, "amount_minor": 1_500,
             "due_date": due(300)},
        ],
        delivery=[
            {"delivery_id": "A/1", "order_id": "A", "event_time": noon(30), "parts": 40},
            {"delivery_id": "A/2", "order_id": "A", "event_time": noon(10), "parts": 80},
            {"delivery_id": "Z/1", "order_id": "Z", "event_time": noon(5), "parts": 7},
        ],
    )  # fmt: skip
    found = told(DAYS, None, said)
    # B (30) stands until it is 365 days old, five days back. A: 100, after 30 days 60, and the 80 of the second
    # delivery settle no more than those 60.
    assert last(found, "open_order_parts", 41, 40, 30, 11, 10, 6, 5, 0) == [30, 130, 90, 90, 30, 30, 0, 0]
    # A was due 20 days back with 100 parts, of which 40 were there.
    assert last(found, "due_parts", 21, 20) == [0, 100]
    assert last(found, "on_time_parts", 20) == [40]
    # B was due with 30, none of which were there.
    assert last(found, "due_parts", 300) == [30]
    assert last(found, "on_time_parts", 300) == [0]
    # A year's orders: A alone, 5,000 for 100 parts. Its buyer's first order is B's, 370 days and the day itself ago.
    assert (found.standing.part_price_minor[0], found.standing.buyer_tenure_days[0]) == (50, 371)


def test_invoices_are_receivable_until_paid_or_taken_off() -> None:
    said = ledgers(
        invoice=[
            {"invoice_id": "1", "buyer_id": "X", "delivery_id": "D", "event_time": noon(50), "status": "issued",
             "amount_minor": 1_000, "due_date": due(20)},
            {"invoice_id": "2", "buyer_id": "Y", "event_time": noon(10), "status": "issued", "amount_minor": 400},
            {"invoice_id": "3", "buyer_id": "X", "event_time": noon(30), "status": "red_letter",
             "corrected_invoice_id": "1", "amount_minor": 100},
        ],
        delivery=[{"delivery_id": "D", "order_id": "A", "event_time": noon(50), "parts": 25}],
        receipt=[{"invoice_id": "1", "event_time": noon(5), "amount_minor": 700}],
        counterparty_rating=[
            {"counterparty_id": "X", "event_time": noon(90), "pd_12m": 0.9},
            {"counterparty_id": "X", "event_time": noon(20), "pd_12m": 0.1},
        ],
        balance_sheet=[{"event_time": noon(180), "equity_minor": 1_000}],
    )  # fmt: skip
    found = told(DAYS, None, said)
    assert last(found, "receivable_minor", 51, 50, 30, 10, 5) == [0, 1_000, 900, 1_300, 600]
    # Due 20 days back: overdue from the day after with the 900 left, 200 after the receipt. The second has no due day.
    assert last(found, "overdue_minor", 20, 19, 5) == [0, 900, 200]
    assert last(found, "invoiced_minor", 50, 10) == [1_000, 400]
    assert last(found, "credited_minor", 30) == [100]
    assert last(found, "invoiced_parts", 50) == [25]
    # X owes 200 and Y 400: shares 1/3 and 2/3, squares 1/9 + 4/9. Only X is rated, last with 0.1.
    assert found.standing.buyer_hhi[0] == pytest.approx(5 / 9)
    assert found.standing.buyer_pd[0] == pytest.approx(0.1)
    assert found.standing.buyer_vulnerability[0] == pytest.approx(200 * 0.1 / 1_000)


def test_what_is_owed_and_paid_to_suppliers_and_lenders() -> None:
    said = ledgers(
        supplier_invoice=[
            {"supplier_invoice_id": "S1", "supplier_id": "S", "event_time": noon(40), "amount_minor": 600,
             "amount_paid_minor": 600, "paid_date": due(10)},
            {"supplier_invoice_id": "T1", "supplier_id": "T", "event_time": noon(20), "amount_minor": 200,
             "amount_paid_minor": 0},
        ],
        counterparty_rating=[
            {"counterparty_id": "S", "event_time": noon(90), "pd_12m": 0.02},
            {"counterparty_id": "T", "event_time": noon(90), "pd_12m": 0.10},
        ],
        facility=[{"facility_id": "F", "event_time": noon(100), "collateral_id": MACHINE, "amount_minor": 120_000,
                   "rate_per_year": 0.0, "instalments": 12},
                  {"facility_id": "G", "event_time": noon(100), "amount_minor": 50_000, "rate_per_year": 0.05,
                   "instalments": 12}],
        repayment=[
            {"facility_id": "F", "instalment": n + 1, "event_time": noon(70 - 30 * n), "due_date": due(70 - 30 * n),
             "amount_due_minor": 10_000, "amount_paid_minor": 10_000 if n < 2 else 4_000}
            for n in range(3)
        ],
    )  # fmt: skip
    owned = {"machine_uid": MACHINE, "owned_from": noon(365), "asset_value_minor": 900_000}
    found = told(DAYS, [span(starts=noon(365))], _with(said, owned))
    assert last(found, "purchased_minor", 40, 20, 0) == [600, 200, 0]
    assert last(found, "payable_minor", 41, 40, 20, 10, 0) == [0, 600, 800, 200, 200]
    assert last(found, "debt_service_minor", 70, 40, 10, 0) == [10_000, 10_000, 10_000, 0]
    # 600 of 800 from S, 200 from T.
    assert found.standing.supplier_pd[0] == pytest.approx(0.75 * 0.02 + 0.25 * 0.10)
    # Two of twelve instalments without interest are paid whole: ten twelfths are left; G is not secured by a machine.
    assert found.standing.secured_debt_minor[0] == pytest.approx(100_000)
    assert found.fleet is not None
    assert found.fleet.owner.tolist() == [0]
    assert (found.fleet.history.standing.value_minor[0], found.fleet.history.standing.owned_days[0]) == (900_000, 366)


def _with(said: Ledgers, owned: dict[str, Any]) -> Ledgers:
    return replace(said, machines=ledgers([owned]).machines)


def test_a_bill_is_spread_over_its_month_and_upkeep_is_of_both_levels() -> None:
    said = ledgers(
        energy_bill=[{"month": months_back(1), "event_time": noon(30), "energy_kwh": 3_100.0}],
        maintenance=[
            {"machine_uid": MACHINE, "event_time": noon(3), "maintenance_kind": "preventive", "work_seconds": 3_600.0},
            {"machine_uid": MACHINE, "event_time": noon(2), "maintenance_kind": "corrective", "work_seconds": 900.0},
        ],
        location=[
            {"machine_uid": MACHINE, "event_time": noon(8), "latitude_deg": 0.0, "longitude_deg": 0.0},
            {"machine_uid": MACHINE, "event_time": noon(1), "latitude_deg": 0.0, "longitude_deg": 1.0},
        ],
    )
    owned = {"machine_uid": MACHINE, "obligor_id": OBLIGOR, "owned_from": noon(365), "asset_value_minor": 1}
    found = told(DAYS, None, _with(said, owned))
    # May has 31 days, the last of them 30 days before 30 June.
    assert last(found, "billed_kwh", 30, 60) == [pytest.approx(100), pytest.approx(100)]
    assert np.isnan(last(found, "billed_kwh", 29, 61)).all()
    assert found.fleet is not None
    for level in (found, found.fleet.history):
        assert last(level, "planned_work_seconds", 3, 2) == [3_600, 0]
        assert last(level, "corrective_work_seconds", 2) == [900]
        assert last(level, "planned_services", 3, 2) == [1, 0]
        # One degree of longitude on the equator: 2 pi 6371.0088 / 360.
        assert last(level, "moved_km", 8, 1) == [0, pytest.approx(2 * math.pi * 6371.0088 / 360)]


def test_without_rows_and_in_several_currencies_money_is_not_known() -> None:
    found = told(DAYS)
    assert np.isnan(found.receivable_minor.values).all()
    assert np.isnan(found.open_order_parts.values).all()
    issued = {"buyer_id": "X", "status": "issued", "amount_minor": 10}
    said = ledgers(
        invoice=[
            {"invoice_id": "1", "event_time": noon(9), **issued},
            {"invoice_id": "2", "event_time": noon(8), "currency": "EUR", **issued},
        ]
    )
    found = told(DAYS, None, said)
    assert np.isnan(found.receivable_minor.values).all()
    assert np.isnan(found.standing.buyer_hhi[0])
