"""Golden 16, worked capital and rate vectors, and lines that sum to the rate."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_contracts.reference.dated import ParameterBook
from scoring.credit.price import (
    PriceInputs,
    asset_correlation,
    capital_requirement,
    capital_share,
    expected_loss_minor,
    price_inputs,
    waterfall,
)

LGD = Decimal("0.40")

# worked by hand from the inputs that the shipped parameters are
INPUTS = PriceInputs(
    funds_transfer_price=Decimal("0.024"),
    operating_cost=Decimal("0.008"),
    tax_rate=Decimal("0.25"),
    hurdle_rate=Decimal("0.12"),
    capital_ratio=Decimal("0.105"),
    turnover_eur_million=5,
    maturity_years=1,
)


def test_the_shipped_inputs_are_those_of_the_vectors(parameters: ParameterBook) -> None:
    assert price_inputs(parameters.at(date(2018, 1, 1))["price_inputs"]) == INPUTS


def test_golden_16_expected_loss() -> None:
    assert expected_loss_minor(pd_12m=0.03, lgd=0.40, exposure_at_default_minor=200_000_000) == 2_400_000


def test_golden_16_rate() -> None:
    rate, _ = waterfall(0.03, LGD, INPUTS)
    assert rate == Decimal("0.056282")


def test_capital_of_the_vector() -> None:
    assert capital_requirement(0.03, 0.40, maturity_years=1, turnover_eur_million=5) == pytest.approx(
        0.059347, abs=5e-7
    )
    assert float(capital_share(0.03, 0.40, INPUTS)) == pytest.approx(0.07789, abs=5e-6)


@pytest.mark.parametrize(
    ("pd_12m", "small_firm", "any_firm"),
    [(0.005, 0.03905, 0.04950), (0.01, 0.05148, 0.06565), (0.03, 0.06939, 0.09133), (0.06, 0.08496, 0.11350)],
)
def test_capital_table_at_two_and_a_half_years(pd_12m: float, small_firm: float, any_firm: float) -> None:
    with_term = capital_requirement(pd_12m, 0.40, maturity_years=2.5, turnover_eur_million=5)
    without = capital_requirement(pd_12m, 0.40, maturity_years=2.5, turnover_eur_million=None)
    assert with_term == pytest.approx(small_firm, abs=5.1e-6)
    assert without == pytest.approx(any_firm, abs=5.1e-6)


def test_return_on_capital_is_the_hurdle() -> None:
    rate, _ = waterfall(0.03, LGD, INPUTS)
    capital = float(capital_share(0.03, 0.40, INPUTS))
    profit = float(rate) * 0.97 - 0.024 - 0.008 - 0.03 * 0.40 + capital * 0.024
    assert profit * 0.75 / capital == pytest.approx(0.12, abs=1e-5)


def test_the_firm_size_term_is_held_between_its_ends() -> None:
    assert asset_correlation(0.02, turnover_eur_million=1) == asset_correlation(0.02, turnover_eur_million=5)
    assert asset_correlation(0.02, turnover_eur_million=50) == pytest.approx(
        asset_correlation(0.02, turnover_eur_million=None)
    )


def test_lines_bear_their_names_and_first_inputs() -> None:
    _, lines = waterfall(0.03, LGD, INPUTS)
    named = {line.name: line.annual_rate_ratio for line in lines}
    assert list(named) == ["funding", "operations", "expected_loss", "capital"]
    assert (named["funding"], named["operations"]) == (Decimal("0.024"), Decimal("0.008"))
    assert float(named["expected_loss"]) == pytest.approx(0.03 * (0.40 + 0.056282), abs=1e-6)


@given(st.floats(min_value=0.0005, max_value=0.6), st.sampled_from(["0.10", "0.25", "0.40", "1"]))
def test_lines_sum_to_the_rate_exactly(pd_12m: float, lgd: str) -> None:
    rate, lines = waterfall(pd_12m, Decimal(lgd), INPUTS)
    assert sum((line.annual_rate_ratio for line in lines), Decimal(0)) == rate
    assert all(line.annual_rate_ratio >= 0 for line in lines)
    assert rate == rate.quantize(Decimal("0.000001"))


def test_a_riskier_obligor_pays_more() -> None:
    rates = [waterfall(pd_12m, LGD, INPUTS)[0] for pd_12m in (0.001, 0.005, 0.02, 0.05, 0.1, 0.3)]
    assert rates == sorted(set(rates))
