"""What share of the machine-days of late bears which level of attestation: as known then, and never more for silence."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from observed_book import Book, new_book
from sample_tables import OBLIGOR

from data_contracts.evidence import gateways, levels
from data_contracts.evidence.levels import AttestationLevel
from data_contracts.evidence.tables import gateway_key, gateway_seal
from data_contracts.identifiers import ObligorId
from data_contracts.observations.tables import batch, to_microseconds
from data_contracts.reference.dated import load_book
from features.compute import snapshots
from features.trust import ATTESTED_DAYS, DataTrust

AS_OF = datetime(2026, 7, 1, tzinfo=UTC)
FIRST = date(2026, 7, 1) - timedelta(days=ATTESTED_DAYS)
MACHINE, SECOND = f"{OBLIGOR}/A", f"{OBLIGOR}/B"
WORK = {"executing_seconds": 36_000.0, "off_seconds": 50_400.0, "energy_kwh": 10.0, "energy_executing_kwh": 10.0}
KEY = "k" * 16
L0, L1, L2, L3, _ = AttestationLevel


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    with new_book(tmp_path) as made:
        yield made


def tell(book: Book, machine: str, first: date, days: int, level: AttestationLevel, *, seal: str | None = None) -> str:
    """Reports of some days, come in at a level; the batch's name. Whole months, as reports are chunks of a month."""
    book.reports(machine, first, days, **WORK)
    name = book.connection.scalar(sa.select(batch.c.batch_id).order_by(batch.c.sequence.desc()).limit(1))
    assert name is not None
    us = to_microseconds(AS_OF)
    levels.attest(book.connection, name, level, seal_digest=seal, by="test", now_us=us + 1)
    return name


def trust(book: Book, as_of: datetime = AS_OF) -> DataTrust:
    parameters = load_book(Path("features/parameters"))
    (snapshot,) = snapshots(book.reader, obligor_ids=[ObligorId(OBLIGOR)], as_of=as_of, parameters=parameters)
    assert snapshot.batches.keys() <= set(book.connection.scalars(sa.select(batch.c.batch_id)))
    return snapshot.data_trust


def shares(book: Book, as_of: datetime = AS_OF) -> dict[AttestationLevel, float]:
    return {level: round(share, 3) for level, share in trust(book, as_of).attested.items()}


def test_each_day_bears_the_level_of_what_was_told_of_it(book: Book) -> None:
    tell(book, MACHINE, date(2026, 4, 1), 30, L2)
    tell(book, MACHINE, date(2026, 5, 1), 61, L1)
    days = ATTESTED_DAYS + 1
    april = (date(2026, 5, 1) - FIRST).days
    assert shares(book) == {L2: round(april / days, 3), L1: round((days - april - 1) / days, 3)}
    assert trust(book).level(0.5) is L1
    assert trust(book).level(0.3) is L2
    assert trust(book).level(0.995) is L0


def test_silent_days_and_silent_machines_bear_nothing(book: Book) -> None:
    tell(book, MACHINE, date(2026, 4, 1), 91, L2)
    told = shares(book)[L2]
    tell(book, SECOND, date(2026, 4, 1), 20, L2)
    assert shares(book)[L2] < told
    assert trust(book).level(0.5) is L2


def test_of_what_was_told_of_a_month_the_least_counts(book: Book) -> None:
    tell(book, MACHINE, date(2026, 4, 1), 91, L2)
    book.reports(MACHINE, date(2026, 6, 10), 1, **{**WORK, "energy_kwh": 11.0, "energy_executing_kwh": 11.0})
    assert shares(book)[L0] == round(30 / (ATTESTED_DAYS + 1), 3)


def test_what_was_attested_later_was_not_known_before(book: Book) -> None:
    name = tell(book, MACHINE, date(2026, 4, 1), 91, L1)
    later = to_microseconds(AS_OF + timedelta(days=5))
    levels.attest(book.connection, name, L3, by="the grid", evidence="0" * 64, now_us=later)
    assert set(shares(book)) == {L1}
    assert L3 in shares(book, AS_OF + timedelta(days=6))


def test_a_key_that_was_stolen_takes_the_level_from_what_it_sealed(book: Book) -> None:
    us = to_microseconds(AS_OF)
    owner = {"gateway": "G", "obligor_id": OBLIGOR, "public_key": b"0" * 32, "livemode": True}
    times: dict[str, Any] = {"registered_us": 0, "registered_by": "test"}
    book.connection.execute(sa.insert(gateway_key), {"key_id": KEY, **owner, **times})
    name = tell(book, MACHINE, date(2026, 4, 1), 91, L2, seal="d" * 64)
    seal = {"digest": "d" * 64, "key_id": KEY, "sequence": 0, "boot_id": "b" * 32, "previous": "0" * 64}
    sent = {"monotonic_us": 1, "wall_us": us, "body_sha256": "0" * 64, "signature": b"0" * 64, "received_us": us}
    book.connection.execute(sa.insert(gateway_seal), {**seal, **sent, "batch_id": name})
    assert set(shares(book)) == {L2}
    day = 86_400_000_000
    gateways.revoke_key(book.connection, KEY, from_us=us - day, now_us=us + 2 * day)
    assert set(shares(book)) == {L2}
    assert L2 not in shares(book, AS_OF + timedelta(days=3))
    assert levels.levels(book.connection, [name]) == {name: L1}
