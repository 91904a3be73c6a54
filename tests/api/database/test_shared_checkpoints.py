"""Receipts that are asked for at the same time share one checkpoint and one commit, and each of them verifies."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from api.consents.repository import PLATFORM, Purpose, declare
from api.database.engine import reading, unit_of_work
from api.evidence.claims import Kind
from api.evidence.keys import log_signers, public_lines
from api.group_commit import GroupCommit
from api.home import Home, open_home
from api.obligors.service import register
from api.receipts import service as receipts
from data_contracts.errors import NotFound
from data_contracts.evidence import verify
from data_contracts.evidence.tables import log_checkpoint, log_entry
from data_contracts.identifiers import ObligorId
from data_contracts.observations.gathering import Gathering

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
FIRM = ObligorId("91999999MA0001000T")
RECEIPTS = 24
WAVES = 3


@pytest.fixture
def home(database_url: str, tmp_path: Path) -> Iterator[Home]:
    made = open_home(tmp_path / "home", database_url=database_url)
    with unit_of_work(made.engine) as connection:
        register(connection, [FIRM], now=NOW)
    yield made
    made.engine.dispose()


def record(home: Home) -> str:
    """Something that is logged: a consent; its name."""
    with unit_of_work(home.engine) as connection:
        declare(connection, [FIRM], recipient=PLATFORM, purpose=Purpose.PLATFORM, now=NOW)
        newest = sa.select(log_entry.c.subject).where(log_entry.c.kind == Kind.CONSENT.value)
        return str(connection.scalar(newest.order_by(log_entry.c.position.desc()).limit(1)))


def asked(home: Home, queue: GroupCommit, subject: str) -> dict[str, Any]:
    """A receipt as the doors give it."""

    def covered(connection: sa.Connection, _: Gathering) -> str:
        return receipts.cover(connection, home, Kind.CONSENT, subject, now=NOW)

    note = queue.commit(covered)
    with reading(home.engine) as connection:
        return receipts.covered_receipt(connection, home, Kind.CONSENT, subject, note)


def while_one_is_signed(home: Home, queue: GroupCommit, subjects: Sequence[str]) -> list[dict[str, Any]]:
    """Receipts of all, asked for while somebody else is at work, so that they come into one group."""
    is_in, may_go = threading.Event(), threading.Event()

    def first(_connection: sa.Connection, _gathered: Gathering) -> None:
        is_in.set()
        assert may_go.wait(30)

    with ThreadPoolExecutor(len(subjects) + 1) as pool:
        leading = pool.submit(queue.commit, first)
        assert is_in.wait(30)
        waiting = [pool.submit(asked, home, queue, subject) for subject in subjects]
        for _ in range(3000):
            if len(queue._waiting) == len(subjects):
                break
            threading.Event().wait(0.01)
        may_go.set()
        leading.result()
        return [one.result() for one in waiting]


def checkpoints(home: Home) -> int:
    with home.engine.connect() as connection:
        return int(connection.scalar(sa.select(sa.func.count()).select_from(log_checkpoint)) or 0)


@contextmanager
def counted_commits(home: Home) -> Iterator[list[sa.Connection]]:
    """The connections that commit within the block, each commit once."""
    commits: list[sa.Connection] = []
    note = commits.append
    sa.event.listen(home.engine, "commit", note)
    yield commits
    sa.event.remove(home.engine, "commit", note)


def test_those_who_wait_get_the_next_checkpoint_and_each_receipt_verifies(home: Home) -> None:
    queue, subjects = GroupCommit(home, admits=False), [record(home) for _ in range(RECEIPTS)]
    with counted_commits(home) as commits:
        told = while_one_is_signed(home, queue, subjects)
    assert len(commits) == 2, "theirs, and that of whoever was at work"
    keys = verify.parse_keys(public_lines(log_signers(home)))
    for subject, receipt in zip(subjects, told, strict=True):
        report = verify.check_receipt(receipts.receipt_bytes(receipt).decode(), keys)
        assert report["statement"]["consent_id"] == subject
    assert checkpoints(home) == 1


def test_wave_after_wave_signs_a_checkpoint_each_and_not_one_for_each_receipt(home: Home) -> None:
    """The log grows before every wave, so that no checkpoint of an earlier one covers it."""
    queue, keys = GroupCommit(home, admits=False), verify.parse_keys(public_lines(log_signers(home)))
    for wave in range(1, WAVES + 1):
        told = while_one_is_signed(home, queue, [record(home) for _ in range(RECEIPTS // WAVES)])
        for receipt in told:
            verify.check_receipt(receipts.receipt_bytes(receipt).decode(), keys)
        assert checkpoints(home) == wave


def test_one_by_one_each_has_a_checkpoint_of_its_own(home: Home) -> None:
    queue = GroupCommit(home, admits=False)
    for count in (1, 2, 3):
        asked(home, queue, record(home))
        assert checkpoints(home) == count


def test_what_is_not_logged_fails_alone(home: Home) -> None:
    queue, known = GroupCommit(home, admits=False), record(home)

    def unknown(connection: sa.Connection, _: Gathering) -> None:
        receipts.cover(connection, home, Kind.CONSENT, "nothing", now=NOW)

    with pytest.raises(NotFound):
        queue.commit(unknown)
    assert asked(home, queue, known)["kind"] == Kind.CONSENT.value
