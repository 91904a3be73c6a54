"""Tranches of purchase orders under frauds (F3, F4, F8) of the synthetic world, with an honest twin as the truth.

Every world is made twice from one seed: once with half of the firms cheating, once in honesty; what was really made is
what the honest twin tells. Each firm is financed on one order of the size of eight weeks of its true output, with norms
from the half year before, and is looked at every second week; the cheat begins a week before. What is asked for beyond
what was made is the false part of a claim; what of it is paid is falsely released.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
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
from scoring.supply_chain.purchase_order.order import Milestone, Order, OrderFile, Seen, Status, Work
from scoring.supply_chain.purchase_order.tranches import Tranche, TrancheTerms, release, tranche_terms
from simulator.frauds.plan import Code
from simulator.world import make_laws

MONTHS = 24
CHEATING = 0.5
CODES = (Code.DUMMY_LOAD, Code.COUNTER_SPOOF, Code.OVER_INVOICING)
HONEST = "honest"
ORDER_DAYS, NORM_DAYS, LOOK_DAYS = 56, 182, 14
LEAST_PARTS = 200
AMOUNT = 100_000_000
HONEST_START = date(2025, 9, 1)
SEEN_AT_START = (Milestone.ACCEPTED, Milestone.MATERIAL, Milestone.STARTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """One look: the share asked for, the share really made, and the share of the order's advance that is paid."""

    way: str
    asked: float
    made: float
    paid: float


def measure(seeds: Sequence[int], obligors: int) -> dict[str, Any]:
    """Falsely released of what was falsely asked for, by fraud; and released of what honest firms had made."""
    looks = pd.DataFrame([look for seed in seeds for look in looks_of(seed, obligors)])
    told = dict[str, Any]()
    for code in CODES:
        told[code.value] = _false(looks[looks["way"] == code.value])
    told["false_release"] = _false(looks[looks["way"] != HONEST])
    honest = looks[looks["way"] == HONEST]
    told["honest"] = {
        "looks": len(honest),
        "released_share": round(float(np.minimum(honest["paid"], honest["made"]).sum() / honest["made"].sum()), 4),
    }
    return told


def looks_of(seed: int, obligors: int) -> Iterator[Claimed]:
    """Every look at every firm's order of one world."""
    values = load_book(files("scoring") / "supply_chain" / "parameters").at(HONEST_START)
    terms = tranche_terms(values)
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        laws = make_laws(MONTHS, seed)
        frauds = replace(laws.parameters.frauds, prevalence=CHEATING)
        laws = replace(laws, parameters=replace(laws.parameters, frauds=frauds))
        simulate_into(laws, CODES, obligors, root / "false")
        simulate_into(laws, (), obligors, root / "true")
        labels = pd.read_parquet(root / "false" / "truth" / "fraud.parquet")
        told, true = _daily(root / "false"), _daily(root / "true")
        billed, shipped = _billed(root / "false"), _shipped(root / "false")
    cheats = {row["obligor_id"]: row for row in labels.to_dict("records")}
    for firm in sorted(true["obligor_id"].unique()):
        label = cheats.get(firm)
        start = HONEST_START if label is None else pd.Timestamp(label["from_day"]).date() + timedelta(days=7)
        mine = (frame[frame["obligor_id"] == firm].set_index("day") for frame in (told, true))
        way = HONEST if label is None else label["fraud"]
        papers = (billed[billed["obligor_id"] == firm], shipped[shipped["obligor_id"] == firm])
        yield from _financed(way, start, *mine, papers=papers, terms=terms)


def _financed(
    way: str,
    start: date,
    told: pd.DataFrame,
    true: pd.DataFrame,
    *,
    papers: tuple[pd.DataFrame, pd.DataFrame],
    terms: TrancheTerms,
) -> Iterator[Claimed]:
    """The looks at one order of a firm."""
    begin = pd.Timestamp(start)
    before = true.loc[begin - pd.Timedelta(days=NORM_DAYS) : begin - pd.Timedelta(days=8)].sum(numeric_only=True)
    span = slice(begin, begin + pd.Timedelta(days=ORDER_DAYS - 1))
    made, said = true.loc[span], told.loc[span]
    units = int(made["parts"].sum())
    if units < LEAST_PARTS or before["parts"] < LEAST_PARTS:
        return
    order = Order(
        order_id=f"{way}-{start}",
        part_number="A",
        units=units,
        amount_minor=AMOUNT,
        currency="CNY",
        due_on=start + timedelta(days=ORDER_DAYS),
        kwh_per_unit=float(before["energy_executing_kwh"] / before["parts"]),
        hours_per_unit=float(before["executing_hours"] / before["parts"]),
    )
    for days in range(LOOK_DAYS, ORDER_DAYS + 1, LOOK_DAYS):
        until = begin + pd.Timedelta(days=days - 1)
        so_far = said.loc[:until].sum(numeric_only=True)
        work = Work(units=so_far["parts"], kwh=so_far["energy_executing_kwh"], hours=so_far["executing_hours"])
        share = float(made.loc[:until, "parts"].sum() / units)
        if way == Code.OVER_INVOICING.value:
            yield _billed_look(way, order, work, share, papers=papers, span=(begin, until), terms=terms)
        else:
            yield _earned_look(way, order, work, share, terms=terms)


def _earned_look(way: str, order: Order, work: Work, made: float, *, terms: TrancheTerms) -> Claimed:
    """Asked on the best that any witness says, paid on the earned tranche."""
    paid = _entitled(order, work, Tranche.EARNED, terms, shipped=0, billed=0) / terms.advance[Tranche.EARNED]
    witnesses = (
        (work.units or 0.0) / order.units,
        (work.kwh or 0.0) / ((order.kwh_per_unit or np.inf) * order.units),
        (work.hours or 0.0) / ((order.hours_per_unit or np.inf) * order.units),
    )
    asked = made if way == HONEST else max(witnesses)
    return Claimed(way=way, asked=min(asked, 1.0), made=min(made, 1.0), paid=float(paid) / order.amount_minor)


def _billed_look(
    way: str,
    order: Order,
    work: Work,
    made: float,
    *,
    papers: tuple[pd.DataFrame, pd.DataFrame],
    span: tuple[pd.Timestamp, pd.Timestamp],
    terms: TrancheTerms,
) -> Claimed:
    """Asked on what was billed, paid on the shipped tranche: bills and noted deliveries are set against each other and
    against what machines made; the buyer has inspected what was delivered."""
    billed, shipped = (
        float(frame.loc[(frame["day"] >= span[0]) & (frame["day"] <= span[1]), "amount_minor"].sum())
        for frame in papers
    )
    whole = max(shipped, 1.0)
    due = made * order.amount_minor
    amounts = {"billed": int(due * billed / whole), "shipped": int(due)}
    paid = _entitled(order, work, Tranche.SHIPPED, terms, **amounts) / terms.advance[Tranche.SHIPPED]
    return Claimed(
        way=way,
        asked=min(amounts["billed"] / order.amount_minor, 1.0),
        made=min(made, 1.0),
        paid=float(paid) / order.amount_minor,
    )


def _entitled(order: Order, work: Work, tranche: Tranche, terms: TrancheTerms, *, shipped: int, billed: int) -> int:
    seen = [*SEEN_AT_START, *([Milestone.INSPECTED, Milestone.SHIPPED, Milestone.INVOICED] if shipped else [])]
    file = OrderFile(
        order=order,
        seen={milestone: Seen(status=Status.MET) for milestone in seen},
        work=work,
        inspected_units=None,
        shipped_minor=shipped,
        invoiced_minor=billed,
        drawn_minor=0,
        cost_minor=None,
    )
    found = release(file, None, terms)
    return next(item.entitled_minor for item in found.tranches if item.tranche is tranche)


def _false(looks: pd.DataFrame) -> dict[str, Any]:
    asked = np.maximum(looks["asked"] - looks["made"], 0.0)
    paid = np.minimum(np.maximum(looks["paid"] - looks["made"], 0.0), asked)
    return {
        "looks": len(looks),
        "falsely_asked_share_of_orders": round(float(asked.mean()), 4) if len(looks) else None,
        "falsely_released_share": round(float(paid.sum() / asked.sum()), 4) if asked.sum() else None,
    }


def _daily(folder: Path) -> pd.DataFrame:
    """(obligor_id, day): good parts, energy while executing and hours, of all machines."""
    columns = ["machine_uid", "day", "parts", "energy_executing_kwh", "executing_seconds"]
    frame = ds.dataset(folder / "machine_day_report").to_table(columns=columns).to_pandas()
    frame["obligor_id"] = frame["machine_uid"].str.partition("/")[0]
    frame["day"] = pd.to_datetime(frame["day"])
    frame["executing_hours"] = frame["executing_seconds"] / 3600.0
    summed = frame.groupby(["obligor_id", "day"])[["parts", "energy_executing_kwh", "executing_hours"]].sum()
    return summed.reset_index()


def _billed(folder: Path) -> pd.DataFrame:
    rows = pd.DataFrame(rows_of(folder, RecordKind.INVOICE))
    return _by_day(rows[rows["status"] == "issued"])


def _shipped(folder: Path) -> pd.DataFrame:
    """Invoices that name a delivery that was noted: what really left."""
    noted = {(row["obligor_id"], row["delivery_id"]) for row in rows_of(folder, RecordKind.DELIVERY)}
    rows = pd.DataFrame(rows_of(folder, RecordKind.INVOICE))
    rows = rows[rows["status"] == "issued"]
    return _by_day(rows[[pair in noted for pair in zip(rows["obligor_id"], rows["delivery_id"], strict=True)]])


def _by_day(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(day=rows["event_time"].dt.tz_localize(None).dt.normalize())[
        ["obligor_id", "day", "amount_minor"]
    ]
