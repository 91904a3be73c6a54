"""Family `supply_chain`, worked by hand."""

from __future__ import annotations

import math

import pytest
from day_tables import span
from family_examples import Table, check, worked
from ledger_tables import due, ledgers, noon, told
from sample_tables import MACHINE

from features.history import DailyHistory


def in_business() -> DailyHistory:
    """10 parts a day on one machine that is 8 h a day at work.

    Orders: 600 parts for 3,000 placed 60 days ago and due 30 days ago, of which 450 were there in time; 300 for 1,500
    placed 20 days ago and due ahead, none delivered; both of X, whose first order came 400 days ago.
    Invoices: to X 900 issued 100 days ago (paid 50 days ago), 900 issued 30 days ago and due 10 days ago, to Y 300
    issued 20 days ago; 120 of X's second one was taken back 15 days ago and 180 paid 5 days ago.
    Suppliers: S 400 issued 170 days ago and paid 100 days ago, S 600 issued 40 days ago, T 200 issued 10 days ago.
    """
    order = {"buyer_id": "X"}
    bill = {"status": "issued"}
    said = ledgers(
        [{"machine_uid": MACHINE, "owned_from": noon(364), "asset_value_minor": 100_000}],
        purchase_order=[
            {"order_id": "0", "event_time": noon(400), "parts": 1, "amount_minor": 5, "due_date": due(395), **order},
            {"order_id": "1", "event_time": noon(60), "parts": 600, "amount_minor": 3_000, "due_date": due(30), **order},
            {"order_id": "2", "event_time": noon(20), "parts": 300, "amount_minor": 1_500, "due_date": due(-30), **order},
        ],
        delivery=[{"delivery_id": "1/1", "order_id": "1", "event_time": noon(40), "parts": 450},
                  {"delivery_id": "1/2", "order_id": "1", "event_time": noon(25), "parts": 150}],
        invoice=[
            {"invoice_id": "a", "buyer_id": "X", "event_time": noon(100), "amount_minor": 900, **bill},
            {"invoice_id": "b", "buyer_id": "X", "event_time": noon(30), "amount_minor": 900, "due_date": due(10), **bill},
            {"invoice_id": "c", "buyer_id": "Y", "event_time": noon(20), "amount_minor": 300, **bill},
            {"invoice_id": "r", "buyer_id": "X", "event_time": noon(15), "amount_minor": 120, "status": "red_letter",
             "corrected_invoice_id": "b"},
        ],
        receipt=[{"invoice_id": "a", "event_time": noon(50), "amount_minor": 900},
                 {"invoice_id": "b", "event_time": noon(5), "amount_minor": 180}],
        supplier_invoice=[
            {"supplier_invoice_id": "1", "supplier_id": "S", "event_time": noon(170), "amount_minor": 400,
             "amount_paid_minor": 400, "paid_date": due(100)},
            {"supplier_invoice_id": "2", "supplier_id": "S", "event_time": noon(40), "amount_minor": 600,
             "amount_paid_minor": 0},
            {"supplier_invoice_id": "3", "supplier_id": "T", "event_time": noon(10), "amount_minor": 200,
             "amount_paid_minor": 0},
        ],
        counterparty_rating=[{"counterparty_id": party, "event_time": noon(90), "pd_12m": pd_12m}
                             for party, pd_12m in (("X", 0.1), ("Y", 0.04), ("S", 0.02), ("T", 0.1))],
        balance_sheet=[{"event_time": noon(180), "equity_minor": 1_000}],
        facility=[{"facility_id": "F", "event_time": noon(70), "collateral_id": MACHINE, "amount_minor": 60_000,
                   "rate_per_year": 0.0, "instalments": 12}],
        repayment=[{"facility_id": "F", "instalment": n + 1, "event_time": noon(40 - 30 * n), "due_date": due(40 - 30 * n),
                    "amount_due_minor": 5_000, "amount_paid_minor": 5_000} for n in range(2)],
    )  # fmt: skip
    days = [worked(n, 8, parts=10.0) for n in range(365)]
    return told(days, [span()], said)


# X owes 900 - 120 - 180 = 600, Y 300: shares 2/3 and 1/3.
# The value curve: 365 days are a year, a third of the time executing 2,920 h.
VALUE = 100_000 * math.exp(-0.15 - 0.03 * 2.92)

EXAMPLES: Table = {
    # 300 parts are open, 300 are made in 30 days.
    "order_cover_90d": (in_business, 1),
    "buyer_hhi_365d": (in_business, 4 / 9 + 1 / 9),
    "top_buyer_pd_365d": (in_business, 2 / 3 * 0.1 + 1 / 3 * 0.04),
    # Now 900 are owed and 1,200 were invoiced in 90 days; 90 days ago 900 were owed and 900 invoiced.
    "dso_trend_90d": (in_business, 90 * 900 / 1_200 - 90 * 900 / 900),
    # Now 800 are owed to suppliers and 800 were bought; 90 days ago nothing was owed.
    "payable_stretch_90d": (in_business, 90 * 800 / 800 - 0),
    "dilution_365d": (in_business, 120 / 2_100),
    # Overdue from the day after it was due: 9 days back to 6 days back 780, then 600 on 6 days. Receivable: 900 on the 39
    # days up to 51 back, 0 on 50 to 31 back, 900 on 10 days, 1,200 on 5, 1,080 on 10 and 900 on 6.
    "overdue_share_90d": (in_business, (4 * 780 + 6 * 600) / (39 * 900 + 10 * 900 + 5 * 1_200 + 10 * 1_080 + 6 * 900)),
    "on_time_delivery_180d": (in_business, 450 / 600),
    # 1,000 bought of S and 200 of T within a year.
    "supplier_risk_365d": (in_business, (1_000 * 0.02 + 200 * 0.1) / 1_200),
    "buyer_vulnerability_365d": (in_business, (600 * 0.1 + 300 * 0.04) / 1_000),
    # 900 parts at 4,500 / 900 each, against two instalments.
    "production_debt_cover_90d": (in_business, 900 * 5 / 10_000),
    "buyer_tenure_months_365d": (in_business, 401 / 30),
    "live_ltv_90d": (in_business, 50_000 / VALUE),
}


@pytest.mark.parametrize("key", EXAMPLES)
def test_supply_chain(key: str) -> None:
    check(EXAMPLES, key)
