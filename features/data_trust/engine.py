"""The physics-consistency engine: every comparison over whole books at once, and the findings that come of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

from data_contracts.identifiers import MachineUid
from features.data_trust import counters, papers, power, repeats, silence
from features.data_trust.codes import TrustCode
from features.data_trust.fingerprints import KeyedTraces, cloned_between_obligors
from features.data_trust.measured import NO_DAY, Check, Floats, Ints, Measure, Measured
from features.data_trust.nulls import TrustSettings, after_many
from features.data_trust.told import Told
from features.history import Level
from features.trust import CheckState, Severity, TrustFinding

EPOCH_DAY = date(1970, 1, 1)

ALONE: Mapping[Check, Callable[[Told], Measured]] = {
    Check(TrustCode.ENERGY_ABOVE_METER, Level.OBLIGOR): papers.energy_above_meter,
    Check(TrustCode.COUNTED_ABOVE_SHIPPED, Level.OBLIGOR): papers.counted_above_shipped,
    Check(TrustCode.INVOICED_ABOVE_SHIPPED, Level.OBLIGOR): papers.invoiced_above_shipped,
    Check(TrustCode.SELECTIVE_SILENCE, Level.OBLIGOR): silence.selective_silence,
    Check(TrustCode.HOUR_METER_BACK, Level.MACHINE): counters.hour_meter_back,
    Check(TrustCode.HOUR_METER_DIFFERS, Level.MACHINE): counters.hour_meter_differs,
    Check(TrustCode.IMPOSSIBLE_DAYS, Level.MACHINE): counters.impossible_days,
}
BETWEEN = Check(TrustCode.CLONED_BETWEEN_OBLIGORS, Level.MACHINE)
"""Made where the traces of others are at hand."""
SHARING: Sequence[Measure] = (power.power_and_parts, repeats.repeated_days)
"""Comparisons that share their work."""


def measure(told: Told) -> dict[Check, Measured]:
    """Every comparison of every machine and obligor."""
    found = {check: compare(told) for check, compare in ALONE.items()}
    for several in SHARING:
        found |= several(told)
    return found


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Examination:
    """What the engine says of some obligors.

    `strengths` are arrays (obligor,) by check: the strongest of the obligor's units, after the number of comparisons
    made for it; NaN where nothing could be compared.
    """

    obligor_ids: tuple[str, ...]
    findings: Mapping[str, Sequence[TrustFinding]]
    checks: Mapping[str, Mapping[str, CheckState]]
    strengths: Mapping[str, Floats]


def examine(told: Told, settings: TrustSettings, traces_of_others: KeyedTraces | None = None) -> Examination:
    """Make every comparison for every obligor; what is strong enough becomes a finding.

    With `traces_of_others` machines are also held against those of other obligors.
    """
    measured = measure(told)
    if traces_of_others is not None:
        measured[BETWEEN] = cloned_between_obligors(told, traces_of_others)
    return _examined(told, settings, measured)


def examine_between(told: Told, settings: TrustSettings, traces_of_others: KeyedTraces) -> Examination:
    """Hold machines against those of other obligors, and make no other comparison."""
    return _examined(told, settings, {BETWEEN: cloned_between_obligors(told, traces_of_others)})


def _examined(told: Told, settings: TrustSettings, measured: Mapping[Check, Measured]) -> Examination:
    units = {check: _owners(told, check.level) for check in measured}
    comparisons = _comparisons(measured, units, len(told.obligor_ids))
    findings: dict[str, list[TrustFinding]] = defaultdict(list)
    strengths = {}
    for check, found in measured.items():
        own = units[check]
        raw = settings.nulls[check.name].strengths(found.statistic)
        strength = np.where(np.isnan(raw), np.nan, after_many(np.nan_to_num(raw), comparisons[own]))
        strengths[check.name] = _largest(strength, own, len(told.obligor_ids))
        for unit in np.flatnonzero(np.nan_to_num(strength) >= settings.thresholds[Severity.NOTE]).tolist():
            how = float(strength[unit])
            finding = _finding(told, check, found, unit, strength=how, severity=settings.severity(how))
            findings[told.obligor_ids[own[unit]]].append(finding)
    return Examination(
        obligor_ids=told.obligor_ids,
        findings=findings,
        checks=_states(told, measured, units, findings),
        strengths=strengths,
    )


def _owners(told: Told, level: Level) -> Ints:
    """(unit,): position of its obligor."""
    return told.owner if level is Level.MACHINE else np.arange(len(told.obligor_ids))


def _comparisons(measured: Mapping[Check, Measured], units: Mapping[Check, Ints], obligors: int) -> Floats:
    """(obligor,): how many comparisons could be made for it and its machines."""
    made = np.zeros(obligors)
    for check, found in measured.items():
        np.add.at(made, units[check], ~np.isnan(found.statistic))
    return made


def _largest(strength: Floats, owner: Ints, obligors: int) -> Floats:
    largest = np.full(obligors, np.nan)
    np.fmax.at(largest, owner, strength)
    return largest


def _finding(
    told: Told, check: Check, found: Measured, unit: int, *, strength: float, severity: Severity | None
) -> TrustFinding:
    assert severity is not None, "a finding is at least a note"
    column = int(found.since[unit])
    evidence: dict[str, Any] = {"statistic": _number(found.statistic[unit])}
    evidence |= {name: _number(values[unit]) for name, values in found.evidence.items()}
    return TrustFinding(
        code=check.code,
        severity=severity,
        machine_uid=MachineUid(told.machine_uids[unit]) if check.level is Level.MACHINE else None,
        since=None if column == NO_DAY else EPOCH_DAY + timedelta(days=told.first_day + column),
        evidence=evidence,
        strength=round(strength, 2),
    )


def _number(value: Any) -> Any:
    """A figure to six digits, None where there is none; text as it is."""
    if isinstance(value, str):
        return value
    return None if np.isnan(value) else float(f"{float(value):.6g}")


def _states(
    told: Told,
    measured: Mapping[Check, Measured],
    units: Mapping[Check, Ints],
    findings: Mapping[str, Sequence[TrustFinding]],
) -> dict[str, dict[str, CheckState]]:
    """What became of each comparison, by obligor and code: the worst of it, where it was made at all."""
    states: dict[str, dict[str, CheckState]] = {obligor: {} for obligor in told.obligor_ids}
    obligors = len(told.obligor_ids)
    compared, sourced = (defaultdict[str, Any](lambda: np.zeros(obligors)) for _ in range(2))
    for check, found in measured.items():
        np.add.at(compared[check.code], units[check], ~np.isnan(found.statistic))
        np.add.at(sourced[check.code], units[check], found.has_source)
    for code, made in compared.items():
        for number, obligor in enumerate(told.obligor_ids):
            disagrees = any(
                finding.code == code and finding.severity is not Severity.NOTE for finding in findings.get(obligor, ())
            )
            states[obligor][code] = _state(
                disagrees=disagrees, made=bool(made[number]), sourced=bool(sourced[code][number])
            )
    return states


def _state(*, disagrees: bool, made: bool, sourced: bool) -> CheckState:
    if disagrees:
        return CheckState.DISAGREES
    if not sourced:
        return CheckState.NO_SOURCE
    return CheckState.AGREES if made else CheckState.NOT_ENOUGH_HISTORY
