"""Days that are told twice: a machine repeating earlier days of its own, or two machines telling the same days.

A day of work is a vector: its seconds by state and its parts. Vectors are put into cells (quantised under several
random offsets), so that days which differ by a little jitter share a cell under most of them; whatever shares cells
often is then compared day by day, energy included. How often two days agree by chance is read off the same machines at
other lags, so that a machine whose days are all alike gives no alarm.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from features.data_trust.chance import log_at_least
from features.data_trust.measured import NO_DAY, Bools, Floats, Ints, Measured, ever
from features.data_trust.meeting import Cells, cells_of, lag_votes, meetings, sharing_pairs
from features.data_trust.told import Told, or_nothing

STATES = ("executing_seconds", "idle_seconds", "setup_seconds", "fault_seconds", "maintenance_seconds", "off_seconds")
LEAST_WORK_SECONDS = 3600.0
CELL_SECONDS, CELL_LOG_PARTS = 900.0, 0.02
TABLES = 3
LONGEST_LAG_DAYS = 182
CONTROL_LAGS = (7, 14, 21, 35, 49, 63, 77, 91, 119, 133)
LEAST_SHARED = 3
"""Cells that a lag or a pair must share to be compared day by day."""
LARGEST_STRENGTH = 300.0
_SEED = 20260701


@dataclass(frozen=True, kw_only=True, eq=False)
class Days:
    """Days of work as vectors: `seconds` of each state, `parts` and `kwh` (row, day); `works` says which count."""

    seconds: tuple[Floats, ...]
    parts: Floats
    kwh: Floats
    works: Bools

    @cached_property
    def worked(self) -> tuple[Ints, Ints]:
        """(row, column) of every day of work, row by row."""
        row, column = np.nonzero(self.works)
        return row, column

    @cached_property
    def first(self) -> Ints:
        """(row + 1,): the place among `worked` at which the days of each row begin."""
        return np.append(0, np.cumsum(self.works.sum(axis=1)))

    @cached_property
    def cells(self) -> Cells:
        """(table, day of work): the cell of each day of work under each table of random offsets."""
        parts = np.log1p(self.parts[self.worked]) / CELL_LOG_PARTS
        offsets, mix = zip(*(_table(number) for number in range(TABLES)), strict=True)
        tables = np.stack(offsets), np.stack(mix)
        return np.asarray(cells_of(self.seconds, parts, self.worked, tables, CELL_SECONDS))

    def meet(self, one: Ints, other: Ints, lag: Ints) -> tuple[Bools, Bools]:
        """(pair, day): the day of a row tells the same as that of the other so many days before; both are days of
        work."""
        same, both = meetings((self.seconds, self.parts, self.kwh, self.works), one, other, lag)
        return same, both


def _table(number: int) -> tuple[Floats, Cells]:
    """Random offsets of a table and what tells its cells apart, for each part of a vector."""
    random = np.random.default_rng((_SEED, number))
    offsets = random.random(len(STATES) + 1)
    return offsets, random.integers(1, 2**63, len(offsets), dtype=np.uint64) | np.uint64(1)


def days_of(told: Told) -> Days:
    """The days of work of every row."""
    measures = told.measures
    return Days(
        seconds=tuple(measures[name] for name in STATES),
        parts=or_nothing(measures["parts"]),
        kwh=measures["energy_kwh"],
        works=measures["executing_seconds"] >= LEAST_WORK_SECONDS,
    )


def replayed_days(told: Told, days: Days) -> Measured:
    """Days of a machine that repeat those a fixed number of days before: how far beyond chance, as -log10 of it."""
    lag = _likely_lag(days)
    same, both = _at_lag(days, np.arange(len(lag)), lag)
    matched, compared = same.sum(axis=1), both.sum(axis=1)
    chance = np.ones(len(lag))
    worth = np.flatnonzero(matched >= LEAST_SHARED)
    chance[worth] = _chance(days, worth, lag[worth])
    tried = np.minimum(LONGEST_LAG_DAYS, told.days)
    run = _longest_run(same, both)
    strength = np.maximum(
        chance_strength(matched, compared, chance, tries=np.full(len(lag), tried)),
        _strength_of_run(run, compared * tried, chance),
    )
    return Measured(
        statistic=np.where(days.works.sum(axis=1) >= 2 * LEAST_SHARED, strength, np.nan),
        since=np.where(matched > 0, _begins(same, both), NO_DAY),
        has_source=ever(told.measures["executing_seconds"]),
        evidence={
            "lag_days": lag.astype(np.float64),
            "repeated_days": matched.astype(np.float64),
            "compared_days": compared.astype(np.float64),
            "expected_by_chance": chance * compared,
            "longest_run_days": run.astype(np.float64),
        },
    )


def cloned_days(told: Told, days: Days) -> Measured:
    """Days on which a machine tells what another of the same obligor tells of the same days, as -log10 of chance."""
    one, other = sharing_pairs(days.cells, days.worked[1], days.first, told.owner, LEAST_SHARED)
    same, both = days.meet(one, other, np.zeros_like(one))
    matched, compared = same.sum(axis=1), both.sum(axis=1)
    chance = _pair_chance(days, one, other)
    machines = np.bincount(told.owner, minlength=len(told.obligor_ids))[told.owner[one]]
    strength = chance_strength(matched, compared, chance, tries=machines * (machines - 1) / 2)
    rows = len(told.owner)
    best = np.zeros(rows)
    chosen = np.full(rows, -1)
    for row in (one, other):
        order = np.argsort(strength, kind="stable")
        best[row[order]], chosen[row[order]] = np.maximum(best[row[order]], strength[order]), order
    alone = np.bincount(told.owner, minlength=len(told.obligor_ids))[told.owner] < 2
    found = chosen >= 0
    pair = np.where(found, chosen, 0)
    numbers = {"same_days": matched, "compared_days": compared, "expected_by_chance": chance * compared}
    return Measured(
        statistic=np.where(alone | ~days.works.any(axis=1), np.nan, best),
        since=np.where(found, _begins(same, both)[pair], NO_DAY) if len(one) else np.full(rows, NO_DAY),
        has_source=~alone & ever(told.measures["executing_seconds"]),
        evidence={
            name: np.where(found, values[pair], np.nan) if len(one) else np.full(rows, np.nan)
            for name, values in numbers.items()
        },
    )


def _longest_run(same: Bools, both: Bools) -> Ints:
    """(row,): the most agreeing days in a row, days without work left out."""
    run, longest = np.zeros(len(same), dtype=np.int64), np.zeros(len(same), dtype=np.int64)
    for column in range(same.shape[1]):
        run = np.where(same[:, column], run + 1, np.where(both[:, column], 0, run))
        longest = np.maximum(longest, run)
    return longest


def _strength_of_run(run: Ints, places: Ints, chance: Floats) -> Floats:
    """-log10 of the chance of so many agreements in a row anywhere: what a frozen or replayed stretch looks like."""
    return np.asarray(
        np.clip(-run * np.log10(chance) - np.log10(np.maximum(places, 1)), 0.0, LARGEST_STRENGTH)
        * (run >= LEAST_SHARED)
    )


def _begins(same: Bools, both: Bools) -> Ints:
    """(row,): where the run of days begins in which agreeing days outnumber the others by most."""
    gain = np.concatenate([np.zeros((len(same), 1)), np.cumsum(2.0 * same - both, axis=1)], axis=1)
    lowest = np.minimum.accumulate(gain, axis=1)
    end = (gain - lowest).argmax(axis=1)
    before = np.where(np.arange(gain.shape[1]) <= end[:, None], gain, np.inf)
    return np.asarray(before.argmin(axis=1))


def _likely_lag(days: Days) -> Ints:
    """(row,): the lag at which days most often share a cell with the last day before them in it; 0 where none does."""
    votes = lag_votes(days.cells, days.worked[1], days.first, LONGEST_LAG_DAYS)
    return np.where(votes.max(axis=1, initial=0) >= LEAST_SHARED, votes.argmax(axis=1), 0)


def _at_lag(days: Days, rows: Ints, lag: Ints) -> tuple[Bools, Bools]:
    """(row, day): the day agrees with the one so many days before (none at lag 0); both are days of work."""
    return days.meet(rows, rows, np.where(lag > 0, lag, days.works.shape[1]))


def _chance(days: Days, rows: Ints, lag: Ints) -> Floats:
    """(row,): the share of days that agree at other lags of whole weeks, none a multiple of a `lag` of weeks."""
    matched, compared = np.zeros(len(lag)), np.zeros(len(lag))
    for control in CONTROL_LAGS:
        apart = (lag < CONTROL_LAGS[0]) | (control % np.maximum(lag, 1) != 0)
        same, both = _at_lag(days, rows, np.where(apart & (lag > 0), control, 0))
        matched += same.sum(axis=1)
        compared += both.sum(axis=1)
    return np.asarray((matched + 1.0) / (compared + 2.0))


def _pair_chance(days: Days, one: Ints, other: Ints) -> Floats:
    """(pair,): the share of days of one that agree with days of the other some whole weeks before."""
    matched, compared = np.zeros(len(one)), np.zeros(len(one))
    for control in CONTROL_LAGS:
        same, both = days.meet(one, other, np.full_like(one, control))
        matched += same.sum(axis=1)
        compared += both.sum(axis=1)
    return np.asarray((matched + 1.0) / (compared + 2.0))


def chance_strength(matched: Ints, compared: Ints, chance: Floats, *, tries: Floats) -> Floats:
    """-log10 of the chance of so many or more agreements in any of so many tries."""
    tail = -log_at_least(matched, compared, chance) / np.log(10.0)
    return np.asarray(np.clip(tail - np.log10(np.maximum(tries, 1.0)), 0.0, LARGEST_STRENGTH))
