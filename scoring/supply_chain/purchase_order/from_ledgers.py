"""An order as ledgers and machines tell it: its norms from the firm's own half year, the work on it, its papers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pandas as pd

from data_contracts.errors import NotFound
from scoring.supply_chain.purchase_order.call_offs import schedule_of
from scoring.supply_chain.purchase_order.exposure import Exposure
from scoring.supply_chain.purchase_order.forecast import (
    CallOffForecast,
    Forecast,
    Pace,
    all_at_least,
    forecast,
    pace_of,
)
from scoring.supply_chain.purchase_order.inspections import inspected_of
from scoring.supply_chain.purchase_order.jobs import SharedOut
from scoring.supply_chain.purchase_order.loans import LoanTold, exposure_on
from scoring.supply_chain.purchase_order.norms import norms
from scoring.supply_chain.purchase_order.order import NO_WORK, Milestone, Order, OrderFile, Seen, Status, Work
from scoring.supply_chain.purchase_order.placing import ANY_PART, as_meant, shared
from scoring.supply_chain.purchase_order.progress import total
from scoring.supply_chain.purchase_order.rests_on import RestsOn, rests_on
from scoring.supply_chain.purchase_order.schedule import CallOff, whole_due_on
from scoring.supply_chain.purchase_order.tranches import Release, release, tranche_terms

NORM_DAYS = 182
MEASURES = {"parts": "units", "energy_executing_kwh": "kwh", "executing_hours": "hours"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OrderLedgers:
    """Rows of one firm as known on a day, of a year, as their contracts name them. `orders` have their local day as
    `placed`; `days` has a row a local day with parts, energy_executing_kwh and executing_hours of all machines, NaN
    where nothing was told; `inspections` are what buyers told in their own ledgers, `schedules` what they and the firm
    told of due days; `jobs` what of the days production runs tell of single orders, None where none are told."""

    orders: pd.DataFrame
    deliveries: pd.DataFrame
    invoices: pd.DataFrame
    supplier_invoices: pd.DataFrame
    loans: Sequence[LoanTold]
    days: pd.DataFrame
    inspections: pd.DataFrame | None = None
    schedules: pd.DataFrame | None = None
    jobs: SharedOut | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """What only the buyer can say of an order, as the lender brings it; what the whole of it costs to make, as the
    lender found it; and from whom its material is bought, as lender and borrower agreed."""

    is_accepted: bool = False
    inspected_units: int | None = None
    cost_minor: int | None = None
    material_suppliers: frozenset[str] = frozenset()


def daily(machine_days: pd.DataFrame) -> pd.DataFrame:
    """Machine-days (`day`, measures) as `OrderLedgers.days`: a row a day, NaN where no machine told anything."""
    return machine_days.groupby("day")[list(MEASURES)].sum(min_count=1).reset_index()


def release_of(
    ledgers: OrderLedgers, order_id: str, confirmed: Confirmed, *, day: date, values: Mapping[str, Any]
) -> tuple[OrderFile, Forecast | None, Release]:
    """What may be paid on an order on a day, and on what. Raises NotFound for an order that no ledger tells."""
    file = _file(ledgers, order_id, confirmed, values)
    ahead = _forecast(ledgers, file, day=day, values=values)
    return file, ahead, release(file, ahead, tranche_terms(values))


def rests_of(ledgers: OrderLedgers, order_id: str, confirmed: Confirmed) -> RestsOn:
    """What the terms of an order rest on. The order is told."""
    (row,) = ledgers.orders[ledgers.orders["order_id"] == order_id].itertuples()
    since = ledgers.supplier_invoices[ledgers.supplier_invoices["event_time"] >= row.event_time]
    return rests_on(
        ledgers.orders,
        ledgers.deliveries,
        row,
        purchases=len(since),
        agreed=len(_material(ledgers, row, confirmed)),
        schedule=schedule_of(ledgers.schedules, row),
    )


def _material(ledgers: OrderLedgers, row: Any, confirmed: Confirmed) -> list[str]:
    """Purchases since the order from suppliers that were agreed on as its material's. Any other purchase may be for
    anything, and shows nothing of this order."""
    told = ledgers.supplier_invoices
    if not confirmed.material_suppliers or told.empty:
        return []
    concerns = (told["event_time"] >= row.event_time) & told["supplier_id"].isin(list(confirmed.material_suppliers))
    return [str(name) for name in told.loc[concerns, "supplier_invoice_id"]]


def exposure_of_order(ledgers: OrderLedgers, order_id: str, *, currency: str) -> Exposure:
    """What is owed on an order and on the invoices of its deliveries: one exposure, whichever it was lent against."""
    own = ledgers.deliveries[ledgers.deliveries["order_id"] == order_id]
    return exposure_on(order_id, set(_billed(ledgers, own)["invoice_id"]), ledgers.loans, currency=currency)


def _billed(ledgers: OrderLedgers, deliveries: pd.DataFrame) -> pd.DataFrame:
    issued = ledgers.invoices[ledgers.invoices["status"] == "issued"]
    return issued[issued["delivery_id"].isin(deliveries["delivery_id"])]


def _file(ledgers: OrderLedgers, order_id: str, confirmed: Confirmed, values: Mapping[str, Any]) -> OrderFile:
    rows = ledgers.orders[ledgers.orders["order_id"] == order_id]
    if not len(rows):
        raise NotFound(f"No order {order_id!r} is told of this firm.")
    (row,) = rows.itertuples()
    by_job, by_share = _work(ledgers, order_id)
    work = total({"by_job": by_job, "by_share": by_share})
    own = ledgers.deliveries[ledgers.deliveries["order_id"] == order_id]
    billed = _billed(ledgers, own)
    inspected = inspected_of(ledgers.inspections, row, confirmed.inspected_units)
    evidence = {
        Milestone.ACCEPTED: ["the lender's word that the buyer accepted"] if confirmed.is_accepted else [],
        Milestone.MATERIAL: _material(ledgers, row, confirmed),
        Milestone.STARTED: [
            name for name, part in (("production runs", by_job), ("machine-days", by_share)) if part.units
        ],
        Milestone.INSPECTED: inspected.evidence if inspected.units else [],
        Milestone.SHIPPED: [str(name) for name in own["delivery_id"]],
        Milestone.INVOICED: [str(name) for name in billed["invoice_id"]],
    }
    net = (billed["amount_minor"] - billed["tax_minor"].fillna(0)).sum()
    return OrderFile(
        order=_order(row, ledgers, values),
        seen={
            **{name: Seen(status=Status.MET, evidence=tuple(told)) for name, told in evidence.items() if told},
            **({Milestone.INSPECTED: inspected.rejection} if inspected.rejection else {}),
        },
        work=work,
        work_by_job=by_job,
        inspected_units=inspected.units,
        shipped_minor=int(own["amount_minor"].sum()),
        invoiced_minor=int(net),
        drawn_minor=exposure_of_order(ledgers, order_id, currency=row.currency).drawn_minor,
        cost_minor=confirmed.cost_minor,
        schedule=schedule_of(ledgers.schedules, row),
    )


def _work(ledgers: OrderLedgers, order_id: str) -> tuple[Work, Work]:
    """The work on an order that production runs tell of it, and its share in the days of which none are told: those
    fill what the jobs leave of the orders that were placed by then."""
    by_order, days = ({}, ledgers.days) if ledgers.jobs is None else (ledgers.jobs.runs.by_order, ledgers.jobs.days)
    given = shared(days.rename(columns=MEASURES), ledgers.orders, by_order)
    return by_order.get(order_id, NO_WORK), given.get(order_id, NO_WORK)


def _order(row: Any, ledgers: OrderLedgers, values: Mapping[str, Any]) -> Order:
    """The order with its norms, of the half year before it came."""
    part = ANY_PART if pd.isna(row.part_number) else row.part_number
    whole = _before(ledgers.days.rename(columns=MEASURES), row)
    runs = None if ledgers.jobs is None or part == ANY_PART else ledgers.jobs.by_part
    own = None if runs is None else _before(runs[runs["part"] == as_meant(part)], row)
    found = norms(whole, own, worth_days=values["purchase_order"]["prior_days"])
    return Order(
        order_id=row.order_id,
        part_number=part,
        placed_on=row.placed.date(),
        units=int(row.parts),
        amount_minor=int(row.amount_minor),
        currency=row.currency,
        due_on=pd.Timestamp(row.due_date).date(),
        kwh_per_unit=found.kwh,
        hours_per_unit=found.hours,
        norm_days=found.own_days,
        norm_own_weight=found.own_weight,
    )


def _before(days: pd.DataFrame, row: Any) -> pd.DataFrame:
    since = row.placed - pd.Timedelta(days=NORM_DAYS)
    return days[(days["day"] < row.placed) & (days["day"] >= since)]


def _forecast(ledgers: OrderLedgers, file: OrderFile, *, day: date, values: Mapping[str, Any]) -> Forecast | None:
    """Of the whole and of each call-off, on working days: those on which the firm told parts at all."""
    made, terms = file.work.units, values["purchase_order"]
    pace = pace_of(ledgers.days, worth_days=terms["prior_days"], least_days=terms["least_days"], norm_days=NORM_DAYS)
    if made is None or pace is None:
        return None
    due_on = whole_due_on(file.schedule, units=file.order.units, due_on=file.order.due_on)
    left = pace.days_left(due_on, day=day)
    whole = forecast(pace.prior, [], remaining_units=max(file.order.units - made, 0.0), days_left=left)
    if file.schedule is None or not file.schedule.call_offs:
        return whole
    ahead = tuple(
        _ahead(item, pace, served=max(made, _delivered(ledgers, file)), day=day) for item in file.schedule.call_offs
    )
    steps = [(item.remaining_units, item.days_left) for item in ahead]
    chance = all_at_least(pace.prior, [*steps, (whole.remaining_units, whole.days_left)])
    return replace(whole, call_offs=ahead, probability_all_on_time=chance)


def _ahead(item: CallOff, pace: Pace, *, served: float, day: date) -> CallOffForecast:
    seen = forecast(
        pace.prior,
        [],
        remaining_units=max(item.units_by_then - served, 0.0),
        days_left=pace.days_left(item.due_on, day=day),
    )
    return CallOffForecast(
        call_off_id=item.call_off_id,
        remaining_units=seen.remaining_units,
        days_left=seen.days_left,
        probability_on_time=seen.probability_on_time,
    )


def _delivered(ledgers: OrderLedgers, file: OrderFile) -> float:
    """Parts delivered on the order: a call-off may be served from stock, which is no work on the order."""
    own = ledgers.deliveries[ledgers.deliveries["order_id"] == file.order.order_id]
    return float(own["parts"].sum())
