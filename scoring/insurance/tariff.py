"""The tariff as filed: a locked, versioned table of base rates, relativities and bounds.

A regulator reads a table, not trees. The model is distilled into one, the table is filed, and from then on every
premium is base x filed factors inside the filed bounds; what the model says beyond that is shown beside, not charged.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from scoring.cards import Frozen, canonical_card
from scoring.errors import InvalidRequest, TariffChanged
from scoring.insurance.linear import Factor, LinearPredictor

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]

RELATIVITY_DIGITS = 4
RATE_DIGITS = 8


class FiledFactor(Frozen):
    """A rating factor as filed: its bands (as in the distilled table) and one relativity a band, rounded as printed."""

    factor: Factor
    relativities: tuple[float, ...]


class FiledTariff(Frozen):
    """What was filed, under `filing_number`, in force from `effective` until another one is.

    `base_rate` is the expected claims (or cost) a unit of exposure of the base bands. The product of relativities is
    held within `lowest` and `highest`, as filed. `model_version` names the model that the table was distilled from,
    None where people set it.
    """

    format: int = 1
    product: str
    filing_number: str
    effective: date
    base_rate: float
    lowest: float
    highest: float
    factors: tuple[FiledFactor, ...]
    model_version: str | None

    @property
    def version(self) -> str:
        """SHA-256 of the canonical table: a filed tariff cannot be edited without becoming another one."""
        return hashlib.sha256(canonical_card(self)).hexdigest()

    def relativities(self, rows: Matrix) -> Matrix:
        """The filed relativity of each factor (k) for encoded rows (n, k)."""
        return relativities_of(self.factors, rows)

    def rates(self, rows: Matrix) -> Vector:
        """base x factors inside the bounds, of encoded rows (n, k)."""
        product = self.relativities(rows).prod(axis=1)
        return np.asarray(self.base_rate * product.clip(self.lowest, self.highest))


def relativities_of(factors: Sequence[FiledFactor], rows: Matrix) -> Matrix:
    """The filed relativity of each factor (k) for encoded rows (n, k)."""
    columns = [
        np.array(filed.relativities)[filed.factor.banding.places(rows[:, at])] for at, filed in enumerate(factors)
    ]
    return np.column_stack(columns) if columns else np.ones((len(rows), 0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """One risk by table and by model: the factors, what the bounds did, and by how much the two rates differ."""

    base_rate: float
    factors: tuple[tuple[str, str, float], ...]
    """Name, band and relativity of each factor."""
    product: float
    bounded: float
    filed_rate: float
    model_rate: float

    @property
    def difference(self) -> float:
        """The model's rate beyond the filed one, as a share of the filed one."""
        return self.model_rate / self.filed_rate - 1


def distilled(
    linear: LinearPredictor,
    *,
    product: str,
    filing_number: str,
    effective: date,
    bounds: tuple[float, float],
    model_version: str,
) -> FiledTariff:
    """The table of a log-linear predictor, its relativities rounded as they are printed and filed."""
    low, high = bounds
    if not 0 < low <= 1 <= high:
        raise InvalidRequest(f"Bounds of {low} to {high} do not hold the base rate itself.")
    factors = tuple(
        FiledFactor(
            factor=factor,
            relativities=tuple(round(float(np.exp(value)), RELATIVITY_DIGITS) for value in factor.coefficients),
        )
        for factor in linear.factors
    )
    return FiledTariff(
        product=product,
        filing_number=filing_number,
        effective=effective,
        base_rate=round(float(np.exp(linear.intercept)), RATE_DIGITS),
        lowest=low,
        highest=high,
        factors=factors,
        model_version=model_version,
    )


def require_version(tariff: FiledTariff, filed: str) -> None:
    """Raise TariffChanged unless the table is the one that was filed under that version."""
    if tariff.version != filed:
        raise TariffChanged(
            f"The tariff of filing {tariff.filing_number} hashes to {tariff.version[:12]}, filed was {filed[:12]}.",
            hint="A tariff is locked once filed: restore the table, or file the new one under a number of its own.",
        )


def reconciled(tariff: FiledTariff, row: Vector, *, model_rate: float) -> Reconciliation:
    """One encoded row (k) by table and by model."""
    rows = row[None, :]
    relativities = tariff.relativities(rows)[0]
    names = [
        (filed.factor.banding.key, filed.factor.banding.names()[int(filed.factor.banding.places(rows[:, at])[0])])
        for at, filed in enumerate(tariff.factors)
    ]
    product = float(relativities.prod())
    return Reconciliation(
        base_rate=tariff.base_rate,
        factors=tuple((name, band, float(value)) for (name, band), value in zip(names, relativities, strict=True)),
        product=product,
        bounded=min(max(product, tariff.lowest), tariff.highest),
        filed_rate=float(tariff.rates(rows)[0]),
        model_rate=model_rate,
    )


def dislocation(current: Vector, proposed: Vector, exposure: Vector, *, shares: Sequence[float]) -> dict[str, float]:
    """How premiums move when the book pays the same in all: quantiles of the change, and who gains and who loses.

    `proposed` rates are scaled to the current book premium first, so that a discount for some is a surcharge for
    others. Shares are of exposure.
    """
    scale = float(exposure @ current / (exposure @ proposed))
    change = scale * proposed / current - 1
    order = np.argsort(change, kind="stable")
    passed = np.cumsum(exposure[order]) / exposure.sum()
    told = {f"q{round(100 * share):02d}": float(change[order][np.searchsorted(passed, share)]) for share in shares}
    return {
        **told,
        "gain": float(exposure[change < 0].sum() / exposure.sum()),
        "lose": float(exposure[change > 0].sum() / exposure.sum()),
        "mean_change": float(exposure @ (current * change) / (exposure @ current)),
    }
