"""Pledges: reserved, confirmed and released by a bank; seen by it and by the obligor."""

from __future__ import annotations

from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter
from starlette.responses import Response

from api.consents.access import require_visible, visible_obligors
from api.http.call import Call, Work, reading, writing
from api.http.documents import documented, json_body
from api.http.idempotency import Answer
from api.http.paging import DEFAULT_LIMIT, Cursor, Limit, Place, decode_cursor, page_of
from api.keys.principal import Role
from api.pledges import access, service
from api.pledges import repository as pledges
from api.pledges.schemas import (
    HoursAsked,
    InvoiceAsked,
    ItemAsked,
    MachineAsked,
    OrderAsked,
    PaperAsked,
    PledgeAnswer,
    PledgeAsked,
    PledgeConfirmed,
    PledgeList,
)
from data_contracts.identifiers import ObligorId
from data_contracts.observations.tables import from_microseconds, to_microseconds
from scoring.errors import InvalidRequest
from scoring.supply_chain.pledges.items import HoursItem, InvoiceItem, Item, ItemKind, MachineItem, OrderItem, Paper

HOLDERS = (Role.BANK,)
READERS = (Role.BANK, Role.OBLIGOR)

router = APIRouter()


@router.post(
    "/v1/pledges",
    **documented(
        "createPledge",
        tag="pledges",
        summary="Reserve machines, orders, invoices and machine-hours, unless any of them is pledged already.",
        roles=HOLDERS,
        answer=PledgeAnswer,
        status=201,
        problems=(404,),
        body=json_body(PledgeAsked, "createPledge"),
    ),
)
def create_pledge(call: Annotated[Call, writing(*HOLDERS)]) -> Response:
    """Reserve."""
    with call.begin() as work:
        asked = call.parse(PledgeAsked)
        owner = require_visible(work.connection, work.principal, asked.obligor_id, now=work.now)
        work.looked(owner, "pledge")
        return work.once(lambda: _reserve(work, owner, asked))


@router.get(
    "/v1/pledges",
    **documented(
        "listPledges",
        tag="pledges",
        summary="The pledges that were made to the key's partner, or by the obligor.",
        roles=READERS,
        answer=PledgeList,
    ),
)
def list_pledges(
    call: Annotated[Call, reading(*READERS)], limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Response:
    """A page of pledges."""
    with call.begin() as work:
        place = decode_cursor(cursor, int, str)
        rows = pledges.page(
            work.connection,
            partner_id=work.principal.partner_id,
            obligor_ids=visible_obligors(work.principal, now=work.now),
            livemode=work.principal.livemode,
            after=None if place is None else (from_microseconds(int(place[0])), str(place[1])),
            limit=limit + 1,
        )
        return work.page(
            page_of(rows, limit=limit, place=_place, plain=lambda row: service.plain_pledge(row, now=work.now))
        )


@router.get(
    "/v1/pledges/{pledge_id}",
    **documented(
        "getPledge", tag="pledges", summary="One pledge.", roles=READERS, answer=PledgeAnswer, problems=(404,)
    ),
)
def get_pledge(pledge_id: str, call: Annotated[Call, reading(*READERS)]) -> Response:
    """A pledge."""
    with call.begin() as work:
        row = access.require_readable(work, pledge_id)
        work.looked(row.obligor_id, "pledge")
        return work.answer({"pledge": service.plain_pledge(row, now=work.now)})


@router.post(
    "/v1/pledges/{pledge_id}/confirmation",
    **documented(
        "confirmPledge",
        tag="pledges",
        summary="Make a reservation last until it is released.",
        roles=HOLDERS,
        answer=PledgeAnswer,
        status=201,
        problems=(404,),
        body=json_body(PledgeConfirmed, "confirmPledge"),
    ),
)
def confirm_pledge(pledge_id: str, call: Annotated[Call, writing(*HOLDERS)]) -> Response:
    """Confirm."""
    with call.begin() as work:
        asked = call.parse(PledgeConfirmed)
        row = access.require_readable(work, pledge_id)
        work.looked(row.obligor_id, "pledge")
        return work.once(lambda: _confirm(work, pledge_id, asked))


@router.delete(
    "/v1/pledges/{pledge_id}",
    **documented(
        "releasePledge",
        tag="pledges",
        summary="Release what is pledged; releasing again changes nothing.",
        roles=HOLDERS,
        answer=PledgeAnswer,
        problems=(404,),
    ),
)
def release_pledge(pledge_id: str, call: Annotated[Call, reading(*HOLDERS)]) -> Response:
    """Release."""
    with call.begin() as work:
        access.require_held(work, pledge_id)
        return work.answer({"pledge": service.release(work.connection, pledge_id, now=work.now)})


def _reserve(work: Work, owner: ObligorId, asked: PledgeAsked) -> Answer:
    request = service.PledgeRequest(
        obligor_id=owner,
        kinds=[ItemKind(item.kind) for item in asked.items],
        items=[_item(item, owner) for item in asked.items],
    )
    told = service.reserve(
        work.connection,
        work.home,
        request,
        partner=work.principal.as_partner(),
        livemode=work.principal.livemode,
        now=work.now,
    )
    return work.plain({"pledge": told}, status=201)


def _confirm(work: Work, pledge_id: str, asked: PledgeConfirmed) -> Answer:
    told = service.confirm(work.connection, pledge_id, review=asked.review, now=work.now)
    return work.plain({"pledge": told}, status=201)


def _item(asked: ItemAsked, owner: ObligorId) -> Item:
    match asked:
        case MachineAsked():
            return MachineItem(
                maker=asked.maker,
                serial_number=asked.serial_number,
                machine_uid=None if asked.machine_uid is None else _own(asked.machine_uid, owner),
            )
        case OrderAsked():
            return OrderItem(
                seller_id=owner,
                buyer_id=asked.buyer_id,
                number=asked.number,
                amount_minor=asked.amount_minor,
                currency=asked.currency,
            )
        case InvoiceAsked():
            return InvoiceItem(
                seller_id=owner,
                buyer_id=asked.buyer_id,
                number=asked.number,
                amount_minor=asked.amount_minor,
                currency=asked.currency,
                issued_on=asked.issued_on,
                order=_paper(asked.order),
                delivery=_paper(asked.delivery),
            )
        case HoursAsked():
            return HoursItem(machine_uid=_own(asked.machine_uid, owner), starts=asked.starts, ends=asked.ends)


def _own(machine_uid: str, owner: ObligorId) -> str:
    """A machine of the obligor's. Raises InvalidRequest."""
    if not machine_uid.startswith(f"{owner}/"):
        raise InvalidRequest(f"{machine_uid!r} is no machine of {owner}.", hint=f"Write it as {owner}/<its own id>.")
    return machine_uid


def _paper(asked: PaperAsked | None) -> Paper | None:
    return None if asked is None else Paper(number=asked.number, amount_minor=asked.amount_minor)


def _place(row: sa.Row[Any]) -> Place:
    return [to_microseconds(row.reserved_time), row.pledge_id]
