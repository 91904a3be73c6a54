"""When what gateways say becomes known: which firms connect when, and which days arrive late."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.special import expit, logit

from data_contracts.contract import RecordKind
from simulator.block import Block, Laws
from simulator.factory.machine_month import MachineMonth
from simulator.parameter_values import ObservationParameters
from simulator.streams import Streams
from simulator.told.reports import INSTANT, source_schema
from simulator.world_calendar import Month

LONGEST_UPLINK_OUTAGE = 28
"""Days: an outage reaches no further than into the month after the one in which it began."""
PLAN = "planned_seconds"

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """By firm of a block: the first day on which its gateways are connected, and whether it tells its plans."""

    first_day: Ints
    """The number of days of the world where the firm does not connect within it."""
    tells_plans: NDArray[np.bool_]


def connect(block: Block, laws: Laws) -> Connection:
    """Healthier and larger firms connect first: some before the world begins, the others by a monthly hazard.

    Nothing is reported before; who owns which machine is known all the same.
    """
    calendar, observation, number = laws.calendar, laws.parameters.observation, block.number
    count, months = len(block.firms), len(calendar.months)
    pull = _pull(block, laws)
    uniform = laws.streams.of("observation.adoption", number).random((count, months + 1))
    from_start = expit(logit(observation.adoption_share_from_start) + pull[:, 0])
    hazard = np.minimum(observation.adoption_per_month * np.exp(pull[:, 1:]), 1.0)
    connects = uniform < np.concatenate([from_start[:, None], hazard], axis=1)
    first_days = np.array([0, *(month.first_day + month.length // 2 for month in calendar.months)])
    first = np.where(connects.any(axis=1), first_days[connects.argmax(axis=1)], calendar.day_count)
    plans = laws.streams.of("observation.plans", number).random(count) >= observation.no_plan_share
    return Connection(first_day=first, tells_plans=plans)


def known_days(block: int, firms: int, month: Month, *, observation: ObservationParameters, streams: Streams) -> Ints:
    """(firms, days): the day at whose beginning what happened on each day is known, usually the next.

    An uplink that is down holds back all that the firm's gateways say; they go on counting and send it afterwards.
    """
    before = month.position - 1
    earlier = np.full((firms, LONGEST_UPLINK_OUTAGE), -1)
    if before >= 0:
        days = np.arange(month.first_day - LONGEST_UPLINK_OUTAGE, month.first_day)
        earlier = _restored(block, before, days, firms, observation=observation, streams=streams)
    own = _restored(block, month.position, month.days, firms, observation=observation, streams=streams)
    restored = np.maximum.accumulate(np.concatenate([earlier, own], axis=1), axis=1)[:, LONGEST_UPLINK_OUTAGE:]
    return np.maximum(month.days[None, :] + 1, restored)


def uplink_outages(block: int, firms: int, month: Month, laws: Laws) -> Ints:
    """(firms, days): the day with whose beginning an uplink is up again that failed on each day; -1 where none did."""
    observation = laws.parameters.observation
    return _restored(block, month.position, month.days, firms, observation=observation, streams=laws.streams)


def only_known(month: MachineMonth, known: Ints, connection: Connection, *, firm: Ints, end_day: int) -> MachineMonth:
    """The month less what is never told within the world: before the firm connected, or held back beyond the end.

    `firm` says whose each machine is; `known` is what `known_days` gave.
    """
    connected = month.month.days[None, :] >= connection.first_day[:, None]
    return replace(month, is_reported=month.is_reported & (connected & (known <= end_day))[firm])


def as_told(
    reports: pa.Table, month: MachineMonth, block: Block, laws: Laws, *, known: Ints, connection: Connection
) -> pa.Table:
    """The reports of a month as they arrive: known when the uplink allows, without plans where a firm tells none."""
    machine, column = np.divmod(np.flatnonzero(month.is_reported), month.month.length)
    firm = block.machines.firm[machine]
    recorded = pa.array(laws.calendar.midnight(known[firm, column]), type=INSTANT)
    columns = dict(zip(reports.column_names, reports.columns, strict=True)) | {"recorded_time": recorded}
    if PLAN in columns:
        plan = columns[PLAN].to_numpy(zero_copy_only=False)
        columns[PLAN] = pa.array(plan, mask=np.isnan(plan) | ~connection.tells_plans[firm])
    return pa.table(columns, schema=source_schema(RecordKind.MACHINE_DAY_REPORT, list(columns)))


def _pull(block: Block, laws: Laws) -> Floats:
    """(firms, months + 1): log-odds or log-hazard of connecting, 0 for a firm of middling health and size.

    A firm's size is that of the day: the world's first, then the first of each month.
    """
    observation, machines = laws.parameters.observation, block.machines
    days = np.array([0, *(month.first_day for month in laws.calendar.months)])
    there = (machines.first_day[:, None] <= days) & (machines.owned_until[:, None] > days)
    owned = np.zeros((len(block.firms), len(days)))
    np.add.at(owned, machines.firm, there)
    size = np.log(np.maximum(owned, 1.0) / laws.parameters.machines.mean_count)
    return observation.adoption_health_log * block.health.health + observation.adoption_size_log * size


def _restored(
    block: int, position: int, days: Ints, firms: int, *, observation: ObservationParameters, streams: Streams
) -> Ints:
    """(firms, days): the day on which an outage that begins on each day ends; -1 where none begins."""
    uniform = streams.of("observation.uplink", block, position).random((firms, LONGEST_UPLINK_OUTAGE + 3))
    length = streams.of("observation.uplink_days", block, position).geometric(
        1.0 / observation.uplink_outage_mean_days, size=uniform.shape
    )
    begins = uniform < observation.uplink_outages_per_day
    ends = days[None, :] + np.minimum(length, LONGEST_UPLINK_OUTAGE)[:, -len(days) :]
    return np.where(begins[:, -len(days) :], ends, -1)
