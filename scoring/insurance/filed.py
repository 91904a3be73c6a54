"""What was filed for a product, and what it charges: base x relativities, held inside the filed bounds.

The model's rate stands beside it and is not charged: what it says beyond the filed rate is shown as the difference.
Whoever holds the switch also holds the data, so a discount has a floor that rises as the data earns less trust.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_contracts.identifiers import ModelVersion, PartnerId
from data_contracts.reference.dated import RULES_ZONE
from features.trust import DataTrust, TrustGrade
from scoring.credit.trust_terms import trust_terms
from scoring.errors import NoTariffFiled, TariffClash
from scoring.insurance.artefact import InsuranceArtefact
from scoring.insurance.build_up import RiskTerms
from scoring.insurance.linear import Banding, Factor
from scoring.insurance.tariff import RATE_DIGITS, FiledFactor, FiledTariff
from scoring.money import exact
from scoring.records import FiledPrice, InsuranceProduct, QuoteRequest, Relativity

DAYS_A_YEAR = 365
BOUNDS, TRUST, FLEET_MIX = "filed_bounds", "data_trust", "fleet_mix"

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]


class FiledCover(FiledTariff):
    """A tariff that also files what a claim costs, as a share of what is insured of a unit."""

    cost_share: float


class FiledGuarantee(FiledCover):
    """A guarantee whose filed rates hold the guarantor's capital: the loading `capital_in_place_of`, which stands for
    profit, is left out of its bill, since it would be paid twice."""

    capital_in_place_of: str


class FiledEquipment(FiledCover):
    """Equipment cover as filed from a model; `partner` names the insurer whose filing it is, None that of all.

    `cost_share` is of claims capped at `large_loss_from` of the sum insured, `large_loss_share` the pooled load for
    what lies above; costs grow by `annual_trend` from `experience_middle` on. `warranty_share` is the share of a capped
    claim that is the repair of a warranty in force, which pays first (`coherence.PAYS_FIRST`).
    """

    large_loss_from: float
    large_loss_share: float
    annual_trend: float
    experience_middle: date
    warranty_share: float
    partner: str | None = None

    def risk_terms(self, request: QuoteRequest, *, under_warranty: float) -> RiskTerms:
        """The build-up for the days of a request; `under_warranty` is the share of the capped claims, by what is
        charged, that falls on machines and days under warranty."""
        return RiskTerms(
            trend=exact(trend_of(self.annual_trend, self.experience_middle, request.starts, request.ends)),
            large_loss=exact(self.large_loss_share),
            warranty=exact(self.warranty_share * under_warranty),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustFloor:
    """The grade of data trust that decides, and the least product of relativities that it allows."""

    grade: TrustGrade
    least: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargedRate:
    """The filed rate of some units as base x factors, and beside it the model's. `products` are the units' own, inside
    the bounds and above the floor: what each pays beside the others."""

    rate: float
    products: tuple[float, ...]
    base: float
    factors: tuple[Relativity, ...]
    filed: FiledPrice


def trend_of(annual: float, experience_middle: date, starts: date, ends: date) -> float:
    """How much dearer claims are in the middle of a cover than in the middle of the experience."""
    middle = starts + (ends - starts) / 2
    return float((1 + annual) ** ((middle - experience_middle).days / DAYS_A_YEAR))


def equipment_filing(
    artefact: InsuranceArtefact,
    values: Mapping[str, Any],
    *,
    filing_number: str,
    effective: date,
    partner: PartnerId | None = None,
) -> FiledEquipment:
    """The table of a model's card under a filing number, with the trend and the warranty's repair of the parameters.
    Raises NoTariffFiled where the card has none."""
    table = artefact.card.table
    if table is None:
        raise NoTariffFiled(
            f"Model {artefact.version[:12]} has no table of factors that could be filed.",
            hint="Train it again (millgrade train insurance), or file the table of another model: millgrade tariff",
        )
    repair = float(values["insurance_covers"][InsuranceProduct.EXTENDED_WARRANTY.value]["repair_share"])
    return FiledEquipment(
        product=InsuranceProduct.EQUIPMENT_UBI.value,
        filing_number=filing_number,
        effective=effective,
        base_rate=table.base_rate,
        lowest=table.lowest,
        highest=table.highest,
        factors=table.factors,
        model_version=artefact.version,
        cost_share=table.cost_share,
        large_loss_from=table.large_loss_from,
        large_loss_share=table.large_loss_share,
        annual_trend=float(values["insurance_build_up"]["annual_trend"]),
        experience_middle=table.experience_middle,
        warranty_share=round(min(1.0, repair / table.cost_share), RATE_DIGITS),
        partner=partner,
    )


def equipment_tariff(
    filings: Sequence[FiledEquipment],
    artefact: InsuranceArtefact,
    *,
    partner: PartnerId | None,
    as_of: datetime,
    values: Mapping[str, Any],
) -> FiledEquipment:
    """What equipment cover is charged by: the latest filing in force, else the promoted model's own table on trial.

    Raises TariffClash, and NoTariffFiled where nothing is filed and the model has no table.
    """
    found = in_force(filings, partner=partner, day=as_of.astimezone(RULES_ZONE).date())
    if found is not None:
        return found
    given = values["insurance_filings"][InsuranceProduct.EQUIPMENT_UBI.value]
    effective = date.fromisoformat(given["effective"])
    return equipment_filing(artefact, values, filing_number=given["filing_number"], effective=effective)


def in_force(filings: Sequence[FiledEquipment], *, partner: PartnerId | None, day: date) -> FiledEquipment | None:
    """The filing that counts on a day: the insurer's own latest effective one, else the latest of those for all.

    Raises TariffClash where two are effective on one day for the same insurer.
    """
    require_one_a_day(filings)
    begun = [filed for filed in filings if filed.effective <= day]
    own = [filed for filed in begun if filed.partner is not None and filed.partner == partner]
    return max(own or [filed for filed in begun if filed.partner is None], key=_effective, default=None)


def require_one_a_day(filings: Sequence[FiledEquipment]) -> None:
    """Raise TariffClash where two tables of the same product and insurer are effective on the same day."""
    seen: dict[tuple[str, str | None, date], FiledEquipment] = {}
    for filed in sorted(filings, key=lambda each: each.version):
        other = seen.setdefault((filed.product, filed.partner, filed.effective), filed)
        if other.version != filed.version:
            raise TariffClash(
                f"Filings {other.filing_number} ({other.version[:12]}) and {filed.filing_number} "
                f"({filed.version[:12]}) of {filed.product} are both effective on {filed.effective}.",
                hint="One table counts a day: file the later one with a later day, or for one insurer (--partner).",
            )


def _effective(filed: FiledEquipment) -> date:
    return filed.effective


def filed_cover(product: InsuranceProduct, values: Mapping[str, Any]) -> FiledCover:
    """The table of parameter `insurance_filings` for a product. A value that nobody knows is priced as the dearest
    band: withholding never helps."""
    given = values["insurance_filings"][product.value]
    table: dict[str, Any] = {
        "product": product.value,
        "filing_number": given["filing_number"],
        "effective": date.fromisoformat(given["effective"]),
        "base_rate": float(given["base_rate"]),
        "lowest": float(given["lowest"]),
        "highest": float(given["highest"]),
        "factors": tuple(_factor(factor) for factor in given["factors"]),
        "model_version": None,
        "cost_share": float(given["cost_share"]),
    }
    if "capital_in_place_of" in given:
        return FiledGuarantee(**table, capital_in_place_of=given["capital_in_place_of"])
    return FiledCover(**table)


def trust_floor(product: InsuranceProduct, trust: DataTrust, values: Mapping[str, Any]) -> TrustFloor:
    """What the trust in an obligor's data leaves of a discount: the floor filed for the grade that decides
    (`scoring.credit.trust_terms`), or for the level of attestation where that is higher."""
    terms = trust_terms(trust, values)
    given = values["insurance_filings"][product.value]["trust_floors"]
    return TrustFloor(grade=terms.grade, least=max(float(given[terms.grade.value]), float(given[terms.level.value])))


def charged(
    tariff: FiledCover, floor: TrustFloor, rows: Matrix, model_rates: Vector, *, model_version: ModelVersion
) -> ChargedRate:
    """The mean filed rate of units (machines, or the firm itself) with these inputs (n, k), whose model rates are (n)
    by the model of that version.

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
        products=held.units,
        base=tariff.base_rate,
        factors=(
            *(Relativity(name=name, relativity=float(mean)) for name, mean in zip(names, means, strict=True)),
            *held.factors,
            Relativity(name=FLEET_MIX, relativity=mix),
        ),
        filed=FiledPrice(
            filing_number=tariff.filing_number,
            tariff_version=tariff.version,
            effective=tariff.effective.isoformat(),
            distilled_from=tariff.model_version,
            is_of_model=None if tariff.model_version is None else tariff.model_version == model_version,
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """Mean product of relativities over units: as the table says, inside the bounds, above the floor as well; and this
    last one of each unit."""

    unbounded: float
    bounded: float
    units: tuple[float, ...]

    @property
    def product(self) -> float:
        """What is charged over the base, on average."""
        return float(np.mean(self.units))

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
        units=tuple(np.maximum(bounded, floor.least).tolist()),
    )


def _factor(given: Mapping[str, Any]) -> FiledFactor:
    known: Sequence[float] = [float(value) for value in given["relativities"]]
    relativities = (*known, max(known))
    banding = Banding(key=given["name"], kind="number", edges=tuple(float(start) for start in given["starts"]))
    assert len(relativities) == banding.bands, f"{given['name']} is filed with {len(known)} relativities"
    factor = Factor(banding=banding, coefficients=tuple(math.log(value) for value in relativities))
    return FiledFactor(factor=factor, relativities=relativities)
