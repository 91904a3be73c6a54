"""A block of firms through time: what it is made of, what it carries from month to month, and one month's step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.credit.reduced_form import Lives, draw_lives
from simulator.factory.faults import (
    Failures,
    hazard_per_hour,
    maintenance_effort,
    next_debt,
    planned_maintenance,
    strike,
)
from simulator.factory.machine_month import MachineMonth, assemble
from simulator.factory.machines import Machines, draw_machines
from simulator.factory.schedule import Quarters, activity_after_default, owned_days, planned_quarters, split_work
from simulator.firms.obligors import BLOCK_FIRMS, Firms, Health, draw_firms, draw_health, industry_shifts, sum_by_firm
from simulator.gateway.outages import draw_outages
from simulator.parameter_values import WorldParameters
from simulator.streams import Streams
from simulator.trade.orders import Capacity, Orders, capacity, demand_drive, draw_orders, work_load
from simulator.world_calendar import Calendar, Month

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Laws:
    """What all blocks of a world share."""

    calendar: Calendar
    parameters: WorldParameters
    streams: Streams
    industry_states: Floats
    """(industries, months + 1), column 0 the month before the world."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Up to `BLOCK_FIRMS` firms with their machines, their latent health and the day of their default."""

    number: int
    firms: Firms
    machines: Machines
    health: Health
    lives: Lives


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockState:
    """What a block carries from one month to the next."""

    open_parts: Ints
    """By firm: parts ordered less parts made and opening stock; negative where finished stock lies."""
    maintenance_debt: Floats
    locked_until: Ints
    """By machine: last day of waiting for repair."""
    silent_until: Ints
    """By firm: the quarter-hour at which the gateway's last outage ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockMonth:
    """A month of a block: its orders, its machines, and the hazard (per executing hour) behind their failures."""

    orders: Orders
    machines: MachineMonth
    fault_hazard: Floats
    maintenance_debt: Floats
    load: Floats


def build_block(number: int, count: int, laws: Laws) -> Block:
    """The first `count` firms of block `number`, with everything about them that does not depend on production."""
    assert 0 < count <= BLOCK_FIRMS
    calendar, parameters, streams = laws.calendar, laws.parameters, laws.streams
    firms = draw_firms(number, count, calendar=calendar, parameters=parameters, streams=streams)
    health = draw_health(number, firms, states=laws.industry_states, health=parameters.health, streams=streams)
    shifts = industry_shifts(parameters.industries)
    lives = draw_lives(number, firms, health, shifts=shifts, calendar=calendar, parameters=parameters, streams=streams)
    machines = draw_machines(
        number, firms, last_days=lives.last_day, calendar=calendar, parameters=parameters, streams=streams
    )
    return Block(number=number, firms=firms, machines=machines, health=health, lives=lives)


def opening(block: Block, laws: Laws) -> tuple[BlockState, Orders, Ints]:
    """State at the world's start, the orders of the month before, and the finished stock (parts) by firm."""
    demand, faults = laws.parameters.demand, laws.parameters.faults
    warm_up = laws.calendar.warm_up
    orders = _orders(block, warm_up, laws, open_parts=np.zeros(len(block.firms), dtype=np.int64))
    possible = _capacity(block, warm_up, laws)
    stock = np.round(possible.monthly_parts(demand.work_days_per_month * demand.opening_stock_months)).astype(np.int64)
    ordered = sum_by_firm(orders.parts, orders.firm, count=len(block.firms))
    effort = maintenance_effort(block.firms, block.health.health[:, 0], faults=faults)
    return (
        BlockState(
            open_parts=ordered - stock,
            maintenance_debt=1.0 - effort,
            locked_until=np.full(len(block.machines), -1, dtype=np.int64),
            silent_until=np.zeros(len(block.firms), dtype=np.int64),
        ),
        orders,
        stock,
    )


def step(block: Block, month: Month, state: BlockState, laws: Laws) -> tuple[BlockState, BlockMonth]:
    """One month: orders come, work is planned, machines run, fail and are seen; and the state after it."""
    demand, faults = laws.parameters.demand, laws.parameters.faults
    firms, machines = block.firms, block.machines
    orders = _orders(block, month, laws, open_parts=state.open_parts)
    new_parts = sum_by_firm(orders.parts, orders.firm, count=len(firms))
    possible = _capacity(block, month, laws)
    work_days = firms.is_open[:, month.days].sum(axis=1)
    load = work_load(state.open_parts, new_parts, possible.monthly_parts(work_days), demand=demand)
    effort = maintenance_effort(firms, block.health.health[:, month.position + 1], faults=faults)
    debt = next_debt(state.maintenance_debt, effort, faults=faults)
    hazard = hazard_per_hour(machines, debt, faults=faults)
    machine_month, failures, silent_until = _run(block, month, state, laws, load=load, effort=effort, hazard=hazard)
    made = sum_by_firm(machine_month.parts_made.sum(axis=1), machines.firm, count=len(firms))
    after = BlockState(
        open_parts=state.open_parts + new_parts - made,
        maintenance_debt=debt,
        locked_until=failures.locked_until,
        silent_until=silent_until,
    )
    return after, BlockMonth(
        orders=orders, machines=machine_month, fault_hazard=hazard, maintenance_debt=debt, load=load
    )


def _run(
    block: Block, month: Month, state: BlockState, laws: Laws, *, load: Floats, effort: Floats, hazard: Floats
) -> tuple[MachineMonth, Failures, Ints]:
    """Plan, work, failures and outages of a month: (machines, failures, until when gateways are silent)."""
    parameters, streams, machines = laws.parameters, laws.streams, block.machines
    place = (block.number, month)
    activity = activity_after_default(
        block.lives.default_day, month=month, wind_down_days=parameters.defaults.wind_down_days
    )
    planned = planned_quarters(
        *place,
        firms=block.firms,
        machines=machines,
        load=load,
        activity=activity,
        schedule=parameters.schedule,
        streams=streams,
    )
    maintenance = planned_maintenance(
        *place, planned, machines=machines, effort=effort, faults=parameters.faults, streams=streams
    )
    setup, executing = _split(block, month, laws, planned=planned, maintenance=maintenance, load=load)
    failures = strike(
        *place,
        executing,
        hazard=hazard,
        nominal_quarters=block.firms.nominal_quarters[machines.firm],
        locked_until=state.locked_until,
        faults=parameters.faults,
        streams=streams,
    )
    outages = draw_outages(*place, silent_until=state.silent_until, gateway=parameters.gateway, streams=streams)
    machine_month = assemble(
        *place,
        machines=machines,
        is_reported=owned_days(machines, month),
        planned=planned,
        setup=setup,
        maintenance=maintenance,
        executing=executing,
        failures=failures,
        outages=outages,
        start_quarter=block.firms.start_quarter[machines.firm],
        power=parameters.power,
        streams=streams,
    )
    return machine_month, failures, outages.silent_until


def _split(
    block: Block, month: Month, laws: Laws, *, planned: Quarters, maintenance: Quarters, load: Floats
) -> tuple[Quarters, Quarters]:
    return split_work(
        block.number,
        month,
        planned,
        machines=block.machines,
        load=load,
        maintenance=maintenance,
        schedule=laws.parameters.schedule,
        streams=laws.streams,
    )


def _capacity(block: Block, month: Month, laws: Laws) -> Capacity:
    return capacity(
        block.firms,
        block.machines,
        until_day=max(month.first_day, 0) + month.length,
    )


def _orders(block: Block, month: Month, laws: Laws, *, open_parts: Ints) -> Orders:
    column = month.position + 1
    drive = demand_drive(
        block.firms,
        health=block.health.health[:, column],
        industry=block.health.industry_state[:, column],
        month_of_year=month.first.month,
        demand=laws.parameters.demand,
    )
    return draw_orders(
        block.number,
        month,
        block.firms,
        drive=drive,
        open_parts=open_parts,
        possible=_capacity(block, month, laws),
        until_day=block.lives.default_day,
        parameters=laws.parameters,
        streams=laws.streams,
    )
