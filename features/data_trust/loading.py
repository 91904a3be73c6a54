"""What was told of some obligors as of an instant, from the observation store, and the findings about it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from data_contracts.contract import RecordKind
from data_contracts.identifiers import MachineUid, ObligorId
from data_contracts.observations.quality import sampled_days
from data_contracts.reference.dated import ParameterBook
from features.data_trust.clocks import CLOCK_DAYS, clocks_ahead
from features.data_trust.engine import Examination, examine
from features.data_trust.settings import trust_settings_at
from features.data_trust.told import Told, told_of
from features.declaration import HISTORY_DAYS
from features.ledger_reading import LedgerReading, Take
from features.machine_day.machine_days import MachineDays
from features.trust import CheckState, TrustFinding

if TYPE_CHECKING:
    from data_contracts.observations.reader import ObservationReader

OBLIGORS_TOGETHER = 100
"""Examined at once: bounds the memory of the dense arrays."""

BILLS = Take(kind=RecordKind.ENERGY_BILL, columns=("energy_kwh",), days=HISTORY_DAYS)
DELIVERIES = Take(kind=RecordKind.DELIVERY, columns=("delivery_id", "parts", "amount_minor"), days=2 * HISTORY_DAYS)
"""Read from before the window: an invoice of its first days may name one."""
INSPECTIONS = Take(kind=RecordKind.SITE_INSPECTION, columns=(), days=HISTORY_DAYS)
INVOICES = Take(
    kind=RecordKind.INVOICE, columns=("status", "delivery_id", "amount_minor", "tax_minor"), days=HISTORY_DAYS
)
TAKES = (BILLS, DELIVERIES, INSPECTIONS, INVOICES)
"""What examinations take of the ledgers of obligors."""


def examined(
    reader: ObservationReader,
    machine_days: MachineDays,
    ledgers: LedgerReading,
    *,
    obligor_ids: Sequence[ObligorId],
    as_of: datetime,
    parameters: ParameterBook,
) -> tuple[dict[str, Sequence[TrustFinding]], dict[str, Mapping[str, CheckState]]]:
    """(findings, what became of each comparison) by obligor, from rows known at `as_of`.

    `machine_days` hold those of these obligors over the last `HISTORY_DAYS`, `ledgers` hold `TAKES` of theirs. An
    obligor is examined on its own data, so that it is the same whoever is examined beside it.
    """
    settings = trust_settings_at(parameters, as_of)
    findings: dict[str, Sequence[TrustFinding]] = {}
    clocks = _clocks(reader, machine_days, as_of)
    checks: dict[str, Mapping[str, CheckState]] = {}
    for told in told_blocks(machine_days, ledgers, obligor_ids, as_of):
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
    machine_days: MachineDays, ledgers: LedgerReading, obligor_ids: Sequence[ObligorId], as_of: datetime
) -> Iterator[Told]:
    """What was told of these obligors, so many at a time; `machine_days` hold theirs, `ledgers` `TAKES` of theirs."""
    bills, deliveries, inspections, invoices = (ledgers.take(take) for take in TAKES)
    for first in range(0, len(obligor_ids), OBLIGORS_TOGETHER):
        chosen = tuple(obligor_ids[first : first + OBLIGORS_TOGETHER])
        yield told_of(
            machine_days.of_obligors(chosen),
            bills=bills,
            deliveries=deliveries,
            invoices=invoices,
            inspections=inspections,
            obligor_ids=chosen,
            as_of=as_of,
            days=HISTORY_DAYS,
        )
