"""Expected credit loss by hand and its identities; stages as a table."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_contracts.reference.dated import ParameterBook
from scoring.credit.provision import Exposure, Scenario, expected_credit_loss_minor, provision, scenarios_of, stage_hint
from scoring.credit.schedule import balance_share
from scoring.credit.term_structure import first_months, term_structure
from scoring.records import Provision, Stage

TODAY = date(2026, 7, 1)


def loan(months: int = 24, annual_rate: str = "0.06") -> Exposure:
    return Exposure(amount_minor=200_000_000, months=months, annual_rate=Decimal(annual_rate), lgd=Decimal("0.40"))


def flat(hazard: float, months: int) -> list[float]:
    return [1 - (1 - hazard) ** month for month in range(1, months + 1)]


def alone(cumulative_pd: list[float]) -> Scenario:
    return Scenario(weight=1.0, cumulative_pd=cumulative_pd)


def test_two_months_by_hand() -> None:
    # 12 %: owed 2,000,000.00 and then (1.01^2 - 1.01) / (1.01^2 - 1) = 0.502488 of it; 1 % and 2 % default in the months:
    # 0.40 x (0.01 x 2,000,000 / 1.12^(1/12) + 0.02 x 1,004,975.12 / 1.12^(2/12)) = 15,814.17
    found = expected_credit_loss_minor(loan(2, "0.12"), [alone([0.01, 0.03])])
    by_hand = 0.40 * (0.01 * 2e8 / 1.12 ** (1 / 12) + 0.02 * 2e8 * 0.5024875622 / 1.12 ** (2 / 12))
    assert found == round(by_hand) == 1_581_417


def test_scenarios_are_weighed() -> None:
    good, bad = flat(0.001, 24), flat(0.004, 24)
    single = [expected_credit_loss_minor(loan(), [alone(curve)]) for curve in (good, bad)]
    both = expected_credit_loss_minor(
        loan(), [Scenario(weight=0.75, cumulative_pd=good), Scenario(weight=0.25, cumulative_pd=bad)]
    )
    assert both == pytest.approx(0.75 * single[0] + 0.25 * single[1], abs=1)


@given(st.floats(min_value=1e-5, max_value=0.02), st.integers(min_value=1, max_value=60))
def test_twelve_months_never_exceed_a_life(hazard: float, months: int) -> None:
    curve = [alone(flat(hazard, 60))]
    a_year = expected_credit_loss_minor(loan(months), curve, months=12)
    life = expected_credit_loss_minor(loan(months), curve)
    assert a_year <= life
    assert months > 12 or a_year == life


def test_without_interest_it_is_the_sum_of_pd_lgd_ead() -> None:
    curve = flat(0.002, 24)
    by_month = [after - before for before, after in zip([0.0, *curve], curve, strict=False)]
    owed = [balance_share(annual_rate=0.0, months=24, paid=month) for month in range(24)]
    expected = 200_000_000 * 0.40 * sum(pd * share for pd, share in zip(by_month, owed, strict=True))
    assert expected_credit_loss_minor(loan(24, "0"), [alone(curve)]) == pytest.approx(expected, abs=1)


# lifetime PD now and at origination, days past due, early warning -> stage
@pytest.mark.parametrize(
    ("now", "then", "days", "warning", "stage"),
    [
        (0.02, 0.02, 0, False, "stage_1"),
        (0.0399, 0.02, 0, False, "stage_1"),
        (0.04, 0.02, 0, False, "stage_2"),
        (0.008, 0.003, 0, False, "stage_1"),
        (0.0131, 0.003, 0, False, "stage_2"),
        (0.02, 0.02, 30, False, "stage_1"),
        (0.02, 0.02, 31, False, "stage_2"),
        (0.02, 0.02, 0, True, "stage_2"),
        (0.02, 0.02, 90, True, "stage_2"),
        (0.02, 0.02, 91, False, "stage_3"),
    ],
)
def test_stage(parameters: ParameterBook, now: float, then: float, days: int, warning: bool, stage: str) -> None:
    found = stage_hint(
        lifetime_pd=now,
        lifetime_pd_at_origination=then,
        days_past_due=days,
        is_early_warning=warning,
        values=parameters.at(TODAY),
    )
    assert found == stage


def test_a_loan_that_is_granted_begins_in_stage_1(parameters: ParameterBook) -> None:
    values, curve = parameters.at(TODAY), term_structure(0.03, None)
    found = provision(loan(), curve, days_past_due=0, values=values)
    scenarios = scenarios_of(curve, values)
    assert found == Provision(
        stage_hint=Stage.STAGE_1,
        lifetime_pd=curve.pd(24),
        expected_credit_loss_12m_minor=expected_credit_loss_minor(loan(), scenarios, months=12),
        expected_credit_loss_lifetime_minor=expected_credit_loss_minor(loan(), scenarios),
    )
    assert 0 < found.expected_credit_loss_12m_minor < found.expected_credit_loss_lifetime_minor
    assert provision(loan(), curve, days_past_due=95, values=values).stage_hint is Stage.STAGE_3


def test_scenarios_of_the_first_months_are_the_first_months_of_the_scenarios(parameters: ParameterBook) -> None:
    curve, values = term_structure(0.03, None), parameters.at(TODAY)
    for short, whole in zip(scenarios_of(first_months(curve, 17), values), scenarios_of(curve, values), strict=True):
        assert list(short.cumulative_pd) == list(whole.cumulative_pd[:17])
    assert first_months(curve, 99) == curve


def test_scenarios_move_the_odds(parameters: ParameterBook) -> None:
    base, better, worse = scenarios_of(term_structure(0.03, None), parameters.at(TODAY))
    odds = [item.cumulative_pd[11] / (1 - item.cumulative_pd[11]) for item in (base, better, worse)]
    assert [value / (0.03 / 0.97) for value in odds] == pytest.approx([1.0, 0.8, 1.6])
