"""Samples as sorted columns of numbers: what the kernel reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from data_contracts.identifiers import ProfileId
from data_contracts.profile import SourceProfile
from data_contracts.vocabulary import ITEM_STATE_CODES, OPERATION_MODE_CODES, DataOrigin, Silence
from features.machine_day.arrow import encoded, floats, micros
from features.machine_day.days import MICROS_PER_SECOND, Micros
from features.machine_day.findings import count_by_machine
from features.machine_day.ownership import Ownership, series_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Codes = NDArray[np.int8]

SAMPLE_COLUMNS = (
    "machine_uid",
    "event_time",
    "item_state",
    "operation_mode",
    "power_kw",
    "energy_register_kwh",
    "part_count",
    "part_delta",
    "profile_id",
)
"""What the roll-up reads of a sample."""

NOT_SAID = -1
"""Code of a state or mode that a row did not say; numbers that it did not say are NaN."""

SAID_STATE, SAID_MODE, SAID_POWER, SAID_REGISTER, SAID_COUNT, SAID_DELTA = 1, 2, 4, 8, 16, 32
SILENCE_MEANS_OFF, SYNTHETIC = 64, 128
"""Bits of what a series said, and of the profiles it was read under."""


class Rows(NamedTuple):
    """Samples sorted by series and time, one time at most once in a series."""

    series: NDArray[np.int32]
    time: Micros
    state: Codes
    mode: Codes
    power_kw: Floats
    register_kwh: Floats
    part_count: Floats
    part_delta: Floats
    profile: NDArray[np.int32]


class Profiles(NamedTuple):
    """What the kernel needs of each profile, by code: microseconds a value holds, moduli (NaN: none declared), and
    its bits (`SILENCE_MEANS_OFF`, `SYNTHETIC`)."""

    hold: Ints
    count_modulus: Floats
    register_modulus: Floats
    bits: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ProfileCodes:
    """Profiles numbered in the order of their ids."""

    ids: tuple[str, ...]
    site_zones: tuple[str, ...]
    columns: Profiles

    @property
    def longest_hold(self) -> int:
        """Microseconds after which no value holds any more, whatever the profile."""
        return int(self.columns.hold.max(initial=0))


def profile_codes(profiles: Mapping[ProfileId, SourceProfile]) -> ProfileCodes:
    """The profiles as columns. A profile without `hold_seconds` (no source of samples) holds nothing."""
    ids = tuple(sorted(profiles))
    chosen = [profiles[name] for name in ids]
    return ProfileCodes(
        ids=ids,
        site_zones=tuple(profile.site_zone for profile in chosen),
        columns=Profiles(
            hold=np.array([round((p.hold_seconds or 0) * MICROS_PER_SECOND) for p in chosen], dtype=np.int64),
            count_modulus=_numbers([p.part_count_modulus for p in chosen]),
            register_modulus=_numbers([p.energy_register_modulus_kwh for p in chosen]),
            bits=np.array([_bits(profile) for profile in chosen], dtype=np.int64),
        ),
    )


@dataclass(frozen=True, slots=True)
class Sorted:
    """The rows that lie in a series, and how many of each machine lie in none or after `as_of`."""

    rows: Rows
    outside_ownership: Mapping[str, int]
    after_as_of: Mapping[str, int]


def sorted_rows(samples: pa.Table, *, ownership: Ownership, profiles: ProfileCodes, as_of: int) -> Sorted:
    """Samples (columns as in the data contract; any order; one row for each machine and time) as the kernel reads
    them.

    `as_of` is in microseconds; rows of a later `event_time` are left out and counted, as are rows that nobody owned.
    """
    time = micros(samples["event_time"])
    series = series_of(ownership, samples["machine_uid"], time)
    late = time > as_of
    kept = (series >= 0) & ~late
    rows = Rows(
        series=series,
        time=time,
        state=_codes(samples["item_state"], ITEM_STATE_CODES),
        mode=_codes(samples["operation_mode"], OPERATION_MODE_CODES),
        power_kw=floats(samples["power_kw"]),
        register_kwh=floats(samples["energy_register_kwh"]),
        part_count=floats(samples["part_count"]),
        part_delta=floats(samples["part_delta"]),
        profile=_profile(samples["profile_id"], profiles),
    )
    rows = _in_order(rows if kept.all() else take(rows, kept))
    repeated = (rows.series[1:] == rows.series[:-1]) & (rows.time[1:] == rows.time[:-1])
    same_source = rows.profile[1:] == rows.profile[:-1]
    assert not (repeated & same_source).any(), "two samples of one source and time: read them by ObservationReader.rows"
    machines = samples["machine_uid"]
    return Sorted(rows, count_by_machine(machines, (series < 0) & ~late), count_by_machine(machines, late))


def take(rows: Rows, chosen: NDArray[Any]) -> Rows:
    """Some of the rows, by mask or position."""
    return Rows(*(_read_only(values[chosen]) for values in rows))


def join(parts: Sequence[Rows]) -> Rows:
    """Rows of several parts, sorted by series; within a series in the order of the parts."""
    together = Rows(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    return take(together, np.argsort(together.series, kind="stable"))


def _in_order(rows: Rows) -> Rows:
    """The rows sorted by series, time and, where several sources speak at once, their profiles."""
    series, time, profile = rows.series, rows.time, rows.profile
    at_once = (time[1:] == time[:-1]) & (profile[1:] >= profile[:-1])
    rising = (series[1:] > series[:-1]) | ((series[1:] == series[:-1]) & ((time[1:] > time[:-1]) | at_once))
    ordered = rising.all()
    return (
        Rows(*(_read_only(values) for values in rows)) if ordered else take(rows, np.lexsort((profile, time, series)))
    )


def _read_only(values: NDArray[Any]) -> NDArray[Any]:
    """What comes from Arrow without a copy is read-only; if all is, the kernel is compiled for one kind of array."""
    values.setflags(write=False)
    return values


def _codes(values: pa.ChunkedArray, codes: Mapping[str, int]) -> Codes:
    words, positions = encoded(values)
    return np.asarray(np.array([*(codes[word] for word in words), NOT_SAID], dtype=np.int8)[positions])


def _profile(values: pa.ChunkedArray, profiles: ProfileCodes) -> NDArray[np.int32]:
    words, positions = encoded(values)
    return np.asarray(np.array([*(profiles.ids.index(word) for word in words), -1], dtype=np.int32)[positions])


def _numbers(values: Sequence[float | None]) -> Floats:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _bits(profile: SourceProfile) -> int:
    off = SILENCE_MEANS_OFF if profile.silence is Silence.OFF else 0
    return off | (SYNTHETIC if profile.data_origin is DataOrigin.SYNTHETIC else 0)
