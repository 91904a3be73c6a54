"""Readings: a machine's quarter-hours as a gateway polls them, with its own clock and counters."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from simulator.factory.machine_month import EXECUTING
from simulator.parameter_values import ObservationParameters
from simulator.streams import Streams
from simulator.told.makers.quarter_hours import QUARTER, QuarterHours
from simulator.world_calendar import MICROSECONDS, QUARTERS_PER_DAY

SECONDS_PER_DAY = 86_400
SYNC_SECONDS = 3 * 3600
"""Clocks are set at three in the morning."""
MOST_DRIFT_SDS = 2.0
RIPPLE_SHARE = 0.04
"""Power swings by so much about its mean while a machine cuts; over a quarter-hour it comes to nothing."""
MOST_PARTS_BEFORE = 50_000

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """What one machine's gateway read, in order: arrays of one length.

    `at` is the true instant, `stamp` what the gateway's clock said (microseconds); `count` the controller's part
    counter, `fresh` the parts since the reading before within the quarter-hour, `energy_wh` an energy register.
    """

    at: Ints
    stamp: Ints
    state: Ints
    power_w: Ints
    count: Ints
    fresh: Ints
    energy_wh: Ints
    known: Ints
    follows: NDArray[np.bool_]
    """The reading before it is the poll before it: nothing was silent between the two."""

    def __len__(self) -> int:
        return len(self.at)

    def take(self, chosen: NDArray[np.bool_] | Ints) -> Readings:
        """Some of the readings."""
        return Readings(**{name: getattr(self, name)[chosen] for name in self.__dataclass_fields__})


def poll(hours: QuarterHours, polls: int, *, block: int, streams: Streams, resets: bool, ripples: bool) -> Readings:
    """Readings at `polls` even instants of every told quarter-hour; their clock is right.

    The parts of a quarter-hour have come by its last reading, so that a counter has told a day's parts within the day.
    `resets`: the controller's counter is volatile and begins again where `hours` says so; otherwise it never does.
    `ripples`: power swings about its mean while the machine cuts.
    """
    first = streams.of("gateway.counter", block, hours.machine).integers(0, MOST_PARTS_BEFORE, 2)
    made = np.cumsum(hours.parts) - hours.parts + first[0]
    if resets:
        begins = np.flatnonzero(hours.counter_resets)
        since = np.searchsorted(begins, np.arange(len(made)), side="right") - 1
        made = made - np.where(since >= 0, made[begins[since]] if len(begins) else 0, 0)
    used = hours.power_w // 4
    drawn = np.cumsum(used) - used + first[1]
    told = np.flatnonzero(hours.is_told)
    step = np.arange(polls)
    came = hours.parts[told, None] * step // max(polls - 1, 1)
    shape = came.shape
    at = hours.begins[told, None] + step * (QUARTER // polls)
    follows = np.ones(shape, dtype=np.bool_)
    follows[:, 0] = np.diff(told, prepend=-2) == 1
    swing = _ripple(hours, told, polls, block=block, streams=streams) if ripples else np.zeros(shape, dtype=np.int64)
    return Readings(
        at=at.ravel(),
        stamp=at.ravel(),
        state=np.repeat(hours.state[told], polls),
        power_w=(hours.power_w[told, None] + swing).ravel(),
        count=(made[told, None] + came).ravel(),
        fresh=np.diff(came, axis=1, prepend=0).ravel(),
        energy_wh=(drawn[told, None] + used[told, None] * step // polls).ravel(),
        known=np.repeat(hours.known[told], polls),
        follows=follows.ravel(),
    )


def with_day_close(readings: Readings, hours: QuarterHours) -> Readings:
    """Readings at the beginnings of quarter-hours, and one more a second before midnight that closes the day."""
    told = np.flatnonzero(hours.is_told)
    assert len(told) == len(readings)
    closing = np.flatnonzero((np.diff(hours.day, append=-1) != 0)[told])
    rows = told[closing]
    last = readings.take(closing)
    at = hours.begins[rows] + QUARTER - MICROSECONDS
    close = replace(
        last,
        at=at,
        stamp=at,
        count=last.count + hours.parts[rows],
        energy_wh=last.energy_wh + hours.power_w[rows] // 4,
        follows=np.ones(len(rows), dtype=np.bool_),
    )
    order = np.argsort(np.concatenate([readings.at, close.at]), kind="stable")
    names = Readings.__dataclass_fields__
    return Readings(**{name: np.concatenate([getattr(readings, name), getattr(close, name)])[order] for name in names})


def by_own_clock(
    readings: Readings,
    *,
    machine: int,
    block: int,
    origin: int,
    resolution: int,
    observation: ObservationParameters,
    streams: Streams,
) -> Readings:
    """The readings under the stamps of a clock that drifts and is set again every few days.

    `origin` is an instant of local midnight, `resolution` the least step of a stamp. A gateway whose clock was set
    back is silent until it has passed its last stamp, so that no instant is told twice.
    """
    draws = streams.of("gateway.clock", block, machine)
    rate = observation.clock_drift_ppm * 1e-6 * np.clip(draws.standard_normal(), -MOST_DRIFT_SDS, MOST_DRIFT_SDS)
    cycle = observation.clock_resync_days * SECONDS_PER_DAY * MICROSECONDS
    first = (
        origin
        + SYNC_SECONDS * MICROSECONDS
        + int(draws.integers(observation.clock_resync_days)) * (SECONDS_PER_DAY * MICROSECONDS)
    )
    since_set = (readings.at - first) % cycle
    stamp = (readings.at + np.rint(rate * since_set).astype(np.int64)) // resolution * resolution
    before = np.maximum.accumulate(np.concatenate([[np.iinfo(np.int64).min], stamp[:-1]]))
    return replace(readings, stamp=stamp).take(stamp > before)


def largest_offset_seconds(observation: ObservationParameters) -> float:
    """How far a clock may be from the truth at most."""
    return observation.clock_drift_ppm * 1e-6 * MOST_DRIFT_SDS * observation.clock_resync_days * SECONDS_PER_DAY


def _ripple(hours: QuarterHours, told: Ints, polls: int, *, block: int, streams: Streams) -> Ints:
    """(told, polls): whole watts about the mean of each quarter-hour of cutting, which cancel exactly."""
    half = polls // 2
    ripple = np.zeros((len(told), polls), dtype=np.int64)
    days = hours.begins // (QUARTER * QUARTERS_PER_DAY)
    for day in np.unique(days[told]) if half > 1 else ():
        rows = np.flatnonzero(days[told] == day)
        normal = streams.of("gateway.ripple", block, hours.machine, int(day)).standard_normal((QUARTERS_PER_DAY, half))
        quarter = hours.begins[told[rows]] // QUARTER % QUARTERS_PER_DAY
        level = np.where(hours.state[told[rows]] == EXECUTING, hours.power_w[told[rows]], 0)
        swing = np.rint(RIPPLE_SHARE * level[:, None] * np.clip(normal[quarter], -3.0, 3.0)).astype(np.int64)
        ripple[rows, :half], ripple[rows, polls - half :] = swing, -swing[:, ::-1]
    return ripple
