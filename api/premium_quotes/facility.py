"""The facility behind a guarantee, as the decision that approved it priced it: the partner's own, or one of a lender
that the obligor's consent names to this insurer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from api.consents import repository as consents
from api.credit_decisions import repository as decisions
from api.database.text import is_storable
from api.premium_quotes.question import CoverQuestion
from data_contracts.errors import NotFound
from data_contracts.identifiers import ModelVersion, PartnerId
from data_contracts.vocabulary import DataOrigin
from scoring.cover_basis import DecidedFacility
from scoring.errors import InvalidRequest
from scoring.insurance.offers.guarantee import Hazard
from scoring.records import InsuranceProduct, Outcome, Reason, TermStructure


@dataclass(frozen=True, slots=True, kw_only=True)
class Referred:
    """A facility as it was decided; of a lender's decision also the hazard that it rests on, and the consents that name
    it. The insurer then sees no more of the obligor's credit than that."""

    facility: DecidedFacility
    hazard: Hazard | None
    consent_ids: Sequence[str]


def decided_facility(
    connection: sa.Connection, question: CoverQuestion, *, partner: PartnerId, now: datetime, livemode: bool
) -> Referred | None:
    """What the decision that a question names says; None where it names none.

    Raises NotFound for a decision of another partner that no consent names, and of another obligor, as for one that is
    not kept; InvalidRequest for another product than a guarantee and for a decision that did not approve.
    """
    if question.decision_id is None:
        return None
    missing = f"No decision {question.decision_id!r} is stored here."
    if not is_storable(question.decision_id):
        raise NotFound(missing)
    row = decisions.load(connection, question.decision_id)
    body = json.loads(row.body)
    is_own, named = row.partner_id == partner, list[str]()
    if not is_own:
        named = consents.naming(
            connection, question.obligor_id, question.decision_id, recipient=partner, now=now, livemode=livemode
        )
    if (row.obligor_id, body["livemode"]) != (question.obligor_id, livemode) or not (is_own or named):
        raise NotFound(missing)
    if question.product is not InsuranceProduct.GUARANTEE or row.outcome != Outcome.APPROVE.value:
        raise InvalidRequest(
            f"Decision {question.decision_id} is {row.outcome}, and the cover asked for {question.product.value}.",
            hint="A decision that approved stands behind a guarantee of its facility.",
        )
    facility = DecidedFacility(
        decision_id=question.decision_id,
        lgd_ratio=body["lgd_ratio"],
        exposure_at_default_minor=body["exposure_at_default_minor"],
        currency=body["currency"],
        tenor_months=body["tenor_months"],
    )
    return Referred(facility=facility, hazard=None if is_own else _hazard(body), consent_ids=named)


def _hazard(body: dict[str, Any]) -> Hazard:
    """The score that a decision rests on, as the decision tells it."""
    curve = body["term_structure"]
    return Hazard(
        pd_12m=body["pd_12m"],
        rating_grade=body["rating_grade"],
        term_structure=TermStructure(
            cumulative_pd=tuple(curve["cumulative_pd"]), observed_months=curve["observed_months"]
        ),
        reasons=tuple(Reason(**reason) for reason in body["reasons"]),
        model_version=ModelVersion(body["model_version"]),
        data_origin=DataOrigin(body["data_origin"]),
    )
