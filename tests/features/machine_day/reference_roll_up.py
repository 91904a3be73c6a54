"""The definitions of `docs/machine-days.md` once more, in plain Python by intervals: slow, obvious, and sharing no code
with the kernel. Between two neighbouring instants at which anything can change, everything is constant."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from data_contracts.profile import SourceProfile
from data_contracts.vocabulary import Silence

HELD = ("item_state", "operation_mode", "power_kw", "energy_register_kwh", "part_count", "part_delta")
COUNTED_ELSEWHERE = ("Maintenance", "Setup")
SECOND = timedelta(seconds=1)
Row = Mapping[str, Any]
DayRow = dict[str, Any]


def reference_days(
    rows: Sequence[Row],
    *,
    profiles: Mapping[str, SourceProfile],
    intervals: Sequence[tuple[str, str, datetime | None, datetime | None]],
    as_of: datetime,
) -> dict[tuple[str, str, date], DayRow]:
    """Machine-days by (machine, obligor, day); `intervals` are (machine, obligor, from, until), disjoint."""
    said: dict[str, set[str]] = defaultdict(set)
    found: dict[tuple[str, str, date], DayRow] = {}
    for machine, obligor, start, end in intervals:
        own = sorted((row for row in rows if row["machine_uid"] == machine), key=lambda row: row["event_time"])
        own = [
            row
            for row in own
            if (start or row["event_time"]) <= row["event_time"] < (end or datetime.max.replace(tzinfo=UTC))
        ]
        own = [row for row in own if row["event_time"] <= as_of]
        for row in own:
            said[machine] |= {column for column in HELD if row[column] is not None}
        if own:
            series = _Series(own, profiles, start or own[0]["event_time"], end, as_of)
            found |= {(machine, obligor, day): values for day, values in series.days().items()}
    for (machine, _, _), values in found.items():
        _choose(values, said[machine])
    return found


class _Series:
    def __init__(
        self,
        rows: list[Row],
        profiles: Mapping[str, SourceProfile],
        start: datetime,
        end: datetime | None,
        as_of: datetime,
    ) -> None:
        self.rows, self.profiles, self.start, self.end = rows, profiles, start, end
        self.limit = as_of if end is None else min(as_of, end)
        self.zone = ZoneInfo(profiles[rows[-1]["profile_id"]].site_zone)
        self.said = {column: [row for row in rows if row[column] is not None] for column in HELD}
        self.times = {column: [row["event_time"] for row in self.said[column]] for column in HELD}
        self.row_times = [row["event_time"] for row in rows]

    def days(self) -> dict[date, DayRow]:
        first, last = (self._day(self.rows[at]["event_time"]) for at in (0, -1))
        count = (last - first).days + 1
        days = {first + timedelta(days=number): self._empty(first + timedelta(days=number)) for number in range(count)}
        energies: dict[tuple[date, str], list[float]] = defaultdict(list)
        for begin, stop in self._pieces(days):
            values, length = days[self._day(begin)], (stop - begin) / SECOND
            element = self._element(begin)
            values["seconds"][element].append(length)
            values["gap_off"] += length if self._state(begin) is None and element == "off" else 0.0
            kind = element if element in ("executing", "idle") else "other"
            power = self._held("power_kw", begin)
            if power is not None:
                energies[self._day(begin), kind].append(power["power_kw"] * length / 3600)
            for day, kwh in self._register(begin, stop):
                days[day]["register"][kind].append(kwh)
        for (day, kind), kwh in energies.items():
            days[day]["power"][kind].extend(kwh)
        self._events(days)
        return {day: _summed(values) for day, values in days.items()}

    def _empty(self, day: date) -> DayRow:
        kinds = ("executing", "idle", "other")
        return {
            "within": (min(self._midnight(day + timedelta(days=1)), self.end or datetime.max.replace(tzinfo=UTC))
                       - max(self._midnight(day), self.start)) / SECOND,
            "seconds": defaultdict(list), "gap_off": 0.0,
            "power": {kind: [] for kind in kinds}, "register": {kind: [] for kind in kinds},
            "peak_kw": None, "deltas": 0.0, "counted": 0.0, "fault_starts": 0, "state_changes": 0,
            "first_sample": None, "last_sample": None,
        }  # fmt: skip

    def _pieces(self, days: Mapping[date, DayRow]) -> Iterator[tuple[datetime, datetime]]:
        """Intervals inside which nothing changes, from the first row to the end of the last row's day."""
        cuts = {self._midnight(day) for day in days} | {self._midnight(max(days) + timedelta(days=1))}
        cuts |= set(self.row_times) | {self.limit}
        cuts |= {min(row["event_time"] + self._hold(row), self.limit) for row in self.rows}
        inside = sorted(
            cut for cut in cuts if self.row_times[0] <= cut <= self._midnight(max(days) + timedelta(days=1))
        )
        yield from pairwise(inside)

    def _element(self, moment: datetime) -> str:
        state = self._state(moment)
        if state is None:
            before = bisect_right(self.row_times, moment)
            between = before < len(self.rows)
            off = self.profiles[self.rows[before - 1]["profile_id"]].silence is Silence.OFF
            silent = all(self._held(column, moment) is None for column in HELD)
            return "off" if between and off and silent else "unknown"
        mode = self._held("operation_mode", moment)
        simple = {"Unknown": "unknown", "NotAvailable": "off", "OutOfService": "fault"}
        if state in simple:
            return simple[state]
        if mode is not None and mode["operation_mode"] in COUNTED_ELSEWHERE:
            return str(mode["operation_mode"]).lower()
        return "executing" if state == "Executing" else "idle"

    def _state(self, moment: datetime) -> str | None:
        row = self._held("item_state", moment)
        return None if row is None else row["item_state"]

    def _held(self, column: str, moment: datetime) -> Row | None:
        before = bisect_right(self.times[column], moment)
        if before == 0:
            return None
        row = self.said[column][before - 1]
        return row if moment < min(row["event_time"] + self._hold(row), self.limit) else None

    def _hold(self, row: Row) -> timedelta:
        return timedelta(seconds=self.profiles[row["profile_id"]].hold_seconds or 0)

    def _register(self, begin: datetime, stop: datetime) -> Iterator[tuple[date, float]]:
        """The share of the register's gain, between the readings around it, that falls into this piece."""
        after = bisect_right(self.times["energy_register_kwh"], begin)
        if 0 < after < len(self.said["energy_register_kwh"]):
            earlier, later = self.said["energy_register_kwh"][after - 1 : after + 1]
            modulus = self.profiles[later["profile_id"]].energy_register_modulus_kwh
            kwh = _gain(earlier["energy_register_kwh"], later["energy_register_kwh"], modulus)
            yield self._day(begin), kwh * ((stop - begin) / (later["event_time"] - earlier["event_time"]))

    def _events(self, days: dict[date, DayRow]) -> None:
        last_state, last_count = None, None
        for row in self.rows:
            values = days[self._day(row["event_time"])]
            values["first_sample"] = values["first_sample"] or row["event_time"]
            values["last_sample"] = row["event_time"]
            if row["power_kw"] is not None:
                values["peak_kw"] = max(row["power_kw"], values["peak_kw"] or 0.0)
            values["deltas"] += row["part_delta"] or 0.0
            if row["part_count"] is not None:
                modulus = self.profiles[row["profile_id"]].part_count_modulus
                values["counted"] += 0.0 if last_count is None else _gain(last_count, row["part_count"], modulus)
                last_count = row["part_count"]
            if row["item_state"] not in (None, "Unknown"):
                changed = last_state is not None and row["item_state"] != last_state
                values["state_changes"] += changed
                values["fault_starts"] += changed and row["item_state"] == "OutOfService"
                last_state = row["item_state"]

    def _day(self, moment: datetime) -> date:
        return moment.astimezone(self.zone).date()

    def _midnight(self, day: date) -> datetime:
        return datetime(day.year, day.month, day.day, tzinfo=self.zone).astimezone(UTC)


def _gain(earlier: float, later: float, modulus: float | None) -> float:
    if later >= earlier:
        return later - earlier
    return later if modulus is None else later - earlier + modulus


def _summed(values: DayRow) -> DayRow:
    elements = {f"{name}_seconds": math.fsum(lengths) for name, lengths in values.pop("seconds").items()}
    known = math.fsum(length for name, length in elements.items() if name != "unknown_seconds")
    elements["unknown_seconds"] = values["within"] - known
    values["sampled_seconds"] = known - values.pop("gap_off")
    return values | defaultdict(float, elements)


def _choose(values: DayRow, said: set[str]) -> None:
    """A register beats power, a counter beats deltas; what the machine never said is null."""
    source = "register" if "energy_register_kwh" in said else "power" if "power_kw" in said else None
    kwh = {kind: math.fsum(values[source][kind]) if source else None for kind in ("executing", "idle", "other")}
    values |= {f"energy_{kind}_kwh": amount for kind, amount in kwh.items()}
    values["energy_kwh"] = math.fsum(amount for amount in kwh.values() if amount is not None) if source else None
    values["parts"] = values["counted"] if "part_count" in said else values["deltas"] if "part_delta" in said else None
    if "item_state" not in said:
        values["fault_starts"] = values["state_changes"] = None
