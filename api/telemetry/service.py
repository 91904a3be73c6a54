"""Telemetry and ledgers coming in through the one door of admission."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from api.database.engine import unit_of_work
from api.home import Home
from api.obligors import service as obligors
from data_contracts.adapters.folder import check_file, mapping_of, read_manifest
from data_contracts.admission import AdmissionResult, admit
from data_contracts.identifiers import ObligorId, obligor_id
from data_contracts.mapping import Mapping
from data_contracts.observations.store import ObservationStore

Progress = Callable[[str, int, int], None]


def ingest_file(
    home: Home, source: Path, *, mapping: Mapping, obligor: ObligorId | None, received_time: datetime
) -> AdmissionResult:
    """Admit one file and register whom it speaks of, in one transaction."""
    with unit_of_work(home.engine) as connection:
        store = ObservationStore(home.observations)
        result = admit(connection, store, source, mapping, obligor=obligor, received_time=received_time)
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
