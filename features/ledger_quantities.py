"""Quantities that ledgers and registers tell: what buyers owe that may be lent against, orders by the strength of their
buyer, debt service to come, and what the machines are worth now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_contracts.contract import RecordKind
from data_contracts.reference.dated import ParameterBook
from features.bookings import ITEM_DAYS, Book, Groups, keys_of, last_of_each, looked_up, one_word
from features.bounds import Completions
from features.fleet import fleet_view, sum_of_machines
from features.history import Array, DailyHistory, Window
from features.ledger_measures import Placed, Sold
from features.ledgers import Ledgers
from features.level import SECONDS_PER_DAY, SECONDS_PER_HOUR, fleet_value_live
from features.settings import FeatureSettings
from features.standing import instalments_paid, latest_ratings, rated, secured_debt
from features.trade import QuantityColumn, money_column
from features.value_curve import annuity_instalment

MONTHS_A_YEAR = 12
LEDGERS = (
    RecordKind.PURCHASE_ORDER,
    RecordKind.DELIVERY,
    RecordKind.INVOICE,
    RecordKind.RECEIPT,
    RecordKind.FACILITY,
    RecordKind.REPAYMENT,
    RecordKind.COUNTERPARTY_RATING,
)
VALUE_WINDOW_DAYS = 90

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRules:
    """Parameters `receivable_eligibility` and `buyer_classes`: local days, ratios, and probabilities of default."""

    oldest_overdue_days: int
    cross_ageing_share: float
    concentration_share: float
    strong_up_to: float
    weak_above: float


def ledger_rules_at(parameters: ParameterBook, as_of: datetime) -> LedgerRules:
    """The rules in force at `as_of`. Raises NoParameterYet before the first entry."""
    values = parameters.at(as_of)
    return LedgerRules(**values["receivable_eligibility"], **values["buyer_classes"])


def ledger_quantities(
    history: DailyHistory,
    ledgers: Ledgers,
    rules: LedgerRules,
    settings: FeatureSettings,
    possible: Completions,
    *,
    as_of: datetime,
    zones: Mapping[str, str],
) -> dict[str, QuantityColumn]:
    """Those quantities of every obligor of the history, in minor units of the one currency of each ledger; missing as
    `no_source` where its ledger says nothing of the obligor, or speaks in several currencies.

    Ledgers are read up to `as_of` itself, due dates by the calendar of each obligor's zone (of `zones`), never by the
    days of the history: to withhold telemetry makes no invoice younger.
    """
    book = Book.at(as_of, history.units, zones, days=ITEM_DAYS)
    placed: Placed = ledgers.placed(book, LEDGERS)
    strong, weak = orders_by_strength(book, placed, rules)
    orders, invoices, facilities = (
        pd.Series(one_word(placed[kind], "currency", len(book.units)), dtype=object)
        for kind in (RecordKind.PURCHASE_ORDER, RecordKind.INVOICE, RecordKind.FACILITY)
    )
    return {
        "open_orders_strong_minor_365d": money_column(strong, orders),
        "open_orders_weak_minor_365d": money_column(weak, orders),
        "eligible_receivables_minor_365d": money_column(eligible_receivables(book, Sold.of(placed), rules), invoices),
        "debt_service_due_minor": money_column(debt_service_due(book, placed), facilities),
        "secured_debt_minor": money_column(secured_debt(book, placed, ledgers.owners), facilities),
        "fleet_value_now_minor": fleet_value(history, settings, possible, _of_machines(ledgers, history.units)),
    }


def eligible_receivables(book: Book, sold: Sold, rules: LedgerRules) -> Array:
    """What is receivable and may be lent against, by unit; NaN of a unit without an invoice.

    An invoice counts while it is overdue by no more than the rule's days; a buyer counts unless more than the rule's
    share of what it owes is older; and each buyer up to the rule's share of the sum of all.
    """
    open_minor = sold.items.open_at(book.days - 1)
    overdue_days = book.days - 1 - book.column_of(sold.issued["due_date"], sold.items.unit)
    buyers = Groups.of(sold.issued, "buyer_id")
    owed, old = (
        buyers.sums(amount)
        for amount in (open_minor, np.where(overdue_days > rules.oldest_overdue_days, open_minor, 0.0))
    )
    young = np.where(old > rules.cross_ageing_share * owed, 0.0, owed - old)
    most = rules.concentration_share * np.bincount(buyers.unit, weights=young)[buyers.unit]
    return _by_unit(np.minimum(young, most), buyers.unit, book)


def orders_by_strength(book: Book, placed: Placed, rules: LedgerRules) -> tuple[Array, Array]:
    """Amounts of a year's open orders of strong and of weak buyers, by unit; NaN of a unit without an order.

    The worth of an order falls with the amount delivered of it, not below 0.
    """
    orders = last_of_each(placed[RecordKind.PURCHASE_ORDER], "order_id")
    orders = orders.of(orders["column"] >= book.days - ITEM_DAYS)
    delivered = Groups.of(placed[RecordKind.DELIVERY], "order_id")
    sums = delivered.sums(np.nan_to_num(placed[RecordKind.DELIVERY]["amount_minor"]))
    taken = np.nan_to_num(looked_up(keys_of(orders, "order_id"), delivered.keys, sums))
    open_minor = np.maximum(orders["amount_minor"] - taken, 0.0)
    pd_12m = rated(keys_of(orders, "buyer_id"), latest_ratings(placed[RecordKind.COUNTERPARTY_RATING]))
    strong, weak = (
        _by_unit(np.where(kind, open_minor, 0.0), orders["unit"], book)
        for kind in (pd_12m <= rules.strong_up_to, pd_12m > rules.weak_above)
    )
    return strong, weak


def debt_service_due(book: Book, placed: Placed) -> Array:
    """Instalments of the coming year of each unit's facilities; NaN of a unit without any facility known.

    The level instalment of each facility for the months that are left of it, at most twelve; those are left that no
    whole payment was told of.
    """
    facilities = placed[RecordKind.FACILITY]
    amount, rate, instalments = (
        facilities[name].astype(np.float64) for name in ("amount_minor", "rate_per_year", "instalments")
    )
    left = np.maximum(instalments - instalments_paid(facilities, placed[RecordKind.REPAYMENT]), 0.0)
    due = annuity_instalment(amount, rate, instalments) * np.minimum(left, MONTHS_A_YEAR)
    return _by_unit(due, facilities["unit"], book)


def fleet_value(
    history: DailyHistory, settings: FeatureSettings, possible: Completions, currencies: pd.Series
) -> QuantityColumn:
    """The value of each obligor's machines now, and the least that it can be.

    At least: each machine also worked through all of its owner's unobserved time, as far as that fits into its own.
    """
    window = Window(days=VALUE_WINDOW_DAYS, settings=settings)
    fleet, units = fleet_view(history), len(history.units)
    machines = fleet.history
    value = fleet_value_live.definitions[0].compute(machines, window).values  # type: ignore[call-arg]
    hidden = possible.unobserved[:, -VALUE_WINDOW_DAYS:].sum(axis=1)[np.maximum(fleet.owner, 0)]
    within, worked = (measure.sum_over(window) for measure in (machines.within_seconds, machines.executing_seconds))
    more = np.minimum(hidden, np.maximum(within - worked, 0.0))
    share = np.divide(more, within, out=np.zeros_like(within), where=within > 0)
    hours = share * machines.standing.owned_days * SECONDS_PER_DAY / SECONDS_PER_HOUR
    least = value * np.exp(-settings.decay_per_1000_hours * hours / 1000.0)
    told = money_column(sum_of_machines(value, fleet, units=units), currencies)
    return replace(told, least=sum_of_machines(least, fleet, units=units))


def _of_machines(ledgers: Ledgers, units: tuple[str, ...]) -> pd.Series:
    """The one currency in which the register values each unit's machines."""
    rows = ledgers.machines.select(["obligor_id", "currency"]).to_pandas().dropna()
    found = rows.groupby("obligor_id")["currency"].agg(["nunique", "first"])
    return found["first"].where(found["nunique"] == 1).reindex(list(units))


def _by_unit(amount: Array, unit: Ints, book: Book) -> Array:
    """Sums by unit; NaN of a unit without a row."""
    units = len(book.units)
    sums = np.bincount(unit, weights=amount, minlength=units).astype(np.float64)
    return np.where(np.bincount(unit, minlength=units) > 0, sums, np.nan)
