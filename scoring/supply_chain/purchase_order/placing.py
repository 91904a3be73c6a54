"""Which order work was for: the one that a run names or, where it names none, those for the part that it made; a day of
which no run is told, any order.

Work fills only orders that were placed by its day, none of them above what is ordered, the one due first first (then
the one placed first, then by number). A number of a part is read as it is meant (`canonical_number`): `AX-007` and
`ax 7` are one part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from scoring.supply_chain.pledges.canonical import canonical_number
from scoring.supply_chain.purchase_order.order import Work, work_of

MEASURES = ["units", "kwh", "hours"]
ANY_PART = "*"
"""What a day of which no run is told made, and what an order is for that tells no part."""
ORDER_COLUMNS = ["order_id", "part_number", "placed", "due_date", "parts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherPart:
    """Runs of one program of a machine that name an order and make another part than it asks for: how many, the first
    day, and the good parts of what the machine counted."""

    order_id: str
    machine_uid: str
    program: str
    part_number: str
    first_day: str
    runs: int
    units: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """`by_order` is the work on each order; `not_placed` by part number the work of runs without an order for which no
    order had room; `contradicting` the runs that name an order for another part, whose work is nobody's."""

    by_order: Mapping[str, Work]
    not_placed: Mapping[str, Work]
    contradicting: Sequence[OtherPart]


def with_parts(runs: pd.DataFrame) -> pd.DataFrame:
    """Runs (`program`, `part_number`) with the part that each made as `part`, and its number as first spelled: its own
    or, where it tells none, that of its program, if all runs that tell of the program tell one part. NaN is unknown."""
    own = runs["part_number"].map(as_meant)
    by_program = own.groupby(runs["program"])
    part = own.fillna(by_program.transform("first").where(by_program.transform("nunique") == 1))
    return runs.assign(part=part, part_number=part.map(runs["part_number"].groupby(own).first()))


def placed(work: pd.DataFrame, orders: pd.DataFrame) -> Placed:
    """Place work (`machine_uid`, `day`, `program`, `order_id`, `part_number`, `part`, `MEASURES`) on `ORDER_COLUMNS`.

    A run that names an order is that order's, if it was `placed` by then (a local day) and asks for no other part. Of
    the orders for one part that are placed, the one due first is filled first, after what runs that name it made.
    """
    due_first = _due_first(orders)
    asked = due_first.assign(part=due_first["part_number"].map(as_meant))
    wanted = work["order_id"].map(asked["part"])
    is_other = work["part"].notna() & wanted.notna() & (work["part"] != wanted)
    named = work[(work["day"] >= work["order_id"].map(asked["placed"])) & ~is_other]
    filled = _filled(work[work["order_id"].isna()], asked, named.groupby("order_id")["units"].sum())
    columns = ["order_id", *MEASURES]
    of_orders = named[columns] if filled.empty else pd.concat([named[columns], filled[columns]])
    return Placed(
        by_order=_by(of_orders.dropna(subset=["order_id"]), "order_id"),
        not_placed=_by(filled[filled["order_id"].isna()], "part_number"),
        contradicting=_other_parts(work[is_other]),
    )


def shared(days: pd.DataFrame, orders: pd.DataFrame, by_order: Mapping[str, Work]) -> dict[str, Work]:
    """Work of days (`day`, `MEASURES`) of which no run is told, given to the room that runs (`by_order`) leave in
    `ORDER_COLUMNS` whatever their part. What a firm makes before an order is placed, or when all are full, is nobody's.
    """
    taken = pd.Series({name: work.units or 0.0 for name, work in by_order.items()}, dtype="float64")
    loose = days.assign(part=ANY_PART, part_number=ANY_PART)
    return _by(_filled(loose, _due_first(orders).assign(part=ANY_PART), taken).dropna(subset=["order_id"]), "order_id")


def _due_first(orders: pd.DataFrame) -> pd.DataFrame:
    return orders.sort_values(["due_date", "placed", "order_id"]).set_index("order_id")


def _filled(loose: pd.DataFrame, asked: pd.DataFrame, named: pd.Series[float]) -> pd.DataFrame:
    """Work by part, day by day, cut to the room of the orders `asked`, the first of them first; `order_id` is None
    where none has any."""
    room = dict((asked["parts"] - named.reindex(asked.index, fill_value=0.0)).astype(float))
    queues = {part: list(own["placed"].items()) for part, own in asked.groupby("part")}
    found: list[tuple[Any, ...]] = []
    keys = ["part", "day", "part_number"]
    for (part, day, number), *done in loose.groupby(keys)[MEASURES].sum(min_count=1).itertuples(name=None):
        units, left = done[0], 1.0
        for order_id, since in queues.get(part, []):
            if left > 0 and since <= day and room[order_id] > 0:
                share = min(left, room[order_id] / units) if units > 0 else left
                room[order_id] -= share * units if units > 0 else 0.0
                left -= share
                found.append((order_id, number, *(share * amount for amount in done)))
        if left > 0:
            found.append((None, number, *(left * amount for amount in done)))
    return pd.DataFrame(found, columns=["order_id", "part_number", *MEASURES])


def _by(work: pd.DataFrame, key: str) -> dict[str, Work]:
    summed = work.groupby(key)[MEASURES].sum(min_count=1)
    return {str(name): work_of(*amounts) for name, *amounts in summed.itertuples(name=None)}


def _other_parts(work: pd.DataFrame) -> tuple[OtherPart, ...]:
    grouped = work.groupby(["order_id", "machine_uid", "program", "part_number"])
    return tuple(
        OtherPart(
            order_id=order_id,
            machine_uid=machine_uid,
            program=program,
            part_number=part_number,
            first_day=rows["day"].min().date().isoformat(),
            runs=len(rows),
            units=work_of(*rows[MEASURES].sum(min_count=1)).units,
        )
        for (order_id, machine_uid, program, part_number), rows in grouped
    )


def as_meant(number: str | None) -> str | float:
    """One spelling of the number of a part; NaN, which equals nothing, where it is not told."""
    return np.nan if pd.isna(number) else " ".join(canonical_number(str(number))) or np.nan
