"""Telemetry and ledgers coming in through the one door of admission."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path

import sqlalchemy as sa

from api.consents import repository as consents
from api.consents.repository import PLATFORM, Purpose
from api.database.engine import unit_of_work
from api.errors import ForeignMachine, RealDataKept
from api.evidence.service import Attestation, record_batch
from api.gateways import service as gateways
from api.home import Home
from api.obligors import service as obligors
from api.snapshots.service import END_OF_TIME, reader
from data_contracts.adapters.folder import check_file, mapping_of, read_manifest
from data_contracts.adapters.source import source_of
from data_contracts.admission import AdmissionResult, Prepared, admit, enter, prepare
from data_contracts.contract import RecordKind
from data_contracts.errors import UnknownMapping
from data_contracts.evidence.gateways import Sealed
from data_contracts.evidence.levels import AttestationLevel
from data_contracts.evidence.log import Placed
from data_contracts.identifiers import BatchId, MachineUid, ObligorId, obligor_id
from data_contracts.mapping import CsvOptions, Mapping, load_mapping, shipped_mappings
from data_contracts.observations.gathering import Gathering
from data_contracts.observations.store import ObservationStore
from data_contracts.observations.tables import chunk
from data_contracts.vocabulary import DataOrigin

Progress = Callable[[str, int, int], None]

TELEMETRY_KINDS = frozenset({RecordKind.SAMPLE, RecordKind.MACHINE_DAY_REPORT})
"""What a gateway may send; the other kinds are ledgers."""

SOURCE_NAME = "request.csv"


def ingest_file(
    home: Home, source: Path, *, mapping: Mapping, obligor: ObligorId | None, received_time: datetime
) -> AdmissionResult:
    """Admit one file and register whom it speaks of, in one transaction."""
    with unit_of_work(home.engine) as connection:
        store = ObservationStore(home.observations)
        result = admit(connection, store, source, mapping, obligor=obligor, received_time=received_time)
        record_batch(connection, result.batch_id, now=received_time)
        obligors.register(connection, result.obligor_ids, now=received_time)
        return result


def ingest_folder(home: Home, folder: Path, *, received_time: datetime, progress: Progress) -> list[AdmissionResult]:
    """Admit every file that the folder's manifest names, in its order, one transaction each."""
    manifest = read_manifest(folder)
    results = []
    for number, file in enumerate(manifest.files):
        progress(f"ingest {file.path}", number, len(manifest.files))
        results.append(
            ingest_file(
                home,
                check_file(folder, file),
                mapping=mapping_of(folder, manifest, file),
                obligor=obligor_id(file.obligor) if file.obligor else None,
                received_time=received_time,
            )
        )
    return results


@lru_cache(maxsize=128)
def live_mapping(name: str, *, livemode: bool) -> Mapping:
    """The shipped mapping of that name as a door applies it. Raises UnknownMapping; a path is never looked at.

    What comes in through a door is known from when it came in, whatever it says; with a test key it is synthetic.
    """
    if name not in shipped_mappings():
        raise UnknownMapping(f"No mapping is called {name!r}.", hint=f"Known: {', '.join(shipped_mappings())}.")
    mapping = load_mapping(name)
    origin = mapping.data_origin if livemode else DataOrigin.SYNTHETIC
    return mapping.model_copy(
        update={"recorded_time": "now", "data_origin": origin, "format": "csv", "csv": CsvOptions()}
    )


def prepare_text(text: bytes, *, mapping: Mapping, obligor: ObligorId | None, now: datetime) -> Prepared:
    """Read and check delimited text that came in through a door, before its turn. Raises as `prepare`."""
    return prepare(source_of(SOURCE_NAME, text), mapping, obligor=obligor, received_time=now)


def receive(
    connection: sa.Connection,
    home: Home,
    gathered: Gathering,
    prepared: Prepared,
    *,
    only_own_machines: bool,
    livemode: bool,
    sender: Sender,
    now: datetime,
) -> Received:
    """Admit what came in through a door, in the caller's transaction, and log it with its attestation.

    `only_own_machines`: every machine must bear the obligor's name or be owned by it. Raises ConsentMissing where one
    whose rows came in gives no `platform` consent (for live: gave none itself), RealDataKept where a test key writes
    about one of whom real data is kept, and ForeignMachine: the caller rolls back and takes back what was gathered.
    """
    obligor = prepared.obligor
    if obligor is not None:
        _check_owner(connection, home, obligor, livemode=livemode, now=now)
    result = enter(connection, gathered, prepared, received_time=now)
    obligors.register(connection, result.obligor_ids, now=now)
    for owner in result.obligor_ids:
        if owner != obligor:
            _check_owner(connection, home, owner, livemode=livemode, now=now, besides=result.batch_id)
    if only_own_machines:
        assert obligor is not None, "a gateway's key names its obligor"
        _check_machines(connection, home, result.batch_id, obligor, now=now)
    sealed = (
        [] if sender.sealed is None else gateways.keep_unlogged(connection, sender.sealed, result.batch_id, now=now)
    )
    logged = record_batch(connection, result.batch_id, sender.attestation, besides=sealed, now=now)
    return Received(result=result, logged=logged)


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What became of a batch, and its entry in the log."""

    result: AdmissionResult
    logged: Placed


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who sent a batch, by the owner of the key, and the seal that it bears, if any, as it was examined."""

    owner: str
    sealed: Sealed | None

    @property
    def attestation(self) -> Attestation:
        """A key of ours makes the channel an authenticated one; a seal says which gateway sent it, in which place."""
        if self.sealed is None:
            return Attestation(level=AttestationLevel.AUTHENTICATED, by=self.owner)
        return Attestation(level=self.sealed.level, by=self.owner, seal_digest=self.sealed.seal.digest)


def _check_owner(
    connection: sa.Connection,
    home: Home,
    owner: ObligorId,
    *,
    livemode: bool,
    now: datetime,
    besides: BatchId | None = None,
) -> None:
    """Whether rows about this obligor may come in: by its consent, and not a test's rows among real ones.

    Rows are never taken back, and one synthetic row would shut the obligor out of live answers for good.
    """
    consents.require(connection, owner, recipient=PLATFORM, purpose=Purpose.PLATFORM, now=now, livemode=livemode)
    if livemode:
        return
    kept = reader(connection, home)
    if kept.has_batch_of(DataOrigin.REAL, owner, as_of=END_OF_TIME, besides=besides):
        raise RealDataKept(
            f"Real data is kept of {owner}, and a test key's rows would be synthetic.",
            hint="Send with a live key, or try it out under an obligor made for tests.",
        )


def _check_machines(
    connection: sa.Connection, home: Home, batch_id: BatchId, obligor: ObligorId, *, now: datetime
) -> None:
    units = connection.scalars(sa.select(chunk.c.unit).where(chunk.c.batch_id == batch_id).distinct())
    foreign = {MachineUid(unit) for unit in units if not unit.startswith(f"{obligor}/")}
    if not foreign:
        return
    owned = reader(connection, home).rows(
        RecordKind.MACHINE_OWNERSHIP, as_of=now, obligor_ids=[obligor], columns=("machine_uid",)
    )
    if strangers := sorted(foreign - set(owned["machine_uid"].to_pylist())):
        raise ForeignMachine(
            f"{strangers[0]} is no machine of {obligor}.",
            hint="Name machines by the source's own ids, or have the operator record who owns them.",
        )
