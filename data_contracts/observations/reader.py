"""Reading observations as of a time: registered files only, the current version of each thing, in a fixed order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from data_contracts.contract import Contract, RecordKind, load_contract
from data_contracts.evidence import levels
from data_contracts.evidence.levels import AttestationLevel
from data_contracts.identifiers import BatchId, MachineUid, ObligorId, ProfileId
from data_contracts.observations import register
from data_contracts.observations.attested import attested_periods
from data_contracts.observations.lake import open_lake
from data_contracts.observations.layout import bucket_of
from data_contracts.observations.query import SUPERSEDED, Question, current_rows, row_versions
from data_contracts.observations.register import Connection, Record
from data_contracts.observations.store import ObservationStore
from data_contracts.observations.tables import to_microseconds
from data_contracts.profile import SourceProfile
from data_contracts.vocabulary import DataOrigin

MACHINE_COLUMNS = ("owned_until", "asset_value_minor", "currency", "install_date", "machine_type")
OWNERSHIP_COLUMNS = ("machine_uid", "obligor_id", "event_time", *MACHINE_COLUMNS)
"""What `ObservationReader.machines` takes from an ownership row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What a read asks for, and the files that may hold it."""

    contract: Contract
    question: Question
    files: Sequence[Record]

    @property
    def schema(self) -> pa.Schema:
        """The columns of the answer."""
        return pa.schema([pa.field(name, self.contract.column(name).type) for name in self.question.names])


class ObservationReader:
    """Reads what the register of `connection` names in `store`, on an engine of its own or on `lake`. One reader serves
    one thread.

    Every read names `as_of` and sees rows with `recorded_time <= as_of` only. Of several versions of one thing the
    one recorded last stands; of those recorded at one time, the one admitted last.
    """

    def __init__(
        self, connection: Connection, store: ObservationStore, *, lake: duckdb.DuckDBPyConnection | None = None
    ) -> None:
        self.connection = connection
        self.store = store
        self.machine_uids: Sequence[MachineUid] | None = None
        self._lake = lake

    def known_by(self, as_of: datetime) -> datetime:
        """By when rows must have been recorded to be seen as of an instant: by itself."""
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
        """Current rows of a kind, sorted by machine (obligor for ledgers), event_time and the rest of the identity.

        `event_from` is inclusive, `event_until` exclusive. For machines, `obligor_ids` means every machine that those
        obligors owned or brought in, whenever. Columns are the contract's, or those named, in that order; instants are
        timestamp[us, UTC], texts plain strings. Samples are merged per named value: each value is the latest that any
        row said and stands beside the `profile_id` of that row, so that an instant has a row for each profile with a
        word in it; `recorded_time` and `batch_id` are those of the latest row. Raises NotFound for a column that the
        contract has not, StoreDamaged when a registered file is missing.
        """
        asked = self._ask(
            kind,
            as_of=as_of,
            obligor_ids=obligor_ids,
            machine_uids=machine_uids,
            event_from=event_from,
            event_until=event_until,
            columns=columns,
        )
        return self._answer(asked, current_rows) if asked.files else asked.schema.empty_table()

    def versions(
        self,
        kind: RecordKind,
        *,
        until: datetime,
        obligor_ids: Iterable[ObligorId] | None = None,
        machine_uids: Iterable[MachineUid] | None = None,
        event_from: datetime | None = None,
        columns: Sequence[str] | None = None,
    ) -> pa.Table:
        """Every version of the rows of a kind that was recorded by `until`, in no order: so that a history is read once
        and seen as of many instants. Not of samples, whose values have versions one by one.

        Columns as in `rows`, then `recorded_time`, from which a version stands, and `superseded_time`, from which
        another stands instead (null for the last). `event_from` is applied where all versions of a thing share one
        event time.
        """
        asked = self._ask(
            kind,
            as_of=until,
            obligor_ids=obligor_ids,
            machine_uids=machine_uids,
            event_from=event_from,
            event_until=None,
            columns=columns,
        )
        if asked.files:
            return self._answer(asked, row_versions)
        told = dict.fromkeys([*asked.question.names, "recorded_time"])
        fields = [pa.field(name, asked.contract.column(name).type) for name in told]
        return pa.schema([*fields, (SUPERSEDED, pa.timestamp("us", tz="UTC"))]).empty_table()

    def machines(self, *, as_of: datetime, obligor_ids: Iterable[ObligorId] | None = None) -> pa.Table:
        """Who owns which machine, as known at `as_of`, sorted by machine and start of ownership.

        Columns machine_uid, obligor_id, owned_from, owned_until, asset_value_minor, currency, install_date,
        machine_type. A machine that telemetry spoke of and that no ownership row names stands under the obligor who
        brought it in, with null owned_from.
        """
        owners = None if obligor_ids is None else sorted(set(obligor_ids))
        owned = self.rows(RecordKind.MACHINE_OWNERSHIP, as_of=as_of, obligor_ids=owners, columns=OWNERSHIP_COLUMNS)
        observed = self._observed(as_of, owners)
        if owners is None:
            named = owned["machine_uid"]
        else:
            of_any = self.rows(
                RecordKind.MACHINE_OWNERSHIP,
                as_of=as_of,
                machine_uids=observed["machine_uid"].to_pylist(),
                columns=("machine_uid",),
            )
            named = of_any["machine_uid"]
        return with_unnamed(owned, named, observed)

    def obligor_profiles(self, *, as_of: datetime) -> pa.Table:
        """The profile of each obligor that was true and known at `as_of`, sorted by obligor."""
        return true_at(self.rows(RecordKind.OBLIGOR_PROFILE, as_of=as_of), as_of)

    def profiles(self) -> dict[ProfileId, SourceProfile]:
        """Every source profile under which rows were admitted."""
        return register.profiles(self.connection)

    def batches(self, *, as_of: datetime, obligor_ids: Iterable[ObligorId]) -> list[BatchId]:
        """Batches with rows known at `as_of` about these obligors or their machines, in the order of admission."""
        found = self.batches_by_obligor(as_of=as_of, obligor_ids=obligor_ids)
        sequences = register.batch_sequences(self.connection, None)
        return sorted({batch for batches in found.values() for batch in batches}, key=lambda batch: sequences[batch])

    def batches_by_obligor(
        self, *, as_of: datetime, obligor_ids: Iterable[ObligorId], machines: pa.Table | None = None
    ) -> dict[ObligorId, tuple[BatchId, ...]]:
        """The same for each obligor on its own; `machines` are theirs (`self.machines`) where they are at hand."""
        owners = sorted(set(obligor_ids))
        machines = self.machines(as_of=as_of, obligor_ids=owners) if machines is None else machines
        units: dict[str, set[ObligorId]] = {owner: {owner} for owner in owners}
        for uid, owner in zip(machines["machine_uid"].to_pylist(), machines["obligor_id"].to_pylist(), strict=True):
            units.setdefault(uid, set()).add(ObligorId(owner))
        found: dict[ObligorId, dict[int, BatchId]] = {owner: {} for owner in owners}
        for unit, sequence, batch_id in register.batches_about(self.connection, sorted(units), as_of):
            for owner in units[unit]:
                found[owner][sequence] = batch_id
        return {owner: tuple(batch for _, batch in sorted(batches.items())) for owner, batches in found.items()}

    def levels(self, batch_ids: Sequence[BatchId], *, as_of: datetime) -> dict[BatchId, AttestationLevel]:
        """How far each batch could be trusted to come from where it says, as was known at `as_of`."""
        found = levels.levels(self.connection, batch_ids, as_of_us=to_microseconds(as_of))
        return {BatchId(name): level for name, level in found.items()}

    def attested_periods(self, *, as_of: datetime, machine_uids: Sequence[MachineUid], first_day: date) -> pa.Table:
        """The same of what each machine told in each period; see `observations.attested`."""
        return attested_periods(self.connection, machine_uids, as_of=as_of, first_day=first_day)

    def has_batch_of(
        self, origin: DataOrigin, obligor_id: ObligorId, *, as_of: datetime, besides: BatchId | None = None
    ) -> bool:
        """Whether a batch of that origin, another than `besides`, has rows about the obligor or the machines that it is
        known at `as_of` to have had."""
        if all(profile.data_origin is not origin for profile in self.profiles().values()):
            return False
        machines = self.machines(as_of=as_of, obligor_ids=[obligor_id])
        units = sorted({obligor_id, *machines["machine_uid"].to_pylist()})
        return register.is_origin_of(self.connection, origin, units, besides=besides)

    def _ask(
        self,
        kind: RecordKind,
        *,
        as_of: datetime,
        obligor_ids: Iterable[ObligorId] | None,
        machine_uids: Iterable[MachineUid] | None,
        event_from: datetime | None,
        event_until: datetime | None,
        columns: Sequence[str] | None,
    ) -> _Asked:
        """What a read asks for, and the files that may answer it."""
        contract = load_contract(kind)
        names = tuple(columns) if columns is not None else contract.names
        words = self._words(contract, as_of, obligor_ids, machine_uids)
        units = words.get(contract.unit_column)
        in_time = contract.identity_has_time
        files: Sequence[Record] = ()
        if all(words.values()):
            files = register.visible_files(
                self.connection,
                kind,
                as_of=as_of,
                event_from=event_from if in_time else None,
                event_until=event_until if in_time else None,
                buckets=None if units is None else {bucket_of(unit) for unit in units},
            )
        return _Asked(
            contract=contract,
            question=Question(names=names, as_of=as_of, event_from=event_from, event_until=event_until, words=words),
            files=[file for file in files if units is None or register.may_hold(file, units)],
        )

    def _answer(self, asked: _Asked, query: Callable[..., pa.Table]) -> pa.Table:
        contract, files = asked.contract, asked.files
        contested = _contested(contract, files)
        return query(
            self._engine(),
            contract,
            asked.question,
            settled=[self.store.path_of(file.path) for file in files if file.sha256 not in contested],
            contested=[self.store.path_of(file.path) for file in files if file.sha256 in contested],
            sequences=register.batch_sequences(self.connection, contract.kind) if contested else {},
            is_of_older_contract=any(file.contract_version != contract.version for file in files),
        )

    def _words(
        self,
        contract: Contract,
        as_of: datetime,
        obligor_ids: Iterable[ObligorId] | None,
        machine_uids: Iterable[MachineUid] | None,
    ) -> dict[str, list[str]]:
        """Which values of which text columns are asked for."""
        words: dict[str, set[str]] = {}
        if machine_uids is not None:
            contract.column("machine_uid")
            words["machine_uid"] = set(machine_uids)
        if obligor_ids is not None:
            if "obligor_id" in contract.names:
                words["obligor_id"] = set(obligor_ids)
            else:
                theirs = set(self.machines(as_of=as_of, obligor_ids=obligor_ids)["machine_uid"].to_pylist())
                words["machine_uid"] = theirs & words.get("machine_uid", theirs)
        return {column: sorted(asked) for column, asked in words.items()}

    def _observed(self, as_of: datetime, owners: Sequence[ObligorId] | None) -> pa.Table:
        rows = register.observed_machines(self.connection, as_of, owners)
        return pa.table(
            {
                "machine_uid": pa.array([row.machine_uid for row in rows], pa.string()),
                "obligor_id": pa.array([row.obligor_id for row in rows], pa.string()),
            }
        )

    def _engine(self) -> duckdb.DuckDBPyConnection:
        if self._lake is None:
            self._lake = open_lake()
        return self._lake


def with_unnamed(owned: pa.Table, named: pa.ChunkedArray, observed: pa.Table) -> pa.Table:
    """The answer of `ObservationReader.machines`: rows of ownership (`OWNERSHIP_COLUMNS`), and of the machines that
    were observed (machine_uid, obligor_id) those that are not among the `named`."""
    owned = owned.rename_columns(["machine_uid", "obligor_id", "owned_from", *MACHINE_COLUMNS])
    unowned = observed.filter(pc.invert(pc.is_in(observed["machine_uid"], value_set=named.combine_chunks())))
    rest = [pa.nulls(unowned.num_rows, owned.schema.field(name).type) for name in owned.column_names[2:]]
    unowned = pa.table([*unowned.columns, *rest], schema=owned.schema)
    return pa.concat_tables([owned, unowned]).sort_by([("machine_uid", "ascending"), ("owned_from", "ascending")])


def true_at(profiles: pa.Table, as_of: datetime) -> pa.Table:
    """Of profiles in order of obligor and time, the last of each obligor that was true at `as_of`."""
    now = pa.scalar(as_of.astimezone(UTC), profiles.schema.field("event_time").type)
    profiles = profiles.filter(pc.less_equal(profiles["event_time"], now))
    obligors = profiles["obligor_id"].to_pylist()
    last = [at for at, obligor in enumerate(obligors) if at + 1 == len(obligors) or obligors[at + 1] != obligor]
    return profiles.take(pa.array(last, pa.int64()))


def _contested(contract: Contract, files: Sequence[Record]) -> set[str]:
    """Hashes of the files among which versions must be chosen: those that share a place with one that merges.

    All versions of a thing lie in one bucket, and in one partition where their event_time is the same.
    """

    def place(file: Record) -> tuple[str, int]:
        return (file.partition if contract.identity_has_time else "", file.bucket)

    places = {place(file) for file in files if file.merges}
    return {file.sha256 for file in files if place(file) in places}
