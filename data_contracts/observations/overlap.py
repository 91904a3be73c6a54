"""What is already known of a batch: found by the register first, and only then in the files that may overlap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from data_contracts.contract import ChunkPeriod, Contract
from data_contracts.identity import Known, Mask, Rows, Rows64, instants
from data_contracts.observations.gathering import Gathering, Share
from data_contracts.observations.lake import answer, files_under, name, open_lake
from data_contracts.observations.layout import Place, places_of
from data_contracts.observations.register import Connection, Record, files_about, files_in
from data_contracts.observations.store import ObservationStore
from data_contracts.observations.tables import to_microseconds
from data_contracts.reference.calendars import DAY_US

FEW_UNITS = 100
"""A batch about so many machines or fewer is worth asking the register which files hold rows about them."""

KNOWN_BEFORE_US = {ChunkPeriod.LOCAL_DAY: 2 * DAY_US, ChunkPeriod.LOCAL_MONTH: 33 * DAY_US}
"""Of a row's chunk something was known at the earliest so long before the row was true: the chunk's period, and the
minutes by which a device's clock may run ahead of ours."""


def find_known(connection: Connection, gathered: Gathering, rows: Rows, contract: Contract) -> Known:
    """Compare rows with every admitted version of the same identity, whenever it was recorded: those in registered
    files, and those that were gathered before in this transaction.

    Most batches touch machines and times that no registered file does; for them no file is opened.
    """
    count = rows.table.num_rows
    near = _near(connection, gathered, rows, contract)
    if not near.files and not near.shares:
        nothing = np.zeros(count, dtype=np.bool_)
        repeated = dict.fromkeys(contract.value_names, nothing) if contract.identity_per_value else nothing
        return Known(existing=nothing, repeated=repeated)
    incoming = rows.table.append_column("row", pa.array(np.arange(count)))
    found = _compare(incoming.take(pa.array(near.suspects)), near, gathered.store, contract)
    at = found["row"].to_numpy()
    if contract.identity_per_value:
        return Known(
            existing=_mask(count, at),
            repeated={column: _mask(count, at[_flags(found, column)]) for column in contract.value_names},
        )
    return Known(existing=_mask(count, at), repeated=_mask(count, at[_flags(found, "repeated")]))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Near:
    """Registered files and gathered shares that may hold versions of some rows, and the rows that may have some."""

    files: Sequence[Record]
    shares: Sequence[Share]
    suspects: Rows64


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reach:
    """The folder of some sorted rows, their first and last unit, and their span of event time; all inclusive."""

    partition: str
    bucket: int
    unit_from: str
    unit_until: str
    event_from: int
    event_until: int

    def meets(self, other: _Reach, contract: Contract) -> bool:
        """Whether both may hold versions of one thing."""
        if self.bucket != other.bucket or self.unit_until < other.unit_from or self.unit_from > other.unit_until:
            return False
        if not contract.identity_has_time:
            return True
        return (
            self.partition == other.partition
            and self.event_from <= other.event_until
            and self.event_until >= other.event_from
        )


def _near(connection: Connection, gathered: Gathering, rows: Rows, contract: Contract) -> _Near:
    reaches = [(place, _reach(place, rows.table, contract)) for place in places_of(rows.table, contract)]
    files = _files_near(connection, [reach for _, reach in reaches], rows, contract)
    shares = [(_reach_of_share(share), share) for share in gathered.of_kind(contract)]
    met_files: dict[str, Record] = {}
    met_shares: dict[int, Share] = {}
    suspects = [np.empty(0, dtype=np.int64)]
    for place, reach in reaches:
        near_files = {record.path: record for other, record in files if other.meets(reach, contract)}
        near_shares = {id(share): share for other, share in shares if other.meets(reach, contract)}
        if near_files or near_shares:
            met_files |= near_files
            met_shares |= near_shares
            suspects.append(place.rows)
    return _Near(
        files=[met_files[path] for path in sorted(met_files)],
        shares=list(met_shares.values()),
        suspects=np.concatenate(suspects),
    )


def _files_near(
    connection: Connection, reaches: Sequence[_Reach], rows: Rows, contract: Contract
) -> list[tuple[_Reach, Record]]:
    """Registered files that reach as far as some of the rows; of few units, only those that a batch about one of them
    put rows into: files that hold many gateways' batches reach over all of them."""
    if not reaches:
        return []
    since = min(reach.event_from for reach in reaches)
    until = max(reach.event_until for reach in reaches)
    units = rows.table[contract.unit_column].unique().to_pylist()
    if len(units) > FEW_UNITS or not contract.identity_has_time:
        span = (since, until) if contract.identity_has_time else None
        records = files_in(connection, contract.kind, buckets={reach.bucket for reach in reaches}, event_span=span)
    else:
        records = files_about(
            connection,
            contract.kind,
            units,
            event_span=(since, until),
            known_from=None if contract.future_events else since - KNOWN_BEFORE_US[contract.chunk_period],
        )
    files = [(_reach_of_file(record), record) for record in records]
    return [(other, file) for other, file in files if any(other.meets(reach, contract) for reach in reaches)]


def _reach(place: Place, table: pa.Table, contract: Contract) -> _Reach:
    units, times = table[contract.unit_column], instants(table["event_time"])[place.rows]
    return _Reach(
        partition=place.partition,
        bucket=place.bucket,
        unit_from=units[int(place.rows[0])].as_py(),
        unit_until=units[int(place.rows[-1])].as_py(),
        event_from=int(times.min()),
        event_until=int(times.max()),
    )


def _reach_of_share(share: Share) -> _Reach:
    every = np.arange(share.rows.table.num_rows)
    place = Place(partition=share.partition, bucket=share.bucket, rows=every)
    return _reach(place, share.rows.table, share.contract)


def _reach_of_file(file: Record) -> _Reach:
    return _Reach(
        partition=file.partition,
        bucket=file.bucket,
        unit_from=file.unit_from,
        unit_until=file.unit_until,
        event_from=to_microseconds(file.event_from),
        event_until=to_microseconds(file.event_until),
    )


def _compare(incoming: pa.Table, near: _Near, store: ObservationStore, contract: Contract) -> pa.Table:
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
        sources = []
        if near.files:
            paths = [store.path_of(file.path) for file in near.files]
            is_older = any(file.contract_version != contract.version for file in near.files)
            sources.append(f"SELECT * FROM {files_under(lake, contract, paths, is_older=is_older)}")
        if near.shares:
            tables = [share.rows.table.select(contract.names).cast(contract.schema) for share in near.shares]
            lake.register("gathered", pa.concat_tables(tables))
            sources.append("SELECT * FROM gathered")
        existing = f"({' UNION ALL BY NAME '.join(sources)})"
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
