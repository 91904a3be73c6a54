"""Curves agree with the PD over 12 months and keep their shape; hazards are those that were put in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit

from features.labels import LIFETIME_MONTHS, Lives
from scoring.credit.term_structure import ALONG, HazardShape, moved_to, reconciled, term_structure
from scoring.errors import NotEnoughEvents
from scoring.records import TermStructure
from scoring.training.hazard import fit_hazard_shape, person_months

SHAPE = HazardShape(intercept=-1.3, month_slope=-3.2, first_slope=1.3, last_slope=0.3, observed_months=33)
"""As lives of the base world give it: a firm of 3 % over twelve months has a hazard of 0.4 % in the last month."""
PDS = st.floats(0.0005, 0.9)


def test_monthly_probabilities_and_hazards_by_hand() -> None:
    curve = TermStructure(cumulative_pd=(0.1, 0.28, 0.64), observed_months=3)
    assert (curve.pd(0), curve.pd(2), curve.pd(3)) == (0, 0.28, 0.64)
    assert curve.monthly_pd == pytest.approx((0.1, 0.18, 0.36))
    assert curve.hazards == pytest.approx((0.1, 0.2, 0.5))
    with pytest.raises(AssertionError, match="has 3 months, not 4"):
        curve.pd(4)


@given(pd=PDS, log_odds=st.lists(st.floats(-11, -1), min_size=12, max_size=60))
def test_twelve_months_of_the_curve_are_the_pd(pd: float, log_odds: list[float]) -> None:
    curve = reconciled(log_odds, pd, observed_months=12)
    assert curve.pd(12) == pytest.approx(pd, rel=1e-12)
    assert list(curve.cumulative_pd) == sorted(curve.cumulative_pd)
    moved = logit(np.array(curve.hazards[:12])) - np.array(log_odds[:12])
    assert np.ptp(moved) < 1e-6  # one factor on all odds


@given(pd=st.floats(0.0005, 0.4), odds_ratio=st.floats(0.05, 20.0))
def test_a_curve_moved_there_and_back_is_the_same(pd: float, odds_ratio: float) -> None:
    """As far as scenarios and the ends of intervals lie; a curve that comes to 1 within a life has no way back."""
    other = float(expit(logit(pd) + np.log(odds_ratio)))
    curve = term_structure(pd, SHAPE)
    moved = moved_to(curve, other)
    assert moved.pd(12) == pytest.approx(other, rel=1e-12)
    assert (moved.pd(60) >= curve.pd(60)) == (other >= pd) or moved.pd(60) == pytest.approx(curve.pd(60))
    assert moved_to(moved, pd).cumulative_pd == pytest.approx(curve.cumulative_pd, rel=1e-6)


@given(better=PDS, worse=PDS)
def test_a_worse_obligor_is_worse_over_twelve_months_and_over_a_life(better: float, worse: float) -> None:
    better, worse = sorted((better, worse))
    one, other = (term_structure(pd, SHAPE) for pd in (better, worse))
    assert one.pd(12) <= other.pd(12) * (1 + 1e-12)
    assert one.pd(60) <= other.pd(60) * (1 + 1e-12)


@given(
    better=PDS,
    worse=PDS,
    shape=st.builds(
        HazardShape,
        intercept=st.floats(-4, 0),
        month_slope=st.floats(-5, 2),
        first_slope=st.floats(0, 2.5),
        last_slope=st.floats(0, 1.5),
        observed_months=st.just(33),
    ),
)
def test_a_worse_obligor_is_worse_in_every_later_month_whatever_the_shape(
    better: float, worse: float, shape: HazardShape
) -> None:
    better, worse = sorted((better, worse))
    given_odds = shape.log_odds(float(logit(worse)))
    one, other = (shape.log_odds(float(logit(pd))) for pd in (better, worse))
    assert all(low <= high + 1e-9 for low, high in zip(one[12:], other[12:], strict=True))
    assert term_structure(better, shape).pd(60) <= term_structure(worse, shape).pd(60) * (1 + 1e-12)
    assert term_structure(worse, shape).pd(60) >= 1 - (1 - worse) * float(np.prod(1 - expit(given_odds[12:]))) - 1e-9


@pytest.mark.parametrize("level", [0.5, 2.0])
def test_a_good_or_bad_year_of_the_calibrator_moves_twelve_months_and_no_later_one(level: float) -> None:
    """Lives of a book whose own PD is `level` times what the calibrator says of the same obligors."""
    said = 0.03
    lives = replace(SHAPE, intercept=float(logit(level * said / 12)) - SHAPE.first_slope * float(logit(said)))
    curve = term_structure(said, lives)
    given_odds = lives.log_odds(float(logit(said)))
    assert curve.pd(12) == pytest.approx(said, rel=1e-12)
    assert logit(np.array(curve.hazards[12:])) == pytest.approx(given_odds[12:], abs=1e-6)
    moved = logit(np.array(curve.hazards[:12])) - np.array(given_odds[:12])
    assert np.ptp(moved) < 1e-6
    assert abs(moved[0]) > 0.3


def test_without_a_shape_the_hazard_is_constant() -> None:
    curve = term_structure(1 - (1 - 0.004) ** 12, None)
    assert curve.hazards == pytest.approx([0.004] * LIFETIME_MONTHS)
    assert curve.observed_months == 0


def test_a_certain_default_is_the_last_hazard() -> None:
    curve = TermStructure(cumulative_pd=(0.1, 0.28, 1.0, 1.0, 1.0), observed_months=3)
    assert curve.hazards == pytest.approx((0.1, 0.2, 1.0))
    assert curve.monthly_pd == pytest.approx((0.1, 0.18, 0.72, 0.0, 0.0))
    assert TermStructure(cumulative_pd=(1.0, 1.0), observed_months=2).hazards == (1.0,)


CERTAIN = HazardShape(intercept=-4.0, month_slope=60.0, first_slope=1.0, last_slope=1.0, observed_months=33)
"""Later months in which everybody who is left defaults: log-odds of their hazards above 30."""


@given(pd=st.floats(0.0005, 0.4), odds_ratio=st.floats(0.05, 20.0))
def test_a_default_that_is_certain_within_a_life_stays_certain_when_the_year_is_moved(
    pd: float, odds_ratio: float
) -> None:
    curve = term_structure(pd, CERTAIN)
    assert curve.pd(60) == 1.0
    assert curve.hazards[-1] == 1.0
    assert len(curve.hazards) == 1 + sum(chance < 1 for chance in curve.cumulative_pd)
    other = float(expit(logit(pd) + np.log(odds_ratio)))
    moved = moved_to(curve, other)
    assert moved.pd(12) == pytest.approx(other, rel=1e-12)
    assert (len(moved.cumulative_pd), moved.pd(60)) == (60, 1.0)
    assert list(moved.cumulative_pd) == sorted(moved.cumulative_pd)


def test_a_month_in_which_nobody_defaults_stays_one() -> None:
    curve = TermStructure(cumulative_pd=(0.01,) * 12 + (0.02,) * 12, observed_months=12)
    moved = moved_to(curve, 0.05)
    assert moved.cumulative_pd[:12] == pytest.approx((0.05,) * 12)
    assert moved.cumulative_pd[12:] == pytest.approx((moved.pd(13),) * 12)
    assert moved.pd(13) > 0.05


@pytest.mark.parametrize("chance", [0.0, 1.0])
def test_a_first_year_without_doubt_has_no_other_level(chance: float) -> None:
    with pytest.raises(AssertionError, match="decide nothing for certain"):
        moved_to(TermStructure(cumulative_pd=(chance,) * 24, observed_months=12), 0.05)


def test_too_short_a_curve_and_a_certain_pd_are_refused() -> None:
    with pytest.raises(AssertionError, match="at least 12"):
        reconciled([-4.0] * 11, 0.1, observed_months=11)
    with pytest.raises(AssertionError, match="strictly between"):
        term_structure(1.0, None)


def test_person_months_count_time_at_risk() -> None:
    lives = Lives(months=np.array([2, 0, 3]), defaulted=np.array([True, False, False]))
    firm, month, struck = person_months(lives)
    assert firm.tolist() == [0, 0, 2, 2, 2]
    assert month.tolist() == [1, 2, 1, 2, 3]
    assert struck.tolist() == [False, True, False, False, False]


def test_lives_cut_short_did_not_end_in_default() -> None:
    lives = Lives(months=np.array([5, 9, 20]), defaulted=np.array([True, True, False])).within(np.array([5, 6, 7]))
    assert lives.months.tolist() == [5, 6, 7]
    assert lives.defaulted.tolist() == [True, False, False]


def test_the_shape_that_was_put_in_is_found_again() -> None:
    drawn = np.random.default_rng(3)
    log_odds = drawn.normal(-3.0, 1.2, size=30_000)
    along = np.array(ALONG[:36])
    given = -2.6 + 0.5 * along + log_odds[:, None] * (1.0 * (1 - along) + 0.45 * along)
    struck = drawn.random(given.shape) < expit(given)
    default = np.where(struck.any(axis=1), struck.argmax(axis=1) + 1, 36)
    ends = np.where(drawn.random(len(default)) < 1 / 3, drawn.integers(0, 37, size=len(default)), 36)
    lives = Lives(default, struck.any(axis=1)).within(ends)
    shape = fit_hazard_shape(log_odds, lives)
    assert shape.observed_months == 36
    for risk in (-5.0, -3.0, -1.0):  # the four numbers lean on each other; the hazards they give do not
        put_in = -2.6 + 0.5 * along + risk * (1.0 * (1 - along) + 0.45 * along)
        assert shape.log_odds(risk)[2:36] == pytest.approx(put_in[2:], abs=0.12)


def test_a_book_without_default_is_named() -> None:
    lives = Lives(months=np.full(9, 5), defaulted=np.zeros(9, dtype=bool))
    with pytest.raises(NotEnoughEvents, match="0 defaults in 45 months of 9 lives"):
        fit_hazard_shape(np.zeros(9), lives)
