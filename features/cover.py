"""Exposure and insurance claims of machines in a span of time: what insurance models are trained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.machine_day.arrow import micros
from features.machine_day.days import MICROS_PER_DAY, Micros

_COVER_YEAR = 365 * MICROS_PER_DAY


def cover_columns(
    policies: pa.Table, claims: pa.Table, *, units: Sequence[str], after: int, until: int
) -> dict[str, NDArray[Any]]:
    """Columns of an insurance training set for the machines `units` in (after, until], instants in microseconds.

    `exposure_years` (time under any policy, in years of 365 days), `claim_counts`, `claim_amounts_minor`, and
    `sums_insured_minor` and `currencies` of the policy that covers most of it (the later one, if two do).
    """
    position = {unit: number for number, unit in enumerate(units)}
    unit = _positions(policies, position)
    starts = np.maximum(micros(policies["event_time"]), after)
    ends = np.minimum(micros(policies["expires_time"]), until)
    live = np.flatnonzero((unit >= 0) & (ends > starts))
    live = live[np.lexsort((starts[live], unit[live]))]
    unit, starts, ends = unit[live], starts[live], ends[live]
    exposed = np.zeros(len(units), dtype=np.int64)
    np.add.at(exposed, unit, _beyond_earlier(unit, starts, ends))
    longest = np.full(len(units), -1, dtype=np.int64)
    by_length = np.lexsort((starts, ends - starts))
    longest[unit[by_length]] = live[by_length]
    covered = longest >= 0
    sums, currencies = np.zeros(len(units), dtype=np.int64), np.full(len(units), None, dtype=np.object_)
    sums[covered] = policies["sum_insured_minor"].to_numpy()[longest[covered]]
    currencies[covered] = np.array(policies["currency"].to_pylist(), dtype=np.object_)[longest[covered]]
    return {
        "exposure_years": exposed / _COVER_YEAR,
        "sums_insured_minor": sums,
        "currencies": currencies,
        **_claims(claims, position, after, until),
    }


def _beyond_earlier(unit: NDArray[np.int64], starts: Micros, ends: Micros) -> Micros:
    """Length of each interval (sorted by unit and start) beyond those of its unit before it: overlaps count once."""
    lengths = np.zeros(len(unit), dtype=np.int64)
    reached, current = 0, -1
    for row in range(len(unit)):
        reached = int(starts[row]) if unit[row] != current else max(reached, int(starts[row]))
        current = int(unit[row])
        lengths[row] = max(int(ends[row]) - reached, 0)
        reached = max(reached, int(ends[row]))
    return lengths


def _claims(claims: pa.Table, position: dict[str, int], after: int, until: int) -> dict[str, NDArray[np.int64]]:
    unit, instants = _positions(claims, position), micros(claims["event_time"])
    inside = (unit >= 0) & (instants > after) & (instants <= until)
    counts, amounts = np.zeros(len(position), dtype=np.int64), np.zeros(len(position), dtype=np.int64)
    np.add.at(counts, unit[inside], 1)
    np.add.at(amounts, unit[inside], claims["amount_minor"].to_numpy()[inside])
    return {"claim_counts": counts, "claim_amounts_minor": amounts}


def _positions(table: pa.Table, position: dict[str, int]) -> NDArray[np.int64]:
    return np.array([position.get(uid, -1) for uid in table["machine_uid"].to_pylist()], dtype=np.int64)
