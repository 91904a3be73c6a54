"""A block of firms through time: what it is made of, what it carries from month to month, and one month's step."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from simulator.credit import structural
from simulator.credit.reduced_form import Lives, draw_lives
from simulator.credit.structural import Engine
from simulator.factory.energy import made_by_firm
from simulator.factory.faults import maintenance_effort, next_debt
from simulator.factory.machine_month import MachineMonth
from simulator.factory.machines import Machines, draw_machines
from simulator.factory.plant import Drive, Plant, PlantState, new_state, run_month
from simulator.factory.rationing import draw_episodes, power_supply
from simulator.factory.resale import change_hands, settle_sites
from simulator.factory.schedule import activity_after_default
from simulator.finance.assets import wound_down
from simulator.finance.books import BooksMonth, Business, Doings, keep_books
from simulator.finance.debt import NEVER
from simulator.finance.opening import BooksState, OpeningPapers, open_books
from simulator.finance.strain import Strain, draw_strain, no_strain
from simulator.finance.terms import Terms, draw_terms
from simulator.firms.obligors import BLOCK_FIRMS, Firms, Health, draw_firms, draw_health, industry_shifts, sum_by_firm
from simulator.firms.shadow import at_work
from simulator.gateway.outages import draw_outages
from simulator.parameter_values import WorldParameters
from simulator.streams import Streams
from simulator.trade.deliveries import Shelf, Shipments, cancel, empty_shelf, ship, take_orders
from simulator.trade.network import Network, buyer_state, draw_term_days
from simulator.trade.orders import Capacity, Orders, capacity, demand_drive, draw_orders, work_load
from simulator.world_calendar import Calendar, Month
from simulator.worlds import BASE, WorldSpec

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Laws:
    """What all blocks of a world share."""

    calendar: Calendar
    parameters: WorldParameters
    streams: Streams
    industry_states: Floats
    """(industries, months + 1), column 0 the month before the world: what production and trade run on."""
    credit_states: Floats
    """The same shape: the industry states behind defaults, without the world's offsets."""
    network: Network
    world: WorldSpec = BASE
    engine: Engine = Engine.REDUCED_FORM


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Up to `BLOCK_FIRMS` firms with their machines, their latent health and the day of their default."""

    number: int
    firms: Firms
    machines: Machines
    health: Health
    lives: Lives
    terms: Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockState:
    """What a block carries from one month to the next."""

    open_parts: Ints
    """By firm: parts ordered less parts made and opening stock; negative where finished stock lies."""
    maintenance_debt: Floats
    plant: PlantState
    silent_until: Ints
    """By firm: the quarter-hour at which the gateway's last outage ends."""
    default_day: Ints
    """By firm: the day on which it defaults, as far as is known: drawn beforehand in reduced form, set by the account
    in the structural engine; the number of days of the world while there is none."""
    shelf: Shelf
    books: BooksState


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockMonth:
    """A month of a block: its orders, its machines, and what drove them."""

    orders: Orders
    machines: MachineMonth
    fault_hazard: Floats
    """By machine: the failures expected, as the compensator of those that happened (`Failures.expected`)."""
    maintenance_debt: Floats
    load: Floats
    shipped: Shipments
    books: BooksMonth


def build_block(number: int, count: int, laws: Laws) -> Block:
    """The first `count` firms of block `number`, with everything about them that does not depend on production."""
    assert 0 < count <= BLOCK_FIRMS
    calendar, parameters, streams = laws.calendar, laws.parameters, laws.streams
    firms = draw_firms(number, count, calendar=calendar, parameters=parameters, streams=streams)
    health = draw_health(number, firms, states=laws.credit_states, health=parameters.health, streams=streams)
    lives = draw_lives(
        number,
        firms,
        health,
        shifts=industry_shifts(parameters.industries),
        world=laws.world,
        calendar=calendar,
        parameters=parameters,
        streams=streams,
    )
    if laws.engine is Engine.STRUCTURAL:
        lives = structural.without_hazard(lives, calendar)
    firms, health = at_work(
        number,
        firms,
        health,
        states=laws.industry_states,
        is_independent=laws.world.telemetry_is_independent,
        parameters=parameters.health,
        streams=streams,
    )
    machines = draw_machines(
        number, firms, last_days=lives.last_day, calendar=calendar, parameters=parameters, streams=streams
    )
    machines = change_hands(
        number,
        machines,
        default_days=lives.default_day,
        last_days=lives.last_day,
        calendar=calendar,
        limits=parameters.machines,
        streams=streams,
    )
    machines = settle_sites(
        number, machines, firms=len(firms), calendar=calendar, limits=parameters.machines, streams=streams
    )
    terms = draw_terms(
        number,
        firms,
        possible=_capacity_of(firms, machines, calendar.warm_up),
        default_day=lives.default_day,
        day_count=calendar.day_count,
        parameters=parameters,
        streams=streams,
    )
    return Block(number=number, firms=firms, machines=machines, health=health, lives=lives, terms=terms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A block when the world begins: its state, the orders of the month before, its finished stock, its papers."""

    state: BlockState
    orders: Orders
    stock: Ints
    """Parts by firm."""
    papers: OpeningPapers


def opening(block: Block, laws: Laws) -> Opening:
    """The block at the world's first instant."""
    parameters, warm_up = laws.parameters, laws.calendar.warm_up
    demand = parameters.demand
    none = np.zeros(len(block.firms), dtype=np.int64)
    orders = _orders(block, warm_up, laws, open_parts=none, until_day=block.lives.default_day)
    possible = _capacity_of(block.firms, block.machines, warm_up)
    stock = np.round(possible.monthly_parts(demand.work_days_per_month * demand.opening_stock_months)).astype(np.int64)
    ordered = sum_by_firm(orders.parts, orders.firm, count=len(block.firms))
    effort = maintenance_effort(block.firms, block.health.health[:, 0], faults=parameters.faults)
    books, papers = open_books(
        block.number,
        block.firms,
        block.machines,
        terms=block.terms,
        possible=possible,
        finished_parts=stock,
        default_day=_known_default(block.lives.default_day, laws),
        strain=_strain(block, laws),
        network=network_of(block, laws),
        parameters=parameters,
        streams=laws.streams,
    )
    state = BlockState(
        open_parts=ordered - stock,
        maintenance_debt=1.0 - effort,
        plant=new_state(_plant(block, laws)),
        silent_until=none,
        default_day=block.lives.default_day,
        shelf=_take(empty_shelf(stock), orders, laws),
        books=books,
    )
    return Opening(state=state, orders=orders, stock=stock, papers=papers)


def network_of(block: Block, laws: Laws) -> Network:
    """The world's buyers, and after them the block's firms, which buy from each other.

    A firm in default fails as a buyer with the next month. Where telemetry is independent of default it never does, so
    that nobody's orders tell of a default.
    """
    rules, lives, health = laws.parameters.network, block.lives, block.health
    failed = np.minimum(lives.default_month + 1, len(laws.calendar.months))
    if laws.world.telemetry_is_independent:
        failed = np.full_like(failed, len(laws.calendar.months))
    uniform = laws.streams.of("firm.term_days", block.number).random(len(block.firms))
    return laws.network.and_firms(
        industry=block.firms.industry,
        state=buyer_state(health.health, health.industry_state, rules),
        failed_month=failed,
        term_days=draw_term_days(uniform, rules),
    )


def as_known(block: Block, default_day: Ints, laws: Laws) -> Block:
    """The block with the defaults that are known by now: in reduced form it was drawn with all of them."""
    if laws.engine is Engine.REDUCED_FORM:
        return block
    lives = structural.as_known(
        block.lives, default_day, laws.calendar, wind_down_days=laws.parameters.defaults.wind_down_days
    )
    machines = wound_down(
        block.number,
        block.machines,
        default_day=lives.default_day,
        last_days=lives.last_day,
        calendar=laws.calendar,
        rules=laws.parameters.recovery,
        streams=laws.streams,
    )
    return replace(block, lives=lives, machines=machines)


def step(block: Block, month: Month, state: BlockState, laws: Laws) -> tuple[BlockState, BlockMonth]:
    """One month: orders come, machines run, fail and are seen, goods leave and money moves; and the state after it.

    A default that the account makes takes effect with the next month.
    """
    demand, faults = laws.parameters.demand, laws.parameters.faults
    block = as_known(block, state.default_day, laws)
    firms, machines = block.firms, block.machines
    shelf, cancelled = cancel(state.shelf, network_of(block, laws).fails(month.position))
    open_parts = state.open_parts - cancelled
    orders = _orders(block, month, laws, open_parts=open_parts, until_day=state.default_day)
    new_parts = sum_by_firm(orders.parts, orders.firm, count=len(firms))
    possible = _capacity_of(firms, machines, month)
    work_days = firms.is_open[:, month.days].sum(axis=1)
    load = work_load(open_parts, new_parts, possible.monthly_parts(work_days), demand=demand)
    effort = maintenance_effort(firms, block.health.health[:, month.position + 1], faults=faults)
    debt = next_debt(state.maintenance_debt, effort, faults=faults)
    drive = Drive(load=load, effort=effort, debt=debt, **_power_and_life(block, month, state, laws))
    outages = draw_outages(
        block.number, month, silent_until=state.silent_until, gateway=laws.parameters.gateway, streams=laws.streams
    )
    plant, machine_month = run_month(_plant(block, laws), month, state.plant, drive, outages)
    made = made_by_firm(machine_month, machines, len(firms))
    shelf, shipped = ship(_take(shelf, orders, laws), made, month, last_day=block.lives.last_day)
    doings = Doings(
        machines=machine_month,
        shipped=shipped,
        possible=possible,
        activity=drive.activity,
        maintenance_debt=debt,
        credit_health=block.lives.health[:, month.position + 1],
        default_day=_known_default(state.default_day, laws),
    )
    books, account, default_day = keep_books(_business(block, laws), month, state.books, doings)
    after = BlockState(
        open_parts=open_parts + new_parts - made.sum(axis=1),
        maintenance_debt=debt,
        plant=plant,
        silent_until=outages.silent_until,
        default_day=np.minimum(default_day, laws.calendar.day_count),
        shelf=shelf,
        books=books,
    )
    return after, BlockMonth(
        orders=orders,
        machines=machine_month,
        fault_hazard=machine_month.faults_expected,
        maintenance_debt=debt,
        load=load,
        shipped=shipped,
        books=account,
    )


def _strain(block: Block, laws: Laws) -> Strain:
    """How hard up firms are when the world begins: where the account decides, as hard as their health says."""
    if laws.engine is Engine.REDUCED_FORM:
        return no_strain(len(block.firms))
    return draw_strain(block.number, block.health.health[:, 0], rules=laws.parameters.finance, streams=laws.streams)


def _take(shelf: Shelf, orders: Orders, laws: Laws) -> Shelf:
    lead = laws.parameters.trade.two_shipments_from_lead_days
    return take_orders(shelf, orders, two_shipments_from_lead_days=lead)


def _known_default(default_day: Ints, laws: Laws) -> Ints:
    """The day of default, `NEVER` where there is none within the world."""
    return np.where(default_day < laws.calendar.day_count, default_day, NEVER)


def _business(block: Block, laws: Laws) -> Business:
    return Business(
        block=block.number,
        firms=block.firms,
        machines=block.machines,
        terms=block.terms,
        engine=laws.engine,
        network=network_of(block, laws),
        calendar=laws.calendar,
        parameters=laws.parameters,
        streams=laws.streams,
    )


def _plant(block: Block, laws: Laws) -> Plant:
    return Plant(
        block=block.number,
        firms=block.firms,
        machines=block.machines,
        parameters=laws.parameters,
        streams=laws.streams,
    )


def _power_and_life(block: Block, month: Month, state: BlockState, laws: Laws) -> dict[str, Floats]:
    """(firms, days): how far a firm is still at work after its default, and for how long it has power."""
    parameters, streams = laws.parameters, laws.streams
    episodes = draw_episodes(laws.calendar, rationing=parameters.rationing, streams=streams)
    return {
        "activity": activity_after_default(
            state.default_day, month=month, wind_down_days=parameters.defaults.wind_down_days
        ),
        "supply": power_supply(
            block.number, month, block.firms, episodes, rationing=parameters.rationing, streams=streams
        ),
    }


def _capacity_of(firms: Firms, machines: Machines, month: Month) -> Capacity:
    first = max(month.first_day, 0)
    return capacity(firms, machines, from_day=first, until_day=first + month.length)


def _orders(block: Block, month: Month, laws: Laws, *, open_parts: Ints, until_day: Ints) -> Orders:
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
        possible=_capacity_of(block.firms, block.machines, month),
        until_day=until_day,
        gone=network_of(block, laws).has_failed(month.position),
        parameters=laws.parameters,
        streams=laws.streams,
    )
