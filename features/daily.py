"""Machine-days into the dense daily arrays of a history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.history import Array, DailyHistory, Level, Measure
from features.machine_day.arrow import day_numbers, encoded, floats, micros
from features.machine_day.days import MICROS_PER_SECOND, day_number, last_complete_day, local_days, to_micros
from features.machine_day.machine_days import MachineDays

Ints = NDArray[np.int64]

_SECONDS = (
    "off_seconds",
    "fault_seconds",
    "maintenance_seconds",
    "setup_seconds",
    "executing_seconds",
    "idle_seconds",
    "powered_seconds",
    "observed_seconds",
    "sampled_seconds",
)
_SAID = ("energy_kwh", "energy_executing_kwh", "energy_idle_kwh", "energy_other_kwh", "parts", "fault_starts")
_COLUMNS = [*_SECONDS, *_SAID, "peak_kw"]
_SECONDS_PER_HOUR = 3600.0
_NEVER_ENDS = datetime(9999, 1, 1, tzinfo=UTC)


def build_history(
    machine_days: MachineDays, *, level: Level, as_of: datetime, days: int, obligor_ids: Sequence[str] | None = None
) -> DailyHistory:
    """The last `days` complete local days before `as_of`, for each obligor or for each machine owned at `as_of`.

    Units are sorted; at the obligor level they are `obligor_ids`, in their order, where these are given (an obligor
    without machine-days gets empty days up to the last complete UTC day). An obligor's days are those of its machines
    added up; where its sites lie in several zones, its last day is the last that is complete at all of them. A
    machine without any machine-day in these days is no part of it; for the others, time in ownership that no machine-
    day covers is unknown from the first of them on.
    """
    spans = _spans(machine_days.spans, as_of)
    frame = _machine_frame(spans) if level is Level.MACHINE else _obligor_frame(spans, as_of, obligor_ids)
    pair_of_row = _pairs_of_rows(machine_days.table, spans)
    unit = frame.unit_of_pair[pair_of_row]
    column = day_numbers(machine_days.table["day"]) - frame.last_days[unit] + days - 1
    inside = (unit >= 0) & (column >= 0) & (column < days)
    first_columns = np.full(len(spans.pairs), days)
    np.minimum.at(first_columns, pair_of_row[inside], column[inside])
    shape = (len(frame.units), days)
    measures = _measures(machine_days.table, np.where(inside, unit * days + column, len(frame.units) * days), shape)
    overlap, machines = _ownership(spans, frame, first_columns, shape)
    within = np.maximum(overlap, measures["observed_seconds"])
    seen = measures["observed_seconds"] > 0
    return DailyHistory(
        level=level,
        units=frame.units,
        obligor_ids=frame.obligor_ids,
        last_days=frame.last_days[: len(frame.units)].astype("datetime64[D]"),
        first_observed=np.where(seen.any(axis=1), seen.argmax(axis=1), days),
        within_seconds=Measure(within),
        unknown_seconds=Measure(within - measures["observed_seconds"]),
        covered_seconds=Measure(measures["observed_seconds"]),
        machine_days=Measure(machines),
        **{name: Measure(values) for name, values in measures.items()},
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Spans:
    """Ownership spans as columns. A *pair* is a machine and an owner of it (who may have owned it more than once)."""

    machine_uids: Sequence[str]
    obligor_ids: Sequence[str]
    starts: Ints
    ends: Ints
    is_current: NDArray[np.bool_]
    zones: Sequence[str]
    last_days: Ints
    pairs: Sequence[tuple[str, str]]
    pair: Ints


@dataclass(frozen=True, slots=True, eq=False)
class _Frame:
    """The units, the unit of each pair (-1: none), and each unit's last complete local day (a day number).
    `last_days` has a further entry, which stands for no unit."""

    units: tuple[str, ...]
    obligor_ids: tuple[str, ...]
    unit_of_pair: Ints
    last_days: Ints


def _spans(spans: pa.Table, as_of: datetime) -> _Spans:
    machines, obligors = spans["machine_uid"].to_pylist(), spans["obligor_id"].to_pylist()
    starts, ends = micros(spans["starts"]), micros(spans["ends"].fill_null(_NEVER_ENDS))
    zones = spans["site_zone"].to_pylist()
    last_of_zone = {zone: day_number(last_complete_day(zone, as_of)) for zone in set(zones)}
    pairs = sorted(set(zip(machines, obligors, strict=True)))
    position = {pair: number for number, pair in enumerate(pairs)}
    instant = to_micros(as_of)
    return _Spans(
        machine_uids=machines,
        obligor_ids=obligors,
        starts=starts,
        ends=ends,
        is_current=(starts <= instant) & (instant < ends),
        zones=zones,
        last_days=np.array([last_of_zone[zone] for zone in zones], dtype=np.int64),
        pairs=pairs,
        pair=np.array([position[pair] for pair in zip(machines, obligors, strict=True)], dtype=np.int64),
    )


def _machine_frame(spans: _Spans) -> _Frame:
    current = {spans.machine_uids[at]: at for at in np.flatnonzero(spans.is_current).tolist()}
    units = tuple(sorted(current))
    unit_of_pair = np.full(len(spans.pairs), -1, dtype=np.int64)
    for number, unit in enumerate(units):
        unit_of_pair[spans.pair[current[unit]]] = number
    owners = tuple(spans.obligor_ids[current[unit]] for unit in units)
    last_days = np.array([*(spans.last_days[current[unit]] for unit in units), 0], dtype=np.int64)
    return _Frame(units, owners, unit_of_pair, last_days)


def _obligor_frame(spans: _Spans, as_of: datetime, obligor_ids: Sequence[str] | None) -> _Frame:
    units = tuple(sorted(set(spans.obligor_ids))) if obligor_ids is None else tuple(obligor_ids)
    position = {unit: number for number, unit in enumerate(units)}
    unit_of_pair = np.array([position.get(obligor, -1) for _, obligor in spans.pairs], dtype=np.int64)
    last_days = np.full(len(units) + 1, np.iinfo(np.int64).max)
    np.minimum.at(last_days, unit_of_pair[spans.pair], spans.last_days)
    unplaced = last_days == np.iinfo(np.int64).max
    last_days[unplaced] = day_number(as_of.astimezone(UTC).date()) - 1
    return _Frame(units, units, unit_of_pair, last_days)


def _pairs_of_rows(table: pa.Table, spans: _Spans) -> Ints:
    """The pair of each machine-day."""
    machines, machine = encoded(table["machine_uid"])
    obligors, obligor = encoded(table["obligor_id"])
    of_machine = {word: code for code, word in enumerate(machines)}
    of_obligor = {word: code for code, word in enumerate(obligors)}
    width = len(obligors) + 1
    keys = np.array(
        [
            of_machine.get(uid, len(machines)) * width + of_obligor.get(owner, len(obligors))
            for uid, owner in spans.pairs
        ],
        dtype=np.int64,
    )
    order = np.argsort(keys)
    return np.asarray(order[np.searchsorted(keys[order], machine * width + obligor)])


def _measures(rows: pa.Table, cell: Ints, shape: tuple[int, int]) -> dict[str, Array]:
    """Every measure that machine-days add up to; `cell` is the flat position of each row in (unit, day), or one past
    the last where it belongs nowhere."""
    taken = {name: floats(rows[name]) for name in _COLUMNS}
    executing, energy, peak = taken["executing_seconds"], taken["energy_kwh"], taken.pop("peak_kw")
    parts, starts = taken["parts"], taken["fault_starts"]
    taken["peak_energy_kwh"] = peak * taken["powered_seconds"] / _SECONDS_PER_HOUR
    taken["peaked_energy_kwh"] = np.where(np.isnan(peak), np.nan, energy)
    taken["metered_executing_seconds"] = np.where(np.isnan(energy), 0.0, executing)
    taken["watched_executing_seconds"] = np.where(np.isnan(starts), 0.0, executing)
    taken["counted_executing_seconds"] = np.where(np.isnan(parts), 0.0, executing)
    taken["counted_executing_kwh"] = np.where(np.isnan(parts), np.nan, taken["energy_executing_kwh"])
    taken["observed_machine_days"] = (taken["observed_seconds"] > 0).astype(np.float64)
    taken["active_machine_days"] = (executing > 0).astype(np.float64)
    nullable = {*_SAID, "peak_energy_kwh", "peaked_energy_kwh", "counted_executing_kwh"}
    return {name: _added(values, cell, shape, nullable=name in nullable) for name, values in taken.items()}


def _added(values: Array, cell: Ints, shape: tuple[int, int], *, nullable: bool) -> Array:
    """Sums by cell; a nullable measure is NaN in the cells in which no row says it."""
    size = shape[0] * shape[1]
    said = ~np.isnan(values)
    sums = np.bincount(cell, weights=np.where(said, values, 0.0), minlength=size + 1)
    if nullable:
        sums = np.where(np.bincount(cell, weights=said, minlength=size + 1) > 0, sums, np.nan)
    # Over no row at all, bincount counts in whole numbers.
    return np.asarray(sums[:size].reshape(shape), dtype=np.float64)


def _ownership(spans: _Spans, frame: _Frame, first_columns: Ints, shape: tuple[int, int]) -> tuple[Array, Array]:
    """Seconds in ownership, and machines owned, of each unit and day, from each pair's first column on."""
    seconds, machines = np.zeros(shape), np.zeros(shape)
    days = shape[1]
    unit = frame.unit_of_pair[spans.pair]
    zones = np.array(spans.zones)
    for zone in np.unique(zones):
        own = np.flatnonzero((zones == zone) & (unit >= 0) & (first_columns[spans.pair] < days))
        if not len(own):
            continue
        first_days = frame.last_days[unit[own]] - days + 1
        calendar = local_days(str(zone), int(first_days.min()), int(first_days.max()) + days - 1)
        day = first_days[:, None] + np.arange(days)
        begins = np.maximum(calendar.starts(day), spans.starts[own, None])
        overlap = np.clip(np.minimum(calendar.ends(day), spans.ends[own, None]) - begins, 0, None)
        overlap[np.arange(days) < first_columns[spans.pair[own], None]] = 0
        np.add.at(seconds, unit[own], overlap / MICROS_PER_SECOND)
        np.add.at(machines, unit[own], overlap > 0)
    return seconds, machines
