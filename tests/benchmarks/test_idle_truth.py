"""Idle cover beside the truth: which days count, and how gaps over worlds are told."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit

import simulator
from benchmarks.insurance.idle_engine import Lives, judged, lives, process, quantile_interval
from benchmarks.insurance.idle_truth import MONTHS, _is_workday, idle_cover, together
from scoring.errors import NotEnoughEvents
from scoring.insurance.idle_cover.payout import IdleTerms
from scoring.insurance.idle_cover.simulate import RateModel, simulate_seasons
from simulator.parameter_values import load_parameters
from simulator.world import PARAMETERS_AS_OF

DAYS = """
day         counts
2026-05-04  yes
2026-05-09  no      # Saturday
2026-10-01  no      # National Day
2026-02-17  no      # Chinese New Year
2026-02-04  no      # closing before it
2026-03-11  yes     # open again
"""


@pytest.mark.parametrize("row", DAYS.strip().splitlines()[1:])
def test_which_days_count(row: str) -> None:
    day, counts = row.split()[:2]
    number = np.array([date.fromisoformat(day).toordinal() - date(1970, 1, 1).toordinal()])
    assert bool(_is_workday(number)[0]) is (counts == "yes")


def world(expected: float, true: float, beyond: float) -> dict[str, float]:
    return {
        "expected": expected, "true_expected": true, "loss_99_5": 4 * expected, "true_loss_99_5": 4 * true,
        "true_chance_beyond": beyond,
    }  # fmt: skip


def test_gaps_are_told_over_worlds() -> None:
    """Gaps of 0.01 and 0.03: mean 0.02, standard error 0.01, two standard errors."""
    found = together([world(0.05, 0.04, 0.0), world(0.06, 0.03, 0.01)])
    assert found["expected"] == pytest.approx(0.055)
    assert found["true_chance_beyond"] == pytest.approx(0.005)
    assert found["expected_gap"]["mean"] == pytest.approx(0.02)
    assert found["expected_gap"]["standard_errors"] == pytest.approx(2.0)
    low, high = found["expected_gap"]["interval"]
    assert (low, high) == pytest.approx((0.02 - 12.7062 * 0.01, 0.02 + 12.7062 * 0.01), rel=1e-4)
    assert together([world(0.05, 0.04, 0.0)])["expected_gap"]["interval"] is None


def test_a_world_too_small_for_a_cluster_is_refused_by_name(tmp_path: Path) -> None:
    simulator.simulate(out=tmp_path / "w", obligors=3, months=MONTHS, seed=1, samples_for=0)
    with pytest.raises(NotEnoughEvents, match="No division"):
        idle_cover(tmp_path / "w", lives(1, months=MONTHS, paths=1))


MODEL = RateModel(industry_sd=0.2, industry_persistence=0.9, common_share=0.5, own_sd=0.5, own_persistence=0.97)


def drawn(model: RateModel, *, paths: int, seed: int) -> Lives:
    """A season of eight divisions of twelve firms, lived by the engine's own process."""
    industry = np.repeat(np.arange(8), 12)
    usual = expit(np.full(len(industry), -0.8))
    rates = simulate_seasons(model, usual_rates=usual, industry=industry, months=6, paths=paths, seed=seed).own
    return Lives(
        divisions=tuple("abcdefgh"), firms=np.full(8, 12), reference=np.full(8, 0.34),
        rates=np.stack([rates[:, industry == at].mean(axis=1) for at in range(8)], axis=1),
        terms=IdleTerms(trigger_share=0.85, exit_share=0.5), months=6, seed=seed + 1,
    )  # fmt: skip


def test_what_the_process_is_like_is_found_from_its_lives() -> None:
    health = load_parameters(PARAMETERS_AS_OF).health
    found = process([drawn(MODEL, paths=1_500, seed=at) for at in (1, 2)], health)
    assert found.industry_sd == pytest.approx(MODEL.industry_sd, rel=0.06)
    assert found.own_sd == pytest.approx(MODEL.own_sd, rel=0.1)
    assert (found.industry_persistence, found.common_share, found.own_persistence) == (0.9, 0.5, 0.97)


def test_the_engine_s_tail_is_the_truth_s_where_its_process_is_and_not_where_industries_hang_together() -> None:
    lived = drawn(MODEL, paths=2_000, seed=3)
    right = judged(lived, MODEL)
    assert right["within"]
    assert abs(right["expected_standard_errors"]) < 4
    apart = judged(lived, replace(MODEL, common_share=0.0))
    assert (apart["within"], apart["beyond"] > 20) == (False, True)


def test_an_interval_of_a_quantile_by_order_statistics() -> None:
    """Of 1,000 losses 5 lie beyond the quantile, give or take: ranks 990 to 1,000; of 100 none need."""
    assert quantile_interval(np.arange(1.0, 1001.0)) == (990.0, 1000.0)
    assert quantile_interval(np.arange(1.0, 101.0)) == (98.0, None)
