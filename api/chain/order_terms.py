"""An order's terms: its norms, verified progress, forecast and tranches, and the one exposure on it and invoices."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

import pandas as pd

from api.chain.told import REACH, ZONE, BuyersSay, Rows
from data_contracts.contract import RecordKind
from scoring.supply_chain.purchase_order.exposure import staged_loss
from scoring.supply_chain.purchase_order.forecast import Forecast
from scoring.supply_chain.purchase_order.from_ledgers import (
    Confirmed,
    OrderLedgers,
    daily,
    exposure_of_order,
    release_of,
    rests_of,
)
from scoring.supply_chain.purchase_order.jobs import SharedOut, shared_out
from scoring.supply_chain.purchase_order.loans import loans_of
from scoring.supply_chain.purchase_order.order import Milestone, OrderFile
from scoring.supply_chain.purchase_order.rests_on import cautions
from scoring.supply_chain.purchase_order.schedule import whole_due_on

OF_THE_WHOLE = ("remaining_units", "days_left", "probability_on_time", "units_a_day", "observed_days")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which order, what its lender brings, and how likely the borrower is to default."""

    order_id: str | None
    confirmed: Confirmed
    pd_12m: float


def order_terms(
    rows: Rows,
    days: pd.DataFrame,
    as_of: datetime,
    *,
    day: date,
    asked: Asked,
    buyers_say: BuyersSay,
    values: Any,
) -> dict[str, Any]:
    """The terms of one order; without one, which orders are due later. Raises NotFound for one that nobody tells."""
    orders = rows(RecordKind.PURCHASE_ORDER, as_of - REACH)
    orders = orders.assign(placed=_local_day(orders["event_time"]))
    if asked.order_id is None:
        open_orders = orders[pd.to_datetime(orders["due_date"]) >= pd.Timestamp(day)]
        return {"order": None, "orders_due_later": sorted(open_orders["order_id"].tolist())}
    runs = rows(RecordKind.PRODUCTION_RUN, as_of - REACH)
    ledgers = OrderLedgers(
        orders=orders,
        deliveries=rows(RecordKind.DELIVERY, as_of - REACH),
        invoices=rows(RecordKind.INVOICE, as_of - REACH),
        supplier_invoices=rows(RecordKind.SUPPLIER_INVOICE, as_of - REACH),
        inspections=buyers_say(RecordKind.INSPECTION_RECORD, sorted(set(orders["buyer_id"]))),
        schedules=_schedules(rows, buyers_say, orders),
        loans=loans_of(rows(RecordKind.FACILITY), rows(RecordKind.REPAYMENT), zone=ZONE),
        days=daily(days),
        jobs=shared_out(days, runs.assign(day=_local_day(runs["event_time"])), orders) if len(runs) else None,
    )
    file, ahead, told = release_of(ledgers, asked.order_id, asked.confirmed, day=day, values=values)
    rests = rests_of(ledgers, asked.order_id, asked.confirmed)
    unknown = cautions(file, rests, has_material_suppliers=bool(asked.confirmed.material_suppliers))
    return {
        "order": {
            **asdict(file.order),
            "placed_on": file.order.placed_on.isoformat(),
            "told_on": _told_on(orders, asked.order_id),
            "due_on": file.order.due_on.isoformat(),
        },
        "work": asdict(file.work),
        "work_by_job": asdict(file.work_by_job),
        **_told_of_parts(ledgers.jobs, asked.order_id),
        "progress": asdict(told.progress),
        "forecast": None if ahead is None else {name: getattr(ahead, name) for name in OF_THE_WHOLE},
        **_scheduled(file, ahead, least=values["purchase_order"]["stop_loss_probability"]),
        "inspected_units": file.inspected_units,
        "shipped_minor": file.shipped_minor,
        "invoiced_minor": file.invoiced_minor,
        "drawn_minor": file.drawn_minor,
        "exposure": _exposure(ledgers, file, release_minor=told.release_minor, pd_12m=asked.pd_12m, values=values),
        "cost_minor": file.cost_minor,
        "cautions": [caution.value for caution in unknown],
        "rests_on": {**asdict(rests), "orders_not_told": list(rests.orders_not_told), "due_days": rests.due_days.value},
        "release_minor": told.release_minor,
        "exposure_minor": told.exposure_minor,
        "holds": [hold.value for hold in told.holds],
        "tranches": [
            {
                "tranche": item.tranche.value,
                "entitled_minor": item.entitled_minor,
                "holds": [hold.value for hold in item.holds],
                "evidence": list(item.evidence),
            }
            for item in told.tranches
        ],
    }


def _schedules(rows: Rows, buyers_say: BuyersSay, orders: pd.DataFrame) -> pd.DataFrame:
    """Call-offs of the firm's orders as their buyers tell them, and as the firm itself does."""
    own = rows(RecordKind.DELIVERY_SCHEDULE)
    of_buyers = buyers_say(RecordKind.DELIVERY_SCHEDULE, sorted(set(orders["buyer_id"])))
    return pd.concat([of_buyers, own[own["supplier_id"] == own["obligor_id"]]])


def _scheduled(file: OrderFile, ahead: Forecast | None, *, least: float) -> dict[str, Any]:
    """The schedule of the order, call-off by call-off with its chance, and the first that will be missed; nothing where
    nobody tells one."""
    if file.schedule is None:
        return {}
    chances = {} if ahead is None else {item.call_off_id: asdict(item) for item in ahead.call_offs}
    unknown = dict.fromkeys(("remaining_units", "days_left", "probability_on_time"))
    return {
        "schedule": {
            "told_by": file.schedule.told_by.value,
            "units": file.schedule.units,
            "whole_due_on": whole_due_on(file.schedule, units=file.order.units, due_on=file.order.due_on).isoformat(),
            "probability_all_on_time": None if ahead is None else ahead.probability_all_on_time,
            "next_missed": None if ahead is None else ahead.next_missed(least),
            "call_offs": [
                {**asdict(item), "due_on": item.due_on.isoformat(), **chances.get(item.call_off_id, unknown)}
                for item in file.schedule.call_offs
            ],
            "of_another_part": list(file.schedule.of_another_part),
        }
    }


def _exposure(
    ledgers: OrderLedgers, file: OrderFile, *, release_minor: int, pd_12m: float, values: Any
) -> dict[str, Any]:
    """What is owed on the order and on its invoices, one exposure, and what a default would cost once this is paid."""
    now = exposure_of_order(ledgers, file.order.order_id, currency=file.order.currency)
    stage = [milestone for milestone in Milestone if milestone in file.seen]
    at_default = staged_loss(
        now,
        stage[-1] if stage else Milestone.ACCEPTED,
        undrawn_committed_minor=release_minor,
        pd=pd_12m,
        values=values,
    )
    return {
        **asdict(now),
        "total_minor": now.total_minor,
        "stage": at_default.stage.value,
        "lgd_ratio": float(at_default.lgd),
        "exposure_at_default_minor": at_default.exposure_at_default_minor,
        "expected_loss_minor": at_default.expected_loss_minor,
    }


def _local_day(moments: pd.Series[pd.Timestamp]) -> pd.Series[pd.Timestamp]:
    return moments.dt.tz_convert(ZONE).dt.tz_localize(None).dt.normalize()


def _told_on(orders: pd.DataFrame, order_id: str) -> str:
    """The local day on which what is known of an order was told: one told long after it was placed can name any day."""
    told = _local_day(orders.loc[orders["order_id"] == order_id, "recorded_time"])
    return str(told.iloc[0].date())


def _told_of_parts(jobs: SharedOut | None, order_id: str) -> dict[str, Any]:
    """Runs that name the order and make another part, and what runs made for which no order has room: each where there
    is any."""
    if jobs is None:
        return {}
    other = [asdict(runs) for runs in jobs.runs.contradicting if runs.order_id == order_id]
    idle = [{"part_number": number, **asdict(work)} for number, work in jobs.runs.not_placed.items()]
    return {name: told for name, told in {"runs_of_another_part": other, "runs_not_placed": idle}.items() if told}
