"""What an obligor's gaps are, by cause, with the evidence that a person can check: told with the findings, and no
disagreement, so that the grade stands as it is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from features.data_trust.codes import TrustCode
from features.data_trust.gaps import CAUSES, EXTERNAL, GapCause, GapEvidence, Heartbeat
from features.history import Array, DailyHistory
from features.trust import Severity, TrustFinding

SECONDS_PER_HOUR = 3600.0


def gap_findings(
    cause: NDArray[np.int8], evidence: GapEvidence, history: DailyHistory
) -> dict[str, list[TrustFinding]]:
    """A note for each obligor and cause of its gaps: how many days and hours of its machines, from the first such day
    on, and on how many of them each piece of evidence was there. `cause` and `evidence` are of obligors."""
    found: dict[str, list[TrustFinding]] = defaultdict(list)
    days = cause.shape[1]
    for position, name in enumerate(CAUSES):
        gap = cause == position
        figures = _figures(gap, evidence)
        first = gap.argmax(axis=1)
        for row in np.flatnonzero(gap.any(axis=1)).tolist():
            since = history.last_days[row] - np.timedelta64(days - 1 - int(first[row]), "D")
            found[history.units[row]].append(
                TrustFinding(
                    code=TrustCode(f"gap_{name}"),
                    severity=Severity.NOTE,
                    machine_uid=None,
                    since=since.astype("datetime64[D]").item(),
                    evidence=_told(name, figures, row),
                )
            )
    return found


def _figures(gap: NDArray[np.bool_], evidence: GapEvidence) -> Mapping[str, Array]:
    """Of each obligor's days with the gap: how long, and what speaks for its cause."""
    silent = np.where(gap, np.maximum(evidence.others_lost, evidence.others_power_lost), 0)
    told = gap & ~np.isnan(evidence.meter_ratio)
    draws = np.where(told, evidence.meter_ratio, 0.0).sum(axis=1) / np.maximum(told.sum(axis=1), 1)
    on_days = {
        "days": gap,
        "days_partly_heard": gap & evidence.heard,
        "days_heartbeat_present": gap & (evidence.heartbeat == Heartbeat.PRESENT),
        "days_heartbeat_lost": gap & (evidence.heartbeat == Heartbeat.LOST),
        "days_power_lost": gap & (evidence.heartbeat == Heartbeat.POWER_LOST),
        "days_power_notice": gap & evidence.power_notice,
        "days_of_rest": gap & evidence.is_rest,
        "days_of_holiday": gap & evidence.is_holiday,
        "days_billed": told,
    }
    return {
        "machine_hours": np.where(gap, evidence.unobserved, 0.0).sum(axis=1) / SECONDS_PER_HOUR,
        "sold_machine_hours": np.where(gap, evidence.sold_seconds, 0.0).sum(axis=1) / SECONDS_PER_HOUR,
        **{name: flags.sum(axis=1).astype(np.float64) for name, flags in on_days.items()},
        "most_others_silent": silent.max(axis=1, initial=0).astype(np.float64),
        "mean_meter_ratio": draws,
    }


def _told(cause: GapCause, figures: Mapping[str, Array], row: int) -> dict[str, float | bool]:
    """The figures that are not nothing, and whether the cause rests on independent evidence."""
    numbers = {name: float(f"{values[row]:.6g}") for name, values in figures.items()}
    billed = numbers["days_billed"] > 0
    said = {name: value for name, value in numbers.items() if value or (name == "mean_meter_ratio" and billed)}
    return {"external": cause in EXTERNAL, **said}
