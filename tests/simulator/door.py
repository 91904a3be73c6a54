"""The door of real data, for whole folders."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from data_contracts.adapters.folder import check_file, mapping_of, read_manifest
from data_contracts.admission import AdmissionResult, admit
from data_contracts.contract import RecordKind
from data_contracts.identifiers import obligor_id
from data_contracts.observations.reader import ObservationReader
from data_contracts.observations.store import ObservationStore
from data_contracts.observations.tables import metadata


def admitted_with_reader(
    folder: Path, home: Path, *, received_time: datetime, kinds: Collection[RecordKind] = tuple(RecordKind)
) -> tuple[dict[str, AdmissionResult], ObservationReader]:
    """What became of each file of the kinds, admitted into an empty home, and a reader of it."""
    engine = sa.create_engine(f"sqlite:///{home / 'register.sqlite'}", poolclass=sa.pool.StaticPool)
    metadata.create_all(engine)
    connection, store = engine.connect(), ObservationStore(home / "observations")
    manifest = read_manifest(folder)
    results = {
        file.path: admit(
            connection,
            store,
            check_file(folder, file),
            mapping_of(folder, manifest, file),
            obligor=obligor_id(file.obligor) if file.obligor else None,
            received_time=received_time,
        )
        for file in manifest.files
        if file.kind in kinds
    }
    connection.commit()
    return results, ObservationReader(connection, store)
