"""The table that is filed for equipment cover: the claims model as base x relativities of its strongest features.

Fitted on what the model says, not on claims: those were heard already. Only the base is set by claims, once more and
last, after rounding and bounds, so that what is charged balances with what was observed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.boosters import Ensemble
from scoring.cards import ModelFeature
from scoring.insurance.card import EquipmentTable
from scoring.insurance.linear import Factor, quantile_banding
from scoring.insurance.tariff import RATE_DIGITS, RELATIVITY_DIGITS, FiledFactor, relativities_of
from scoring.records import InsuranceProduct
from scoring.training.claims.distil import distilled

DAYS_A_YEAR = 365
EPOCH = date(1970, 1, 1)

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Modelled:
    """Training rows: values of the model's features (n, k), when each was known, exposure in machine-years after it,
    claims, what they cost, the sum insured, and the frequency a machine-year that the model gives each (n)."""

    values: Matrix
    as_of: NDArray[np.datetime64]
    exposure: Vector
    counts: Vector
    amounts_minor: Vector
    sums_insured_minor: Vector
    frequencies: Vector


def equipment_table(
    rows: Modelled,
    bag: Ensemble,
    features: Sequence[ModelFeature],
    *,
    values_in_force: Mapping[str, Any],
) -> EquipmentTable:
    """The table of the model inside the bounds of parameter `insurance_filings`, by the settings of `insurance_model`
    and of `insurance_build_up`.

    A value that nobody knows is in the dearest band of its factor: withholding never helps.
    """
    settings = values_in_force["insurance_model"]
    filing = values_in_force["insurance_filings"][InsuranceProduct.EQUIPMENT_UBI.value]
    chosen = strongest(rows, bag, features, settings)
    values = rows.values[:, chosen]
    bandings = [
        quantile_banding(features[column].key, values[:, at], rows.exposure, bands=settings["filed_bands"], ends=())
        for at, column in enumerate(chosen)
    ]
    linear = distilled(values, rows.frequencies, rows.exposure, bandings, [features[column] for column in chosen])
    factors = tuple(_filed(factor) for factor in linear.factors)
    lowest, highest = float(filing["lowest"]), float(filing["highest"])
    products = relativities_of(factors, values).prod(axis=1).clip(lowest, highest)
    claims = float(rows.counts.sum())
    costs = cost_split(rows, large_from=float(values_in_force["insurance_build_up"]["large_loss_from_share"]))
    base = round(claims / float(rows.exposure @ products), RATE_DIGITS)
    return EquipmentTable(
        base_rate=base,
        lowest=lowest,
        highest=highest,
        factors=factors,
        cost_share=costs.share,
        large_loss_from=costs.large_from,
        large_loss_share=costs.large_share,
        experience_middle=_middle(rows),
        actual_to_expected=claims / float(rows.exposure @ (base * products)),
        difference=_difference(base * products, rows),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CostSplit:
    """What a claim costs as a share of the sum insured, capped at `large_from` of it, and what lies above, pooled, as a
    share of that."""

    share: float
    large_from: float
    large_share: float


def cost_split(rows: Modelled, *, large_from: float) -> CostSplit:
    """The split of what was paid. Claims of one machine and year are told together, and capped together at so many
    times the cap: two small ones beside a large one leave it a little more room."""
    insured = rows.counts * rows.sums_insured_minor
    capped = np.minimum(rows.amounts_minor, large_from * insured)
    share = round(float(capped.sum() / insured.sum()), RATE_DIGITS)
    paid = float(rows.amounts_minor.sum() / insured.sum())
    return CostSplit(share=share, large_from=large_from, large_share=round(paid / share - 1, RATE_DIGITS))


def strongest(
    rows: Modelled, bag: Ensemble, features: Sequence[ModelFeature], settings: Mapping[str, Any]
) -> list[int]:
    """Columns of the features that the trees gain most by, the strongest first: one window of each feature, and only
    such as nearly everybody tells."""
    known = rows.exposure @ ~np.isnan(rows.values) / rows.exposure.sum()
    gains = {int(name[1:]): gain for name, gain in bag.boosters[0].get_score(importance_type="total_gain").items()}
    chosen: dict[str, int] = {}
    for column in sorted(gains, key=lambda each: (-gains[each], each)):
        if known[column] >= settings["filed_known_share"]:
            chosen.setdefault(features[column].name, column)
    return list(chosen.values())[: settings["filed_factors"]]


def _filed(factor: Factor) -> FiledFactor:
    """The factor with the dearest of its bands for what is missing, rounded as printed."""
    known = factor.coefficients[:-1]
    dearest = factor.model_copy(update={"coefficients": (*known, max(known))})
    relativities = tuple(round(float(np.exp(value)), RELATIVITY_DIGITS) for value in dearest.coefficients)
    return FiledFactor(factor=dearest, relativities=relativities)


def _middle(rows: Modelled) -> date:
    """The day in the middle of the exposure."""
    half_years = (rows.exposure * 0.5 * DAYS_A_YEAR).astype("timedelta64[D]")
    days = (rows.as_of.astype("datetime64[D]") + half_years).astype(np.int64)
    return EPOCH + timedelta(days=int(rows.exposure @ days / rows.exposure.sum()))


def _difference(rates: Vector, rows: Modelled) -> float:
    """Mean absolute difference of table and model, by exposure, as a share of the model's mean."""
    return float(rows.exposure @ np.abs(rates - rows.frequencies) / (rows.exposure @ rows.frequencies))
