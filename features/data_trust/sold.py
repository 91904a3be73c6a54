"""Machines that a lender sold while the register of ownership still has them with the seller."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_contracts.contract import RecordKind
from data_contracts.reference.calendars import local_days
from features.bounds import Completions
from features.everybody import Everybody
from features.history import Array
from features.ledger_reading import LedgerReading, Take
from features.machine_day.days import day_number, to_micros
from features.machine_day.machine_days import MachineDays
from features.machine_day.ownership import FOREVER, Ownership, ownership_of, places_of
from features.register import registered_time

_Interval = tuple[str, str, int, int]
"""A machine, its owner, from when until when."""
_INSTANT = pa.timestamp("us", tz="UTC")

SALES = Take(kind=RecordKind.MACHINE_SALE, columns=("machine_uid",), days=None)


def sold_seconds(
    ledgers: LedgerReading, possible: Completions, everybody: Everybody, machine_days: MachineDays
) -> Array:
    """Seconds of each obligor and day in which the register has a machine with it that the ledger of sales says was
    sold before.

    A change of owner in the register needs none of this: what is not owned has no gap. A machine that was heard of
    after the day of its sale does not count: its own word speaks against the sale.
    """
    history = possible.observed
    sales = ledgers.take(SALES)
    if not len(sales):
        return np.zeros_like(possible.unobserved)
    kept = pc.is_in(everybody.machines["machine_uid"], value_set=sales["machine_uid"].combine_chunks())
    owned = ownership_of(everybody.machines.filter(kept))
    zones = dict(zip(history.units, history.zones, strict=True))
    last_heard = _last_heard(machine_days, sales["machine_uid"])
    after: list[_Interval] = []
    for row in sales.to_pylist():
        uid, seller, sold = row["machine_uid"], row["obligor_id"], to_micros(row["event_time"])
        last = last_heard.get(uid)
        if last is None or day_number(last) <= int(local_days(np.array([sold]), zones[seller])[0]):
            after += [(uid, seller, sold, end) for end in _ends_with_seller(owned, uid, seller, sold)]
    return registered_time(_register(after), history, possible.unobserved.shape[1]).seconds


def _last_heard(machine_days: MachineDays, machine_uids: pa.ChunkedArray) -> Mapping[str, date]:
    """The last local day on which each of some machines was heard of."""
    own = pc.is_in(machine_days.table["machine_uid"], value_set=machine_uids.combine_chunks())
    heard = machine_days.table.filter(pc.and_(own, pc.greater(machine_days.table["sampled_seconds"], 0.0)))
    latest = heard.group_by("machine_uid").aggregate([("day", "max")])
    return dict(zip(latest["machine_uid"].to_pylist(), latest["day_max"].to_pylist(), strict=True))


def _ends_with_seller(owned: Ownership, uid: str, seller: str, sold: int) -> list[int]:
    """When the register ends the ownership of a seller who still has the machine when it is sold."""
    places = places_of(owned).get(uid, range(0))
    return [
        int(owned.ends[place])
        for place in places
        if owned.obligor_ids[place] == seller and owned.starts[place] <= sold < owned.ends[place]
    ]


def _register(after: list[_Interval]) -> pa.Table:
    """Intervals in the layout of the register."""
    uids, owners, starts, ends = zip(*after, strict=True) if after else ((), (), (), ())
    return pa.table(
        {
            "machine_uid": pa.array(uids, pa.string()),
            "obligor_id": pa.array(owners, pa.string()),
            "owned_from": pa.array(starts, pa.int64()).cast(_INSTANT),
            "owned_until": pa.array([None if end == FOREVER else end for end in ends], pa.int64()).cast(_INSTANT),
        }
    )
