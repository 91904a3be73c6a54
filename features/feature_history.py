"""Everything that the features of some obligors rest on, as one history: their days, their ledgers, their machines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np

from features.daily import build_history, day_rows, history_of_rows
from features.declaration import HISTORY_DAYS, MACHINE_DAYS, RECENT_DAYS
from features.history import DailyHistory, Fleet, Level
from features.ledgers import Ledgers, with_ledgers
from features.machine_day.machine_days import MachineDays


def feature_history(
    machine_days: MachineDays,
    ledgers: Ledgers,
    *,
    as_of: datetime,
    obligor_ids: Sequence[str] | None = None,
    zones: Mapping[str, str] | None = None,
) -> DailyHistory:
    """The history of these obligors (all with machine-days, if None), with their ledgers and their fleet.

    `machine_days` must reach back `HISTORY_DAYS`, as must the ledgers. `zones` are those of obligors of whose machines
    nothing was heard.
    """
    rows = day_rows(machine_days, as_of)
    obligors = history_of_rows(
        rows, level=Level.OBLIGOR, days=HISTORY_DAYS, recent_days=RECENT_DAYS, obligor_ids=obligor_ids, zones=zones
    )
    machines = with_ledgers(history_of_rows(rows, level=Level.MACHINE, days=MACHINE_DAYS), ledgers)
    return replace(with_ledgers(obligors, ledgers), fleet=fleet_of(machines, obligors.units))


def machine_history(machine_days: MachineDays, ledgers: Ledgers, *, as_of: datetime) -> DailyHistory:
    """The history of the machines owned at `as_of`, with their upkeep, their places and their value."""
    machines = build_history(machine_days, level=Level.MACHINE, as_of=as_of, days=MACHINE_DAYS)
    return with_ledgers(machines, ledgers)


def fleet_of(machines: DailyHistory, units: Sequence[str]) -> Fleet:
    """The machines beside the units that own them (-1: none of these)."""
    position = {unit: number for number, unit in enumerate(units)}
    owner = np.array([position.get(obligor, -1) for obligor in machines.obligor_ids], dtype=np.int64)
    return Fleet(history=machines, owner=owner)


def of_industries(history: DailyHistory, divisions: Mapping[str, str]) -> DailyHistory:
    """The history with the industry of each unit's owner, for comparing with peers."""
    return replace(history, industries=tuple(divisions.get(obligor) for obligor in history.obligor_ids))
