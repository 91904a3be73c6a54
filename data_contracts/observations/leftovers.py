"""What a process that was killed left in the store: files that no transaction committed.

Every admission, compaction and erasure writes its files within the register's turn. Whoever holds the turn and sees a
file that the register does not name therefore knows that nobody will name it any more. A roll-up writes before its
turn, so that its files are left to a sweep.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from data_contracts.contract import RecordKind
from data_contracts.observations import register
from data_contracts.observations.register import Connection
from data_contracts.observations.store import ObservationStore
from data_contracts.observations.tables import observation_file, retired_file


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftovers:
    """Paths within the store: of files that were set aside, and of registered ones that are not what was registered."""

    set_aside: tuple[str, ...]
    damaged: tuple[str, ...]


def set_aside(connection: Connection, store: ObservationStore, folder: Path, *, written_since: datetime) -> Leftovers:
    """Move what nobody committed and was written since a time to `folder`, under its own path; again changes nothing.

    It takes the register's turn, so that whoever is at work beside it loses nothing. Nothing is deleted: where it was
    the database that was put back to an older state, what it does not know any more is still there. Raises OSError.
    """
    register.take_turn(connection)
    registered = {row.path: row.bytes for row in connection.execute(sa.select(_FILE.path, _FILE.bytes))}
    retired = set(connection.scalars(sa.select(retired_file.c.path)))
    moved, sizes = [], {}
    for path, found in _files(store.root):
        sizes[path] = found.st_size
        if path not in registered and path not in retired and found.st_mtime >= written_since.timestamp():
            place = folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            (store.root / path).replace(place)
            moved.append(path)
    damaged = [path for path, size in registered.items() if sizes.get(path) != size]
    return Leftovers(set_aside=tuple(sorted(moved)), damaged=tuple(sorted(damaged)))


_FILE = observation_file.c


def _files(root: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Every file of the kinds, by its path within the root, and what the file system says of it."""
    for kind in RecordKind:
        for folder, _, names in os.walk(root / kind):
            for name in names:
                path = Path(folder, name)
                with suppress(FileNotFoundError):  # a sweep was faster
                    yield path.relative_to(root).as_posix(), path.stat()
