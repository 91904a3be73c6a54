"""Histories that walk through time are those that are built anew at each instant."""

from __future__ import annotations

import tempfile
from dataclasses import fields
from datetime import datetime
from pathlib import Path

import numpy as np
from grown_book import DAYS, OWNERS, Told, books, fill, midnight
from hypothesis import given, settings
from hypothesis import strategies as st
from observed_book import Book, new_book

from data_contracts.identifiers import ObligorId
from data_contracts.observations.remembered import RememberedObservations
from features.daily import build_history
from features.grid.known_days import HistoryDays, KnownDays
from features.history import DailyHistory, Level, Measure
from features.loading import history_begins, load_machine_days

SHORT = HistoryDays(obligor=40, recent=30, machine=20)


@settings(deadline=None, max_examples=5)
@given(
    told=books,
    days=st.lists(st.integers(1, DAYS + 50), min_size=2, max_size=5, unique=True).map(sorted),
    asked=st.sets(st.sampled_from(OWNERS), min_size=1),
)
def test_what_stands_is_what_was_known(told: list[Told], days: list[int], asked: set[str]) -> None:
    with tempfile.TemporaryDirectory() as folder, new_book(Path(folder)) as book:
        fill(book, told)
        owners = [ObligorId(owner) for owner in sorted(asked)]
        memory = RememberedObservations(book.reader, until=midnight(DAYS + 60), obligor_ids=owners)
        walk = KnownDays(memory, owners, SHORT)
        for day in days:
            assert_same_histories(book, walk, midnight(day), owners)


def assert_same_histories(book: Book, walk: KnownDays, as_of: datetime, owners: list[ObligorId]) -> None:
    found = walk.at(as_of)
    for level, history, known in (
        (Level.OBLIGOR, found.obligors, found.obligors_known),
        (Level.MACHINE, found.machines, found.machines_known),
    ):
        days, recent = (SHORT.obligor, SHORT.recent) if level is Level.OBLIGOR else (SHORT.machine, SHORT.machine)
        machine_days, _ = load_machine_days(book.reader, as_of=as_of, first_day=history_begins(as_of, days))
        told = build_history(machine_days, level=level, as_of=as_of, days=days, recent_days=recent)
        assert_same_units(told, history, known, owners)


def assert_same_units(told: DailyHistory, found: DailyHistory, known: np.ndarray, owners: list[ObligorId]) -> None:
    own = [at for at, owner in enumerate(told.obligor_ids) if owner in owners]
    rows = np.flatnonzero(known)
    assert [found.units[at] for at in rows] == [told.units[at] for at in own]
    assert [found.obligor_ids[at] for at in rows] == [told.obligor_ids[at] for at in own]
    assert [found.zones[at] for at in rows] == [told.zones[at] for at in own]
    assert found.last_days[rows].tolist() == told.last_days[own].tolist()
    assert found.first_observed[rows].tolist() == told.first_observed[own].tolist()
    for field in fields(DailyHistory):
        expected, value = getattr(told, field.name), getattr(found, field.name)
        if isinstance(expected, Measure):
            np.testing.assert_array_equal(value.values[rows], expected.values[own], err_msg=field.name)
