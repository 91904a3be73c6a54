"""What the platform, the grid and the meter say about an obligor's gaps, as known at an instant, by local day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_contracts.contract import RecordKind
from data_contracts.reference.calendars import local_days
from data_contracts.reference.holidays import CHINESE_ZONES, days_from_new_year, is_public_holiday
from features.bounds import Completions
from features.data_trust.gaps import Flags, GapEvidence, Heartbeat
from features.data_trust.sold import SALES, sold_seconds
from features.everybody import Everybody
from features.history import Array
from features.ledger_reading import LedgerReading, Take
from features.machine_day.machine_days import MachineDays

WHOLE_DAYS = "whole_days"
REST_SHARE = 0.1
"""A weekday on which an obligor executes less than this share of its mean day is one on which it rests."""
NEW_YEAR_FIRST, NEW_YEAR_LAST = -1, 6
"""Days from Chinese New Year's Day that are its festival: its eve and the week of the regulation on holidays."""
_HEARD = {"present": Heartbeat.PRESENT, "lost": Heartbeat.LOST, "power_lost": Heartbeat.POWER_LOST}

NOTICES = Take(kind=RecordKind.POWER_NOTICE, columns=("until_time", "measure"), days=None)
BILLS = Take(kind=RecordKind.ENERGY_BILL, columns=("month", "energy_kwh"), days=None)
TAKES = (NOTICES, BILLS, SALES)
"""What the evidence takes of the ledgers of obligors."""

Ints = NDArray[np.int64]


def gap_evidence(
    ledgers: LedgerReading, possible: Completions, everybody: Everybody, machine_days: MachineDays
) -> GapEvidence:
    """The evidence on the gaps of each obligor of a history, all its machines as one.

    Silences are everybody's: who else fell silent on the same day is what nobody alone can make. `machine_days`
    say when each machine was heard of, `ledgers` hold `TAKES` of these obligors.
    """
    history, days, as_of = possible.observed, possible.unobserved.shape[1], everybody.as_of
    since = as_of - timedelta(days=days + 2)
    notices, bills = (ledgers.take(take).to_pandas() for take in (NOTICES, BILLS))
    frame = _Frame(history.units, history.zones, history.last_days, days)
    silences = {word: everybody.once((word, since), partial(_silences, everybody, word, since)) for word in _HEARD}
    heartbeat = np.zeros(possible.unobserved.shape, dtype=np.int64)
    for word, beat in _HEARD.items():
        heartbeat[frame.cover(silences[word].of(history.units), as_of)] = beat
    heard = history.sampled_seconds.last(days) > 0
    return GapEvidence(
        unobserved=possible.unobserved,
        heard=heard,
        owner=np.arange(len(history.units)),
        sold_seconds=sold_seconds(ledgers, possible, everybody, machine_days),
        power_notice=frame.cover(notices[notices["measure"] == WHOLE_DAYS], as_of),
        heartbeat=heartbeat,
        others_lost=frame.others(silences["lost"], as_of),
        others_power_lost=frame.others(silences["power_lost"], as_of),
        others=np.full(heard.shape, max(everybody.listened - 1, 0)),
        meter_ratio=frame.meter(bills),
        is_rest=_rests(history.executing_seconds.last(days), frame.dates()),
        is_holiday=frame.holidays(),
        heard_before=history.first_observed[:, None] < np.arange(history.length - days, history.length),
    )


def _silences(everybody: Everybody, word: str, since: datetime) -> Silences:
    """Those of everybody that end after `since`, with this heartbeat."""
    rows = everybody.silences
    return Silences(rows[(rows["heartbeat"] == word) & ~(rows["until_time"] < since)])


class Silences:
    """Spans of many obligors (columns obligor_id, event_time, until_time), of which one block after another asks."""

    def __init__(self, rows: pd.DataFrame) -> None:
        self.rows = rows
        self._who, self._names = pd.factorize(rows["obligor_id"])
        self._covered: dict[tuple[str, int, int, datetime], tuple[Flags, Ints]] = {}

    def of(self, units: Sequence[str]) -> pd.DataFrame:
        """The spans of these obligors."""
        return self.rows[np.isin(self._who, self.places(units))]

    def places(self, units: Sequence[str]) -> Ints:
        """The row of each obligor in `covered`; the last, nobody's, where there is no span of it."""
        if not len(self._names):
            return np.zeros(len(units), dtype=np.int64)
        found = self._names.get_indexer(pd.Index(units))
        return np.asarray(np.where(found < 0, len(self._names), found))

    def covered(self, zone: str, first: int, width: int, as_of: datetime) -> tuple[Flags, Ints]:
        """(obligor, day): the days from `first` on, read in `zone`, in which a span of each lies; and of how many."""
        key = (zone, first, width, as_of)
        if key not in self._covered:
            begin, end = _local(self.rows, zone, as_of)
            flags = _covered(self._who, begin - first, end - first + 1, shape=(len(self._names) + 1, width))
            self._covered[key] = flags, flags.sum(axis=0)
        return self._covered[key]


class _Frame:
    """Obligors and the local days of each, as rows and columns."""

    def __init__(
        self, units: Sequence[str], zones: tuple[str, ...], last_days: NDArray[np.datetime64], days: int
    ) -> None:
        self.units, self.days = pd.Index(units), days
        self.zones = np.array(zones, dtype=np.str_)
        self.last = last_days.astype("datetime64[D]").astype(np.int64)

    def dates(self) -> Ints:
        """The day number of each cell."""
        return np.asarray(self.last[:, None] - np.arange(self.days - 1, -1, -1)[None, :])

    def holidays(self) -> Flags:
        """Cells on a public holiday, Chinese New Year's festival among them, of sites that follow that calendar."""
        days = self.dates()
        festival = days_from_new_year(days)
        rests = is_public_holiday(days) | ((festival >= NEW_YEAR_FIRST) & (festival <= NEW_YEAR_LAST))
        return np.asarray(rests & np.isin(self.zones, sorted(CHINESE_ZONES))[:, None])

    def cover(self, rows: pd.DataFrame, as_of: datetime) -> Flags:
        """Cells on whose day something of their obligor's went on."""
        row = self.units.get_indexer(rows["obligor_id"])
        own, row = rows[row >= 0], row[row >= 0]
        begin, end = np.zeros(len(own), np.int64), np.zeros(len(own), np.int64)
        for zone in np.unique(self.zones[row]):
            there = self.zones[row] == zone
            begin[there], end[there] = _local(own[there], str(zone), as_of)
        first = self.last[row] - self.days + 1
        return _covered(row, begin - first, end - first + 1, shape=(len(self.units), self.days))

    def others(self, spans: Silences, as_of: datetime) -> Ints:
        """For each cell, how many other obligors had it go on on the same day (each day read in the cell's zone)."""
        counts = np.zeros((len(self.units), self.days), dtype=np.int64)
        places = spans.places(self.units)
        for zone in np.unique(self.zones):
            mine = np.flatnonzero(self.zones == zone)
            first = int(self.last[mine].min()) - self.days + 1
            width = int(self.last[mine].max()) - first + 1
            silent, together = spans.covered(str(zone), first, width, as_of)
            others = together - silent[places[mine]]
            columns = (self.last[mine] - self.days + 1 - first)[:, None] + np.arange(self.days)
            counts[mine] = np.take_along_axis(others, columns, axis=1)
        return counts

    def meter(self, bills: pd.DataFrame) -> Array:
        """Each month's bill against the median of the obligor's bills, on every day of the month."""
        ratio = np.full((len(self.units), self.days), np.nan)
        usual = bills.groupby("obligor_id")["energy_kwh"].transform("median")
        bills = bills[usual > 0]
        row = self.units.get_indexer(bills["obligor_id"])
        share = (bills["energy_kwh"] / usual[usual > 0]).to_numpy(np.float64)
        month = pd.to_datetime(bills["month"]).to_numpy().astype("datetime64[M]")
        begin, end = (edge.astype("datetime64[D]").astype(np.int64) for edge in (month, month + 1))
        length = end - begin
        each = np.repeat(np.arange(len(bills)), length)
        place = np.arange(len(each)) - np.repeat(np.cumsum(length) - length, length)
        column = begin[each] + place - self.last[row[each]] + self.days - 1
        inside = (column >= 0) & (column < self.days)
        ratio[row[each[inside]], column[inside]] = share[each[inside]]
        return ratio


def _covered(row: Ints, begin: Ints, end: Ints, *, shape: tuple[int, int]) -> Flags:
    """Cells that lie in any of the spans [begin, end) of columns of their rows."""
    steps = np.zeros((shape[0], shape[1] + 1), dtype=np.int64)
    np.add.at(steps, (row, np.clip(begin, 0, shape[1])), 1)
    np.subtract.at(steps, (row, np.clip(end, 0, shape[1])), 1)
    return np.asarray(np.cumsum(steps, axis=1)[:, :-1] > 0)


def _local(rows: pd.DataFrame, zone: str, as_of: datetime) -> tuple[Ints, Ints]:
    """First and last local day of each row's span [event_time, until_time); what goes on ends with `as_of`."""
    ends = rows["until_time"].fillna(pd.Timestamp(as_of))
    begins, until = (
        column.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy("datetime64[us]").astype(np.int64)
        for column in (rows["event_time"], ends)
    )
    first, last = (local_days(instants, zone).astype(np.int64) for instants in (begins, np.maximum(until - 1, begins)))
    return first, last


def _rests(executing: Array, dates: Ints) -> Flags:
    """Days of a weekday on which an obligor hardly ever executes."""
    usual = executing.mean(axis=1, keepdims=True)
    rests = np.zeros(executing.shape, dtype=np.bool_)
    for weekday in range(7):
        own = dates % 7 == weekday
        mean = np.where(own, executing, 0.0).sum(axis=1, keepdims=True) / np.maximum(own.sum(axis=1, keepdims=True), 1)
        rests |= own & (mean < REST_SHARE * usual)
    return rests
