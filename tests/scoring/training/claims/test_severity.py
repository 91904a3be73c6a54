"""Severity: capped claims by factor, a tail for the rest, and the challenger that has both in one."""

from __future__ import annotations

import numpy as np
import pytest
from claims_world import SETTINGS, sample
from scipy.stats import genpareto

from scoring.errors import NotEnoughEvents
from scoring.training.claims.severity import fit_severity
from scoring.training.claims.tweedie import fit_tweedie


def test_means_follow_the_factor_and_sum_to_what_was_paid() -> None:
    made, _ = sample(6_000, 5)
    generator = np.random.default_rng(6)
    mean = np.where(made.rows[:, 2] == 2, 2_000.0, 1_000.0)
    amounts = mean * generator.gamma(2.0, 0.5, len(mean))
    large = generator.random(len(mean)) < 0.05
    amounts[large] = 6_000 + genpareto.rvs(0.3, scale=3_000, size=int(large.sum()), random_state=generator)
    found = fit_severity(made.rows, amounts, made.features, bands=5, tail_quantiles=[0.8, 0.9, 0.95])
    assert found.means(made.rows).sum() == pytest.approx(amounts.sum(), rel=1e-6)
    capped = found.capped(made.rows)
    assert capped[made.rows[:, 2] == 2].mean() / capped[made.rows[:, 2] != 2].mean() == pytest.approx(1.75, abs=0.2)
    by_tail = found.tail.load() / np.minimum(amounts, found.tail.threshold).mean()
    assert by_tail == pytest.approx(found.large_loss_share, rel=0.1)


def test_too_few_claims_are_refused() -> None:
    with pytest.raises(NotEnoughEvents, match="29 claims"):
        fit_severity(np.ones((29, 0)), np.ones(29), [], bands=3, tail_quantiles=[0.9])


def test_the_challenger_balances_and_orders_risks() -> None:
    made, logs = sample(6_000, 8)
    generator = np.random.default_rng(9)
    costs = np.array([generator.gamma(2.0, 500.0, int(count)).sum() for count in made.counts])
    found = fit_tweedie(made, costs, settings=SETTINGS, seed=3)
    means = found.costs(made.rows)
    assert (made.exposure * means).sum() == pytest.approx(costs.sum(), rel=1e-6)
    assert np.corrcoef(np.log(means), logs)[0, 1] > 0.85
