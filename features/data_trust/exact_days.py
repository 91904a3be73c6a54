"""Days that are told again to the last digit, all machines of an obligor at once.

One machine tells an exact day twice by chance now and then: on a grid of quarter-hours and hundredths of a kWh one in
ten does so within two years. That several machines of one obligor do it at the same lag is no chance, so that even a
day or two of a replay are seen when all machines are taken together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.data_trust.measured import NO_DAY, Bools, Floats, Ints, Measured, ever
from features.data_trust.meeting import keys_of_days, lag_votes
from features.data_trust.told import Told, summed_by_owner
from features.data_trust.traces import CONTROL_LAGS, LONGEST_LAG_DAYS, STATES, Days, chance_strength

TOLD_WITH_A_DAY = (*STATES, "parts", "energy_kwh", "energy_executing_kwh", "energy_idle_kwh", "peak_kw")
LEAST_MACHINES = 2
"""That must repeat a day at one lag for an obligor to be looked at; one alone is looked at by `replayed_days`."""
_SEED = 20261128

Keys = NDArray[np.uint64]


def exactly_replayed_days(told: Told, days: Days) -> Measured:
    """Days that repeat to the last digit those a fixed number of days before, over all machines of an obligor: how far
    beyond chance, as -log10 of it, chance being what the same machines do at all other lags."""
    owners = len(told.obligor_ids)
    keys = _keys(told, days)
    lag, machines = _likely_lag(keys, days, told.owner, owners)
    chosen = np.flatnonzero(machines >= LEAST_MACHINES)
    counts = _counts(keys, told.owner, chosen, owners)
    at = lag[chosen], chosen
    matched, compared = counts.matched[at], counts.compared[at]
    chance = counts.elsewhere(lag[chosen], chosen)
    statistic = np.where(_of_any(told, np.asarray(days.works.any(axis=1))), 0.0, np.nan)
    tries = np.full(len(chosen), float(min(LONGEST_LAG_DAYS, told.days)))
    statistic[chosen] = chance_strength(matched, compared, chance, tries=tries)
    figures: dict[str, Floats | Ints] = {
        "machines": machines[chosen],
        "lag_days": lag[chosen],
        "repeated_days": matched,
        "compared_days": compared,
        "expected_by_chance": chance * compared,
    }
    return Measured(
        statistic=statistic,
        since=_since(keys, told.owner, lag, chosen, owners),
        has_source=_of_any(told, ever(told.measures["executing_seconds"])),
        evidence={name: _spread(values, chosen, owners) for name, values in figures.items()},
    )


def _of_any(told: Told, rows: Bools) -> Bools:
    """(obligor,): whether it holds of any of its rows."""
    return np.asarray(told.by_obligor(rows.astype(np.float64)) > 0)


def _keys(told: Told, days: Days) -> Keys:
    """(row, day): a number for everything told of a day of work; 0 on other days."""
    mix = np.random.default_rng(_SEED).integers(1, 2**63, len(TOLD_WITH_A_DAY), dtype=np.uint64) | np.uint64(1)
    return np.asarray(keys_of_days(tuple(told.measures[name] for name in TOLD_WITH_A_DAY), days.works, mix))


def _likely_lag(keys: Keys, days: Days, owner: Ints, owners: int) -> tuple[Ints, Ints]:
    """(owner,): the lag at which most machines tell the last day that was exactly so again, and how many do."""
    votes = lag_votes(keys[days.worked][None], days.worked[1], days.first, LONGEST_LAG_DAYS)
    machines = summed_by_owner((votes > 0).astype(np.float64), owner, owners)
    return machines.argmax(axis=1), machines.max(axis=1).astype(np.int64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Counts:
    """Exact repetitions and days that could have been one, as (lag, owner)."""

    matched: Ints
    compared: Ints

    def elsewhere(self, lag: Ints, owner: Ints) -> Floats:
        """(owner,): the share that is repeated at other lags, none a multiple of a `lag` of a week or more."""
        other = np.arange(len(self.matched))[:, None]
        apart = (other != lag) & ((lag < CONTROL_LAGS[0]) | (other % np.maximum(lag, 1) != 0))
        matched, compared = ((counts[:, owner] * apart).sum(axis=0) for counts in (self.matched, self.compared))
        return np.asarray((matched + 1.0) / (compared + 2.0))


def _counts(keys: Keys, owner: Ints, chosen: Ints, owners: int) -> _Counts:
    rows = np.flatnonzero(np.isin(owner, chosen))
    own = keys[rows]
    matched, compared = (np.zeros((LONGEST_LAG_DAYS + 1, owners), dtype=np.int64) for _ in range(2))
    for lag in range(1, min(LONGEST_LAG_DAYS, own.shape[1] - 1) + 1) if len(rows) else ():
        later, earlier = own[:, lag:], own[:, :-lag]
        both = (later > 0) & (earlier > 0)
        compared[lag] = summed_by_owner(both.sum(axis=1).astype(np.float64), owner[rows], owners)
        matched[lag] = summed_by_owner(_same(later, earlier).sum(axis=1).astype(np.float64), owner[rows], owners)
    return _Counts(matched=matched, compared=compared)


def _since(keys: Keys, owner: Ints, lag: Ints, chosen: Ints, owners: int) -> Ints:
    """(owner,): the first day that repeats one at the owner's lag."""
    since = np.full(owners, NO_DAY)
    for one in chosen.tolist():
        own = keys[owner == one]
        same = _same(own[:, lag[one] :], own[:, : -lag[one]]).any(axis=0)
        since[one] = lag[one] + int(same.argmax())
    return since


def _same(later: Keys, earlier: Keys) -> Bools:
    return np.asarray((later == earlier) & (later > 0))


def _spread(values: Floats | Ints, chosen: Ints, owners: int) -> Floats:
    """Figures of the obligors looked at among all, NaN for the others."""
    whole = np.full(owners, np.nan)
    whole[chosen] = values
    return whole
