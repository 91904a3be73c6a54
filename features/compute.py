"""Snapshots: everything known about obligors as of an instant, many at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from data_contracts.contract import RecordKind
from data_contracts.evidence.levels import AttestationLevel
from data_contracts.identifiers import BatchId, MachineUid, ObligorId
from data_contracts.reference.dated import ParameterBook
from features.attested import attested_shares, levels_of_batches
from features.bounded import evaluate_bounds
from features.bounds import Completions, completions
from features.catalogue import catalogue_columns, catalogue_version, evaluate
from features.data_trust.clone_sweep import CloneSweep
from features.data_trust.gap_evidence import TAKES as EVIDENCE
from features.data_trust.gap_evidence import gap_evidence
from features.data_trust.gap_findings import gap_findings
from features.data_trust.gaps import classify_gaps, external_seconds
from features.data_trust.grade import UNEXAMINED, graded
from features.data_trust.loading import TAKES as EXAMINED
from features.data_trust.loading import examined
from features.data_trust.settings import gap_rules_at, grade_rules_at
from features.declaration import HISTORY_DAYS, MACHINE_DAYS, RECENT_DAYS
from features.everybody import Everybody, load_everybody
from features.feature_history import feature_history, of_industries
from features.feature_value import REASONS, SAID, FeatureRow, FeatureValue
from features.history import DailyHistory
from features.ledger_quantities import LedgerRules, ledger_quantities, ledger_rules_at
from features.ledger_reading import LedgerReading, Take, read_ledgers
from features.ledgers import TAKES as FEATURED
from features.ledgers import Ledgers, load_ledgers
from features.loading import ZONE_MARGIN, first_reported_days, load_machine_days
from features.machine_day.machine_days import MachineDays, any_silence, any_synthetic
from features.machine_types import machine_types_at
from features.output import output_quantities
from features.peer_reference import PeerReference
from features.register import registered_time
from features.settings import FeatureSettings, settings_at
from features.snapshot import FeatureSnapshot
from features.trade import (
    QUANTITIES,
    QUANTITY_DAYS,
    QuantityColumn,
    asset_values,
    order_quantities,
    revenue_quantities,
    several_currencies,
)
from features.trust import DataTrust, Severity, TrustFinding

if TYPE_CHECKING:
    from data_contracts.observations.reader import ObservationReader

SEVERAL_CURRENCIES = "several_currencies"

ORDERS = Take(
    kind=RecordKind.PURCHASE_ORDER, columns=("order_id", "parts", "amount_minor", "currency"), days=QUANTITY_DAYS
)
DELIVERIES = Take(kind=RecordKind.DELIVERY, columns=("order_id", "amount_minor"), days=QUANTITY_DAYS)
TAKES = (*FEATURED.values(), *EVIDENCE, *EXAMINED, ORDERS, DELIVERIES)
"""What snapshots take of the ledgers of obligors."""

Values = Mapping[str, FeatureValue]


def snapshots(
    reader: ObservationReader,
    *,
    obligor_ids: Sequence[ObligorId],
    as_of: datetime,
    parameters: ParameterBook,
    with_machines: bool = True,
    with_trust: bool = True,
    peers: PeerReference | None = None,
    everybody: Everybody | None = None,
    ledgers: LedgerReading | None = None,
    clones: CloneSweep | None = None,
) -> list[FeatureSnapshot]:
    """What was known about each of `obligor_ids` at `as_of`, in their order.

    Features of the obligor and (if `with_machines`) of each machine it owned then, their bounds, the
    quantities that limits rest on, and what was found wrong. The same for one obligor alone and among many. An
    obligor of whom nothing is known gets a snapshot in which everything is missing. Without `peers` what compares with
    them is missing; `clones` is what a sweep over the whole book found. `everybody` is what is known of everybody then,
    and `ledgers` hold `TAKES` of these obligors, where they were read before.
    """
    everybody = everybody or load_everybody(reader, as_of=as_of)
    read = read_all(reader, obligor_ids, everybody, ledgers)
    settings = settings_at(parameters, as_of)
    history = feature_history(read.machine_days, read.ledgers, as_of=as_of, obligor_ids=obligor_ids, zones=read.zones)
    history = of_industries(history, {owner: row["industry_division"] for owner, row in read.profiles.items()})
    possible = completions(history, registered_time(read.register, history, RECENT_DAYS))
    gaps = gap_evidence(read.reading, possible, everybody, read.machine_days)
    causes = classify_gaps(gaps, gap_rules_at(parameters, as_of))
    excused = possible.excusing(external_seconds(causes, gaps))
    values = dict(zip(obligor_ids, feature_rows(history, settings, possible, excused, peers), strict=True))
    machines = _machine_values(read, history, settings) if with_machines else {}
    quantities = quantity_values(read, history, settings, possible, ledger_rules_at(parameters, as_of))
    last_days = dict(zip(obligor_ids, history.last_days.tolist(), strict=True))
    told_of_gaps = gap_findings(causes, gaps, history)
    trust = _trust(reader, read, parameters, told_of_gaps, clones) if with_trust else {}
    facts = _facts(read, last_days, trust)
    return [
        FeatureSnapshot(
            obligor_id=obligor,
            as_of=as_of.astimezone(UTC),
            values=values[obligor],
            quantities=quantities[obligor],
            machines=machines.get(obligor, {}),
            catalogue_version=catalogue_version(),
            parameters_version=parameters.version,
            peer_reference_id=peers.peer_reference_id if peers else None,
            **facts[obligor],
        )
        for obligor in obligor_ids
    ]


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """Everything that the snapshots of some obligors rest on."""

    obligor_ids: Sequence[ObligorId]
    as_of: datetime
    machine_days: MachineDays
    reading: LedgerReading
    ledgers: Ledgers
    machines: pa.Table
    register: pa.Table
    """Every owner of every machine that one of these obligors ever owned: a later one ends an earlier."""
    orders: pa.Table
    deliveries: pa.Table
    profiles: Mapping[str, Mapping[str, Any]]
    batches: Mapping[ObligorId, Mapping[BatchId, AttestationLevel]]
    earlier_days: Mapping[str, date]

    @property
    def zones(self) -> dict[str, str]:
        """The zone of each of these obligors by its profile, where it has one."""
        told = {obligor: self.profiles.get(obligor) for obligor in self.obligor_ids}
        return {obligor: profile["site_zone"] for obligor, profile in told.items() if profile}


def read_all(
    reader: ObservationReader,
    obligor_ids: Sequence[ObligorId],
    everybody: Everybody,
    reading: LedgerReading | None = None,
) -> Read:
    """Read it, as known when everybody was; of ledgers, what was not read before."""
    as_of = everybody.as_of
    reading = reading or read_ledgers(reader, as_of=as_of, obligor_ids=obligor_ids, takes=TAKES)
    first_day = as_of.astimezone(UTC).date() - timedelta(days=HISTORY_DAYS) - ZONE_MARGIN
    machine_days, _ = load_machine_days(
        reader, as_of=as_of, obligor_ids=obligor_ids, first_day=first_day, machines=everybody.machines
    )
    machines = everybody.machines_of(obligor_ids)
    register = _of_machines(everybody.machines, machines["machine_uid"])
    batches = reader.batches_by_obligor(as_of=as_of, obligor_ids=obligor_ids, machines=machines)
    uids = machine_days.machine_uids
    return Read(
        obligor_ids=obligor_ids,
        as_of=as_of,
        machine_days=machine_days,
        reading=reading,
        ledgers=load_ledgers(reader, as_of=as_of, machine_uids=uids, machines=register, reading=reading),
        machines=machines,
        register=register,
        orders=_up_to(reading.take(ORDERS), as_of),
        deliveries=_up_to(reading.take(DELIVERIES), as_of),
        profiles=everybody.profiles,
        batches=levels_of_batches(reader, batches, as_of=as_of),
        earlier_days=first_reported_days(reader, as_of=as_of, machine_uids=uids, before=first_day),
    )


def _machine_values(
    read: Read, history: DailyHistory, settings: FeatureSettings
) -> dict[str, dict[MachineUid, Values]]:
    """Features of the machines of each obligor that it owned at `as_of`."""
    assert history.fleet is not None, "an obligor history has a fleet"
    machines = history.fleet.history
    possible = completions(machines, registered_time(read.register, machines, MACHINE_DAYS))
    rows = feature_rows(machines, settings, possible, possible)
    found: dict[str, dict[MachineUid, Values]] = defaultdict(dict)
    for unit, owner, values in zip(machines.units, machines.obligor_ids, rows, strict=True):
        found[owner][MachineUid(unit)] = values
    return found


def feature_rows(
    history: DailyHistory,
    settings: FeatureSettings,
    possible: Completions,
    excused: Completions,
    peers: PeerReference | None = None,
) -> list[FeatureRow]:
    """Every feature of every unit with its bounds: the worst with external gaps excused, both ends with none so."""
    observed = evaluate(history, settings, peers)
    unexcused, favourable = evaluate_bounds(observed, settings, possible)
    adverse = unexcused if excused is possible else evaluate_bounds(observed, settings, excused)[0]
    columns = catalogue_columns()
    arrays = (observed.values, observed.reasons, adverse, favourable, unexcused)
    return [FeatureRow(columns, *row) for row in zip(*arrays, strict=True)]


def quantity_values(
    read: Read, history: DailyHistory, settings: FeatureSettings, possible: Completions, rules: LedgerRules
) -> dict[ObligorId, dict[str, FeatureValue]]:
    """Every quantity of every obligor that was read, with the least that it can be."""
    outputs = output_quantities(history, settings, possible)
    columns: dict[str, QuantityColumn] = {
        **order_quantities(read.orders, read.deliveries, read.obligor_ids),
        **outputs,
        **revenue_quantities(read.orders, outputs, read.obligor_ids),
        **ledger_quantities(history, read.ledgers, rules, settings, possible, as_of=read.as_of, zones=read.zones),
        "asset_value_minor": asset_values(_owned_at(read.machines, read.as_of), read.obligor_ids),
    }
    return {
        obligor: {name: _quantity(name, columns[name], row) for name in QUANTITIES}
        for row, obligor in enumerate(read.obligor_ids)
    }


def _quantity(name: str, column: QuantityColumn, row: int) -> FeatureValue:
    """One quantity; its adverse value is the least that it can be."""
    reason, value = int(column.reasons[row]), float(column.values[row])
    known = value if reason == SAID else None
    least = known if column.least is None or known is None else float(column.least[row])
    return FeatureValue(
        value=known,
        unit=column.units[row],
        window_days=QUANTITIES[name].window_days,
        missing=None if reason == SAID else REASONS[reason],
        adverse_value=least,
    )


def _facts(
    read: Read, last_days: Mapping[ObligorId, date], trust: Mapping[ObligorId, DataTrust]
) -> dict[ObligorId, dict[str, Any]]:
    """What a snapshot says of its obligor beside values."""
    spans: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for span in read.machine_days.spans.to_pylist():
        spans[span["obligor_id"]].append(span)
    first_days = _first_days(read, spans)
    types = machine_types_at(read.register, read.as_of)
    return {
        obligor: {
            "first_day": first_days.get(obligor),
            "history_days": _days_between(first_days.get(obligor), last_days[obligor]),
            "industry_division": read.profiles.get(obligor, {}).get("industry_division"),
            "subject_kind": read.profiles.get(obligor, {}).get("subject_kind"),
            "data_origin": any_synthetic(span["data_origin"] for span in spans[obligor]),
            "coverage_basis": any_silence(span["coverage_basis"] for span in spans[obligor]),
            "data_trust": trust.get(obligor, UNEXAMINED),
            "batches": read.batches.get(obligor, {}),
            "machine_types": types.get(obligor),
        }
        for obligor in read.obligor_ids
    }


def _days_between(first: date | None, last: date) -> int:
    """Local days from `first` to `last`, both included; 0 where there was none."""
    return 0 if first is None else max((last - first).days + 1, 0)


def _first_days(read: Read, spans: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, date]:
    """The first local day on which a machine of each obligor was heard of while it owned it. Before the days that
    were read, a report of another owner's time counts from the ownership on."""
    owned_from: dict[tuple[str, str], date] = {}
    for row in read.machines.to_pylist():
        start = row["owned_from"].date() if row["owned_from"] else date.min
        pair = row["machine_uid"], row["obligor_id"]
        owned_from[pair] = min(start, owned_from.get(pair, start))
    first: dict[str, date] = {}
    for obligor, own in spans.items():
        for span in own:
            earlier = read.earlier_days.get(span["machine_uid"], date.max)
            day = min(span["first_day"], max(earlier, owned_from[span["machine_uid"], obligor]))
            first[obligor] = min(day, first.get(obligor, day))
    return first


def _trust(
    reader: ObservationReader,
    read: Read,
    parameters: ParameterBook,
    gaps: Mapping[str, Sequence[TrustFinding]],
    clones: CloneSweep | None,
) -> dict[ObligorId, DataTrust]:
    """The grade of each obligor: from what the roll-up, the engine and the sweep found; beside it what its gaps are."""
    rules = grade_rules_at(parameters, read.as_of)
    rolled_up = _findings(read)
    findings, checks = examined(
        reader, read.machine_days, read.reading, obligor_ids=read.obligor_ids, as_of=read.as_of, parameters=parameters
    )
    sources: list[Mapping[str, Sequence[TrustFinding]]] = [rolled_up, findings, gaps, clones.findings if clones else {}]
    attested = attested_shares(reader, read.machine_days.table, read.machines, as_of=read.as_of)
    return {
        obligor: graded(
            [finding for source in sources for finding in source.get(obligor, ())],
            rules,
            checks={**checks[obligor], **(clones.checks(obligor) if clones else {})},
            attested=attested.get(obligor, {}),
        )
        for obligor in read.obligor_ids
    }


def _findings(read: Read) -> dict[str, list[TrustFinding]]:
    """Findings by obligor: those on a day go to who owned the machine on it, the others to all that owned it."""
    found: dict[str, list[TrustFinding]] = defaultdict(list)
    if read.machine_days.findings:
        owners: dict[str, set[str]] = defaultdict(set)
        for uid, obligor in read.machines.select(["machine_uid", "obligor_id"]).to_pandas().itertuples(index=False):
            owners[uid].add(obligor)
        on_day = _owners_on_days(read.machine_days, {str(item.machine_uid) for item in read.machine_days.findings})
        for finding in read.machine_days.findings:
            uid = str(finding.machine_uid)
            for owner in owners[uid] if finding.since is None else on_day[uid, finding.since]:
                found[owner].append(finding)
    for obligor, currencies in several_currencies(read.orders).items():
        evidence = {"currencies": currencies}
        found[obligor].append(
            TrustFinding(
                code=SEVERAL_CURRENCIES,
                severity=Severity.MODERATE,
                machine_uid=None,
                since=None,
                evidence=evidence,
            )
        )
    return found


def _owners_on_days(machine_days: MachineDays, machines: set[str]) -> dict[tuple[str, date], set[str]]:
    wanted = pc.is_in(machine_days.table["machine_uid"], value_set=pa.array(sorted(machines), pa.string()))
    rows = machine_days.table.filter(wanted).select(["machine_uid", "day", "obligor_id"])
    owners: dict[tuple[str, date], set[str]] = defaultdict(set)
    for row in rows.to_pylist():
        owners[row["machine_uid"], row["day"]].add(row["obligor_id"])
    return owners


def _of_machines(register: pa.Table, machine_uids: pa.ChunkedArray) -> pa.Table:
    return register.filter(pc.is_in(register["machine_uid"], value_set=machine_uids.combine_chunks()))


def _owned_at(machines: pa.Table, as_of: datetime) -> pa.Table:
    """Ownership rows that hold at `as_of`."""
    now = pa.scalar(as_of, pa.timestamp("us", tz="UTC"))
    begun = pc.less_equal(machines["owned_from"], now)
    not_ended = pc.fill_null(pc.greater(machines["owned_until"], now), True)
    return machines.filter(pc.and_kleene(begun, not_ended))


def _up_to(ledger: pa.Table, as_of: datetime) -> pa.Table:
    """Ledger rows that had happened by `as_of`."""
    return ledger.filter(pc.less_equal(ledger["event_time"], pa.scalar(as_of, pa.timestamp("us", tz="UTC"))))
