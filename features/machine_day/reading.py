"""Work to be done on the store's samples: places to be rolled, each a task that any worker can do by itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import numpy as np
import pyarrow as pa

from data_contracts.observations.places import SamplePlace, rows_of
from features.machine_day.arrow import micros
from features.machine_day.days import MICROS_PER_DAY, day_number
from features.machine_day.partial import Partial, roll_partition
from features.machine_day.plan import RollUpPlan
from features.machine_day.samples import SAMPLE_COLUMNS
from features.machine_day.survey import Latest, latest_rows

T = TypeVar("T")

PLACES_AT_ONCE = 400
"""Of a few machines so many places are read by one query."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceTask:
    """Roll the samples of some places of one bucket as they were known at `as_of`: of all machines (None; one place),
    or of these."""

    places: tuple[SamplePlace, ...]
    machine_uids: tuple[str, ...] | None
    as_of: datetime

    def tables(self) -> list[tuple[str, pa.Table | str]]:
        """The samples of each place by its partition: the file that holds them, or a table."""
        if self.machine_uids is None:
            (place,) = self.places
            return [(place.partition, place.whole_file(self.as_of) or self._rows())]
        rows = self._rows()
        days = micros(rows["event_time"]) // MICROS_PER_DAY
        order = np.argsort(days, kind="stable")
        rows, days = rows.take(pa.array(order)), days[order]
        bounds = {place.partition: np.searchsorted(days, [number, number + 1]) for place, number in self._numbered()}
        return [(name, rows.slice(lower, upper - lower)) for name, (lower, upper) in bounds.items()]

    def _numbered(self) -> list[tuple[SamplePlace, int]]:
        return [(place, day_number(place.day)) for place in self.places]

    def _rows(self) -> pa.Table:
        return rows_of(self.places, as_of=self.as_of, columns=SAMPLE_COLUMNS, machine_uids=self.machine_uids)


def roll_task(task: PlaceTask, plan: RollUpPlan) -> list[tuple[str, Partial]]:
    """The partial of each place of a task, by partition. A pure function of its arguments and of immutable files."""
    return [(partition, roll_partition(samples, plan)) for partition, samples in task.tables()]


def survey_task(task: PlaceTask, plan: RollUpPlan) -> Latest:
    """The latest row of each series in the places of a task."""
    latest: dict[int, tuple[int, int]] = {}
    for _, samples in task.tables():
        for series, row in latest_rows(samples, plan).items():
            latest[series] = max(row, latest.get(series, row))
    return latest


def one_ahead(items: Iterable[T]) -> Iterator[T]:
    """The items, each handed out once the next one is made: what the next one set going goes on while this one is
    used."""
    waiting: list[T] = []
    for item in items:
        waiting.append(item)
        if len(waiting) > 1:
            yield waiting.pop(0)
    yield from waiting


def tasks_for(places: Sequence[SamplePlace], machine_uids: Sequence[str] | None, *, as_of: datetime) -> list[PlaceTask]:
    """Tasks that roll these places of one bucket: of all machines each by itself, of some machines many at once."""
    step = 1 if machine_uids is None else PLACES_AT_ONCE
    wanted = None if machine_uids is None else tuple(machine_uids)
    return [
        PlaceTask(places=tuple(places[start : start + step]), machine_uids=wanted, as_of=as_of)
        for start in range(0, len(places), step)
    ]
