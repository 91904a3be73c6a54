"""Granting, listing and withdrawing consents. What is granted or withdrawn counts from the next request on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from api.consents import repository as consents
from api.consents.repository import PLATFORM, Purpose
from api.database.tables import credit_decision, partner
from api.database.text import is_storable
from api.errors import InvalidConsent
from data_contracts.errors import NotFound
from data_contracts.identifiers import DecisionId, ObligorId

PARTNER_KINDS = {Purpose.CREDIT: "insurer", Purpose.INSURANCE: "bank"}
"""For each purpose the kind of partner that can never use it."""


ALL_STREAMS = ("*",)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentRequest:
    """What is to be granted: to whom, for what, to which streams, until when, shown by which document (SHA-256); to an
    insurer perhaps with a decision of a lender, whose facility it is to guarantee."""

    obligor_id: ObligorId
    recipient: str
    purpose: Purpose
    streams: Sequence[str]
    expires_time: datetime | None
    evidence: str | None
    decision_id: DecisionId | None = None


def grant(connection: sa.Connection, request: ConsentRequest, *, mark: str, now: datetime) -> dict[str, Any]:
    """Record a consent; `mark` says how it was given. Raises NotFound (obligor, recipient, decision), InvalidConsent.

    A consent narrowed to some streams is refused: features mix them, so that it would promise what is not kept.
    """
    if not consents.is_registered(connection, request.obligor_id):
        raise NotFound(f"No obligor {request.obligor_id} is known here.")
    if tuple(request.streams) != ALL_STREAMS:
        raise InvalidConsent(
            f"The consent names the streams {', '.join(map(repr, request.streams))}.",
            hint="A consent covers all streams: leave streams out, or send ['*'].",
        )
    _check_recipient(connection, request)
    _check_decision(connection, request)
    if request.expires_time is not None and request.expires_time <= now:
        raise InvalidConsent(
            f"The consent would have expired at {request.expires_time.isoformat()}.", hint="Name a later expires_time."
        )
    named = request.decision_id
    row = consents.insert(
        connection,
        obligor_id=request.obligor_id,
        recipient=request.recipient,
        purpose=request.purpose,
        streams=[*request.streams, *([] if named is None else [consents.decision_stream(named)])],
        granted_time=now,
        expires_time=request.expires_time,
        mark=mark,
        evidence=request.evidence,
    )
    return plain_consent(row, now=now)


def withdraw(connection: sa.Connection, consent_id: str, *, now: datetime) -> dict[str, Any]:
    """End a consent; withdrawing again changes nothing. Raises NotFound."""
    return plain_consent(consents.withdraw(connection, consent_id, now=now), now=now)


def plain_consent(row: sa.Row[Any], *, now: datetime) -> dict[str, Any]:
    """A consent as it is answered."""
    expired = row.expires_time is not None and row.expires_time <= now
    return {
        "consent_id": row.consent_id,
        "obligor_id": row.obligor_id,
        "recipient": row.recipient,
        "purpose": row.purpose,
        "streams": row.streams,
        "granted_time": row.granted_time.isoformat(),
        "expires_time": row.expires_time.isoformat() if row.expires_time else None,
        "withdrawn_time": row.withdrawn_time.isoformat() if row.withdrawn_time else None,
        "is_in_force": row.withdrawn_time is None and not expired,
        "mark": row.mark,
        "evidence": row.evidence,
    }


def _check_recipient(connection: sa.Connection, request: ConsentRequest) -> None:
    if (request.purpose is Purpose.PLATFORM) != (request.recipient == PLATFORM):
        raise InvalidConsent(
            f"The purpose {request.purpose.value} was asked for the recipient {request.recipient!r}.",
            hint=f"The purpose platform has the recipient {PLATFORM!r}; credit and insurance name a partner.",
        )
    if request.purpose is Purpose.PLATFORM:
        return
    kind = connection.scalar(sa.select(partner.c.kind).where(partner.c.partner_id == request.recipient))
    if kind is None:
        raise NotFound(f"No partner {request.recipient!r} is known here.")
    if kind == PARTNER_KINDS[request.purpose]:
        raise InvalidConsent(
            f"{request.recipient!r} is of the kind {kind}, which has no use for {request.purpose.value}.",
            hint="A bank is granted credit, an insurer insurance.",
        )


def _check_decision(connection: sa.Connection, request: ConsentRequest) -> None:
    """Raise NotFound unless the decision that a consent names is about the obligor who gives it."""
    if request.decision_id is None:
        return
    if request.purpose is not Purpose.INSURANCE:
        raise InvalidConsent(
            f"The consent names a decision for the purpose {request.purpose.value}.",
            hint="A decision is named to an insurer that guarantees its facility.",
        )
    asked = sa.select(credit_decision.c.obligor_id).where(credit_decision.c.decision_id == request.decision_id)
    if not is_storable(request.decision_id) or connection.scalar(asked) != request.obligor_id:
        raise NotFound(f"No decision {request.decision_id!r} is stored here.")
