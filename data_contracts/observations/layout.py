"""Where rows lie in the store: a partition of event time and a bucket of units. Both follow from the row alone."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from data_contracts.columns import contiguous
from data_contracts.contract import Contract, PartitionGrain
from data_contracts.identity import instants
from data_contracts.reference.calendars import DAY_US

MACHINE_BUCKETS = 4
"""Folders that the machines (obligors for ledgers) of one partition are spread over, by CRC-32 of their name."""

_HALF_DAY = DAY_US // 2
_GRAINS = {PartitionGrain.UTC_DAY: "D", PartitionGrain.MONTH: "M", PartitionGrain.YEAR: "Y"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One folder of a kind, and which rows of a sorted table belong there (in their order)."""

    partition: str
    bucket: int
    rows: NDArray[np.int64]


def bucket_of(unit: str) -> int:
    """The bucket of a machine_uid or obligor_id."""
    return zlib.crc32(unit.encode()) % MACHINE_BUCKETS


def places_of(table: pa.Table, contract: Contract) -> list[Place]:
    """The folders that the rows of `table` belong to, in order of partition and bucket."""
    if not table.num_rows:
        return []
    periods = _periods(instants(table["event_time"]), contract.partition_grain)
    key = periods.astype(np.int64) * MACHINE_BUCKETS + _buckets(contiguous(table[contract.unit_column]))
    order = np.argsort(key, kind="stable").astype(np.int64)
    keys, starts = np.unique(key[order], return_index=True)
    grain = _GRAINS[contract.partition_grain]
    labels = np.datetime_as_string((keys // MACHINE_BUCKETS).astype(f"datetime64[{grain}]")).tolist()
    return [
        Place(partition=label, bucket=int(bucket), rows=rows)
        for label, bucket, rows in zip(
            labels, (keys % MACHINE_BUCKETS).tolist(), np.split(order, starts[1:]), strict=True
        )
    ]


def _periods(event_times: NDArray[np.int64], grain: PartitionGrain) -> NDArray[np.int64]:
    """Days, months or years since 1970. Months are those of half a day later: the local midnight that a daily report
    bears lies, in UTC, up to half a day before or after the same date's midnight."""
    shift = _HALF_DAY if grain is PartitionGrain.MONTH else 0
    days = np.floor_divide(event_times + shift, DAY_US).astype("datetime64[D]")
    periods: NDArray[np.int64] = days.astype(f"datetime64[{_GRAINS[grain]}]").astype(np.int64)
    return periods


def _buckets(units: pa.Array) -> NDArray[np.int64]:
    encoded = units if pa.types.is_dictionary(units.type) else units.dictionary_encode()
    of_word = np.array([bucket_of(word) for word in encoded.dictionary.to_pylist()], dtype=np.int64)
    buckets: NDArray[np.int64] = of_word[encoded.indices.to_numpy(zero_copy_only=False)]
    return buckets
