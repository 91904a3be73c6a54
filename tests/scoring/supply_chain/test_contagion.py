"""Shocks through small chains, worked by hand. Amounts in fen."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from scipy.special import expit, logit

from data_contracts.errors import NotFound
from data_contracts.reference.dated import load_book
from scoring.errors import InvalidRequest
from scoring.supply_chain.contagion.demand import levels_of_demand, levels_of_supply
from scoring.supply_chain.contagion.ledgers import LedgerFrames, chain_of
from scoring.supply_chain.contagion.network import Chain
from scoring.supply_chain.contagion.portfolio import portfolio_loss
from scoring.supply_chain.contagion.stress import NotTold, Shock, stress, struck_directly

VALUES = load_book(files("scoring") / "supply_chain" / "parameters").at(date(2018, 1, 1))
S1, S2, S3, CORE, REST = range(5)
# S1 sells 600 to the core and 400 to the rest; S2 sells all of its 500 to S1; S3 sells to the rest alone.
SALES = np.zeros((5, 5))
SALES[S1, CORE], SALES[S1, REST], SALES[S2, S1], SALES[S3, REST] = 600, 400, 500, 900
OWED = np.zeros((5, 5))
OWED[S1, CORE], OWED[S2, S1], OWED[S3, REST] = 150, 80, 100
CHAIN = Chain(
    firms=["S1", "S2", "S3", "CORE", "REST"], obligors=3, currency="CNY", sales=csr_array(SALES),
    receivable=csr_array(OWED), equity=np.array([300.0, 100.0, 400.0, np.nan, np.nan]),
    liquidity=np.array([10.0, np.nan, 50.0, np.nan, np.nan]), pd_12m=np.array([0.04, 0.05, 0.03, 0.01, np.nan]),
    lgd=0.4, exposure=np.array([10_000.0, 20_000.0, 5_000.0, np.nan, np.nan]), rests_on={"obligors": 3},
)  # fmt: skip
TERMS = VALUES["stress"]


def test_fewer_orders_travel_upstream() -> None:
    """S1 loses 0.6 x 0.4 = 24 %; S2 sells to S1 alone and loses as much, one round later."""
    ordered = np.array([1, 1, 1, 0.6, 1])
    assert levels_of_demand(CHAIN.shares(), ordered) == pytest.approx([0.76, 0.76, 1, 1, 1])
    assert levels_of_demand(CHAIN.shares(), ordered, rounds=1) == pytest.approx([0.76, 1, 1, 1, 1])


def test_a_circle_of_buyers_comes_to_rest() -> None:
    """A sells half to B, B all to A; A's other half falls by 0.4: a = 1 - 0.5 (1 - b) - 0.5 x 0.4, b = a: a = 0.6."""
    shares = csr_array(np.array([[0, 0.5, 0.5], [1, 0, 0], [0, 0, 0]]))
    assert levels_of_demand(shares, np.array([1, 1, 0.6])) == pytest.approx([0.6, 0.6, 1], abs=1e-6)


def test_inputs_limit_output() -> None:
    """M buys 80 of castings (half from a firm that stops) and 20 of paper (from one that stops): 0.5 for what is
    essential; were castings not, 1 - 60/100."""
    bought = np.zeros((4, 4))
    bought[0, 1], bought[0, 2], bought[0, 3] = 40, 40, 20
    kind, output = np.array([2, 0, 0, 1]), np.array([1, 1, 0, 0], dtype=float)
    essential, other = np.array([True, False, False]), np.array([False, False, False])
    assert levels_of_supply(csr_array(bought), kind, essential, output)[0] == pytest.approx(0.5)
    assert levels_of_supply(csr_array(bought), kind, other, output)[0] == pytest.approx(0.4)


def test_orders_cut_by_two_fifths() -> None:
    found = stress(CHAIN, Shock(core_enterprise="CORE", orders=-0.4), VALUES)
    struck = {item.firm: item for item in found.struck}
    assert struck.keys() == {"S1", "S2"}
    assert (struck["S1"].sales_share, struck["S1"].output_level) == (0.6, pytest.approx(0.76))
    assert struck["S1"].pd_after == pytest.approx(expit(logit(0.04) + 3.0 * 0.24))
    before = 0.4 * (0.04 * 10_000 + 0.05 * 20_000 + 0.03 * 5_000)
    direct = before + 0.4 * 10_000 * (struck["S1"].pd_after - 0.04)
    after = direct + 0.4 * 20_000 * (struck["S2"].pd_after - 0.05)  # type: ignore[operator]
    told = (found.expected_loss_before_minor, found.expected_loss_direct_minor, found.expected_loss_after_minor)
    assert told == pytest.approx((before, direct, after), abs=1)
    assert found.amplification == pytest.approx((told[2] - told[0]) / (told[1] - told[0]))


def test_a_default_takes_what_is_owed_and_travels_on() -> None:
    """S1 loses 150 of 300, half; S2 then half of 80 / 100: 0.4. S1 makes 40 % and so does S2."""
    found = stress(CHAIN, Shock(core_enterprise="CORE", is_default=True), VALUES)
    struck = {item.firm: item for item in found.struck}
    assert (struck["S1"].equity_lost_ratio, struck["S2"].equity_lost_ratio) == (pytest.approx(0.5), pytest.approx(0.4))
    assert struck["S2"].pd_after == pytest.approx(expit(logit(0.05) + 3.0 * 0.6 + 2.5 * 0.4))


def test_who_is_paid_later_needs_a_bridge() -> None:
    """600 a year is 1.6438 a day; 60 days later is 98.6 of the 150 owed; 10 in cash: a bridge of 89, in 6 days."""
    (item,) = stress(CHAIN, Shock(core_enterprise="CORE", pays_later_days=60), VALUES).struck
    assert (item.firm, item.delayed_minor, item.bridge_minor) == ("S1", 99, 89)
    assert item.days_of_cash == pytest.approx(10 / (600 / 365))
    assert item.pd_after == pytest.approx(expit(logit(0.04) + 1.0 * (600 * 60 / 365 - 10) / (1000 / 12)))
    far = stress(CHAIN, Shock(core_enterprise="CORE", pays_later_days=360), VALUES).struck[0]
    assert far.delayed_minor == 150  # no more is late than is owed


# Of lost sales 30 % paid costs that stay, over 90 days: 0.0740 of a year's. S1 sells 1,000 and has 10, S2 sells 500 to S1.
# shock                                             S1: unpaid, lost, bridge    S2: lost, bridge, at most without any cash
BRIDGES = [
    (Shock(core_enterprise="CORE", orders=-0.4),       (0, 18, 8),              (9, None, 9)),     # 24 % of each
    (Shock(core_enterprise="CORE", orders=-1.0),       (0, 44, 34),             (22, None, 22)),   # 60 %
    (Shock(core_enterprise="CORE", is_default=True),   (150, 44, 184),          (22, None, 22)),   # and what it owes
    (Shock(core_enterprise="CORE", is_default=True, pays_later_days=60), (150, 44, 184), (22, None, 22)),  # never twice
]  # fmt: skip


@pytest.mark.parametrize(("shock", "first", "second"), BRIDGES)
def test_lost_orders_and_a_default_need_bridges_too(
    shock: Shock, first: tuple[int, ...], second: tuple[int | None, ...]
) -> None:
    struck = {item.firm: item for item in stress(CHAIN, shock, VALUES).struck}
    one, two = struck["S1"], struck["S2"]
    assert (one.unpaid_minor, one.lost_contribution_minor, one.bridge_minor) == first
    assert one.bridge_at_most_minor == one.bridge_minor
    assert (two.lost_contribution_minor, two.bridge_minor, two.bridge_at_most_minor) == second
    assert (one.not_told, two.not_told) == ((), (NotTold.CASH,))


def test_unknown_cash_and_equity_add_nothing_and_at_most_all() -> None:
    """S1 without told cash: 98.6 late count in no PD and whole in the bound. Without equity it loses none, or all."""
    unknown = replace(CHAIN, liquidity=np.full(5, np.nan))
    (item,) = stress(unknown, Shock(core_enterprise="CORE", pays_later_days=60), VALUES).struck
    assert (item.bridge_minor, item.bridge_at_most_minor, item.pd_after) == (None, 99, pytest.approx(0.04))
    assert item.pd_after_at_most == pytest.approx(expit(logit(0.04) + 1.0 * (600 * 60 / 365) / (1000 / 12)))
    poor = replace(CHAIN, equity=np.full(5, np.nan))
    found = stress(poor, Shock(core_enterprise="CORE", is_default=True), VALUES)
    struck = {item.firm: item for item in found.struck}["S1"]
    assert struck.pd_after == pytest.approx(expit(logit(0.04) + 3.0 * 0.6))
    assert struck.pd_after_at_most == pytest.approx(expit(logit(0.04) + 3.0 * 0.6 + 2.5))
    assert found.expected_loss_after_minor is not None
    assert found.expected_loss_after_at_most_minor is not None
    assert found.expected_loss_after_minor < found.expected_loss_after_at_most_minor


def test_losses_of_nobody_are_unknown_and_not_nothing() -> None:
    for blind in (replace(CHAIN, pd_12m=np.full(5, np.nan)), replace(CHAIN, exposure=np.full(5, np.nan))):
        found = stress(blind, Shock(core_enterprise="CORE", orders=-0.4), VALUES)
        sums = (found.expected_loss_before_minor, found.expected_loss_direct_minor, found.expected_loss_after_minor)
        assert (*sums, found.expected_loss_after_at_most_minor, found.amplification) == (None,) * 5
        assert found.in_losses == 0
    told = stress(CHAIN, Shock(core_enterprise="CORE", orders=-0.4), VALUES)
    assert (told.in_losses, told.unrated) == (3, 0)


def test_equity_gone_is_at_least_an_even_chance() -> None:
    safe = np.array([0.001, 0.05, 0.03, 0.01, np.nan])
    poor = replace(CHAIN, pd_12m=safe, equity=np.array([100.0, 100.0, 400.0, np.nan, np.nan]))
    struck = stress(poor, Shock(core_enterprise="CORE", is_default=True), VALUES).struck
    assert next(item.pd_after for item in struck if item.firm == "S1") == TERMS["pd_without_equity"]


def test_what_is_not_known_is_said() -> None:
    blind = replace(CHAIN, equity=np.full(5, np.nan), pd_12m=np.array([np.nan, 0.05, 0.03, 0.01, np.nan]))
    found = stress(blind, Shock(core_enterprise="CORE", is_default=True), VALUES)
    struck = {item.firm: item for item in found.struck}
    assert (struck["S1"].equity_lost_ratio, struck["S1"].pd_after, struck["S2"].bridge_minor) == (None, None, None)
    assert found.unrated == 1


def test_nothing_happens_without_a_shock_and_nobody_is_struck_by_a_stranger() -> None:
    assert stress(CHAIN, Shock(core_enterprise="CORE"), VALUES).struck == []
    with pytest.raises(NotFound):
        stress(CHAIN, Shock(core_enterprise="NOBODY"), VALUES)
    with pytest.raises(InvalidRequest):
        Shock(core_enterprise="CORE", orders=0.4)


def test_the_network_adds_losses_and_says_how_many() -> None:
    found = portfolio_loss(CHAIN, correlation=0.15, draws=4000, seed=7)
    assert (found.with_network >= found.alone).all()
    assert found.alone.mean() == pytest.approx(0.4 * (0.04 * 10_000 + 0.05 * 20_000 + 0.03 * 5_000), rel=0.1)
    assert found.amplification is not None
    assert found.amplification > 1.0
    again = portfolio_loss(CHAIN, correlation=0.15, draws=4000, seed=7)
    assert (again.with_network == found.with_network).all()
    nobody_owes = replace(CHAIN, receivable=csr_array((5, 5)))
    assert portfolio_loss(nobody_owes, correlation=0.15, draws=500, seed=7).amplification == 1.0
    blind = replace(CHAIN, equity=np.full(5, np.nan))
    assert portfolio_loss(blind, correlation=0.15, draws=500, seed=7).amplification is None


def test_a_core_enterprise_that_is_struck_fails_in_every_draw() -> None:
    """S1 loses half of its equity and S2 0.4 whenever CORE fails: at least 0.4 x (0.5 x 10,000 + 0.4 x 20,000)."""
    struck = struck_directly(CHAIN, Shock(core_enterprise="CORE", is_default=True), VALUES)
    assert struck.pd_12m[CORE] == 1.0
    found = portfolio_loss(struck, correlation=0.15, draws=200, seed=7)
    assert found.with_network.min() >= 0.4 * (0.5 * 10_000 + 0.4 * 20_000) - 1e-6
    assert found.alone.min() == 0.0
    riskier = struck_directly(CHAIN, Shock(core_enterprise="CORE", pd_rise=0.3), VALUES)
    assert riskier.pd_12m[CORE] == pytest.approx(0.31)


def frame(*rows: dict[str, Any], columns: str) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=columns.split())


def test_a_chain_out_of_ledgers() -> None:
    when = pd.Timestamp("2026-05-01", tz="UTC")
    invoice = {
        "obligor_id": "A",
        "buyer_id": "CORE",
        "status": "issued",
        "corrected_invoice_id": None,
        "currency": "CNY",
    }
    frames = LedgerFrames(
        invoices=frame(
            {**invoice, "invoice_id": "1", "amount_minor": 1000},
            {**invoice, "invoice_id": "2", "amount_minor": 500},
            {**invoice, "invoice_id": "3", "amount_minor": 200, "status": "red_letter", "corrected_invoice_id": "2"},
            {**invoice, "invoice_id": "4", "amount_minor": 9999, "currency": "USD"},
            {**invoice, "invoice_id": "5", "amount_minor": 70, "buyer_id": "B"},
            columns="obligor_id invoice_id buyer_id status corrected_invoice_id amount_minor currency",
        ),
        receipts=frame(
            {"obligor_id": "A", "invoice_id": "1", "amount_minor": 400, "currency": "CNY"},
            columns="obligor_id invoice_id amount_minor currency",
        ),
        balance_sheets=frame(
            {"obligor_id": "A", "event_time": when, "recorded_time": when, "equity_minor": 1, "cash_minor": 2, "currency": "CNY"},
            {"obligor_id": "A", "event_time": when + pd.Timedelta(days=9), "recorded_time": when, "equity_minor": 8, "cash_minor": 9, "currency": "CNY"},
            columns="obligor_id event_time recorded_time equity_minor cash_minor currency",
        ),
        facilities=frame(
            {"obligor_id": "A", "facility_id": "F", "amount_minor": 1200, "currency": "CNY", "rate_per_year": 0.0, "instalments": 12},
            columns="obligor_id facility_id amount_minor currency rate_per_year instalments",
        ),
        repayments=frame(
            *({"obligor_id": "A", "facility_id": "F", "amount_due_minor": 110, "amount_paid_minor": paid} for paid in (110, 110, 0)),
            columns="obligor_id facility_id amount_due_minor amount_paid_minor",
        ),
        ratings=frame(
            {"obligor_id": "A", "event_time": when, "recorded_time": when, "counterparty_id": "CORE", "pd_12m": 0.02},
            columns="obligor_id event_time recorded_time counterparty_id pd_12m",
        ),
    )  # fmt: skip
    chain = chain_of(frames, obligors=["A", "B"], pd_12m={"A": 0.05}, lgd=0.4, currency="CNY")
    assert chain.firms == ["A", "B", "CORE"]
    assert chain.sales.toarray().tolist() == [[0, 70, 1300], [0, 0, 0], [0, 0, 0]]
    assert chain.receivable.toarray().tolist() == [[0, 70, 900], [0, 0, 0], [0, 0, 0]]
    assert (chain.equity[0], chain.liquidity[0], chain.exposure[0]) == (8, 9, 1000)
    assert chain.pd_12m.tolist()[::2] == [0.05, 0.02]
    assert np.isnan(chain.pd_12m[1])
    assert chain.rests_on["rated_buyers"] == chain.rests_on["buyers"] == 1
