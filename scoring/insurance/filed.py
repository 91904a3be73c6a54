"""What was filed for a product, and what it charges: base x relativities, held inside the filed bounds.

The model's rate stands beside it and is not charged: what it says beyond the filed rate is shown as the difference.
Whoever holds the switch also holds the data, so a discount has a floor that rises as the data earns less trust.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_contracts.identifiers import ModelVersion
from features.trust import DataTrust, TrustGrade
from scoring.credit.trust_terms import trust_terms
from scoring.insurance.frequency import FLEET_MIX, FleetFrequency
from scoring.insurance.linear import Banding, Factor
from scoring.insurance.tariff import FiledFactor, FiledTariff
from scoring.records import FiledPrice, InsuranceProduct, Relativity

BOUNDS, TRUST = "filed_bounds", "data_trust"

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]


class FiledCover(FiledTariff):
    """A tariff that also files what a claim costs, as a share of what is insured of a unit."""

    cost_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustFloor:
    """The grade of data trust that decides, and the least product of relativities that it allows."""

    grade: TrustGrade
    least: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargedRate:
    """The filed rate of some units as base x factors, and beside it the model's."""

    rate: float
    base: float
    factors: tuple[Relativity, ...]
    filed: FiledPrice


def filed_cover(product: InsuranceProduct, values: Mapping[str, Any], *, model_version: ModelVersion) -> FiledCover:
    """The table of parameter `insurance_filings` for a product. A value that nobody knows is priced as the dearest
    band: withholding never helps."""
    given = values["insurance_filings"][product.value]
    return FiledCover(
        product=product.value,
        filing_number=given["filing_number"],
        effective=date.fromisoformat(given["effective"]),
        base_rate=float(given["base_rate"]),
        lowest=float(given["lowest"]),
        highest=float(given["highest"]),
        factors=tuple(_factor(factor) for factor in given["factors"]),
        model_version=model_version,
        cost_share=float(given["cost_share"]),
    )


def trust_floor(product: InsuranceProduct, trust: DataTrust, values: Mapping[str, Any]) -> TrustFloor:
    """What the trust in an obligor's data leaves of a discount: the floor filed for the grade that decides
    (`scoring.credit.trust_terms`), or for the level of attestation where that is higher."""
    terms = trust_terms(trust, values)
    given = values["insurance_filings"][product.value]["trust_floors"]
    return TrustFloor(grade=terms.grade, least=max(float(given[terms.grade.value]), float(given[terms.level.value])))


def charged(tariff: FiledCover, floor: TrustFloor, rows: Matrix, model_rates: Vector) -> ChargedRate:
    """The mean filed rate of units (machines, or the firm itself) with these inputs (n, k), whose model rates are (n).

    A factor is the geometric mean of the units' own; `filed_bounds`, `data_trust` and `fleet_mix` are what bounds, the
    floor of trust and the mean over units make of the product, so that base x factors is the rate.
    """
    relativities = tariff.relativities(rows)
    means = np.exp(np.log(relativities).mean(axis=0))
    names = [factor.factor.banding.key for factor in tariff.factors]
    held = _held(relativities.prod(axis=1), lowest=tariff.lowest, highest=tariff.highest, floor=floor)
    rate = tariff.base_rate * held.product
    mix = held.unbounded / float(means.prod())
    return ChargedRate(
        rate=rate,
        base=tariff.base_rate,
        factors=(
            *(Relativity(name=name, relativity=float(mean)) for name, mean in zip(names, means, strict=True)),
            *held.factors,
            Relativity(name=FLEET_MIX, relativity=mix),
        ),
        filed=FiledPrice(
            filing_number=tariff.filing_number,
            tariff_version=tariff.version,
            lowest=tariff.lowest,
            highest=tariff.highest,
            trust_grade=floor.grade.value,
            trust_floor=floor.least,
            cost_share=tariff.cost_share,
            product=held.product,
            filed_rate=rate,
            model_rate=float(model_rates.mean()),
        ),
    )


def bounded_fleet(fleet: FleetFrequency, floor: TrustFloor, values: Mapping[str, Any]) -> ChargedRate:
    """Equipment cover: the model's own base and relativities by family, each machine's product held inside the filed
    bounds and above the floor of trust. Its table is the model's, so that no version of another one is named."""
    given = values["insurance_filings"][InsuranceProduct.EQUIPMENT_UBI.value]
    lowest, highest = float(given["lowest"]), float(given["highest"])
    products = np.array([machine.claim_frequency_per_machine_year / fleet.base_frequency for machine in fleet.machines])
    held = _held(products, lowest=lowest, highest=highest, floor=floor)
    rate = fleet.claim_frequency_per_machine_year * (held.product / held.unbounded)
    return ChargedRate(
        rate=rate,
        base=fleet.base_frequency,
        factors=(*fleet.factors[:-1], *held.factors, fleet.factors[-1]),
        filed=FiledPrice(
            filing_number=given["filing_number"],
            tariff_version=None,
            lowest=lowest,
            highest=highest,
            trust_grade=floor.grade.value,
            trust_floor=floor.least,
            cost_share=None,
            product=held.product,
            filed_rate=rate,
            model_rate=fleet.claim_frequency_per_machine_year,
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """Mean product of relativities over units: as the table says, inside the bounds, above the floor as well."""

    unbounded: float
    bounded: float
    product: float

    @property
    def factors(self) -> tuple[Relativity, Relativity]:
        """What the bounds and the floor of trust make of the product."""
        return (
            Relativity(name=BOUNDS, relativity=self.bounded / self.unbounded),
            Relativity(name=TRUST, relativity=self.product / self.bounded),
        )


def _held(products: Vector, *, lowest: float, highest: float, floor: TrustFloor) -> _Held:
    bounded = products.clip(lowest, highest)
    return _Held(
        unbounded=float(products.mean()),
        bounded=float(bounded.mean()),
        product=float(np.maximum(bounded, floor.least).mean()),
    )


def _factor(given: Mapping[str, Any]) -> FiledFactor:
    known: Sequence[float] = [float(value) for value in given["relativities"]]
    relativities = (*known, max(known))
    banding = Banding(key=given["name"], kind="number", edges=tuple(float(start) for start in given["starts"]))
    assert len(relativities) == banding.bands, f"{given['name']} is filed with {len(known)} relativities"
    factor = Factor(banding=banding, coefficients=tuple(math.log(value) for value in relativities))
    return FiledFactor(factor=factor, relativities=relativities)
