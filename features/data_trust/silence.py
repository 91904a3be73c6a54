"""Silence by choice: all gateways of an obligor silent for whole days, from midnight to midnight, again and again."""

from __future__ import annotations

import numpy as np

from features.data_trust.measured import NO_DAY, Bools, Floats, Measured
from features.data_trust.told import Told

SILENT_SHARE = 0.999
EDGE_SECONDS = 900.0
"""Unknown time on the day before or after within which a spell still counts as cut at midnight."""
EVE_OF_INSPECTION = 2.0
_DAYS_PER_YEAR = 365.25


def selective_silence(told: Told) -> Measured:
    """Spells of wholly silent days that begin and end within `EDGE_SECONDS` of midnight, over the years in which the
    obligor was heard: networks fail at any hour, plugs are pulled by the calendar. A spell of n days adds log2(1 + n)
    to the statistic: long ones are rare by chance; one that ends on the eve of an inspection counts
    `EVE_OF_INSPECTION` times. On the last day told a spell has no second edge."""
    unknown, length, machines = _unknown(told)
    heard = machines > 0
    silent = heard & (unknown >= SILENT_SHARE * length)
    whole = heard & (unknown <= EDGE_SECONDS * machines)
    begins = silent[:, 1:] & whole[:, :-1]
    ends = np.zeros_like(silent)
    ends[:, :-1] = silent[:, :-1] & whole[:, 1:]
    ends[:, -1] = silent[:, -1]
    eve = np.zeros_like(silent)
    eve[:, :-1] = np.nan_to_num(told.ledgers.inspections[:, 1:]) > 0
    first, number, days, weight, before = _spells(silent, begins, ends, eve)
    known: Bools = np.asarray(heard.any(axis=1))
    years = heard.sum(axis=1) / _DAYS_PER_YEAR
    return Measured(
        statistic=np.where(known, weight, np.nan),
        since=np.where(number > 0, first, NO_DAY),
        has_source=known,
        evidence={"spells": number, "silent_days": days, "before_inspections": before, "years": years},
    )


def _unknown(told: Told) -> tuple[Floats, Floats, Floats]:
    """(obligor, day): unknown seconds, seconds, and machines of which there is a machine-day."""
    unknown = told.measures["unknown_seconds"]
    seconds = unknown + sum(
        told.measures[f"{name}_seconds"] for name in ("off", "fault", "maintenance", "setup", "executing", "idle")
    )
    there = (~np.isnan(unknown)).astype(np.float64)
    return told.by_obligor(unknown), told.by_obligor(seconds), told.by_obligor(there)


def _spells(silent: Bools, begins: Bools, ends: Bools, eve: Bools) -> tuple[np.ndarray, Floats, Floats, Floats, Floats]:
    """Column of the first spell with two clean edges, how many there are, their days together, their weight, and how
    many end on the eve of an inspection."""
    count, columns = silent.shape
    number, days, weight, before = (np.zeros(count) for _ in range(4))
    first = np.full(count, columns)
    start = np.full(count, NO_DAY)
    for column in range(columns):
        began = begins[:, column - 1] if column else np.zeros(count, dtype=np.bool_)
        start = np.where(began, column, np.where(silent[:, column], start, NO_DAY))
        closed = ends[:, column] & (start != NO_DAY)
        number += closed
        length = np.where(closed, column - start + 1, 0)
        days += length
        on_eve = closed & eve[:, column]
        weight += np.log2(1.0 + length) * np.where(on_eve, EVE_OF_INSPECTION, 1.0)
        before += on_eve
        first = np.where(closed, np.minimum(first, start), first)
    return first, number, days, weight, before
