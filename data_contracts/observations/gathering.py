"""Group commit: rows that the admissions of one transaction add, until they are written together at its end.

However many batches come in at once, each folder of the store that they touch gets one file, synced once; rows keep
their batch_id. What a later admission of the transaction repeats of an earlier one is found here, as the register names
no file of it yet. An admission that fails takes its rows back and leaves those of the others alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Self

import numpy as np
import pyarrow as pa

from data_contracts.contract import Contract
from data_contracts.identifiers import BatchId
from data_contracts.identity import Rows, repeats_identity, sort_rows
from data_contracts.observations import register
from data_contracts.observations.layout import places_of
from data_contracts.observations.register import Connection
from data_contracts.observations.store import ObservationStore, Part, StoredFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Rows of one batch that belong into one folder, in stored order, under all columns of their contract."""

    contract: Contract
    partition: str
    bucket: int
    batch_id: BatchId
    rows: Rows
    received_time: datetime

    @property
    def folder(self) -> tuple[str, str, int]:
        """Where it belongs."""
        return (self.contract.kind.value, self.partition, self.bucket)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    """A file on disk that no register names yet, and what it holds."""

    shares: Sequence[Share]
    rows: Rows
    part: Part
    file: StoredFile


class Gathering:
    """What the admissions of one transaction have added so far; it serves that transaction only.

    `is_alone`: one admission is all there will be, and its files are written while it does other things.
    """

    def __init__(self, store: ObservationStore, *, is_alone: bool = False) -> None:
        self.store = store
        self._shares: list[Share] = []
        self._beside = ThreadPoolExecutor(max_workers=1) if is_alone else None
        self._writing: Future[list[_Written]] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Files that were written and never registered are taken away."""
        if self._beside is not None:
            self._beside.shutdown()
        if self._writing is not None and self._writing.exception() is None:
            self.store.discard(written.file.path for written in self._writing.result())

    @property
    def mark(self) -> int:
        """The present state, for `take_back`."""
        return len(self._shares)

    def take_back(self, mark: int) -> None:
        """Forget what was added since `mark`: its admission came to nothing."""
        del self._shares[mark:]

    def add(self, contract: Contract, batch_id: BatchId, rows: Rows, received_time: datetime) -> None:
        """Add the rows of a batch, which are in stored order."""
        codes = pa.array(np.zeros(rows.table.num_rows, dtype=np.int32))
        column = pa.DictionaryArray.from_arrays(codes, pa.array([batch_id], pa.string()))
        whole = replace(rows, table=rows.table.append_column("batch_id", column))
        for place in places_of(rows.table, contract):
            self._shares.append(
                Share(
                    contract=contract,
                    partition=place.partition,
                    bucket=place.bucket,
                    batch_id=batch_id,
                    rows=whole.take(place.rows),
                    received_time=received_time,
                )
            )
        if self._beside is not None:
            self._writing = self._beside.submit(self._write)

    def of_kind(self, contract: Contract) -> Iterator[Share]:
        """What was added under a contract."""
        return (share for share in self._shares if share.contract.kind is contract.kind)

    def write(self, connection: Connection) -> list[str]:
        """Write a file for each folder and register it; returns the files' hashes.

        The batches are registered already. Raises StoreUnwritable, having left no file behind.
        """
        files = self._write() if self._writing is None else self._writing.result()
        for written in files:
            contract = written.shares[0].contract
            row = register.file_row(
                written.file,
                written.part,
                contract,
                merges=bool(repeats_identity(written.rows, contract).any()),
                contract_version=contract.version,
                received_time=max(share.received_time for share in written.shares),
            )
            held = {share.batch_id: share.rows.table.num_rows for share in written.shares}
            register.save_file(connection, row, held)
        self._shares, self._writing = [], None
        return [written.file.sha256 for written in files]

    def _write(self) -> list[_Written]:
        by_folder = sorted(self._shares, key=attrgetter("folder"))
        folders = [list(shares) for _, shares in groupby(by_folder, attrgetter("folder"))]
        written: list[_Written] = []
        for kind, some in groupby(folders, lambda shares: shares[0].contract.kind):
            merged = [(shares, _merged(shares)) for shares in some]
            parts = [_part(shares[0], rows) for shares, rows in merged]
            files = self.store.write(kind, parts)
            written += [
                _Written(shares=shares, rows=rows, part=part, file=file)
                for (shares, rows), part, file in zip(merged, parts, files, strict=True)
            ]
        return written


def _part(share: Share, rows: Rows) -> Part:
    return Part(partition=share.partition, bucket=share.bucket, table=rows.table)


def _merged(shares: Sequence[Share]) -> Rows:
    """The rows of a folder in stored order; versions of one thing stay in the order of their admission."""
    if len(shares) == 1:
        return shares[0].rows
    contract = shares[0].contract
    tables = [share.rows.table.select(contract.names).cast(contract.schema) for share in shares]
    table = pa.concat_tables(tables)
    rows = sort_rows(table, np.arange(table.num_rows), contract)
    existing = np.concatenate([share.rows.existing for share in shares])
    return replace(rows, existing=existing[rows.source_rows])
