"""Idle cover: payouts of a simulated season from today's state of the industry, with the load of its tail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_contracts.identifiers import ModelVersion
from data_contracts.reference.dated import ParameterBook
from features.snapshot import FeatureSnapshot
from scoring.errors import NothingToCover
from scoring.insurance.idle_cover.payout import IdleTerms, Reference, payout_share
from scoring.insurance.idle_cover.price import BookPrice, price_book
from scoring.insurance.idle_cover.simulate import RateModel, simulate_seasons
from scoring.insurance.offers.risk import Measured, ModelledRisk, checked, lead_months, months_of, offer
from scoring.money import exact
from scoring.records import PremiumQuote, QuoteRequest

RATES = ("adjusted_operating_rate_90d", "operating_rate_90d")
INDUSTRY_YEAR = "industry_yoy_90d"
RATE_ENDS = (0.02, 0.98)
LARGEST_STATE = 3.0

RATE_MODEL = (
    *("industry_sd", "industry_persistence", "common_share", "own_sd", "own_persistence"),
    *("outage_chance", "outage_share"),
)
TERMS = ("trigger_share", "exit_share", "coinsurance_share")

Vector = NDArray[np.float64]


def idle_quote(snapshot: FeatureSnapshot, request: QuoteRequest, parameters: ParameterBook) -> PremiumQuote:
    """The sum insured is the season's fixed cost; a cover sold in a slump costs what the slump does.

    Its model is its parameters. Raises as `premium.quote`, and NothingToCover where no operating rate is known.
    """
    values = checked(snapshot, request, parameters)
    terms = values["insurance_covers"]["idle_cover"]
    key, rate = _operating_rate(snapshot)
    usual, state = where_it_stands(snapshot, terms)
    price = idle_price(snapshot, request, parameters)
    risk = ModelledRisk(
        inputs=np.array([[usual, state, float(months_of(request))]]),
        measured=(
            Measured(key=key, value=rate),
            Measured(key=INDUSTRY_YEAR, value=snapshot.values[INDUSTRY_YEAR].value),
            None,
        ),
        expected_minor=price.risk_premium_minor,
        insured_minor=exact(request.sum_insured_minor),
        reasons=None,
        machines=(),
        model_version=ModelVersion(parameters.version),
        data_origin=snapshot.data_origin,
    )
    return offer(snapshot, request, risk, parameters)


def idle_price(snapshot: FeatureSnapshot, request: QuoteRequest, parameters: ParameterBook) -> BookPrice:
    """The one policy as a book: expected payout, and the load of its tail. Raises as `idle_quote`."""
    terms = checked(snapshot, request, parameters)["insurance_covers"]["idle_cover"]
    usual, state = where_it_stands(snapshot, terms)
    paid = payouts(usual, state, months=months_of(request), lead=lead_months(request, request.as_of), terms=terms)
    insured = np.array([float(request.sum_insured_minor)])
    return price_book(paid[:, None], insured, cost_of_capital=terms["cost_of_capital"])


def where_it_stands(snapshot: FeatureSnapshot, terms: Mapping[str, Any]) -> tuple[float, float]:
    """The usual operating rate that is simulated around, and the state of the industry. Raises NothingToCover."""
    usual = float(np.clip(_operating_rate(snapshot)[1], *RATE_ENDS))
    return usual, _industry_state(snapshot, usual, sd=terms["industry_sd"])


def payouts(usual: float, state: float, *, months: int, lead: int, terms: Mapping[str, Any]) -> Vector:
    """Payout shares of simulated seasons that begin in an industry's state, held against seasons of a usual year."""
    model, bounds = rate_model(terms), idle_terms(terms)
    common: dict[str, Any] = {
        "usual_rates": np.array([usual]),
        "industry": np.array([0]),
        "months": months,
        "paths": terms["paths"],
        "seed": terms["seed"],
        "lead_months": lead,
    }
    before = simulate_seasons(model, **common)
    seasons = simulate_seasons(model, **common, industry_state=np.array([state]))
    reference = Reference(own_rate=float(before.own.mean()), cluster_rate=float(before.cluster.mean()))
    return payout_share(seasons.own[:, 0], seasons.cluster[:, 0], reference, bounds)


def rate_model(terms: Mapping[str, Any]) -> RateModel:
    """How operating rates move, as parameter `insurance_covers` says."""
    return RateModel(**{name: terms[name] for name in RATE_MODEL})


def idle_terms(terms: Mapping[str, Any]) -> IdleTerms:
    """Trigger, exit and co-insurance as that parameter says. Raises InvalidRequest where they contradict themselves."""
    bounds = IdleTerms(**{name: terms[name] for name in TERMS})
    bounds.check()
    return bounds


def _operating_rate(snapshot: FeatureSnapshot) -> tuple[str, float]:
    """The first of `RATES` that is known, and its key."""
    for key in RATES:
        told = snapshot.values[key].value
        if told is not None:
            return key, float(told)
    raise NothingToCover(
        f"{snapshot.obligor_id} has no operating rate over the last 90 days: there is no index to insure.",
        hint="Connect the machines for three months first.",
    )


def _industry_state(snapshot: FeatureSnapshot, usual: float, *, sd: float) -> float:
    """Where the industry stands, in its own standard deviations: its change on the year, 0 where it is not known."""
    told = snapshot.values[INDUSTRY_YEAR].value
    moved = 0.0 if told is None else float(told) / ((1 - usual) * sd)
    return float(np.clip(moved, -LARGEST_STATE, LARGEST_STATE))
