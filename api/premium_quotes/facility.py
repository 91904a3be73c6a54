"""The facility behind a guarantee, as the decision that approved it priced it."""

from __future__ import annotations

import json

import sqlalchemy as sa

from api.credit_decisions import repository as decisions
from api.database.text import is_storable
from api.premium_quotes.question import CoverQuestion
from data_contracts.errors import NotFound
from data_contracts.identifiers import PartnerId
from scoring.errors import InvalidRequest
from scoring.records import DecidedFacility, InsuranceProduct, Outcome


def decided_facility(
    connection: sa.Connection, question: CoverQuestion, *, partner: PartnerId, livemode: bool
) -> DecidedFacility | None:
    """Loss given default, amount and tenor of the partner's own decision; None where the question names none.

    Raises NotFound for a decision of another partner or obligor, as for one that is not kept, and InvalidRequest for
    another product than a guarantee and for a decision that did not approve.
    """
    if question.decision_id is None:
        return None
    missing = f"No decision {question.decision_id!r} is stored here."
    if not is_storable(question.decision_id):
        raise NotFound(missing)
    row = decisions.load(connection, question.decision_id)
    body = json.loads(row.body)
    if (row.partner_id, row.obligor_id, body["livemode"]) != (partner, question.obligor_id, livemode):
        raise NotFound(missing)
    if question.product is not InsuranceProduct.GUARANTEE or row.outcome != Outcome.APPROVE.value:
        raise InvalidRequest(
            f"Decision {question.decision_id} is {row.outcome}, and the cover asked for {question.product.value}.",
            hint="A decision that approved stands behind a guarantee of its facility.",
        )
    return DecidedFacility(
        decision_id=question.decision_id,
        lgd_ratio=body["lgd_ratio"],
        exposure_at_default_minor=body["exposure_at_default_minor"],
        currency=body["currency"],
        tenor_months=body["tenor_months"],
    )
