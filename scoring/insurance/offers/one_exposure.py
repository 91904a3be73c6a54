"""One exposure under a loan and four covers: every price from the same snapshot, each loss borne by one of them.

The loan and its guarantee share one curve of default, one loss given default and one course of what is owed. Equipment
cover and warranty share one frequency of claims and the same hours: of `repairs_a_claim` failures one does the damage
that equipment cover is for, and of that damage the warranty bears the repair, as `coherence.PAYS_FIRST` orders it.
What is left beside the other covers is what a cover costs whoever holds them all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_contracts.reference.dated import ParameterBook
from features.snapshot import FeatureSnapshot
from scoring.credit.artefact import CreditArtefact
from scoring.credit.capital import effective_maturity_years
from scoring.credit.collateral import collateral
from scoring.credit.loss import loss_terms
from scoring.credit.price import price, price_extras, price_inputs
from scoring.credit.score import score
from scoring.credit.trust_terms import trust_terms
from scoring.insurance.artefact import InsuranceArtefact
from scoring.insurance.build_up import Loadings, bill_of_risk
from scoring.insurance.coherence import Peril
from scoring.insurance.filed import FiledEquipment, trend_of
from scoring.insurance.frequency import fleet_frequency
from scoring.insurance.guarantee import (
    CoveredFacility,
    GuaranteePrice,
    GuaranteeTerms,
    NoArbitrage,
    guarantee_price,
    no_arbitrage,
)
from scoring.insurance.offers.guarantee import guarantee_terms, repaid_evenly
from scoring.insurance.offers.idle import idle_price
from scoring.insurance.offers.risk import DAYS_A_YEAR
from scoring.insurance.offers.warranty import warranty_risk
from scoring.insurance.premium import check_request, claim_severity, cover_days, covered_machines, loadings
from scoring.money import ONE_MINOR_UNIT, apportion, exact, to_minor
from scoring.records import CreditRequest, InsuranceProduct, Price, QuoteRequest, ScoreRecord

Vector = NDArray[np.float64]


class Bearer(StrEnum):
    """Who bears a loss: the lender, one of the covers, or the obligor by its counter-indemnity."""

    LOAN = "loan"
    GUARANTEE = "guarantee"
    EQUIPMENT_UBI = "equipment_ubi"
    EXTENDED_WARRANTY = "extended_warranty"
    IDLE_COVER = "idle_cover"
    OBLIGOR = "obligor"


@dataclass(frozen=True, slots=True, kw_only=True)
class OneExposure:
    """What is asked about a firm: its loan, and covers of all its machines and of a season's fixed cost (minor units of
    the loan's currency) on the days `starts` to `ends`. The loan's guarantee runs as long as the loan."""

    loan: CreditRequest
    equipment_minor: int
    fixed_cost_minor: int
    starts: date
    ends: date

    def cover(self, product: InsuranceProduct) -> QuoteRequest:
        """The question about one of its covers."""
        is_idle = product is InsuranceProduct.IDLE_COVER
        return QuoteRequest(
            obligor_id=self.loan.obligor_id,
            product=product,
            sum_insured_minor=self.fixed_cost_minor if is_idle else self.equipment_minor,
            currency=self.loan.currency,
            starts=self.starts,
            ends=self.ends,
            machines=(),
            as_of=self.loan.as_of,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LossPart:
    """A part of the expected loss by one peril, and who bears it (minor units, as the cover discounts it)."""

    name: str
    peril: Peril
    bearer: Bearer
    expected_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverPrice:
    """A cover held with the others and held alone: expected loss, the margin or tail load on it, and the premium, in
    minor units. These are the models' prices; what is charged is the filed tariff's."""

    bearer: Bearer
    expected_minor: int
    margin_minor: int
    premium_minor: int
    alone_expected_minor: int
    alone_premium_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposurePrices:
    """The loan's rate, the covers' prices, and which part of each peril's expected loss who bears."""

    record: ScoreRecord
    lgd: Decimal
    exposures_minor: Sequence[int]
    loan_rate: Decimal
    claim_frequency: float
    parts: tuple[LossPart, ...]
    covers: tuple[CoverPrice, ...]
    no_arbitrage: NoArbitrage

    def loss_minor(self, peril: Peril) -> int:
        """What a peril is expected to cost all its bearers together."""
        return sum(part.expected_minor for part in self.parts if part.peril is peril)


def price_exposure(
    snapshot: FeatureSnapshot,
    asked: OneExposure,
    *,
    credit: CreditArtefact,
    insurance: InsuranceArtefact,
    parameters: ParameterBook,
    filed: FiledEquipment | None = None,
) -> ExposurePrices:
    """Price the loan and all covers of one exposure from one snapshot. Damage grows by the trend of the table in force
    (`filed`), or of the promoted model's own, as what is charged does.

    Raises as the quotes of the covers do, and InvalidRequest for a loan beyond the curve of default.
    """
    lending = _lending(snapshot, asked, credit, parameters)
    machines = _machines(snapshot, asked, insurance, parameters, filed)
    idle = idle_price(snapshot, asked.cover(InsuranceProduct.IDLE_COVER), parameters)
    slump = exact(float(idle.expected_minor[0]))
    parts = (
        *_default_parts(lending),
        *machines.parts(),
        LossPart(name="slump", peril=Peril.SLUMP, bearer=Bearer.IDLE_COVER, expected_minor=to_minor(slump)),
    )
    load = loadings(asked.loan.currency, parameters.at(asked.loan.as_of))
    default = exact(sum(lending.guarantee.monthly_loss_minor))
    return ExposurePrices(
        record=lending.record,
        lgd=lending.price.lgd_ratio,
        exposures_minor=lending.facility.exposures_minor,
        loan_rate=lending.price.annual_rate_ratio,
        claim_frequency=machines.frequency,
        parts=parts,
        covers=(
            _cover(Bearer.GUARANTEE, parts, lending.terms.loadings, alone=default, margin=lending.margin(default)),
            _cover(Bearer.EQUIPMENT_UBI, parts, load, alone=exact(float(machines.damage.sum()))),
            _cover(Bearer.EXTENDED_WARRANTY, parts, load, alone=exact(float(machines.repairs.sum()))),
            _cover(Bearer.IDLE_COVER, parts, load, alone=slump, margin=exact(float(idle.tail_load_minor[0]))),
        ),
        no_arbitrage=lending.no_arbitrage,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lending:
    """The loan and its guarantee on one curve, one loss given default and one course of what is owed."""

    record: ScoreRecord
    price: Price
    facility: CoveredFacility
    guarantee: GuaranteePrice
    terms: GuaranteeTerms
    no_arbitrage: NoArbitrage

    def margin(self, expected: Decimal) -> Decimal:
        """What the guarantor asks beyond the expected loss: a share of it, and the cost of its capital."""
        return expected * self.terms.risk_margin + self.guarantee.capital_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class _Machines:
    """Of each machine (n), in minor units: what equipment cover alone is expected to pay, what the warranty is, and the
    part of the damage that is a repair of the warranty's. `frequency` is claims a machine-year, the mean of all."""

    frequency: float
    damage: Vector
    repairs: Vector
    first: Vector

    def parts(self) -> tuple[LossPart, ...]:
        """Repairs without damage, the repair within damage, and the damage beyond it: each of one cover, summing to the
        rounded whole."""
        first = exact(float(self.first.sum()))
        shares = {
            "repairs": (Bearer.EXTENDED_WARRANTY, exact(float(self.repairs.sum())) - first),
            "repair_within_damage": (Bearer.EXTENDED_WARRANTY, first),
            "damage_beyond_repair": (Bearer.EQUIPMENT_UBI, exact(float(self.damage.sum())) - first),
        }
        return _shared_out(Peril.BREAKDOWN, shares)


def _lending(
    snapshot: FeatureSnapshot, asked: OneExposure, credit: CreditArtefact, parameters: ParameterBook
) -> _Lending:
    values, loan = parameters.at(asked.loan.as_of), asked.loan
    terms = values["insurance_covers"]["guarantee"]
    record, trust = score(snapshot, credit, parameters), trust_terms(snapshot.data_trust, values)
    loss = loss_terms(loan.product, collateral(snapshot, loan, values), values)
    asked_price = price(record, loan, loss, trust, values)
    facility = repaid_evenly(loan.amount_minor, months=loan.tenor_months, lgd=float(asked_price.lgd_ratio), terms=terms)
    asked_terms = guarantee_terms(facility, pd_12m=record.pd_12m, currency=loan.currency, values=values)
    guarantee = guarantee_price(record.term_structure, facility, asked_terms)
    return _Lending(
        record=record,
        price=asked_price,
        facility=facility,
        guarantee=guarantee,
        terms=asked_terms,
        no_arbitrage=no_arbitrage(
            guarantee,
            record.term_structure,
            facility,
            pd_12m=record.pd_12m,
            inputs=price_inputs(values["price_inputs"], maturity_years=effective_maturity_years(loan.tenor_months)),
            extras=price_extras(trust, values),
        ),
    )


def _machines(
    snapshot: FeatureSnapshot,
    asked: OneExposure,
    insurance: InsuranceArtefact,
    parameters: ParameterBook,
    filed: FiledEquipment | None,
) -> _Machines:
    values, equipment = parameters.at(asked.loan.as_of), asked.cover(InsuranceProduct.EQUIPMENT_UBI)
    check_request(snapshot, equipment, values)
    covered = covered_machines(snapshot, equipment)
    fleet = fleet_frequency(snapshot, covered, insurance)
    cost = claim_severity(
        damage_ratio=insurance.card.damage_ratio, sum_insured_minor=asked.equipment_minor, machines=len(covered)
    )
    claims = np.array([machine.claim_frequency_per_machine_year for machine in fleet.machines])
    today = claims * cost * cover_days(asked.starts, asked.ends) / DAYS_A_YEAR
    damage = today * _trend(asked, insurance, values, filed)
    warranty = warranty_risk(snapshot, asked.cover(InsuranceProduct.EXTENDED_WARRANTY), insurance, parameters)
    repairs_a_claim = values["insurance_covers"]["extended_warranty"]["repairs_a_claim"]
    return _Machines(
        frequency=fleet.claim_frequency_per_machine_year,
        damage=damage,
        repairs=warranty.expected_minor,
        first=np.minimum(warranty.expected_minor / max(repairs_a_claim, 1.0), damage),
    )


def _trend(
    asked: OneExposure, insurance: InsuranceArtefact, values: Mapping[str, Any], filed: FiledEquipment | None
) -> float:
    """How much dearer a claim on equipment is in the cover than in the experience; 1 for a model of before, whose card
    does not say when its experience was. A warranty's repairs grow by its own inflation."""
    if filed is not None:
        return trend_of(filed.annual_trend, filed.experience_middle, asked.starts, asked.ends)
    table = insurance.card.table
    if table is None:
        return 1.0
    annual = float(values["insurance_build_up"]["annual_trend"])
    return trend_of(annual, table.experience_middle, asked.starts, asked.ends)


def _default_parts(lending: _Lending) -> tuple[LossPart, ...]:
    """The loss of a default by who bears it, on the whole of what is owed and at one discount."""
    facility = lending.facility
    whole_terms = replace(facility, covered_share=1.0, recovered_share=0.0)
    nothing = Loadings(variable={}, fixed_minor=0)
    priced = guarantee_price(
        lending.record.term_structure, whole_terms, GuaranteeTerms(risk_margin=Decimal(0), loadings=nothing)
    )
    whole, covered = exact(sum(priced.monthly_loss_minor)), exact(facility.covered_share)
    recovered = exact(facility.recovered_share)
    shares = {
        "default_guaranteed": (Bearer.GUARANTEE, whole * covered * (1 - recovered)),
        "default_recovered": (Bearer.OBLIGOR, whole * covered * recovered),
        "default_kept": (Bearer.LOAN, whole * (1 - covered)),
    }
    return _shared_out(Peril.DEFAULT, shares)


def _shared_out(peril: Peril, shares: Mapping[str, tuple[Bearer, Decimal]]) -> tuple[LossPart, ...]:
    """Exact shares of a peril's loss in whole minor units that sum to the rounded whole; those of nothing left out."""
    exacts = [amount for _, amount in shares.values()]
    amounts = apportion(exacts, total=Decimal(to_minor(sum(exacts, Decimal(0)))), step=ONE_MINOR_UNIT)
    return tuple(
        LossPart(name=name, peril=peril, bearer=bearer, expected_minor=int(amount))
        for (name, (bearer, share)), amount in zip(shares.items(), amounts, strict=True)
        if share
    )


def _cover(
    bearer: Bearer, parts: Sequence[LossPart], load: Loadings, *, alone: Decimal, margin: Decimal = Decimal(0)
) -> CoverPrice:
    """A cover's price held with the others, and held `alone`; its `margin` on the risk is the same in both."""
    kept = sum(part.expected_minor for part in parts if part.bearer is bearer)
    whole = to_minor(alone)
    return CoverPrice(
        bearer=bearer,
        expected_minor=kept,
        margin_minor=to_minor(margin),
        premium_minor=bill_of_risk(kept + margin, loadings=load).gross_premium_minor,
        alone_expected_minor=whole,
        alone_premium_minor=bill_of_risk(whole + margin, loadings=load).gross_premium_minor,
    )
