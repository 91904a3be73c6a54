"""Modes that nobody switched: honest daily reports told as gateways tell them whose operators forget.

The simulator's gateway files bear such mistakes and its daily reports do not (`docs/world-observed.md`), so they are made
here, of reports, at the simulator's own rate: on a machine-day on which it is forgotten all setup is told as execution and
all maintenance as waiting, with the energy that belongs to them. Hour meters, counters and bills go on telling the truth.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.machine_day.arrow import day_numbers, encoded
from simulator.parameter_values import load_parameters
from simulator.world import PARAMETERS_AS_OF

MISTAKEN = {"setup": "executing", "maintenance": "idle"}
"""What a machine seems to do when its operator forgets to switch the mode, as the simulator's gateways have it."""
OTHER_STATES = ("fault", "maintenance", "setup")
"""States whose energy `energy_other_kwh` tells, together."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """How often modes are not switched: on which share of machine-days, each by itself, and from which day on."""

    per_day: float
    since: date = date.min


SWITCHED = Habit(per_day=0.0)
USUAL = Habit(per_day=load_parameters(PARAMETERS_AS_OF).observation.mislabels_per_day)
"""What the simulator's gateway files bear."""


def mislabelled(reports: pa.Table, habit: Habit, *, seed: int) -> pa.Table:
    """The reports with the modes of some machine-days not switched.

    Which ones follows from the seed, the machine and the day alone, whatever the order of rows and whoever else is told.
    Energy moves by the time that states have of what `energy_other_kwh` tells of together; the day's totals stay.
    """
    forgotten = _forgotten(reports, habit, seed)
    told = {name: _floats(reports, f"{name}_seconds") for name in (*OTHER_STATES, *MISTAKEN.values())}
    kwh = {name: _floats(reports, f"energy_{name}_kwh") for name in ("executing", "idle", "other")}
    together = np.sum([told[name] for name in OTHER_STATES], axis=0)
    per_second = np.divide(kwh["other"], together, out=np.zeros_like(together), where=together > 0)
    for right, wrong in MISTAKEN.items():
        seconds = np.where(forgotten, told[right], 0.0)
        moved = seconds * per_second
        told[right], told[wrong] = told[right] - seconds, told[wrong] + seconds
        kwh["other"], kwh[wrong] = kwh["other"] - moved, kwh[wrong] + moved
    columns = {f"{name}_seconds": values for name, values in told.items()}
    columns |= {f"energy_{name}_kwh": values for name, values in kwh.items()}
    for name, values in columns.items():
        field = reports.schema.field(name)
        reports = reports.set_column(reports.schema.get_field_index(name), field, pa.array(values, from_pandas=True))
    return reports


def _forgotten(reports: pa.Table, habit: Habit, seed: int) -> NDArray[np.bool_]:
    uids, of_uid = encoded(reports["machine_uid"])
    days = day_numbers(reports["day"])
    chance = np.array([_chances(uid, int(days.max()) + 1, seed) for uid in uids])[of_uid, days]
    since = np.datetime64(habit.since, "D").astype(np.int64)
    return np.asarray((chance < habit.per_day) & (days >= since))


def _chances(uid: str, days: int, seed: int) -> Floats:
    """A machine's uniform numbers by day since 1970."""
    return np.random.default_rng([seed, zlib.crc32(uid.encode())]).random(days)


def _floats(reports: pa.Table, name: str) -> Floats:
    return np.array(pc.cast(reports[name], pa.float64()).to_numpy(), dtype=np.float64)
