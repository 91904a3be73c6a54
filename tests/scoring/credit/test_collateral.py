"""What machines are worth: the curve by hand, the condition, and which machines secure what."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date
from importlib.resources import files

import numpy as np
import pytest
from scoring_book import AS_OF, NAMES, OBLIGOR, make_snapshot, quantity

from data_contracts.reference.dated import ParameterBook, load_book
from features.snapshot import FeatureSnapshot
from scoring.credit.collateral import FAILURE_FEATURE, HOURS_FEATURE, collateral, collateral_terms, secures
from scoring.records import CollateralBasis, CreditProduct, CreditRequest, FinancedAsset

TODAY = date(2026, 7, 1)
USED = FinancedAsset(value_new_minor=100_000_000, price_minor=80_000_000, age_years=2.0, hours=5_000.0)


def request_of(product: CreditProduct, asset: FinancedAsset | None = None) -> CreditRequest:
    return CreditRequest(
        obligor_id=OBLIGOR,
        product=product,
        amount_minor=50_000_000,
        currency="CNY",
        tenor_months=24,
        as_of=AS_OF,
        asset=asset,
    )


def snapshot(*, failures: float | None = 1.0, hours: float | None = 10.0, fleet: float | None = 2e8) -> FeatureSnapshot:
    base = make_snapshot(
        np.full(len(NAMES), 0.5), quantities={"fleet_value_now_minor": quantity(fleet, "CNY_minor", None)}
    )
    worse = replace(base.values[FAILURE_FEATURE], unexcused_value=failures)
    most = replace(base.values[HOURS_FEATURE], value=8.0, favourable_value=hours)
    return replace(base, values={**base.values, FAILURE_FEATURE: worse, HOURS_FEATURE: most})


def test_wear_is_that_of_the_features(parameters: ParameterBook) -> None:
    of_features = load_book(files("features") / "parameters").at(TODAY)
    ours = collateral_terms(parameters.at(TODAY))
    decay, failures = of_features["value_decay"], of_features["failure_rate_prior"]
    assert (ours.per_year, ours.per_1000_hours) == (decay["per_year"], decay["per_1000_hours"])
    assert ours.expected_failures_per_1000_hours == failures["mean_per_1000_hours"]


def test_a_used_machine_is_worth_what_its_age_and_hours_leave_and_never_more_than_its_price(
    parameters: ParameterBook,
) -> None:
    values = parameters.at(TODAY)
    found = collateral(snapshot(), request_of(CreditProduct.EQUIPMENT_LOAN, USED), values)
    assert found is not None
    assert (found.basis, found.senior_minor) == (CollateralBasis.ASSET, 0.0)
    assert found.value_minor == pytest.approx(1e8 * math.exp(-0.15 * 2 - 0.03 * 5))
    cheap = collateral(snapshot(), request_of(CreditProduct.EQUIPMENT_LOAN, replace(USED, price_minor=10)), values)
    assert cheap is not None
    assert cheap.value_minor == 10.0


# failures per 1,000 h (worst), hours a day (most) -> condition: exp(-0.04 x (f - 1.6) - 0.20 x (h - 20) / 4), at least 0.85
@pytest.mark.parametrize(
    ("failures", "hours", "condition"),
    [
        (0.0, 8.0, 1.0),
        (1.6, 20.0, 1.0),
        (2.6, 8.0, 0.960789),
        (1.6, 24.0, 0.85),
        (1.6, 22.0, 0.904837),
        (2.6, 22.0, 0.869358),
        (9.0, 8.0, 0.85),
        (None, 8.0, 0.85),
        (0.0, None, 0.85),
    ],
)
def test_condition(parameters: ParameterBook, failures: float | None, hours: float | None, condition: float) -> None:
    found = collateral_terms(parameters.at(TODAY)).condition(failures_per_1000_hours=failures, hours_a_day=hours)
    assert found == pytest.approx(condition, abs=5e-7)


def test_a_fleet_of_which_nothing_is_known_secures_nothing_known(parameters: ParameterBook) -> None:
    found = collateral(snapshot(fleet=None), request_of(CreditProduct.FINANCE_LEASE), parameters.at(TODAY))
    assert found is not None
    assert (found.value_minor, found.free_minor, found.missing) == (None, None, "no_source")


def test_hours_count_at_their_most_for_wear_and_as_seen_for_the_plan(parameters: ParameterBook) -> None:
    found = collateral(snapshot(hours=12.0), request_of(CreditProduct.USAGE_INSTALMENT), parameters.at(TODAY))
    unknown = collateral(snapshot(hours=None), request_of(CreditProduct.USAGE_INSTALMENT), parameters.at(TODAY))
    assert found is not None
    assert unknown is not None
    assert found.hours_a_month == pytest.approx(12 * 365 / 12)
    assert found.planned_hours_a_month == pytest.approx(8 * 365 / 12)
    assert unknown.hours_a_month == pytest.approx(24 * 365 / 12)


def test_products_without_machines_behind_them(parameters: ParameterBook) -> None:
    values = parameters.at(TODAY)
    secured = {product.value for product in CreditProduct if secures(product, values)}
    assert secured == {"equipment_loan", "finance_lease", "usage_instalment"}
    assert collateral(snapshot(), request_of(CreditProduct.WORKING_CAPITAL), values) is None
