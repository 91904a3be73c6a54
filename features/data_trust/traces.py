"""Days that are told twice: a machine repeating earlier days of its own, or two machines telling the same days.

A day of work is a vector: its seconds by state and its parts. Vectors are put into cells (quantised under several
random offsets), so that days which differ by a little jitter share a cell under most of them; whatever shares cells
often is then compared day by day, energy included. How often two days agree by chance is read off the same machines at
other lags, so that a machine whose days are all alike gives no alarm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from features.data_trust.measured import NO_DAY, Bools, Floats, Ints, Measured, ever
from features.data_trust.order import stable_order
from features.data_trust.told import Told

STATES = ("executing_seconds", "idle_seconds", "setup_seconds", "fault_seconds", "maintenance_seconds", "off_seconds")
LEAST_WORK_SECONDS = 3600.0
CELL_SECONDS, CELL_LOG_PARTS = 900.0, 0.02
TABLES = 3
LONGEST_LAG_DAYS = 182
CONTROL_LAGS = (7, 14, 21, 35, 49, 63, 77, 91, 119, 133)
SAME_SECONDS, SAME_PARTS_SHARE, SAME_LOG_KWH = 300.0, 0.005, 0.08
LEAST_SHARED = 3
"""Cells that a lag or a pair must share to be compared day by day."""
LARGEST_STRENGTH = 300.0
_SEED = 20260701


@dataclass(frozen=True, kw_only=True, eq=False)
class Days:
    """Days of work as vectors: `seconds` (row, day, state), `parts` and `kwh` (row, day); `works` says which count."""

    seconds: Floats
    parts: Floats
    kwh: Floats
    works: Bools

    def of(self, rows: Ints) -> Days:
        """Those of some rows."""
        return Days(seconds=self.seconds[rows], parts=self.parts[rows], kwh=self.kwh[rows], works=self.works[rows])

    @cached_property
    def worked(self) -> tuple[Ints, Ints]:
        """(row, column) of every day of work, row by row."""
        row, column = np.nonzero(self.works)
        return row, column

    @cached_property
    def cells(self) -> tuple[NDArray[np.uint64], ...]:
        """By table of random offsets: the cell of each day of work."""
        at = self.worked
        seconds = np.ascontiguousarray(self.seconds[at].T) / CELL_SECONDS
        vector = [*seconds, np.log1p(self.parts[at]) / CELL_LOG_PARTS]
        return tuple(_cells(vector, table) for table in range(TABLES))

    def agree(self, row: Ints, day: Ints, other_row: Ints, other_day: Ints) -> Bools:
        """Whether two days tell the same, up to jitter: seconds, parts and energy."""
        apart = np.abs(self.seconds[row, day] - self.seconds[other_row, other_day]).max(axis=-1)
        parts, others = self.parts[row, day], self.parts[other_row, other_day]
        kwh, other_kwh = self.kwh[row, day], self.kwh[other_row, other_day]
        ratio = np.abs(np.log(np.maximum(kwh, 1e-9) / np.maximum(other_kwh, 1e-9)))
        return np.asarray(
            self.works[row, day]
            & self.works[other_row, other_day]
            & (apart <= SAME_SECONDS)
            & (np.abs(parts - others) <= SAME_PARTS_SHARE * np.maximum(parts, others))
            & ((ratio <= SAME_LOG_KWH) | (np.isnan(kwh) & np.isnan(other_kwh)))
        )


def _cells(vector: Sequence[Floats], table: int) -> NDArray[np.uint64]:
    """The cell of each day, of the parts of its vector."""
    random = np.random.default_rng((_SEED, table))
    offsets = random.random(len(vector))
    mix = random.integers(1, 2**63, len(vector), dtype=np.uint64) | np.uint64(1)
    cells = np.zeros(len(vector[0]), dtype=np.uint64)
    for part, offset, one in zip(vector, offsets, mix, strict=True):
        cells += np.floor(part + offset).astype(np.int64).astype(np.uint64) * one
    return cells


def _with(cells: NDArray[np.uint64], *numbers: Ints) -> NDArray[np.uint64]:
    """Cells told apart by further numbers as well."""
    mix = np.random.default_rng(_SEED).integers(1, 2**63, len(numbers), dtype=np.uint64) | np.uint64(1)
    return np.asarray(cells + sum(part.astype(np.uint64) * one for part, one in zip(numbers, mix, strict=True)))


def days_of(told: Told) -> Days:
    """The days of work of every row."""
    measures = told.measures
    seconds = np.empty((*measures["parts"].shape, len(STATES)))
    for place, name in enumerate(STATES):
        seconds[..., place] = np.where(np.isnan(measures[name]), 0.0, measures[name])
    return Days(
        seconds=seconds,
        parts=np.nan_to_num(measures["parts"]),
        kwh=measures["energy_kwh"],
        works=np.nan_to_num(measures["executing_seconds"]) >= LEAST_WORK_SECONDS,
    )


def replayed_days(told: Told, days: Days) -> Measured:
    """Days of a machine that repeat those a fixed number of days before: how far beyond chance, as -log10 of it."""
    lag = _likely_lag(days)
    same, both = _at_lag(days, lag)
    matched, compared = same.sum(axis=1), both.sum(axis=1)
    chance = np.ones(len(lag))
    worth = np.flatnonzero(matched >= LEAST_SHARED)
    chance[worth] = _chance(days.of(worth), lag[worth])
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
    one, other = _likely_pairs(days, told.owner)
    column = np.arange(told.days)
    same = days.agree(one[:, None], column, other[:, None], column)
    both = days.works[one] & days.works[other]
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
    votes = np.zeros((len(days.works), LONGEST_LAG_DAYS + 1), dtype=np.int64)
    row, day = days.worked
    for cell in days.cells:
        key = _with(cell, row)
        order = stable_order(key)  # days of a row stay in their order
        again = key[order[1:]] == key[order[:-1]]
        gap = day[order[1:]] - day[order[:-1]]
        usable = again & (gap > 0) & (gap <= LONGEST_LAG_DAYS)
        np.add.at(votes, (row[order[1:]][usable], gap[usable]), 1)
    lag = votes.argmax(axis=1)
    return np.where(votes.max(axis=1) >= LEAST_SHARED, lag, 0)


def _at_lag(days: Days, lag: Ints) -> tuple[Bools, Bools]:
    """(row, day): the day agrees with the one so many days before; both are days of work."""
    row, column = np.nonzero(days.works & (lag > 0)[:, None] & (np.arange(days.works.shape[1]) >= lag[:, None]))
    before = column - lag[row]
    worked = days.works[row, before]
    row, column, before = row[worked], column[worked], before[worked]
    same, both = np.zeros_like(days.works), np.zeros_like(days.works)
    both[row, column] = True
    same[row, column] = days.agree(row, column, row, before)
    return same, both


def _chance(days: Days, lag: Ints) -> Floats:
    """(row,): the share of days that agree at other lags of whole weeks, none a multiple of a `lag` of weeks."""
    matched, compared = np.zeros(len(lag)), np.zeros(len(lag))
    for control in CONTROL_LAGS:
        apart = (lag < CONTROL_LAGS[0]) | (control % np.maximum(lag, 1) != 0)
        same, both = _at_lag(days, np.where(apart & (lag > 0), control, 0))
        matched += same.sum(axis=1)
        compared += both.sum(axis=1)
    return np.asarray((matched + 1.0) / (compared + 2.0))


def _likely_pairs(days: Days, owner: Ints) -> tuple[Ints, Ints]:
    """Pairs of rows of one owner that share the cell of a day often enough."""
    keys: list[Ints] = []
    rows = len(owner)
    row, day = days.worked
    for cell in days.cells:
        key = _with(cell, owner[row], day)
        order = stable_order(key)
        row_of, key = row[order], key[order]
        step, together = 1, key[1:] == key[:-1]
        while together.any():
            keys.append(row_of[:-step][together] * rows + row_of[step:][together])
            step += 1
            together = key[step:] == key[:-step]
    pairs, shared = np.unique(np.concatenate([*keys, np.empty(0, np.int64)]), return_counts=True)
    pairs = pairs[shared >= LEAST_SHARED]
    return pairs // max(rows, 1), pairs % max(rows, 1)


def _pair_chance(days: Days, one: Ints, other: Ints) -> Floats:
    """(pair,): the share of days of one that agree with days of the other some whole weeks before."""
    column = np.arange(days.works.shape[1])
    matched, compared = np.zeros(len(one)), np.zeros(len(one))
    for control in CONTROL_LAGS:
        before = np.maximum(column - control, 0)
        inside = column >= control
        both = days.works[one] & days.works[other][:, before] & inside
        matched += (days.agree(one[:, None], column, other[:, None], before) & inside).sum(axis=1)
        compared += both.sum(axis=1)
    return np.asarray((matched + 1.0) / (compared + 2.0))


def chance_strength(matched: Ints, compared: Ints, chance: Floats, *, tries: Floats) -> Floats:
    """-log10 of the chance of so many or more agreements in any of so many tries."""
    tail = -binom.logsf(matched - 1, np.maximum(compared, 1), chance) / np.log(10.0)
    return np.asarray(
        np.clip(np.where(matched > 0, tail, 0.0) - np.log10(np.maximum(tries, 1.0)), 0.0, LARGEST_STRENGTH)
    )
