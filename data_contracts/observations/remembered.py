"""Observations read once and kept in memory with all their versions, to be seen as of many instants."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from data_contracts.contract import Contract, RecordKind, load_contract
from data_contracts.identifiers import MachineUid, ObligorId, ProfileId
from data_contracts.identity import instants, order_by
from data_contracts.observations import register
from data_contracts.observations.query import SUPERSEDED
from data_contracts.observations.reader import OWNERSHIP_COLUMNS, ObservationReader, true_at, with_unnamed
from data_contracts.observations.register import Connection
from data_contracts.observations.store import ObservationStore
from data_contracts.observations.tables import to_microseconds
from data_contracts.profile import SourceProfile

Times = NDArray[np.int64]
NEVER = np.iinfo(np.int64).max
_INSTANT = pa.timestamp("us", tz="UTC")


class Observations(Protocol):
    """What observations answer as of a time: the store's reader does, and what was remembered of it. Samples are not
    remembered: whoever rolls them up reads them from the store."""

    connection: Connection
    store: ObservationStore
    machine_uids: Sequence[MachineUid] | None
    """The machines that answers are about; all, if None."""

    def known_by(self, as_of: datetime) -> datetime:
        """As `ObservationReader.known_by`."""
        ...

    def rows(
        self,
        kind: RecordKind,
        *,
        as_of: datetime,
        obligor_ids: Iterable[ObligorId] | None = None,
        machine_uids: Iterable[MachineUid] | None = None,
        event_from: datetime | None = None,
        event_until: datetime | None = None,
        columns: Sequence[str] | None = None,
    ) -> pa.Table:
        """As `ObservationReader.rows`."""
        ...

    def machines(self, *, as_of: datetime, obligor_ids: Iterable[ObligorId] | None = None) -> pa.Table:
        """As `ObservationReader.machines`."""
        ...

    def obligor_profiles(self, *, as_of: datetime) -> pa.Table:
        """As `ObservationReader.obligor_profiles`."""
        ...

    def profiles(self) -> Mapping[ProfileId, SourceProfile]:
        """As `ObservationReader.profiles`."""
        ...


@dataclass(frozen=True, eq=False)
class Versions:
    """Every version of the rows of a kind, in the contract's order; each stood from `known_from` until `known_until`
    (UTC microseconds; `NEVER` for the last). Row i is row `order[i]` of `read`."""

    contract: Contract
    read: pa.Table
    order: NDArray[np.int64]
    known_from: Times
    known_until: Times

    @cached_property
    def table(self) -> pa.Table:
        """The rows in their order; whoever takes few of them takes them from `read`."""
        return self.read.take(pa.array(self.order))

    def standing(self, as_of: int) -> NDArray[np.bool_]:
        """The versions that stood at `as_of`."""
        return np.asarray((self.known_from <= as_of) & (as_of < self.known_until))


class RememberedObservations:
    """What was recorded by `until` about some obligors (all, if None) and the machines that they ever owned.

    Answers as `ObservationReader` does for these obligors, machines and times up to `until`. A kind is read whole when
    it is first asked for, or as far as `columns` names its columns; samples, whose values have versions one by one,
    are read anew each time.
    """

    def __init__(
        self,
        reader: ObservationReader,
        *,
        until: datetime,
        obligor_ids: Sequence[ObligorId] | None = None,
        columns: Mapping[RecordKind, Sequence[str]] | None = None,
    ) -> None:
        self.connection, self.store = reader.connection, reader.store
        self.until = until
        self.obligor_ids = obligor_ids
        self._reader = reader
        self._columns = columns or {}
        self._profiles = reader.profiles()
        known = register.observed_machines(reader.connection, until, None)
        owned = reader.versions(RecordKind.MACHINE_OWNERSHIP, until=until)
        observed = pa.table(
            {
                "machine_uid": pa.array([row.machine_uid for row in known], pa.string()),
                "obligor_id": pa.array([row.obligor_id for row in known], pa.string()),
                "known_from": pa.array([row.first_recorded_time for row in known], _INSTANT),
            }
        )
        self.machine_uids: Sequence[MachineUid] | None = None
        if obligor_ids is not None:
            wanted = pa.array(list(obligor_ids), pa.string())
            mine = [table.filter(pc.is_in(table["obligor_id"], wanted))["machine_uid"] for table in (owned, observed)]
            uids = pa.chunked_array([chunk for column in mine for chunk in column.chunks], pa.string()).unique()
            owned, observed = (table.filter(pc.is_in(table["machine_uid"], uids)) for table in (owned, observed))
            self.machine_uids = [MachineUid(uid) for uid in sorted(uids.to_pylist())]
        self.observed = observed
        sampled = register.units_told_of(reader.connection, RecordKind.SAMPLE, until)
        own = None if self.machine_uids is None else set(self.machine_uids)
        self.sampled_machines = [MachineUid(uid) for uid in sampled if own is None or uid in own]
        """The machines of which there are samples."""
        self._kinds = {RecordKind.MACHINE_OWNERSHIP: _in_order(load_contract(RecordKind.MACHINE_OWNERSHIP), owned)}

    def known_by(self, as_of: datetime) -> datetime:
        """The instant itself."""
        return as_of

    def rows(
        self,
        kind: RecordKind,
        *,
        as_of: datetime,
        obligor_ids: Iterable[ObligorId] | None = None,
        machine_uids: Iterable[MachineUid] | None = None,
        event_from: datetime | None = None,
        event_until: datetime | None = None,
        columns: Sequence[str] | None = None,
    ) -> pa.Table:
        """As `ObservationReader.rows`."""
        assert as_of <= self.until, "asked about a time after what is remembered"
        if load_contract(kind).identity_per_value:
            return self._reader.rows(
                kind,
                as_of=as_of,
                obligor_ids=obligor_ids,
                machine_uids=self.machine_uids if machine_uids is None and obligor_ids is None else machine_uids,
                event_from=event_from,
                event_until=event_until,
                columns=columns,
            )
        versions = self.versions(kind)
        chosen = versions.standing(to_microseconds(as_of))
        for column, words in self._words(versions.contract, as_of, obligor_ids, machine_uids).items():
            chosen &= _among(versions.table[column], words)
        if event_from is not None or event_until is not None:
            happened = instants(versions.table["event_time"])
            first = happened.min(initial=NEVER) if event_from is None else to_microseconds(event_from)
            chosen &= (happened >= first) & (
                happened < (NEVER if event_until is None else to_microseconds(event_until))
            )
        names = list(columns) if columns is not None else list(versions.contract.names)
        return versions.table.select(names).filter(pa.array(chosen))

    def machines(self, *, as_of: datetime, obligor_ids: Iterable[ObligorId] | None = None) -> pa.Table:
        """As `ObservationReader.machines`."""
        owned = self.rows(RecordKind.MACHINE_OWNERSHIP, as_of=as_of, columns=OWNERSHIP_COLUMNS)
        named = owned["machine_uid"]
        now = pa.scalar(as_of.astimezone(UTC), _INSTANT)
        observed = self.observed.filter(pc.less_equal(self.observed["known_from"], now)).drop_columns("known_from")
        if obligor_ids is not None:
            wanted = pa.array(sorted(set(obligor_ids)), pa.string())
            owned = owned.filter(pc.is_in(owned["obligor_id"], value_set=wanted))
            observed = observed.filter(pc.is_in(observed["obligor_id"], value_set=wanted))
        return with_unnamed(owned, named, observed)

    def obligor_profiles(self, *, as_of: datetime) -> pa.Table:
        """As `ObservationReader.obligor_profiles`."""
        return true_at(self.rows(RecordKind.OBLIGOR_PROFILE, as_of=as_of), as_of)

    def profiles(self) -> Mapping[ProfileId, SourceProfile]:
        """As `ObservationReader.profiles`."""
        return self._profiles

    def versions(self, kind: RecordKind) -> Versions:
        """Every version of the rows of a kind (not of samples)."""
        if kind not in self._kinds:
            self._kinds[kind] = self._read(kind)
        return self._kinds[kind]

    def _read(self, kind: RecordKind) -> Versions:
        contract = load_contract(kind)
        by_obligor = "obligor_id" in contract.names
        parts = [None] if by_obligor or self.machine_uids is None else _runs(self.machine_uids, self.obligor_ids or ())
        rows = [
            self._reader.versions(
                kind,
                until=self.until,
                obligor_ids=self.obligor_ids if by_obligor else None,
                machine_uids=uids,
                columns=self._columns.get(kind),
            )
            for uids in parts
        ]
        return _in_order(contract, pa.concat_tables(rows))

    def _words(
        self,
        contract: Contract,
        as_of: datetime,
        obligor_ids: Iterable[ObligorId] | None,
        machine_uids: Iterable[MachineUid] | None,
    ) -> dict[str, set[str]]:
        """Which values of which text columns are asked for."""
        words: dict[str, set[str]] = {}
        if machine_uids is not None:
            words["machine_uid"] = set(machine_uids)
        if obligor_ids is not None:
            if "obligor_id" in contract.names:
                words["obligor_id"] = set(obligor_ids)
            else:
                theirs = set(self.machines(as_of=as_of, obligor_ids=obligor_ids)["machine_uid"].to_pylist())
                words["machine_uid"] = theirs & words.get("machine_uid", theirs)
        return words


def _runs(machine_uids: Sequence[MachineUid], obligor_ids: Sequence[ObligorId]) -> list[Sequence[MachineUid]]:
    """Machines that these obligors brought in, which lie side by side in sorted files, and those that they bought."""
    own = set(obligor_ids)
    brought = [uid for uid in machine_uids if uid.partition("/")[0] in own]
    return [brought, [uid for uid in machine_uids if uid.partition("/")[0] not in own]]


def _in_order(contract: Contract, rows: pa.Table) -> Versions:
    """The answer of `ObservationReader.versions`, in the contract's order of rows."""
    rows = rows.combine_chunks()  # rows are taken from it again and again, which many chunks make slow
    order = order_by(rows, [name for name in contract.sort_names if name in rows.column_names])
    superseded = rows[SUPERSEDED].cast(pa.int64()).fill_null(NEVER)
    return Versions(
        contract=contract,
        read=rows.drop_columns(SUPERSEDED),
        order=order,
        known_from=instants(rows["recorded_time"])[order],
        known_until=np.asarray(superseded.to_numpy())[order],
    )


def _among(column: pa.ChunkedArray, words: set[str]) -> NDArray[np.bool_]:
    """The rows whose word is one of these."""
    found = pc.is_in(column, value_set=pa.array(sorted(words), pa.string()))
    return np.asarray(found.to_numpy(), dtype=np.bool_)
