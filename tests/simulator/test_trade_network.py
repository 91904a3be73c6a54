"""The network of buyers, and deliveries month by month."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ledger_of import live

from simulator.block import Laws, network_of
from simulator.credit.structural import Engine
from simulator.finance.accounts import Account, by_firm
from simulator.streams import Streams
from simulator.trade.deliveries import cancel, empty_shelf, ship, take_orders
from simulator.trade.network import Network, draw_network, late_days
from simulator.trade.orders import Orders
from simulator.world import make_laws


@pytest.fixture(scope="module")
def laws() -> Laws:
    """Laws of a world of two years."""
    return make_laws(24, 3)


def _network(laws: Laws, seed: int, core_failure: tuple[int, int] | None = None) -> Network:
    return draw_network(
        24,
        states=laws.industry_states,
        parameters=laws.parameters,
        streams=Streams(seed),
        core_failure=core_failure,
    )


def test_suppliers_of_a_buyer_are_heavy_tailed(laws: Laws) -> None:
    """The number of suppliers falls with the buyer's rank by a power law, so its tail has an exponent from 2 to 2.5."""
    buyers = np.concatenate([next(iter(live(laws, firms=256, number=n))).block.firms.buyers.ravel() for n in range(8)])
    degree = np.bincount(buyers[buyers < laws.parameters.trade.buyers], minlength=laws.parameters.trade.buyers)
    rank = np.arange(1, 61)
    slope = np.polyfit(np.log(rank), np.log(degree[:60]), 1)[0]
    assert 2.0 <= 1.0 - 1.0 / slope <= 2.5
    core = laws.parameters.network.core_enterprises
    assert degree[:core].sum() > 0.4 * degree.sum()


def test_buyers_fail_as_often_as_meant_and_core_enterprises_less(laws: Laws) -> None:
    core = laws.parameters.network.core_enterprises
    failed = np.stack([_network(laws, seed).failed_month < 24 for seed in range(60)])
    yearly_core, yearly_rest = failed[:, :core].mean() / 2, failed[:, core:].mean() / 2
    assert 0.005 <= yearly_rest <= 0.025
    assert yearly_core < 0.5 * yearly_rest


def test_a_core_enterprise_fails_when_it_is_told_to(laws: Laws) -> None:
    network = _network(laws, 1, core_failure=(2, 5))
    assert network.failed_month[2] == 5
    assert [bool(network.has_failed(position)[2]) for position in (4, 5, 6)] == [False, True, True]
    others = np.arange(len(network)) != 2
    assert (network.failed_month == _network(laws, 1).failed_month)[others].all()


def test_a_buyer_that_does_badly_pays_later(laws: Laws) -> None:
    state = np.linspace(-2.0, 2.0, 9)
    days = late_days(state, np.zeros(9), laws.parameters.network)
    assert (np.diff(days) <= 0).all()
    assert days[0] > 2 * days[-1]


def test_what_a_failed_buyer_owes_is_lost_and_its_orders_are_cancelled(laws: Laws) -> None:
    alone = replace(laws.parameters, trade=replace(laws.parameters.trade, obligor_buyer_share=0.0))
    network = replace(laws.network, failed_month=np.where(laws.network.failed_month >= 0, 6, 0))
    failing = replace(laws, parameters=alone, network=network)
    months = list(live(replace(failing, engine=Engine.STRUCTURAL), firms=40))[:8]
    before, at = months[5], months[6]
    assert len(before.after.books.sales.open) > 0
    assert len(before.after.shelf.due) > 0
    lost = before.after.books.balances[Account.RECEIVABLES]
    assert ((at.after.books.balances - at.before.books.balances)[Account.BAD_DEBTS] == lost).all()
    assert len(at.after.books.sales.open) == len(at.after.shelf.due) == len(at.told.orders) == 0
    assert not at.told.books.flows[0].any()
    assert (at.after.open_parts == -at.after.shelf.stock).all()


def _orders(firm: list[int], day: list[int], parts: list[int], buyer: list[int]) -> Orders:
    columns = [np.array(column) for column in (firm, day, parts, buyer)]
    owner = columns[0]
    number = np.arange(len(owner)) - np.searchsorted(owner, owner)
    fixed = np.full(len(owner), 10)
    return Orders(
        firm=owner,
        day=columns[1],
        parts=columns[2],
        buyer=columns[3],
        price_minor=fixed,
        lead_days=fixed,
        number=number,
    )


def test_deliveries_by_hand(laws: Laws) -> None:
    """Two firms: one has stock for its first order; the other's first order is cancelled, which frees the next."""
    month, nobody_stops = laws.calendar.months[0], np.full(2, 10_000)
    orders = _orders([0, 0, 1, 1], [0, 3, 0, 1], [5, 4, 100, 6], [7, 8, 9, 8])
    shelf = take_orders(empty_shelf(np.array([5, 0])), orders, two_shipments_from_lead_days=46)
    gone = np.zeros(200, dtype=bool)
    gone[9] = True
    shelf, cancelled = cancel(shelf, gone)
    assert cancelled.tolist() == [0, 100]
    made = np.zeros((2, month.length), dtype=np.int64)
    made[0, 1], made[1, 9] = 4, 6
    after, sent = ship(shelf, made, month, last_day=nobody_stops)
    assert sent.firm.tolist() == [0, 0, 1]
    assert sent.day.tolist() == [1, 4, 10]  # from stock the day after it came; after it came; the morning after
    assert sent.order.tolist() == [0, 1, 1]
    assert after.stock.tolist() == [0, 0]
    assert len(after.due) == 0


def test_what_is_made_on_the_last_day_leaves_with_the_next_month(laws: Laws) -> None:
    first, second = laws.calendar.months[:2]
    shelf = take_orders(empty_shelf(np.array([0])), _orders([0], [2], [7], [1]), two_shipments_from_lead_days=46)
    made = np.zeros((1, first.length), dtype=np.int64)
    made[0, -1] = 7
    shelf, sent = ship(shelf, made, first, last_day=np.array([10_000]))
    assert len(sent) == 0
    assert shelf.stock.tolist() == [7]
    shelf, sent = ship(shelf, np.zeros((1, second.length), dtype=np.int64), second, last_day=np.array([10_000]))
    assert sent.day.tolist() == [second.first_day]
    assert by_firm(sent.firm, sent.parts, 1).tolist() == [7]


def test_material_is_dear_for_a_while_after_the_supplier_failed(laws: Laws) -> None:
    rules = laws.parameters.network
    network = replace(laws.network, supplier_failed_month=np.array([3, 24]))
    supplier = np.array([0, 1, 0])
    dear = [network.is_dear(supplier, position, rules).tolist() for position in range(12)]
    assert [position for position in range(12) if dear[position][0]] == list(range(3, 3 + rules.supplier_dear_months))
    assert not any(row[1] for row in dear)
    failing = replace(laws.network, supplier_failed_month=np.zeros_like(laws.network.supplier_failed_month))
    usual, costly = (
        next(iter(live(replace(laws, network=net), firms=30))).told.books.materials for net in (laws.network, failing)
    )
    assert (costly.kit_minor >= usual.kit_minor).all()
    assert costly.kit_minor.sum() > 1.03 * usual.kit_minor.sum()
    assert (costly.received == usual.received).all()


def test_firms_buy_from_each_other_and_the_larger_ones_more(laws: Laws) -> None:
    outside = laws.parameters.trade.buyers
    blocks = [next(iter(live(laws, firms=256, number=n))).block for n in range(4)]
    buyers = np.concatenate([block.firms.buyers for block in blocks])
    is_firm = buyers >= outside
    assert abs(is_firm.mean() - laws.parameters.trade.obligor_buyer_share) < 0.03
    assert (buyers - outside < np.tile(np.arange(256), 4)[:, None])[is_firm].all()
    chosen, every = [], []
    for block in blocks:
        machines = np.bincount(block.machines.firm, minlength=256)
        own = block.firms.buyers[block.firms.buyers >= outside] - outside
        chosen.append(machines[own])
        every.append(machines)
    assert np.concatenate(chosen).mean() > 1.5 * np.concatenate(every).mean()


@pytest.mark.parametrize("engine", list(Engine))
def test_a_firm_in_default_fails_as_a_buyer_with_the_next_month(engine: Engine) -> None:
    """Its open orders are cancelled, what it owes is lost to its suppliers, and it orders no more."""
    laws = make_laws(18, 5, engine=engine)
    first = laws.parameters.trade.buyers
    lost = 0
    for lived in live(laws, firms=256):
        network = network_of(lived.block, laws)
        position = lived.month.position
        expected = np.flatnonzero(lived.block.lives.default_month + 1 == position)
        assert (np.flatnonzero(network.fails(position)[first:]) == expected).all()
        gone = np.flatnonzero(lived.block.lives.default_month < position) + first
        assert not np.isin(lived.told.orders.buyer, gone).any()
        assert not np.isin(lived.after.books.sales.open.buyer, gone).any()
        assert not np.isin(lived.after.shelf.due.buyer, gone).any()
        lost += int(lived.told.books.sales.lost.gross_minor[lived.told.books.sales.lost.buyer >= first].sum())
    assert lost > 0


def test_no_firm_fails_as_a_buyer_where_telemetry_is_independent_of_default() -> None:
    laws = make_laws(12, 5, "null")
    block = next(iter(live(laws, firms=128))).block
    assert (block.lives.default_month < 12).any()
    assert (network_of(block, laws).failed_month[laws.parameters.trade.buyers :] == 12).all()
