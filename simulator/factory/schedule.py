"""Working time: from a firm's load to the quarter-hours that each machine is meant to run on each day of a month."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulator.factory.machines import Machines
from simulator.firms.obligors import Firms
from simulator.parameter_values import ScheduleParameters
from simulator.streams import Streams, round_at_random
from simulator.world_calendar import Month

LONGEST_QUARTERS = 95
"""A machine rests at least a quarter of an hour a day."""
WHOLE_DAY = 256
"""The parts that a day's work is cut in."""

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Quarters = NDArray[np.int32]


def planned_quarters(
    block: int,
    month: Month,
    *,
    firms: Firms,
    machines: Machines,
    load: Floats,
    activity: Floats,
    supply: Floats,
    schedule: ScheduleParameters,
    streams: Streams,
) -> Quarters:
    """(m, days): quarter-hours that each machine is to be powered, 0 where it rests.

    `load` is by firm, a ratio to nominal capacity; a load below 1 is met half by fewer machines and half by shorter
    hours, one above by stretched hours. `activity` is (firms, days), 1 in ordinary life and falling to 0 after default;
    `supply`, of the same shape, is the share of a day's time for which there is power.
    """
    place = (block, month.position)
    shape = (len(machines), month.length)
    bounded = np.minimum(load, firms.stretch)
    running_share = np.minimum(np.sqrt(bounded), 1.0)
    length = np.divide(bounded, running_share, out=np.zeros_like(bounded), where=running_share > 0)
    chance = running_share[:, None] * firms.is_open[:, month.days] * activity * (supply > 0.0)
    runs = streams.of("schedule.runs", *place).random(shape) < chance[machines.firm]
    noise = 1.0 + schedule.hours_sd_ratio * streams.of("schedule.hours", *place).standard_normal(shape)
    hours = (firms.nominal_quarters * length)[:, None] * supply
    quarters = np.round(hours[machines.firm] * noise)
    planned = np.where(runs, np.clip(quarters, 1, LONGEST_QUARTERS), 0.0)
    return (planned * owned_days(machines, month)).astype(np.int32)


def owned_days(machines: Machines, month: Month) -> Bools:
    """(m, days): the machine belongs to the firm and reports."""
    days = month.days[None, :]
    return (days >= machines.first_day[:, None]) & (days < machines.last_day[:, None])


def activity_after_default(default_day: Ints, *, month: Month, wind_down_days: int) -> Floats:
    """(firms, days): 1 until default, then falling in a straight line to 0 over the wind-down."""
    since = month.days[None, :] - default_day[:, None]
    return np.clip(1.0 - since / wind_down_days, 0.0, 1.0)


def split_work(
    block: int,
    month: Month,
    planned: Quarters,
    *,
    machines: Machines,
    load: Floats,
    maintenance: Quarters,
    schedule: ScheduleParameters,
    streams: Streams,
) -> tuple[Quarters, Quarters]:
    """(setup, executing) quarter-hours of the planned ones after maintenance; the rest is idle.

    Machines wait more when their firm has little to do.
    """
    place = (block, month.position)
    uniform = streams.of("schedule.split", *place).random((*planned.shape, 2))
    setup = np.minimum(round_at_random(planned * machines.setup_share[:, None], uniform[..., 0]), planned - maintenance)
    waiting = 1.0 - schedule.waiting_share_at_no_load * (1.0 - np.minimum(load, 1.0))
    share = machines.executing_share * waiting[machines.firm]
    rest = planned - maintenance - setup
    return setup, np.minimum(round_at_random(rest * share[:, None], uniform[..., 1]), rest)


def job_cuts(
    block: int, month: Month, *, machines: Machines, schedule: ScheduleParameters, streams: Streams
) -> Quarters:
    """(most jobs - 1, m, days): where the work of each day is cut into jobs, in rising parts of `WHOLE_DAY`.

    The number of jobs is drawn, and then each cut evenly over the day: so are divided independent exponential times of
    which only the sum is known. What is not cut ends with the day.
    """
    bounds = np.cumsum(schedule.job_shares) / np.sum(schedule.job_shares)
    most = len(bounds) - 1
    uniform = streams.of("schedule.jobs", block, month.position).random((len(machines), month.length, most + 1))
    count = np.searchsorted(bounds[:-1], uniform[..., 0], side="right")
    cuts = 1 + np.floor(uniform[..., 1:] * (WHOLE_DAY - 1)).astype(np.int32)
    cuts[np.arange(most) >= count[..., None]] = WHOLE_DAY
    return np.moveaxis(np.sort(cuts, axis=2), 2, 0)
