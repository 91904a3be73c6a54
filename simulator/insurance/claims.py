"""Breakdown cover: a policy for each machine and year, and a claim where a failure's damage exceeds the deductible.

So the chance of a claim rises with operating hours, with a machine's proneness and with maintenance left undone,
because failures do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.block import Block, BlockMonth, Laws
from simulator.parameter_values import InsuranceParameters
from simulator.world_calendar import Calendar, Instants

MONTHS_PER_YEAR = 12
WORK_BEGINS_SECONDS = 8 * 3600
WORK_LASTS_SECONDS = 12 * 3600
DAY_MICROSECONDS = 86_400 * 1_000_000

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """The policies of a block, machine by machine and year by year. Arrays of length k; days are world indices."""

    machine: Ints
    inception_day: Ints
    expiry_day: Ints
    """First day that is no longer covered."""
    year: Ints
    sum_insured_minor: Ints
    deductible_minor: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """Claims of a block in a month. Arrays of length k; instants in UTC microseconds."""

    machine: Ints
    day: Ints
    event: Instants
    recorded: Instants
    amount_minor: Ints
    policy_year: Ints


def write_policies(block: Block, *, calendar: Calendar, insurance: InsuranceParameters) -> Policies:
    """Annual policies from the first of each machine's own month, the first in force when the world begins.

    A firm in default renews no more.
    """
    machines = block.machines
    first = _first_cover_month(block, calendar)
    years = (np.datetime64(calendar.first_day, "M").astype(np.int64) + len(calendar.months) - first) // MONTHS_PER_YEAR
    counts = np.maximum(years + 1, 0)
    machine = np.repeat(np.arange(len(machines)), counts)
    number = np.arange(len(machine)) - np.repeat(np.cumsum(counts) - counts, counts)
    begins = first[machine] + MONTHS_PER_YEAR * number
    inception, expiry = (_first_day(month, calendar) for month in (begins, begins + MONTHS_PER_YEAR))
    until = np.minimum(block.lives.default_day, calendar.day_count)[machines.firm]
    until = np.where(machines.last_day > 0, until, np.iinfo(np.int64).min)
    written = inception < until[machine]
    insured = machines.value_minor[machine]
    return Policies(
        machine=machine[written],
        inception_day=inception[written],
        expiry_day=expiry[written],
        year=begins.astype("datetime64[M]").astype("datetime64[Y]").astype(np.int64)[written] + 1970,
        sum_insured_minor=insured[written],
        deductible_minor=np.round(insured * insurance.deductible_share).astype(np.int64)[written],
    )


def draw_claims(block: Block, month: BlockMonth, laws: Laws) -> Claims:
    """The claims that a month's failures make; each failed machine-day has one damage."""
    insurance, calendar, machines = laws.parameters.insurance, laws.calendar, block.machines
    machine, column = np.nonzero(month.machines.fault_starts)
    day = month.machines.month.days[column]
    place = (block.number, month.machines.month.position)
    normal = laws.streams.of("claim.normal", *place).standard_normal((len(machine), 2))
    uniform = laws.streams.of("claim.hour", *place).random(len(machine))
    neglect = month.maintenance_debt[machines.firm[machine]] - laws.parameters.faults.debt_reference
    damage = insurance.damage_median_share * np.exp(
        insurance.damage_sd_log * normal[:, 0] + insurance.damage_debt_log * neglect
    )
    insured = machines.value_minor[machine]
    paid = np.round(insured * np.minimum(damage, 1.0)) - np.round(insured * insurance.deductible_share)
    cover_month = calendar.date_of(day).astype("datetime64[M]").astype(np.int64)
    covered_years = (cover_month - _first_cover_month(block, calendar)[machine]) // MONTHS_PER_YEAR
    begins = _first_cover_month(block, calendar)[machine] + MONTHS_PER_YEAR * covered_years
    in_force = (covered_years >= 0) & (_first_day(begins, calendar) < block.lives.default_day[machines.firm[machine]])
    seconds = WORK_BEGINS_SECONDS + np.floor(uniform * WORK_LASTS_SECONDS / 60.0).astype(np.int64) * 60
    event = calendar.midnight(day) + seconds * 1_000_000
    lag_days = insurance.reporting_lag_median_days * np.exp(insurance.reporting_lag_sd_log * normal[:, 1])
    recorded = calendar.next_midnight(event + np.floor(lag_days).astype(np.int64) * DAY_MICROSECONDS)
    made = in_force & (paid > 0)
    return Claims(
        machine=machine[made],
        day=day[made],
        event=event[made],
        recorded=recorded[made],
        amount_minor=paid.astype(np.int64)[made],
        policy_year=begins.astype("datetime64[M]").astype("datetime64[Y]").astype(np.int64)[made] + 1970,
    )


def _first_cover_month(block: Block, calendar: Calendar) -> Ints:
    """By machine: months since 1970 of the first policy's inception.

    What was there before the world has its own month of the year, what was bought later the month after.
    """
    machines = block.machines
    start = calendar.date_of(machines.first_day).astype("datetime64[M]").astype(np.int64)
    since = (start % MONTHS_PER_YEAR + 1 - machines.policy_month) % MONTHS_PER_YEAR
    return np.where(machines.first_day == 0, start - since, start + 1)


def _first_day(month: Ints, calendar: Calendar) -> Ints:
    return calendar.index_of(month.astype("datetime64[M]"))
