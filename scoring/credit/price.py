"""The risk-based rate, as a waterfall of lines that sum to it exactly: funding, operations, expected loss, capital.

r (1 - PD) = funds + operations + PD x LGD + capital x (hurdle / (1 - tax) - funds), where capital is the supervisory
one-year, 99.9 % capital of a corporate claim (Basel internal-ratings formula with the small-firm and maturity terms).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from scipy.stats import norm

from scoring.credit.master_scale import DEFAULTED
from scoring.money import RATE_STEP, apportion, exact, rounded, to_minor
from scoring.records import CreditProduct, Price, PriceLine, ScoreRecord

CONFIDENCE = 0.999
RISK_WEIGHT_MULTIPLE = 12.5
"""Capital K is 8 % of risk-weighted assets: one over 8 %."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceInputs:
    """Parameter `price_inputs`: annual ratios, turnover in EUR million, maturity in years."""

    funds_transfer_price: Decimal
    operating_cost: Decimal
    tax_rate: Decimal
    hurdle_rate: Decimal
    capital_ratio: Decimal
    turnover_eur_million: float
    maturity_years: float


def price_inputs(values: Mapping[str, Any]) -> PriceInputs:
    """The inputs of parameter `price_inputs`, ratios as exact decimals."""
    ratios = {
        name: exact(value) for name, value in values.items() if name not in {"turnover_eur_million", "maturity_years"}
    }
    return PriceInputs(
        **ratios,
        turnover_eur_million=float(values["turnover_eur_million"]),
        maturity_years=float(values["maturity_years"]),
    )


def price(record: ScoreRecord, product: CreditProduct, values: Mapping[str, Any]) -> Price:
    """The rate for `product` at the record's `pd_12m`. `values` are the parameters in force.

    The ceiling stands beside the rate and is never applied to it: a rule of the policy declines above it.
    """
    assert record.rating_grade != DEFAULTED, "an obligor in default has no price"
    lgd = exact(values["lgd"][product.value])
    rate, lines = waterfall(record.pd_12m, lgd, price_inputs(values["price_inputs"]))
    return Price(annual_rate_ratio=rate, lines=lines, ceiling_ratio=exact(values["legal_ceiling_ratio"]), lgd_ratio=lgd)


def waterfall(pd_12m: float, lgd: Decimal, inputs: PriceInputs) -> tuple[Decimal, tuple[PriceLine, ...]]:
    """The annual rate to six digits and its lines, which sum to it.

    The expected-loss line is PD x (LGD + r): the principal that is lost, and the interest that defaulters do not pay.
    """
    pd = exact(pd_12m)
    capital = capital_share(pd_12m, float(lgd), inputs)
    cost_of_capital = capital * (inputs.hurdle_rate / (1 - inputs.tax_rate) - inputs.funds_transfer_price)
    without_interest_lost = inputs.funds_transfer_price + inputs.operating_cost + pd * lgd + cost_of_capital
    rate = without_interest_lost / (1 - pd)
    parts = {
        "funding": inputs.funds_transfer_price,
        "operations": inputs.operating_cost,
        "expected_loss": pd * (lgd + rate),
        "capital": cost_of_capital,
    }
    total = rounded(rate, step=RATE_STEP)
    shares = apportion(tuple(parts.values()), total=total, step=RATE_STEP)
    return total, tuple(
        PriceLine(name=name, annual_rate_ratio=share) for name, share in zip(parts, shares, strict=True)
    )


def capital_share(pd_12m: float, lgd: float, inputs: PriceInputs) -> Decimal:
    """Capital to hold per unit drawn: 12.5 x K x capital ratio."""
    requirement = capital_requirement(
        pd_12m, lgd, maturity_years=inputs.maturity_years, turnover_eur_million=inputs.turnover_eur_million
    )
    return exact(RISK_WEIGHT_MULTIPLE) * exact(requirement) * inputs.capital_ratio


def capital_requirement(
    pd_12m: float, lgd: float, *, maturity_years: float, turnover_eur_million: float | None
) -> float:
    """K of the Basel internal-ratings formula for corporates, per unit of exposure at default.

    `turnover_eur_million` is held between 5 and 50 for the small-firm term; None leaves the term out.
    """
    maturity_slope = (0.11852 - 0.05478 * math.log(pd_12m)) ** 2
    correlation = asset_correlation(pd_12m, turnover_eur_million=turnover_eur_million)
    quantile = (norm.ppf(pd_12m) + math.sqrt(correlation) * norm.ppf(CONFIDENCE)) / math.sqrt(1 - correlation)
    unexpected_loss = lgd * (float(norm.cdf(quantile)) - pd_12m)
    return unexpected_loss * (1 + (maturity_years - 2.5) * maturity_slope) / (1 - 1.5 * maturity_slope)


def asset_correlation(pd_12m: float, *, turnover_eur_million: float | None) -> float:
    """Correlation with the common factor: from 0.24 (safest) to 0.12, up to 0.04 less for the smallest firms."""
    weight = (1 - math.exp(-50 * pd_12m)) / (1 - math.exp(-50))
    correlation = 0.12 * weight + 0.24 * (1 - weight)
    if turnover_eur_million is None:
        return correlation
    turnover = min(max(turnover_eur_million, 5.0), 50.0)
    return correlation - 0.04 * (1 - (turnover - 5) / 45)


def expected_loss_minor(*, pd_12m: float, lgd: float, exposure_at_default_minor: int) -> int:
    """PD x LGD x EAD over 12 months, in minor units."""
    return to_minor(exact(pd_12m) * exact(lgd) * exposure_at_default_minor)
