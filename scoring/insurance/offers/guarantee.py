"""Guarantee: the covered layer of a facility that is repaid in equal parts, on the curve of the obligor's own score."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from data_contracts.reference.dated import ParameterBook
from features.snapshot import FeatureSnapshot
from scoring.credit.artefact import CreditArtefact
from scoring.credit.score import score
from scoring.insurance.guarantee import CoveredFacility, GuaranteeTerms, guarantee_price
from scoring.insurance.offers.risk import ModelledRisk, checked, months_of, offer
from scoring.insurance.premium import loadings
from scoring.money import exact
from scoring.records import PremiumQuote, QuoteRequest


def guarantee_quote(
    snapshot: FeatureSnapshot, request: QuoteRequest, artefact: CreditArtefact, parameters: ParameterBook
) -> PremiumQuote:
    """The sum insured is what is owed at the beginning; the filed rate is a chance of default a year, by grade.

    Reasons are the score's own. Raises as `premium.quote`.
    """
    values = checked(snapshot, request, parameters)
    terms = values["insurance_covers"]["guarantee"]
    record = score(snapshot, artefact, parameters)
    months = months_of(request)
    facility = repaid_evenly(
        request.sum_insured_minor, months=months, lgd=values["lgd"][terms["lgd_product"]], terms=terms
    )
    asked = GuaranteeTerms(risk_margin=exact(terms["risk_margin"]), loadings=loadings(request.currency, values))
    price = guarantee_price(record.term_structure, facility, asked)
    risk = ModelledRisk(
        inputs=np.array([[float(record.rating_grade.removeprefix("R"))]]),
        measured=(None,),
        expected_minor=np.array([float(price.bill.pure_premium_minor)]),
        insured_minor=exact(sum(facility.exposures_minor)) / months,
        reasons=record.reasons,
        machines=(),
        model_version=artefact.version,
        data_origin=record.data_origin,
    )
    return offer(snapshot, request, risk, parameters)


def repaid_evenly(amount_minor: int, *, months: int, lgd: float, terms: Mapping[str, Any]) -> CoveredFacility:
    """What is owed month by month on an amount that is repaid in equal parts, under the guarantee's terms."""
    return CoveredFacility(
        exposures_minor=[amount_minor * (months - paid) // months for paid in range(months)],
        lgd=lgd,
        covered_share=terms["covered_share"],
        recovered_share=terms["recovered_share"],
        ceded_share=terms["ceded_share"],
        annual_discount=terms["annual_discount"],
    )
