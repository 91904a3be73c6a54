"""Idle cover: the printed vector, settlement with evidence, a book's tail, basis risk, and shutdowns that are staged."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit
from scipy.stats import beta, norm

from scoring.errors import AccumulationExceeded, InvalidRequest, NotEnoughEvents
from scoring.insurance.idle_cover.payout import (
    IdleTerms,
    Reference,
    SeasonDays,
    cluster_without,
    payout_share,
    settle,
    shortfall,
)
from scoring.insurance.idle_cover.price import basis_risk, price_book, require_room
from scoring.insurance.idle_cover.simulate import RateModel, fit_rate_model, simulate_seasons
from scoring.insurance.idle_cover.staged import FirmDays, staged_shutdown

TERMS = IdleTerms(trigger_share=0.8, exit_share=0.4, coinsurance_share=0.2)
REFERENCE = Reference(own_rate=0.5, cluster_rate=0.4)


def test_the_toy_vector() -> None:
    """U ~ Beta(6, 4), trigger 0.50 and cap 0.4 (so exit 0.30), reference 1: modelling note 3.4.

    It prints 25.4 %, 4.51 % and 9.98 %, the last two from a simulation; by integration they are 4.519 % and 9.998 %.
    """
    toy = IdleTerms(trigger_share=0.5, exit_share=0.3)
    assert toy.cap_share == pytest.approx(0.4)

    def moment(power: int) -> float:
        return quad(lambda u: float(shortfall(u, 1.0, toy)) ** power * beta.pdf(u, 6, 4), 0, 0.5, points=[0.3])[0]

    assert round(100 * beta.cdf(0.5, 6, 4), 1) == 25.4
    assert 100 * moment(1) == pytest.approx(4.51898, abs=1e-5)
    assert 100 * moment(1) == pytest.approx(4.51, abs=0.01)
    assert 100 * (moment(2) - moment(1) ** 2) ** 0.5 == pytest.approx(9.98, abs=0.02)
    drawn = shortfall(np.random.default_rng(0).beta(6, 4, 10**6), 1.0, toy)
    assert (drawn > 0).mean() == pytest.approx(0.254, abs=0.002)
    assert drawn.mean() == pytest.approx(moment(1), abs=4 * 0.0001)


PAYOUTS = [
    # own   cluster   paid
    (0.40, 0.32,     0.0),   # both at their triggers
    (0.30, 0.24,     0.2),   # both a quarter below: 0.25 x 0.8
    (0.00, 0.40,     0.0),   # switched off while the cluster works
    (0.50, 0.10,     0.0),   # the cluster suffers, the insured works
    (0.00, 0.24,     0.2),   # the lesser of the two counts
    (0.00, 0.00,     0.4),   # at the exit: 0.5 x 0.8
]  # fmt: skip


@pytest.mark.parametrize(("own", "cluster", "paid"), PAYOUTS)
def test_the_lesser_shortfall_is_paid(own: float, cluster: float, paid: float) -> None:
    assert float(payout_share(own, cluster, REFERENCE, TERMS)) == pytest.approx(paid)


def season(n: int = 60) -> SeasonDays:
    flags = np.zeros(n, dtype=bool)
    return SeasonDays(
        own_rate=np.full(n, 0.2), cluster_rate=np.full(n, 0.2), is_planned=flags.copy(), is_holiday=flags.copy()
    )


def test_a_settlement_tells_its_evidence() -> None:
    days = season()
    days.is_planned[:5], days.is_holiday[3:10], days.own_rate[10:12] = True, True, np.nan
    found = settle(days, REFERENCE, TERMS, sum_insured_minor=10_000_000, daily_fixed_cost_minor=Decimal(100_000))
    assert (found.days_counted, found.days_planned, found.days_holiday, found.days_unknown) == (48, 5, 5, 2)
    assert (found.own_rate, found.own_trigger) == (pytest.approx(0.2), pytest.approx(0.4))
    assert (found.own_shortfall, found.cluster_shortfall) == (pytest.approx(0.5), pytest.approx(0.375))
    assert found.payout_share == pytest.approx(0.3)
    assert found.uncapped_minor == 3_000_000
    assert found.lost_fixed_cost_minor == 100_000 * 48 * 0.6
    assert found.payout_minor == 2_880_000


def test_planned_days_and_holidays_are_no_loss() -> None:
    worked = replace(season(), own_rate=np.full(60, 0.5), cluster_rate=np.full(60, 0.4))
    worked.own_rate[:30], worked.is_planned[:30] = 0.0, True
    found = settle(worked, REFERENCE, TERMS, sum_insured_minor=10**7, daily_fixed_cost_minor=Decimal(10**5))
    assert found.payout_minor == 0
    with pytest.raises(InvalidRequest, match="None of 60 days"):
        settle(
            replace(season(), is_holiday=np.ones(60, dtype=bool)),
            REFERENCE,
            TERMS,
            sum_insured_minor=1,
            daily_fixed_cost_minor=Decimal(1),
        )
    with pytest.raises(InvalidRequest, match="make no cover"):
        settle(
            season(),
            REFERENCE,
            IdleTerms(trigger_share=0.4, exit_share=0.4),
            sum_insured_minor=1,
            daily_fixed_cost_minor=Decimal(1),
        )


def test_a_cluster_is_of_others_and_of_many() -> None:
    rates = np.array([[0.9, 0.9], [0.2, 0.4], [0.4, np.nan], [0.6, 0.8]])
    found = cluster_without(rates, np.array([100.0, 1.0, 1.0, 2.0]), 0, fewest=3)
    assert found[0] == pytest.approx(0.45)
    assert np.isnan(found[1])
    with pytest.raises(InvalidRequest, match="3 other firms"):
        cluster_without(rates, np.ones(4), 0, fewest=4)


MODEL = RateModel(industry_sd=0.5, industry_persistence=0.9, common_share=0.4, own_sd=0.6, own_persistence=0.8)


def book(paths: int, seed: int, model: RateModel = MODEL) -> tuple[np.ndarray, np.ndarray]:
    """Payouts and own shortfalls (paths x 60) of three industries."""
    usual, industry = np.full(60, 0.45), np.repeat(np.arange(3), 20)
    seasons = simulate_seasons(model, usual_rates=usual, industry=industry, months=3, paths=paths, seed=seed)
    reference = Reference(own_rate=0.45, cluster_rate=0.45)
    return payout_share(seasons.own, seasons.cluster, reference, TERMS), shortfall(seasons.own, 0.45, TERMS)


def test_a_common_factor_makes_the_tail() -> None:
    payouts, _ = book(8_000, 1)
    apart, _ = book(8_000, 1, replace(MODEL, common_share=0.0))
    sums = np.full(60, 1e6)
    with_factor, without = (price_book(side, sums, cost_of_capital=0.1) for side in (payouts, apart))
    assert with_factor.expected_minor.sum() == pytest.approx(without.expected_minor.sum(), rel=0.1)
    assert with_factor.tail_value_at_risk_minor > 1.1 * without.tail_value_at_risk_minor
    loads = with_factor.tail_load_minor.sum()
    assert loads == pytest.approx(0.1 * (with_factor.tail_value_at_risk_minor - with_factor.expected_minor.sum()))
    assert with_factor.tail_value_at_risk_minor >= with_factor.value_at_risk_minor


@pytest.mark.parametrize(
    ("paths", "value_at_risk", "beyond"),
    [
        (4_000, 3_980, np.arange(3_981, 4_001).mean()),  # 20 worst, exceeded by 20 of 4,000
        (1_000, 995, np.arange(996, 1_001).mean()),  # 5 worst
        (300, 299, (300 + 0.5 * 299) / 1.5),  # one and a half
        (100, 100, 100.0),  # half a path: the worst one
    ],
)
def test_the_worst_half_percent_of_paths_are_counted_exactly(paths: int, value_at_risk: int, beyond: float) -> None:
    """Losses of 1 to n: 1 - 0.995 in doubles is a little above 0.005, so that rounding it up took 21 of 4,000."""
    losses = np.random.default_rng(1).permutation(np.arange(1.0, paths + 1))
    found = price_book(losses[:, None], np.ones(1), cost_of_capital=0.1)
    assert (found.value_at_risk_minor, found.tail_value_at_risk_minor) == (value_at_risk, pytest.approx(beyond))
    assert (losses > found.value_at_risk_minor).sum() <= 0.005 * paths


def test_simulation_errors_are_what_they_say() -> None:
    """Two runs of different seeds agree within four of the standard errors they state."""
    first, second = (price_book(book(4_000, seed)[0], np.full(60, 1e6), cost_of_capital=0.1) for seed in (3, 4))
    gap = first.expected_minor - second.expected_minor
    assert (np.abs(gap) < 4 * np.hypot(first.standard_errors, second.standard_errors)).all()


def test_one_month_of_one_firm_is_the_closed_form() -> None:
    """Independent of all factors, a rate's log-odds are normal: P(rate < x) is known."""
    model = RateModel(industry_sd=0.0, industry_persistence=0.0, common_share=0.0, own_sd=0.5, own_persistence=0.0)
    found = simulate_seasons(
        model, usual_rates=np.array([0.5]), industry=np.zeros(1, dtype=int), months=1, paths=40_000, seed=2
    )
    assert (found.own < 0.4).mean() == pytest.approx(norm.cdf(np.log(0.4 / 0.6) / 0.5), abs=4 * 0.0021)


def test_a_model_is_found_again() -> None:
    generator = np.random.default_rng(6)
    months, firms = 240, 90
    industry = np.repeat(np.arange(3), 30)

    def path(count: int, persistence: float, drawn: np.ndarray) -> np.ndarray:
        made = np.zeros((count, months))
        for at in range(1, months):
            made[:, at] = persistence * made[:, at - 1] + np.sqrt(1 - persistence**2) * drawn[:, at]
        return made

    shared, apart = generator.standard_normal((1, months)), generator.standard_normal((3, months))
    states = path(3, 0.9, np.sqrt(0.4) * shared + np.sqrt(0.6) * apart)
    own = path(firms, 0.8, generator.standard_normal((firms, months)))
    rates = 1 / (1 + np.exp(-(0.1 + 0.5 * states[industry] + 0.6 * own)))
    found = fit_rate_model(rates, industry)
    assert found.industry_sd == pytest.approx(0.5, rel=0.25)
    assert found.own_sd == pytest.approx(0.6, rel=0.1)
    assert found.industry_persistence == pytest.approx(0.9, abs=0.08)
    assert found.own_persistence == pytest.approx(0.8, abs=0.05)
    assert 0.1 < found.common_share < 0.7
    with pytest.raises(NotEnoughEvents, match="no year"):
        fit_rate_model(rates[:, :11], industry)


def test_an_industry_has_a_limit() -> None:
    sums, industry = np.array([60.0, 50.0, 10.0]), np.array([0, 0, 1])
    require_room(sums, industry, names={0: "C34", 1: "C35"}, most_minor=110)
    with pytest.raises(AccumulationExceeded, match="C34 would sum to 110"):
        require_room(sums, industry, names={0: "C34", 1: "C35"}, most_minor=109)


def test_basis_risk_by_hand() -> None:
    payouts = np.array([[0.0, 0.2], [0.1, 0.0]])
    own = np.array([[0.3, 0.2], [0.0, 0.0]])
    found = basis_risk(payouts, own)
    assert (found.loss_without_payout, found.payout_without_loss) == (0.25, 0.25)
    assert (found.loss, found.payout) == (0.5, 0.5)
    assert found.unpaid_share == pytest.approx(0.3 / 0.5)


def firm(n: int = 200) -> FirmDays:
    """A firm whose machines tell three quarters of what its site uses; a bill every thirty days."""
    generator = np.random.default_rng(1)
    return FirmDays(
        own_rate=generator.uniform(0.4, 0.5, n), cluster_rate=np.full(n, 0.45), told_kwh=np.full(n, 300.0),
        site_kwh=np.full(n, 400.0), bill=np.arange(n) // 30, delivered=np.full(n, 10.0), is_rest=np.arange(n) % 7 >= 5,
    )  # fmt: skip


def test_a_staged_shutdown_scores_far_above_a_real_slump() -> None:
    staged = firm()
    staged.own_rate[120:141], staged.told_kwh[120:141] = 0.0, 0.0
    found = staged_shutdown(staged)
    assert found is not None
    assert (found.first_day, found.days) == (120, 15)
    assert found.drop == pytest.approx(1.0)
    assert found.unexplained_days == pytest.approx(20.0, abs=1.5)
    assert found.delivered_share == pytest.approx(1.0)
    slump = firm()
    for stream in (slump.own_rate, slump.told_kwh, slump.delivered):
        stream[120:141] = 0.0
    slump.site_kwh[120:141] = 0.0
    real = staged_shutdown(slump)
    assert real is not None
    assert real.unexplained_days == pytest.approx(0.0, abs=1e-9)
    assert real.score < found.score / 10


def test_what_the_cluster_has_too_is_not_staged() -> None:
    rationed = firm()
    rationed.own_rate[120:141], rationed.told_kwh[120:141], rationed.cluster_rate[120:141] = 0.0, 0.0, 0.0
    found = staged_shutdown(rationed)
    assert found is not None
    assert (found.drop, found.score) == (0.0, 0.0)


def test_machines_that_were_not_heard_are_no_contradiction() -> None:
    silent = firm()
    silent.own_rate[120:141] = 0.0
    silent.told_kwh[120:141] = np.nan
    found = staged_shutdown(silent)
    assert found is not None
    assert found.unexplained_days == pytest.approx(0.0, abs=1e-9)
    silent.site_kwh[:] = np.nan
    assert staged_shutdown(silent) is None


def test_no_standstill_is_no_finding() -> None:
    assert staged_shutdown(firm()) is None
    rested = firm()
    rested.own_rate[rested.is_rest] = 0.0
    assert staged_shutdown(rested) is None


def test_few_firms_do_not_hide_how_long_a_slump_lasts() -> None:
    """Four firms an industry: the mean of their own fast paths is no part of the industry's slow one."""
    rng = np.random.default_rng(11)
    industries, firms, months = 60, 4, 240
    slow, fast = (
        _paths(rng.standard_normal((count, months)), persistence)
        for count, persistence in ((industries, 0.9), (industries * firms, 0.3))
    )
    industry = np.repeat(np.arange(industries), firms)
    found = fit_rate_model(expit(0.3 * slow[industry] + 0.6 * fast), industry)
    assert found.industry_persistence == pytest.approx(0.9, abs=0.03)
    assert found.industry_sd == pytest.approx(0.3, rel=0.07)
    assert found.own_sd == pytest.approx(0.6, rel=0.02)


def _paths(draws: np.ndarray, persistence: float) -> np.ndarray:
    paths = draws.copy()
    for month in range(1, draws.shape[1]):
        paths[:, month] = persistence * paths[:, month - 1] + (1 - persistence**2) ** 0.5 * draws[:, month]
    return paths
