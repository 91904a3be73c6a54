"""Worlds `leak/...` whose trap lies in the data: what is told after the fact, or twice. All else is as in base.

A careless training table built on such data knows at an observation time what was recorded only later, or counts one
machine for two obligors. Traps that lie in how a table is made leave the data as they are.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from data_contracts.identifiers import machine_uid
from simulator.block import Block, Laws
from simulator.told.reports import INSTANT
from simulator.world_calendar import MICROSECONDS

DAY_MICROSECONDS = 86_400 * MICROSECONDS

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


def told_reports(reports: pa.Table, block: Block, laws: Laws, *, position: int) -> pa.Table:
    """The daily reports of a block's month as this world tells them."""
    if laws.world.trap == "backfilled_telemetry":
        return _late(reports, block, laws, position=position)
    if laws.world.trap == "machine_at_two_obligors":
        return _again(reports, _second_uids(block, laws))
    return reports


def told_ownership(ownership: pa.Table, block: Block, laws: Laws) -> pa.Table:
    """The ownership ledger of a block as this world tells it."""
    if laws.world.trap == "device_removed":
        return _removed(ownership, block, laws)
    if laws.world.trap == "machine_at_two_obligors":
        second = _second_uids(block, laws)
        owners = {uid: uid.split("/")[0] for uid in second.values()}
        copies = _again(ownership, second).slice(len(ownership))
        obligors = pa.array([owners[uid] for uid in copies["machine_uid"].to_pylist()], type=pa.string())
        return pa.concat_tables([ownership, _with(copies, "obligor_id", obligors)])
    return ownership


def _late(reports: pa.Table, block: Block, laws: Laws, *, position: int) -> pa.Table:
    """Firms near default, and some others by chance, send the whole month's reports only weeks later."""
    leaks = laws.parameters.leaks
    ahead = block.lives.default_month - position
    defaults = block.lives.default_month < len(laws.calendar.months)
    is_near = defaults & (ahead >= 0) & (ahead <= leaks.late_before_default_months)
    chance = np.where(is_near, 1.0, leaks.late_share)
    is_late = laws.streams.of("leak.late", block.number, position).random(len(chance)) < chance
    firms = pa.array([obligor for obligor, late in zip(block.firms.obligor_ids, is_late, strict=True) if late])
    late = pc.is_in(pc.utf8_slice_codeunits(reports["machine_uid"], 0, 18), value_set=firms.cast(pa.string()))
    recorded = pc.cast(reports["recorded_time"], pa.int64())
    later = pc.add(recorded, pa.scalar(leaks.late_days * DAY_MICROSECONDS))
    told = _with(reports, "recorded_time", pc.cast(pc.if_else(late, later, recorded), INSTANT))
    return told.filter(pc.less_equal(told["recorded_time"], pa.scalar(laws.calendar.end, type=INSTANT)))


def _removed(ownership: pa.Table, block: Block, laws: Laws) -> pa.Table:
    """The devices of a firm in default are written off as gone since before the default; that is recorded after it."""
    leaks, calendar = laws.parameters.leaks, laws.calendar
    day = dict(zip(block.firms.obligor_ids, block.lives.default_day.tolist(), strict=True))
    default = np.array([day[obligor] for obligor in ownership["obligor_id"].to_pylist()], dtype=np.int64)
    removed = calendar.midnight(default - leaks.removed_before_days)
    recorded = calendar.midnight(default + laws.parameters.defaults.reporting_lag_days)
    known = pa.array(recorded <= calendar.end) if len(default) else pa.array([], type=pa.bool_())
    started = pc.less(ownership["event_time"], pa.array(removed, type=INSTANT))
    if "owned_until" not in ownership.column_names:
        ownership = ownership.append_column("owned_until", pa.nulls(len(ownership), type=INSTANT))
    gone = _with(ownership, "owned_until", pa.array(removed, type=INSTANT))
    gone = _with(gone, "recorded_time", pa.array(recorded, type=INSTANT))
    still = pc.fill_null(pc.greater(ownership["owned_until"], pa.array(removed, type=INSTANT)), True)
    return pa.concat_tables([ownership, gone.filter(pc.and_(pc.and_(known, started), still))])


def _second_uids(block: Block, laws: Laws) -> dict[str, str]:
    """By uid of a machine that is leased to a second obligor at the same time: its uid there."""
    machines, firms = block.machines, block.firms
    uniform = laws.streams.of("leak.leased_twice", block.number).random(len(machines))
    chosen = np.flatnonzero((uniform < laws.parameters.leaks.leased_twice_share) & (machines.last_day > 0))
    return {
        machines.uids[row]: machine_uid(firms.obligor_ids[(machines.firm[row] + 1) % len(firms)], f"L{row:05d}")
        for row in chosen.tolist()
        if len(firms) > 1
    }


def _again(table: pa.Table, second: dict[str, str]) -> pa.Table:
    """`table`, and after it its rows of these machines once more under their second uid."""
    copies = table.filter(pc.is_in(table["machine_uid"], value_set=pa.array(list(second), type=pa.string())))
    uids = pa.array([second[uid] for uid in copies["machine_uid"].to_pylist()], type=pa.string())
    return pa.concat_tables([table, _with(copies, "machine_uid", uids)])


def _with(table: pa.Table, name: str, column: pa.Array) -> pa.Table:
    at = table.column_names.index(name)
    return table.set_column(at, table.schema.field(at), column)
