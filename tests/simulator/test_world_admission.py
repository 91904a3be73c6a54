"""A world goes through the door of real data: every row is admitted, and samples agree with reports."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from written_world import WrittenWorld

from data_contracts.adapters.folder import check_file, mapping_of, read_manifest
from data_contracts.admission import AdmissionResult, admit
from data_contracts.contract import RecordKind
from data_contracts.identifiers import ObligorId
from data_contracts.observations.reader import ObservationReader
from data_contracts.observations.store import ObservationStore
from data_contracts.observations.tables import metadata
from features.as_of import load_machine_days

END = datetime(2026, 6, 30, 16, tzinfo=UTC)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ObservationStore:
    """An empty store."""
    return ObservationStore(tmp_path_factory.mktemp("home") / "observations")


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sa.Connection]:
    """An empty register."""
    engine = sa.create_engine(f"sqlite:///{tmp_path_factory.mktemp('register') / 'register.sqlite'}")
    metadata.create_all(engine)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def _ingest(folder: Path, connection: sa.Connection, store: ObservationStore) -> dict[str, AdmissionResult]:
    manifest = read_manifest(folder)
    results = {
        file.path: admit(
            connection,
            store,
            check_file(folder, file),
            mapping_of(folder, manifest, file),
            obligor=None,
            received_time=END,
        )
        for file in manifest.files
    }
    connection.commit()
    return results


@pytest.fixture(scope="module")
def admitted(
    small_world: WrittenWorld, connection: sa.Connection, store: ObservationStore
) -> dict[str, AdmissionResult]:
    """What became of each file of the small world."""
    return _ingest(small_world.folder, connection, store)


def test_every_row_is_admitted(small_world: WrittenWorld, admitted: dict[str, AdmissionResult]) -> None:
    rows = {file.path: file.rows for file in read_manifest(small_world.folder).files}
    assert {path: result.rows_admitted for path, result in admitted.items()} == rows
    assert all(result.rows_quarantined == 0 for result in admitted.values())
    assert len(admitted["obligor_profile.csv"].obligor_ids) == 60


def test_samples_roll_up_to_the_reports(
    small_world: WrittenWorld,
    connection: sa.Connection,
    store: ObservationStore,
    admitted: dict[str, AdmissionResult],
) -> None:
    assert admitted
    reader = ObservationReader(connection, store)
    firms = sorted({ObligorId(uid.split("/")[0]) for uid in small_world.samples()["machine_uid"].to_pylist()})
    days, findings = load_machine_days(reader, as_of=END, obligor_ids=firms)
    assert set(days.table["source"].to_pylist()) == {"samples", "report"}
    assert list(findings) == []


def test_samples_roll_up_to_the_reported_changes_of_state(
    small_world: WrittenWorld,
    connection: sa.Connection,
    store: ObservationStore,
    admitted: dict[str, AdmissionResult],
) -> None:
    """As the features' own kernel counts them; the first day of a machine's samples has nothing before it."""
    assert admitted
    reader = ObservationReader(connection, store)
    firms = sorted({ObligorId(uid.split("/")[0]) for uid in small_world.samples()["machine_uid"].to_pylist()})
    days, _ = load_machine_days(reader, as_of=END, obligor_ids=firms)
    rolled = days.table.to_pandas()
    rolled = rolled[rolled["source"] == "samples"].set_index(["machine_uid", "day"]).sort_index()
    first = rolled.groupby(level="machine_uid").head(1).index
    rolled = rolled.drop(first)
    rolled = rolled[rolled["observed_seconds"] > 0]
    reports = small_world.reports().to_pandas().set_index(["machine_uid", "day"]).loc[rolled.index]
    for name in ("state_changes", "fault_starts"):
        assert (rolled[name] == reports[name]).all()
        assert rolled[name].sum() > 5
    for name in ("energy_kwh", "energy_executing_kwh", "energy_idle_kwh", "energy_other_kwh", "peak_kw", "parts"):
        np.testing.assert_allclose(rolled[name], reports[name], rtol=1e-9, atol=1e-9)


def test_nothing_is_known_before_it_was_recorded(
    connection: sa.Connection, store: ObservationStore, admitted: dict[str, AdmissionResult]
) -> None:
    assert admitted
    reader = ObservationReader(connection, store)
    noon = datetime(2026, 3, 15, 4, tzinfo=UTC)
    reports = reader.rows(RecordKind.MACHINE_DAY_REPORT, as_of=noon)
    assert max(reports["day"].to_pylist()).isoformat() == "2026-03-14"
    known = reader.rows(RecordKind.DEFAULT_EVENT, as_of=END)
    assert all((END - event).days >= 30 for event in known["event_time"].to_pylist())
