"""Dense daily arrays of many obligors or machines at once: what every feature is computed from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from features.settings import FeatureSettings

Array = NDArray[np.float64]


class Level(StrEnum):
    """What a unit of a history is."""

    OBLIGOR = "obligor"
    MACHINE = "machine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The last `days` complete local days of a history, and the settings in force at its `as_of`."""

    days: int
    settings: FeatureSettings


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure as (unit, day) float64; NaN where no machine of the unit said it on that day."""

    values: Array

    def over(self, window: Window) -> Array:
        """The window's part: (unit, window.days)."""
        assert window.days <= self.values.shape[1], "a window longer than the history"
        return self.values[:, self.values.shape[1] - window.days :]

    def sum_over(self, window: Window) -> Array:
        """Sum over the window for each unit; NaN where it was said on no day of it."""
        return nan_sum(self.over(window))


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyHistory:
    """Measures of each unit on each of the last complete local days before an `as_of`: sums over the unit's machines.

    Column j of a unit is its local day `last_days - (days - 1 - j)`; sites in different zones may have different last
    complete days. Seconds are 0 on days outside ownership or before the unit's first day; energies, peaks, parts and
    fault starts are NaN where no machine said them. `within_seconds` is the time in ownership from the first day on,
    also after the last sample. `covered_seconds` is what the coverage counts: the observed seconds, or the sampled
    ones when adverse. `peak_energy_kwh` is what powered machines would have drawn at their day's peak,
    `peaked_energy_kwh` what those with a peak did draw. `metered_`, `watched_` and `counted_` measures are executing
    seconds (or kWh) of the machine-days that said energy, fault starts, or parts (and energy): so that a ratio's two
    sides always cover the same machines.
    """

    level: Level
    units: tuple[str, ...]
    obligor_ids: tuple[str, ...]
    last_days: NDArray[np.datetime64]

    within_seconds: Measure
    unknown_seconds: Measure
    off_seconds: Measure
    fault_seconds: Measure
    maintenance_seconds: Measure
    setup_seconds: Measure
    executing_seconds: Measure
    idle_seconds: Measure
    powered_seconds: Measure
    observed_seconds: Measure
    sampled_seconds: Measure
    covered_seconds: Measure

    energy_kwh: Measure
    energy_executing_kwh: Measure
    energy_idle_kwh: Measure
    energy_other_kwh: Measure
    peak_energy_kwh: Measure
    peaked_energy_kwh: Measure
    parts: Measure
    fault_starts: Measure
    metered_executing_seconds: Measure
    watched_executing_seconds: Measure
    counted_executing_seconds: Measure
    counted_executing_kwh: Measure

    machine_days: Measure
    observed_machine_days: Measure
    active_machine_days: Measure

    first_observed: NDArray[np.int64]
    """Column of the unit's first observed day within the history; the number of days where there is none."""

    @property
    def days(self) -> NDArray[np.datetime64]:
        """Local calendar day of each cell: (unit, day) datetime64[D]."""
        count = self.within_seconds.values.shape[1]
        back = np.arange(count - 1, -1, -1).astype("timedelta64[D]")
        return np.asarray(self.last_days[:, None] - back[None, :])

    def adverse(self) -> DailyHistory:
        """The same history as a pessimist reads it: every unknown second was off and seen to be off, and only time that
        rests on what machines said is covered (a gap is not, even where the source's silence means off)."""
        return replace(
            self,
            off_seconds=Measure(self.off_seconds.values + self.unknown_seconds.values),
            unknown_seconds=Measure(np.zeros_like(self.unknown_seconds.values)),
            observed_seconds=self.within_seconds,
            covered_seconds=self.sampled_seconds,
            observed_machine_days=self.machine_days,
        )


def nan_sum(values: Array) -> Array:
    """Row sums that skip NaN; NaN where a row is NaN throughout."""
    said = ~np.isnan(values)
    return np.where(said.any(axis=1), np.where(said, values, 0.0).sum(axis=1), np.nan)
