"""The books: cash to the cent on every day, stock in whole units, and every balance against what it stands for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledger_of import Lived, live, small_laws

from simulator.block import Laws, build_block, opening
from simulator.credit.structural import Engine
from simulator.finance.accounts import ASSETS, EQUITY, LIABILITIES, OWED_TO, Account, Creditor, by_firm, tax_on, total
from simulator.finance.assets import is_owned, written_down
from simulator.finance.debt import PAST_DUE_DAYS, instalment
from simulator.finance.desk import Flow
from simulator.finance.stock import buy_material

FIRMS = 24
ENGINES = list(Engine)
seeds = st.integers(0, 2**32 - 1)


def _hard_times(laws: Laws) -> Laws:
    """The same laws with means so short that many firms fail within months."""
    finance = replace(laws.parameters.finance, owner_months_median=0.05, line_months=0.1, cash_months=0.2)
    return replace(laws, parameters=replace(laws.parameters, finance=finance))


@settings(max_examples=8, deadline=None)
@given(seed=seeds, engine=st.sampled_from(ENGINES), is_hard=st.booleans())
def test_every_balance_is_what_it_stands_for(seed: int, engine: Engine, is_hard: bool) -> None:
    laws = small_laws(seed, engine)
    for lived in live(_hard_times(laws) if is_hard else laws, firms=FIRMS):
        _check_cash(lived)
        _check_stock(lived)
        _check_balance_sheet(lived)
        _check_what_is_owed(lived)
        _check_machines(lived, laws)


def _check_cash(lived: Lived) -> None:
    """On every day: yesterday's cash and today's movements are today's cash, and it is never negative."""
    books = lived.told.books
    movements = np.cumsum(books.flows.sum(axis=0), axis=1)
    assert (books.opening_cash == lived.before.books.balances[Account.CASH]).all()
    assert (books.opening_cash[:, None] + movements == books.closing_cash).all()
    assert (books.closing_cash >= 0).all()
    assert (lived.after.books.balances[Account.CASH] == books.closing_cash[:, -1]).all()
    received = by_firm(books.sales.receipts.firm, books.sales.receipts.amount_minor, FIRMS)
    assert (books.flows[Flow.RECEIPTS].sum(axis=1) == received).all()


def _check_stock(lived: Lived) -> None:
    """Opening + received - used = closing and opening + made - shipped = closing, on every day and never below zero."""
    books, after = lived.told.books, lived.after
    assert (books.materials.closing >= 0).all()
    assert (books.materials.closing[:, -1] == after.books.kits).all()
    days = lived.month.length
    shipped = np.zeros((FIRMS, days), dtype=np.int64)
    sent = lived.told.shipped
    np.add.at(shipped, (sent.firm, sent.day - lived.month.first_day), sent.parts)
    made = np.zeros((FIRMS, days), dtype=np.int64)
    np.add.at(made, lived.block.machines.firm, lived.told.machines.parts_made)
    yesterday = np.cumsum(made, axis=1) - made
    assert (lived.before.books.goods[:, None] + yesterday - np.cumsum(shipped, axis=1) >= 0).all()
    assert (lived.before.books.goods + made.sum(axis=1) - shipped.sum(axis=1) == after.books.goods).all()
    used = np.zeros((FIRMS, days), dtype=np.int64)
    attempted = lived.told.machines.parts_made + lived.told.machines.scrap_made
    np.add.at(used, lived.block.machines.firm, attempted)
    assert (books.materials.used == used).all()
    assert (after.shelf.stock == after.books.goods).all()
    due = by_firm(after.shelf.due.firm, after.shelf.due.parts, FIRMS)
    assert (after.open_parts == due - after.shelf.stock).all()


def _check_balance_sheet(lived: Lived) -> None:
    balances = lived.after.books.balances
    assert (total(balances, ASSETS) == -total(balances, LIABILITIES) - total(balances, EQUITY)).all()
    assert {*ASSETS, *LIABILITIES, *EQUITY} == set(Account)
    assert (balances[[Account.MATERIALS, Account.GOODS, Account.MACHINES, Account.RECEIVABLES]] >= 0).all()
    assert (balances[Account.CREDIT_LINE] <= 0).all()
    assert (balances[Account.VAT] >= 0).all()  # what is owed was moved to the tax office's account, a credit stays
    books = lived.after.books
    assert ((books.kits > 0) == (balances[Account.MATERIALS] > 0)).all()


def _check_what_is_owed(lived: Lived) -> None:
    books = lived.after.books
    balances, debt = books.balances, books.debt
    still_open = by_firm(books.sales.open.firm, books.sales.open.gross_minor, FIRMS)
    assert (balances[Account.RECEIVABLES] == still_open).all()
    assert (books.sales.open.gross_minor > 0).all()
    for creditor, account in zip(Creditor, OWED_TO, strict=True):
        assert (-balances[account] == books.scheduled[creditor].sum(axis=1) + books.overdue[creditor]).all()
    lenders = debt.principal.sum(axis=0) + debt.owed.sum(axis=(0, 2)) - debt.recovered
    assert (-balances[Account.LOANS] - balances[Account.INSTALMENTS_DUE] == lenders).all()


def _check_machines(lived: Lived, laws: Laws) -> None:
    machines, month = lived.block.machines, lived.month
    rows = np.flatnonzero(is_owned(machines, month.first_day + month.length - 1))
    months = laws.parameters.finance.depreciation_months
    left = written_down(machines, rows, position=month.position + 1, months=months, calendar=laws.calendar)
    assert (lived.after.books.balances[Account.MACHINES] == by_firm(machines.firm[rows], left, FIRMS)).all()


def test_money_comes_from_outside_only_through_named_doors() -> None:
    """What a firm has gained over the months is its result and what its owner put in or took out."""
    laws = small_laws(5, Engine.STRUCTURAL)
    months = list(live(laws, firms=FIRMS))
    first, last = months[0].before.books.balances, months[-1].after.books.balances
    net_assets = (total(last, ASSETS) + total(last, LIABILITIES)) - (total(first, ASSETS) + total(first, LIABILITIES))
    result = -sum(total(m.after.books.balances - m.before.books.balances, EQUITY[2:]) for m in months)
    owner = -(last - first)[[Account.CAPITAL, Account.DRAWINGS]].sum(axis=0)
    assert (net_assets == result + owner).all()
    assert np.abs(result).min() > 0


@settings(max_examples=4, deadline=None)
@given(seed=seeds)
def test_in_reduced_form_ninety_days_past_due_are_the_day_of_default(seed: int) -> None:
    """The oldest unpaid instalment of a firm that defaults fell due ninety days before; all others are paid in time.

    Also where ninety days before lie before the world.
    """
    laws = small_laws(seed, Engine.REDUCED_FORM, months=14)
    block = build_block(0, 60, laws)
    rows = [opening(block, laws).papers.instalments]
    rows += [lived.told.books.instalments for lived in live(laws, firms=60)]
    lives = block.lives
    names = ("firm", "facility", "number", "due_day", "known_day", "is_paid")
    firm, facility, number, due, known, paid = (np.concatenate([getattr(r, n) for r in rows]) for n in names)
    keys = list(zip(firm[paid], facility[paid], number[paid], strict=True))
    paid_on = dict(zip(keys, known[paid], strict=True))
    oldest = dict.fromkeys(range(60), np.iinfo(np.int64).max)
    for owner, slot, count, day in zip(firm, facility, number, due, strict=True):
        default = lives.default_day[owner]
        end = paid_on.get((owner, slot, count))
        if default < laws.calendar.day_count and day >= default - PAST_DUE_DAYS:
            assert end is None
            oldest[owner] = min(oldest[owner], day)
        else:
            assert (laws.calendar.day_count if end is None else end) - day < PAST_DUE_DAYS
    late = [f for f in oldest if lives.default_day[f] < laws.calendar.day_count]
    assert all(oldest[f] == np.iinfo(np.int64).max for f in set(oldest) - set(late))
    assert [int(oldest[f]) for f in late] == [int(lives.default_day[f]) - PAST_DUE_DAYS for f in late]


def test_the_day_of_default_does_not_show_in_the_phase_of_instalments() -> None:
    laws = small_laws(1, Engine.REDUCED_FORM, months=48)
    blocks = [next(iter(live(laws, firms=256, number=number))).block for number in range(4)]
    phase = np.concatenate([block.terms.phase for block in blocks])
    default = np.concatenate([block.lives.default_day for block in blocks]) < laws.calendar.day_count
    spread = phase.std() / np.sqrt(default.sum())
    assert default.sum() > 50
    assert abs(phase[default].mean() - phase[~default].mean()) < 4 * spread
    assert set(phase.tolist()) == set(range(30))


def test_an_instalment_by_hand() -> None:
    principal, interest = instalment(np.array([1_000_000]), np.array([3]), np.array([600]))
    assert principal.tolist() == [333_333]
    assert interest.tolist() == [5_000]  # 6 % a year of 10,000.00 for 30 of 360 days
    last, _ = instalment(np.array([333_334]), np.array([1]), np.array([600]))
    assert last.tolist() == [333_334]


def test_value_added_tax_by_hand() -> None:
    assert tax_on(np.array([100, 104, 999]), 13).tolist() == [13, 14, 130]


def test_material_comes_weekly_and_is_never_short() -> None:
    used = np.array([[5, 0, 0, 0, 0, 0, 9, 4, 0, 0]])
    materials = buy_material(np.array([3]), used, target=np.array([2]), kit_minor=np.array([70]))
    assert materials.received.tolist() == [[13, 0, 0, 0, 0, 0, 0, 4, 0, 0]]
    assert materials.closing.tolist() == [[11, 11, 11, 11, 11, 11, 2, 2, 2, 2]]


@pytest.mark.parametrize("engine", ENGINES)
def test_same_laws_same_books(engine: Engine) -> None:
    one, two = (list(live(small_laws(9, engine, months=4), firms=30))[-1].after.books for _ in range(2))
    assert (one.balances == two.balances).all()
    fewer = list(live(small_laws(9, engine, months=4), firms=12))[-1].after.books
    assert (fewer.balances == one.balances[:, :12]).all()
