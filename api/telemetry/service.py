"""Telemetry and ledgers coming in through the one door of admission."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa

from api.consents import repository as consents
from api.consents.repository import PLATFORM, Purpose
from api.database.engine import unit_of_work
from api.errors import ForeignMachine, RealDataKept
from api.evidence.service import Attestation, record_batch
from api.home import Home
from api.obligors import service as obligors
from api.snapshots.service import END_OF_TIME, reader
from data_contracts.adapters.folder import check_file, mapping_of, read_manifest
from data_contracts.admission import AdmissionResult, admit
from data_contracts.contract import RecordKind
from data_contracts.errors import MillgradeError, UnknownMapping
from data_contracts.identifiers import BatchId, MachineUid, ObligorId, obligor_id
from data_contracts.mapping import CsvOptions, Mapping, load_mapping, shipped_mappings
from data_contracts.observations.register import paths_of
from data_contracts.observations.store import ObservationStore
from data_contracts.observations.tables import batch, chunk
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


def receive(
    connection: sa.Connection,
    home: Home,
    text: bytes,
    *,
    mapping: Mapping,
    obligor: ObligorId | None,
    only_own_machines: bool,
    livemode: bool,
    attestation: Attestation,
    now: datetime,
) -> AdmissionResult:
    """Admit delimited text that came in through a door, in the caller's transaction.

    `only_own_machines`: every machine must bear the obligor's name or be owned by it. Raises ConsentMissing where one
    whose rows came in gives no `platform` consent (for live: gave none itself), RealDataKept where a test key writes
    about one of whom real data is kept, ForeignMachine, and as `admit`. What is refused leaves no file behind.
    """
    if obligor is not None:
        _check_owner(connection, home, obligor, livemode=livemode, now=now)
    store = ObservationStore(home.observations)
    with TemporaryDirectory() as folder:
        source = Path(folder) / SOURCE_NAME
        source.write_bytes(text)
        result = admit(connection, store, source, mapping, obligor=obligor, received_time=now)
    try:
        obligors.register(connection, result.obligor_ids, now=now)
        for owner in result.obligor_ids:
            _check_owner(connection, home, owner, livemode=livemode, now=now, besides=result.batch_id)
        if only_own_machines:
            assert obligor is not None, "a gateway's key names its obligor"
            _check_machines(connection, home, result.batch_id, obligor, now=now)
    except MillgradeError:
        store.discard(paths_of(connection, result.batch_id))
        raise
    record_batch(connection, result.batch_id, attestation, now=now)
    return result


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
    kept = reader(connection, home).batches(as_of=END_OF_TIME, obligor_ids=[owner])
    real = sa.select(batch.c.batch_id).where(
        batch.c.batch_id.in_([name for name in kept if name != besides]), batch.c.data_origin == DataOrigin.REAL.value
    )
    if connection.scalar(real.limit(1)) is not None:
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
