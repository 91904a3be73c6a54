"""Keeping what was admitted: fewer files, rows that must go, rows that were turned away, and how good sources are."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa

from api.database.engine import unit_of_work
from api.evidence.service import erasing_quarantine, record_erased_chunks, record_readmission, record_rewriting
from api.home import Home
from api.obligors import repository as obligors
from api.obligors import service as registration
from api.operations.recovery import clear_left_over
from api.snapshots.service import END_OF_TIME, reader
from data_contracts import readmission
from data_contracts.identifiers import BatchId, MachineUid, ObligorId, ProfileId
from data_contracts.mapping import Mapping as SourceMapping
from data_contracts.observations import compaction, erasure, quality, quarantine
from data_contracts.observations.store import ObservationStore
from data_contracts.observations.tables import retired_file

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class CompactionDone:
    """How many folders were compacted, and how many files of theirs became how many."""

    folders: int
    files_before: int
    files_after: int
    rows: int


def compact(home: Home, *, least_files: int, now: datetime, progress: Progress) -> CompactionDone:
    """Compact every folder with at least `least_files` small files, one transaction each."""
    store = ObservationStore(home.observations)
    with unit_of_work(home.engine) as connection:
        folders = compaction.crowded_folders(connection, least_files=least_files)
    done = []
    for number, folder in enumerate(folders):
        progress(f"{folder.kind} {folder.partition}", number, len(folders))
        with unit_of_work(home.engine) as connection:
            done.append(compaction.compact(connection, store, folder, now=now))
            record_rewriting(connection, [f"{folder.kind}/{folder.partition}/{folder.bucket}"])
    compacted = [found for found in done if found.files]
    return CompactionDone(
        folders=len(compacted),
        files_before=sum(found.files for found in compacted),
        files_after=len(compacted),
        rows=sum(found.rows for found in compacted),
    )


def erase(home: Home, obligor: ObligorId, *, periods: Collection[str] | None, now: datetime) -> dict[str, Any]:
    """Erase what was observed of an obligor and of its machines while it brought them in: rows, salts, and what
    quarantine holds of it. Raises NotFound.

    Commitments stay, and so do scores, decisions and quotes, whose keeping the law asks for. With `periods` (local days
    of samples, months of the rest) only these.
    """
    store = ObservationStore(home.observations)
    with unit_of_work(home.engine) as connection:
        obligors.require(connection, obligor)
        machines = reader(connection, home).machines(as_of=END_OF_TIME, obligor_ids=[obligor])
        own = {uid for uid in machines["machine_uid"].to_pylist() if uid.startswith(f"{obligor}/")}
        erased = erasure.erase_units(connection, store, {obligor, *own}, periods=periods, now=now)
        folders = {path.rpartition("/")[0] for path in erased.files}
        record_rewriting(connection, sorted(folders))
        record_erased_chunks(connection, sorted({obligor, *own}))
        with erasing_quarantine(connection):
            quarantined = erasure.erase_quarantined(connection, obligor) if periods is None else 0
    _discard_retired(home, store, folders | {path.rpartition("/")[0] for path in erased.rolled_files})
    clear_left_over(home, written_before=datetime.max.replace(tzinfo=UTC))  # rows of the obligor may be in it
    return {
        "obligor_id": obligor,
        "erased_time": now.isoformat(),
        "chunks": erased.chunks,
        "rows": erased.rows,
        "files": len(erased.files),
        "quarantined_rows": quarantined,
    }


def _discard_retired(home: Home, store: ObservationStore, folders: Collection[str]) -> None:
    """Delete every retired file of these folders now: compacted ones hold the erased rows too."""
    with unit_of_work(home.engine) as connection:
        retired = list(connection.scalars(sa.select(retired_file.c.path)))
    doomed = [path for path in retired if path.rpartition("/")[0] in folders]
    store.discard(doomed)
    with unit_of_work(home.engine) as connection:
        for path in doomed:
            connection.execute(sa.delete(retired_file).where(retired_file.c.path == path))


def held(home: Home, batch_id: BatchId | None) -> list[dict[str, Any]]:
    """What quarantine holds: by batch and reason, or row by row of one batch. Raises NotFound."""
    with unit_of_work(home.engine) as connection:
        if batch_id is None:
            rows = quarantine.held_batches(connection)
            return [{**row, "received_time": row["received_time"].isoformat()} for row in rows]
        return [asdict(row) for row in quarantine.held_rows(connection, batch_id)]


def readmit(home: Home, batch_id: BatchId, mapping: SourceMapping, *, now: datetime) -> readmission.Readmitted:
    """Send a batch's rows in quarantine through the door again and register whom they speak of."""
    with unit_of_work(home.engine) as connection:
        store = ObservationStore(home.observations)
        found = readmission.readmit(connection, store, batch_id, mapping, received_time=now)
        record_readmission(connection, found.admission.batch_id, now=now)
        registration.register(connection, found.admission.obligor_ids, now=now)
        return found


def quality_report(home: Home, obligor: ObligorId, *, since: datetime, as_of: datetime) -> dict[str, Any]:
    """How good the sources of an obligor are, from `since` on: samples and duplicates by machine, local day and source,
    and every admission. Raises NotFound."""
    with unit_of_work(home.engine) as connection:
        obligors.require(connection, obligor)
        here = reader(connection, home)
        owned = here.machines(as_of=as_of, obligor_ids=[obligor])["machine_uid"].unique().to_pylist()
        machines = [MachineUid(uid) for uid in owned]
        days = quality.sampled_days(here, machine_uids=machines, as_of=as_of, event_from=since)
        repeats = quality.repeated_rows_of(here, machine_uids=machines, as_of=as_of, event_from=since)
        accounts = quality.batch_accounts(connection, obligor, machines, as_of=as_of, received_from=since)
    return {
        "obligor_id": obligor,
        "as_of": as_of.isoformat(),
        "since": since.isoformat(),
        "machine_days": _with_duplicates(days, repeats),
        "batches": [_plain(asdict(account)) for account in accounts],
    }


def _with_duplicates(
    days: Sequence[quality.SampledDay], repeats: Mapping[tuple[MachineUid, date, ProfileId], int]
) -> list[dict[str, Any]]:
    """Days with how many rows said nothing new; where none did anything else, nothing is told of the samples."""
    rows = {(day.machine_uid, day.day, day.profile_id): asdict(day) for day in days}
    silent = dict.fromkeys((field.name for field in fields(quality.SampledDay)), None)
    for uid, day, profile_id in repeats.keys() - rows.keys():
        place = {"machine_uid": uid, "day": day, "profile_id": profile_id}
        rows[uid, day, profile_id] = {**silent, **place, "samples": 0}
    return [{**_plain(rows[place]), "duplicates": repeats.get(place, 0)} for place in sorted(rows)]


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in row.items()}
