"""Applying for finance: filed, shown to the lenders that the manufacturer names, and withdrawn by it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from api.consents import repository as consents
from api.consents.repository import Purpose
from api.database.tables import partner
from api.matching import repository as applications
from data_contracts.errors import NotFound
from data_contracts.identifiers import ObligorId, PartnerId
from scoring.errors import InvalidRequest
from scoring.records import CreditProduct


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationRequest:
    """What a manufacturer would borrow, to whom it may be shown, and until when."""

    obligor_id: ObligorId
    product: CreditProduct
    amount_minor: int
    currency: str
    tenor_months: int
    shown_to: Sequence[PartnerId]
    expires_time: datetime


def file(connection: sa.Connection, request: ApplicationRequest, *, livemode: bool, now: datetime) -> dict[str, Any]:
    """Keep an application. Raises NotFound for a lender that is not known, InvalidRequest for a partner that does not
    lend, one named twice, or an end that is over."""
    _check(connection, request, now=now)
    row = {
        "application_id": uuid4().hex,
        "obligor_id": request.obligor_id,
        "product": request.product.value,
        "amount_minor": request.amount_minor,
        "currency": request.currency,
        "tenor_months": request.tenor_months,
        "livemode": livemode,
        "filed_time": now,
        "expires_time": request.expires_time,
    }
    applications.append(connection, row, lenders=request.shown_to)
    return told(connection, [applications.load(connection, str(row["application_id"]))], now=now)[0]


def withdraw(connection: sa.Connection, application_id: str, *, now: datetime) -> dict[str, Any]:
    """End an application; withdrawing again changes nothing. Raises NotFound."""
    applications.withdraw(connection, application_id, now=now)
    return told(connection, [applications.load(connection, application_id)], now=now)[0]


def told(connection: sa.Connection, rows: Sequence[sa.Row[Any]], *, now: datetime) -> list[dict[str, Any]]:
    """Applications as their manufacturer is told of them: whether each lender may see it yet is a matter of consent."""
    lenders = applications.lenders_of(connection, [row.application_id for row in rows])
    return [
        {
            **plain_application(row, now=now),
            "shown_to": [
                {"partner_id": name, "has_consent": _has_consent(connection, row, name, now=now)}
                for name in lenders[row.application_id]
            ],
        }
        for row in rows
    ]


def plain_application(row: sa.Row[Any], *, now: datetime) -> dict[str, Any]:
    """An application without whom else it is shown to, which is nobody's business but the manufacturer's."""
    return {
        "application_id": row.application_id,
        "obligor_id": row.obligor_id,
        "product": row.product,
        "amount_minor": row.amount_minor,
        "currency": row.currency,
        "tenor_months": row.tenor_months,
        "filed_time": row.filed_time.isoformat(),
        "expires_time": row.expires_time.isoformat(),
        "withdrawn_time": row.withdrawn_time.isoformat() if row.withdrawn_time else None,
        "is_open": applications.is_open(row, now=now),
    }


def _has_consent(connection: sa.Connection, row: sa.Row[Any], lender: PartnerId, *, now: datetime) -> bool:
    obligor_id = ObligorId(row.obligor_id)
    return bool(
        consents.in_force(
            connection, obligor_id, recipient=lender, purpose=Purpose.CREDIT, now=now, livemode=row.livemode
        )
    )


def _check(connection: sa.Connection, request: ApplicationRequest, *, now: datetime) -> None:
    if len(set(request.shown_to)) != len(request.shown_to):
        raise InvalidRequest("A lender is named twice.", hint="Name each lender once.")
    if request.expires_time <= now:
        raise InvalidRequest(
            f"The application would have expired at {request.expires_time.isoformat()}.",
            hint="Name a later expires_time.",
        )
    for lender in request.shown_to:
        kind = connection.scalar(sa.select(partner.c.kind).where(partner.c.partner_id == lender))
        if kind is None:
            raise NotFound(f"No partner {lender!r} is known here.")
        if kind == "insurer":
            raise InvalidRequest(f"{lender!r} is an insurer and does not lend.", hint="Name banks.")
