"""What the roll-up found wrong in the data, with its evidence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from data_contracts.identifiers import MachineUid
from data_contracts.vocabulary import ELEMENTS
from features.trust import Severity, TrustFinding

OUTSIDE_OWNERSHIP = "outside_ownership"
AFTER_AS_OF = "after_as_of"
REPORT_DIFFERS = "report_differs"

SECONDS_TOLERANCE = 1.0
"""A report's element may differ by so much from the samples' before it is a finding: gateways round to seconds."""

KWH_TOLERANCE = 1e-3
"""As above, of energy."""

PARTS_TOLERANCE = 0.5
"""As above, of parts, which are whole."""

_COMPARED = tuple(element for element in ELEMENTS if element != "unknown_seconds")
"""Without the unknown: a report speaks of the whole day, samples from the first one on."""

_TOLERANCES = {**dict.fromkeys(_COMPARED, SECONDS_TOLERANCE), "energy_kwh": KWH_TOLERANCE, "parts": PARTS_TOLERANCE}


def left_out(code: str, noun: str, counts: Iterable[Mapping[str, int]]) -> list[TrustFinding]:
    """A finding for each machine of which rows were left out, with their number."""
    total: dict[str, int] = {}
    for part in counts:
        for machine, count in part.items():
            total[machine] = total.get(machine, 0) + count
    return [
        TrustFinding(
            code=code,
            severity=Severity.MODERATE,
            machine_uid=MachineUid(machine),
            since=None,
            evidence={noun: count},
        )
        for machine, count in sorted(total.items())
    ]


def count_by_machine(machine_uids: pa.ChunkedArray, chosen: NDArray[np.bool_]) -> dict[str, int]:
    """How many of the chosen rows each machine has."""
    counts = machine_uids.filter(pa.array(chosen)).value_counts().to_pylist() if chosen.any() else []
    return {item["values"]: item["counts"] for item in counts}


def reports_that_differ(samples: pa.Table, reports: pa.Table) -> list[TrustFinding]:
    """Machine-days of samples against the reports of the same machine and day (row by row), beyond rounding."""
    differing: dict[int, dict[str, Any]] = {}
    for name, tolerance in _TOLERANCES.items():
        mine, other = (table[name].cast(pa.float64()).to_numpy() for table in (samples, reports))
        for row in np.flatnonzero(np.abs(mine - other) > tolerance):
            differing.setdefault(int(row), {})[name] = {"samples": float(mine[row]), "report": float(other[row])}
    machines, days = samples["machine_uid"].to_pylist(), samples["day"].to_pylist()
    return [_differs(machines[row], days[row], differing[row]) for row in sorted(differing)]


def _differs(machine: str, day: date, evidence: Mapping[str, Any]) -> TrustFinding:
    return TrustFinding(
        code=REPORT_DIFFERS,
        severity=Severity.MODERATE,
        machine_uid=MachineUid(machine),
        since=day,
        evidence=evidence,
    )
