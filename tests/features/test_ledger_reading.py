"""Ledgers read once for many say to each what the store would answer it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from grown_book import DAYS, OWNERS, Told, books, fill, midnight
from hypothesis import given, settings
from hypothesis import strategies as st
from observed_book import Book, new_book

from data_contracts.contract import RecordKind
from data_contracts.identifiers import ObligorId
from features.compute import TAKES
from features.ledger_reading import Take, read_ledgers

KIND = RecordKind.REPAYMENT
PARTS = (
    Take(kind=KIND, columns=("facility_id", "amount_paid_minor"), days=20),
    Take(kind=KIND, columns=("amount_due_minor", "facility_id"), days=45),
)


@settings(deadline=None, max_examples=8)
@given(told=books, day=st.integers(0, DAYS + 30), asked=st.sets(st.sampled_from(OWNERS), min_size=1))
def test_each_part_is_what_the_store_answers(told: list[Told], day: int, asked: set[str]) -> None:
    with tempfile.TemporaryDirectory() as folder, new_book(Path(folder)) as book:
        fill(book, told)
        for takes in (PARTS, TAKES):
            assert_same_parts(book, takes, day=day, asked=[ObligorId(owner) for owner in sorted(asked)])


def assert_same_parts(book: Book, takes: tuple[Take, ...], *, day: int, asked: list[ObligorId]) -> None:
    as_of = midnight(day)
    for obligor_ids in ([ObligorId(owner) for owner in OWNERS], None):
        reading = read_ledgers(book.reader, as_of=as_of, obligor_ids=obligor_ids, takes=takes)
        for take in takes:
            answer = book.reader.rows(
                take.kind, as_of=as_of, obligor_ids=asked, event_from=take.begins(as_of), columns=take.names
            )
            assert reading.of(asked).take(take).equals(answer)


def test_a_part_beyond_what_was_read_is_refused(tmp_path: Path) -> None:
    with new_book(tmp_path) as book:
        reading = read_ledgers(book.reader, as_of=midnight(3), obligor_ids=None, takes=PARTS[:1])
        with pytest.raises(AssertionError, match="was not read as far"):
            reading.take(PARTS[1])
