"""Replicas of one firm: a block whose firms are all that firm as it stands, each with a future of its own.

What is known at the snapshot is copied: stock, orders, machines and their wear, invoices, debt, cash. What is not yet
decided is drawn anew for each replica: its health, the states of all industries, its buyers and their failures, its
purchases and sales of machines, and everything that the month's step draws. Only power rationing is shared by the
replicas of one batch.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.block import Block, BlockState, Laws, as_known, network_of
from simulator.credit.reduced_form import monthly_hazard
from simulator.credit.structural import Engine
from simulator.factory.plant import Plant
from simulator.finance.costs import TaxYear
from simulator.finance.debt import Debt
from simulator.finance.opening import BooksState
from simulator.finance.sales import SalesState
from simulator.firms.obligors import Health
from simulator.streams import Streams
from simulator.trade.deliveries import Shelf
from simulator.trade.network import Network, buyer_state, failure_chance, first_strike
from simulator.whatif.fleet import Fleet, Future, draw_fleet, fleet_state

FUTURE_MONTHS = 12
PARTS = 20
"""So many parts of equal size a buyer's orders are split in, to be given to others."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A block at the end of a month of a world whose defaults come from the account."""

    block: Block
    state: BlockState
    laws: Laws
    position: int
    """Of the month that has just ended; -1 for the world's first instant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """A `share` of the orders of a regular buyer, `largest`, come from other buyers of the world instead, from each the
    same. Both are numbers of the world's network."""

    largest: int
    to: tuple[int, ...]
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Replicas:
    """A block of replicas, ready for the month after the snapshot."""

    block: Block
    state: BlockState
    laws: Laws


def replicas(snapshot: Snapshot, firm: int, *, count: int, seed: int, spread: Spread | None = None) -> Replicas:
    """`count` replicas of the firm at this row. The same seed gives them the same luck, whatever is changed in them:
    orders come when they come and are as large, and buyers that stay do as well and as badly, also with a `spread`.
    """
    assert snapshot.laws.engine is Engine.STRUCTURAL, "only the account knows what a change to it does"
    block, state = snapshot.block, snapshot.state
    streams = Streams(_seed(snapshot, firm, seed))
    industries = _industry_paths(snapshot, count, streams)
    regular = _regular(block.firms.buyers[firm], spread)
    buyers = np.union1d(block.firms.buyers[firm], regular)
    rows = np.full(count, firm)
    firms = _rows(block.firms, rows, len(block.firms))
    firms = replace(firms, buyers=_renumbered(np.tile(regular, (count, 1)), np.arange(count)[:, None], buyers))
    months = snapshot.laws.calendar.months[snapshot.position + 1 :][:FUTURE_MONTHS]
    future = Future(months=months, laws=snapshot.laws, streams=streams)
    fleet = draw_fleet(block, firm, future, firms=firms, default_day=state.default_day)
    lives = _rows(block.lives, rows, len(block.firms))
    health = _health_paths(snapshot, firm, count, streams)
    copied = replace(
        block,
        firms=firms,
        machines=fleet.machines,
        health=Health(health=health, industry_state=industries[:, block.firms.industry[firm]]),
        lives=replace(lives, health=health),
        terms=replace(_rows(block.terms, rows, len(block.firms)), supplier=np.arange(count)),
    )
    plant = Plant(
        block=block.number,
        firms=firms,
        machines=fleet.machines,
        parameters=snapshot.laws.parameters,
        streams=streams,
    )
    return Replicas(
        block=copied,
        state=_state(state, firm, fleet, plant, buyers),
        laws=replace(
            snapshot.laws,
            streams=streams,
            network=_network(snapshot, firm, buyers=buyers, industries=industries, count=count, streams=streams),
        ),
    )


def _regular(own: Ints, spread: Spread | None) -> Ints:
    """The buyers of whom each gets an equal share of the orders, by the same draws as if nothing were spread."""
    if spread is None:
        return own
    parts = np.repeat(own, PARTS)
    given = np.flatnonzero(parts == spread.largest)
    given = given[: round(spread.share * len(given))]
    parts[given] = np.resize(np.array(spread.to, dtype=np.int64), len(given))
    return parts


def _seed(snapshot: Snapshot, firm: int, seed: int) -> int:
    place = f"{snapshot.laws.streams.seed}/{snapshot.block.number}/{firm}/{snapshot.position}/{seed}"
    return int.from_bytes(hashlib.sha256(place.encode()).digest()[:7], "big")


def _rows(values: Any, rows: Ints, length: int) -> Any:
    """A frozen value whose columns of that length are taken at these rows."""
    taken: dict[str, Any] = {}
    for entry in fields(values):
        column = getattr(values, entry.name)
        if isinstance(column, tuple) and len(column) == length:
            taken[entry.name] = tuple(column[row] for row in rows)
        elif isinstance(column, np.ndarray) and column.shape[:1] == (length,):
            taken[entry.name] = column[rows]
    return replace(values, **taken)


def _of_firm(entries: Any, firm: int, count: int, buyers: Ints) -> Any:
    """Entries (shipments, invoices) of the firm, once for each replica and its own buyers."""
    chosen = np.flatnonzero(entries.firm == firm)
    copied = entries.where(np.tile(chosen, count))
    owner = np.repeat(np.arange(count), len(chosen))
    return replace(copied, firm=owner, buyer=_renumbered(copied.buyer, owner, buyers))


def _renumbered(buyer: Ints, replica: Ints, buyers: Ints) -> Ints:
    """Numbers in the replicas' network, in which each has its own copy of `buyers`."""
    return np.asarray(replica * len(buyers) + np.searchsorted(buyers, buyer))


def _state(state: BlockState, firm: int, fleet: Fleet, plant: Plant, buyers: Ints) -> BlockState:
    count = len(plant.firms)
    rows = np.full(count, firm)
    shelf = Shelf(
        due=_of_firm(state.shelf.due, firm, count, buyers),
        stock=state.shelf.stock[rows],
        orders=state.shelf.orders[rows],
    )
    return replace(
        state,
        open_parts=state.open_parts[rows],
        maintenance_debt=state.maintenance_debt[rows],
        plant=fleet_state(fleet, state.plant, plant),
        silent_until=state.silent_until[rows],
        default_day=state.default_day[rows],
        shelf=shelf,
        books=_books(state.books, firm, count, fleet, buyers),
    )


def _books(books: BooksState, firm: int, count: int, fleet: Fleet, buyers: Ints) -> BooksState:
    rows, sales = np.full(count, firm), books.sales
    by_firm = {"pay_from", "facilities", "recovered"}
    debt = {entry.name: getattr(books.debt, entry.name) for entry in fields(Debt)}
    debt = {name: (value[rows] if name in by_firm else value[:, rows]) for name, value in debt.items()}
    return BooksState(
        balances=books.balances[:, rows],
        kits=books.kits[rows],
        goods=books.goods[rows],
        sales=SalesState(
            open=_of_firm(sales.open, firm, count, buyers),
            invoices=sales.invoices[rows],
            receipts=sales.receipts[rows],
        ),
        scheduled=books.scheduled[:, rows],
        overdue=books.overdue[:, rows],
        debt=Debt(**debt),
        owner_minor=books.owner_minor[rows],
        usual_sales=books.usual_sales[rows],
        year=TaxYear(result_before=books.year.result_before[rows], accrued=books.year.accrued[rows]),
        failures=np.where(fleet.is_own, books.failures[np.maximum(fleet.source, 0)], 0),
        worked_quarters=np.where(fleet.is_own, books.worked_quarters[np.maximum(fleet.source, 0)], 0),
    )


def _health_paths(snapshot: Snapshot, firm: int, count: int, streams: Streams) -> Floats:
    """(count, months + 1): the firm's health up to the snapshot, and a path of its own from there."""
    known = snapshot.block.health.health[firm]
    draws = streams.of("replica.health").standard_normal((count, len(known)))
    paths = np.tile(known, (count, 1))
    return _onward(paths, draws, snapshot.laws.parameters.health.persistence, snapshot.position)


def _onward(paths: Floats, draws: Floats, persistence: float | Floats, position: int) -> Floats:
    """Autoregressions of unit variance along the last axis, drawn anew after column `position + 1`."""
    innovation = np.sqrt(1.0 - persistence**2)
    for column in range(position + 2, paths.shape[-1]):
        paths[..., column] = persistence * paths[..., column - 1] + innovation * draws[..., column]
    return paths


def _industry_paths(snapshot: Snapshot, count: int, streams: Streams) -> Floats:
    """(count, industries, months + 1): all industries, whose innovations share a common part."""
    laws, known = snapshot.laws, snapshot.laws.industry_states
    draws = streams.of("replica.industry").standard_normal((count, len(known) + 1, known.shape[1]))
    common = laws.parameters.health.industry_common_share
    mixed = np.sqrt(common) * draws[:, :1] + np.sqrt(1.0 - common) * draws[:, 1:]
    offsets = laws.world.industry_offset(np.arange(-1, known.shape[1] - 1))
    paths = np.tile(known - offsets, (count, 1, 1))
    return _onward(paths, mixed, laws.parameters.health.industry_persistence, snapshot.position) + offsets


def _network(
    snapshot: Snapshot, firm: int, *, buyers: Ints, industries: Floats, count: int, streams: Streams
) -> Network:
    """Each replica's own copy of its buyers: as they stand, and with a future of their own."""
    laws, rules = snapshot.laws, snapshot.laws.parameters.network
    known = network_of(as_known(snapshot.block, snapshot.state.default_day, laws), laws)
    share, column, is_firm = rules.industry_share, snapshot.position + 1, buyers >= len(laws.network)
    industry = laws.industry_states[known.industry[buyers]]
    own = (known.state[buyers] - np.sqrt(share) * industry) / np.sqrt(1.0 - share)
    is_new = ~np.isin(buyers, snapshot.block.firms.buyers[firm])
    draws = np.empty((count, *own.shape))
    for place, chosen in _apart("replica.buyer", is_new):
        draws[:, chosen] = streams.of(place).standard_normal((count, int(chosen.sum()), own.shape[1]))
    persistence = np.where(is_firm, laws.parameters.health.persistence, rules.persistence)
    own = _onward(np.tile(own, (count, 1, 1)), draws, persistence, snapshot.position)
    industry = industries[:, known.industry[buyers]]
    state = buyer_state(own, industry, rules).reshape(-1, own.shape[-1])
    number = np.tile(buyers, count)
    chance = failure_chance(state[:, 1:], number, rules)
    rows = np.tile(is_firm, count)
    chance[rows] = _default_chance(snapshot, buyers[is_firm], own[:, is_firm], industry[:, is_firm])
    uniform = np.empty((count, len(buyers), chance.shape[1]))
    for place, chosen in _apart("replica.buyer_failure", is_new):
        uniform[:, chosen] = streams.of(place).random((count, int(chosen.sum()), chance.shape[1]))
    uniform[..., :column] = 1.0
    drawn = first_strike(uniform.reshape(chance.shape) < chance) + rows
    gone = known.failed_month[number] <= snapshot.position
    return Network(
        industry=known.industry[number],
        state=state,
        failed_month=np.where(gone, known.failed_month[number], drawn),
        term_days=known.term_days[number],
        supplier_failed_month=_supplier_failures(snapshot, firm, count, streams),
    )


def _apart(purpose: str, is_new: Bools) -> tuple[tuple[str, Bools], tuple[str, Bools]]:
    """Streams of the firm's own buyers and of new ones, so that these take no luck from those."""
    return (purpose, ~is_new), (f"{purpose}.new", is_new)


def _default_chance(snapshot: Snapshot, buyers: Ints, health: Floats, industry: Floats) -> Floats:
    """(replicas x buyers, months): of buyers that are firms of the block, by the hazard of the reduced form: their own
    accounts are not simulated. Such a buyer is gone with the month after its default."""
    static = snapshot.block.lives.static_log_odds[buyers - len(snapshot.laws.network)]
    hazard = monthly_hazard(static[:, None], health[..., 1:], industry[..., 1:], snapshot.laws.parameters.defaults)
    return hazard.reshape(-1, hazard.shape[-1])


def _supplier_failures(snapshot: Snapshot, firm: int, count: int, streams: Streams) -> Ints:
    """Each replica has a main supplier of its own: failed when the firm's has, else with a future of its own."""
    known = snapshot.laws.network.supplier_failed_month[snapshot.block.terms.supplier[firm]]
    months = len(snapshot.laws.calendar.months)
    chance = snapshot.laws.parameters.network.supplier_failures_per_month
    strikes = streams.of("replica.supplier_failure").random((count, months)) < chance
    strikes[:, : snapshot.position + 1] = False
    return np.where(known <= snapshot.position, known, first_strike(strikes))
