"""What a loss costs exactly, against draws; and claims that come true at the pure premium."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from simulator import simulate
from simulator.insurance.severity import chance_above, draw_damage, mean_payout
from simulator.parameter_values import SeverityLaw
from simulator.world import make_laws

DRAWS = 400_000
KINDS = make_laws(1, 1).parameters.insurance.kinds


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize(("scale", "deductible"), [(0.6, 0.02), (1.0, 0.02), (2.5, 0.02), (1.0, 0.0001), (1.0, 0.2)])
def test_the_mean_payout_is_that_of_draws(kind: str, scale: float, deductible: float) -> None:
    law = KINDS[kind].severity
    damage = draw_damage(law, np.random.default_rng(11), scale=np.full(DRAWS, scale))
    payout = np.maximum(np.minimum(damage, 1.0) - deductible, 0.0)
    (exact,) = mean_payout(law, scale=np.array([scale]), deductible_share=deductible)
    assert abs(payout.mean() - exact) < 4 * payout.std() / np.sqrt(DRAWS)
    (chance,) = chance_above(law, scale=np.array([scale]), deductible_share=deductible)
    assert abs((damage > deductible).mean() - chance) < 4 * np.sqrt(chance * (1 - chance) / DRAWS)


def test_the_mean_payout_by_hand() -> None:
    """An exponential body and no tail: E[min(X, 1) - d]+ = m (exp(-d / m) - exp(-1 / m))."""
    law = SeverityLaw(gamma_shape=1.0, gamma_mean_share=0.3, tail_chance=0.0, tail_from_share=0.1, tail_index=2.0)
    (found,) = mean_payout(law, scale=np.ones(1), deductible_share=0.05)
    assert found == pytest.approx(0.3 * (np.exp(-0.05 / 0.3) - np.exp(-1 / 0.3)), rel=1e-12)


def test_the_mean_of_a_pareto_layer_by_hand() -> None:
    """A Pareto from 0.1 with index 2: the integral of (0.1 / x)^2 from d to 1."""
    law = SeverityLaw(gamma_shape=1.0, gamma_mean_share=0.3, tail_chance=1.0, tail_from_share=0.1, tail_index=2.0)
    (found,) = mean_payout(law, scale=np.ones(1), deductible_share=0.2)
    assert found == pytest.approx(0.01 * (1 / 0.2 - 1.0), rel=1e-12)


@pytest.mark.parametrize("world", ["base", "null"])
def test_claims_cost_the_pure_premium_on_average(world: str, tmp_path: Path) -> None:
    simulate(world=world, obligors=256, months=18, seed=6, out=tmp_path / "w", samples_for=0)
    months = pd.read_parquet(tmp_path / "w" / "truth" / "machine_month.parquet")
    # given what is known at its start, a machine-month's claims less their pure premium have mean zero
    gap = months["claims_minor"] - months["pure_premium_minor"]
    assert months["claims_minor"].sum() > 0
    assert abs(gap.sum()) < 4 * np.sqrt((gap**2).sum())
    failed = months["faults"] > 0
    rates = months[failed]["claims"].mean(), months[~failed]["claims"].mean()
    assert (rates[0] > 3 * rates[1]) == (world == "base")


def test_every_kind_of_claim_occurs_and_has_its_own_number(tmp_path: Path) -> None:
    simulate(obligors=256, months=18, seed=6, out=tmp_path / "w", samples_for=0)
    claims = pd.read_csv(tmp_path / "w" / "insurance_claim.csv")
    assert set(claims["claim_id"].str.extract(r"^(C[IL]?)\d*-")[0]) == {"C", "CI", "CL"}
    assert claims["claim_id"].is_unique
