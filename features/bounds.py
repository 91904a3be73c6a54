"""Between which values a feature lies, whatever the time that nobody observed would have shown.

A *completion* of a history puts every unobserved second of the machines' ownership into some state. The bounds of a
feature hold for all completions. Taking rows away only turns observed seconds into unobserved ones, so that every
completion of the fuller history is one of the poorer history, and bounds only widen: docs/withholding.md rests on it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.daily import OwnedTime
from features.history import Array, DailyHistory, Measure, Window

IGNORED_SECONDS = 1.0
"""Unobserved time of a unit and day below this is a report's rounding."""

_STATES = ("off_seconds", "fault_seconds", "maintenance_seconds", "setup_seconds", "executing_seconds", "idle_seconds")


@dataclass(frozen=True, slots=True)
class Interval:
    """The least and the greatest value of a feature for each unit; NaN where nothing is ruled out."""

    lowest: Array
    highest: Array


@dataclass(frozen=True, eq=False)
class Completions:
    """All completions of a history: what was observed, and the unobserved seconds of each unit and day.

    A gap that counts as off only because the source's silence means off is unobserved here.
    """

    observed: DailyHistory
    owned: OwnedTime
    unobserved: Array

    def excusing(self, seconds: Array) -> Completions:
        """The same as if so many unobserved seconds of each unit and day had not been owned at all."""
        if not seconds.any():
            return self
        left = self.owned.seconds - seconds
        owned = OwnedTime(left, np.where(left > IGNORED_SECONDS, self.owned.machines, 0.0))
        return Completions(self.observed, owned, self.unobserved - seconds)

    def has_gap(self, window: Window) -> NDArray[np.bool_]:
        """Units with unobserved time in the window."""
        return np.asarray((_over(self.unobserved, window) > 0).any(axis=1))

    @cached_property
    def extremes(self) -> tuple[DailyHistory, ...]:
        """The completions in which all unobserved seconds were in one state, one for each state: many features ask for
        the same sums of them."""
        return tuple(self._all_in(state) for state in _STATES)

    def _all_in(self, state: str) -> DailyHistory:
        base = self._complete()
        changed: dict[str, Any] = {state: Measure(self._recent(getattr(base, state)) + self.unobserved)}
        if state != "off_seconds":
            changed["powered_seconds"] = Measure(self._recent(base.powered_seconds) + self.unobserved)
        if state == "executing_seconds":
            some = np.where(self.unobserved > 0, self.owned.machines, self._recent(base.active_machine_days))
            changed["active_machine_days"] = Measure(some)
        return replace(base, **changed)

    def _complete(self) -> DailyHistory:
        """The history with its unobserved seconds counted as observed, in no state yet."""
        seen = self.observed
        owned, machines = Measure(self.owned.seconds), Measure(self.owned.machines)
        silent = self._recent(seen.observed_seconds) - self._recent(seen.sampled_seconds)
        return replace(
            seen,
            within_seconds=owned,
            machine_days=machines,
            off_seconds=Measure(self._recent(seen.off_seconds) - silent),
            unknown_seconds=Measure(np.zeros_like(silent)),
            observed_seconds=owned,
            sampled_seconds=owned,
            covered_seconds=owned,
            observed_machine_days=machines,
        )

    def _recent(self, measure: Measure) -> Array:
        """The days of a measure that completions are about."""
        return measure.last(self.unobserved.shape[1])


Values = Callable[[DailyHistory], Array]
"""A feature's formula for a window that is settled."""

BoundsFormula = Callable[[Completions, Window, Values], Interval]


def completions(history: DailyHistory, register: OwnedTime) -> Completions:
    """Every completion of the recent days of `history`, given what is owned by the register."""
    days = register.seconds.shape[1]
    owned = OwnedTime(
        np.maximum(register.seconds, history.within_seconds.last(days)),
        np.maximum(register.machines, history.machine_days.last(days)),
    )
    unobserved = owned.seconds - history.sampled_seconds.last(days)
    return Completions(history, owned, np.where(unobserved < IGNORED_SECONDS, 0.0, unobserved))


def exact_or_nothing(possible: Completions, window: Window, values: Values) -> Interval:
    """The value itself where all of the window was observed; else nothing is ruled out.

    For counts, energies and peaks: what a single hidden hour holds has no bound.
    """
    value = np.where(possible.has_gap(window), np.nan, values(possible.observed))
    return Interval(value, value)


def as_told(possible: Completions, window: Window, values: Values) -> Interval:
    """For what others tell of an obligor, who cannot withhold it: as it is."""
    value = values(possible.observed)
    return Interval(value, value)


def over_states(possible: Completions, window: Window, values: Values) -> Interval:
    """For what is extreme where all unobserved seconds are in one state. Nothing is ruled out where one of these has
    no value.

    So is a ratio of two sums of seconds (or of machine-days) over the window, which is linear over linear in how they
    are split between the states; and so are counts of days without work, which only seconds of execution take away.
    """
    found = np.array([values(extreme) for extreme in possible.extremes])
    return Interval(found.min(axis=0), found.max(axis=0))


def by_coverage(possible: Completions, window: Window, _: Values) -> Interval:
    """For the coverage: what machines said of their ownership, and all of it."""
    owned = Measure(possible.owned.seconds).sum_over(window)
    said = possible.observed.sampled_seconds.sum_over(window)
    lowest = np.divide(said, owned, out=np.full_like(owned, np.nan), where=owned > 0)
    return Interval(lowest, np.where(owned > 0, 1.0, np.nan))


def worst_and_best(interval: Interval, *, risk: int) -> tuple[Array, Array]:
    """The worst and the best end by the sign of risk; NaN both where the sign is not settled."""
    if risk == 0:
        nothing = np.full_like(interval.lowest, np.nan)
        return nothing, nothing
    return (interval.highest, interval.lowest) if risk > 0 else (interval.lowest, interval.highest)


def _over(values: Array, window: Window) -> Array:
    return Measure(values).over(window)
