"""Rolling up what is new and keeping it: work by bucket and month, each of which can be kept as soon as it is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_contracts.observations import rolled
from data_contracts.observations.layout import MACHINE_BUCKETS, bucket_of
from data_contracts.observations.places import SamplePlace, sample_places
from features.machine_day.arrow import micros
from features.machine_day.days import to_micros
from features.machine_day.ownership import FIRST_SAMPLE, FOREVER, Ownership
from features.machine_day.partial import Partial
from features.machine_day.plan import RollUpPlan
from features.machine_day.reading import PlaceTask, roll_task, tasks_for
from features.machine_day.samples import Ints
from features.machine_day.versions import VERSION_SCHEMA, encode, unwritten
from features.rolling import Sources, plan_for, sources_of

if TYPE_CHECKING:
    from data_contracts.observations.reader import ObservationReader

END_OF_TIME = datetime(9999, 1, 1, tzinfo=UTC)
_INSTANT = pa.timestamp("us", tz="UTC")
_TOLD = [*(field.name for field in rolled.VERSION_FIELDS), "first_row"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceWork:
    """A place to be rolled: of all machines (None) or of these. `added_from` (microseconds) says from when on each
    machine's new version may differ from the one before; for others that is the first row of the place."""

    place: SamplePlace
    machine_uids: frozenset[str] | None
    added_from: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthWork:
    """The places of one bucket and month that are to be rolled, from what came in by `as_of` and up to the batch
    `sequence`."""

    month: str
    bucket: int
    works: Sequence[PlaceWork]
    plan: RollUpPlan
    sources: Sources
    sequence: int
    as_of: datetime

    @property
    def places(self) -> list[SamplePlace]:
        """Its places."""
        return [work.place for work in self.works]


def work_to_do(reader: ObservationReader, *, as_of: datetime) -> tuple[list[MonthWork], int]:
    """What is to be rolled by `as_of`, and the last batch that this looks at.

    Days that are over are rolled whole, once; where something came in later, or could not be told then, of these
    machines again.
    """
    new = rolled.new_rows(reader.connection)
    done = rolled.rolled_places(reader.connection)
    sources = sources_of(reader, as_of=END_OF_TIME)
    found: list[MonthWork] = []
    for bucket in range(MACHINE_BUCKETS):
        places = sample_places(reader.connection, reader.store, as_of=END_OF_TIME, buckets=[bucket])
        plan = _free_plan(bucket, places, sources)
        fresh = [place for place in places if (place.partition, bucket) not in done]
        works = [
            PlaceWork(place=place, machine_uids=None, added_from={})
            for place in fresh
            if place.ends <= as_of and place.recorded_until <= to_micros(as_of)
        ]
        works += _again(reader, new, [place for place in places if (place.partition, bucket) in done])
        works.sort(key=lambda work: work.place.partition)
        for month, own in groupby(works, key=lambda work: work.place.partition[:7]):
            found.append(
                MonthWork(
                    month=month,
                    bucket=bucket,
                    works=list(own),
                    plan=plan,
                    sources=sources,
                    sequence=new.sequence,
                    as_of=as_of,
                )
            )
    return found, new.sequence


def rolled_versions(work: MonthWork, *, executor: Executor | None = None) -> pa.Table:
    """The versions of a month's work, sorted by machine and partition."""
    tasks = [task for place_work in work.works for task in _tasks(place_work, work.as_of)]
    plans = [work.plan] * len(tasks)
    found = executor.map(roll_task, tasks, plans) if executor else map(roll_task, tasks, plans)
    partials = {partition: partial for parts in found for partition, partial in parts}
    tables = [_versions(place_work, partials.get(place_work.place.partition), work) for place_work in work.works]
    versions = pa.concat_tables([VERSION_SCHEMA.empty_table(), *tables])
    return versions.sort_by([("machine_uid", "ascending"), ("partition", "ascending")])


def _again(reader: ObservationReader, new: rolled.NewRows, places: Sequence[SamplePlace]) -> list[PlaceWork]:
    """Of places of one bucket that are rolled, those that have new rows of some machines, or machines whose version
    holds nothing."""
    if not places:
        return []
    changed, unfinished = new.machines_in(), _unfinished(reader, places[0].bucket)
    works = []
    for place in places:
        uids = changed.get((place.partition, place.bucket), set())
        added = {uid: new.known_from[uid, place.partition] for uid in uids}
        for uid, instant in unfinished.get(place.partition, {}).items():
            added[uid] = min(instant, added.get(uid, instant))
        if added:
            works.append(PlaceWork(place=place, machine_uids=frozenset(added), added_from=added))
    return works


def _free_plan(bucket: int, places: Sequence[SamplePlace], sources: Sources) -> RollUpPlan:
    """The plan under which versions are made: every machine is a series, owned for ever, and nothing is cut off."""
    uids = tuple(sorted(uid for uid in sources.of_machine if bucket_of(uid) == bucket))
    ownership = Ownership(
        machine_uids=uids,
        obligor_ids=("",) * len(uids),
        starts=np.full(len(uids), FIRST_SAMPLE),
        ends=np.full(len(uids), FOREVER),
    )
    return plan_for(ownership, sources, places, as_of=FOREVER)


def _unfinished(reader: ObservationReader, bucket: int) -> dict[str, dict[str, int]]:
    """By partition, the machines whose last version holds nothing, and from when on that matters."""
    tables = rolled.read_versions(reader.connection, reader.store, bucket=bucket, columns=_TOLD)
    if not tables:
        return {}
    told = pa.concat_tables(tables).sort_by([(name, "ascending") for name in ("sequence", "is_whole")])
    last: dict[tuple[str, str], tuple[bool, int]] = {}
    added = micros(told["added_from"]).tolist()
    rows = zip(*(told[name].to_pylist() for name in ("partition", "machine_uid", "is_whole")), added, strict=True)
    for partition, uid, is_whole, instant in rows:
        last[partition, uid] = (is_whole, instant)
    found: dict[str, dict[str, int]] = {}
    for (partition, uid), (is_whole, instant) in last.items():
        if not is_whole:
            found.setdefault(partition, {})[uid] = instant
    return found


def _tasks(work: PlaceWork, as_of: datetime) -> list[PlaceTask]:
    """Nothing is rolled while some of the place's rows count as known later than now."""
    if work.place.recorded_until > to_micros(as_of):
        return []
    uids = None if work.machine_uids is None else sorted(work.machine_uids)
    return tasks_for([work.place], uids, as_of=as_of)


def _versions(work: PlaceWork, partial: Partial | None, month: MonthWork) -> pa.Table:
    """The versions of one place: of every machine with rows in it, and of those that were asked for and have none."""
    place, now = work.place, to_micros(month.as_of)
    content = unwritten([]) if partial is None else encode(partial, month.plan)
    spoken = content["machine_uid"].to_pylist()
    silent = sorted((work.machine_uids or frozenset()).difference(spoken))
    settled = _whole_numbers(content["last_row"]) + _whole_numbers(content["hold"]) <= now
    one_zone = np.array([len(month.sources.zones_of(uid)) == 1 for uid in spoken], dtype=np.bool_)
    whole = np.append(settled & one_zone, np.full(len(silent), place.recorded_until <= now))
    rows = pa.concat_tables([content, unwritten(silent)])
    added = [work.added_from.get(uid, place.recorded_from) for uid in rows["machine_uid"].to_pylist()]
    kept = pa.array(np.arange(len(whole)), mask=~whole)
    count = rows.num_rows
    columns = {
        "machine_uid": rows["machine_uid"],
        "partition": pa.array([place.partition] * count, pa.string()),
        "sequence": pa.array(np.full(count, month.sequence, dtype=np.int64)),
        "is_whole": pa.array(whole),
        "added_from": pa.array(added, pa.int64()).cast(_INSTANT),
        "known_from": pa.array(np.full(count, place.recorded_until, dtype=np.int64)).cast(_INSTANT),
    }
    columns |= {name: rows[name].take(kept) for name in rows.column_names if name not in columns}
    return pa.table([columns[name] for name in VERSION_SCHEMA.names], schema=VERSION_SCHEMA)


def _whole_numbers(numbers: pa.ChunkedArray) -> Ints:
    """Numbers, 0 where null."""
    return np.asarray(pc.fill_null(numbers, 0).to_numpy(), dtype=np.int64)
