"""Golden 16, worked capital and rate vectors, and lines that sum to the rate."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from data_contracts.reference.dated import ParameterBook
from features.trust import DataTrust, TrustGrade
from scoring.credit.capital import asset_correlation, capital_requirement, effective_maturity_years
from scoring.credit.loss import expected_loss_minor, loss_terms
from scoring.credit.price import (
    Extras,
    PriceInputs,
    capital_share,
    lgd_at,
    price,
    price_inputs,
    raroc,
    waterfall,
)
from scoring.credit.trust_terms import trust_terms
from scoring.money import RATE_STEP, to_minor
from scoring.records import CreditProduct

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
    assert expected_loss_minor(pd_12m=0.03, lgd=LGD, exposure_at_default_minor=200_000_000) == 2_400_000


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


def test_return_on_capital_of_the_vector_is_the_hurdle() -> None:
    rate, _ = waterfall(0.03, LGD, INPUTS)
    assert float(raroc(rate, 0.03, LGD, INPUTS)) == pytest.approx(0.12, abs=5e-6)
    capital = float(capital_share(0.03, 0.40, INPUTS))
    profit = float(rate) * 0.97 - 0.024 - 0.008 - 0.03 * 0.40 + capital * 0.024
    assert profit * 0.75 / capital == pytest.approx(0.12, abs=1e-5)


def test_the_firm_size_term_is_held_between_its_ends() -> None:
    assert asset_correlation(0.02, turnover_eur_million=1) == asset_correlation(0.02, turnover_eur_million=5)
    assert asset_correlation(0.02, turnover_eur_million=50) == pytest.approx(
        asset_correlation(0.02, turnover_eur_million=None)
    )


def test_lines_bear_their_names_and_first_inputs() -> None:
    _, named = waterfall(0.03, LGD, INPUTS)
    assert list(named) == ["funding", "operations", "expected_loss", "capital", "margin", "data_discount"]
    assert (named["funding"], named["operations"]) == (Decimal("0.024"), Decimal("0.008"))
    assert float(named["expected_loss"]) == pytest.approx(0.03 * (0.40 + 0.056282), abs=1e-6)


@given(st.floats(min_value=0.0005, max_value=0.6), st.sampled_from(["0.10", "0.25", "0.40", "1"]))
def test_lines_sum_to_the_rate_exactly(pd_12m: float, lgd: str) -> None:
    rate, lines = waterfall(pd_12m, Decimal(lgd), INPUTS)
    assert sum(lines.values(), Decimal(0)) == rate
    assert all(share >= 0 for share in lines.values())
    assert rate == rate.quantize(Decimal("0.000001"))


def test_a_riskier_obligor_pays_more() -> None:
    rates = [waterfall(pd_12m, LGD, INPUTS)[0] for pd_12m in (0.001, 0.005, 0.02, 0.05, 0.1, 0.3)]
    assert rates == sorted(set(rates))


@given(
    st.floats(min_value=0.0005, max_value=0.3),
    st.sampled_from(["0.10", "0.40"]),
    st.sampled_from(["0", "0.01"]),
    st.sampled_from(["0", "0.001"]),
)
@example(0.0005, "0.10", "0", "0.001")
def test_margin_and_discount_are_lines_like_any(pd_12m: float, lgd: str, margin: str, discount: str) -> None:
    extras = Extras(margin=Decimal(margin), data_discount=Decimal(discount))
    rate, lines = waterfall(pd_12m, Decimal(lgd), INPUTS, extras)
    assert sum(lines.values(), Decimal(0)) == rate
    earned = raroc(rate, pd_12m, Decimal(lgd), INPUTS, extras)
    rounding = RATE_STEP / capital_share(pd_12m, float(lgd), INPUTS)
    assert (earned > Decimal("0.12") + rounding) == (extras.margin > 0)
    assert earned > Decimal("0.12") - rounding


@given(st.floats(min_value=0.0005, max_value=0.25), st.sampled_from(["0.05", "0.10", "0.24"]))
def test_the_loss_at_the_ceiling_is_the_loss_that_asks_for_it(pd_12m: float, ceiling: str) -> None:
    found = lgd_at(Decimal(ceiling), pd_12m, INPUTS)
    if found is None:
        assert waterfall(pd_12m, Decimal(0), INPUTS)[0] > Decimal(ceiling)
    elif found < 1:
        rate, _ = waterfall(pd_12m, found, INPUTS)
        assert float(rate) == pytest.approx(float(ceiling), abs=3e-6)


@pytest.mark.parametrize(("months", "years"), [(1, 1.0), (12, 1.0), (23, 1.0), (35, 1.5), (60, 61 / 24), (360, 5.0)])
def test_effective_maturity(months: int, years: float) -> None:
    assert effective_maturity_years(months) == pytest.approx(years)


@given(
    st.floats(min_value=0.0005, max_value=0.2),
    st.integers(min_value=1, max_value=10**12),
    st.integers(min_value=1, max_value=60),
    st.sampled_from(list(TrustGrade)),
)
def test_the_price_reconciles_to_the_fen(
    parameters: ParameterBook, pd_12m: float, amount_minor: int, months: int, grade: TrustGrade
) -> None:
    values = parameters.at(date(2026, 7, 1))
    record: Any = SimpleNamespace(pd_12m=pd_12m, rating_grade="R9")
    request: Any = SimpleNamespace(amount_minor=amount_minor, tenor_months=months)
    loss = loss_terms(CreditProduct.WORKING_CAPITAL, None, values)
    found = price(record, request, loss, trust_terms(DataTrust(grade=grade), values), values)
    assert sum(line.annual_rate_ratio for line in found.lines) == found.annual_rate_ratio
    assert sum(line.amount_minor for line in found.lines) == to_minor(found.annual_rate_ratio * amount_minor)
