"""One reading of everything gives the matrices that were computed one by one: whatever came late, changed or moved."""

from __future__ import annotations

import tempfile
from dataclasses import fields
from pathlib import Path

import numpy as np
from grown_book import DAYS, OWNERS, Told, books, fill, midnight
from hypothesis import given, settings
from hypothesis import strategies as st
from observed_book import Book, new_book
from sample_tables import OBLIGOR

from data_contracts.contract import RecordKind
from data_contracts.identifiers import ObligorId
from data_contracts.observations.remembered import RememberedObservations
from features.feature_history import feature_history
from features.grid.known_days import KnownDays
from features.grid.ledger_log import LedgerLog, UpkeepLog
from features.grid.matrices import DAYS as DAYS_OF_HISTORY
from features.grid.matrices import feature_grid, obligor_history
from features.history import DailyHistory, Level, Measure, Standing
from features.ledgers import load_ledgers
from features.loading import history_begins, load_machine_days
from features.matrix import FeatureMatrix, feature_matrix
from features.settings import shipped_parameters

PARAMETERS = shipped_parameters()


def same(found: FeatureMatrix, told: FeatureMatrix) -> None:
    assert tuple(found.units) == tuple(told.units)
    assert tuple(found.obligor_ids) == tuple(told.obligor_ids)
    assert tuple(found.names) == tuple(told.names)
    assert found.history_days.tolist() == told.history_days.tolist()
    np.testing.assert_array_equal(found.values, told.values)


def assert_same_grid(book: Book, days: list[int], size: int) -> None:
    instants = [midnight(day) for day in days]
    for level in Level:
        grid = feature_grid(book.reader, as_ofs=instants, level=level, parameters=PARAMETERS, obligors_per_block=size)
        assert list(grid) == instants
        for as_of, found in grid.items():
            same(found, feature_matrix(book.reader, as_of=as_of, level=level, parameters=PARAMETERS))


def assert_same_histories(book: Book, days: list[int]) -> None:
    """Everything that features of obligors rest on, with ledgers, standing and fleet."""
    owners = [ObligorId(owner) for owner in sorted(OWNERS)]
    memory = RememberedObservations(book.reader, until=midnight(DAYS + 90), obligor_ids=owners)
    walk = KnownDays(memory, owners, DAYS_OF_HISTORY)
    upkeep, log = UpkeepLog(memory, walk.pairs, walk.zones), LedgerLog(memory, owners, walk.zones)
    for as_of in map(midnight, days):
        found, units = obligor_history(walk.at(as_of), memory, upkeep, log, as_of)
        machine_days, _ = load_machine_days(book.reader, as_of=as_of, first_day=history_begins(as_of, 730))
        ledgers = load_ledgers(book.reader, as_of=as_of, machine_uids=machine_days.machine_uids)
        told = feature_history(machine_days, ledgers, as_of=as_of)
        assert_same_values(found, told, units)
        assert found.fleet is not None
        assert told.fleet is not None
        owned = np.flatnonzero(found.fleet.owner >= 0)
        assert [found.fleet.history.units[at] for at in owned] == list(told.fleet.history.units)
        assert found.fleet.owner[owned].tolist() == [int(units[at]) for at in told.fleet.owner]
        assert_same_values(found.fleet.history, told.fleet.history, owned)


def assert_same_values(found: DailyHistory, told: DailyHistory, rows: np.ndarray) -> None:
    assert [found.units[at] for at in rows] == list(told.units)
    for field in fields(DailyHistory):
        expected, value = getattr(told, field.name), getattr(found, field.name)
        if isinstance(expected, Measure):
            np.testing.assert_array_equal(value.values[rows], expected.values, err_msg=field.name)
    for field in fields(Standing):
        expected, value = getattr(told.standing, field.name), getattr(found.standing, field.name)
        np.testing.assert_array_equal(value[rows], expected, err_msg=field.name)


@settings(deadline=None, max_examples=5)
@given(told=books, days=st.lists(st.integers(1, DAYS + 50), min_size=1, max_size=3, unique=True).map(sorted))
def test_the_histories_are_those_built_one_by_one(told: list[Told], days: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder, new_book(Path(folder)) as book:
        fill(book, told)
        assert_same_histories(book, days)


@settings(deadline=None, max_examples=2)
@given(
    told=books,
    days=st.lists(st.integers(1, DAYS + 50), min_size=1, max_size=2, unique=True).map(sorted),
    size=st.integers(1, 3),
)
def test_the_grid_is_the_matrices(told: list[Told], days: list[int], size: int) -> None:
    with tempfile.TemporaryDirectory() as folder, new_book(Path(folder)) as book:
        fill(book, told)
        assert_same_grid(book, days, size)


def test_samples_beside_reports(tmp_path: Path) -> None:
    """A machine that sends samples, some of which come in late, beside its reports."""
    with new_book(tmp_path) as book:
        uid = f"{OBLIGOR}/M1"
        book.reports(uid, midnight(1).date(), 30, executing_seconds=3_600.0, idle_seconds=100.0)
        said = {"machine_uid": uid, "item_state": "Executing", "operation_mode": "Processing"}
        rows = [
            {**said, "event_time": midnight(day), "recorded_time": midnight(day + 5 * (day % 2))}
            for day in range(5, 20)
        ]
        book.say(RecordKind.SAMPLE, rows)
        assert_same_grid(book, [8, 12, 40], 1)


def test_no_instant_is_no_matrix(tmp_path: Path) -> None:
    with new_book(tmp_path) as book:
        assert feature_grid(book.reader, as_ofs=[], level=Level.OBLIGOR, parameters=PARAMETERS) == {}
        (found,) = feature_grid(book.reader, as_ofs=[midnight(1)], level=Level.OBLIGOR, parameters=PARAMETERS).values()
        assert (len(found.units), found.values.shape[0]) == (0, 0)
