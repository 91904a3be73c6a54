"""Consents: granted and withdrawn by the obligor (or declared by the operator), seen by their recipient."""

from __future__ import annotations

from typing import Annotated, Any, NoReturn

import sqlalchemy as sa
from fastapi import APIRouter, Query
from starlette.responses import Response

from api.consents import repository as consents
from api.consents import service
from api.consents.access import require_visible
from api.consents.repository import NOT_FOR_LIVE, OBLIGOR_GRANTED, OBLIGOR_TEST, OPERATOR_DECLARED
from api.consents.schemas import ConsentAnswer, ConsentGrant, ConsentList
from api.consents.service import ConsentRequest, plain_consent
from api.database.text import is_storable
from api.http.call import Call, Work, reading, writing
from api.http.documents import documented, json_body
from api.http.idempotency import Answer
from api.http.paging import DEFAULT_LIMIT, Cursor, Limit, Place, decode_cursor, page_of
from api.http.shapes import OBLIGOR_ID_PATTERN
from api.keys.principal import PARTNER_ROLES, Principal, Role
from data_contracts.errors import NotFound
from data_contracts.identifiers import DecisionId, ObligorId
from data_contracts.observations.tables import from_microseconds, to_microseconds

GRANTERS = (Role.OBLIGOR, Role.OPERATOR)
READERS = (Role.BANK, Role.INSURER, Role.OBLIGOR, Role.OPERATOR)

router = APIRouter()


@router.post(
    "/v1/consents",
    **documented(
        "createConsent",
        tag="consents",
        summary="Let a partner, or the platform, work with an obligor's data for one purpose.",
        roles=GRANTERS,
        answer=ConsentAnswer,
        status=201,
        problems=(404,),
        body=json_body(ConsentGrant, "createConsent"),
    ),
)
def create_consent(call: Annotated[Call, writing(*GRANTERS)]) -> Response:
    """Grant a consent."""
    with call.begin() as work:
        asked = call.parse(ConsentGrant)
        owner = require_visible(work.connection, work.principal, asked.obligor_id, now=work.now)
        return work.once(lambda: _grant(work, owner, asked))


@router.get(
    "/v1/consents",
    **documented(
        "listConsents",
        tag="consents",
        summary="The consents that the key's owner gave, or was given.",
        roles=READERS,
        answer=ConsentList,
        problems=(404,),
    ),
)
def list_consents(
    call: Annotated[Call, reading(*READERS)],
    obligor_id: Annotated[
        str | None, Query(pattern=OBLIGOR_ID_PATTERN, description="Only those of this obligor.")
    ] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Response:
    """A page of consents."""
    with call.begin() as work:
        place = decode_cursor(cursor, int, str)
        rows = consents.page(
            work.connection,
            obligor_id=_whose(work, obligor_id),
            recipient=work.principal.partner_id,
            after=None if place is None else (from_microseconds(int(place[0])), str(place[1])),
            limit=limit + 1,
        )
        return work.page(page_of(rows, limit=limit, place=_place, plain=lambda row: plain_consent(row, now=work.now)))


@router.get(
    "/v1/consents/{consent_id}",
    **documented(
        "getConsent", tag="consents", summary="One consent.", roles=READERS, answer=ConsentAnswer, problems=(404,)
    ),
)
def get_consent(consent_id: str, call: Annotated[Call, reading(*READERS)]) -> Response:
    """A consent."""
    with call.begin() as work:
        row = _require_readable(work, consent_id)
        return work.answer({"consent": plain_consent(row, now=work.now)})


@router.delete(
    "/v1/consents/{consent_id}",
    **documented(
        "withdrawConsent",
        tag="consents",
        summary="Withdraw a consent; it ends at once, and withdrawing again changes nothing.",
        roles=GRANTERS,
        answer=ConsentAnswer,
        problems=(404,),
    ),
)
def withdraw_consent(consent_id: str, call: Annotated[Call, reading(*GRANTERS)]) -> Response:
    """End a consent."""
    with call.begin() as work:
        row = _require_readable(work, consent_id)
        if not work.principal.livemode and row.mark not in NOT_FOR_LIVE:
            _absent()  # what counts for live is none of a test key's
        return work.answer({"consent": service.withdraw(work.connection, consent_id, now=work.now)})


def _grant(work: Work, obligor_id: ObligorId, asked: ConsentGrant) -> Answer:
    request = ConsentRequest(
        obligor_id=obligor_id,
        recipient=asked.recipient,
        purpose=asked.purpose,
        streams=asked.streams,
        expires_time=asked.expires_time,
        evidence=asked.evidence,
        decision_id=None if asked.decision_id is None else DecisionId(asked.decision_id),
    )
    granted = service.grant(work.connection, request, mark=_mark(work.principal), now=work.now)
    return work.plain({"consent": granted}, status=201)


def _mark(principal: Principal) -> str:
    """How a consent that this key grants was given."""
    if principal.role is Role.OPERATOR:
        return OPERATOR_DECLARED
    return OBLIGOR_GRANTED if principal.livemode else OBLIGOR_TEST


def _whose(work: Work, obligor_id: str | None) -> ObligorId | None:
    """Whose consents to list: the obligor's own, those of the one asked for, or everybody's."""
    if work.principal.obligor_id is not None and obligor_id is None:
        return work.principal.obligor_id
    if obligor_id is None:
        return None
    if work.principal.role in PARTNER_ROLES:
        return ObligorId(obligor_id)  # only what is addressed to the partner is listed, whoever gave it
    return require_visible(work.connection, work.principal, obligor_id, now=work.now)


def _require_readable(work: Work, consent_id: str) -> sa.Row[Any]:
    """The consent, if it is the key owner's to see. Raises NotFound, whether it is hidden or absent."""
    if not is_storable(consent_id):
        _absent()
    row, principal = consents.load(work.connection, consent_id), work.principal
    is_given = principal.obligor_id is not None and row.obligor_id == principal.obligor_id
    is_received = principal.partner_id is not None and row.recipient == principal.partner_id
    if not (is_given or is_received or principal.role is Role.OPERATOR):
        _absent()
    return row


def _absent() -> NoReturn:
    raise NotFound("No such consent is kept here.")


def _place(row: sa.Row[Any]) -> Place:
    return [to_microseconds(row.granted_time), row.consent_id]
