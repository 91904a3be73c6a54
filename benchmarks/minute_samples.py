"""One-minute samples of two thousand machines as Parquet, exactly as the observation store keeps them: a file for each
UTC day and bucket, sorted by machine and time, with the store's row groups, compression and columns.

Half of the machines are metered (an energy register that is changed once, a cumulative part counter), the other half
count parts as they are made; all say state, mode and power at every sample. A tenth of the machines sends nothing while
it is off. Each day of a machine has one silence of half an hour, after which it catches up at twice the pace, so that a
day has 1,440 samples whatever happens in it. Synthetic; the shapes are inputs, not findings.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from data_contracts.contract import RecordKind, load_contract
from data_contracts.observations.layout import MACHINE_BUCKETS, bucket_of
from data_contracts.observations.store import ObservationStore, Part
from data_contracts.profile import SourceProfile
from data_contracts.vocabulary import DataOrigin, Silence
from features.machine_day.days import MICROS_PER_DAY, MICROS_PER_SECOND, to_micros

MACHINES = 2_000
MINUTES_PER_DAY = 1_440
SILENT_MINUTES = 30
HOLD_SECONDS = 300
SITE_ZONE = "Asia/Shanghai"
OBLIGOR = "91999999MA0000001N"
BATCH = "b" + "0" * 24
START = datetime(2026, 1, 1, tzinfo=UTC)
SEED = 20_260_701
STATES = ("Executing", "NotExecuting", "OutOfService", "NotAvailable")
MODES = ("Processing", "None", "None", "None")
KW = np.array([12.0, 3.0, 1.0, 0.0])
METER_CHANGED_AT_KWH = 5_000.0


def source(silence: Silence) -> SourceProfile:
    """The profile of the machines whose silence means this."""
    return SourceProfile(
        kind=RecordKind.SAMPLE,
        source_zone="UTC",
        site_zone=SITE_ZONE,
        site_zone_assumed=False,
        hold_seconds=HOLD_SECONDS,
        silence=silence,
        units={},
        vocabulary={},
        part_count_modulus=None,
        energy_register_modulus_kwh=None,
        data_origin=DataOrigin.SYNTHETIC,
        recorded_time="event_time",
    )


PROFILES = {profile.profile_id: profile for profile in map(source, Silence)}


@dataclass(frozen=True, slots=True, eq=False)
class Fleet:
    """The machines of one bucket by name, which of them are metered, and which send nothing while off."""

    bucket: int
    uids: Sequence[str]
    metered: NDArray[np.bool_]
    silent_when_off: NDArray[np.bool_]


def fleets() -> list[Fleet]:
    """All machines, by the bucket that the store keeps them in."""
    numbers: dict[int, list[int]] = {bucket: [] for bucket in range(MACHINE_BUCKETS)}
    for number in range(MACHINES):
        numbers[bucket_of(uid(number))].append(number)
    return [
        Fleet(
            bucket,
            [uid(number) for number in own],
            np.array([number % 2 == 0 for number in own]),
            np.array([number % 10 == 0 for number in own]),
        )
        for bucket, own in numbers.items()
    ]


def uid(number: int) -> str:
    """Name of a machine."""
    return f"{OBLIGOR}/M{number:04}"


def write_samples(folder: Path, rows: int) -> list[Path]:
    """The samples of as many whole days as come nearest to `rows`, a day of a bucket at a time; their files."""
    store = ObservationStore(folder)
    days = max(1, round(rows / (MACHINES * MINUTES_PER_DAY)))
    with ThreadPoolExecutor(2) as pool:
        written = list(pool.map(partial(_write_fleet, store, days), fleets()))
    return [path for by_day in zip(*written, strict=True) for path in by_day]


def _write_fleet(store: ObservationStore, days: int, fleet: Fleet) -> list[Path]:
    """One file a day; counters and registers go on from one day to the next."""
    random = np.random.default_rng((SEED, fleet.bucket))
    counters = np.zeros((2, len(fleet.uids), 1))
    paths = []
    for day in range(days):
        table, counters = _day(fleet, day, counters, random)
        label = (START + timedelta(days=day)).date().isoformat()
        (file,) = store.write(RecordKind.SAMPLE, [Part(partition=label, bucket=fleet.bucket, table=table)])
        paths.append(store.root / file.path)
    return paths


def _day(fleet: Fleet, day: int, counters: Any, random: np.random.Generator) -> tuple[pa.Table, Any]:
    """A day of a fleet as canonical rows, and what its registers and counters read at its end."""
    shape = (len(fleet.uids), MINUTES_PER_DAY)
    seconds = _clock(random, shape)
    state = _states(random, shape)
    power = np.round(KW[state] * random.uniform(0.8, 1.2, shape), 2)
    made = np.where(state == 0, random.integers(0, 3, shape), 0)
    kwh = power * np.diff(seconds, append=86_400, axis=1) / 3_600
    register = np.round((counters[0] + np.cumsum(kwh, axis=1)) % METER_CHANGED_AT_KWH, 3)
    count = counters[1] + np.cumsum(made, axis=1)
    metered = np.broadcast_to(fleet.metered[:, None], shape).ravel()
    instants = pa.array(to_micros(START) + day * MICROS_PER_DAY + seconds.ravel() * MICROS_PER_SECOND)
    instants = instants.cast(pa.timestamp("us", tz="UTC"))
    machine = np.repeat(np.arange(shape[0], dtype=np.int32), MINUTES_PER_DAY)
    columns = {
        "machine_uid": _words(machine, fleet.uids),
        "event_time": instants,
        "item_state": _words(state.ravel(), STATES),
        "operation_mode": _words(state.ravel(), MODES),
        "power_kw": pa.array(power.ravel()),
        "energy_register_kwh": pa.array(register.ravel(), mask=~metered),
        "part_count": pa.array(count.ravel().astype(np.float64), mask=~metered),
        "part_delta": pa.array(made.ravel().astype(np.float64), mask=metered),
        "profile_id": _words(np.where(fleet.silent_when_off, 0, 1)[machine], _profile_ids()),
        "recorded_time": instants,
        "batch_id": pa.array([BATCH] * machine.size),
    }
    contract = load_contract(RecordKind.SAMPLE)
    table = pa.table([columns[name].cast(contract.column(name).type) for name in contract.names], names=contract.names)
    return table, np.stack([register[:, -1:], count[:, -1:]])


def _clock(random: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.int64]:
    """Seconds of the day of each sample: every minute, but for one silence that is caught up in half-minutes."""
    machines, minutes = shape
    begins = random.integers(0, minutes - 3 * SILENT_MINUTES, (machines, 1))
    after = np.arange(minutes)[None, :] - begins
    caught_up = (begins + SILENT_MINUTES) * 60 + after * 30
    return np.where((after >= 0) & (after < 2 * SILENT_MINUTES), caught_up, np.arange(minutes)[None, :] * 60)


def _states(random: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.int8]:
    """States that stay for a quarter of an hour on average."""
    changes = np.cumsum(random.random(shape[0] * shape[1]) < 1 / 15)
    drawn = random.choice(len(STATES), size=int(changes[-1]) + 1, p=[0.6, 0.3, 0.05, 0.05])
    return drawn[changes].reshape(shape).astype(np.int8)


def _words(codes: NDArray[Any], words: Sequence[str]) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array(list(words), pa.string())).cast(
        pa.string()
    )


def _profile_ids() -> list[str]:
    return [source(Silence.OFF).profile_id, source(Silence.UNKNOWN).profile_id]
