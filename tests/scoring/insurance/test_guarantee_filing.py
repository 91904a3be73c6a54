"""The guarantee as filed from 2027 on: it holds the guarantor's capital, and nobody earns by guaranteeing everything."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pytest
from scoring_book import OBLIGOR, make_snapshot

from benchmarks.guarantee_filing import GRADES, LENGTHS, case, filed_against_loan, model_rate
from data_contracts.reference.dated import ParameterBook
from scoring.credit.artefact import CreditArtefact
from scoring.insurance.filed import FiledGuarantee, filed_cover
from scoring.insurance.offers.guarantee import guarantee_quote, rating_inputs
from scoring.records import InsuranceProduct, PremiumQuote, QuoteRequest

BEFORE, SINCE = date(2026, 12, 31), date(2027, 1, 1)


def test_the_filing_that_counts_is_that_of_the_day(parameters: ParameterBook) -> None:
    then, now = (filed_cover(InsuranceProduct.GUARANTEE, parameters.at(day)) for day in (BEFORE, SINCE))
    assert (then.filing_number, now.filing_number) == ("TRIAL-G-1", "TRIAL-G-2")
    assert (then.effective, now.effective) == (date(2018, 1, 1), SINCE)
    assert not isinstance(then, FiledGuarantee)
    assert isinstance(now, FiledGuarantee)


@pytest.mark.parametrize("months", LENGTHS)
def test_what_is_filed_is_what_the_model_asks(parameters: ParameterBook, months: int) -> None:
    """At the master scale's middles: capital, risk margin and expected loss by grade and length."""
    values = parameters.at(SINCE)
    tariff = filed_cover(InsuranceProduct.GUARANTEE, values)
    for grade in GRADES:
        found = case(grade, months, values)
        cell = np.array([[rating_inputs(grade, months)["grade_and_length"]]])
        assert tariff.rates(cell)[0] == pytest.approx(model_rate(found, cost_share=tariff.cost_share), rel=0.002)
        moved, held = filed_against_loan(found, grade=grade, months=months, values=values)
        assert abs(moved) < 0.002
        assert held.covers_expected_loss
        if grade < 13:  # the lender counts a year's chance every year, the life of the worst grade runs out
            assert held.gap > 0


def test_before_it_somebody_could_earn_by_guaranteeing_everything(parameters: ParameterBook) -> None:
    """The filing without capital asks less than the guarantee takes off the loan's rate, for every grade."""
    values = parameters.at(BEFORE)
    gaps = [filed_against_loan(case(at, 12, values), grade=at, months=12, values=values)[1].gap for at in GRADES]
    assert max(gaps) < 0


def test_cells_are_one_for_each_grade_and_length() -> None:
    cells = [rating_inputs(grade, months)["grade_and_length"] for grade in GRADES for months in LENGTHS]
    assert cells == [float(at) for at in range(1, 66)]
    edges = {months: rating_inputs(1, months)["grade_and_length"] for months in (1, 17, 18, 53, 54, 60)}
    assert edges == {1: 1, 17: 1, 18: 2, 53: 4, 54: 5, 60: 5}


def test_capital_takes_the_place_of_profit_on_the_bill(
    rows: np.ndarray, credit_model: CreditArtefact, parameters: ParameterBook
) -> None:
    def quoted(as_of: datetime) -> PremiumQuote:
        snapshot = replace(make_snapshot(rows[0]), as_of=as_of)
        asked = QuoteRequest(
            obligor_id=OBLIGOR, product=InsuranceProduct.GUARANTEE, sum_insured_minor=120_000_000, currency="CNY",
            starts=date(2027, 2, 1), ends=date(2028, 1, 31), machines=(), as_of=as_of,
        )  # fmt: skip
        return guarantee_quote(snapshot, asked, credit_model, parameters)

    then, now = quoted(datetime(2026, 12, 31, 15, tzinfo=UTC)), quoted(datetime(2026, 12, 31, 16, tzinfo=UTC))
    assert [line.name for line in then.loadings] == [
        "acquisition",
        "claims_handling",
        "administration",
        "margin",
        "fixed",
    ]
    assert [line.name for line in now.loadings] == ["acquisition", "claims_handling", "administration", "fixed"]
    assert now.gross_premium_minor == now.pure_premium_minor + sum(line.amount_minor for line in now.loadings)
    assert then.filed.model_rate == pytest.approx(now.filed.model_rate)
    assert now.gross_premium_minor > then.gross_premium_minor
    assert abs(now.filed.difference_ratio) < abs(then.filed.difference_ratio)
