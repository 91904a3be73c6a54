"""Recovery at start: what a process that ended without order left is looked for, set aside, and told of.

Whoever writes to a home holds a lock on a file of its own in `at_work/` while it lives. The kernel lets go of the lock
with the process, however that ends, so a file that nobody holds is of one that was killed: then, and only then, the
store is looked through. All of it may happen again, and beside others who are at work.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import sqlalchemy as sa

from api.database.engine import BUSY_TIMEOUT_SECONDS, unit_of_work
from api.home import Home
from data_contracts.observations.leftovers import Leftovers, set_aside
from data_contracts.observations.store import ObservationStore

DRAFTS_AFTER = timedelta(hours=1)
"""A half-written file of a living process is finished long before."""

CLOCKS = timedelta(minutes=1)
"""The file system's clock and ours may differ by so much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """How many processes had ended without order, what was set aside of the store, how many half-written files were
    cleared, and the registered files that are missing or of another length (which a crash does not explain)."""

    crashed: int
    set_aside: Sequence[str]
    drafts: int
    damaged: Sequence[str]

    def __str__(self) -> str:
        """As an operator reads it."""
        found = (
            f"Recovered: {self.crashed} ended without order; {len(self.set_aside)} files that no transaction committed "
            f"lie in left_over/ now, {self.drafts} half-written ones are gone."
        )
        if not self.damaged:
            return found
        return f"{found} {len(self.damaged)} registered files are missing or cut short: run millgrade doctor."


@contextmanager
def at_work(home: Home) -> Iterator[None]:
    """Be known as one who writes to the home while the block runs, after what the dead left was cleared and told.

    Where the disk takes no mark, or the turn cannot be had, that is told too, and the work goes on: what a crash left
    stands in nobody's way.
    """
    try:
        recovered = recover(home)
        mark = _marked(home)
    except (OSError, sa.exc.OperationalError, sa.exc.TimeoutError) as error:
        sys.stderr.write(f"Not looked for what a crash may have left: {getattr(error, 'orig', None) or error}\n")
        yield
        return
    if recovered is not None:
        sys.stderr.write(f"{recovered}\n")
    with os.fdopen(mark.handle):
        try:
            yield
        finally:
            with suppress(OSError):
                mark.path.unlink(missing_ok=True)


def recover(home: Home) -> Recovered | None:
    """Clear what processes left that ended without order; None where none did. Raises OSError, OperationalError."""
    dead = [mark for path in _marks(home) if (mark := _seized(path)) is not None]
    try:
        crashed = [mark for mark in dead if mark.began is not None]
        found = _recovered(home, crashed) if crashed else None
        for mark in dead:
            mark.path.unlink(missing_ok=True)
        return found
    finally:
        for mark in dead:
            os.close(mark.handle)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mark:
    """A mark that this process holds: its own, or a dead one's with the time at which that began its work (None for a
    copy that came with a backup)."""

    path: Path
    handle: int
    began: datetime | None


def clear_left_over(home: Home, *, written_before: datetime) -> int:
    """Delete what recoveries set aside and was written before a time; returns how many files."""
    old = [path for path in home.left_over.rglob("*") if path.is_file() and _written(path) < written_before]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def _recovered(home: Home, crashed: Sequence[_Mark]) -> Recovered:
    since = min(mark.began for mark in crashed if mark.began is not None) - CLOCKS
    left: Leftovers
    with unit_of_work(home.engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.text(f"SET LOCAL lock_timeout = '{BUSY_TIMEOUT_SECONDS}s'"))
        left = set_aside(connection, ObservationStore(home.observations), home.left_over, written_since=since)
    drafts = _clear_drafts(home, datetime.now(UTC))
    return Recovered(crashed=len(crashed), set_aside=left.set_aside, drafts=drafts, damaged=left.damaged)


def _clear_drafts(home: Home, now: datetime) -> int:
    """Delete files that were to be renamed when they were whole: a dot, the name, a dot, 32 hexadecimal digits."""
    folders = (
        *(home.snapshots, home.peers, home.clones, home.models, home.parameters, home.evidence, home.pledges),
        home.at_work,
    )
    cleared = 0
    for path in (path for folder in folders for path in folder.rglob(".*.*")):
        ending = path.suffix.removeprefix(".")
        is_draft = len(ending) == 32 and all(digit in "0123456789abcdef" for digit in ending)
        if is_draft and _written(path) < now - DRAFTS_AFTER:
            path.unlink(missing_ok=True)
            cleared += 1
    return cleared


def _written(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _marks(home: Home) -> list[Path]:
    return sorted(home.at_work.glob("*.lock"))


def _marked(home: Home) -> _Mark:
    """A mark of this process; it bears its name only once it is locked, so that nobody takes it for a dead one's."""
    home.at_work.mkdir(exist_ok=True)
    name, began = uuid4().hex, datetime.now(UTC)
    draft, path = home.at_work / f".mark.{name}", home.at_work / f"{name}.lock"
    handle = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    fcntl.flock(handle, fcntl.LOCK_EX)
    said = {"began": began.isoformat(), "inode": os.fstat(handle).st_ino, "process": os.getpid()}
    os.write(handle, json.dumps(said).encode())
    draft.rename(path)
    return _Mark(path=path, handle=handle, began=began)


def _seized(path: Path) -> _Mark | None:
    """The mark of one that is dead; None where its process lives, or another recovers from it already."""
    try:
        handle = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    try:
        said = json.loads(os.read(handle, 4096))
        is_own = said["inode"] == os.fstat(handle).st_ino
        began = datetime.fromisoformat(said["began"]) if is_own else None
    except (ValueError, KeyError, TypeError):
        began = datetime.fromtimestamp(os.fstat(handle).st_mtime, UTC)  # the machine went down before it was written
    return _Mark(path=path, handle=handle, began=began)
