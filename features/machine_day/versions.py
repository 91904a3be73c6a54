"""Partial machine-days as rows that are kept: one for each machine and partition of the samples.

A version is made as if its machine belonged to one owner for ever and nothing were later than `as_of`. It says of what
it was made (first and last row, the longest hold before it that its head allows for, the zone of its days), so that
whoever reads it can tell whether it is also what its machine's true owners and any `as_of` would give.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from data_contracts.observations.rolled import VERSION_FIELDS
from features.machine_day.arrow import encoded, micros, null_where
from features.machine_day.booking import BOOKED, HELD, READINGS, Cells, no_held, no_readings
from features.machine_day.partial import Partial
from features.machine_day.plan import RollUpPlan
from features.machine_day.samples import Ints, Rows, take
from features.machine_day.stretch import Stretches, cells_at, empty_cells

_WIDTHS = {"booked": BOOKED, "kw_micros": 3, "register_kwh": 3, "before": 3, "after": 3}
_CELL = tuple(name for name in Cells._fields if name not in ("series", *_WIDTHS))
_PROFILES = ("first_count_profile", "first_register_profile")
_FLOATS = {"kw_micros", "register_kwh", "peak_kw", "deltas", "counted"}
_HEAD = tuple(name for name in Rows._fields if name != "series")
_HEAD_TYPES = {"time": pa.int64(), "state": pa.int8(), "mode": pa.int8(), "profile": pa.string()}


def _cell_fields() -> list[pa.Field]:
    wide = [pa.field(f"{name}_{place}", _kind(name)) for name, width in _WIDTHS.items() for place in range(width)]
    return [*(pa.field(name, _kind(name)) for name in _CELL), *wide]


def _kind(name: str) -> pa.DataType:
    return pa.float64() if name in _FLOATS else pa.int64()


def _record_fields(prefix: str, dtype: np.dtype[Any]) -> list[pa.Field]:
    names = [name for name in dtype.names or () if name not in _PROFILES]
    return [pa.field(f"{prefix}_{name}", pa.from_numpy_dtype(dtype[name])) for name in names]


CELL_TYPE = pa.struct(_cell_fields())
HEAD_TYPE = pa.struct([pa.field(name, _HEAD_TYPES.get(name, pa.float64())) for name in _HEAD])
MADE_OF_FIELDS = (
    pa.field("first_row", pa.int64()),
    pa.field("last_row", pa.int64()),
    pa.field("hold", pa.int64()),
    pa.field("site_zone", pa.string()),
)
CONTENT_FIELDS = (
    pa.field("head", pa.list_(HEAD_TYPE)),
    pa.field("has_body", pa.bool_()),
    *_record_fields("held", HELD),
    *_record_fields("read", READINGS),
    *(pa.field(f"read_{name}", pa.string()) for name in _PROFILES),
    pa.field("cells", pa.list_(CELL_TYPE)),
)
VERSION_SCHEMA = pa.schema([*VERSION_FIELDS, *MADE_OF_FIELDS, *CONTENT_FIELDS])


def encode(partial: Partial, plan: RollUpPlan) -> pa.Table:
    """The partial of one partition, a row for each machine in it, with `machine_uid`, `MADE_OF_FIELDS` and
    `CONTENT_FIELDS`. Series of the plan are machines."""
    head, body = partial.head, partial.body
    series = np.unique(head.series).astype(np.int64)
    heads = np.searchsorted(head.series, np.append(series, np.iinfo(np.int32).max))
    place = np.searchsorted(series, body.series)
    has_body = np.zeros(len(series), dtype=np.bool_)
    has_body[place] = True
    held, readings = no_held(len(series)), no_readings(len(series))
    held[place], readings[place] = body.held, body.readings
    counts = np.zeros(len(series), dtype=np.int64)
    np.add.at(counts, place[body.owner], 1)
    columns: dict[str, Any] = {
        "machine_uid": pa.array(list(plan.ownership.machine_uids), pa.string()).take(pa.array(series)),
        "first_row": head.time[heads[:-1]],
        "last_row": np.where(has_body, held["time"], head.time[heads[1:] - 1]),
        "hold": plan.holds[series],
        "site_zone": pa.array(list(plan.zones), pa.string()).take(pa.array(plan.zone_of[series])),
        "head": pa.ListArray.from_arrays(pa.array(heads.astype(np.int32)), _head_structs(head, plan)),
        "has_body": has_body,
        **_record_columns("held", held, has_body),
        **_record_columns("read", readings, has_body),
        "read_first_count_profile": _profile_ids(readings, "first_count_profile", "first_count", plan),
        "read_first_register_profile": _profile_ids(readings, "first_register_profile", "first_register_kwh", plan),
        "cells": pa.ListArray.from_arrays(pa.array(_offsets(counts)), _cell_structs(body.cells)),
    }
    fields = [VERSION_FIELDS[0], *MADE_OF_FIELDS, *CONTENT_FIELDS]
    return pa.table([_arrow(columns[field.name]).cast(field.type) for field in fields], schema=pa.schema(fields))


def unwritten(machine_uids: Sequence[str]) -> pa.Table:
    """The same for machines of which nothing is said."""
    count = len(machine_uids)
    columns = [pa.array(list(machine_uids), pa.string())]
    columns += [pa.nulls(count, field.type) for field in (*MADE_OF_FIELDS, *CONTENT_FIELDS)]
    return pa.table(columns, schema=pa.schema([VERSION_FIELDS[0], *MADE_OF_FIELDS, *CONTENT_FIELDS]))


@dataclass(frozen=True, slots=True, eq=False)
class MadeOf:
    """What versions were made of, and of which machine and partition each is: positions in `machine_uids` and
    `partitions`, both sorted."""

    machine_uids: Sequence[str]
    partitions: Sequence[str]
    machine: Ints
    partition: Ints
    first_row: Ints
    last_row: Ints
    hold: Ints
    zones: Sequence[str]
    zone: Ints

    def series_in(self, plan: RollUpPlan) -> Ints:
        """The series of the plan that would have given each version, -1 where none would: its rows lie in one
        ownership, nothing that they hold is cut off, and its head and its days are those of the plan."""
        known = plan.places
        own = [known.get(uid, range(0)) for uid in self.machine_uids]
        first = np.array([place.start for place in own], dtype=np.int64)[self.machine]
        count = np.array([len(place) for place in own], dtype=np.int64)[self.machine]
        of_zone = np.array([plan.zones.index(zone) if zone in plan.zones else -1 for zone in (*self.zones, "")])
        series = np.full(len(self.machine), -1, dtype=np.int64)
        for number in range(int(count.max(initial=0))):
            at = np.minimum(first + number, len(plan.ownership) - 1)
            fits = (number < count) & (plan.ownership.starts[at] <= self.first_row)
            fits &= self.last_row + self.hold <= plan.limits(at)
            fits &= (plan.holds[at] == self.hold) & (plan.zone_of[at] == of_zone[self.zone])
            series[fits] = at[fits]
        return series


def made_of(versions: pa.Table) -> MadeOf:
    """What the versions of a table say of themselves."""
    machine_uids, machine = _sorted_words(versions["machine_uid"])
    partitions, partition = _sorted_words(versions["partition"])
    zones, zone = encoded(versions["site_zone"])
    numbers = {name: _ints(versions[name]) for name in ("first_row", "last_row", "hold")}
    return MadeOf(machine_uids, partitions, machine, partition, zones=zones, zone=zone, **numbers)


@dataclass(frozen=True, slots=True, eq=False)
class Usable:
    """Versions that are what their samples would give, the series of each, and by partition the machines whose samples
    must be rolled instead."""

    versions: pa.Table
    series: Ints
    needed: Mapping[str, set[str]]


def usable_versions(tables: Sequence[pa.Table], plan: RollUpPlan, pending: Mapping[str, set[str]]) -> Usable:
    """Of all versions of some machines, the one that holds at the plan's `as_of` for each machine and partition.

    It is the last one that may differ from the one before by then; it must be whole, known entirely by then, and not
    followed by rows that are in no version yet (`pending`: machines by partition).
    """
    versions = pa.concat_tables([VERSION_SCHEMA.empty_table(), *tables])
    made = made_of(versions)
    whole = np.asarray(versions["is_whole"].to_numpy(), dtype=np.bool_)
    visible = np.flatnonzero(micros(versions["added_from"]) <= plan.as_of)
    keys = (whole, versions["sequence"].to_numpy(), made.machine, made.partition)
    order = visible[np.lexsort([np.asarray(key)[visible] for key in keys])]
    last = np.flatnonzero(np.append((np.diff(_key(made)[order]) != 0), True)[: len(order)])
    current = order[last]
    awaited = {(partition, uid) for partition, uids in pending.items() for uid in uids}
    series = np.where(whole & (micros(versions["known_from"]) <= plan.as_of), made.series_in(plan), -1)
    is_empty = whole & versions["first_row"].is_null().to_numpy()
    used = []
    needed: dict[str, set[str]] = {}
    for row in current.tolist():
        partition, uid = made.partitions[made.partition[row]], made.machine_uids[made.machine[row]]
        if series[row] >= 0 and (partition, uid) not in awaited:
            used.append(row)
        elif not is_empty[row]:
            needed.setdefault(partition, set()).add(uid)
    chosen = np.array(used, dtype=np.int64)
    return Usable(versions.take(pa.array(chosen)), series[chosen], needed)


def _key(made: MadeOf) -> Ints:
    return np.asarray(made.partition * max(len(made.machine_uids), 1) + made.machine)


def decode(versions: pa.Table, series: Ints, plan: RollUpPlan) -> dict[str, Partial]:
    """The partial of each partition, by its name, out of versions of these series, each of another series or
    partition."""
    names, partition = _sorted_words(versions["partition"])
    order = np.lexsort((series, partition))
    versions, series, partition = versions.take(pa.array(order)).combine_chunks(), series[order], partition[order]
    codes = {profile: code for code, profile in enumerate(plan.profile_codes.ids)}
    heads, head_ends = _heads(versions, series, codes)
    held, readings = _records(versions, "held", HELD, codes), _records(versions, "read", READINGS, codes)
    has_body = np.asarray(versions["has_body"].to_numpy())
    cells, cell_ends = _cells(versions, series)
    bounds = np.searchsorted(partition, np.arange(len(names) + 1))
    found = {}
    for number, name in enumerate(names):
        lower, upper = bounds[number], bounds[number + 1]
        bodies = np.flatnonzero(has_body[lower:upper]) + lower
        body_cells = slice(cell_ends[lower], cell_ends[upper])
        lengths = np.diff(cell_ends)[bodies]
        body = Stretches(
            series=series[bodies],
            held=held[bodies],
            readings=readings[bodies],
            cells=cells_at(cells, body_cells),
            owner=np.repeat(np.arange(len(bodies)), lengths),
        )
        found[name] = Partial(take(heads, slice(head_ends[lower], head_ends[upper])), body)
    return found


def _head_structs(head: Rows, plan: RollUpPlan) -> pa.StructArray:
    ids = pa.array(list(plan.profile_codes.ids), pa.string())
    columns: list[pa.Array] = [pa.array(getattr(head, name)) for name in _HEAD[:-1]]
    columns.append(ids.take(pa.array(head.profile)))
    return pa.StructArray.from_arrays(columns, fields=list(HEAD_TYPE))


def _cell_structs(cells: Cells) -> pa.StructArray:
    plain = [pa.array(getattr(cells, name)) for name in _CELL]
    wide = [pa.array(getattr(cells, name)[:, place]) for name, width in _WIDTHS.items() for place in range(width)]
    return pa.StructArray.from_arrays([*plain, *wide], fields=list(CELL_TYPE))


def _record_columns(prefix: str, records: NDArray[Any], given: NDArray[np.bool_]) -> dict[str, pa.Array]:
    names = [name for name in records.dtype.names or () if name not in _PROFILES]
    return {f"{prefix}_{name}": null_where(~given, np.ascontiguousarray(records[name])) for name in names}


def _profile_ids(readings: NDArray[Any], profile: str, value: str, plan: RollUpPlan) -> pa.Array:
    """The profile of a first reading, null where there is none."""
    positions = pa.array(np.ascontiguousarray(readings[profile]), mask=np.isnan(readings[value]))
    return pa.array(list(plan.profile_codes.ids), pa.string()).take(positions)


def _heads(versions: pa.Table, series: Ints, codes: Mapping[str, int]) -> tuple[Rows, Ints]:
    """The heads' rows one after the other, and where each version's end (the first is 0)."""
    ends, rows = _flat(versions["head"])
    columns = {name: rows.field(name) for name in _HEAD}
    profile = columns.pop("profile").dictionary_encode()
    of_word = np.array([codes[word] for word in profile.dictionary.to_pylist()] or [0], dtype=np.int32)
    return Rows(
        series=np.repeat(series, np.diff(ends)).astype(np.int32),
        **{name: np.asarray(values.to_numpy(zero_copy_only=False)) for name, values in columns.items()},
        profile=of_word[profile.indices.to_numpy()],
    ), ends


def _cells(versions: pa.Table, series: Ints) -> tuple[Cells, Ints]:
    ends, structs = _flat(versions["cells"])
    cells = empty_cells(np.repeat(series, np.diff(ends)), np.empty(ends[-1], dtype=np.int64))
    for name in _CELL:
        getattr(cells, name)[:] = structs.field(name).to_numpy(zero_copy_only=False)
    for name, width in _WIDTHS.items():
        for place in range(width):
            getattr(cells, name)[:, place] = structs.field(f"{name}_{place}").to_numpy(zero_copy_only=False)
    return cells, ends


def _flat(lists: pa.ChunkedArray) -> tuple[Ints, pa.StructArray]:
    array = lists.combine_chunks()
    array = array.chunk(0) if isinstance(array, pa.ChunkedArray) else array
    lengths = np.asarray(array.value_lengths().fill_null(0).to_numpy(zero_copy_only=False), dtype=np.int64)
    return np.append(0, np.cumsum(lengths)), array.flatten()


def _records(versions: pa.Table, prefix: str, dtype: np.dtype[Any], codes: Mapping[str, int]) -> NDArray[Any]:
    records = no_held(versions.num_rows) if dtype is HELD else no_readings(versions.num_rows)
    given = np.asarray(versions["has_body"].to_numpy())
    for name in dtype.names or ():
        column = versions[f"{prefix}_{name}"]
        if name in _PROFILES:
            words, positions = encoded(column)
            values = np.array([*(codes[word] for word in words), 0])[positions]
        else:
            values = column.to_numpy()
        records[name][given] = values[given]
    return records


def _offsets(counts: Ints) -> NDArray[np.int32]:
    return np.append(0, np.cumsum(counts)).astype(np.int32)


def _sorted_words(column: pa.ChunkedArray) -> tuple[list[str], Ints]:
    words, positions = encoded(column)
    order = np.argsort(np.array(words, dtype=np.str_), kind="stable")
    place = np.empty(len(words), dtype=np.int64)
    place[order] = np.arange(len(words))
    return [words[at] for at in order.tolist()], place[positions] if len(words) else positions


def _ints(column: pa.ChunkedArray) -> Ints:
    return np.asarray(column.fill_null(0).to_numpy(), dtype=np.int64)


def _arrow(values: Any) -> pa.Array:
    return values if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values)
