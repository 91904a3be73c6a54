"""The benchmark of tranches sees what is paid on work from before an order: shown on a product that would pay it."""

from __future__ import annotations

from datetime import date
from importlib.resources import files

import pandas as pd
import pytest

from benchmarks.supply_chain_truth import tranches
from data_contracts.reference.dated import load_book
from scoring.supply_chain.purchase_order import from_ledgers

VALUES = load_book(files("scoring") / "supply_chain" / "parameters").at(date(2026, 6, 30))
DAYS = pd.DataFrame({"day": pd.date_range("2025-01-01", periods=400, freq="D"), "parts": 20.0})
DAYS = DAYS.assign(energy_executing_kwh=DAYS["parts"], executing_hours=DAYS["parts"] / 10)
PAPERS = pd.DataFrame({"day": DAYS["day"][::14]})
DELIVERIES = PAPERS.assign(delivery_id=[f"D{row}" for row in range(len(PAPERS))], amount_minor=1000)
HONEST = DELIVERIES.assign(invoice_id=DELIVERIES["delivery_id"], tax_minor=0, status="issued")


def looks(invoices: pd.DataFrame, way: str) -> pd.DataFrame:
    firm = tranches.Firm(days=DAYS, deliveries=DELIVERIES, invoices=invoices)
    return pd.DataFrame(tranches._financed(way, date(2025, 9, 1), firm, DAYS.set_index("day"), values=VALUES))


def test_an_honest_order_is_paid_on_its_own_days_and_the_old_defect_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    told = looks(HONEST, tranches.HONEST)
    earlier = told[told["way"] == tranches.EARLIER_WORK]
    assert earlier["made"].tolist() == earlier["paid"].tolist() == pytest.approx([0.25, 0.5, 0.75, 1.0])
    assert (earlier["asked"] == 1).all()
    honest = from_ledgers.shared
    monkeypatch.setattr(from_ledgers, "shared", lambda days, orders, by_order: honest(
        days, orders.assign(placed=orders["placed"].min()), by_order))  # fmt: skip
    defective = looks(HONEST, tranches.HONEST)
    assert tranches._false(defective[defective["way"] == tranches.EARLIER_WORK])["falsely_released_share"] == 1.0


def test_what_is_billed_twice_names_no_delivery_of_its_own_and_is_not_paid() -> None:
    false = HONEST.assign(delivery_id="of nobody", invoice_id=HONEST["invoice_id"] + "x")
    told = looks(pd.concat([HONEST, false]), "F8")
    assert told["asked"].tolist() == pytest.approx([0.5, 1.0, 1.0, 1.0])
    assert told["paid"].tolist() == pytest.approx([0.25, 0.5, 0.75, 1.0])
