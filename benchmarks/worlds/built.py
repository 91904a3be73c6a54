"""A simulated world taken in through admission, and the training tables that the real pipeline makes of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

import simulator
from api.home import Home, open_home
from api.snapshots.service import feature_parameters, reader
from api.telemetry.service import ingest_file
from data_contracts.adapters.folder import mapping_of, read_manifest
from data_contracts.contract import RecordKind
from data_contracts.observations.reader import ObservationReader
from data_contracts.reference.calendars import add_months
from features.as_of import CreditTrainingSet, credit_training_set, feature_matrix
from features.history import Level
from scoring.training.leakage import TrainingTable
from scoring.training.split import TimeSplit
from simulator.credit.structural import Engine

LOCAL_AHEAD = timedelta(hours=8)
"""Every site lies in Asia/Shanghai."""
END = datetime(2026, 6, 30, 16, tzinfo=UTC)
NOW = datetime(2026, 11, 21, tzinfo=UTC)
MONTHS = 48
TRAIN, CALIBRATE, TEST = (3, 5, 7, 9, 11), (23, 24), (36,)
"""Months after the first instant at which the slices are observed; each is a year clear of the next."""
SAME_SEASON = 24
"""The test's season a year before, to tell drift from the calendar; two years of history lie behind it too."""
KINDS = frozenset(
    {
        RecordKind.OBLIGOR_PROFILE,
        RecordKind.MACHINE_OWNERSHIP,
        RecordKind.MACHINE_DAY_REPORT,
        RecordKind.DEFAULT_EVENT,
        RecordKind.REPAYMENT,
    }
)
"""What default models here are made of; the other ledgers are left out to save time."""

Stamps = NDArray[np.datetime64]


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltWorld:
    """A world's folder, its summary, and the home that took it in."""

    folder: Path
    home: Home
    summary: simulator.WorldSummary

    def training_set(self, months: Sequence[int]) -> CreditTrainingSet:
        """What the pipeline makes of the obligors at these months after the first instant."""
        with self.home.engine.connect() as connection:
            return credit_training_set(
                reader(connection, self.home),
                as_ofs=[month_end(month) for month in months],
                parameters=feature_parameters(),
                known_until=END,
                reporting_lag_months=0,
            )

    def truth(self, name: str) -> pa.Table:
        """One of the truth's tables."""
        return pq.read_table(self.folder / "truth" / f"{name}.parquet")


class Hindsight:
    """A reader that pretends it is always `END`: what a careless builder of training tables does.

    It answers as `ObservationReader` would, but with all that was recorded up to the end, whatever `as_of` says.
    """

    def __init__(self, inner: ObservationReader) -> None:
        self.inner = inner
        self.connection, self.store, self.machine_uids = inner.connection, inner.store, inner.machine_uids

    def known_by(self, as_of: datetime) -> datetime:
        """Rows count that had been recorded by the end, as of whatever instant."""
        del as_of
        return END

    def rows(self, kind: RecordKind, *, as_of: datetime, **which: Any) -> pa.Table:
        """Rows as known at the end."""
        del as_of
        return self.inner.rows(kind, as_of=END, **which)

    def machines(self, *, as_of: datetime, **which: Any) -> pa.Table:
        """Ownership as known at the end."""
        del as_of
        return self.inner.machines(as_of=END, **which)

    def obligor_profiles(self, *, as_of: datetime) -> pa.Table:
        """Profiles of obligors as known at the end."""
        del as_of
        return self.inner.obligor_profiles(as_of=END)

    def profiles(self) -> Any:
        """Source profiles."""
        return self.inner.profiles()


def quiet_stdout() -> None:
    """Send a worker's standard output to its standard error: DuckDB draws progress bars there, and the parent prints
    JSON."""
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())


def month_end(month: int) -> datetime:
    """The local midnight so many months after the first one of a world of 48 months."""
    first = add_months(datetime(2022, 7, 1, tzinfo=UTC), month)
    return first - LOCAL_AHEAD


def split() -> TimeSplit:
    """The slices of `TRAIN`, `CALIBRATE` and `TEST`."""
    train, calibrate, test = (tuple(month_end(month) for month in months) for months in (TRAIN, CALIBRATE, TEST))
    return TimeSplit(train=train, calibrate=calibrate, test=test)


@contextmanager
def built(
    world: str,
    *,
    seed: int,
    obligors: int,
    machines_per_obligor: float | None = None,
    kinds: frozenset[RecordKind] = KINDS,
    engine: str = Engine.REDUCED_FORM,
) -> Iterator[BuiltWorld]:
    """Simulate a world, take in what it tells of `kinds`, and forget it after the block."""
    with TemporaryDirectory() as folder:
        files = Path(folder) / "files"
        summary = simulator.simulate(
            world=world,
            obligors=obligors,
            months=MONTHS,
            seed=seed,
            out=files,
            samples_for=0,
            machines_per_obligor=machines_per_obligor,
            threads=1,
            engine=engine,
        )
        home = taken_in(files, Path(folder) / "home", kinds)
        yield BuiltWorld(folder=files, home=home, summary=summary)
        home.engine.dispose()


@contextmanager
def known_by(world: BuiltWorld, as_of: datetime, obligor_ids: Sequence[str]) -> Iterator[Home]:
    """A home that took in only what had been recorded by `as_of` of some obligors: a second way to what was known."""
    with TemporaryDirectory() as folder:
        cut = Path(folder) / "files"
        home = open_home(Path(folder) / "home")
        manifest = read_manifest(world.folder)
        owned = _table(world.folder / f"{RecordKind.MACHINE_OWNERSHIP}.csv")
        machines = owned.filter(pc.is_in(owned["obligor_id"], value_set=pa.array(list(obligor_ids))))["machine_uid"]
        for file in manifest.files:
            if RecordKind(file.kind) not in KINDS or not file.rows:
                continue
            table = _known(_table(world.folder / file.path), as_of, obligor_ids, machines.unique())
            path = cut / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            if len(table):
                _write(table, path)
                ingest_file(
                    home, path, mapping=mapping_of(world.folder, manifest, file), obligor=None, received_time=NOW
                )
        yield home
        home.engine.dispose()


def offered_features(home: Home, as_of: datetime, *, hindsight: bool = False) -> tuple[Sequence[str], NDArray[Any]]:
    """(obligors, values by catalogue feature) at `as_of`: by the pipeline, or with hindsight."""
    with home.engine.connect() as connection:
        source: Any = reader(connection, home)
        source = Hindsight(source) if hindsight else source
        matrix = feature_matrix(source, as_of=as_of, level=Level.OBLIGOR, parameters=feature_parameters())
    return matrix.units, matrix.values


def training_table(world: BuiltWorld, data: CreditTrainingSet) -> TrainingTable:
    """A training set as the leak detectors read it, with the time of each obligor's default."""
    return TrainingTable(
        obligor_ids=data.obligor_ids,
        as_of=data.as_of,
        names=data.names,
        values=data.values,
        defaulted=data.defaulted,
        default_times=default_times(world, data.obligor_ids),
    )


def default_times(world: BuiltWorld, obligor_ids: Sequence[str]) -> Stamps:
    """First default of each obligor as known at the world's end; NaT where there is none."""
    with world.home.engine.connect() as connection:
        events = reader(connection, world.home).rows(RecordKind.DEFAULT_EVENT, as_of=END)
    first = dict(zip(events["obligor_id"].to_pylist(), events["event_time"].to_numpy(), strict=True))
    never = np.datetime64("NaT", "us")
    return np.array([first.get(obligor, never) for obligor in obligor_ids], dtype="datetime64[us]")


def taken_in(files: Path, root: Path, kinds: frozenset[RecordKind]) -> Home:
    """A home under `root` that took in what the files tell of `kinds`."""
    home = open_home(root)
    manifest = read_manifest(files)
    for file in manifest.files:
        if RecordKind(file.kind) in kinds and file.rows:
            mapping = mapping_of(files, manifest, file)
            result = ingest_file(home, files / file.path, mapping=mapping, obligor=None, received_time=NOW)
            assert result.rows_quarantined == 0, f"{result.rows_quarantined} rows of {file.path} did not come in"
    return home


def _known(table: pa.Table, as_of: datetime, obligor_ids: Sequence[str], machines: pa.Array) -> pa.Table:
    """The rows recorded by `as_of` about these obligors and the machines that they ever owned."""
    instant = pa.timestamp("us", tz="UTC")
    by_machine = "machine_uid" in table.column_names
    who = table["machine_uid"] if by_machine else table["obligor_id"]
    mine = pc.is_in(who, value_set=machines if by_machine else pa.array(list(obligor_ids)))
    return table.filter(
        pc.and_(pc.less_equal(pc.cast(table["recorded_time"], instant), pa.scalar(as_of, instant)), mine)
    )


def _table(path: Path) -> pa.Table:
    return pq.read_table(path) if path.suffix == ".parquet" else pa_csv.read_csv(path, convert_options=_as_text(path))


def _write(table: pa.Table, path: Path) -> None:
    if path.suffix == ".parquet":
        pq.write_table(table, path)
    else:
        pa_csv.write_csv(table, path)


def _as_text(source: Path) -> pa_csv.ConvertOptions:
    """Ledgers pass through as they are written."""
    with source.open(encoding="utf-8") as file:
        names = file.readline().strip().replace('"', "").split(",")
    return pa_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True)
