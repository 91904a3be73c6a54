"""A partition of the samples, read one row group at a time: a Parquet file by its path, or a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from data_contracts.errors import StoreDamaged
from features.machine_day.columns import Columns, columns_of
from features.machine_day.days import Micros
from features.machine_day.plan import RollUpPlan
from features.machine_day.samples import SAMPLE_COLUMNS
from features.machine_day.turns import OUT_OF_ORDER, REPEATED, Owned, Turns, find_turns

TEXTS = ("machine_uid", "item_state", "operation_mode", "profile_id")

Partition: TypeAlias = "pa.Table | str"
"""Samples with `SAMPLE_COLUMNS`: a table, or the path of a Parquet file sorted by machine and time."""


class OutOfOrder(Exception):
    """Rows of a table are not in the order that one pass over them needs."""


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Some rows, the turns that they are in, and the names of their machines."""

    columns: Columns
    turns: Turns
    machine_uids: Sequence[str]


def group_of(table: pa.Table, plan: RollUpPlan) -> Group:
    """A row group as the kernel reads it. Raises OutOfOrder when its rows are not sorted by machine and time."""
    columns, machine_uids = columns_of(table, plan.profile_codes)
    owned = _owned(machine_uids, plan)
    room = int(owned.intervals.sum())
    turns = Turns(*(np.empty(room, dtype=np.int64) for _ in range(3)), *np.zeros((2, len(machine_uids)), np.int64))
    found = find_turns(columns.machine, columns.time, columns.profile, owned, plan.as_of, turns)
    if found == OUT_OF_ORDER:
        raise OutOfOrder
    assert found != REPEATED, "two samples of one source and time: read them by ObservationReader.rows"
    first = Turns(turns.series[:found], turns.begins[:found], turns.ends[:found], turns.outside, turns.late)
    return Group(columns, first, machine_uids)


def tables_of(partition: Partition, columns: Sequence[str]) -> Iterator[pa.Table]:
    """The row groups of a partition, texts as dictionary codes where the file has them so. A group's memory serves the
    next one if the caller lets go of it first. Raises StoreDamaged for a file that cannot be read."""
    if isinstance(partition, pa.Table):
        if partition.num_rows:
            yield partition
        return
    try:
        with pq.ParquetFile(partition, read_dictionary=TEXTS) as file:
            for group in range(file.num_row_groups):
                yield file.read_row_group(group, columns=list(columns), use_threads=False)
    except (pa.ArrowException, OSError) as error:
        raise StoreDamaged(f"{partition} cannot be read: {error}.", hint="Restore it from a backup.") from error


def in_order(partition: Partition) -> pa.Table:
    """The rows of a partition sorted by machine, time and, where several sources speak at once, their profiles."""
    table = pa.concat_tables(list(tables_of(partition, SAMPLE_COLUMNS))).unify_dictionaries()
    for name in TEXTS:
        table = table.set_column(table.column_names.index(name), name, table[name].cast(pa.string()))
    return table.sort_by([(name, "ascending") for name in ("machine_uid", "event_time", "profile_id")])


def span_of(tables: Sequence[pa.Table]) -> tuple[int, int]:
    """The earliest and the latest instant of some tables (microseconds), 0 and 0 where they have no rows."""
    times: list[Micros] = [table["event_time"].cast(pa.int64()).to_numpy() for table in tables if table.num_rows]
    return min((int(t.min()) for t in times), default=0), max((int(t.max()) for t in times), default=0)


def _owned(machine_uids: Sequence[str], plan: RollUpPlan) -> Owned:
    places = [plan.places.get(uid, _NOBODY) for uid in machine_uids]
    return Owned(
        first=np.array([place.start for place in places], dtype=np.int64),
        intervals=np.array([len(place) for place in places], dtype=np.int64),
        starts=plan.ownership.starts,
        ends=plan.ownership.ends,
    )


_NOBODY = range(0)
