"""Answers of the command line: the whole of it as a plain object, and the gist of it as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from data_contracts.admission import AdmissionResult
from features.machine_day.machine_days import MachineDays
from features.snapshot import FeatureSnapshot, FeatureValue, plain_feature
from features.trust import TrustFinding, plain_finding, plain_trust
from risk_reports.numbers import quantity
from risk_reports.wording.catalogue import Language, wording

SHOWN_STATES = ("executing", "setup", "maintenance", "idle", "fault", "off", "unknown")
COUNTS = ("rows_read", "rows_admitted", "rows_duplicate", "rows_quarantined")


def ingest_answer(results: Sequence[AdmissionResult]) -> dict[str, Any]:
    """Counts over all files, each batch beside them; `batch_id` is the last one's."""
    batches = [{"batch_id": result.batch_id, "kind": result.kind, **_counts(result)} for result in results]
    totals = {name: sum(getattr(result, name) for result in results) for name in COUNTS}
    return {**totals, "batch_id": batches[-1]["batch_id"] if batches else None, "batches": batches}


def ingest_text(answer: Mapping[str, Any]) -> str:
    """One line of counts."""
    return (
        f"{answer['rows_read']:,} rows read: {answer['rows_admitted']:,} admitted, "
        f"{answer['rows_duplicate']:,} already known, {answer['rows_quarantined']:,} quarantined "
        f"(batch {answer['batch_id']})."
    )


def quarantine_text(results: Sequence[AdmissionResult]) -> str:
    """For each kind of fault its number, first row, value and way out; then the first quarantined rows."""
    lines = [message for result in results for message in result.messages()]
    lines += [
        f"quarantined row {row.row_number}, {row.column}: {row.value!r} ({row.reason.value})"
        for result in results
        for row in result.quarantined_examples
    ]
    return "".join(f"{line}\n" for line in lines)


def machine_days_answer(days: MachineDays, findings: Sequence[TrustFinding]) -> dict[str, Any]:
    """Every machine-day as an object, and what disagreed."""
    return {
        "machine_days": [{name: _plain(value) for name, value in row.items()} for row in days.table.to_pylist()],
        "findings": [plain_finding(finding) for finding in findings],
    }


def machine_days_text(answer: Mapping[str, Any]) -> str:
    """A line a machine-day."""
    hours = " ".join(f"{state} h" for state in SHOWN_STATES)
    head = f"{'day':10}  {'machine':28} {hours} {'kWh':>9} coverage"
    return "\n".join(
        [head, *(_machine_day_line(row) for row in answer["machine_days"])]
        + [f"finding {item['code']}: {item['machine_uid']} {item['since']}" for item in answer["findings"]]
    )


def features_answer(snapshot: FeatureSnapshot) -> dict[str, Any]:
    """The snapshot as answered: values of the obligor and of each machine."""
    return {
        "as_of": snapshot.as_of.isoformat(),
        "snapshot_id": snapshot.snapshot_id,
        "obligor_id": snapshot.obligor_id,
        "history_days": snapshot.history_days,
        "first_day": _plain(snapshot.first_day),
        "coverage_basis": snapshot.coverage_basis,
        "data_origin": snapshot.data_origin.value,
        "data_trust": plain_trust(snapshot.data_trust),
        "values": _features(snapshot.values),
        "quantities": _features(snapshot.quantities),
        "machines": {uid: _features(values) for uid, values in snapshot.machines.items()},
        "catalogue_version": snapshot.catalogue_version,
        "parameters_version": snapshot.parameters_version,
        "batches": list(snapshot.batches),
    }


def features_text(snapshot: FeatureSnapshot) -> str:
    """A line a feature."""
    head = f"{snapshot.obligor_id} as of {snapshot.as_of.isoformat()}, {snapshot.history_days} days of history"
    lines = [f"  {name:36} {_feature_text(item)}" for name, item in snapshot.values.items()]
    trust = [f"data trust {snapshot.data_trust.grade.value}", *map(_finding_text, snapshot.data_trust.findings)]
    return "\n".join([head, *lines, *trust, f"snapshot {snapshot.snapshot_id}"])


def card_text(card: Mapping[str, Any]) -> str:
    """A model card's head."""
    return plain_text({key: value for key, value in card.items() if not isinstance(value, list | dict)})


def plain_text(answer: Mapping[str, Any]) -> str:
    """A line a key."""
    return "\n".join(f"{key}: {value}" for key, value in answer.items())


def _counts(result: AdmissionResult) -> dict[str, int]:
    return {name: getattr(result, name) for name in COUNTS}


def _features(values: Mapping[str, FeatureValue]) -> dict[str, Any]:
    return {name: plain_feature(value) for name, value in values.items()}


def _feature_text(feature: FeatureValue) -> str:
    if feature.missing is not None:
        return f"missing: {feature.missing.value}"
    return quantity(feature.value, feature.unit, Language.EN)


def _finding_text(finding: TrustFinding) -> str:
    """A line of a finding, in words."""
    sentence = wording(Language.EN).say(f"trust.{finding.code}")
    since = f" since {finding.since.isoformat()}" if finding.since else ""
    return f"  {finding.severity.value}: {sentence} ({finding.machine_uid or 'obligor'}{since})"


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | datetime) else value


def _machine_day_line(row: Mapping[str, Any]) -> str:
    hours = " ".join(f"{row[f'{state}_seconds'] / 3600:>{len(state) + 2}.2f}" for state in SHOWN_STATES)
    energy = "–" if row["energy_kwh"] is None else f"{row['energy_kwh']:.2f}"
    return f"{row['day']}  {row['machine_uid']:28} {hours} {energy:>9} {row['coverage'] or 0:.3f}"
