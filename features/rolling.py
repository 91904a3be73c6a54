"""Samples of the store as machine-days: from what was rolled once and is kept, the rest from the samples themselves.

Whoever reads as of an instant gets, to the byte, what rolling every sample that was known then would give.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_contracts.contract import RecordKind
from data_contracts.identifiers import ProfileId
from data_contracts.observations import rolled
from data_contracts.observations.layout import bucket_of
from data_contracts.observations.places import SamplePlace, sample_places
from data_contracts.profile import SourceProfile
from features.machine_day.days import MICROS_PER_DAY, to_micros
from features.machine_day.findings import OUTSIDE_OWNERSHIP
from features.machine_day.machine_days import SCHEMA, SPAN_SCHEMA, MachineDays
from features.machine_day.ownership import Ownership, ownership_of
from features.machine_day.partial import Partial
from features.machine_day.plan import RollUpPlan
from features.machine_day.reading import PlaceTask, one_ahead, roll_task, survey_task, tasks_for
from features.machine_day.roll_up import machine_days_of_partials
from features.machine_day.samples import profile_codes
from features.machine_day.survey import with_zones
from features.machine_day.versions import decode, usable_versions

if TYPE_CHECKING:
    from data_contracts.observations.remembered import Observations


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """The profiles of samples, and which of them each machine's samples were admitted under."""

    profiles: Mapping[ProfileId, SourceProfile]
    of_machine: Mapping[str, Collection[ProfileId]]

    def zones_of(self, machine_uid: str) -> set[str]:
        """The site zones of a machine; several where it was moved, or where its sources disagree."""
        return {self.profiles[name].site_zone for name in self.of_machine.get(machine_uid, ())}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bucket:
    """What the machine-days of one bucket are made of: versions that are kept, and tasks for the rest."""

    plan: RollUpPlan
    kept: Mapping[str, Partial]
    tasks: Sequence[PlaceTask]


def sampled_days(
    reader: Observations,
    *,
    as_of: datetime,
    machines: pa.Table,
    machine_uids: Sequence[str] | None = None,
    executor: Executor | None = None,
    from_samples_alone: bool = False,
) -> MachineDays:
    """Machine-days of the samples of these machines (all, if None) that were known at `as_of`.

    `machines` is the answer of `ObservationReader.machines`. With an executor (threads, processes or a cluster's)
    places are rolled side by side. `from_samples_alone` leaves what is kept aside: the same answer, later.
    """
    as_of = reader.known_by(as_of)
    sources = sources_of(reader, as_of=as_of, machine_uids=machine_uids)
    asked = _Asked(as_of=as_of, machine_uids=machine_uids, sources=sources, executor=executor)
    buckets = _buckets(reader, asked, machines, use_kept=not from_samples_alone)
    started = ((bucket, _start(bucket, executor)) for bucket in buckets)
    return _together([_finished(bucket, found) for bucket, found in one_ahead(started)])


def sources_of(reader: Observations, *, as_of: datetime, machine_uids: Sequence[str] | None = None) -> Sources:
    """The sources of the samples of these machines (all, if None) that were known at `as_of`."""
    profiles = {name: found for name, found in reader.profiles().items() if found.kind is RecordKind.SAMPLE}
    if not profiles:  # under which samples would have come in: none did, of whichever machine
        return Sources(profiles={}, of_machine={})
    of_machine = rolled.machine_profiles(reader.connection, as_of=as_of, machine_uids=machine_uids)
    return Sources(profiles=profiles, of_machine=of_machine)


def plan_for(ownership: Ownership, sources: Sources, places: Sequence[SamplePlace], *, as_of: int) -> RollUpPlan:
    """The plan for some places. Machines with several zones still need a survey (`survey.with_zones`)."""
    codes = profile_codes(sources.profiles)
    zones = tuple(sorted(set(codes.site_zones)))
    hold = dict(zip(codes.ids, codes.columns.hold.tolist(), strict=True))
    own = [sources.of_machine.get(uid, ()) for uid in ownership.machine_uids]
    zone_of = [max((zones.index(sources.profiles[name].site_zone) for name in names), default=0) for names in own]
    return RollUpPlan(
        ownership=ownership,
        profile_codes=codes,
        zones=zones,
        zone_of=np.array(zone_of, dtype=np.int16),
        holds=np.array([max((hold[name] for name in names), default=0) for names in own], dtype=np.int64),
        first_day=min((place.event_from for place in places), default=0) // MICROS_PER_DAY - 2,
        last_day=max((place.event_until for place in places), default=0) // MICROS_PER_DAY + 2,
        as_of=as_of,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What a read asks for: machines (all, if None) as known at `as_of`, and the sources of their samples."""

    as_of: datetime
    machine_uids: Sequence[str] | None
    sources: Sources
    executor: Executor | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """What is kept of one bucket: its versions, which places are rolled, and what came in since (by partition)."""

    versions: Sequence[pa.Table]
    places: Collection[rolled.Rolled]
    pending: Mapping[str, set[str]]


def _buckets(reader: Observations, asked: _Asked, machines: pa.Table, *, use_kept: bool) -> Iterator[_Bucket]:
    """The work of each bucket."""
    if not asked.sources.of_machine:
        return
    by_bucket: dict[int, list[str]] = {}
    for uid in sorted(asked.sources.of_machine):
        by_bucket.setdefault(bucket_of(uid), []).append(uid)
    uids = asked.machine_uids
    places = sample_places(
        reader.connection, reader.store, as_of=asked.as_of, buckets=sorted(by_bucket), machine_uids=uids
    )
    done = rolled.rolled_places(reader.connection) if use_kept else set()
    pending = rolled.new_rows(reader.connection, machine_uids=uids).known_by(to_micros(asked.as_of)) if done else {}
    owned = machines if uids is None else machines.filter(_among(machines["machine_uid"], uids))
    of_bucket = np.array([bucket_of(uid) for uid in owned["machine_uid"].to_pylist()], dtype=np.int64)
    for bucket, own in sorted(by_bucket.items()):
        own_places = [place for place in places if place.bucket == bucket]
        ownership = ownership_of(owned.filter(pa.array(of_bucket == bucket)))
        plan = plan_for(ownership, asked.sources, own_places, as_of=to_micros(asked.as_of))
        plan = _surveyed(plan, own_places, own, asked)
        wanted = None if uids is None else own
        versions = (
            rolled.read_versions(reader.connection, reader.store, bucket=bucket, machine_uids=wanted) if done else ()
        )
        kept = _Kept(versions=versions, places=done, pending=pending)
        yield _split(plan, own_places, kept, wanted, asked.as_of)


def _split(
    plan: RollUpPlan, places: Sequence[SamplePlace], kept: _Kept, wanted: Sequence[str] | None, as_of: datetime
) -> _Bucket:
    """What is kept of a bucket and holds at `as_of`, and the tasks that make the rest."""
    is_rolled = [(place.partition, place.bucket) in kept.places for place in places]
    fresh = [place for place, done in zip(places, is_rolled, strict=True) if not done]
    tasks = tasks_for(fresh, wanted, as_of=as_of)
    usable = usable_versions(kept.versions, plan, kept.pending)
    missing: dict[tuple[str, ...], list[SamplePlace]] = {}
    for place in (place for place, done in zip(places, is_rolled, strict=True) if done):
        uids = usable.needed.get(place.partition, set()) | kept.pending.get(place.partition, set())
        own = sorted(uid for uid in uids if bucket_of(uid) == place.bucket)
        if own:
            missing.setdefault(tuple(own), []).append(place)
    for some, their_places in missing.items():
        tasks += tasks_for(their_places, some, as_of=as_of)
    return _Bucket(plan=plan, kept=decode(usable.versions, usable.series, plan), tasks=tasks)


def _surveyed(
    plan: RollUpPlan, places: Sequence[SamplePlace], machine_uids: Sequence[str], asked: _Asked
) -> RollUpPlan:
    """The plan with the zones of those machines that have had several."""
    moved = [uid for uid in machine_uids if len(asked.sources.zones_of(uid)) > 1]
    if not moved:
        return plan
    tasks = tasks_for(places, moved, as_of=asked.as_of)
    plans = [plan] * len(tasks)
    found = asked.executor.map(survey_task, tasks, plans) if asked.executor else map(survey_task, tasks, plans)
    return with_zones(plan, found)


def _start(bucket: _Bucket, executor: Executor | None) -> Iterator[list[tuple[str, Partial]]]:
    plans = [bucket.plan] * len(bucket.tasks)
    return executor.map(roll_task, bucket.tasks, plans) if executor else map(roll_task, bucket.tasks, plans)


def _finished(bucket: _Bucket, found: Iterator[list[tuple[str, Partial]]]) -> MachineDays:
    parts = [*bucket.kept.items(), *(part for parts in found for part in parts)]
    return machine_days_of_partials([partial for _, partial in sorted(parts, key=lambda part: part[0])], bucket.plan)


def _among(column: pa.ChunkedArray, words: Sequence[str]) -> pa.ChunkedArray:
    return pc.is_in(column, value_set=pa.array(list(words), pa.string()))


def _together(buckets: Sequence[MachineDays]) -> MachineDays:
    """The machine-days of all buckets, by machine."""
    table = pa.concat_tables([SCHEMA.empty_table(), *(bucket.table for bucket in buckets)])
    spans = pa.concat_tables([SPAN_SCHEMA.empty_table(), *(bucket.spans for bucket in buckets)])
    findings = [finding for bucket in buckets for finding in bucket.findings]
    findings.sort(key=lambda finding: (finding.code != OUTSIDE_OWNERSHIP, finding.machine_uid or ""))
    return MachineDays(_by_machine(table), _by_machine(spans), tuple(findings))


def _by_machine(table: pa.Table) -> pa.Table:
    """Rows that are in order within each machine, in order of machines."""
    return table.take(pc.sort_indices(table["machine_uid"])).combine_chunks()
