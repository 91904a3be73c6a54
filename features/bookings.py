"""Booking ledger rows on the days of a history: flows, and balances of items that are settled bit by bit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_contracts.reference.calendars import local_days
from features.history import Array, DailyHistory, Measure

Ints = NDArray[np.int64]

ITEM_DAYS = 365
"""An order or an invoice that is older than so many days no longer counts as open."""


@dataclass(frozen=True, slots=True, eq=False)
class Book:
    """The units and days of a history, as ledgers are booked on them. `last_days` are day numbers."""

    units: tuple[str, ...]
    zones: tuple[str, ...]
    last_days: Ints
    days: int

    @classmethod
    def of(cls, history: DailyHistory) -> Book:
        """The recent days of a history."""
        return cls(
            history.units,
            history.zones,
            history.last_days.astype("datetime64[D]").astype(np.int64),
            history.covered_seconds.values.shape[1],
        )

    def placed(self, frame: pd.DataFrame, unit_column: str = "obligor_id") -> pd.DataFrame:
        """The rows that concern a unit and had happened by the end of its last day, with its position `unit` and the
        `column` of their local day (negative before the first)."""
        if frame.empty:
            nowhere = np.empty(0, dtype=np.int64)
            return frame.assign(unit=nowhere, column=nowhere)
        position = pd.Series(np.arange(len(self.units)), index=list(self.units), dtype=np.int64)
        unit = frame[unit_column].map(position)
        known = frame[unit.notna()].copy()
        known["unit"] = unit[unit.notna()].astype(np.int64)
        known["column"] = self._columns(known["event_time"], known["unit"].to_numpy())
        return known[known["column"] < self.days]

    def column_of(self, dates: pd.Series, unit: Ints) -> Ints:
        """The column of each calendar date (which may lie outside); far ahead where there is none."""
        numbers = pd.to_datetime(dates).to_numpy().astype("datetime64[D]")
        columns = numbers.astype(np.int64) - self.last_days[unit] + self.days - 1
        return np.where(np.isnat(numbers), np.iinfo(np.int32).max, columns)

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

    def _columns(self, instants: pd.Series, unit: Ints) -> Ints:
        micros = instants.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("datetime64[us]").astype(np.int64)
        day = np.zeros(len(unit), dtype=np.int64)
        zone = np.array(self.zones, dtype=np.str_)[unit]
        for name in np.unique(zone):
            day[zone == name] = local_days(micros[zone == name], str(name))
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
    def of(cls, opened: pd.DataFrame, settlements: Sequence[pd.DataFrame], key: str, amount: str) -> Items:
        """Items from rows with unit, column, a key and an amount; settlements with unit, column, key and amount of
        items that are not there are left out."""
        codes = _codes([opened, *settlements], key)
        last = last_of_each(codes[0])
        names = codes[0][last]
        order = np.argsort(names)
        paid_code = np.concatenate([names[:0], *codes[1:]])
        place = np.searchsorted(names[order], paid_code)
        known = np.flatnonzero(np.append(names[order], -1)[place] == paid_code)
        item = order[place[known]]
        columns, amounts = (
            np.concatenate([opened[name].to_numpy()[:0], *(frame[name].to_numpy() for frame in settlements)])[known]
            for name in ("column", amount)
        )
        turn = np.lexsort((columns, item))
        item, columns, paid = item[turn], columns[turn].astype(np.int64), pd.Series(amounts[turn])
        total = opened[amount].to_numpy(np.float64)[last]
        up_to = paid.groupby(item).cumsum().to_numpy(np.float64)
        each = paid.to_numpy(np.float64)
        return cls(
            unit=opened["unit"].to_numpy(np.int64)[last],
            column=opened["column"].to_numpy(np.int64)[last],
            amount=total,
            item=item,
            settled_column=columns,
            settled=np.clip(total[item] - (up_to - each), 0.0, each),
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


def last_of_each(codes: Ints) -> Ints:
    """The last row of each code, in order of rows."""
    _, back = np.unique(codes[::-1], return_index=True)
    return np.sort(len(codes) - 1 - back)


def _codes(frames: Sequence[pd.DataFrame], key: str) -> list[Ints]:
    """For the rows of each frame a number that is the same where unit and key are, in whichever frame."""
    keys = [frame[key] for frame in frames]
    if not all(column.dtype == np.int64 for column in keys):
        numbers, _ = pd.factorize(np.concatenate([column.astype(object).to_numpy() for column in keys]))
        bounds = np.cumsum([len(column) for column in keys])[:-1]
        keys = [pd.Series(part) for part in np.split(numbers, bounds)]
    width = 2 + max(int(column.max()) if len(column) else 0 for column in keys)  # no key is -1
    return [
        frame["unit"].to_numpy(np.int64) * width + column.to_numpy(np.int64) + 1
        for frame, column in zip(frames, keys, strict=True)
    ]


def known_units(frame: pd.DataFrame) -> Ints:
    """The units that have any row."""
    return np.flatnonzero(np.bincount(frame["unit"].to_numpy(np.int64)))
