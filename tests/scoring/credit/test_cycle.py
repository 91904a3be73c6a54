"""Good and bad years average to the PD through the cycle, and the factor of a year is found again."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.polynomial.hermite_e import hermegauss
from scipy.stats import norm

from scoring.credit.cycle import asset_correlation_of, cycle_factor, point_in_time, through_the_cycle


@pytest.mark.parametrize("pd", [0.0005, 0.02, 0.2])
def test_years_average_to_the_pd_through_the_cycle(pd: float) -> None:
    nodes, weights = hermegauss(80)
    years = [point_in_time(pd, factor=float(factor), asset_correlation=0.12) for factor in nodes]
    assert np.average(years, weights=weights) == pytest.approx(pd, rel=1e-6)


def test_there_and_back() -> None:
    bad = point_in_time(0.03, factor=-1.5, asset_correlation=0.15)
    good = point_in_time(0.03, factor=1.5, asset_correlation=0.15)
    assert good < 0.03 < bad
    assert through_the_cycle(bad, factor=-1.5, asset_correlation=0.15) == pytest.approx(0.03, abs=1e-14)


def test_a_quantile_of_the_factor_is_the_supervisors_formula() -> None:
    # the conditional PD of the internal-ratings formula: the 99.9 % worst year
    rho = 0.2
    expected = norm.cdf((norm.ppf(0.01) + np.sqrt(rho) * norm.ppf(0.999)) / np.sqrt(1 - rho))
    assert point_in_time(0.01, factor=norm.ppf(0.001), asset_correlation=rho) == pytest.approx(expected, abs=1e-14)


def test_the_factor_of_a_year_is_found_in_its_default_rate() -> None:
    rate = point_in_time(0.04, factor=-0.8, asset_correlation=0.1)
    assert cycle_factor(rate, long_run_rate=0.04, asset_correlation=0.1) == pytest.approx(-0.8, abs=1e-12)


def test_many_years_show_their_correlation() -> None:
    factors = np.random.default_rng(2).normal(size=4_000)
    rates = [point_in_time(0.04, factor=float(factor), asset_correlation=0.12) for factor in factors]
    assert asset_correlation_of(rates) == pytest.approx(0.12, abs=0.01)
