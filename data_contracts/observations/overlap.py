"""What the store already has of a batch: found by the register first, and only then in the files that may overlap."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from data_contracts.contract import Contract
from data_contracts.identity import Known, Mask, Rows, Rows64, instants
from data_contracts.observations.lake import answer, name, open_lake, parquet
from data_contracts.observations.layout import Place, places_of
from data_contracts.observations.register import Connection, Record, files_in
from data_contracts.observations.store import ObservationStore
from data_contracts.observations.tables import to_microseconds


def find_known(connection: Connection, store: ObservationStore, rows: Rows, contract: Contract) -> Known:
    """Compare rows with every admitted version of the same identity, whenever it was recorded.

    Most batches touch machines and times that no registered file does; for them no file is opened.
    """
    count = rows.table.num_rows
    paths, suspects = _overlapping(connection, store, rows, contract)
    if not paths:
        nothing = np.zeros(count, dtype=np.bool_)
        repeated = dict.fromkeys(contract.value_names, nothing) if contract.identity_per_value else nothing
        return Known(existing=nothing, repeated=repeated)
    incoming = rows.table.append_column("row", pa.array(np.arange(count)))
    found = _compare(incoming.take(pa.array(suspects)), paths, contract)
    at = found["row"].to_numpy()
    if contract.identity_per_value:
        return Known(
            existing=_mask(count, at),
            repeated={column: _mask(count, at[_flags(found, column)]) for column in contract.value_names},
        )
    return Known(existing=_mask(count, at), repeated=_mask(count, at[_flags(found, "repeated")]))


def _overlapping(
    connection: Connection, store: ObservationStore, rows: Rows, contract: Contract
) -> tuple[list[Path], Rows64]:
    """Registered files that may hold versions of these rows, and the rows that may have some."""
    places = places_of(rows.table, contract)
    if not places:
        return [], np.empty(0, dtype=np.int64)
    partitions = {place.partition for place in places} if contract.identity_has_time else None
    files = files_in(connection, contract.kind, partitions=partitions, buckets={place.bucket for place in places})
    event_times = instants(rows.table["event_time"])
    units = rows.table[contract.unit_column]
    chosen: set[str] = set()
    suspects = []
    for place in places:
        first, last = units[int(place.rows[0])].as_py(), units[int(place.rows[-1])].as_py()
        span = (event_times[place.rows].min(), event_times[place.rows].max()) if contract.identity_has_time else None
        overlapping = [file for file in files if _meets(file, place, first, last, span)]
        if overlapping:
            chosen.update(file.path for file in overlapping)
            suspects.append(place.rows)
    merged = np.concatenate(suspects) if suspects else np.empty(0, dtype=np.int64)
    return [store.path_of(path) for path in sorted(chosen)], merged


def _meets(file: Record, place: Place, first: str, last: str, span: tuple[int, int] | None) -> bool:
    if file.bucket != place.bucket or file.unit_until < first or file.unit_from > last:
        return False
    if span is None:
        return True
    begins, ends = to_microseconds(file.event_from), to_microseconds(file.event_until)
    return bool(file.partition == place.partition and begins <= span[1] and ends >= span[0])


def _compare(incoming: pa.Table, paths: Sequence[Path], contract: Contract) -> pa.Table:
    """The incoming rows whose identity is known, and whether their content is: a flag per value, or `repeated`."""
    if contract.identity_per_value:
        flags = [
            f"bool_or(e.{name(column)} = i.{name(column)} AND e.profile_id = i.profile_id) AS {name(column)}"
            for column in contract.value_names
        ]
    else:
        same = " AND ".join(
            f"e.{name(column)} IS NOT DISTINCT FROM i.{name(column)}" for column in contract.content_names
        )
        flags = [f"bool_or({same}) AS repeated"]
    identity = ", ".join(name(column) for column in contract.identity)
    query = f"""
        SELECT i.row, {", ".join(flags)}
        FROM incoming i JOIN {parquet(paths)} e USING ({identity})
        GROUP BY i.row
    """
    with open_lake() as lake:
        lake.register("incoming", incoming)
        return answer(lake, query)


def _flags(found: pa.Table, column: str) -> Mask:
    """The flag as a mask; null (nothing to compare) is false."""
    flags: Mask = found[column].combine_chunks().fill_null(False).to_numpy(zero_copy_only=False)
    return flags


def _mask(count: int, at: Rows64) -> Mask:
    mask = np.zeros(count, dtype=np.bool_)
    mask[at] = True
    return mask
