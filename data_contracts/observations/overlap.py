"""What the store already has of a batch: found by the register first, and only then in the files that may overlap."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from data_contracts.contract import Contract
from data_contracts.identity import Known, Mask, Rows, Rows64, instants
from data_contracts.observations.lake import answer, files_under, name, open_lake
from data_contracts.observations.layout import Place, places_of
from data_contracts.observations.register import Connection, Record, files_in
from data_contracts.observations.store import ObservationStore
from data_contracts.observations.tables import to_microseconds


def find_known(connection: Connection, store: ObservationStore, rows: Rows, contract: Contract) -> Known:
    """Compare rows with every admitted version of the same identity, whenever it was recorded.

    Most batches touch machines and times that no registered file does; for them no file is opened.
    """
    count = rows.table.num_rows
    files, suspects = _overlapping(connection, rows, contract)
    if not files:
        nothing = np.zeros(count, dtype=np.bool_)
        repeated = dict.fromkeys(contract.value_names, nothing) if contract.identity_per_value else nothing
        return Known(existing=nothing, repeated=repeated)
    incoming = rows.table.append_column("row", pa.array(np.arange(count)))
    paths = [store.path_of(file.path) for file in files]
    is_older = any(file.contract_version != contract.version for file in files)
    found = _compare(incoming.take(pa.array(suspects)), paths, contract, is_older=is_older)
    at = found["row"].to_numpy()
    if contract.identity_per_value:
        return Known(
            existing=_mask(count, at),
            repeated={column: _mask(count, at[_flags(found, column)]) for column in contract.value_names},
        )
    return Known(existing=_mask(count, at), repeated=_mask(count, at[_flags(found, "repeated")]))


def _overlapping(connection: Connection, rows: Rows, contract: Contract) -> tuple[list[Record], Rows64]:
    """Registered files that may hold versions of these rows, and the rows that may have some."""
    places = places_of(rows.table, contract)
    if not places:
        return [], np.empty(0, dtype=np.int64)
    partitions = {place.partition for place in places} if contract.identity_has_time else None
    files = files_in(connection, contract.kind, partitions=partitions, buckets={place.bucket for place in places})
    event_times = instants(rows.table["event_time"])
    units = rows.table[contract.unit_column]
    chosen: dict[str, Record] = {}
    suspects = []
    for place in places:
        first, last = units[int(place.rows[0])].as_py(), units[int(place.rows[-1])].as_py()
        span = (event_times[place.rows].min(), event_times[place.rows].max()) if contract.identity_has_time else None
        overlapping = [file for file in files if _meets(file, place, first, last, span)]
        if overlapping:
            chosen.update((file.path, file) for file in overlapping)
            suspects.append(place.rows)
    merged = np.concatenate(suspects) if suspects else np.empty(0, dtype=np.int64)
    return [chosen[path] for path in sorted(chosen)], merged


def _meets(file: Record, place: Place, first: str, last: str, span: tuple[int, int] | None) -> bool:
    if file.bucket != place.bucket or file.unit_until < first or file.unit_from > last:
        return False
    if span is None:
        return True
    begins, ends = to_microseconds(file.event_from), to_microseconds(file.event_until)
    return bool(file.partition == place.partition and begins <= span[1] and ends >= span[0])


def _compare(incoming: pa.Table, paths: Sequence[Path], contract: Contract, *, is_older: bool) -> pa.Table:
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
    with open_lake() as lake:
        lake.register("incoming", incoming)
        existing = files_under(lake, contract, paths, is_older=is_older)
        query = f"""
            SELECT i.row, {", ".join(flags)}
            FROM incoming i JOIN {existing} e USING ({identity})
            GROUP BY i.row
        """
        return answer(lake, query)


def _flags(found: pa.Table, column: str) -> Mask:
    """The flag as a mask; null (nothing to compare) is false."""
    flags: Mask = found[column].combine_chunks().fill_null(False).to_numpy(zero_copy_only=False)
    return flags


def _mask(count: int, at: Rows64) -> Mask:
    mask = np.zeros(count, dtype=np.bool_)
    mask[at] = True
    return mask
