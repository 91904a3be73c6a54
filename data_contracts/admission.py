"""The one door: a source file and a mapping become registered observations, or rows in quarantine with reasons."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from data_contracts.adapters.read import read_source
from data_contracts.adapters.source import RawTable, SourceFile, open_source
from data_contracts.canonical import Canonical, canonicalise
from data_contracts.checks import check
from data_contracts.chunks import cut_chunks, leaf_hashes, periods_of
from data_contracts.columns import contiguous
from data_contracts.contract import Contract, RecordKind, load_contract
from data_contracts.evidence.commitment import merkle_root, new_salts
from data_contracts.findings import FindingCount, QuarantinedRow, Reason, count_findings
from data_contracts.identifiers import BatchId, MachineUid, ObligorId
from data_contracts.identity import Rows, drop_known, instants, merge_rows, settle, sort_rows, spans
from data_contracts.mapping import Mapping
from data_contracts.observations import register
from data_contracts.observations.gathering import Gathering
from data_contracts.observations.overlap import find_known
from data_contracts.observations.register import Connection
from data_contracts.observations.store import ObservationStore
from data_contracts.stamps import INSTANT

EXAMPLES = 20
STEPS = ("read", "check", "compare", "write")
RAGGED_COLUMN = "line"
SAYS_WHEN = ("event_time", "day")
NOWHERE: NDArray[np.int64] = np.empty(0, dtype=np.int64)

Progress = Callable[[str, int, int], None]
"""Called as each step begins, with its name, the number of steps done, and their total."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmissionResult:
    """What became of one source: every row read was admitted, a duplicate, or quarantined.

    `obligor_ids` are those whose rows were in order; `findings` count faults by column and reason (a row may have
    several); the examples are the first faults by row number.
    """

    batch_id: BatchId
    kind: RecordKind
    source_name: str
    rows_read: int
    rows_admitted: int
    rows_duplicate: int
    rows_quarantined: int
    quarantined_examples: tuple[QuarantinedRow, ...]
    findings: tuple[FindingCount, ...]
    obligor_ids: tuple[ObligorId, ...]
    merkle_root: str

    def messages(self) -> tuple[str, ...]:
        """A sentence for each kind of fault, with its first row, its value and the way out."""
        return tuple(finding.message(self.rows_read) for finding in self.findings)


def admit(
    connection: Connection,
    store: ObservationStore,
    source: Path,
    mapping: Mapping,
    *,
    obligor: ObligorId | None,
    received_time: datetime,
    progress: Progress | None = None,
) -> AdmissionResult:
    """Admit the rows of `source` that keep the contract; quarantine the others; commit to what was admitted.

    `obligor` is the one for whom the source came in (None where every row names its own). Files are on disk when this
    returns, but count only once the caller commits its transaction; nothing is committed here. Raises
    UnreadableSource or ContractViolated when the source as a whole cannot be used.
    """
    tell = _teller(progress)
    tell("read")
    file = open_source(source)
    tell("check")
    prepared = prepare(file, mapping, obligor=obligor, received_time=received_time)
    tell("compare")
    with Gathering(store, is_alone=True) as gathered:
        result = enter(connection, gathered, prepared, received_time=received_time)
        tell("write")
        gathered.write(connection)
    return result


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A source that was read and checked, before anything of the store was looked at."""

    mapping: Mapping
    contract: Contract
    obligor: ObligorId | None
    received_time: datetime
    raw: RawTable
    sound: _Sound


def prepare(source: SourceFile, mapping: Mapping, *, obligor: ObligorId | None, received_time: datetime) -> Prepared:
    """The first half of an admission, which needs no database: read, canonicalise and check. Raises as `admit`."""
    contract, received = load_contract(mapping.kind), received_time.astimezone(UTC)
    raw = read_source(source, mapping)
    canonical = canonicalise(raw, mapping, contract, obligor=obligor, received_time=received)
    check(canonical, raw, mapping, contract, received_time=received)
    sound = _sound(canonical, raw, contract)
    return Prepared(mapping=mapping, contract=contract, obligor=obligor, received_time=received, raw=raw, sound=sound)


def enter(
    connection: Connection, gathered: Gathering, prepared: Prepared, *, received_time: datetime
) -> AdmissionResult:
    """The second half: compare with what is known, commit to what is new, and register everything under a new batch.

    Admissions take turns from here to the end of the caller's transaction. The rows lie in `gathered`, which the caller
    writes before it commits. `received_time` is that of this transaction, not before that of the preparation: rows that
    are known from when they come in are known from then, so that nobody can have looked in between and not seen them.
    """
    register.take_turn(connection)
    prepared = _received(prepared, received_time.astimezone(UTC))
    rows, contract = prepared.sound.rows, prepared.contract
    new, _ = drop_known(rows, find_known(connection, gathered, rows, contract), contract)
    repeats = pa.concat_tables([prepared.sound.repeats, _gone(rows, new, contract)])
    return _save(connection, gathered, prepared, new, repeats)


def _received(prepared: Prepared, received_time: datetime) -> Prepared:
    if received_time == prepared.received_time or prepared.mapping.recorded_time != "now":
        return replace(prepared, received_time=received_time)
    rows = prepared.sound.rows
    known = pa.repeat(pa.scalar(received_time, INSTANT), rows.table.num_rows)
    table = rows.table.set_column(rows.table.column_names.index("recorded_time"), "recorded_time", known)
    sound = replace(prepared.sound, rows=replace(rows, table=table))
    return replace(prepared, received_time=received_time, sound=sound)


def _teller(progress: Progress | None) -> Callable[[str], None]:
    """What reports that a step begins."""

    def tell(step: str) -> None:
        if progress is not None:
            progress(step, STEPS.index(step), len(STEPS))

    return tell


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sound:
    """The rows of a source that keep the contract and agree with each other, and the account of the others."""

    rows: Rows
    repeats: pa.Table
    quarantined: int
    faults: tuple[QuarantinedRow, ...]
    findings: tuple[FindingCount, ...]


def _sound(canonical: Canonical, raw: RawTable, contract: Contract) -> _Sound:
    kept = np.flatnonzero(~canonical.faults.mask).astype(np.int64)
    rows = sort_rows(_taken(canonical, kept), kept, contract)
    settled = settle(rows, contract)
    for column, quarrelling in settled.conflicts:
        values = canonical.table[column] if column in canonical.table.column_names else None
        canonical.faults.add_rows(column, Reason.CONFLICT, quarrelling, values)
    ragged = [
        QuarantinedRow(row_number=line.row_number, column=RAGGED_COLUMN, value=line.text, reason=Reason.RAGGED)
        for line in raw.ragged
    ]
    faults = sorted([*ragged, *canonical.faults.quarantined(raw.row_numbers)], key=lambda row: row.row_number)
    return _Sound(
        rows=settled.rows,
        repeats=_gone(rows, settled.rows, contract, besides=np.flatnonzero(canonical.faults.mask)),
        quarantined=int(canonical.faults.mask.sum()) + len(ragged),
        faults=tuple(faults),
        findings=count_findings(faults, canonical.faults.bounds()),
    )


def _taken(canonical: Canonical, kept: np.ndarray[tuple[int], np.dtype[np.int64]]) -> pa.Table:
    return canonical.table if len(kept) == canonical.table.num_rows else canonical.table.take(pa.array(kept))


def _save(
    connection: Connection, gathered: Gathering, prepared: Prepared, new: Rows, repeats: pa.Table
) -> AdmissionResult:
    """Commit to the chunks, register everything under one new batch, and gather the rows."""
    contract, raw, sound = prepared.contract, prepared.raw, prepared.sound
    profile = prepared.mapping.profile()
    stored = merge_rows(new, contract)
    key = register.next_batch(connection, source_sha256=raw.source.sha256, profile=profile, obligor=prepared.obligor)
    gathered.add(contract, key.batch_id, stored, prepared.received_time)
    chunks = cut_chunks(stored.table, contract, profile.site_zone)
    salts = new_salts(len(chunks))
    leaves = leaf_hashes(stored.table, contract, chunks, salts)
    result = AdmissionResult(
        batch_id=key.batch_id,
        kind=contract.kind,
        source_name=raw.source.name,
        rows_read=raw.rows_read,
        rows_admitted=new.table.num_rows,
        rows_duplicate=repeats.num_rows,
        rows_quarantined=sound.quarantined,
        quarantined_examples=sound.faults[:EXAMPLES],
        findings=sound.findings,
        obligor_ids=_obligors(sound.rows.table, contract, prepared.obligor),
        merkle_root=merkle_root(leaves).hex(),
    )
    register.save_profile(connection, profile)
    register.save_batch(connection, key, _batch_fields(prepared, result, stored))
    register.save_chunks(connection, key.batch_id, chunks, salts, leaves)
    register.save_repeated(connection, key.batch_id, _counted(repeats, contract, profile.site_zone))
    register.save_quarantined(connection, key.batch_id, sound.faults, _turned_away(raw, sound.faults))
    register.save_machines(connection, key.batch_id, _machines(stored.table, contract, prepared.obligor))
    return result


def _gone(rows: Rows, left: Rows, contract: Contract, *, besides: NDArray[np.int64] = NOWHERE) -> pa.Table:
    """Of some rows those that are not `left` any more, but for the source rows `besides`: unit and time of each."""
    told = rows.table.select([contract.unit_column, *(name for name in SAYS_WHEN if name in rows.table.column_names)])
    if left.table.num_rows == rows.table.num_rows:
        told = told.slice(0, 0)
    else:
        stays = np.concatenate([left.source_rows, besides])
        told = told.filter(pa.array(~np.isin(rows.source_rows, stays)))
    return told.set_column(0, contract.unit_column, told[contract.unit_column].cast(pa.string()))


def _counted(repeats: pa.Table, contract: Contract, site_zone: str) -> Counter[tuple[str, str]]:
    """How many rows there are of each unit and local period."""
    if not repeats.num_rows:
        return Counter()
    units = repeats[contract.unit_column].to_pylist()
    return Counter(zip(units, periods_of(repeats, contract, site_zone), strict=True))


def _turned_away(raw: RawTable, faults: Sequence[QuarantinedRow]) -> dict[int, str]:
    """Every row with a fault as the source wrote it: its mapped columns as JSON, or the line that did not split."""
    kept = {line.row_number: line.text for line in raw.ragged}
    places = np.flatnonzero(np.isin(raw.row_numbers, [fault.row_number for fault in faults]))
    rows = raw.table.take(pa.array(places)).to_pylist()
    for number, row in zip(raw.row_numbers[places].tolist(), rows, strict=True):
        kept[number] = json.dumps(row, ensure_ascii=False, default=str)
    return kept


def _batch_fields(prepared: Prepared, result: AdmissionResult, stored: Rows) -> dict[str, Any]:
    return {
        "kind": prepared.contract.kind.value,
        "obligor_id": prepared.obligor,
        "source_name": prepared.raw.source.name,
        "source_sha256": prepared.raw.source.sha256,
        "profile_id": prepared.mapping.profile().profile_id,
        "contract_version": prepared.contract.version,
        "received_time": prepared.received_time,
        "backfilled": prepared.mapping.is_backfilled,
        "data_origin": prepared.mapping.data_origin.value,
        "rows_read": result.rows_read,
        "rows_admitted": result.rows_admitted,
        "rows_duplicate": result.rows_duplicate,
        "rows_quarantined": result.rows_quarantined,
        "merkle_root": result.merkle_root,
        **spans(stored.table),
    }


def _obligors(table: pa.Table, contract: Contract, obligor: ObligorId | None) -> tuple[ObligorId, ...]:
    """Whose rows these are: as the rows say, or, for machines, as the caller or their names say."""
    if not table.num_rows:
        return ()
    if contract.unit_column == "obligor_id":
        return tuple(ObligorId(code) for code in _distinct(table, "obligor_id"))
    if obligor is not None:
        return (obligor,)
    return tuple(sorted({_owner(uid) for uid in _distinct(table, "machine_uid")}))


def _machines(
    table: pa.Table, contract: Contract, obligor: ObligorId | None
) -> dict[MachineUid, tuple[ObligorId, int]]:
    """Machines that telemetry spoke of: the obligor for whom, and the earliest recorded_time in UTC microseconds."""
    if contract.unit_column != "machine_uid" or not table.num_rows:
        return {}
    units = contiguous(table["machine_uid"])
    codes = units.indices.to_numpy(zero_copy_only=False)
    never = np.iinfo(np.int64).max
    first = np.full(len(units.dictionary), never)
    np.minimum.at(first, codes, instants(table["recorded_time"]))
    return {
        MachineUid(uid): (obligor or _owner(uid), int(recorded))
        for uid, recorded in zip(units.dictionary.to_pylist(), first, strict=True)
        if recorded != never
    }


def _owner(machine_uid: str) -> ObligorId:
    return ObligorId(machine_uid.partition("/")[0])


def _distinct(table: pa.Table, name: str) -> list[str]:
    words: list[str] = contiguous(table[name]).unique().to_pylist()
    return sorted(words)
