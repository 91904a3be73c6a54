"""Machine-days into the dense daily arrays of a history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numba
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.history import LEDGER_MEASURES, Array, DailyHistory, Level, Measure, Standing, unsaid
from features.machine_day.arrow import day_numbers, encoded, micros
from features.machine_day.days import MICROS_PER_SECOND, day_number, last_complete_day, local_days, to_micros
from features.machine_day.machine_days import MachineDays
from features.measures import Grid, Said, added_up, row_values

Ints = NDArray[np.int64]

_NEVER_ENDS = datetime(9999, 1, 1, tzinfo=UTC)


def build_history(
    machine_days: MachineDays,
    *,
    level: Level,
    as_of: datetime,
    days: int,
    recent_days: int | None = None,
    obligor_ids: Sequence[str] | None = None,
) -> DailyHistory:
    """The last `days` complete local days before `as_of`, for each obligor or for each machine owned at `as_of`;
    of the measures that are not long, the last `recent_days` (all, if None).

    Units are sorted; at the obligor level they are `obligor_ids`, in their order, where these are given (an obligor
    without machine-days gets empty days up to the last complete UTC day). An obligor's days are those of its machines
    added up; where its sites lie in several zones, its last day is the last that is complete at all of them. A
    machine without any machine-day in these days is no part of it; for the others, time in ownership that no machine-
    day covers is unknown from the first of them on. What ledgers say is not in it (`features.ledgers` adds it).
    """
    return history_of_rows(
        day_rows(machine_days, as_of), level=level, days=days, recent_days=recent_days, obligor_ids=obligor_ids
    )


def history_of_rows(
    rows: DayRows,
    *,
    level: Level,
    days: int,
    recent_days: int | None = None,
    obligor_ids: Sequence[str] | None = None,
    zones: Mapping[str, str] | None = None,
) -> DailyHistory:
    """`build_history` of machine-days that were read off before. The days of an obligor without any end with the last
    that is complete in its zone of `zones`."""
    recent = days if recent_days is None else min(recent_days, days)
    spans = rows.spans
    frame = _machine_frame(spans) if level is Level.MACHINE else _obligor_frame(spans, rows.as_of, obligor_ids, zones)
    unit = frame.unit_of_pair[rows.pair]
    column = rows.day - frame.last_days[unit] + days - 1
    inside = (unit >= 0) & (column >= 0) & (column < days)
    first_columns = np.full(len(spans.pairs), days)
    np.minimum.at(first_columns, rows.pair[inside], column[inside])
    grid = Grid(units=len(frame.units), days=days, recent=recent, unit=unit, column=column, inside=inside)
    owned = owned_time(
        unit=frame.unit_of_pair[spans.pair],
        first_column=first_columns[spans.pair],
        starts=spans.starts,
        ends=spans.ends,
        zones=spans.zones,
        last_days=frame.last_days,
        shape=(len(frame.units), days),
    )
    identity = Units(level, frame.units, frame.obligor_ids, frame.zones, frame.last_days[: len(frame.units)])
    return history_of(identity, added_up(rows.values, grid), owned, recent=recent)


def day_rows(machine_days: MachineDays, as_of: datetime) -> DayRows:
    """Machine-days read off once, for the histories of their owners and of themselves."""
    spans = _spans(machine_days.spans, as_of)
    pair = _pairs_of_rows(machine_days.table, spans)
    zone_of_pair = spans.zone_of_pair
    zones = [zone_of_pair[number] for number in range(len(spans.pairs))]
    return DayRows(
        as_of=as_of,
        spans=spans,
        pair=pair,
        day=day_numbers(machine_days.table["day"]),
        values=row_values(machine_days.table, pair, zones),
    )


@dataclass(frozen=True, slots=True)
class Units:
    """The units of a history: obligors or machines, their owners, the zones of their sites, and the last complete local
    day of each (a day number)."""

    level: Level
    names: tuple[str, ...]
    obligor_ids: tuple[str, ...]
    zones: tuple[str, ...]
    last_days: Ints


@dataclass(frozen=True, slots=True, eq=False)
class OwnedTime:
    """Seconds in ownership, and machines owned, of each unit and day, from each machine's first machine-day on."""

    seconds: Array
    machines: Array


def history_of(units: Units, measures: Mapping[str, Measure], owned: OwnedTime, *, recent: int) -> DailyHistory:
    """A history of its units from what machine-days add up to (`features.measures`) and the time in ownership, the
    last `recent` days of what is not long; ledgers and fleet are not in it."""
    observed = measures["observed_seconds"].values
    within = np.maximum(owned.seconds, observed)
    count, days = observed.shape
    seen = observed > 0
    said: dict[str, Any] = {**measures, **{name: unsaid(count, recent) for name in LEDGER_MEASURES}}
    return DailyHistory(
        level=units.level,
        units=units.names,
        obligor_ids=units.obligor_ids,
        last_days=units.last_days.astype("datetime64[D]"),
        zones=units.zones,
        industries=(None,) * count,
        first_observed=np.where(seen.any(axis=1), seen.argmax(axis=1), days),
        within_seconds=Measure(within),
        unknown_seconds=Measure((within - observed)[:, days - recent :]),
        covered_seconds=Measure(observed[:, days - recent :]),
        machine_days=Measure(owned.machines[:, days - recent :]),
        standing=Standing.unknown(count),
        fleet=None,
        **said,
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

    @property
    def zone_of_pair(self) -> dict[int, str]:
        """The zone of each pair's site: of its last span."""
        return dict(zip(self.pair.tolist(), self.zones, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DayRows:
    """What each machine-day says as of an instant: its machine and owner (a pair of `spans`), its day number, and its
    measures."""

    as_of: datetime
    spans: _Spans
    pair: Ints
    day: Ints
    values: Mapping[str, Said]


@dataclass(frozen=True, slots=True, eq=False)
class _Frame:
    """The units, the unit of each pair (-1: none), and each unit's last complete local day (a day number).
    `last_days` has a further entry, which stands for no unit."""

    units: tuple[str, ...]
    obligor_ids: tuple[str, ...]
    zones: tuple[str, ...]
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
    return _Frame(units, owners, tuple(spans.zones[current[unit]] for unit in units), unit_of_pair, last_days)


def _obligor_frame(
    spans: _Spans, as_of: datetime, obligor_ids: Sequence[str] | None, homes: Mapping[str, str] | None
) -> _Frame:
    units = tuple(sorted(set(spans.obligor_ids))) if obligor_ids is None else tuple(obligor_ids)
    position = {unit: number for number, unit in enumerate(units)}
    unit_of_pair = np.array([position.get(obligor, -1) for _, obligor in spans.pairs], dtype=np.int64)
    last_days = np.full(len(units) + 1, np.iinfo(np.int64).max)
    np.minimum.at(last_days, unit_of_pair[spans.pair], spans.last_days)
    first_zone: dict[str, str] = {}
    for obligor, zone in zip(spans.obligor_ids, spans.zones, strict=True):
        first_zone[obligor] = min(zone, first_zone.get(obligor, zone))
    zones = tuple(first_zone.get(unit) or (homes or {}).get(unit, "UTC") for unit in units)
    for number in np.flatnonzero(last_days == np.iinfo(np.int64).max).tolist():
        last_days[number] = day_number(last_complete_day(zones[number] if number < len(units) else "UTC", as_of))
    return _Frame(units, units, zones, unit_of_pair, last_days)


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


def owned_time(
    *,
    unit: Ints,
    first_column: Ints,
    starts: Ints,
    ends: Ints,
    zones: Sequence[str],
    last_days: Ints,
    shape: tuple[int, int],
) -> OwnedTime:
    """Time within ownership spans (in microseconds), added up by unit and day.

    Of each span: its unit (-1: none), the column of its machine's first machine-day (from which on it counts; none if
    beyond the last), its bounds and the zone of its site. `last_days` are of units; `shape` is (unit, day).
    """
    found = OwnedTime(np.zeros(shape), np.zeros(shape))
    days = shape[1]
    zone_of_span = np.array(zones)
    for zone in np.unique(zone_of_span):
        own = np.flatnonzero((zone_of_span == zone) & (unit >= 0) & (first_column < days))
        if not len(own):
            continue
        first_days = last_days[unit[own]] - days + 1
        calendar = local_days(str(zone), int(first_days.min()), int(first_days.max()) + days - 1)
        spans = unit[own], first_column[own], starts[own], ends[own], first_days - calendar.first_day
        _add_owned(spans, calendar.midnights, found.seconds, found.machines)
    return found


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _add_owned(spans: tuple[Ints, Ints, Ints, Ints, Ints], midnights: Ints, seconds: Array, machines: Array) -> None:
    """Add each span (unit, first column, start, end, place of column 0 among the midnights) to its unit's days."""
    unit, first_column, starts, ends, place = spans
    for span in range(len(unit)):
        for column in range(first_column[span], seconds.shape[1]):
            day = place[span] + column
            overlap = min(midnights[day + 1], ends[span]) - max(midnights[day], starts[span])
            if overlap > 0:
                seconds[unit[span], column] += overlap / MICROS_PER_SECOND
                machines[unit[span], column] += 1.0
