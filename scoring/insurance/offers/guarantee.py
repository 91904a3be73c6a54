"""Guarantee: the covered layer of a facility that is repaid in equal parts, on the curve of the obligor's own score."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from data_contracts.identifiers import ModelVersion
from data_contracts.reference.dated import ParameterBook
from data_contracts.vocabulary import DataOrigin
from features.snapshot import FeatureSnapshot
from scoring.credit.artefact import CreditArtefact
from scoring.credit.capital import effective_maturity_years
from scoring.credit.price import price_inputs
from scoring.credit.score import score
from scoring.errors import InvalidRequest
from scoring.insurance.filed import filed_cover
from scoring.insurance.guarantee import CoveredFacility, GuaranteeTerms, capital_rate, guarantee_price
from scoring.insurance.offers.risk import ModelledRisk, checked, months_of, offer
from scoring.insurance.premium import loadings, synthetic_if_any
from scoring.money import exact
from scoring.records import PremiumQuote, QuoteRequest, RatingGrade, Reason, TermStructure

LENGTHS_FROM = (18, 30, 42, 54)
"""Months from which the second to the fifth length of the filed table begin: about one to five years."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hazard:
    """An obligor's risk of default as a score says it: its own, or the one that a stored decision rests on."""

    pd_12m: float
    rating_grade: RatingGrade
    term_structure: TermStructure
    reasons: Sequence[Reason]
    model_version: ModelVersion
    data_origin: DataOrigin


def guarantee_quote(
    snapshot: FeatureSnapshot, request: QuoteRequest, artefact: CreditArtefact, parameters: ParameterBook
) -> PremiumQuote:
    """The guarantee on the obligor's own score by a model. Raises as `guarantee_on`, ModelDoesNotFit."""
    checked(snapshot, request, parameters)
    record = score(snapshot, artefact, parameters)
    hazard = Hazard(
        pd_12m=record.pd_12m,
        rating_grade=record.rating_grade,
        term_structure=record.term_structure,
        reasons=record.reasons,
        model_version=artefact.version,
        data_origin=record.data_origin,
    )
    return guarantee_on(hazard, snapshot, request, parameters)


def guarantee_on(
    record: Hazard, snapshot: FeatureSnapshot, request: QuoteRequest, parameters: ParameterBook
) -> PremiumQuote:
    """The sum insured is what is owed at the beginning; the filed rate is one a year, by grade or by grade and length.

    Where a decision stands behind the facility, loss given default, amount and tenor are the decision's. Reasons are
    the score's own. Raises as `check_request`, CurrencyNotSupported, NoParameterYet.
    """
    values = checked(snapshot, request, parameters)
    terms = values["insurance_covers"]["guarantee"]
    months = months_of(request)
    lgd = values["lgd"][terms["lgd_product"]] if request.facility is None else _decided_lgd(request, months)
    facility = repaid_evenly(request.sum_insured_minor, months=months, lgd=lgd, terms=terms)
    asked = guarantee_terms(facility, pd_12m=record.pd_12m, currency=request.currency, values=values)
    price = guarantee_price(record.term_structure, facility, asked)
    tariff = filed_cover(request.product, values)
    rank = int(record.rating_grade.removeprefix("R"))
    inputs = rating_inputs(rank, months)
    risk = ModelledRisk(
        inputs=np.array([[inputs[filed.factor.banding.key] for filed in tariff.factors]]),
        measured=(None,) * len(tariff.factors),
        expected_minor=np.array([float(price.bill.pure_premium_minor)]),
        insured_minor=exact(sum(facility.exposures_minor)) / months,
        reasons=record.reasons,
        machines=(),
        model_version=record.model_version,
        data_origin=synthetic_if_any(snapshot.data_origin, record.data_origin),
    )
    return offer(snapshot, request, risk, parameters, filed=tariff)


def rating_inputs(rank: int, months: int) -> dict[str, float]:
    """What guarantees are filed by: the rank of the grade, or the cell of grade and length, grade by grade. Capital
    grows with length where grades are good, and defaults run out where they are not: no product of two factors."""
    length = bisect_right(LENGTHS_FROM, months)
    return {"grade_rank": float(rank), "grade_and_length": float((rank - 1) * (len(LENGTHS_FROM) + 1) + length + 1)}


def guarantee_terms(
    facility: CoveredFacility, *, pd_12m: float, currency: str, values: Mapping[str, Any]
) -> GuaranteeTerms:
    """Margin, loadings and cost of capital by the parameters in force. Capital is charged as the loan's own price does,
    so that the loading that stands for profit (`capital_in_place_of`) is left out: it would be paid twice."""
    terms = values["insurance_covers"]["guarantee"]
    maturity = effective_maturity_years(len(facility.exposures_minor))
    inputs = price_inputs(values["price_inputs"], maturity_years=maturity)
    return GuaranteeTerms(
        risk_margin=exact(terms["risk_margin"]),
        loadings=loadings(currency, values, left_out=terms["capital_in_place_of"]),
        capital_rate=capital_rate(pd_12m, facility, inputs),
    )


def _decided_lgd(request: QuoteRequest, months: int) -> float:
    """The loss given default of the decision that stands behind the facility. Raises InvalidRequest where the guarantee
    is of another amount or another tenor than was decided."""
    facility = request.facility
    assert facility is not None
    asked = (request.sum_insured_minor, request.currency, months)
    if asked != (facility.exposure_at_default_minor, facility.currency, facility.tenor_months):
        raise InvalidRequest(
            f"Decision {facility.decision_id} is about {facility.exposure_at_default_minor} minor units "
            f"{facility.currency} over {facility.tenor_months} months, the guarantee about {asked[0]} {asked[1]} over "
            f"{months}.",
            hint="Guarantee the facility as it was decided, or leave the decision out.",
        )
    return facility.lgd_ratio


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
