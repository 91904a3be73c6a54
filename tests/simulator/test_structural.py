"""The structural engine: defaults come out of the account, nested paths agree with the world, and plans do something."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ledger_of import live, small_laws
from written_world import WrittenWorld

from simulator import simulate
from simulator.block import Block, Laws, build_block, step
from simulator.credit.structural import Engine
from simulator.factory.machines import FOREVER
from simulator.finance.accounts import Account
from simulator.finance.debt import PAST_DUE_DAYS
from simulator.finance.desk import Flow
from simulator.whatif.fleet import sale_chance
from simulator.whatif.interventions import COLLECTED_AFTER_DAYS, OVERTIME_WAGES, Plan, act, intervene
from simulator.whatif.nested import HORIZON_MONTHS, NoSnapshot, effect_of, nested_pd, snapshot_at
from simulator.whatif.replicas import Snapshot, Spread, replicas
from simulator.world import UnknownEngine

POSITION = 8


@pytest.fixture(scope="module")
def laws() -> Laws:
    """Laws under which a fair share of firms fails within a year: their owners have little to add, and none is in
    distress when the world begins."""
    laws = small_laws(4, Engine.STRUCTURAL, months=POSITION + 1 + HORIZON_MONTHS)
    finance = replace(
        laws.parameters.finance,
        owner_months_median=0.6,
        material_share_mean=0.56,
        opening_means_health_log=0.0,
        opening_distress_intercept=-50.0,
    )
    return replace(laws, parameters=replace(laws.parameters, finance=finance))


@pytest.fixture(scope="module")
def block(laws: Laws) -> Block:
    """Its first firms."""
    return build_block(0, 96, laws)


@pytest.fixture(scope="module")
def snapshot(block: Block, laws: Laws) -> Snapshot:
    """They, some months later."""
    return snapshot_at(block, laws, position=POSITION)


@pytest.fixture(scope="module")
def alive(snapshot: Snapshot) -> np.ndarray:
    """Rows of the firms that are not in default at the snapshot."""
    return np.flatnonzero(snapshot.state.default_day >= snapshot.laws.calendar.day_count)


@pytest.fixture(scope="module")
def chances(snapshot: Snapshot, alive: np.ndarray) -> np.ndarray:
    """Nested probabilities of default of the firms alive, roughly."""
    return np.array([nested_pd(snapshot, int(firm), paths=24).pd for firm in alive])


@pytest.fixture(scope="module")
def weak(alive: np.ndarray, chances: np.ndarray) -> int:
    """The firm whose fate is most open."""
    return int(alive[np.abs(chances - 0.5).argmin()])


def test_a_default_is_an_instalment_ninety_days_old_that_the_account_could_not_pay(laws: Laws) -> None:
    defaults = 0
    for lived in live(laws, firms=96):
        debt, day = lived.after.books.debt, lived.after.default_day
        new = np.flatnonzero(day != lived.before.default_day)
        defaults += len(new)
        for firm in new:
            place = (day[firm] - lived.block.terms.phase[firm]) // 30 % 3
            assert debt.owed[:, firm, place].sum() > 0
            assert (day[firm] - lived.block.terms.phase[firm]) % 30 == 0
            assert day[firm] >= PAST_DUE_DAYS
            assert lived.after.books.owner_minor[firm] == 0
    assert defaults > 5


def test_a_firm_in_default_winds_down(laws: Laws) -> None:
    wind_down = laws.parameters.defaults.wind_down_days
    seen = 0
    for lived in live(laws, firms=96):
        dead = lived.before.default_day + wind_down <= lived.month.first_day
        of_dead = dead[lived.block.machines.firm]
        seen += int(dead.sum())
        assert not lived.told.machines.is_reported[of_dead].any()
        assert not lived.told.machines.parts_made[of_dead].any()
        assert not dead[lived.told.orders.firm].any()
        assert not lived.told.books.flows[[Flow.CAPITAL, Flow.DRAWINGS, Flow.INSTALMENTS, Flow.LOANS_DRAWN]][
            :, dead
        ].any()
    assert seen > 0


def test_replicas_begin_as_their_firm_stands(snapshot: Snapshot, alive: np.ndarray) -> None:
    firm = int(alive[3])
    copies = replicas(snapshot, firm, count=5, seed=1)
    state, books = copies.state, copies.state.books
    assert (books.balances == snapshot.state.books.balances[:, [firm]]).all()
    assert (
        books.balances[Account.RECEIVABLES] == np.bincount(books.sales.open.firm, books.sales.open.gross_minor)
    ).all()
    assert (state.shelf.stock == snapshot.state.shelf.stock[firm]).all()
    assert (state.open_parts == np.bincount(state.shelf.due.firm, state.shelf.due.parts, 5) - state.shelf.stock).all()
    health, known = copies.block.health.health, snapshot.block.health.health[firm]
    assert (health[:, : POSITION + 2] == known[: POSITION + 2]).all()
    assert (np.ptp(health[:, POSITION + 2 :], axis=0) > 0).all()
    state_of_buyers = copies.laws.network.state.reshape(5, -1, health.shape[1])
    assert np.ptp(state_of_buyers[:, :, : POSITION + 2], axis=0) == pytest.approx(0.0, abs=1e-12)
    assert (np.ptp(state_of_buyers[:, :, POSITION + 2 :], axis=0) > 0).all()


def test_nested_probabilities_agree_with_what_the_world_did(
    snapshot: Snapshot, alive: np.ndarray, chances: np.ndarray, block: Block, laws: Laws
) -> None:
    """The sum of the probabilities and the count of defaults in the world that follows the snapshot."""
    state = snapshot.state
    for month in laws.calendar.months[POSITION + 1 :]:
        state, _ = step(block, month, state, laws)
    failed = state.default_day[alive] < laws.calendar.day_count
    spread = np.sqrt((chances * (1 - chances)).sum() + (chances * (1 - chances)).sum() / 24)
    assert failed.sum() >= 4
    assert abs(failed.sum() - chances.sum()) < 4 * max(spread, 1.0)
    assert chances[failed].mean() > 3 * chances[~failed].mean()


def test_nested_probabilities_of_two_seeds_agree(snapshot: Snapshot, weak: int) -> None:
    one, other = (nested_pd(snapshot, weak, paths=200, seed=seed) for seed in (1, 2))
    assert 0.0 < one.pd < 1.0
    assert not (one.defaulted == other.defaulted).all()
    assert abs(one.pd - other.pd) < 4 * np.hypot(one.standard_error, other.standard_error)
    assert (nested_pd(snapshot, weak, paths=200, seed=1).defaulted == one.defaulted).all()


def test_fewer_failures_lower_the_probability_of_default(
    snapshot: Snapshot, alive: np.ndarray, chances: np.ndarray
) -> None:
    """Paired paths of the firms whose fate is most open, together."""
    open_fates = alive[np.argsort(np.abs(chances - 0.5))[:8]]
    plan = Plan(fault_rate_ratio=0.1)
    effects = [effect_of(snapshot, int(firm), plan, paths=256) for firm in open_fates]
    change = np.mean([effect.change for effect in effects])
    error = np.sqrt(np.sum([effect.standard_error**2 for effect in effects])) / len(effects)
    assert change < -2.5 * error < 0


def test_no_plan_no_change_and_a_cost_is_paid(snapshot: Snapshot, weak: int) -> None:
    assert not effect_of(snapshot, weak, Plan(), paths=32).change
    month = snapshot.laws.calendar.months[POSITION + 1]
    copies = replicas(snapshot, weak, count=3, seed=0)
    charged = intervene(copies, Plan(cost_minor=12_345))
    states = [step(each.block, month, each.state, each.laws)[0].books for each in (copies, charged)]
    dearer = states[1].balances - states[0].balances
    assert (dearer[Account.OVERHEADS] == 12_345).all()
    ruin = effect_of(snapshot, weak, Plan(cost_minor=10**12), paths=16)
    assert ruin.after.pd == 1.0


def test_collecting_what_is_overdue_is_money_now(snapshot: Snapshot, alive: np.ndarray) -> None:
    month = snapshot.laws.calendar.months[POSITION + 1]
    sales, soon = snapshot.state.books.sales.open, month.first_day + COLLECTED_AFTER_DAYS
    late = np.bincount(sales.firm[(sales.due_day < month.first_day) & (sales.pay_day > soon)], minlength=96)
    firm = int(alive[late[alive].argmax()])
    copies = replicas(snapshot, firm, count=3, seed=0)
    collects = act(copies, Plan(collects_overdue=True), month)
    waits = act(copies, Plan(), month)
    owed = [each.state.books.balances[Account.RECEIVABLES] for each in (collects, waits)]
    assert (owed[0] < owed[1]).all()


def test_what_falls_due_later_is_collected_too(snapshot: Snapshot, weak: int) -> None:
    """After a year nothing is open that fell due longer ago."""
    months = snapshot.laws.calendar.months[POSITION + 1 :]
    future = replicas(snapshot, weak, count=3, seed=0)
    for month in months:
        future = act(future, Plan(collects_overdue=True), month)
    end, due = months[-1].first_day + months[-1].length, future.state.books.sales.open
    assert len(due)
    assert (due.due_day + COLLECTED_AFTER_DAYS >= end).all()


def test_a_further_shift_costs_wages_and_makes_room(snapshot: Snapshot, alive: np.ndarray) -> None:
    firm = next(int(row) for row in alive if snapshot.block.firms.shifts[row] == 0)
    month = snapshot.laws.calendar.months[POSITION + 1]
    copies = replicas(snapshot, firm, count=8, seed=0)
    more = intervene(copies, Plan(more_shifts=1))
    before, after = (step(each.block, month, each.state, each.laws)[0].books for each in (copies, more))
    assert (after.balances[Account.WAGES] > before.balances[Account.WAGES]).all()
    assert (more.block.firms.nominal_quarters > copies.block.firms.nominal_quarters).all()


def test_overtime_is_worked_and_paid_where_buyers_turn_away(snapshot: Snapshot, alive: np.ndarray) -> None:
    """By the same firm once with a full book and once with an empty one."""
    firm = next(int(row) for row in alive if snapshot.block.firms.shifts[row] == 0)
    month = snapshot.laws.calendar.months[POSITION + 1]
    copies = replicas(snapshot, firm, count=8, seed=0)
    for parts, is_worked in ((10**7, True), (0, False)):
        booked = replace(copies, state=replace(copies.state, open_parts=np.full(8, parts)))
        before, after = (act(booked, plan, month).state.books for plan in (Plan(), Plan(overtime_share=0.25)))
        start = copies.state.books.worked_quarters.sum()
        more = (after.worked_quarters.sum() - start) / (before.worked_quarters.sum() - start) - 1.0
        wages = after.balances[Account.WAGES] - before.balances[Account.WAGES]
        assert (wages > 0).all() if is_worked else (wages == 0).all()
        assert 0.15 * is_worked <= more <= 0.3 * is_worked


def test_overtime_is_paid_once_and_a_half(snapshot: Snapshot, alive: np.ndarray) -> None:
    """A quarter more of the stretched days: at least a quarter of what the hours of those days cost, at that ratio."""
    firm = next(int(row) for row in alive if snapshot.block.firms.shifts[row] == 0)
    month = snapshot.laws.calendar.months[POSITION + 1]
    copies = replicas(snapshot, firm, count=8, seed=0)
    full = replace(copies, state=replace(copies.state, open_parts=np.full(8, 10**7)))
    usual, longer = (act(full, plan, month).state.books for plan in (Plan(), Plan(overtime_share=0.25)))
    start = copies.state.books.balances[Account.WAGES]
    paid = (longer.balances[Account.WAGES] - start).mean() / (usual.balances[Account.WAGES] - start).mean() - 1.0
    assert 0.25 < paid < OVERTIME_WAGES * 0.25 * 1.25


def test_a_spread_leaves_all_other_orders_where_they_were(snapshot: Snapshot, alive: np.ndarray) -> None:
    """Of the buyer's parts so many are the new ones'; everybody else's luck stays the same."""
    firm = int(alive[0])
    own = snapshot.block.firms.buyers[firm]
    spread = Spread(largest=int(own[0]), to=(150, 151), share=0.3)
    plain, moved = (replicas(snapshot, firm, count=4, seed=0, spread=change) for change in (None, spread))
    size = len(np.unique(own)) + 2
    parts = moved.block.firms.buyers[2] - 2 * size
    network = np.union1d(own, [150, 151])
    share = {int(network[number]): count for number, count in zip(*np.unique(parts, return_counts=True), strict=True)}
    assert (share[150], share[151], share[int(own[0])]) == (3, 3, 14)
    assert all(share[int(other)] == 20 for other in own[1:])
    stays = np.tile(np.isin(network, own), 4)
    np.testing.assert_array_equal(moved.laws.network.state[stays], plain.laws.network.state)
    np.testing.assert_array_equal(moved.laws.network.failed_month[stays], plain.laws.network.failed_month)
    terms = moved.laws.network.term_days[2 * size + np.searchsorted(network, [150, 151])]
    assert terms.tolist() == snapshot.laws.network.term_days[[150, 151]].tolist()


def test_refuses_a_snapshot_that_cannot_be(block: Block, laws: Laws) -> None:
    with pytest.raises(NoSnapshot, match="not followed by 12 months"):
        snapshot_at(block, laws, position=POSITION + 1)
    with pytest.raises(NoSnapshot, match="reduced form"):
        snapshot_at(block, replace(laws, engine=Engine.REDUCED_FORM), position=0)


def test_a_structural_world_is_written(tmp_path: Path) -> None:
    summary = simulate(engine="structural", obligors=150, months=14, seed=2, out=tmp_path / "w", samples_for=2)
    world = WrittenWorld(tmp_path / "w", summary)
    assert summary.version.endswith("+structural")
    assert summary.oracle_auc is None
    truth = world.truth("obligor_month")
    assert truth["pd_12m_true"].null_count == len(truth)
    defaults = world.truth("default")
    assert len(defaults) > 0
    with pytest.raises(UnknownEngine, match="'diesel'"):
        simulate(engine="diesel", out=tmp_path / "x")


def test_purchases_and_sales_to_come_are_not_known_at_the_snapshot(laws: Laws) -> None:
    """Replicas of firms whose world has sales and purchases ahead do not have them, but draw their own as often."""
    limits = replace(laws.parameters.machines, sold_per_year_share=0.2, bought_in_window_share=0.3)
    lively = replace(laws, parameters=replace(laws.parameters, machines=limits))
    block = build_block(0, 96, lively)
    snapshot = snapshot_at(block, lively, position=POSITION)
    months = lively.calendar.months[POSITION + 1 :]
    today, machines = months[0].first_day, block.machines
    ahead = np.flatnonzero(
        (machines.owned_until >= today) & (machines.owned_until < FOREVER) & (machines.first_day < today)
    )
    planned = {int(row) for row in machines.firm[ahead]} & set(
        np.flatnonzero(snapshot.state.default_day > today).tolist()
    )
    assert len(planned) > 5
    sold, held, bought, firms = 0, 0, 0, 0
    for firm in sorted(planned)[:12]:
        fleet = replicas(snapshot, firm, count=100, seed=0).block.machines
        owned = (fleet.last_day > 0) & (fleet.first_day < today)
        now = (machines.firm == firm) & (machines.first_day < today) & (machines.owned_until >= today)
        assert owned.sum() == 100 * now.sum()
        assert (np.diff(fleet.firm) >= 0).all()
        sold += int((owned & (fleet.owned_until < FOREVER)).sum())
        held += int(owned.sum()) - 100  # a firm keeps its first machine
        bought += int(((fleet.last_day > 0) & (fleet.first_day >= today)).sum())
        firms += 100
    chance = sale_chance(lively, position=POSITION, months=HORIZON_MONTHS)
    assert abs(sold / held - chance) < 4 * np.sqrt(chance * (1 - chance) / held)
    years = lively.calendar.day_count / 365.25
    usual = (limits.mean_count - 1) * limits.bought_in_window_share / years
    assert 0.5 * usual < bought / firms < 3.0 * usual
