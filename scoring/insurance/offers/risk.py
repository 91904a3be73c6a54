"""From what a model expects a cover to cost to its quote: the filed rate, the filed cost, and the model beside them.

    pure premium = years of cover x filed rate x filed share x what is insured of a unit

The model's own rate is told in the same terms: the one at which the formula gives what the model expects. So the
difference of the two rates is that of the two premiums.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_contracts.identifiers import MachineUid, ModelVersion
from data_contracts.reference.dated import ParameterBook
from data_contracts.vocabulary import DataOrigin
from features.catalogue import CATALOGUE
from features.snapshot import FeatureSnapshot
from scoring.cards import ModelFeature
from scoring.explanation.reasons import ReasonKind, reason_rules, reasons
from scoring.insurance.build_up import NEUTRAL, Loadings, RiskTerms
from scoring.insurance.filed import (
    ChargedRate,
    FiledCover,
    FiledEquipment,
    FiledGuarantee,
    charged,
    filed_cover,
    trust_floor,
)
from scoring.insurance.premium import check_request, cover_days, loadings, quoted
from scoring.money import exact
from scoring.records import Contribution, MachineFrequency, PremiumQuote, QuoteRequest, Reason

MONTHS_A_YEAR = 12
DAYS_A_YEAR = 365


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A feature behind an input of the filed table: its key, and its value (the mean over units); None if unknown.
    `feature` is how a model knows it, with its peers; else it is the catalogue's."""

    key: str
    value: float | None
    feature: ModelFeature | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ModelledRisk:
    """Units (machines, or the firm itself: n) with their inputs to the filed table (n, k) and what the model expects
    each to cost over the whole cover, in minor units (n). `insured_minor` is what the filed share is a share of, for
    one unit. `measured` tells which feature each input (k) rests on: what moves the filed price is its reason, where
    the model does not bring `reasons` of its own."""

    inputs: NDArray[np.float64]
    measured: Sequence[Measured | None]
    expected_minor: NDArray[np.float64]
    insured_minor: Decimal
    reasons: Sequence[Reason] | None
    machines: Sequence[MachineFrequency]
    model_version: ModelVersion
    data_origin: DataOrigin


def checked(snapshot: FeatureSnapshot, request: QuoteRequest, parameters: ParameterBook) -> Mapping[str, Any]:
    """The parameters' values as of the request, which can be quoted by them. Raises as `premium.quote`."""
    values = parameters.at(request.as_of)
    check_request(snapshot, request, values)
    return values


def offer(
    snapshot: FeatureSnapshot,
    request: QuoteRequest,
    risk: ModelledRisk,
    parameters: ParameterBook,
    *,
    filed: FiledCover | None = None,
) -> PremiumQuote:
    """The quote of a modelled risk by the filed table of its product: `filed`, or that of the parameters.

    Model and table are compared on what claims cost in the experience, before trend and before what a warranty pays."""
    values = parameters.at(request.as_of)
    tariff = filed_cover(request.product, values) if filed is None else filed
    severity, pooled = exact(tariff.cost_share) * risk.insured_minor, Decimal(1)
    if isinstance(tariff, FiledEquipment):
        pooled += exact(tariff.large_loss_share)
    years = Decimal(cover_days(request.starts, request.ends)) / DAYS_A_YEAR
    floor = trust_floor(request.product, snapshot.data_trust, values)
    model_rates = risk.expected_minor / float(years * severity * pooled)
    rate = charged(tariff, floor, risk.inputs, model_rates, model_version=risk.model_version)
    return quoted(
        snapshot,
        request,
        rate,
        exposure_years=years * len(risk.inputs),
        severity=severity,
        terms=_risk_terms(tariff, request, rate, risk.machines),
        load=filed_loadings(tariff, request.currency, values),
        reasons=_filed_reasons(rate, risk, values) if risk.reasons is None else risk.reasons,
        machines=risk.machines,
        model_version=risk.model_version,
        data_origin=risk.data_origin,
        parameters=parameters,
    )


def filed_loadings(tariff: FiledCover, currency: str, values: Mapping[str, Any]) -> Loadings:
    """The loadings on a filed rate: all, or but for the one in whose place the rate holds capital."""
    left_out = tariff.capital_in_place_of if isinstance(tariff, FiledGuarantee) else None
    return loadings(currency, values, left_out=left_out)


def months_of(request: QuoteRequest) -> int:
    """The cover in whole months, at least one."""
    return whole_months(request.starts, request.ends)


def whole_months(starts: date, ends: date) -> int:
    """Days of cover, both inclusive, in whole months, at least one."""
    return max(1, round(cover_days(starts, ends) * MONTHS_A_YEAR / DAYS_A_YEAR))


def lead_months(request: QuoteRequest, as_of: datetime) -> int:
    """Whole months until the cover begins."""
    return max(0, round((request.starts - as_of.date()).days * MONTHS_A_YEAR / DAYS_A_YEAR))


def _risk_terms(
    tariff: FiledCover, request: QuoteRequest, rate: ChargedRate, machines: Sequence[MachineFrequency]
) -> RiskTerms:
    """What the filing adds to attritional claims; each machine under warranty counts by what it pays."""
    if not isinstance(tariff, FiledEquipment):
        return NEUTRAL
    held = np.array([under_warranty(machine.machine_uid, request) for machine in machines])
    products = np.array(rate.products)
    return tariff.risk_terms(request, under_warranty=float(held @ products / products.sum()))


def under_warranty(machine: MachineUid, request: QuoteRequest) -> float:
    """The share of the cover's days on which a warranty answers for a machine."""
    answered: set[int] = set()
    for held in request.warranties:
        first, last = max(held.starts, request.starts), min(held.ends, request.ends)
        if held.machine_uid == machine and first <= last:
            answered.update(range(first.toordinal(), last.toordinal() + 1))
    return len(answered) / cover_days(request.starts, request.ends)


def _filed_reasons(rate: ChargedRate, risk: ModelledRisk, values: Mapping[str, Any]) -> tuple[Reason, ...]:
    """What moved the charged price: the logarithms of the filed relativities, by the features that they rest on."""
    told = [
        (item.feature or _feature(item.key), item.value, math.log(factor.relativity))
        for factor, item in zip(rate.factors, risk.measured, strict=False)
        if item is not None
    ]
    return reasons(
        [
            Contribution(feature=feature.key, family=feature.family, value=value, contribution=pull)
            for feature, value, pull in told
        ],
        kind=ReasonKind.PREMIUM,
        features=[feature for feature, _, _ in told],
        rules=reason_rules(values["reasons"]),
    )


def _feature(key: str) -> ModelFeature:
    """A feature of the catalogue as reasons read it; a filed table has no peers."""
    definition = CATALOGUE[key]
    return ModelFeature(
        key=key,
        name=definition.name,
        family=definition.family,
        unit=definition.unit,
        window_days=definition.window_days,
        sign=0,
        adverse_value=None,
        peer_median=None,
    )
