"""What the roll-up reads of samples, rows of them that are kept, and their profiles as numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from data_contracts.identifiers import ProfileId
from data_contracts.profile import SourceProfile
from data_contracts.vocabulary import DataOrigin, Silence
from features.machine_day.days import MICROS_PER_SECOND, Micros

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
    def code_of(self) -> Mapping[str, int]:
        """The number of each profile."""
        return {name: code for code, name in enumerate(self.ids)}

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


def take(rows: Rows, chosen: Any) -> Rows:
    """Some of the rows, by mask, position or slice."""
    columns: list[Any] = [values[chosen] for values in rows]
    return Rows(*columns)


def join_rows(parts: Sequence[Rows]) -> Rows:
    """Rows of several parts, sorted by series; within a series in the order of the parts."""
    if not parts:
        return no_rows()
    together = Rows(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    return take(together, np.argsort(together.series, kind="stable"))


def no_rows() -> Rows:
    """No rows at all."""
    kinds = (np.int32, np.int64, np.int8, np.int8, *(np.float64,) * 4, np.int32)
    columns: list[Any] = [np.empty(0, dtype=kind) for kind in kinds]
    return Rows(*columns)


def _numbers(values: Sequence[float | None]) -> Floats:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _bits(profile: SourceProfile) -> int:
    off = SILENCE_MEANS_OFF if profile.silence is Silence.OFF else 0
    return off | (SYNTHETIC if profile.data_origin is DataOrigin.SYNTHETIC else 0)
