"""Hazards in operating hours: the printed vectors, known laws found again through truncation and sale, and the price."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from scoring.errors import InvalidRequest, NotEnoughEvents
from scoring.insurance.warranty.cover import Component, WarrantyTerms, warranty_cost
from scoring.insurance.warranty.power_law import PowerLaw, Watched, fit_power_law
from scoring.insurance.warranty.usage_mix import fitted_usage, known_usage

VECTOR = PowerLaw(shape=1.6, scale_hours=6000.0)
"""The modelling note's (3.3)."""

TERMS = WarrantyTerms(
    starts_after_months=24, months=12, waiting_months=0, limit_an_event_minor=10**9, aggregate_limit_minor=10**12,
    annual_sale_rate=0.0, annual_inflation=0.0, annual_discount=0.0,
)  # fmt: skip


@pytest.mark.parametrize(("hours", "failures", "chance"), [(2000.0, 0.477, 0.380), (4000.0, 1.447, 0.765)])
def test_the_third_year_to_its_printed_digits(hours: float, failures: float, chance: float) -> None:
    assert round(float(VECTOR.expected(2 * hours, 3 * hours)), 3) == failures
    assert round(float(VECTOR.chance_of_one(2 * hours, 3 * hours)), 3) == chance


def watched(law: PowerLaw, n: int, seed: int, *, sale_rate: float = 0.0) -> Watched:
    """Machines of random ages, usages and times watched; some are sold before the end, at a chance of their own."""
    generator = np.random.default_rng(seed)
    entry = generator.uniform(0, 8_000, n)
    years = np.minimum(generator.uniform(0.5, 3.0, n), generator.exponential(1 / sale_rate, n) if sale_rate else np.inf)
    end = entry + years * generator.gamma(4.0, 800.0, n)
    counts = generator.poisson(law.expected(entry, end))
    machine = np.repeat(np.arange(n), counts)
    low, high = ((side[machine] / law.scale_hours) ** law.shape for side in (entry, end))
    hours = law.scale_hours * (low + generator.random(len(machine)) * (high - low)) ** (1 / law.shape)
    return Watched(entry_hours=entry, exit_hours=end, failure_hours=hours, failure_machine=machine)


@pytest.mark.parametrize(
    "law", [VECTOR, PowerLaw(shape=0.8, scale_hours=3000.0), PowerLaw(shape=2.5, scale_hours=9000.0)]
)
def test_a_law_is_found_again_through_truncation_and_sale(law: PowerLaw) -> None:
    found = fit_power_law(watched(law, 20_000, 3, sale_rate=0.4))
    assert found.shape == pytest.approx(law.shape, rel=0.05)
    assert float(found.expected(4000, 8000)) == pytest.approx(float(law.expected(4000, 8000)), rel=0.05)


def test_leaving_the_truncation_out_would_bias() -> None:
    """The same machines as if watched from hour 0: years in which nobody looked count as without failure."""
    seen = watched(VECTOR, 4_000, 5)
    naive = fit_power_law(replace(seen, entry_hours=np.zeros(4_000)))
    assert float(fit_power_law(seen).expected(0, 6000)) == pytest.approx(1.0, abs=0.05)
    assert float(naive.expected(0, 6000)) < 0.5


def test_the_fit_balances_expected_and_observed_failures() -> None:
    seen = watched(VECTOR, 500, 9)
    found = fit_power_law(seen)
    assert found.expected(seen.entry_hours, seen.exit_hours).sum() == pytest.approx(len(seen.failure_hours), rel=1e-9)


def test_meters_that_run_backwards_and_failures_outside_are_refused() -> None:
    seen = watched(VECTOR, 50, 1)
    with pytest.raises(InvalidRequest, match="Machine 0 is watched"):
        fit_power_law(replace(seen, exit_hours=seen.entry_hours - 1))
    with pytest.raises(InvalidRequest, match="lies outside"):
        fit_power_law(replace(seen, failure_hours=seen.failure_hours + 1e6))
    with pytest.raises(NotEnoughEvents, match="failures were watched"):
        fit_power_law(replace(seen, failure_hours=seen.failure_hours[:9], failure_machine=seen.failure_machine[:9]))


def test_one_customer_is_the_vector() -> None:
    part = Component(name="spindle", failures=VECTOR, repair_cost_minor=1_000_000)
    found = warranty_cost([part], age_hours=0.0, usage=known_usage(2000.0), terms=TERMS)
    assert round(found.components[0].expected_failures, 3) == 0.477
    assert found.cost_minor == pytest.approx(1_000_000 * float(VECTOR.expected(4000, 6000)))
    assert found.chance_to_claim == pytest.approx(float(VECTOR.chance_of_one(4000, 6000)))
    assert found.limited_minor == pytest.approx(found.cost_minor)


def test_a_mix_of_customers_costs_more_than_the_mean_one() -> None:
    hours = np.random.default_rng(2).gamma(3.0, 900.0, 500)
    mix = fitted_usage(hours)
    assert mix.mean == pytest.approx(hours.mean(), rel=1e-6)
    part = Component(name="spindle", failures=VECTOR, repair_cost_minor=100)
    mixed, mean = (
        warranty_cost([part], age_hours=0.0, usage=usage, terms=TERMS).cost_minor
        for usage in (mix, known_usage(mix.mean))
    )
    assert mixed > 1.05 * mean


def test_terms_each_take_their_part() -> None:
    parts = [
        Component(name="spindle", failures=VECTOR, repair_cost_minor=1_000_000),
        Component(name="belt", failures=VECTOR, repair_cost_minor=50_000, is_wear_part=True),
    ]

    def cost(**changes: float) -> float:
        terms = replace(TERMS, **changes)  # type: ignore[arg-type]
        return warranty_cost(parts, age_hours=0.0, usage=known_usage(4000.0), terms=terms).limited_minor

    whole = cost()
    assert cost(limit_an_event_minor=500_000) == pytest.approx(whole / 2)
    assert cost(waiting_months=6) < 0.55 * whole
    assert cost(annual_sale_rate=0.3) == pytest.approx(whole * 0.87, rel=0.02)
    assert cost(annual_inflation=0.05) > whole > cost(annual_discount=0.05)
    one = 1 - np.exp(-float(VECTOR.expected(8000, 12000)))
    assert cost(aggregate_limit_minor=1_000_000) == pytest.approx(1_000_000 * one)
    told = warranty_cost(parts, age_hours=0.0, usage=known_usage(4000.0), terms=TERMS)
    assert (told.excluded, [part.name for part in told.components]) == (("belt",), ["spindle"])


def test_covers_that_are_none_are_refused() -> None:
    part = Component(name="spindle", failures=VECTOR, repair_cost_minor=1)
    with pytest.raises(InvalidRequest, match="Only wear"):
        warranty_cost([replace(part, is_wear_part=True)], age_hours=0, usage=known_usage(1), terms=TERMS)
    with pytest.raises(InvalidRequest, match="is none"):
        warranty_cost([part], age_hours=0, usage=known_usage(1), terms=replace(TERMS, waiting_months=12))
    with pytest.raises(InvalidRequest, match="no mix"):
        fitted_usage(np.array([1.0, 2.0]))
