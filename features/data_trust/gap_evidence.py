"""What the platform, the grid and the meter say about an obligor's gaps, as known at an instant, by local day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_contracts.contract import RecordKind
from data_contracts.reference.calendars import local_days
from features.bounds import Completions
from features.data_trust.gaps import Flags, GapEvidence, Heartbeat
from features.history import Array

if TYPE_CHECKING:
    from data_contracts.observations.reader import ObservationReader

WHOLE_DAYS = "whole_days"
REST_SHARE = 0.1
"""A weekday on which an obligor executes less than this share of its mean day is one on which it rests."""
_HEARD = {"present": Heartbeat.PRESENT, "lost": Heartbeat.LOST, "power_lost": Heartbeat.POWER_LOST}

Ints = NDArray[np.int64]


def gap_evidence(reader: ObservationReader, possible: Completions, *, as_of: datetime) -> GapEvidence:
    """The evidence on the gaps of each obligor of a history, all its machines as one.

    Silences are read of everybody: who else fell silent on the same day is what nobody alone can make.
    """
    history, days = possible.observed, possible.unobserved.shape[1]
    since = as_of - timedelta(days=days + 2)
    silences = _table(reader, RecordKind.GATEWAY_SILENCE, as_of, ("obligor_id", "until_time", "heartbeat"))
    notices = _table(reader, RecordKind.POWER_NOTICE, as_of, ("obligor_id", "until_time", "measure"))
    bills = _table(reader, RecordKind.ENERGY_BILL, as_of, ("obligor_id", "month", "energy_kwh"))
    frame = _Frame({unit: row for row, unit in enumerate(history.units)}, history.zones, history.last_days, days)
    silences = silences[silences["until_time"].isna() | (silences["until_time"] >= since)]
    by_beat = {beat: frame.cover(silences[silences["heartbeat"] == word], as_of) for word, beat in _HEARD.items()}
    heartbeat = np.zeros(possible.unobserved.shape, dtype=np.int64)
    for beat, flags in by_beat.items():
        heartbeat[flags] = beat
    listened = len(set(reader.machines(as_of=as_of)["obligor_id"].to_pylist()))
    heard = history.sampled_seconds.last(days) > 0
    return GapEvidence(
        unobserved=possible.unobserved,
        heard=heard,
        owner=np.arange(len(history.units)),
        sold=np.zeros(heard.shape, dtype=np.bool_),
        power_notice=frame.cover(notices[notices["measure"] == WHOLE_DAYS], as_of),
        heartbeat=heartbeat,
        others_lost=frame.others(silences[silences["heartbeat"] == "lost"], as_of),
        others_power_lost=frame.others(silences[silences["heartbeat"] == "power_lost"], as_of),
        others=np.full(heard.shape, max(listened - 1, 0)),
        meter_ratio=frame.meter(bills),
        is_rest=_rests(history.executing_seconds.last(days), frame.dates()),
    )


def _table(reader: ObservationReader, kind: RecordKind, as_of: datetime, columns: tuple[str, ...]) -> pd.DataFrame:
    return reader.rows(kind, as_of=as_of, columns=[*columns, "event_time"]).to_pandas()


class _Frame:
    """Obligors and the local days of each, as rows and columns."""

    def __init__(
        self, row_of: Mapping[str, int], zones: tuple[str, ...], last_days: NDArray[np.datetime64], days: int
    ) -> None:
        self.row_of, self.zones, self.days = row_of, zones, days
        self.last = last_days.astype("datetime64[D]").astype(np.int64)

    def dates(self) -> Ints:
        """The day number of each cell."""
        return np.asarray(self.last[:, None] - np.arange(self.days - 1, -1, -1)[None, :])

    def cover(self, rows: pd.DataFrame, as_of: datetime) -> Flags:
        """Cells on whose day something of their obligor's went on."""
        found = np.zeros((len(self.row_of), self.days), dtype=np.bool_)
        own = rows[rows["obligor_id"].isin(self.row_of)]
        for row, begin, end in self._spans(own, as_of):
            first = self.last[row] - self.days + 1
            found[row, max(begin - first, 0) : max(end - first + 1, 0)] = True
        return found

    def others(self, rows: pd.DataFrame, as_of: datetime) -> Ints:
        """For each cell, how many other obligors had it go on on the same day (each day read in the cell's zone)."""
        counts = np.zeros((len(self.row_of), self.days), dtype=np.int64)
        for zone in set(self.zones):
            mine = [row for row in self.row_of.values() if self.zones[row] == zone]
            first = int(self.last[mine].min()) - self.days + 1
            width = int(self.last[mine].max()) - first + 1
            silent: dict[str, Flags] = {}
            for who, begin, end in zip(rows["obligor_id"], *_local(rows, zone, as_of), strict=True):
                flags = silent.setdefault(who, np.zeros(width, dtype=np.bool_))
                flags[max(begin - first, 0) : max(end - first + 1, 0)] = True
            total = np.sum(list(silent.values()), axis=0, dtype=np.int64) if silent else np.zeros(width, np.int64)
            names = {row: name for name, row in self.row_of.items()}
            for row in mine:
                at = self.last[row] - self.days + 1 - first
                own = silent.get(names[row], np.zeros(width, dtype=np.bool_))
                counts[row] = (total - own)[at : at + self.days]
        return counts

    def meter(self, bills: pd.DataFrame) -> Array:
        """Each month's bill against the median of the obligor's bills, on every day of the month."""
        ratio = np.full((len(self.row_of), self.days), np.nan)
        months = self.dates().astype("datetime64[D]").astype("datetime64[M]")
        for who, own in bills[bills["obligor_id"].isin(self.row_of)].groupby("obligor_id"):
            usual = float(own["energy_kwh"].median())
            if usual > 0:
                row = self.row_of[who]
                for month, kwh in zip(own["month"], own["energy_kwh"], strict=True):
                    ratio[row, months[row] == np.datetime64(month, "M")] = kwh / usual
        return ratio

    def _spans(self, rows: pd.DataFrame, as_of: datetime) -> list[tuple[int, int, int]]:
        found = []
        for who, own in rows.groupby("obligor_id"):
            row = self.row_of[who]
            found += [(row, *span) for span in zip(*_local(own, self.zones[row], as_of), strict=True)]
        return found


def _local(rows: pd.DataFrame, zone: str, as_of: datetime) -> tuple[list[int], list[int]]:
    """First and last local day of each row's span [event_time, until_time); what goes on ends with `as_of`."""
    ends = rows["until_time"].fillna(pd.Timestamp(as_of))
    begins, until = (
        column.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy("datetime64[us]").astype(np.int64)
        for column in (rows["event_time"], ends)
    )
    return local_days(begins, zone).tolist(), local_days(np.maximum(until - 1, begins), zone).tolist()


def _rests(executing: Array, dates: Ints) -> Flags:
    """Days of a weekday on which an obligor hardly ever executes."""
    usual = executing.mean(axis=1, keepdims=True)
    rests = np.zeros(executing.shape, dtype=np.bool_)
    for weekday in range(7):
        own = dates % 7 == weekday
        mean = np.where(own, executing, 0.0).sum(axis=1, keepdims=True) / np.maximum(own.sum(axis=1, keepdims=True), 1)
        rests |= own & (mean < REST_SHARE * usual)
    return rests
