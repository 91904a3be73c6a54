"""Tranches of purchase orders under frauds (F3, F4, F8) of the synthetic world, with an honest twin as the truth.

Every world is made twice from one seed: once with half of the firms cheating, once in honesty; what was really made is
what the honest twin tells. Each firm has an older order, small and long made, and is financed on one of the size of
eight weeks of its true output: both are rows of its ledger, and what is paid is what the product makes of its rows
(`release_of`). It is looked at every second week; the cheat begins a week before the order. What is asked for beyond
what was made is the false part of a claim; what of it is paid is falsely released. Of honest firms the false part is
what they made between the two orders: parts like these, and none of this order.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.dataset as ds

from benchmarks.supply_chain_truth.ledgers import rows_of
from benchmarks.trust.worlds import simulate_into
from data_contracts.contract import RecordKind
from data_contracts.reference.dated import load_book
from scoring.supply_chain.purchase_order.from_ledgers import Confirmed, OrderLedgers, daily, release_of
from scoring.supply_chain.purchase_order.order import OrderFile
from scoring.supply_chain.purchase_order.tranches import Tranche, tranche_terms
from simulator.frauds.plan import Code
from simulator.world import make_laws

MONTHS = 24
CHEATING = 0.5
CODES = (Code.DUMMY_LOAD, Code.COUNTER_SPOOF, Code.OVER_INVOICING)
HONEST, EARLIER_WORK = "honest", "earlier_work"
ORDER_DAYS, NORM_DAYS, LOOK_DAYS = 56, 182, 14
LEAST_PARTS = 200
AMOUNT = 100_000_000
HONEST_START = date(2025, 9, 1)
FINANCED, OLDER = "PO-2", "PO-1"
OLDER_SHARE = 0.1
"""The older order is placed half a year before, for a tenth as many parts as the one that is financed."""
ZONE = "Asia/Shanghai"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """One look: the share asked for, the share really made, and the share of the order's advance that is paid."""

    way: str
    asked: float
    made: float
    paid: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Firm:
    """What one firm tells: its days (`day`, measures) and rows of its ledgers, each with its local day as `day`."""

    days: pd.DataFrame
    deliveries: pd.DataFrame
    invoices: pd.DataFrame


def measure(seeds: Sequence[int], obligors: int) -> dict[str, Any]:
    """Falsely released of what was falsely asked for, by fraud and of work from before the order; and released of what
    honest firms had made."""
    looks = pd.DataFrame([look for seed in seeds for look in looks_of(seed, obligors)])
    told = {way: _false(looks[looks["way"] == way]) for way in (*(code.value for code in CODES), EARLIER_WORK)}
    told["false_release"] = _false(looks[~looks["way"].isin([HONEST, EARLIER_WORK])])
    honest = looks[looks["way"] == HONEST]
    told["honest"] = {
        "looks": len(honest),
        "released_share": round(float(np.minimum(honest["paid"], honest["made"]).sum() / honest["made"].sum()), 4),
    }
    return told


def looks_of(seed: int, obligors: int) -> Iterator[Claimed]:
    """Every look at every firm's order of one world."""
    values = load_book(files("scoring") / "supply_chain" / "parameters").at(HONEST_START)
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        laws = make_laws(MONTHS, seed)
        frauds = replace(laws.parameters.frauds, prevalence=CHEATING)
        laws = replace(laws, parameters=replace(laws.parameters, frauds=frauds))
        simulate_into(laws, CODES, obligors, root / "false")
        simulate_into(laws, (), obligors, root / "true")
        labels = pd.read_parquet(root / "false" / "truth" / "fraud.parquet")
        told, true = _firms(root / "false"), _days(root / "true")
    cheats = {row["obligor_id"]: row for row in labels.to_dict("records")}
    for firm, made in sorted(true.items()):
        label = cheats.get(firm)
        start = HONEST_START if label is None else pd.Timestamp(label["from_day"]).date() + timedelta(days=7)
        way = HONEST if label is None else label["fraud"]
        yield from _financed(way, start, told[firm], made.set_index("day"), values=values)


def _financed(way: str, start: date, told: Firm, true: pd.DataFrame, *, values: Mapping[str, Any]) -> Iterator[Claimed]:
    """The looks at one order of a firm."""
    begin = pd.Timestamp(start)
    before = true.loc[begin - pd.Timedelta(days=NORM_DAYS) : begin - pd.Timedelta(days=8), "parts"].sum()
    made = true.loc[begin : begin + pd.Timedelta(days=ORDER_DAYS - 1), "parts"]
    units = int(made.sum())
    if min(units, before) < LEAST_PARTS:
        return
    orders = _orders(begin, units)
    for days in range(LOOK_DAYS, ORDER_DAYS + 1, LOOK_DAYS):
        until = begin + pd.Timedelta(days=days - 1)
        share = float(made.loc[:until].sum() / units)
        ledgers = _known(told, orders, begin=begin, until=until, shipped_minor=share * AMOUNT)
        confirmed = Confirmed(is_accepted=True, inspected_units=units)
        file, _, found = release_of(ledgers, FINANCED, confirmed, day=until.date(), values=values)
        tranche = Tranche.SHIPPED if way == Code.OVER_INVOICING.value else Tranche.EARNED
        entitled = next(item.entitled_minor for item in found.tranches if item.tranche is tranche)
        paid = float(entitled / tranche_terms(values).advance[tranche]) / AMOUNT
        asked = _billed(ledgers) if tranche is Tranche.SHIPPED else _witnessed(file)
        yield Claimed(way=way, asked=share if way == HONEST else min(asked, 1.0), made=share, paid=paid)
        if way == HONEST:
            yield Claimed(way=EARLIER_WORK, asked=min(_worked(ledgers), 1.0), made=share, paid=paid)


def _orders(begin: pd.Timestamp, units: int) -> pd.DataFrame:
    """The two orders of a firm, as its ledger tells them."""
    placed = [begin - pd.Timedelta(days=NORM_DAYS), begin]
    return pd.DataFrame(
        {
            "order_id": [OLDER, FINANCED],
            "event_time": [day.tz_localize(ZONE) for day in placed],
            "placed": placed,
            "part_number": None,
            "parts": [max(1, int(units * OLDER_SHARE)), units],
            "amount_minor": [int(AMOUNT * OLDER_SHARE), AMOUNT],
            "currency": "CNY",
            "due_date": [(day + pd.Timedelta(days=ORDER_DAYS)).date() for day in placed],
        }
    )


def _known(
    told: Firm, orders: pd.DataFrame, *, begin: pd.Timestamp, until: pd.Timestamp, shipped_minor: float
) -> OrderLedgers:
    """What is known at a look: all days until then (no world tells purchases); and deliveries and invoices since the order came, as
    of this order and in its money: all that was noted as delivered is what was really made of it."""

    def lately(rows: pd.DataFrame, since: pd.Timestamp = begin) -> pd.DataFrame:
        return rows[(rows["day"] >= since) & (rows["day"] <= until)]

    deliveries, invoices = lately(told.deliveries), lately(told.invoices)
    scale = shipped_minor / max(float(deliveries["amount_minor"].sum()), 1.0)
    return OrderLedgers(
        orders=orders,
        deliveries=_scaled(deliveries, scale, "amount_minor").assign(order_id=FINANCED),
        invoices=_scaled(invoices, scale, "amount_minor", "tax_minor"),
        supplier_invoices=pd.DataFrame({"supplier_invoice_id": [], "event_time": orders["event_time"].iloc[:0]}),
        loans=(),
        days=lately(told.days, begin - pd.Timedelta(days=2 * NORM_DAYS)),
    )


def _scaled(rows: pd.DataFrame, scale: float, *columns: str) -> pd.DataFrame:
    return rows.assign(**{name: np.floor(rows[name].fillna(0).astype(np.float64) * scale) for name in columns})


def _witnessed(file: OrderFile) -> float:
    """The best that any witness says of an order, as a share of it."""
    order, work = file.order, file.work
    return max(
        (work.units or 0.0) / order.units,
        (work.kwh or 0.0) / ((order.kwh_per_unit or np.inf) * order.units),
        (work.hours or 0.0) / ((order.hours_per_unit or np.inf) * order.units),
    )


def _billed(ledgers: OrderLedgers) -> float:
    """What was billed since the order came, whatever delivery an invoice names, as a share of the order."""
    issued = ledgers.invoices[ledgers.invoices["status"] == "issued"]
    return float((issued["amount_minor"] - issued["tax_minor"]).sum() / AMOUNT)


def _worked(ledgers: OrderLedgers) -> float:
    """All that was made since the older order came and exceeds it, as a share of the order that is financed."""
    older, financed = ledgers.orders.itertuples()
    made = ledgers.days.loc[ledgers.days["day"] >= older.placed, "parts"].sum()
    return float((made - older.parts) / financed.parts)


def _false(looks: pd.DataFrame) -> dict[str, Any]:
    asked = np.maximum(looks["asked"] - looks["made"], 0.0)
    paid = np.minimum(np.maximum(looks["paid"] - looks["made"], 0.0), asked)
    return {
        "looks": len(looks),
        "falsely_asked_share_of_orders": round(float(asked.mean()), 4) if len(looks) else None,
        "falsely_released_share": round(float(paid.sum() / asked.sum()), 4) if asked.sum() else None,
    }


def _firms(folder: Path) -> dict[str, Firm]:
    """What each firm of a world tells."""
    deliveries, invoices = (
        _by_firm(pd.DataFrame(rows_of(folder, kind))) for kind in (RecordKind.DELIVERY, RecordKind.INVOICE)
    )
    return {
        firm: Firm(days=days, deliveries=deliveries(firm), invoices=invoices(firm))
        for firm, days in _days(folder).items()
    }


def _by_firm(rows: pd.DataFrame) -> Callable[[str], pd.DataFrame]:
    """Rows of one firm, none where it has none."""
    dated = rows.assign(day=rows["event_time"].dt.tz_convert(ZONE).dt.tz_localize(None).dt.normalize())
    own = dict(list(dated.groupby("obligor_id")))
    return lambda firm: own.get(firm, dated.iloc[:0])


def _days(folder: Path) -> dict[str, pd.DataFrame]:
    """By firm, a row a day: good parts, energy while executing and hours, of all machines."""
    columns = ["machine_uid", "day", "parts", "energy_executing_kwh", "executing_seconds"]
    frame = ds.dataset(folder / "machine_day_report").to_table(columns=columns).to_pandas()
    machine_days = frame.assign(
        obligor_id=frame["machine_uid"].str.partition("/")[0],
        day=pd.to_datetime(frame["day"]),
        executing_hours=frame["executing_seconds"] / 3600.0,
    )
    return {firm: daily(rows) for firm, rows in machine_days.groupby("obligor_id")}
