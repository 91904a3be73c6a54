"""Daily reports with all their versions, indexed by day and by when they became known."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
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
        self._read, self._order = _words_once(versions.read.select(list(REPORT_COLUMNS))), versions.order
        words, code = encoded(self._read["machine_uid"])
        self._machine = np.array([machines[word] for word in words], dtype=np.int64)[code][self._order]
        self._machines = len(machines)
        self._day = day_numbers(self._read["day"])[self._order]
        whole = reported_until(self._read, memory.profiles())[self._order]
        self._known_from = np.maximum(versions.known_from, whole)
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
        return self._read.take(pa.array(self._order[np.sort(rows)]))


def _words_once(reports: pa.Table) -> pa.Table:
    """The reports with numbers in the place of repeated words, sorted as these are."""
    for name in ("machine_uid", "profile_id"):
        words = pa.array(sorted(reports[name].unique().to_pylist()), pa.string())
        codes = pc.index_in(reports[name].combine_chunks(), value_set=words)
        column = pa.DictionaryArray.from_arrays(codes, words)
        reports = reports.set_column(reports.schema.get_field_index(name), name, column)
    return reports


class _Timeline:
    """Rows by an instant of theirs."""

    def __init__(self, instants: Ints) -> None:
        self._rows = np.argsort(instants, kind="stable")
        self._instants = instants[self._rows]

    def between(self, after: int, until: int) -> Ints:
        """The rows whose instant lies in (after, until]."""
        first, last = np.searchsorted(self._instants, [after, until], side="right")
        return self._rows[first:last]
