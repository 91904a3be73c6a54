"""What snapshots would be if something else had been told: changed machine-days and ledgers, ordinary features.

A change takes everything that was told of an obligor and gives it back changed. Many changes are examined at once: each
becomes an obligor of its own beside the others, so that histories, features, bounds, quantities and the trust engine
work as they do on any book, and an unchanged copy has the very features of the obligor (tested).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from data_contracts.contract import RecordKind
from data_contracts.identifiers import MachineUid, ObligorId
from data_contracts.reference.dated import ParameterBook
from features.bounds import Completions, completions
from features.compute import Read, feature_rows, quantity_values, read_all, snapshots
from features.data_trust.clone_sweep import CloneSweep
from features.data_trust.engine import Examination, examine
from features.data_trust.gap_evidence import gap_evidence
from features.data_trust.gaps import classify_gaps, external_seconds
from features.data_trust.grade import graded
from features.data_trust.settings import gap_rules_at, grade_rules_at, trust_settings_at
from features.data_trust.told import told_of
from features.declaration import HISTORY_DAYS, RECENT_DAYS
from features.everybody import load_everybody
from features.feature_history import feature_history, of_industries
from features.history import Array
from features.ledger_quantities import ledger_rules_at
from features.ledgers import COLUMNS, Ledgers
from features.loading import ZONE_MARGIN
from features.machine_day.machine_days import SCHEMA, MachineDays
from features.peer_reference import PeerReference
from features.register import registered_time
from features.settings import settings_at
from features.snapshot import FeatureSnapshot
from features.trade import QUANTITY_DAYS
from features.trust import DataTrust

if TYPE_CHECKING:
    from data_contracts.observations.reader import ObservationReader

CHANGEABLE = (
    RecordKind.PURCHASE_ORDER,
    RecordKind.DELIVERY,
    RecordKind.INVOICE,
    RecordKind.RECEIPT,
    RecordKind.ENERGY_BILL,
)
"""Ledgers that a change may change."""

TOGETHER = 24
"""Copies examined at once: bounds the memory of the dense arrays."""

_OWNERS = ("obligor_id",)
_MACHINES = ("machine_uid", "collateral_id")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Told:
    """What was told of one obligor by `as_of`: its machine-days in the columns of `SCHEMA`, and the rows of its
    `CHANGEABLE` ledgers in those of their contracts. `last_day` is its last complete local day, `machine_uids` are the
    machines that it still has."""

    obligor_id: ObligorId
    as_of: datetime
    last_day: date
    machine_uids: Sequence[MachineUid]
    machine_days: pd.DataFrame
    ledgers: Mapping[RecordKind, pd.DataFrame]

    def with_ledger(self, kind: RecordKind, rows: pd.DataFrame) -> Told:
        """The same with other rows of one ledger."""
        return replace(self, ledgers={**self.ledgers, kind: rows})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WhatIf:
    """One obligor at an instant: its snapshot (without machines), and what it rests on. Load it with `what_if`."""

    base: FeatureSnapshot
    told: Told
    read: Read
    inspections: pa.Table
    external: Array
    """Unobserved seconds that independent evidence excuses, (1, day)."""
    parameters: ParameterBook
    peers: PeerReference | None

    def snapshots(self, changed: Sequence[Told]) -> list[FeatureSnapshot]:
        """The obligor's snapshot if this had been told instead, for each in order.

        What the trust engine finds is found anew; what the roll-up, clocks, gaps and the sweep for clones found stays,
        as does the share of attested machine-days: nobody attested what was not told. Gaps keep their causes.
        """
        parts = (changed[start : start + TOGETHER] for start in range(0, len(changed), TOGETHER))
        return [found for part in parts for found in self._together(part)]

    def _together(self, changed: Sequence[Told]) -> Iterator[FeatureSnapshot]:
        book = _copies(self.read, changed, self.base.obligor_id)
        as_of, ids = self.read.as_of, book.obligor_ids
        settings = settings_at(self.parameters, as_of)
        history = feature_history(book.machine_days, book.ledgers, as_of=as_of, obligor_ids=ids, zones=book.zones)
        history = of_industries(history, dict.fromkeys(ids, self.base.industry_division or ""))
        possible = completions(history, registered_time(book.register, history, RECENT_DAYS))
        rows = feature_rows(history, settings, possible, self._excused(possible), self.peers)
        amounts = quantity_values(book, history, settings, possible, ledger_rules_at(self.parameters, as_of))
        found = self._examined(book, changed)
        for number, copy in enumerate(ids):
            yield replace(
                self.base, values=rows[number], quantities=amounts[copy], data_trust=self._trust(found, str(copy))
            )

    def _excused(self, possible: Completions) -> Completions:
        return possible.excusing(np.minimum(self.external, possible.unobserved))

    def _examined(self, book: Read, changed: Sequence[Told]) -> Examination:
        papers = {
            kind: _together([told.ledgers[kind] for told in changed], book.obligor_ids)
            for kind in (RecordKind.ENERGY_BILL, RecordKind.DELIVERY, RecordKind.INVOICE)
        }
        since = pa.scalar(self.read.as_of - timedelta(days=HISTORY_DAYS), pa.timestamp("us", tz="UTC"))
        recent = {kind: rows.filter(pc.greater_equal(rows["event_time"], since)) for kind, rows in papers.items()}
        told = told_of(
            book.machine_days,
            bills=recent[RecordKind.ENERGY_BILL],
            deliveries=papers[RecordKind.DELIVERY],
            invoices=recent[RecordKind.INVOICE],
            inspections=_repeated(self.inspections, book.obligor_ids),
            obligor_ids=tuple(str(copy) for copy in book.obligor_ids),
            as_of=self.read.as_of,
            days=HISTORY_DAYS,
        )
        return examine(told, trust_settings_at(self.parameters, self.read.as_of))

    def _trust(self, found: Examination, copy: str) -> DataTrust:
        checks, known = found.checks[copy], self.base.data_trust
        suffix = copy.removeprefix(str(self.base.obligor_id))
        own = [
            finding
            if finding.machine_uid is None
            else replace(finding, machine_uid=type(finding.machine_uid)(finding.machine_uid.removesuffix(suffix)))
            for finding in found.findings.get(copy, ())
        ]
        kept = [finding for finding in known.findings if finding.code not in checks]
        return graded(
            [*kept, *own],
            grade_rules_at(self.parameters, self.read.as_of),
            checks={**known.checks, **checks},
            attested=known.attested,
        )


def what_if(
    reader: ObservationReader,
    *,
    obligor_id: ObligorId,
    as_of: datetime,
    parameters: ParameterBook,
    peers: PeerReference | None = None,
    clones: CloneSweep | None = None,
) -> WhatIf:
    """Read once what was known of an obligor at `as_of`, for asking what would be if something else had been told."""
    everybody = load_everybody(reader, as_of=as_of)
    (base,) = snapshots(
        reader,
        obligor_ids=[obligor_id],
        as_of=as_of,
        parameters=parameters,
        with_machines=False,
        peers=peers,
        everybody=everybody,
        clones=clones,
    )
    read = read_all(reader, [obligor_id], everybody)
    since = as_of - timedelta(days=2 * HISTORY_DAYS)
    rows = {
        kind: reader.rows(kind, as_of=as_of, obligor_ids=[obligor_id], event_from=since)
        for kind in (*CHANGEABLE, RecordKind.SITE_INSPECTION)
    }
    history = feature_history(read.machine_days, read.ledgers, as_of=as_of, obligor_ids=[obligor_id], zones=read.zones)
    possible = completions(history, registered_time(read.register, history, RECENT_DAYS))
    gaps = gap_evidence(read.reading, possible, everybody, read.machine_days)
    return WhatIf(
        base=base,
        told=Told(
            obligor_id=obligor_id,
            as_of=as_of,
            last_day=history.last_days[0].astype("datetime64[D]").item(),
            machine_uids=_still_owned(read.machine_days.spans, as_of),
            machine_days=read.machine_days.table.to_pandas(),
            ledgers={kind: rows[kind].to_pandas() for kind in CHANGEABLE},
        ),
        read=read,
        inspections=rows[RecordKind.SITE_INSPECTION],
        external=external_seconds(classify_gaps(gaps, gap_rules_at(parameters, as_of)), gaps),
        parameters=parameters,
        peers=peers,
    )


def _copies(read: Read, changed: Sequence[Told], obligor_id: ObligorId) -> Read:
    """What was read of one obligor, for each change as an obligor of its own."""
    ids = [ObligorId(f"{obligor_id}~{number:04d}") for number in range(len(changed))]
    ledgers = {
        kind: _together([told.ledgers[kind] for told in changed], ids) if kind in CHANGEABLE else _repeated(rows, ids)
        for kind, rows in read.ledgers.tables.items()
    }
    year = read.as_of - timedelta(days=QUANTITY_DAYS)
    orders, deliveries = (
        _between(ledgers[kind], year, read.as_of) for kind in (RecordKind.PURCHASE_ORDER, RecordKind.DELIVERY)
    )
    since = read.as_of - timedelta(days=HISTORY_DAYS) - ZONE_MARGIN
    known = {
        kind: _between(rows, since, None).select([name for name in _columns(kind) if name in rows.column_names])
        if kind in CHANGEABLE
        else rows
        for kind, rows in ledgers.items()
    }
    days = _together([told.machine_days for told in changed], ids, SCHEMA)
    return replace(
        read,
        obligor_ids=ids,
        profiles=dict.fromkeys(ids, read.profiles.get(obligor_id, {})),
        machine_days=MachineDays(
            table=days.sort_by([(name, "ascending") for name in ("machine_uid", "obligor_id", "day")]),
            spans=_repeated(read.machine_days.spans, ids),
        ),
        ledgers=Ledgers(known, _repeated(read.ledgers.machines, ids)),
        machines=_repeated(read.machines, ids),
        register=_repeated(read.register, ids),
        orders=orders,
        deliveries=deliveries,
    )


def _still_owned(spans: pa.Table, as_of: datetime) -> list[MachineUid]:
    rows = spans.select(["machine_uid", "ends"]).to_pylist()
    return sorted({MachineUid(row["machine_uid"]) for row in rows if row["ends"] is None or row["ends"] > as_of})


def _columns(kind: RecordKind) -> tuple[str, ...]:
    return ("obligor_id", "event_time", *COLUMNS[kind])


def _together(parts: Sequence[pd.DataFrame], ids: Sequence[ObligorId], schema: pa.Schema | None = None) -> pa.Table:
    """Rows of each copy one after the other, under its name."""
    rows = pd.concat([part.assign(copy_number=number) for number, part in enumerate(parts)], ignore_index=True)
    numbers = rows.pop("copy_number").to_numpy(np.int64)
    return _renamed(pa.Table.from_pandas(rows, schema=schema, preserve_index=False), numbers, ids)


def _repeated(rows: pa.Table, ids: Sequence[ObligorId]) -> pa.Table:
    """The rows for each copy, under its name."""
    numbers = np.repeat(np.arange(len(ids)), rows.num_rows)
    return _renamed(pa.concat_tables([rows] * len(ids)), numbers, ids)


def _renamed(rows: pa.Table, numbers: np.ndarray, ids: Sequence[ObligorId]) -> pa.Table:
    """Obligors and machines under the names of their copies. Other owners of a machine are told apart by copy, too."""
    suffix = pa.array([str(name).rpartition("~")[2] for name in ids], pa.string()).take(pa.array(numbers))
    for name in (*_OWNERS, *_MACHINES):
        if name in rows.column_names:
            at = rows.column_names.index(name)
            column = rows[name].cast(pa.string()).combine_chunks()
            rows = rows.set_column(at, name, pc.binary_join_element_wise(column, suffix, "~"))
    return rows


def _between(rows: pa.Table, since: datetime, until: datetime | None) -> pa.Table:
    instant = pa.timestamp("us", tz="UTC")
    inside = pc.greater_equal(rows["event_time"], pa.scalar(since, instant))
    if until is not None:
        inside = pc.and_(inside, pc.less_equal(rows["event_time"], pa.scalar(until, instant)))
    return rows.filter(inside)
