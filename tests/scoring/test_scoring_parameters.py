"""Every parameter is dated early enough, says its unit and where it comes from, and fits the code that takes it."""

from __future__ import annotations

from datetime import date

import pytest

from data_contracts.errors import NoParameterYet
from data_contracts.reference.dated import FIRST_ENTRY_BY, ParameterBook
from scoring.credit.limit import ALWAYS_MANDATORY, product_terms
from scoring.credit.master_scale import master_scale
from scoring.credit.price import price_inputs
from scoring.decision.policy import credit_policy
from scoring.explanation.reasons import reason_rules
from scoring.insurance.premium import loadings
from scoring.records import CreditProduct

EARLY = date(2018, 1, 1)
ORIGINS = ("assumption", "design decision", "measured beforehand")


def test_every_file_starts_early_and_names_its_origin(parameters: ParameterBook) -> None:
    for parameter in parameters.parameters.values():
        assert min(parameter.values) <= FIRST_ENTRY_BY
        for source in parameter.reference.values():
            assert source.startswith(ORIGINS), f"{parameter.name}: {source}"


def test_before_the_first_entry_is_a_named_error(parameters: ParameterBook) -> None:
    with pytest.raises(NoParameterYet, match="2017-12-31"):
        parameters.at(date(2017, 12, 31))


def test_values_fit_the_code_that_takes_them(parameters: ParameterBook) -> None:
    values = parameters.at(EARLY)
    scale = master_scale(values["master_scale"])
    assert {values["grade_cut_offs"]["approve_to"], values["grade_cut_offs"]["refer_to"]} <= set(scale.grades)
    assert set(values["thin_history_interval"].values()) <= set(scale.grades)
    assert credit_policy(values["credit_policy"]).rules
    assert reason_rules(values["reasons"]).adverse == 4
    assert price_inputs(values["price_inputs"]).turnover_eur_million == 5
    assert sum(loadings("CNY", values).variable.values()) < 1


def test_every_credit_product_has_terms_and_a_loss_given_default(parameters: ParameterBook) -> None:
    values = parameters.at(EARLY)
    for product in CreditProduct:
        terms = product_terms(product, values)
        assert set(ALWAYS_MANDATORY) < set(terms.mandatory), "a product rests on more than caps"
        assert terms.maximum_tenor_months > 0
        assert 0 < values["lgd"][product.value] <= 1
