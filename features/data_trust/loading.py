"""What was told of some obligors as of an instant, from the observation store, and the findings about it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa

from data_contracts.contract import RecordKind
from data_contracts.identifiers import MachineUid, ObligorId
from data_contracts.observations.quality import sampled_days
from data_contracts.reference.dated import ParameterBook
from features.data_trust.clocks import CLOCK_DAYS, clocks_ahead
from features.data_trust.engine import Examination, examine
from features.data_trust.settings import trust_settings_at
from features.data_trust.told import Told, told_of
from features.declaration import HISTORY_DAYS
from features.machine_day.machine_days import MachineDays
from features.trust import CheckState, TrustFinding

if TYPE_CHECKING:
    from data_contracts.observations.reader import ObservationReader

OBLIGORS_TOGETHER = 100
"""Examined at once: bounds the memory of the dense arrays."""

COLUMNS: Mapping[RecordKind, Sequence[str]] = {
    RecordKind.ENERGY_BILL: ("obligor_id", "event_time", "energy_kwh"),
    RecordKind.DELIVERY: ("obligor_id", "event_time", "delivery_id", "parts", "amount_minor"),
    RecordKind.SITE_INSPECTION: ("obligor_id", "event_time"),
    RecordKind.INVOICE: ("obligor_id", "event_time", "status", "delivery_id", "amount_minor", "tax_minor"),
}


def examined(
    reader: ObservationReader,
    machine_days: MachineDays,
    *,
    obligor_ids: Sequence[ObligorId],
    as_of: datetime,
    parameters: ParameterBook,
) -> tuple[dict[str, Sequence[TrustFinding]], dict[str, Mapping[str, CheckState]]]:
    """(findings, what became of each comparison) by obligor, from rows known at `as_of`.

    `machine_days` hold those of these obligors over the last `HISTORY_DAYS`. An obligor is examined on its own data, so
    that it is the same whoever is examined beside it.
    """
    settings = trust_settings_at(parameters, as_of)
    findings: dict[str, Sequence[TrustFinding]] = {}
    clocks = _clocks(reader, machine_days, as_of)
    checks: dict[str, Mapping[str, CheckState]] = {}
    for told in told_blocks(reader, machine_days, obligor_ids, as_of):
        found: Examination = examine(told, settings)
        findings |= {who: [*found.findings.get(who, ()), *clocks.get(who, ())] for who in told.obligor_ids}
        checks |= found.checks
    return findings, checks


def _clocks(reader: ObservationReader, machine_days: MachineDays, as_of: datetime) -> dict[str, list[TrustFinding]]:
    """What the clocks of machines that sent samples say, by the obligor who owns each last."""
    since = as_of - timedelta(days=CLOCK_DAYS)
    rows = machine_days.table.filter(machine_days.table["first_sample"].is_valid())
    owners = dict(zip(rows["machine_uid"].to_pylist(), rows["obligor_id"].to_pylist(), strict=True))
    found: dict[str, list[TrustFinding]] = defaultdict(list)
    uids = [MachineUid(uid) for uid in sorted(owners)]
    for finding in clocks_ahead(sampled_days(reader, machine_uids=uids, as_of=as_of, event_from=since)):
        found[owners[str(finding.machine_uid)]].append(finding)
    return found


def told_blocks(
    reader: ObservationReader, machine_days: MachineDays, obligor_ids: Sequence[ObligorId], as_of: datetime
) -> Iterator[Told]:
    """What was told of these obligors, so many at a time; `machine_days` hold theirs."""
    papers = {kind: _paper(reader, kind, obligor_ids, as_of) for kind in COLUMNS}
    for first in range(0, len(obligor_ids), OBLIGORS_TOGETHER):
        chosen = tuple(obligor_ids[first : first + OBLIGORS_TOGETHER])
        yield told_of(
            machine_days.of_obligors(chosen),
            bills=papers[RecordKind.ENERGY_BILL],
            deliveries=papers[RecordKind.DELIVERY],
            invoices=papers[RecordKind.INVOICE],
            inspections=papers[RecordKind.SITE_INSPECTION],
            obligor_ids=chosen,
            as_of=as_of,
            days=HISTORY_DAYS,
        )


def _paper(reader: ObservationReader, kind: RecordKind, obligor_ids: Sequence[ObligorId], as_of: datetime) -> pa.Table:
    """Deliveries are read from before the window: an invoice of its first days may name one."""
    since = as_of - timedelta(days=HISTORY_DAYS * (2 if kind is RecordKind.DELIVERY else 1))
    return reader.rows(kind, as_of=as_of, obligor_ids=obligor_ids, event_from=since, columns=COLUMNS[kind])
