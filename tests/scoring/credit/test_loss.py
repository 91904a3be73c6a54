"""Loss given default by hand, its floors, its inverse; exposure at default of credit lines."""

from __future__ import annotations

import math
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_contracts.reference.dated import ParameterBook
from scoring.credit.collateral import Collateral, collateral_terms
from scoring.credit.loss import LossTerms, expected_loss_minor, loss_terms, revolving_exposure_minor
from scoring.records import CollateralBasis, CreditProduct

TODAY = date(2026, 7, 1)


def terms(recovery_minor: int) -> LossTerms:
    return LossTerms(
        unsecured_lgd=Decimal("0.40"),
        secured_floor=Decimal("0.10"),
        unsecured_floor=Decimal("0.25"),
        recovery_minor=Decimal(recovery_minor),
    )


# EAD and recovery in CNY; LGD = max(0.40 x rest, 0.10 x covered + 0.25 x rest) / EAD
@pytest.mark.parametrize(
    ("exposure", "recovery", "lgd"),
    [
        (2_000_000, 0, "0.400000"),
        (2_000_000, 500_000, "0.300000"),
        (2_000_000, 1_000_000, "0.200000"),
        (2_000_000, 1_500_000, "0.137500"),
        (2_000_000, 2_000_000, "0.100000"),
        (2_000_000, 9_000_000, "0.100000"),
    ],
)
def test_loss_given_default(exposure: int, recovery: int, lgd: str) -> None:
    assert terms(recovery).lgd(exposure) == Decimal(lgd)


@given(st.integers(min_value=0, max_value=10**9), st.integers(min_value=1, max_value=10**9))
def test_the_largest_exposure_loses_the_budget(recovery: int, loss: int) -> None:
    found = terms(recovery)
    exposure = found.largest_exposure_minor(Decimal(loss))
    assert float(found.loss_minor(exposure)) == pytest.approx(loss, rel=1e-12)


@given(st.integers(min_value=0, max_value=10**9), st.integers(min_value=1, max_value=10**9))
def test_more_exposure_never_loses_less_and_more_recovery_never_more(recovery: int, exposure: int) -> None:
    found = terms(recovery).loss_minor(Decimal(exposure))
    assert terms(recovery).loss_minor(Decimal(exposure + 1)) >= found
    assert terms(recovery + 1).loss_minor(Decimal(exposure)) <= found


def test_recovery_of_a_forced_sale_by_hand(parameters: ParameterBook) -> None:
    # 1,000,000 x exp(-(0.15/12 + 0.03 x 0.2) x 10) x 0.85 x (1 - 0.30) x (1 - 0.05) x 0.80 / 1.06^(10/12)
    found = collateral_terms(parameters.at(TODAY)).recovery(1_000_000.0, hours_a_month=200.0)
    assert found == pytest.approx(1_000_000 * math.exp(-0.185) * 0.85 * 0.70 * 0.95 * 0.80 / 1.06 ** (10 / 12))
    assert found == pytest.approx(358_012.23, abs=0.01)


def test_claims_that_go_before_leave_less_to_recover(parameters: ParameterBook) -> None:
    values = parameters.at(TODAY)

    def lgd(senior_minor: float) -> Decimal:
        security = Collateral(
            basis=CollateralBasis.FLEET,
            value_minor=100_000_000.0,
            condition=1.0,
            hours_a_month=200.0,
            planned_hours_a_month=200.0,
            senior_minor=senior_minor,
            missing=None,
        )
        return loss_terms(CreditProduct.EQUIPMENT_LOAN, security, values).lgd(60_000_000)

    assert lgd(0.0) < lgd(40_000_000.0) < lgd(200_000_000.0) == Decimal("0.400000")


@pytest.mark.parametrize(
    ("drawn", "limit", "exposure"),
    [(0, 1000, 400), (300, 1000, 580), (301, 1000, 685), (700, 1000, 865), (701, 1000, 925), (1000, 1000, 1000), (1200, 1000, 1200)],
)  # fmt: skip
def test_exposure_of_a_line(parameters: ParameterBook, drawn: int, limit: int, exposure: int) -> None:
    found = revolving_exposure_minor(drawn_minor=drawn, limit_minor=limit, values=parameters.at(TODAY))
    assert found == exposure


@given(st.floats(min_value=0.0005, max_value=0.5), st.integers(min_value=1, max_value=10**12))
def test_expected_loss_is_the_product(pd_12m: float, exposure: int) -> None:
    found = expected_loss_minor(pd_12m=pd_12m, lgd=Decimal("0.40"), exposure_at_default_minor=exposure)
    assert abs(found - Decimal(str(pd_12m)) * Decimal("0.40") * exposure) <= Decimal("0.5")
