"""Histories as they were known at one instant after another: carried on with what became known, not built anew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from data_contracts.identifiers import MachineUid, ObligorId
from data_contracts.observations.remembered import RememberedObservations
from features.daily import Units, history_of, owned_time
from features.grid.owners import Spans, ownership_changes, pairs_of, positions
from features.grid.report_log import ReportLog
from features.grid.sliding import SlidingDays
from features.history import LONG_MEASURES, DailyHistory, Level, Measure
from features.loading import ZONE_MARGIN, history_begins, load_machine_days
from features.machine_day.arrow import day_numbers
from features.machine_day.days import (
    MICROS_PER_DAY,
    day_number,
    last_complete_day,
    local_days,
    to_micros,
)
from features.machine_day.machine_days import MachineDays
from features.machine_day.ownership import Ownership, ownership_of
from features.machine_day.reports import owned_report_days
from features.measures import ALWAYS, REPEAT_DAYS, Grid, added_up, row_values

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

LATE_DAYS = 62
"""Obligors of whom nothing older than this became known are put in together."""

_PRESENT = "present"
_SPREAD = 8
"""Days beyond a history that are kept: last days differ between zones, and reads begin some days before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryDays:
    """How far histories reach back: the long measures of obligors, their other measures, and machines."""

    obligor: int
    recent: int
    machine: int


@dataclass(frozen=True, slots=True, eq=False)
class KnownHistories:
    """Histories as known at one instant, of every obligor and of every machine with every owner that it ever had.

    Those that `obligors_known` and `machines_known` mark are the units that `build_history` would find then (machines:
    for their own features; `fleet_known`: as part of their owner's). The others have empty days, and a machine under
    another owner than that of the instant a name that stands nowhere.
    """

    obligors: DailyHistory
    machines: DailyHistory
    machine_uids: Sequence[MachineUid]
    """The machines with machine-days in the days of obligors' histories."""

    recent_machine_uids: Sequence[MachineUid]
    """The machines with machine-days in the days of machines' histories."""

    obligors_known: Mask
    machines_known: Mask
    fleet_known: Mask


class KnownDays:
    """The days of some obligors and their machines, walking through time.

    From one `as_of` to the next only what became known in between is put in: new days, late reports, corrections, and
    ownership that was told anew. What stands there is, bit for bit, what `build_history` makes of the machine-days that
    were known then.
    """

    def __init__(self, memory: RememberedObservations, obligor_ids: Sequence[ObligorId], days: HistoryDays) -> None:
        self._memory = memory
        self._obligor_ids = tuple(obligor_ids)
        self._days = days
        self.pairs = pairs_of(memory, self._obligor_ids)
        self._names: tuple[str, ...] = ()
        self._reports = ReportLog(memory, {uid: number for number, uid in enumerate(self.pairs.machine_uids)})
        self.zones = sorted({profile.site_zone for profile in memory.profiles().values()}) or ["UTC"]
        self._zone_of_pair = np.zeros(len(self.pairs.machine), dtype=np.int64)
        self._sampled = self._owners_of(memory.sampled_machines)
        self._of_obligors = SlidingDays(len(obligor_ids), keep=days.obligor + _SPREAD, zeros=ALWAYS)
        self._of_machines = SlidingDays(len(self.pairs.machine), keep=days.machine + _SPREAD, zeros=ALWAYS)
        self._present = SlidingDays(len(self.pairs.machine), keep=days.obligor + _SPREAD, zeros=(_PRESENT,))
        self._as_of: datetime | None = None
        self._last_day = 0
        self._ownership: Ownership | None = None

    def at(self, as_of: datetime) -> KnownHistories:
        """The histories as known at `as_of`, which must not lie before the one asked for last."""
        assert self._as_of is None or self._as_of <= as_of, "time only goes on"
        ownership = ownership_of(self._memory.machines(as_of=as_of))
        last_day = int(self._last_day_of_zone(as_of).max())
        for days in (self._of_obligors, self._of_machines, self._present):
            days.reach(last_day)
        since = self._since(as_of, ownership, last_day)
        for chosen in self._groups(since, last_day):
            first_day = int(since[chosen].min())
            self._put(chosen, first_day, last_day, self._reported(as_of, ownership, chosen, (first_day, last_day)))
        if self._sampled.any():
            self._put(self._sampled, int(since[self._sampled].min()), last_day, self._rolled_up(as_of))
        self._as_of, self._last_day, self._ownership = as_of, last_day, ownership
        return self._histories(as_of, ownership)

    def _last_day_of_zone(self, as_of: datetime) -> Ints:
        return np.array([day_number(last_complete_day(zone, as_of)) for zone in self.zones], dtype=np.int64)

    def _since(self, as_of: datetime, ownership: Ownership, last_day: int) -> Ints:
        """The first day that must be put in anew, of each obligor."""
        first_day = last_day - self._days.obligor - _SPREAD + 1
        if self._as_of is None or self._ownership is None:
            return np.full(len(self._obligor_ids), first_day)
        changed = self._reports.changed(after=self._as_of, until=as_of, first_day=first_day - REPEAT_DAYS)
        position = {uid: number for number, uid in enumerate(self.pairs.machine_uids)}
        for uid, instant in ownership_changes(self._ownership, ownership, until=to_micros(as_of)).items():
            machine = position[uid]
            changed[machine] = min(changed[machine], instant // MICROS_PER_DAY - 1)
        since = np.full(len(self._obligor_ids), self._last_day + 1)
        np.minimum.at(since, self.pairs.obligor, changed[self.pairs.machine])
        since[self._sampled] = first_day
        return np.asarray(np.maximum(since, first_day))

    def _groups(self, since: Ints, last_day: int) -> Iterator[Mask]:
        """Obligors whose days are put in together: of nothing but new days, of late ones, and of old ones."""
        told = ~self._sampled
        on_time = told & (since > self._last_day)
        late = told & ~on_time & (since > last_day - LATE_DAYS)
        for chosen in (on_time, late, told & ~on_time & ~late):
            if chosen.any():
                yield chosen

    def _reported(self, as_of: datetime, ownership: Ownership, chosen: Mask, days: tuple[int, int]) -> MachineDays:
        machines = np.zeros(len(self.pairs.machine_uids), dtype=np.bool_)
        machines[self.pairs.machine[chosen[self.pairs.obligor]]] = True
        rows = self._reports.standing(as_of=as_of, first_day=days[0] - REPEAT_DAYS, last_day=days[1], machines=machines)
        return owned_report_days(rows, profiles=self._memory.profiles(), ownership=ownership, as_of=as_of)

    def _rolled_up(self, as_of: datetime) -> MachineDays:
        wanted = [ObligorId(self._obligor_ids[at]) for at in np.flatnonzero(self._sampled)]
        first_day = history_begins(as_of, self._days.obligor)
        found, _ = load_machine_days(self._memory, as_of=as_of, obligor_ids=wanted, first_day=first_day)
        return found

    def _put(self, chosen: Mask, first_day: int, last_day: int, machine_days: MachineDays) -> None:
        """Put in the days from `first_day` on of the chosen obligors and their machines."""
        table, spans = machine_days.table, machine_days.spans
        pair = self.pairs.of(table["machine_uid"], table["obligor_id"])
        site = self.pairs.of(spans["machine_uid"], spans["obligor_id"])
        self._zone_of_pair[site[site >= 0]] = positions(spans["site_zone"], self.zones)[site >= 0]
        zones = [self.zones[zone] for zone in self._zone_of_pair]
        day = day_numbers(table["day"])
        obligor = np.where(pair < 0, -1, self.pairs.obligor[pair])
        own_pairs = chosen[self.pairs.obligor]
        values = row_values(table, pair, zones)
        self._names = tuple(values)
        for kept, units, unit in (
            (self._of_obligors, chosen, obligor),
            (self._of_machines, own_pairs, pair),
        ):
            begins = max(first_day, last_day - kept.keep + 1)
            grid = _grid(units, unit, day - begins, last_day - begins + 1)
            rows = np.flatnonzero(units)
            for name, measure in added_up(values, grid).items():
                kept.put(name, rows, begins, measure)
        grid = _grid(own_pairs, pair, day - first_day, last_day - first_day + 1)
        seen = np.zeros((grid.units, grid.days))
        seen[grid.unit[grid.inside], grid.column[grid.inside]] = 1.0
        self._present.put(_PRESENT, np.flatnonzero(own_pairs), first_day, Measure(seen))

    def _histories(self, as_of: datetime, ownership: Ownership) -> KnownHistories:
        spans = self._spans(ownership)
        last_of_zone = self._last_day_of_zone(as_of)
        told = spans.of(self._told(spans, as_of, self._days.obligor, last_of_zone))
        current = told.of(told.is_current(to_micros(as_of)))
        lately = spans.of(self._told(spans, as_of, self._days.machine, last_of_zone))
        recently = lately.of(lately.is_current(to_micros(as_of)))
        count = len(self.pairs.machine)
        return KnownHistories(
            obligors=self._obligors(told, as_of, last_of_zone),
            machines=self._machines(told, current, last_of_zone),
            machine_uids=self._uids(told),
            recent_machine_uids=self._uids(lately),
            obligors_known=_among(self.pairs.obligor[told.pair], len(self._obligor_ids)),
            machines_known=_among(recently.pair, count),
            fleet_known=_among(current.pair, count),
        )

    def _uids(self, spans: Spans) -> list[MachineUid]:
        machines = np.unique(self.pairs.machine[spans.pair])
        return [MachineUid(self.pairs.machine_uids[at]) for at in machines]

    def _obligors(self, told: Spans, as_of: datetime, last_of_zone: Ints) -> DailyHistory:
        count, zone, owner = len(self._obligor_ids), self._zone_of_pair[told.pair], self.pairs.obligor[told.pair]
        last_days = np.full(count, np.iinfo(np.int64).max)
        np.minimum.at(last_days, owner, last_of_zone[zone])
        # Of obligors that are not known nothing is asked; with the others' day all arrays stay views.
        unplaced = last_days == np.iinfo(np.int64).max
        last_days[unplaced] = last_days[~unplaced].max(initial=day_number(as_of.astimezone(UTC).date()) - 1)
        first_zone = np.full(count, len(self.zones))
        np.minimum.at(first_zone, owner, zone)
        zones = tuple([*self.zones, "UTC"][at] for at in first_zone)
        units = Units(Level.OBLIGOR, self._obligor_ids, self._obligor_ids, zones, last_days)
        return self._history(self._of_obligors, units, told, owner, days=self._days.obligor, recent=self._days.recent)

    def _machines(self, told: Spans, current: Spans, last_of_zone: Ints) -> DailyHistory:
        pairs = self.pairs
        owners = [self._obligor_ids[at] for at in pairs.obligor]
        names = [pairs.machine_uids[at] for at in pairs.machine]
        stands = _among(current.pair, len(names))
        units = Units(
            Level.MACHINE,
            tuple(
                name if now else f"{name} of {owner}" for name, owner, now in zip(names, owners, stands, strict=True)
            ),
            tuple(owners),
            tuple(self.zones[zone] for zone in self._zone_of_pair),
            last_of_zone[self._zone_of_pair],
        )
        days = self._days.machine
        return self._history(self._of_machines, units, told, told.pair, days=days, recent=days)

    def _history(
        self, kept: SlidingDays, units: Units, spans: Spans, unit: Ints, *, days: int, recent: int
    ) -> DailyHistory:
        """`unit` is that of each span."""
        last_of_pair = np.zeros(len(self.pairs.machine), dtype=np.int64)
        last_of_pair[spans.pair] = units.last_days[unit]
        last_of_pair[last_of_pair == 0] = last_of_pair.max(initial=self._last_day)
        seen = self._present.last(_PRESENT, days, last_of_pair).values > 0
        first_column = np.where(seen.any(axis=1), seen.argmax(axis=1), days)
        owned = owned_time(
            unit=unit,
            first_column=first_column[spans.pair],
            starts=spans.starts,
            ends=spans.ends,
            zones=[self.zones[zone] for zone in self._zone_of_pair[spans.pair]],
            last_days=units.last_days,
            shape=(len(units.names), days),
        )
        width = {name: days if name in LONG_MEASURES else recent for name in self._names}
        measures = {name: kept.last(name, width[name], units.last_days) for name in self._names}
        return history_of(units, measures, owned, recent=recent)

    def _spans(self, ownership: Ownership) -> Spans:
        machines, owners = (
            pa.chunked_array([pa.array(list(ids), pa.string())])
            for ids in (ownership.machine_uids, ownership.obligor_ids)
        )
        pair = self.pairs.of(machines, owners)
        return Spans(pair, ownership.starts, ownership.ends).of(pair >= 0)

    def _told(self, spans: Spans, as_of: datetime, days: int, last_of_zone: Ints) -> Mask:
        """The spans in which a machine-day lies that is read for histories of so many days."""
        begins = to_micros(datetime.combine(history_begins(as_of, days) - ZONE_MARGIN, datetime.min.time(), tzinfo=UTC))
        seen = np.zeros(len(self.pairs.machine), dtype=np.bool_)
        several = np.bincount(spans.pair, minlength=len(seen))[spans.pair] > 1
        told = np.zeros(len(spans.pair), dtype=np.bool_)
        for number, zone in enumerate(self.zones):
            last = int(last_of_zone[number])
            calendar = local_days(zone, last - days - _SPREAD + 1, last)
            first = calendar.first_day + int(np.searchsorted(calendar.midnights, begins))
            present = self._present.last(_PRESENT, last - first + 1, np.full(len(seen), last)).values > 0
            seen |= present.any(axis=1) & (self._zone_of_pair == number)
            for at in np.flatnonzero(several & (self._zone_of_pair[spans.pair] == number)):
                told[at] = spans.holds(int(at), calendar, first + np.flatnonzero(present[spans.pair[at]]))
        return np.where(several, told, seen[spans.pair])

    def _owners_of(self, machine_uids: Sequence[str]) -> Mask:
        """The obligors that ever owned any of these machines."""
        machine = np.isin(np.array(self.pairs.machine_uids, dtype=np.str_), np.array(machine_uids, dtype=np.str_))
        return _among(self.pairs.obligor[machine[self.pairs.machine]], len(self._obligor_ids))


def _grid(chosen: Mask, unit: Ints, column: Ints, days: int) -> Grid:
    """Rows (unit, column) among the chosen units, which are numbered anew."""
    number = np.where(chosen, np.cumsum(chosen) - 1, -1)
    local = np.where(unit < 0, -1, number[unit])
    inside = (local >= 0) & (column >= 0) & (column < days)
    return Grid(units=int(chosen.sum()), days=days, recent=days, unit=local, column=column, inside=inside)


def _among(positions: Ints, count: int) -> Mask:
    """Which of so many positions occur."""
    found = np.zeros(count, dtype=np.bool_)
    found[positions] = True
    return found
