"""What becomes known of a block's month: its reports as they arrive, and the samples that are written of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from simulator.block import Block, Laws
from simulator.factory.machine_month import MachineMonth
from simulator.frauds.forge import Forger, forge, recruit
from simulator.frauds.plan import Code, plan_frauds
from simulator.told.arrival import Connection, as_told, connect, known_days, only_known
from simulator.told.makers.collect import Reading, gather
from simulator.told.makers.quarter_hours import QuarterHours
from simulator.told.reports import INSTANT, report_table
from simulator.told.samples import sample_table
from simulator.world_calendar import Month

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """Which firms' machines are also written as samples, and from which day of the world.

    The first `wanted` firms, by serial number, that are alive when that day's month begins; `readings` are the firms
    whose makers' gateways are read, which are not among them, so that nothing is told twice.
    """

    wanted: int
    first_day: int
    firms: Mapping[int, Sequence[int]] | None = None
    """Positions by block, once they are chosen."""
    readings: tuple[Reading, ...] = ()
    frauds: tuple[Code, ...] = ()
    """What firms commit, if anything."""

    def chosen(self, default_days: Mapping[int, Ints], month: Month) -> Sampling:
        """With its firms, if they are to be chosen in this month: by block, the days of default known at its beginning.

        Whoever is alive then is taken, whatever becomes of it.
        """
        if self.firms is not None or self.first_day >= month.first_day + month.length:
            return self
        firms, left = {}, self.wanted
        for number, days in default_days.items():
            is_alive = days > month.first_day
            is_alive[[reading.firm for reading in self.readings if reading.block == number]] = False
            firms[number] = np.flatnonzero(is_alive)[:left].tolist()
            left -= len(firms[number])
        return replace(self, firms=firms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Teller:
    """What telling a block's months needs to remember."""

    connection: Connection
    forger: Forger


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What became known of a block's month."""

    month: MachineMonth
    """Less the machine-days that are told to nobody."""
    reports: pa.Table
    samples: pa.Table
    gathered: tuple[tuple[Reading, tuple[QuarterHours, ...]], ...]
    """By request, the quarter-hours of its machines in the month."""
    teller: Teller


def begin(block: Block, laws: Laws, *, frauds: Sequence[Code] = ()) -> Teller:
    """A block's teller at the world's start."""
    forger = recruit(block, plan_frauds(block, frauds, laws))
    return Teller(connection=connect(block, laws), forger=forger)


def tell(month: MachineMonth, *, block: Block, teller: Teller, sampling: Sampling, laws: Laws) -> Told:
    """Everything that is told of a month."""
    number, calendar, machines = block.number, laws.calendar, block.machines
    observation = laws.parameters.observation
    known = known_days(number, len(block.firms), month.month, observation=observation, streams=laws.streams)
    seen = only_known(month, known, teller.connection, firm=machines.firm, end_day=calendar.day_count)
    reports = as_told(
        report_table(seen, machines, calendar), seen, block, laws, known=known, connection=teller.connection
    )
    firms = np.array((sampling.firms or {}).get(number, ()), dtype=np.int64)
    samples = sample_table(seen, machines, calendar, firms=firms, first_day=sampling.first_day)
    forged = None
    if teller.forger.frauds:
        reports, forged, forger = forge(seen, reports, block=block, forger=teller.forger, laws=laws)
        samples = _in_place(samples, forged)
        teller = replace(teller, forger=forger)
    samples = _when_known(samples, month, block, laws, known=known)
    gathered = []
    for reading in sampling.readings:
        if reading.block == number and reading.last_day > month.month.first_day:
            own = np.array([reading.firm], dtype=np.int64)
            told = sample_table(seen, machines, calendar, firms=own, first_day=reading.first_day)
            told = told if forged is None else _in_place(told, forged)
            found = gather(reading, seen, told, known=known[reading.firm], block=block, laws=laws)
            gathered.append((reading, tuple(found)))
    return Told(month=seen, reports=reports, samples=samples, gathered=tuple(gathered), teller=teller)


def _when_known(samples: pa.Table, month: MachineMonth, block: Block, laws: Laws, *, known: Ints) -> pa.Table:
    """Samples of days that the uplink held back are recorded when it let them through, like the reports of them."""
    days = month.month.days
    if not len(samples) or (known == days[None, :] + 1).all():
        return samples
    firm_of = dict(zip(block.machines.uids, block.machines.firm.tolist(), strict=True))
    machines = samples["machine_uid"].combine_chunks().dictionary_encode()
    firm = np.array([firm_of[uid] for uid in machines.dictionary.to_pylist()])[machines.indices.to_numpy()]
    time = np.asarray(samples["event_time"].cast(pa.int64()))
    column = np.searchsorted(laws.calendar.midnight(days), time, side="right") - 1
    arrives = known[firm, column]
    recorded = np.asarray(samples["recorded_time"].cast(pa.int64()))
    recorded = np.where(arrives > days[column] + 1, laws.calendar.midnight(arrives), recorded)
    place = samples.column_names.index("recorded_time")
    return samples.set_column(place, samples.schema.field(place), pa.array(recorded, type=INSTANT))


def _in_place(samples: pa.Table, forged: pa.Table) -> pa.Table:
    """Samples with those of fraudsters' machines as they tell them, on the days that the samples are of."""
    if not len(samples):
        return samples
    is_forged = pc.is_in(samples["machine_uid"], value_set=pc.unique(forged["machine_uid"]))
    if not pc.any(is_forged).as_py():
        return samples
    own = pc.unique(samples["machine_uid"].filter(is_forged))
    inside = pc.and_(
        pc.is_in(forged["machine_uid"], value_set=own),
        pc.greater_equal(forged["event_time"], pc.min(samples["event_time"])),
    )
    both = pa.concat_tables([samples.filter(pc.invert(is_forged)), forged.filter(inside)])
    return both.sort_by([("machine_uid", "ascending"), ("event_time", "ascending")])
