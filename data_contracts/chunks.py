"""Chunks: what a batch commits to one by one, a unit's rows of one local period. The unit of erasure and disclosure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from data_contracts.columns import contiguous
from data_contracts.contract import ChunkPeriod, Contract
from data_contracts.evidence.commitment import ChunkEncoder, leaf_hash
from data_contracts.identity import instants, ranks
from data_contracts.reference.calendars import local_days, months_of_days


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunks:
    """The chunks of a sorted table: chunk k holds rows bounds[k] to bounds[k + 1] and belongs to units[k], periods[k].

    `recorded_from` is the earliest recorded_time in each, UTC microseconds.
    """

    bounds: NDArray[np.int64]
    units: Sequence[str]
    periods: Sequence[str]
    recorded_from: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.units)

    @property
    def rows(self) -> NDArray[np.int64]:
        """Rows in each chunk."""
        return np.diff(self.bounds)


def cut_chunks(table: pa.Table, contract: Contract, site_zone: str) -> Chunks:
    """The chunks of `table`, which is sorted by `Contract.sort_names`; periods are local to `site_zone`."""
    units = contiguous(table[contract.unit_column])
    codes = ranks(units)
    numbers = _periods(table, contract, site_zone)
    changes = (np.diff(codes) != 0) | (np.diff(numbers) != 0)
    starts = np.concatenate(([0], np.flatnonzero(changes) + 1)) if len(codes) else np.empty(0, dtype=np.int64)
    recorded = instants(table["recorded_time"])
    return Chunks(
        bounds=np.append(starts, len(codes)).astype(np.int64),
        units=units.take(pa.array(starts)).cast(pa.string()).to_pylist(),
        periods=_labels(numbers[starts], contract),
        recorded_from=np.minimum.reduceat(recorded, starts) if len(starts) else recorded,
    )


def periods_of(table: pa.Table, contract: Contract, site_zone: str) -> list[str]:
    """The period of the chunk that each row of `table`, in whatever order, belongs to."""
    return _labels(_periods(table, contract, site_zone), contract)


def _periods(table: pa.Table, contract: Contract, site_zone: str) -> NDArray[np.int64]:
    days = _local_days(table, site_zone)
    numbers = days if contract.chunk_period is ChunkPeriod.LOCAL_DAY else months_of_days(days)
    return np.asarray(numbers, dtype=np.int64)


def _labels(numbers: NDArray[np.int64], contract: Contract) -> list[str]:
    unit = "D" if contract.chunk_period is ChunkPeriod.LOCAL_DAY else "M"
    labels: list[str] = np.datetime_as_string(numbers.astype(f"datetime64[{unit}]")).tolist()
    return labels


def _local_days(table: pa.Table, site_zone: str) -> NDArray[np.int32]:
    if "day" in table.column_names:
        days: NDArray[np.int32] = contiguous(table["day"]).cast(pa.int32()).to_numpy()
        return days
    return local_days(instants(table["event_time"]), site_zone)


def leaf_hashes(table: pa.Table, contract: Contract, chunks: Chunks, salts: Sequence[bytes]) -> list[bytes]:
    """The leaf of each chunk under its salt, in order."""
    assert len(salts) == len(chunks), "a salt for each chunk"
    encoder = ChunkEncoder(table, contract, chunks.bounds)
    return [leaf_hash(salt, encoder.bytes_of(chunk)) for chunk, salt in enumerate(salts)]
