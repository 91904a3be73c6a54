"""The power-only points of 电E贷 for every obligor of a world; see `scoring.training.power_points`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np

from api.snapshots.service import reader
from benchmarks.worlds.built import BuiltWorld
from features.as_of import load_machine_days
from features.daily import build_history
from features.history import Level
from scoring.training.power_points import MONTHS, points_of

DAYS_PER_MONTH = 30


def power_points(world: BuiltWorld, as_of: datetime) -> dict[str, float]:
    """Points of every obligor with a month of energy known at `as_of`: the more, the better."""
    days = DAYS_PER_MONTH * MONTHS
    first_day = as_of.astimezone(UTC).date() - timedelta(days=days + 2)
    with world.home.engine.connect() as connection:
        machine_days, _ = load_machine_days(reader(connection, world.home), as_of=as_of, first_day=first_day)
    history = build_history(machine_days, level=Level.OBLIGOR, as_of=as_of, days=days)
    months = np.nan_to_num(history.energy_kwh.values).reshape(len(history.units), MONTHS, DAYS_PER_MONTH).sum(axis=2)
    return dict(zip(history.units, points_of(months).tolist(), strict=True))
