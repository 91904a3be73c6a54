"""What may be lent against by ledgers and registers, worked by hand: receivables, orders, debt service, machines."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from day_tables import AS_OF, FULL, SETTINGS, back, day, span
from ledger_tables import due, ledgers, noon, told
from sample_tables import MACHINE, SHANGHAI

from features.bounds import completions
from features.daily import OwnedTime
from features.declaration import RECENT_DAYS
from features.feature_value import REASONS, SAID, Missing
from features.ledger_quantities import LedgerRules, ledger_quantities, ledger_rules_at
from features.settings import shipped_parameters

HOUR = 3_600.0
RULES = LedgerRules(
    oldest_overdue_days=90, cross_ageing_share=0.25, concentration_share=0.40, strong_up_to=0.01, weak_above=0.08
)


def test_the_shipped_rules_are_those_of_the_examples() -> None:
    assert ledger_rules_at(shipped_parameters(), AS_OF) == RULES


def quantity(
    name: str,
    *,
    days: list[dict[str, Any]] | None = None,
    machines: Any = (),
    ends_sooner: int = 0,
    zone: str | None = SHANGHAI,
    **rows: Any,
) -> Any:
    """The value, or the reason; and the least that it can be. The history may end some days sooner than the ledgers."""
    said = ledgers(machines, **rows)
    history = told(days or [day(back(0), executing=HOUR)], [span()], said)
    history = replace(history, last_days=history.last_days - np.timedelta64(ends_sooner, "D"))
    within, machine_days = history.within_seconds.last(RECENT_DAYS), history.machine_days.last(RECENT_DAYS)
    possible = completions(history, OwnedTime(within, machine_days))
    zones = dict.fromkeys(history.units, zone) if zone else {}
    found = ledger_quantities(history, said, RULES, SETTINGS, possible, as_of=AS_OF, zones=zones)[name]
    reason = int(found.reasons[0])
    value = float(found.values[0]) if reason == SAID else REASONS[reason]
    return (value, float(found.least[0])) if found.least is not None else value


def bill(number: int, buyer: str, amount: int, *, overdue: int, issued: int | None = None) -> dict[str, Any]:
    """An invoice that fell due so many days ago."""
    return {
        "invoice_id": f"I{number}",
        "buyer_id": buyer,
        "status": "issued",
        "amount_minor": amount,
        "event_time": noon(overdue + 30 if issued is None else issued),
        "due_date": due(overdue),
    }


# rows of (buyer, amount, days overdue) -> what may be lent against
@pytest.mark.parametrize(
    ("bills", "eligible"),
    [
        ([("a", 100, 0), ("b", 100, 0), ("c", 100, 0)], 300),
        # a buyer counts up to two fifths of the sum of all: of 300 + 100 + 100 at most 200
        ([("a", 300, 0), ("b", 100, 0), ("c", 100, 0)], 400),
        ([("a", 100, 0)], 40),
        ([("a", 100, 90), ("b", 100, 0), ("c", 100, 0)], 300),
        # overdue by 91 days it does not count; the whole buyer falls with it, and the others are capped at 0.4 x 200
        ([("a", 100, 91), ("b", 100, 0), ("c", 100, 0)], 160),
        # a quarter of what a buyer owes may be old without the rest falling: 75 + 100 + 100, none above 110
        ([("a", 25, 91), ("a", 75, 0), ("b", 100, 0), ("c", 100, 0)], 275),
        ([("a", 26, 91), ("a", 74, 0), ("b", 100, 0), ("c", 100, 0)], 160),
    ],
)
def test_eligible_receivables(bills: list[tuple[str, int, int]], eligible: float) -> None:
    rows = [bill(number, buyer, amount, overdue=late) for number, (buyer, amount, late) in enumerate(bills)]
    assert quantity("eligible_receivables_minor_365d", invoice=rows) == pytest.approx(eligible)


@pytest.mark.parametrize("zone", [SHANGHAI, None])
def test_no_invoice_is_younger_for_a_firm_that_fell_silent(zone: str | None) -> None:
    """Its days end where telemetry was heard of last, or by the calendar of Greenwich; its debts do not."""
    rows = [bill(1, "a", 100, overdue=91), bill(2, "b", 100, overdue=0), bill(3, "c", 100, overdue=0)]
    paid = [{"invoice_id": "I2", "amount_minor": 50, "event_time": noon(0)}]
    told = {"invoice": rows, "receipt": paid, "zone": zone}
    # a is too old; of 50 + 100 no buyer counts above 0.4 x 150
    assert quantity("eligible_receivables_minor_365d", **told) == pytest.approx(50 + 60)
    assert quantity("eligible_receivables_minor_365d", ends_sooner=1, **told) == pytest.approx(50 + 60)


def test_what_was_received_is_owed_no_longer() -> None:
    rows = [bill(1, "a", 100, overdue=0), bill(2, "b", 100, overdue=0), bill(3, "c", 100, overdue=0)]
    paid = [{"invoice_id": "I1", "amount_minor": 60, "event_time": noon(2)}]
    # 40 + 100 + 100, none above 0.4 x 240
    assert quantity("eligible_receivables_minor_365d", invoice=rows, receipt=paid) == pytest.approx(40 + 96 + 96)


def test_without_invoices_nobody_knows_what_is_owed() -> None:
    assert quantity("eligible_receivables_minor_365d") is Missing.NO_SOURCE
    assert quantity("debt_service_due_minor") is Missing.NO_SOURCE


def test_orders_by_the_strength_of_their_buyer() -> None:
    orders = [
        {"order_id": f"P{number}", "buyer_id": buyer, "parts": 10, "amount_minor": 1000, "event_time": noon(40)}
        for number, buyer in enumerate(("strong", "middling", "weak", "unrated"))
    ]
    ratings = [
        {"counterparty_id": buyer, "pd_12m": pd, "event_time": noon(100)}
        for buyer, pd in (("strong", 0.01), ("middling", 0.05), ("weak", 0.081))
    ]
    delivered = [
        {"delivery_id": "D1", "order_id": "P0", "parts": 4, "amount_minor": 400, "event_time": noon(5)},
        {"delivery_id": "D2", "order_id": "P2", "parts": 11, "amount_minor": 1100, "event_time": noon(5)},
    ]
    said = {"purchase_order": orders, "delivery": delivered, "counterparty_rating": ratings}
    assert quantity("open_orders_strong_minor_365d", **said) == 600
    assert quantity("open_orders_weak_minor_365d", **said) == 0


def facility(number: int, *, instalments: int, rate: float = 0.12, amount: int = 120_000) -> dict[str, Any]:
    return {
        "facility_id": f"F{number}",
        "amount_minor": amount,
        "rate_per_year": rate,
        "instalments": instalments,
        "event_time": noon(100),
    }


def repaid(number: int, instalment: int, *, paid: int = 10) -> dict[str, Any]:
    return {
        "facility_id": f"F{number}",
        "instalment": instalment,
        "due_date": due(10),
        "amount_due_minor": 10,
        "amount_paid_minor": paid,
        "event_time": noon(10),
    }


@pytest.mark.parametrize(
    ("facilities", "repayments", "service"),
    [
        # 120,000 at 12 % over 24 months: 120,000 x 0.01 / (1 - 1.01^-24) = 5,648.82 a month
        ([facility(1, instalments=24)], [], 12 * 5_648.816666),
        ([facility(1, instalments=24)], [repaid(1, 3)], 12 * 5_648.816666),
        ([facility(1, instalments=24)], [repaid(1, 20)], 4 * 5_648.816666),
        ([facility(1, instalments=24)], [repaid(1, 20), repaid(1, 21, paid=9)], 4 * 5_648.816666),
        ([facility(1, instalments=24)], [repaid(1, 24)], 0),
        ([facility(1, instalments=12, rate=0.0)], [], 120_000),
        ([facility(1, instalments=12, rate=0.0), facility(2, instalments=24)], [], 120_000 + 12 * 5_648.816666),
    ],
)
def test_debt_service_of_the_coming_year(
    facilities: list[dict[str, Any]], repayments: list[dict[str, Any]], service: float
) -> None:
    assert quantity("debt_service_due_minor", facility=facilities, repayment=repayments) == pytest.approx(service)


def test_machines_are_worth_least_if_all_that_nobody_saw_was_work() -> None:
    owned = [{"machine_uid": MACHINE, "owned_from": noon(364), "asset_value_minor": 1_000_000}]
    # Ninety days of 6 h of work; of each tenth day 10 h were not observed. A year of ownership.
    days = [day(back(n), executing=6 * HOUR, off=(8 if n % 10 == 0 else 18) * HOUR) for n in range(90)]
    value, least = quantity("fleet_value_now_minor", days=days, machines=owned)
    hours, hidden = 365 * 6, 365 * (9 * 10 / 90)
    assert value == pytest.approx(1_000_000 * math.exp(-0.15 - 0.03 * hours / 1000))
    assert least == pytest.approx(1_000_000 * math.exp(-0.15 - 0.03 * (hours + hidden) / 1000))


def test_to_hide_work_never_makes_machines_worth_more() -> None:
    owned = [{"machine_uid": MACHINE, "owned_from": noon(364), "asset_value_minor": 1_000_000}]
    random = np.random.default_rng(5)
    hours = random.integers(0, 20, 90)

    def least(gone: set[int]) -> float:
        days = [
            day(back(n), executing=0.0 if n in gone else worked * HOUR, off=0.0 if n in gone else FULL - worked * HOUR)
            for n, worked in enumerate(hours.tolist())
        ]
        return float(quantity("fleet_value_now_minor", days=days, machines=owned)[1])

    whole = least(set())
    for _ in range(5):
        assert least(set(random.choice(80, 20, replace=False).tolist())) <= whole + 1e-6
