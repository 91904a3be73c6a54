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
from features.bookings import ITEM_DAYS, Book
from features.bounds import Completions
from features.fleet import fleet_view, sum_of_machines
from features.history import Array, DailyHistory, Window
from features.ledger_measures import Frames, Sold
from features.ledgers import Ledgers
from features.level import SECONDS_PER_DAY, SECONDS_PER_HOUR, fleet_value_live
from features.settings import FeatureSettings
from features.standing import latest_ratings, rated
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
    history: DailyHistory, ledgers: Ledgers, rules: LedgerRules, settings: FeatureSettings, possible: Completions
) -> dict[str, QuantityColumn]:
    """Those quantities of every obligor of the history, in minor units of the one currency of each ledger; missing as
    `no_source` where its ledger says nothing of the obligor, or speaks in several currencies."""
    book = Book.of(history)
    frames: Frames = {kind: book.placed(ledgers.frame(kind)) for kind in LEDGERS}
    strong, weak = orders_by_strength(book, frames, rules)
    orders, invoices, facilities = (
        _currencies(book, frames[kind]) for kind in (RecordKind.PURCHASE_ORDER, RecordKind.INVOICE, RecordKind.FACILITY)
    )
    return {
        "open_orders_strong_minor_365d": money_column(strong, orders),
        "open_orders_weak_minor_365d": money_column(weak, orders),
        "eligible_receivables_minor_365d": money_column(eligible_receivables(book, Sold.of(frames), rules), invoices),
        "debt_service_due_minor": money_column(debt_service_due(book, frames), facilities),
        "secured_debt_minor": money_column(history.standing.secured_debt_minor, facilities),
        "fleet_value_now_minor": fleet_value(history, settings, possible, _of_machines(ledgers, history.units)),
    }


def eligible_receivables(book: Book, sold: Sold, rules: LedgerRules) -> Array:
    """What is receivable and may be lent against, by unit; NaN of a unit without an invoice.

    An invoice counts while it is overdue by no more than the rule's days; a buyer counts unless more than the rule's
    share of what it owes is older; and each buyer up to the rule's share of the sum of all.
    """
    issued = sold.issued
    open_minor = sold.items.open_at(book.days - 1)
    overdue_days = book.days - 1 - book.column_of(issued["due_date"], sold.items.unit)
    rows = issued[["unit", "buyer_id"]].assign(
        open=open_minor, old=np.where(overdue_days > rules.oldest_overdue_days, open_minor, 0.0)
    )
    by_buyer = rows.groupby(["unit", "buyer_id"], as_index=False)[["open", "old"]].sum()
    is_cross_aged = by_buyer["old"] > rules.cross_ageing_share * by_buyer["open"]
    young = (by_buyer["open"] - by_buyer["old"]).where(~is_cross_aged, 0.0)
    most = rules.concentration_share * young.groupby(by_buyer["unit"]).transform("sum")
    return _by_unit(np.minimum(young, most), by_buyer["unit"], book)


def orders_by_strength(book: Book, frames: Frames, rules: LedgerRules) -> tuple[Array, Array]:
    """Amounts of a year's open orders of strong and of weak buyers, by unit; NaN of a unit without an order.

    The worth of an order falls with the amount delivered of it, not below 0.
    """
    placed = frames[RecordKind.PURCHASE_ORDER].drop_duplicates(["unit", "order_id"], keep="last")
    placed = placed[placed["column"] >= book.days - ITEM_DAYS]
    found = rated(placed, latest_ratings(frames[RecordKind.COUNTERPARTY_RATING]), "buyer_id")
    delivered = frames[RecordKind.DELIVERY].groupby(["unit", "order_id"], as_index=False)["amount_minor"].sum()
    found = found.merge(delivered, how="left", on=["unit", "order_id"], suffixes=("", "_delivered"))
    open_minor = (found["amount_minor"] - found["amount_minor_delivered"].fillna(0)).clip(lower=0)
    pd_12m = found["pd_12m"]
    strong, weak = pd_12m <= rules.strong_up_to, pd_12m > rules.weak_above
    return tuple(_by_unit(open_minor.where(kind, 0.0), found["unit"], book) for kind in (strong, weak))  # type: ignore[return-value]


def debt_service_due(book: Book, frames: Frames) -> Array:
    """Instalments of the coming year of each unit's facilities; NaN of a unit without any facility known.

    The level instalment of each facility for the months that are left of it, at most twelve; those are left that no
    whole payment was told of.
    """
    facilities, repaid = frames[RecordKind.FACILITY], frames[RecordKind.REPAYMENT]
    whole = repaid[repaid["amount_paid_minor"] >= repaid["amount_due_minor"]]
    last = whole.groupby(["unit", "facility_id"], as_index=False)["instalment"].max()
    found = facilities.merge(last, how="left", on=["unit", "facility_id"], suffixes=("", "_paid"))
    instalments = found["instalments"].to_numpy(np.float64)
    left = np.maximum(instalments - found["instalment"].fillna(0).to_numpy(np.float64), 0.0)
    amount, rate = (found[name].to_numpy(np.float64) for name in ("amount_minor", "rate_per_year"))
    due = annuity_instalment(amount, rate, instalments) * np.minimum(left, MONTHS_A_YEAR)
    return _by_unit(pd.Series(due, index=found.index), found["unit"], book)


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


def _currencies(book: Book, placed: pd.DataFrame) -> pd.Series:
    """The one currency of each unit's rows, by position; missing where it has none or several."""
    found = placed.groupby("unit")["currency"].agg(["nunique", "first"])
    return found["first"].where(found["nunique"] == 1).reindex(range(len(book.units)))


def _by_unit(amount: pd.Series, unit: pd.Series, book: Book) -> Array:
    """Sums by unit; NaN of a unit without a row."""
    sums: Mapping[int, float] = amount.groupby(unit).sum().to_dict()
    return np.array([sums.get(position, np.nan) for position in range(len(book.units))], dtype=np.float64)
