"""Daily reports with all their versions, indexed by day and by when they became known."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from data_contracts.contract import RecordKind
from data_contracts.observations.remembered import NEVER, RememberedObservations
from features.machine_day.arrow import day_numbers, encoded
from features.machine_day.days import to_micros
from features.machine_day.reports import REPORT_COLUMNS, reported_until

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


class ReportLog:
    """The reports that are remembered of some machines. `machine` is the position of each row's machine."""

    def __init__(self, memory: RememberedObservations, machines: dict[str, int]) -> None:
        versions = memory.versions(RecordKind.MACHINE_DAY_REPORT)
        self._table = versions.table.select(list(REPORT_COLUMNS))
        words, code = encoded(self._table["machine_uid"])
        self._machine = np.array([machines[word] for word in words], dtype=np.int64)[code]
        self._machines = len(machines)
        self._day = day_numbers(self._table["day"])
        self._known_from = np.maximum(versions.known_from, reported_until(self._table, memory.profiles()))
        self._known_until = versions.known_until
        self._by_day = np.argsort(self._day, kind="stable")
        self._days = self._day[self._by_day]
        self._begun = _Timeline(self._known_from)
        self._ended = _Timeline(self._known_until)

    def changed(self, *, after: datetime, until: datetime, first_day: int) -> Ints:
        """The first day, not before `first_day`, of which each machine's report became known, or was replaced, in
        (after, until]; far ahead where there is none."""
        since = np.full(self._machines, NEVER)
        for timeline in (self._begun, self._ended):
            rows = timeline.between(to_micros(after), to_micros(until))
            rows = rows[self._day[rows] >= first_day]
            np.minimum.at(since, self._machine[rows], self._day[rows])
        return since

    def standing(self, *, as_of: datetime, first_day: int, last_day: int, machines: Mask) -> pa.Table:
        """The reports of these machines from `first_day` to `last_day`, as known at `as_of`, by machine and day."""
        first, last = np.searchsorted(self._days, [first_day, last_day + 1])
        rows = self._by_day[first:last]
        now = to_micros(as_of)
        rows = rows[(self._known_from[rows] <= now) & (now < self._known_until[rows]) & machines[self._machine[rows]]]
        return self._table.take(pa.array(np.sort(rows)))


class _Timeline:
    """Rows by an instant of theirs."""

    def __init__(self, instants: Ints) -> None:
        self._rows = np.argsort(instants, kind="stable")
        self._instants = instants[self._rows]

    def between(self, after: int, until: int) -> Ints:
        """The rows whose instant lies in (after, until]."""
        first, last = np.searchsorted(self._instants, [after, until], side="right")
        return self._rows[first:last]
