"""The idle covers of a book in one slump: all of them simulated at once under the factor that industries share.

Of a cover that runs, what is left of it is a season of its own, from today's state of its industry, with the part of
the sum insured that is left; what lies behind it is known by its settlement and not guessed here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.insurance.idle_cover.payout import IdleTerms, Reference, payout_share
from scoring.insurance.idle_cover.price import BookPrice, price_book
from scoring.insurance.idle_cover.simulate import Seasons, simulate_seasons
from scoring.insurance.offers.idle import idle_terms, rate_model

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class IdleRisk:
    """An idle cover as it is simulated: its industry, the usual operating rate of the insured, where its industry
    stands (in standard deviations), months until it begins and months that are left, and what it still insures."""

    industry: str
    usual_rate: float
    industry_state: float
    lead_months: int
    months: int
    sum_insured_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterLoss:
    """An industry's idle covers: expected payout, the loss that is passed on one path in 200 of this industry alone,
    and its part of the book's mean loss on the worst half percent of paths (parts sum to the book's)."""

    industry: str
    policies: int
    sum_insured_minor: int
    expected_minor: float
    value_at_risk_minor: float
    in_tail_minor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SlumpLoss:
    """All idle covers as one book: expected payout, 99.5 % loss, mean loss beyond it, and the same by industry."""

    paths: int
    common_share: float
    expected_minor: float
    value_at_risk_minor: float
    tail_value_at_risk_minor: float
    clusters: Sequence[ClusterLoss]


def slump_loss(risks: Sequence[IdleRisk], terms: Mapping[str, Any]) -> SlumpLoss | None:
    """What the idle covers of a book lose together, by parameter `insurance_covers.idle_cover`; None without any."""
    if not risks:
        return None
    names = sorted({risk.industry for risk in risks})
    industry = np.array([names.index(risk.industry) for risk in risks], dtype=np.int64)
    insured = np.array([float(risk.sum_insured_minor) for risk in risks])
    payouts = _payouts(risks, industry, len(names), terms)

    def priced(rows: NDArray[np.bool_]) -> BookPrice:
        return price_book(payouts[:, rows], insured[rows], cost_of_capital=terms["cost_of_capital"])

    whole = priced(np.ones(len(risks), dtype=np.bool_))
    members = {name: industry == at for at, name in enumerate(names)}
    return SlumpLoss(
        paths=len(payouts),
        common_share=terms["common_share"],
        expected_minor=float(whole.expected_minor.sum()),
        value_at_risk_minor=whole.value_at_risk_minor,
        tail_value_at_risk_minor=whole.tail_value_at_risk_minor,
        clusters=[
            _cluster(name, priced(rows), insured=insured[rows], in_tail=whole.in_tail_minor[rows])
            for name, rows in members.items()
        ],
    )


def _cluster(name: str, alone: BookPrice, *, insured: Vector, in_tail: Vector) -> ClusterLoss:
    return ClusterLoss(
        industry=name,
        policies=len(insured),
        sum_insured_minor=int(insured.sum()),
        expected_minor=float(alone.expected_minor.sum()),
        value_at_risk_minor=alone.value_at_risk_minor,
        in_tail_minor=float(in_tail.sum()),
    )


def _payouts(risks: Sequence[IdleRisk], industry: NDArray[np.int64], count: int, terms: Mapping[str, Any]) -> Matrix:
    """Payout shares of the seasons that are left (paths x n), held against seasons of a usual year."""
    states = np.array([np.mean([risk.industry_state for risk in _of(risks, industry, at)]) for at in range(count)])
    common: dict[str, Any] = {
        "usual_rates": np.array([risk.usual_rate for risk in risks]),
        "industry": industry,
        "months": np.array([risk.months for risk in risks]),
        "lead_months": np.array([risk.lead_months for risk in risks]),
        "paths": terms["paths"],
        "seed": terms["seed"],
    }
    model, bounds = rate_model(terms), idle_terms(terms)
    usual = simulate_seasons(model, **common)
    seasons = simulate_seasons(model, **common, industry_state=states)
    return np.stack([_share(usual, seasons, at, bounds) for at in range(len(risks))], axis=1)


def _share(usual: Seasons, seasons: Seasons, at: int, bounds: IdleTerms) -> Vector:
    reference = Reference(own_rate=float(usual.own[:, at].mean()), cluster_rate=float(usual.cluster[:, at].mean()))
    return payout_share(seasons.own[:, at], seasons.cluster[:, at], reference, bounds)


def _of(risks: Sequence[IdleRisk], industry: NDArray[np.int64], at: int) -> list[IdleRisk]:
    return [risk for risk, place in zip(risks, industry, strict=True) if place == at]
