"""The observation store: immutable Parquet files under one root, each named by the SHA-256 of its bytes.

A file is written whole, named and synced, and then its folder is. It counts once the register has a row for it, which
comes after that; files without one are leftovers of admissions that were never committed, and `sweep` removes them.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import sqlalchemy as sa

from data_contracts.columns import contiguous
from data_contracts.contract import RecordKind
from data_contracts.errors import StoreDamaged, StoreUnwritable
from data_contracts.observations.tables import machine_day_file, observation_file, retired_file

WRITERS = 2
SYNCERS = 4
"""Syncs that wait for the disk together are done together."""

SMALL_ROWS = 10_000
"""Parts of fewer rows take longer to sync than to encode."""

ROWS_PER_GROUP = 65_536
COMPRESSION = "zstd"
COMPRESSION_LEVEL = 1
TEMPORARY = ".partial"

ROLLED = "machine_day"
"""The folder, beside those of the kinds, of what samples were rolled up to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Rows that go into one file of one folder."""

    partition: str
    bucket: int
    table: pa.Table
    rows_per_group: int = ROWS_PER_GROUP


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file that is safely on disk: its path relative to the root, its hash and its length in bytes."""

    path: str
    sha256: str
    size: int


class ObservationStore:
    """The folder `root`, laid out as kind / partition / bucket / hash.parquet; `ROLLED` is like a kind."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._lasting: set[Path] = set()
        """Folders whose own names this store has synced: within them, only what is new needs to be."""

    def path_of(self, relative: str) -> Path:
        """Where a registered file lies. Raises StoreDamaged when it is not there."""
        path = self.root / relative
        if not path.is_file():
            raise StoreDamaged(
                f"The register names {relative}, but the store has no such file.", hint="Restore it from a backup."
            )
        return path

    def write(self, kind: str, parts: Sequence[Part]) -> list[StoredFile]:
        """Write each part to a file of its own; all are on disk, under their names, when this returns.

        Raises StoreUnwritable where that fails, having taken away again what it wrote: on a full disk, leftovers would
        stand in the way of what comes next.
        """
        is_small = all(part.table.num_rows < SMALL_ROWS for part in parts)
        with ThreadPoolExecutor(max_workers=SYNCERS if is_small else WRITERS) as pool:
            writing = [pool.submit(self._write_part, kind, part) for part in parts]
        failed = next((job.exception() for job in writing if job.exception() is not None), None)
        files = [job.result() for job in writing if job.exception() is None]
        try:
            if failed is not None:
                raise failed
            _sync_folders(self.root, {(self.root / file.path).parent for file in files}, self._lasting)
        except OSError as error:
            self.discard(file.path for file in files)
            raise StoreUnwritable(
                f"The observation store cannot be written: {error.strerror}. Nothing of this was kept.",
                hint="Make room or mend the disk (millgrade doctor looks at it), then send it again.",
            ) from error
        return files

    def _write_part(self, kind: str, part: Part) -> StoredFile:
        data = _parquet_bytes(part.table, part.rows_per_group)
        digest = hashlib.sha256(data).hexdigest()
        folder = self.root / kind / part.partition / str(part.bucket)
        folder.mkdir(parents=True, exist_ok=True)
        partial, final = folder / (digest + TEMPORARY), folder / f"{digest}.parquet"
        new = [partial] if final.exists() else [partial, final]
        try:
            with partial.open("wb") as handle:
                handle.write(data)
                handle.flush()
                # Named before it is synced, so that a journaling file system puts both on disk at once; nobody looks
                # for the name before the register bears it.
                partial.rename(final)
                os.fsync(handle.fileno())
        except OSError:
            for path in new:
                with suppress(OSError):  # a disk that takes nothing may not let go either; a sweep does it later
                    path.unlink(missing_ok=True)
            raise
        return StoredFile(path=final.relative_to(self.root).as_posix(), sha256=digest, size=data.size)

    def discard(self, paths: Iterable[str]) -> None:
        """Delete files, by their relative paths, of an admission that is about to be rolled back."""
        for path in paths:
            with suppress(OSError):  # a read-only disk keeps what a sweep deletes later
                (self.root / path).unlink(missing_ok=True)

    def sweep(self, connection: sa.Connection, *, written_before: datetime | None = None) -> list[str]:
        """Delete files that the register does not name; returns their relative paths.

        While admissions and reads may be under way, pass `written_before` (an hour ago, say): a file that was written
        or retired later is left alone, as its register row may not be committed yet, or a reader may yet open it.
        """
        registered = {
            path
            for table in (observation_file, machine_day_file)
            for path in connection.scalars(sa.select(table.c.path))
        }
        retired = dict(connection.execute(sa.select(retired_file.c.path, retired_file.c.retired_time)).all())
        swept = []
        for path in self._files():
            relative = path.relative_to(self.root).as_posix()
            since = retired.get(relative) or datetime.fromtimestamp(path.stat().st_mtime, UTC)
            if relative not in registered and (written_before is None or since < written_before):
                path.unlink()
                swept.append(relative)
        self._forget_retired(connection, retired.keys())
        return swept

    def _forget_retired(self, connection: sa.Connection, paths: Iterable[str]) -> None:
        for path in paths:
            if not (self.root / path).exists():
                connection.execute(sa.delete(retired_file).where(retired_file.c.path == path))

    def _files(self) -> Iterable[Path]:
        kinds = (self.root / kind for kind in (*RecordKind, ROLLED))
        return sorted(path for folder in kinds if folder.is_dir() for path in folder.rglob("*") if path.is_file())


def _parquet_bytes(table: pa.Table, rows_per_group: int) -> pa.Buffer:
    sink = pa.BufferOutputStream()
    writer = pq.ParquetWriter(
        sink,
        table.schema,
        compression=COMPRESSION,
        compression_level=COMPRESSION_LEVEL,
        use_dictionary=[field.name for field in table.schema if _is_text(field.type)],
        write_page_checksum=True,
        store_schema=False,
    )
    with writer:
        for start in range(0, table.num_rows, rows_per_group):
            writer.write_table(_of_own_words(table.slice(start, rows_per_group)), row_group_size=rows_per_group)
    return sink.getvalue()


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_dictionary(kind))


def _of_own_words(table: pa.Table) -> pa.Table:
    """The same rows with dictionaries of the texts that they say: an encoded column would carry its whole dictionary
    into the file, words of other files included."""
    for position, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            column = contiguous(table.column(position))
            table = table.set_column(position, field, _compacted(column))
    return table


def _compacted(column: pa.DictionaryArray) -> pa.DictionaryArray:
    if not len(column.dictionary):
        return column
    codes = pc.fill_null(column.indices, 0).to_numpy(zero_copy_only=False)
    given = pc.is_valid(column).to_numpy(zero_copy_only=False)
    is_said = np.zeros(len(column.dictionary), dtype=np.bool_)
    is_said[codes[given]] = True
    places = (np.cumsum(is_said) - 1).astype(np.int32)
    words = column.dictionary.filter(pa.array(is_said))
    return pa.DictionaryArray.from_arrays(pa.array(places[codes], mask=~given), words)


def _sync_folders(root: Path, folders: Iterable[Path], lasting: set[Path]) -> None:
    """Make the new names last: sync each folder, and those above it up to the root unless its own name is `lasting`."""
    above: set[Path] = set()
    for folder in folders:
        known = folder in lasting
        above |= {folder} if known else {path for path in (folder, *folder.parents) if path.is_relative_to(root)}
    deepest_first = sorted(above, key=lambda path: len(path.parts), reverse=True)
    with ThreadPoolExecutor(max_workers=SYNCERS) as pool:
        for _, level in groupby(deepest_first, key=lambda path: len(path.parts)):
            list(pool.map(_sync_folder, level))
    lasting |= above


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
