"""How good a source's samples are, by machine and local day: what a gateway's owner is shown to mend it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import sqlalchemy as sa

from data_contracts.contract import RecordKind
from data_contracts.identifiers import MachineUid, ObligorId, ProfileId
from data_contracts.observations import register
from data_contracts.observations.lake import answer, open_lake
from data_contracts.observations.reader import ObservationReader
from data_contracts.observations.tables import batch, repeated_rows

COLUMNS = ("machine_uid", "event_time", "recorded_time", "profile_id", "part_count", "energy_register_kwh")

QUERY = """
    WITH spoken AS (
        SELECT machine_uid, profile_id, event_time, epoch(recorded_time - event_time) AS late, hold,
            CAST(timezone(zone, event_time) AS DATE) AS day,
            epoch(lead(event_time) OVER own - event_time) AS until_next,
            part_count < lag(part_count) OVER own OR energy_register_kwh < lag(energy_register_kwh) OVER own AS falls
        FROM samples JOIN profiles USING (profile_id)
        WINDOW own AS (PARTITION BY machine_uid, profile_id ORDER BY event_time)
    )
    SELECT machine_uid, profile_id, day, count(*) AS samples, min(event_time) AS first_sample,
        max(event_time) AS last_sample, sum(least(coalesce(until_next, hold), hold)) AS heard_seconds,
        count(*) FILTER (until_next > hold) AS gaps,
        coalesce(max(until_next - hold) FILTER (until_next > hold), 0) AS longest_gap_seconds,
        median(late) AS usual_lateness_seconds, max(late) AS greatest_lateness_seconds,
        min(late) AS least_lateness_seconds, greatest(-min(late), 0) AS skew_seconds,
        count(*) FILTER (falls) AS counter_breaks
    FROM spoken GROUP BY ALL ORDER BY machine_uid, day, profile_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SampledDay:
    """One machine's samples of one source on one local day.

    `heard_seconds` is the time that its samples hold, each counted on its own day; `gaps` are silences beyond a hold
    that begin on it, `longest_gap_seconds` the longest (0: none). Lateness is recorded less event time: the uplink or
    a file admitted long after. `skew_seconds` is what can only be the clock: how far a sample's stamp
    lay ahead of its record (0: none did; a slow clock cannot be told from a slow uplink). `counter_breaks` are falls of
    a part counter or energy register: resets, rollovers, or a counter that was turned back.
    """

    machine_uid: MachineUid
    profile_id: ProfileId
    day: date
    samples: int
    first_sample: datetime
    last_sample: datetime
    heard_seconds: float
    gaps: int
    longest_gap_seconds: float
    usual_lateness_seconds: float
    greatest_lateness_seconds: float
    least_lateness_seconds: float
    skew_seconds: float
    counter_breaks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchAccount:
    """One admission, whatever its kind: what it brought and how much of it was new, known already, or turned away."""

    batch_id: str
    kind: str
    source_name: str
    received_time: datetime
    rows_read: int
    rows_admitted: int
    rows_duplicate: int
    rows_quarantined: int


def sampled_days(
    reader: ObservationReader,
    *,
    machine_uids: Sequence[MachineUid],
    as_of: datetime,
    event_from: datetime,
) -> list[SampledDay]:
    """The samples of these machines from `event_from` on, as known at `as_of`, by machine, local day and source."""
    samples = reader.rows(
        RecordKind.SAMPLE, as_of=as_of, machine_uids=machine_uids, event_from=event_from, columns=COLUMNS
    )
    if not samples.num_rows:
        return []
    profiles = reader.profiles()
    known = [(name, profile.hold_seconds, profile.site_zone) for name, profile in profiles.items()]
    spoken = [row for row in known if row[1] is not None]
    columns = dict(zip(("profile_id", "hold", "zone"), zip(*spoken, strict=True), strict=True))
    with open_lake() as lake:
        lake.register("samples", samples)
        lake.register("profiles", pa.table({name: list(values) for name, values in columns.items()}))
        return [SampledDay(**row) for row in answer(lake, QUERY).to_pylist()]


def repeated_rows_of(
    reader: ObservationReader,
    *,
    machine_uids: Sequence[MachineUid],
    as_of: datetime,
    event_from: datetime,
) -> dict[tuple[MachineUid, date, ProfileId], int]:
    """How many rows of samples that came in up to `as_of` said nothing new, by machine, local day and source: the store
    had them from that source, or their batch said them twice."""
    profiles = reader.profiles()
    repeats = repeated_rows.c
    counted = (
        sa.select(repeats.unit, repeats.period, batch.c.profile_id, sa.func.sum(repeats.rows).label("rows"))
        .join(batch, batch.c.batch_id == repeats.batch_id)
        .where(batch.c.kind == RecordKind.SAMPLE, batch.c.received_time <= as_of)
        .group_by(repeats.unit, repeats.period, batch.c.profile_id)
    )
    found = {}
    for some in register.slices(machine_uids):
        for row in reader.connection.execute(counted.where(repeats.unit.in_(some))):
            day, profile_id = date.fromisoformat(row.period), ProfileId(row.profile_id)
            if day >= event_from.astimezone(ZoneInfo(profiles[profile_id].site_zone)).date():
                found[MachineUid(row.unit), day, profile_id] = int(row.rows)
    return found


def batch_accounts(
    connection: register.Connection,
    obligor: ObligorId,
    machine_uids: Sequence[MachineUid],
    *,
    as_of: datetime,
    received_from: datetime,
) -> list[BatchAccount]:
    """Admissions received from `received_from` up to `as_of` that came in for the obligor, or brought rows about it or
    these machines."""
    units = sorted({obligor, *machine_uids})
    about = {batch_id for _, _, batch_id in register.batches_about(connection, units, as_of)}
    query = (
        sa.select(*(batch.c[field.name] for field in fields(BatchAccount)), batch.c.obligor_id)
        .where(batch.c.received_time >= received_from, batch.c.received_time <= as_of)
        .order_by(batch.c.sequence)
    )
    rows: list[dict[str, Any]] = [dict(row._mapping) for row in connection.execute(query)]
    return [BatchAccount(**row) for row in rows if row.pop("obligor_id") == obligor or row["batch_id"] in about]
