"""A block's month as its fraudsters tell it: samples changed quarter-hour by quarter-hour, reports that follow them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from data_contracts.contract import RecordKind
from simulator.block import Block, Laws
from simulator.factory.machine_month import EXECUTING, MachineMonth
from simulator.frauds import telemetry
from simulator.frauds.grid import SILENT, Bools, Grid, Ints, grid_of, samples_of, totals
from simulator.frauds.plan import Code, Fraud
from simulator.told.monitor import inspections
from simulator.told.reports import source_schema
from simulator.told.samples import sample_table

HOURS_PER_QUARTER = 0.25
METER = "hour_meter_hours"
STOP_WITH_THE_MACHINE = ("scrap_parts", "tool_changes")
UNKNOWN_IN_SILENCE = (*STOP_WITH_THE_MACHINE, "planned_seconds", METER)
DRAWS_POWER = frozenset({Code.AIR_CUTTING, Code.DUMMY_LOAD})
COUNTED_ACROSS_MIDNIGHT = ("fault_starts", "state_changes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spell:
    """Days [`from_day`, `to_day`) on which a fraud told something false."""

    fraud: Fraud
    from_day: int
    to_day: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """Energy that a fraud really drew in a month, as far as its gateways told it: the site's meter counts it too."""

    firm: int
    position: int
    """Of the month."""
    steps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Forger:
    """What a block's fraudsters remember from month to month.

    `told` are the days before a replay, by number of the fraud; `spells` what was told falsely so far. By row of the
    block: `last_item` is the item state known last, `meter` the executing quarter-hours told beyond the true ones, and
    `was_false` whether the month's last day was told falsely.
    """

    frauds: tuple[Fraud, ...]
    told: Mapping[int, Grid]
    last_item: Ints
    meter: Ints
    was_false: Bools
    spells: tuple[Spell, ...] = ()
    drawn: tuple[Drawn, ...] = ()


def recruit(block: Block, frauds: Sequence[Fraud]) -> Forger:
    """A block's fraudsters at the world's start."""
    count = len(block.machines)
    return Forger(
        frauds=tuple(frauds),
        told={},
        last_item=np.full(count, SILENT, dtype=np.int64),
        meter=np.zeros(count, dtype=np.int64),
        was_false=np.zeros(count, dtype=np.bool_),
    )


def forge(
    month: MachineMonth, reports: pa.Table, *, block: Block, forger: Forger, laws: Laws
) -> tuple[pa.Table, pa.Table, Forger]:
    """(reports, samples of the fraudsters' machines, memory) of a month; the rows of honest firms are not touched."""
    machines, calendar, days = block.machines, laws.calendar, month.month.days
    firms = np.array(sorted({fraud.firm for fraud in forger.frauds}), dtype=np.int64)
    midnight = calendar.midnight(days)
    honest = sample_table(month, machines, calendar, firms=firms, first_day=0)
    rows = np.flatnonzero(np.isin(machines.firm, firms) & month.is_reported.any(axis=1))
    if not len(rows):
        return reports, honest, forger
    named = {machines.uids[row]: int(row) for row in rows}
    true = grid_of(honest, machines=list(named.items()), first_day=int(days[0]), midnight=midnight)
    false, memory = true, forger
    for fraud in forger.frauds:
        before = false
        false, memory = _tell(false, fraud, block=block, forger=memory, month=month, laws=laws)
        memory = _note(memory, fraud, np.asarray(before.changed_days(false).any(axis=0)), days)
        if fraud.code in DRAWS_POWER and (more := int(false.power.sum() - before.power.sum())):
            drawn = Drawn(firm=fraud.firm, position=month.month.position, steps=more)
            memory = replace(memory, drawn=(*memory.drawn, drawn))
    meter = _meter(true, false, month, memory, laws)
    for fraud in forger.frauds:
        if fraud.code is Code.HOUR_METER_ROLLBACK:
            off = (meter[true.of(np.array([fraud.machine]))] != 0).any(axis=0)
            memory = _note(memory, fraud, off, days)
    result, last = _report_values(false, memory), memory.last_item.copy()
    last[true.rows] = result.last
    told = _follow(
        reports, month, true=true, false=false, values=result.values, meter=meter, was_false=forger.was_false[true.rows]
    )
    carried, was_false = memory.meter.copy(), np.zeros_like(memory.was_false)
    carried[true.rows] = meter[:, -1]
    was_false[true.rows] = true.changed_days(false)[:, -1]
    after = replace(memory, last_item=last, meter=carried, was_false=was_false)
    return told, samples_of(false, midnight=midnight), after


@dataclass(frozen=True, slots=True, kw_only=True)
class _Values:
    """Of each machine-day by column of the report, NaN where it is unknown; and the item state known last."""

    values: Mapping[str, NDArray[np.float64]]
    last: Ints


def _tell(
    grid: Grid, fraud: Fraud, *, block: Block, forger: Forger, month: MachineMonth, laws: Laws
) -> tuple[Grid, Forger]:
    """One fraud's month, on the days on which the gateway's own firm reports."""
    if not telemetry.is_on_telemetry(fraud.code):
        return grid, forger
    strength = laws.parameters.frauds.strengths[fraud.code]
    mine = telemetry.machines_of(fraud, grid, block.machines.firm)
    days = (grid.days >= fraud.from_day) & (grid.days < fraud.to_day)
    draws = np.zeros(grid.state.shape)
    place = (block.number, month.month.position, fraud.number)
    draws[mine] = laws.streams.of("fraud.shake", *place).standard_normal((int(mine.sum()), *grid.state.shape[1:]))
    match fraud.code:
        case Code.AIR_CUTTING:
            false = telemetry.cut_air(grid, mine, days, strength=strength)
        case Code.REPLAYED_TELEMETRY:
            forger = _remember(grid, fraud, mine, forger, length=int(strength["source_days"]))
            false = grid
            if fraud.number in forger.told:
                false = telemetry.replay(
                    grid,
                    mine,
                    days,
                    source=forger.told[fraud.number],
                    from_day=fraud.from_day,
                    strength=strength,
                    draws=draws,
                )
        case Code.DUMMY_LOAD:
            false = telemetry.load_dummy(grid, mine, days, strength=strength)
        case Code.COUNTER_SPOOF:
            false = telemetry.spoof_counter(grid, mine, days, strength=strength)
        case Code.MOVED_GATEWAY:
            other = grid.of(np.array(fraud.others))
            false = telemetry.move_gateway(grid, mine, days, other=other, strength=strength, draws=draws)
        case Code.OFFLINE_BEFORE_INSPECTION:
            hidden = np.zeros_like(days)
            for first, last in hidden_days(fraud, block, laws):
                hidden |= (grid.days >= first) & (grid.days < last)
            false = telemetry.go_offline(grid, mine, hidden)
        case _:
            false = telemetry.shut_down(grid, mine, days)
    own = month.is_reported[grid.rows][:, :, None]
    return grid.told(own, state=false.state, power=false.power, parts=false.parts), forger


def hidden_days(fraud: Fraud, block: Block, laws: Laws) -> Ints:
    """F10: the days hidden before each inspection that the fraudster awaits, one a row (from, to exclusive); the
    inspector comes on the day after the last."""
    firm, day = inspections(block, laws)
    visits = day[(firm == fraud.firm) & (day > fraud.from_day)]
    length = int(laws.parameters.frauds.strengths[fraud.code]["hidden_days"])
    return np.stack([np.maximum(visits - length, fraud.from_day), visits], axis=1)


def hidden_spells(forger: Forger) -> list[tuple[int, int, int]]:
    """(firm, from, to) of the days on which gateways were cut off before an inspection."""
    return [
        (spell.fraud.firm, spell.from_day, spell.to_day)
        for spell in forger.spells
        if spell.fraud.code is Code.OFFLINE_BEFORE_INSPECTION
    ]


def _remember(grid: Grid, fraud: Fraud, mine: Bools, forger: Forger, *, length: int) -> Forger:
    """The days before a replay, as they come to be told."""
    wanted = (grid.days >= fraud.from_day - length) & (grid.days < fraud.from_day)
    if not wanted.any() or not mine.any():
        return forger
    page = telemetry.keep_days(grid, mine, wanted)
    earlier = forger.told.get(fraud.number)
    whole = page if earlier is None else telemetry.join_days(earlier, page)
    return replace(forger, told={**forger.told, fraud.number: whole})


def _note(forger: Forger, fraud: Fraud, changed: Bools, days: Ints) -> Forger:
    """The days on which something false was told; those before inspections stand apart, others make one spell."""
    spells = list(forger.spells)
    for day in days[changed].tolist():
        last = next((spell for spell in reversed(spells) if spell.fraud == fraud), None)
        apart = fraud.code is Code.OFFLINE_BEFORE_INSPECTION and last is not None and last.to_day < day
        if last is None or apart:
            spells.append(Spell(fraud=fraud, from_day=day, to_day=day + 1))
        else:
            spells[spells.index(last)] = replace(last, to_day=day + 1)
    return replace(forger, spells=tuple(spells))


def _meter(true: Grid, false: Grid, month: MachineMonth, forger: Forger, laws: Laws) -> Ints:
    """(machines, days): quarter-hours by which the hour meter told differs from the true one at each day's end.

    It runs with what is told, stands still in silence, and is turned back where a fraud does that.
    """
    executing = ((grid.state == EXECUTING).sum(axis=2) for grid in (false, true))
    more = np.subtract(*executing)
    more[(false.state == SILENT).all(axis=2)] = 0
    for fraud in forger.frauds:
        row = np.flatnonzero(true.of(np.array([fraud.machine])))
        column = fraud.from_day - true.first_day
        if fraud.code is Code.HOUR_METER_ROLLBACK and len(row) and 0 <= column < more.shape[1]:
            share = laws.parameters.frauds.strengths[fraud.code]["rolled_back_share"]
            more[row, column] -= np.round(share * month.hour_meter[fraud.machine, column]).astype(np.int64)
    return np.asarray(forger.meter[true.rows][:, None] + np.cumsum(more, axis=1))


def _report_values(grid: Grid, forger: Forger) -> _Values:
    result, last = totals(grid, forger.last_item[grid.rows])
    unknown = {name: np.where(result.is_silent, np.nan, value) for name, value in result.measures.items()}
    return _Values(values={**result.seconds, **unknown}, last=last)


def _day_after(changed: Bools, was_false: Bools) -> Bools:
    """(machines, days): the day before was told otherwise, so that the first change of state may be another."""
    return np.concatenate([was_false[:, None], changed[:, :-1]], axis=1)


def _follow(
    reports: pa.Table,
    month: MachineMonth,
    *,
    true: Grid,
    false: Grid,
    values: Mapping[str, NDArray[np.float64]],
    meter: Ints,
    was_false: Bools,
) -> pa.Table:
    """The reports of a month with the machine-days of a grid told as it says."""
    machine, column = np.divmod(np.flatnonzero(month.is_reported), month.month.length)
    at = {int(row): place for place, row in enumerate(true.rows)}
    place = np.array([at.get(row, -1) for row in range(len(month.is_reported))])[machine]
    columns = dict(zip(reports.column_names, reports.columns, strict=True))

    def rows_of(chosen: Bools) -> Ints:
        return np.flatnonzero((place >= 0) & chosen[place, column])

    def tell(name: str, chosen: Bools, told: NDArray[np.float64]) -> None:
        rows = rows_of(chosen)
        columns[name] = _patched(columns[name], rows, told[place[rows], column[rows]])

    changed = true.changed_days(false)
    executing, executed = ((grid.state == EXECUTING).any(axis=2) for grid in (false, true))
    nothing, unknown = np.zeros(changed.shape), np.full(changed.shape, np.nan)
    for name, told in values.items():
        tell(name, changed | _day_after(changed, was_false) if name in COUNTED_ACROSS_MIDNIGHT else changed, told)
    for name in STOP_WITH_THE_MACHINE:
        tell(name, changed & executed & ~executing, nothing)
    off = rows_of(meter != 0)
    shown = np.asarray(columns[METER].cast(pa.float64()).to_numpy(zero_copy_only=False))[off]
    columns[METER] = _patched(columns[METER], off, shown + HOURS_PER_QUARTER * meter[place[off], column[off]])
    for name in UNKNOWN_IN_SILENCE:
        tell(name, changed & (false.state == SILENT).all(axis=2), unknown)
    return pa.table(columns, schema=source_schema(RecordKind.MACHINE_DAY_REPORT, list(columns)))


def _patched(column: pa.ChunkedArray, rows: Ints, values: NDArray[np.float64]) -> pa.Array:
    whole = np.array(column.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)
    whole[rows] = values
    return pa.array(whole, mask=np.isnan(whole)).cast(column.type)
