"""What is remembered of the observations is what the store answers, at any time and about anybody."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from grown_book import DAYS, MACHINES, OWNERS, Told, books, fill, midnight
from hypothesis import given, settings
from hypothesis import strategies as st
from observed_book import Book, new_book

from data_contracts.contract import RecordKind
from data_contracts.identifiers import MachineUid, ObligorId
from data_contracts.observations.remembered import RememberedObservations

KINDS = (RecordKind.MACHINE_DAY_REPORT, RecordKind.MACHINE_OWNERSHIP, RecordKind.REPAYMENT)


@settings(deadline=None, max_examples=5)
@given(
    told=books,
    day=st.integers(0, DAYS + 20),
    first=st.integers(0, DAYS),
    asked=st.sets(st.sampled_from(OWNERS), min_size=1),
)
def test_the_same_answers_as_the_store(told: list[Told], day: int, first: int, asked: set[str]) -> None:
    with tempfile.TemporaryDirectory() as folder, new_book(Path(folder)) as book:
        fill(book, told)
        assert_same_answers(book, day=day, first=first, asked=[ObligorId(owner) for owner in sorted(asked)])


def assert_same_answers(book: Book, *, day: int, first: int, asked: Sequence[ObligorId]) -> None:
    as_of, until, since = midnight(day), midnight(DAYS + 60), midnight(first)
    everything = RememberedObservations(book.reader, until=until)
    theirs = RememberedObservations(book.reader, until=until, obligor_ids=asked)
    uids = [MachineUid(uid) for uid in MACHINES[:3]]
    for kind in KINDS:
        assert everything.rows(kind, as_of=as_of).equals(book.reader.rows(kind, as_of=as_of))
        told = book.reader.rows(kind, as_of=as_of, obligor_ids=asked, event_from=since)
        for memory in (everything, theirs):
            assert memory.rows(kind, as_of=as_of, obligor_ids=asked, event_from=since).equals(told)
        if kind is not RecordKind.REPAYMENT:
            told = book.reader.rows(kind, as_of=as_of, machine_uids=uids, event_until=since, columns=["machine_uid"])
            assert everything.rows(
                kind, as_of=as_of, machine_uids=uids, event_until=since, columns=["machine_uid"]
            ).equals(told)
    assert everything.machines(as_of=as_of).equals(book.reader.machines(as_of=as_of))
    for memory in (everything, theirs):
        assert memory.machines(as_of=as_of, obligor_ids=asked).equals(
            book.reader.machines(as_of=as_of, obligor_ids=asked)
        )


def test_nothing_after_what_is_remembered_is_answered(tmp_path: Path) -> None:
    with new_book(tmp_path) as book:
        memory = RememberedObservations(book.reader, until=midnight(3))
        assert memory.rows(RecordKind.REPAYMENT, as_of=midnight(3)).num_rows == 0
        with pytest.raises(AssertionError, match="after what is remembered"):
            memory.rows(RecordKind.REPAYMENT, as_of=midnight(4))
