"""One exposure under a loan and four covers: load, price together, tell. Nothing is kept: it is no offer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from api.consents import repository as consents
from api.consents.repository import Purpose
from api.home import Home
from api.models import service as models
from api.models.filings import filed_equipment
from api.partners import repository as partners
from api.snapshots.service import take_snapshot
from data_contracts.identifiers import PartnerId
from data_contracts.reference.dated import RULES_ZONE
from scoring.insurance.coherence import Peril
from scoring.insurance.filed import in_force
from scoring.insurance.guarantee import NoArbitrage
from scoring.insurance.offers.one_exposure import Bearer, ExposurePrices, OneExposure, price_exposure
from scoring.insurance.offers.work import with_work

WORK_TIMES = (0.9, 1.0, 1.1)
"""How much the machines work beside what they do: what moves one price is seen in all of them."""


def coherence(
    connection: sa.Connection, home: Home, asked: OneExposure, *, partner: PartnerId, now: datetime
) -> dict[str, Any]:
    """Prices of one exposure, each loss with who bears it, and the same with a tenth less and more work.

    Raises NotFound, ConsentMissing (the partner's for credit and for insurance), NoModel, TariffClash; and as quotes.
    """
    obligor = asked.loan.obligor_id
    partners.require(connection, partner)
    for purpose in (Purpose.CREDIT, Purpose.INSURANCE):
        consents.require(connection, obligor, recipient=partner, purpose=purpose, now=now, livemode=False)
    credit, insurance = models.promoted_credit(home), models.promoted_insurance(home)
    parameters = models.scoring_parameters()
    snapshot = take_snapshot(connection, home, obligor, as_of=asked.loan.as_of, now=now)
    day = asked.loan.as_of.astimezone(RULES_ZONE).date()
    filed = in_force(filed_equipment(home), partner=partner, day=day)
    priced = {
        times: price_exposure(
            with_work(snapshot, times), asked, credit=credit, insurance=insurance, parameters=parameters, filed=filed
        )
        for times in WORK_TIMES
    }
    return {
        "obligor_id": obligor,
        "as_of": asked.loan.as_of.isoformat(),
        "currency": asked.loan.currency,
        **plain_exposure(priced[1.0]),
        "work": [work_line(times, found) for times, found in priced.items()],
        "models": {"credit": credit.version, "insurance": insurance.version},
        "parameters_version": parameters.version,
        "snapshot_id": snapshot.snapshot_id,
        "data_origin": priced[1.0].record.data_origin.value,
        "livemode": False,
    }


def plain_exposure(found: ExposurePrices) -> dict[str, Any]:
    """Prices and losses as they are answered, in minor units."""
    return {
        "pd_12m": found.record.pd_12m,
        "lifetime_pd": found.record.term_structure.pd(len(found.exposures_minor)),
        "rating_grade": found.record.rating_grade,
        "lgd_ratio": float(found.lgd),
        "exposures_minor": list(found.exposures_minor),
        "claim_frequency_per_machine_year": found.claim_frequency,
        "loan": _loan(found.no_arbitrage, found),
        "covers": [asdict(cover) for cover in found.covers],
        "losses": [_loss(peril, found) for peril in dict.fromkeys(part.peril for part in found.parts)],
        "borne_minor": {
            bearer: sum(part.expected_minor for part in found.parts if part.bearer is bearer) for bearer in Bearer
        },
    }


def work_line(times: float, found: ExposurePrices) -> dict[str, Any]:
    """What moves with work: the chance of default and the loan's rate one way, claims and repairs the other."""
    premiums: Mapping[str, int] = {cover.bearer: cover.premium_minor for cover in found.covers}
    return {
        "times": times,
        "pd_12m": found.record.pd_12m,
        "loan_rate_ratio": float(found.loan_rate),
        "claim_frequency_per_machine_year": found.claim_frequency,
        "premiums_minor": dict(premiums),
    }


def _loan(checked: NoArbitrage, found: ExposurePrices) -> dict[str, Any]:
    return {
        "annual_rate_ratio": float(found.loan_rate),
        "rate_guaranteed_ratio": float(checked.rate_guaranteed),
        "saved_ratio": float(checked.saved),
        "capital_saved_ratio": float(checked.capital_saved),
        "guarantee_rate_ratio": float(checked.premium_rate),
        "gap_ratio": float(checked.gap),
        "guarantee_covers_expected_loss": checked.covers_expected_loss,
    }


def _loss(peril: Peril, found: ExposurePrices) -> dict[str, Any]:
    parts = [part for part in found.parts if part.peril is peril]
    told = [{"name": part.name, "bearer": part.bearer, "expected_minor": part.expected_minor} for part in parts]
    return {"peril": peril, "expected_minor": found.loss_minor(peril), "parts": told}
