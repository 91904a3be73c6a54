"""The quarter-hours under the samples that were asked for, month by month."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from data_contracts.identifiers import ObligorId
from simulator.block import Block, Laws
from simulator.factory.machine_month import MachineMonth
from simulator.told.arrival import connect
from simulator.told.makers.quarter_hours import QuarterHours, mistaken, quarter_hours, without_gaps
from simulator.told.makers.request import InvalidSampleRequest, SampleRequest
from simulator.told.samples import sample_table

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A request in a world: the firm by block and position, and the days [`first_day`, `last_day`)."""

    block: int
    firm: int
    obligor: ObligorId
    first_day: int
    last_day: int


def locate(requests: Sequence[SampleRequest], blocks: Sequence[Block], laws: Laws) -> tuple[Reading, ...]:
    """The requests in this world.

    Raises InvalidSampleRequest when a firm is none of the world's or not yet connected, the days lie outside the
    world, or two requests for one firm overlap.
    """
    places = {
        obligor: (block, position) for block in blocks for position, obligor in enumerate(block.firms.obligor_ids)
    }
    found: list[Reading] = []
    for request in requests:
        if request.obligor not in places:
            raise InvalidSampleRequest(
                f"{request.obligor} is no firm of this world.",
                hint=f"Its {len(places):,} firms run from {min(places)} to {max(places)}.",
            )
        reading = _located(request, *places[request.obligor], laws)
        if any(_overlap(reading, other) for other in found):
            raise InvalidSampleRequest(
                f"Samples of {request.obligor} are asked for twice on some days.", hint="Join the two periods."
            )
        found.append(reading)
    return tuple(found)


def _located(request: SampleRequest, block: Block, firm: int, laws: Laws) -> Reading:
    calendar = laws.calendar
    dates = np.array([request.from_date, request.to_date], dtype="datetime64[D]")
    first, last = (int(day) for day in calendar.index_of(dates))
    if not 0 <= first <= last < calendar.day_count:
        raise InvalidSampleRequest(
            f"Samples from {request.from_date} to {request.to_date} reach beyond the world.",
            hint=f"It runs from {calendar.first_day} to {calendar.date_of(np.array(calendar.day_count - 1))}.",
        )
    connected = int(connect(block, laws).first_day[firm])
    if connected > last:
        in_time = connected < calendar.day_count
        when = f"on {calendar.date_of(np.array(connected))}" if in_time else "after this world has ended"
        raise InvalidSampleRequest(
            f"The gateways of {request.obligor} send nothing until {request.to_date}.",
            hint=f"They are connected {when}. Ask for another firm or other days.",
        )
    return Reading(block=block.number, firm=firm, obligor=request.obligor, first_day=first, last_day=last + 1)


def gather(
    reading: Reading, month: MachineMonth, told: pa.Table, *, known: Ints, block: Block, laws: Laws
) -> list[QuarterHours]:
    """The quarter-hours of a month that a request asks for; empty when it lies in other months.

    `told` are the firm's samples of the month as they are told; `known` (days) the day at which each becomes known.
    """
    days = month.month.days
    if reading.last_day <= days[0] or reading.first_day > days[-1]:
        return []
    calendar = laws.calendar
    bounds = calendar.midnight(np.array([max(reading.first_day, days[0]), min(reading.last_day, days[-1] + 1)]))
    firms = np.array([reading.firm], dtype=np.int64)
    whole = sample_table(without_gaps(month), block.machines, calendar, firms=firms, first_day=reading.first_day)
    machines = np.flatnonzero(block.machines.firm == reading.firm)
    months = quarter_hours(
        _between(told, bounds),
        _between(whole, bounds),
        rows=[(block.machines.uids[machine], int(machine)) for machine in machines],
        first_midnight=int(calendar.midnight(int(days[0]))),
        known=np.where(known > days + 1, calendar.midnight(known), 0),  # by day's end it is known in any case
    )
    observation = laws.parameters.observation
    return [
        mistaken(
            hours, block=block.number, position=month.month.position, observation=observation, streams=laws.streams
        )
        for hours in months
    ]


def _between(samples: pa.Table, bounds: Ints) -> pa.Table:
    time = np.asarray(samples["event_time"].cast(pa.int64()))
    return samples.filter(pa.array((time >= bounds[0]) & (time < bounds[1])))


def _overlap(one: Reading, other: Reading) -> bool:
    same = one.obligor == other.obligor
    return same and one.first_day < other.last_day and other.first_day < one.last_day
