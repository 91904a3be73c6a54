"""Booking ledger rows on the days of a history: flows, and balances of items that are settled bit by bit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from data_contracts.reference.calendars import local_days
from features.history import Array, DailyHistory, Measure
from features.ledger_rows import Rows
from features.machine_day.days import MICROS_PER_DAY, day_number, last_complete_day, to_micros

Ints = NDArray[np.int64]

ITEM_DAYS = 365
"""An order or an invoice that is older than so many days no longer counts as open."""

NEVER = np.iinfo(np.int32).max
"""Column of a date that is not there."""

FARTHEST_ZONE = "Etc/GMT-14"
"""Where the calendar is farthest on. An obligor whose zone nobody told is there: nothing it owes or is owed is younger
elsewhere."""

_BITS_OF_WORD = 40
"""Room for the number of a word in one number with its unit."""


@dataclass(frozen=True, slots=True, eq=False)
class Book:
    """Units and days, as ledgers are booked on them. `last_days` are day numbers.

    The days of a history are those of its calendar. With `until`, they are the spans of 24 hours that end there, and
    only calendar dates are read by `last_days`.
    """

    units: tuple[str, ...]
    zones: tuple[str, ...]
    last_days: Ints
    days: int
    until: int | None = None

    @classmethod
    def of(cls, history: DailyHistory) -> Book:
        """The recent days of a history."""
        return cls(
            history.units,
            history.zones,
            history.last_days.astype("datetime64[D]").astype(np.int64),
            history.covered_seconds.values.shape[1],
        )

    @classmethod
    def at(cls, as_of: datetime, units: Sequence[str], zones: Mapping[str, str], *, days: int) -> Book:
        """So many days before an instant, whatever telemetry was heard of till then: the days of a history end where
        all sites that were heard of had their last, so that what is booked on them changes with who falls silent."""
        found = tuple(zones.get(unit, FARTHEST_ZONE) for unit in units)
        last = {zone: day_number(last_complete_day(zone, as_of)) for zone in set(found)}
        last_days = np.array([last[zone] for zone in found], dtype=np.int64)
        return cls(tuple(units), found, last_days, days, until=to_micros(as_of))

    def units_of(self, words: pa.StringArray) -> Ints:
        """The unit that each word names, -1 where none; a further -1 stands for no word."""
        position = {unit: number for number, unit in enumerate(self.units)}
        return np.array([*(position.get(word, -1) for word in words.to_pylist()), -1], dtype=np.int64)

    def placed(self, rows: Rows, unit: Ints) -> Rows:
        """The rows that concern a unit (-1: none) and had happened by the end of its last day, with its position `unit`
        and the `column` of their local day (negative before the first)."""
        known = np.flatnonzero(unit >= 0)
        column = self._columns(rows["event_time"][known], unit[known])
        within = column < self.days
        chosen = known[within]
        return rows.of(chosen, unit=unit[chosen], column=column[within])

    def column_of(self, dates: NDArray[np.datetime64], unit: Ints) -> Ints:
        """The column of each calendar date (which may lie outside); `NEVER` where there is none."""
        columns = dates.astype("datetime64[D]").astype(np.int64) - self.last_days[unit] + self.days - 1
        return np.where(np.isnat(dates), NEVER, columns)

    def flow(self, unit: Ints, column: Ints, amount: Array, *, known: Ints) -> Measure:
        """Amounts added up by unit and day; 0 on a day without one, NaN throughout for units not `known`."""
        inside = (column >= 0) & (column < self.days)
        cell = unit[inside] * self.days + column[inside]
        sums = np.bincount(cell, weights=amount[inside], minlength=self._cells)
        return self._measure(sums.astype(np.float64), known)

    def balance(self, unit: Ints, column: Ints, change: Array, *, known: Ints) -> Measure:
        """Changes added up to the end of each day; what changed before the first day counts from it on."""
        inside = column < self.days
        cell = unit[inside] * self.days + np.maximum(column[inside], 0)
        changes = np.bincount(cell, weights=change[inside], minlength=self._cells)
        return self._measure(changes.reshape(len(self.units), self.days).cumsum(axis=1), known)

    @property
    def _cells(self) -> int:
        return len(self.units) * self.days

    def _measure(self, sums: Array, known: Ints) -> Measure:
        values = sums.astype(np.float64).reshape(len(self.units), self.days)
        silent = np.ones(len(self.units), dtype=np.bool_)
        silent[known] = False
        values[silent] = np.nan
        return Measure(values)

    def _columns(self, instants: Ints, unit: Ints) -> Ints:
        if self.until is not None:
            return np.asarray((instants - self.until) // MICROS_PER_DAY + self.days)
        names = sorted(set(self.zones))
        zone = np.array([names.index(name) for name in self.zones], dtype=np.int64)[unit]
        day = np.zeros(len(unit), dtype=np.int64)
        for number, name in enumerate(names):
            own = zone == number
            day[own] = local_days(instants[own], name)
        return np.asarray(day - self.last_days[unit] + self.days - 1)


@dataclass(frozen=True, slots=True, eq=False)
class Items:
    """Things that open with an amount and are settled bit by bit: orders by deliveries, invoices by receipts.

    `unit`, `column` and `amount` are of each item; `item`, `settled_column` and `settled` of each settlement, sorted by
    item and column and cut so that an item is never settled beyond its amount.
    """

    unit: Ints
    column: Ints
    amount: Array
    item: Ints
    settled_column: Ints
    settled: Array

    @classmethod
    def of(cls, opened: Rows, settlements: Sequence[Rows], key: str, amount: str) -> Items:
        """Items from rows with unit, column, a key that each has alone and an amount; settlements with unit, column,
        key and amount of items that are not there are left out."""
        keys = keys_of(opened, key)
        order = np.argsort(keys)
        place = places_among(np.concatenate([keys[:0], *(keys_of(rows, key) for rows in settlements)]), keys[order])
        known = np.flatnonzero(place >= 0)
        item = order[place[known]]
        columns, paid = (
            np.concatenate([opened[name][:0], *(rows[name] for rows in settlements)])[known]
            for name in ("column", amount)
        )
        turn = np.lexsort((columns, item))
        item, columns, paid = item[turn], columns[turn], paid[turn]
        total = opened[amount].astype(np.float64)
        each = paid.astype(np.float64)
        return cls(
            unit=opened["unit"],
            column=opened["column"],
            amount=total,
            item=item,
            settled_column=columns,
            settled=np.clip(total[item] - (_running(paid, item) - each), 0.0, each),
        )

    def settled_by(self, column: Ints) -> Array:
        """What was settled of each item up to and including a column of its own."""
        in_time = self.settled_column <= column[self.item]
        return np.bincount(self.item[in_time], weights=self.settled[in_time], minlength=len(self.unit)).astype(
            np.float64
        )

    def open_after(self, starts: Ints) -> tuple[Ints, Ints, Array]:
        """Changes (unit, column, amount) of what is open of items older than their `starts`, until they are settled or
        `ITEM_DAYS` old: an item enters with what was not settled before `starts`."""
        ends = self.column + ITEM_DAYS
        enters = starts < ends
        entry = self.amount - self.settled_by(starts - 1)
        expiry = self.amount - self.settled_by(ends - 1)
        later = enters[self.item] & (self.settled_column >= starts[self.item]) & (self.settled_column < ends[self.item])
        return (
            np.concatenate([self.unit[enters], self.unit[self.item[later]], self.unit[enters]]),
            np.concatenate([starts[enters], self.settled_column[later], ends[enters]]),
            np.concatenate([entry[enters], -self.settled[later], -expiry[enters]]),
        )

    def open_at(self, column: int) -> Array:
        """What is open of each item at the end of a column."""
        at = np.full(len(self.unit), column)
        alive = (self.column <= at) & (at < self.column + ITEM_DAYS)
        return np.where(alive, self.amount - self.settled_by(at), 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """Rows taken together by their unit and a word of theirs: `unit` and `number` (of the word) of each group, sorted;
    `group` of each row."""

    unit: Ints
    number: Ints
    group: Ints

    @classmethod
    def of(cls, rows: Rows, name: str) -> Groups:
        """The groups by unit and the word in a column."""
        keys, group = np.unique(keys_of(rows, name), return_inverse=True)
        return cls(unit_of(keys), (keys & ((1 << _BITS_OF_WORD) - 1)) - 1, group)

    @property
    def keys(self) -> Ints:
        """One number for each group, rising."""
        return _keys(self.unit, self.number)

    def where(self, chosen: NDArray[np.bool_]) -> Groups:
        """Some of them, without their rows."""
        return Groups(self.unit[chosen], self.number[chosen], np.empty(0, dtype=np.int64))

    def sums(self, values: NDArray[np.generic]) -> Array:
        """The values of each group's rows added up."""
        return np.bincount(self.group, weights=values, minlength=len(self.unit)).astype(np.float64)

    def most(self, values: NDArray[np.generic]) -> Array:
        """The largest value of each group's rows."""
        found = np.full(len(self.unit), -np.inf)
        np.maximum.at(found, self.group, values.astype(np.float64))
        return found


def keys_of(rows: Rows, name: str) -> Ints:
    """One number for the unit of each row and the word in a column, in whichever ledger; sorted by both."""
    return _keys(rows["unit"], rows[name])


def unit_of(keys: Ints) -> Ints:
    """The unit in each number of `keys_of`."""
    return np.asarray(keys >> _BITS_OF_WORD)


def _keys(unit: Ints, number: Ints) -> Ints:
    return np.asarray((unit << _BITS_OF_WORD) + number + 1)


def places_among(keys: Ints, others: Ints) -> Ints:
    """The place of each key among others, which rise; -1 where it is none of them."""
    if not len(others):
        return np.full(len(keys), -1)
    place = np.minimum(np.searchsorted(others, keys), len(others) - 1)
    return np.where(others[place] == keys, place, -1)


def looked_up(keys: Ints, others: Ints, values: Array) -> Array:
    """The value that stands beside each key among others, which rise; NaN where it is none of them."""
    return np.append(values, np.nan)[places_among(keys, others)]


def last_of_each(rows: Rows, name: str) -> Rows:
    """The last row of each unit and word in a column, in order of rows."""
    keys = keys_of(rows, name)
    _, back = np.unique(keys[::-1], return_index=True)
    return rows.of(np.sort(len(keys) - 1 - back))


def known_units(rows: Rows) -> Ints:
    """The units that have any row."""
    return np.flatnonzero(np.bincount(rows["unit"]))


def one_word(rows: Rows, name: str, units: int) -> list[str | None]:
    """The one word that a column has in each unit's rows; None where it has none or several."""
    said = rows.of(rows[name] >= 0)
    groups = Groups.of(said, name)
    alone = np.bincount(groups.unit, minlength=units) == 1
    number = np.zeros(units, dtype=np.int64)
    number[groups.unit] = groups.number
    return [rows.word(name, at) if single else None for at, single in zip(number.tolist(), alone.tolist(), strict=True)]


def _running(amounts: NDArray[np.generic], item: Ints) -> Array:
    """Sums up to and including each amount, of each item anew; `item` rises."""
    if not len(item):
        return np.empty(0)
    first = np.flatnonzero(np.diff(item, prepend=item[0] - 1))
    sums = np.cumsum(np.nan_to_num(amounts))
    before = np.repeat(sums[first] - np.nan_to_num(amounts)[first], np.diff(first, append=len(item)))
    return np.asarray(sums - before, dtype=np.float64)
