"""Supervisory capital of a corporate claim: the one-year, 99.9 % formula of the Basel internal-ratings approach."""

from __future__ import annotations

import math

from scipy.special import ndtr, ndtri

CONFIDENCE = 0.999
RISK_WEIGHT_MULTIPLE = 12.5
"""Capital K is 8 % of risk-weighted assets: one over 8 %."""

LEAST_MATURITY_YEARS, LONGEST_MATURITY_YEARS = 1.0, 5.0


def capital_requirement(
    pd_12m: float, lgd: float, *, maturity_years: float, turnover_eur_million: float | None
) -> float:
    """K of the Basel internal-ratings formula for corporates, per unit of exposure at default.

    `turnover_eur_million` is held between 5 and 50 for the small-firm term; None leaves the term out.
    """
    maturity_slope = (0.11852 - 0.05478 * math.log(pd_12m)) ** 2
    correlation = asset_correlation(pd_12m, turnover_eur_million=turnover_eur_million)
    quantile = (float(ndtri(pd_12m)) + math.sqrt(correlation) * float(ndtri(CONFIDENCE))) / math.sqrt(1 - correlation)
    unexpected_loss = lgd * (float(ndtr(quantile)) - pd_12m)
    return unexpected_loss * (1 + (maturity_years - 2.5) * maturity_slope) / (1 - 1.5 * maturity_slope)


def asset_correlation(pd_12m: float, *, turnover_eur_million: float | None) -> float:
    """Correlation with the common factor: from 0.24 (safest) to 0.12, up to 0.04 less for the smallest firms."""
    weight = (1 - math.exp(-50 * pd_12m)) / (1 - math.exp(-50))
    correlation = 0.12 * weight + 0.24 * (1 - weight)
    if turnover_eur_million is None:
        return correlation
    turnover = min(max(turnover_eur_million, 5.0), 50.0)
    return correlation - 0.04 * (1 - (turnover - 5) / 45)


def effective_maturity_years(months: int) -> float:
    """Mean time to the principal's payments of a loan in equal monthly payments of principal, held between 1 and 5
    years.

    The sum over months of s / n is (n + 1) / 2 months; level instalments repay a little later and are taken as these.
    """
    return min(max((months + 1) / 2 / 12, LEAST_MATURITY_YEARS), LONGEST_MATURITY_YEARS)
