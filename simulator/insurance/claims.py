"""Machine cover: a policy for each machine and year, and a claim where a loss exceeds the deductible.

Three kinds of loss: breakdown (every failure damages its machine), idle loss (some failures stop the line) and
liability (parts or people harmed, by executing hours). So claims rise with operating hours, with a machine's proneness
and with maintenance left undone, because failures do. In a world of independent telemetry losses strike at constant
rates of their own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.block import Block, BlockMonth, Laws
from simulator.factory.machine_month import EXECUTING
from simulator.factory.machines import FOREVER
from simulator.insurance.severity import draw_damage, mean_payout
from simulator.parameter_values import ClaimKind, InsuranceParameters
from simulator.world_calendar import Calendar, Instants

MONTHS_PER_YEAR = 12
DAYS_PER_YEAR = 365.25
QUARTERS_PER_HOUR = 4.0
WORK_BEGINS_SECONDS = 8 * 3600
WORK_LASTS_SECONDS = 12 * 3600
DAY_MICROSECONDS = 86_400 * 1_000_000

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """The policies of a block, machine by machine and year by year. Arrays of length k; days are world indices."""

    machine: Ints
    inception_day: Ints
    expiry_day: Ints
    """First day that is no longer covered, as the policy is written."""
    ended_day: Ints
    """Day on which the machine left the firm and the cover ended with it; `FOREVER` where it runs its term."""
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
    kind: Ints
    """Position in the sorted table of kinds."""
    number: Ints
    """Counts the claims of one machine, day and kind from 0."""


def write_policies(block: Block, *, calendar: Calendar, insurance: InsuranceParameters) -> Policies:
    """Annual policies from the first of each machine's own month, the first in force when the world begins.

    A firm in default renews no more, and cover ends with the sale of the machine.
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
    until = np.where(machines.last_day > 0, np.minimum(until, machines.last_day), np.iinfo(np.int64).min)
    written = inception < until[machine]
    insured = machines.value_minor[machine]
    left = machines.owned_until[machine]
    return Policies(
        machine=machine[written],
        inception_day=inception[written],
        expiry_day=expiry[written],
        ended_day=np.where(left < expiry, left, FOREVER)[written],
        year=_year(begins)[written],
        sum_insured_minor=insured[written],
        deductible_minor=np.round(insured * insurance.deductible_share).astype(np.int64)[written],
    )


def draw_claims(block: Block, month: BlockMonth, laws: Laws) -> Claims:
    """The claims of a month: of the losses that its failures and executing hours bring, those above the deductible."""
    parts = [
        _draw_kind(block, month, laws, name=name, position=position)
        for position, name in enumerate(laws.parameters.insurance.kinds)
    ]
    return Claims(
        **{name: np.concatenate([getattr(part, name) for part in parts]) for name in Claims.__dataclass_fields__}
    )


def pure_premium(block: Block, month: BlockMonth, laws: Laws) -> Floats:
    """(m,): what the claims of a month cost on average, in minor units, given what the machines did; 0 without cover.

    Expected failures (the compensator of those drawn) and executing hours, times the exact mean payout of each kind.
    """
    insurance, machines = laws.parameters.insurance, block.machines
    expected, hours = month.fault_hazard, month.machines.done[EXECUTING].sum(axis=1) / QUARTERS_PER_HOUR
    if laws.world.telemetry_is_independent:
        days = month.machines.is_reported.sum(axis=1)
        expected = days * insurance.independent_failures_per_year / DAYS_PER_YEAR
        hours = days * insurance.independent_hours_per_day
    total = np.zeros(len(machines))
    for kind in insurance.kinds.values():
        losses = expected * kind.per_failure + hours * kind.per_1000_hours / 1000.0
        scale = _scale(block, month, laws, kind=kind)
        total += losses * mean_payout(kind.severity, scale=scale, deductible_share=insurance.deductible_share)
    first_days = np.full(len(machines), month.machines.month.first_day)
    in_force, _ = _cover(block, np.arange(len(machines)), first_days, laws.calendar)
    return total * machines.value_minor * in_force


def _draw_kind(block: Block, month: BlockMonth, laws: Laws, *, name: str, position: int) -> Claims:
    insurance, calendar, machines = laws.parameters.insurance, laws.calendar, block.machines
    kind, place = insurance.kinds[name], (block.number, month.machines.month.position)
    machine, column = _losses(month, laws, kind=kind, name=name, place=place)
    day = month.machines.month.days[column]
    scale = _scale(block, month, laws, kind=kind)[machine]
    damage = draw_damage(kind.severity, laws.streams.of(f"claim.{name}.damage", *place), scale=scale)
    insured = machines.value_minor[machine]
    paid = np.round(insured * np.minimum(damage, 1.0)) - np.round(insured * insurance.deductible_share)
    in_force, policy_year = _cover(block, machine, day, calendar)
    uniform = laws.streams.of(f"claim.{name}.hour", *place).random(len(machine))
    seconds = WORK_BEGINS_SECONDS + np.floor(uniform * WORK_LASTS_SECONDS / 60.0).astype(np.int64) * 60
    event = calendar.midnight(day) + seconds * 1_000_000
    normal = laws.streams.of(f"claim.{name}.lag", *place).standard_normal(len(machine))
    lag_days = insurance.reporting_lag_median_days * np.exp(insurance.reporting_lag_sd_log * normal)
    recorded = calendar.next_midnight(event + np.floor(lag_days).astype(np.int64) * DAY_MICROSECONDS)
    made = in_force & (paid > 0)
    return Claims(
        machine=machine[made],
        day=day[made],
        event=event[made],
        recorded=recorded[made],
        amount_minor=paid.astype(np.int64)[made],
        policy_year=policy_year[made],
        kind=np.full(int(made.sum()), position),
        number=_counted(machine[made], day[made]),
    )


def _losses(month: BlockMonth, laws: Laws, *, kind: ClaimKind, name: str, place: tuple[int, int]) -> tuple[Ints, Ints]:
    """(machine, column of the day) of each loss of a kind, machine by machine and day by day."""
    insurance, done = laws.parameters.insurance, month.machines
    failures: Ints = done.fault_starts.astype(np.int64)
    hours = np.asarray(done.done[EXECUTING] / QUARTERS_PER_HOUR, dtype=np.float64)
    if laws.world.telemetry_is_independent:
        rate = done.is_reported * insurance.independent_failures_per_year / DAYS_PER_YEAR
        failures = laws.streams.of("claim.independent", *place).poisson(rate)
        hours = np.asarray(done.is_reported * insurance.independent_hours_per_day, dtype=np.float64)
    by_hours = laws.streams.of(f"claim.{name}.hours", *place).poisson(hours * kind.per_1000_hours / 1000.0)
    by_failure = laws.streams.of(f"claim.{name}.failures", *place).binomial(failures, kind.per_failure)
    counts = by_hours + by_failure
    machine, column = np.nonzero(counts)
    times = counts[machine, column]
    return np.repeat(machine, times), np.repeat(column, times)


def _scale(block: Block, month: BlockMonth, laws: Laws, *, kind: ClaimKind) -> Floats:
    """(m,): damages grow with the maintenance that the machine's firm left undone."""
    if laws.world.telemetry_is_independent:
        return np.ones(len(block.machines))
    neglect = month.maintenance_debt[block.machines.firm] - laws.parameters.faults.debt_reference
    return np.asarray(np.exp(kind.debt_log * neglect))


def _cover(block: Block, machine: Ints, day: Ints, calendar: Calendar) -> tuple[Bools, Ints]:
    """Whether a policy is in force for each machine on each day, and the year in which it began."""
    first = _first_cover_month(block, calendar)[machine]
    month = calendar.date_of(day).astype("datetime64[M]").astype(np.int64)
    years = (month - first) // MONTHS_PER_YEAR
    begins = first + MONTHS_PER_YEAR * years
    until = np.minimum(block.lives.default_day[block.machines.firm], block.machines.last_day)[machine]
    return (years >= 0) & (_first_day(begins, calendar) < until), _year(begins)


def _first_cover_month(block: Block, calendar: Calendar) -> Ints:
    """By machine: months since 1970 of the first policy's inception.

    What was there before the world has its own month of the year, what was bought later the month after.
    """
    machines = block.machines
    start = calendar.date_of(machines.first_day).astype("datetime64[M]").astype(np.int64)
    since = (start % MONTHS_PER_YEAR + 1 - machines.policy_month) % MONTHS_PER_YEAR
    return np.where(machines.first_day == 0, start - since, start + 1)


def _counted(machine: Ints, day: Ints) -> Ints:
    """Positions within runs of equal machine and day (both sorted)."""
    starts = np.flatnonzero(np.r_[True, (machine[1:] != machine[:-1]) | (day[1:] != day[:-1])])
    starts = starts[: len(machine)]
    return np.arange(len(machine)) - np.repeat(starts, np.diff(np.r_[starts, len(machine)]))


def _first_day(month: Ints, calendar: Calendar) -> Ints:
    return calendar.index_of(month.astype("datetime64[M]"))


def _year(month: Ints) -> Ints:
    return month.astype("datetime64[M]").astype("datetime64[Y]").astype(np.int64) + 1970
