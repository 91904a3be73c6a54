"""Applications of manufacturers, and what a lender finds among those that consent to it."""

from __future__ import annotations

from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter
from starlette.responses import Response

from api.consents.access import require_visible, visible_obligors
from api.database.text import is_storable
from api.http.call import Call, Work, reading, writing
from api.http.documents import documented, json_body
from api.http.idempotency import Answer
from api.http.paging import DEFAULT_LIMIT, Cursor, Limit, Place, decode_cursor, page_of
from api.instants import require_past
from api.keys.principal import Role
from api.matching import applications, service
from api.matching import repository as rows
from api.matching.asked import criteria_of
from api.matching.schemas import (
    ApplicationAnswer,
    ApplicationAsked,
    ApplicationList,
    CriteriaAsked,
    FundsAsked,
    MatchAnswer,
    PrescreenAnswer,
)
from data_contracts.errors import NotFound
from data_contracts.identifiers import ObligorId, PartnerId
from data_contracts.observations.tables import from_microseconds, to_microseconds

APPLICANTS = (Role.OBLIGOR,)
LENDERS = (Role.BANK,)
READERS = (Role.BANK, Role.OBLIGOR)

router = APIRouter()


@router.post(
    "/v1/applications",
    **documented(
        "createApplication",
        tag="matching",
        summary="Apply for finance, shown to the lenders that the manufacturer names.",
        roles=APPLICANTS,
        answer=ApplicationAnswer,
        status=201,
        problems=(404,),
        body=json_body(ApplicationAsked, "createApplication"),
    ),
)
def create_application(call: Annotated[Call, writing(*APPLICANTS)]) -> Response:
    """File an application."""
    with call.begin() as work:
        asked = call.parse(ApplicationAsked)
        owner = require_visible(work.connection, work.principal, asked.obligor_id, now=work.now)
        return work.once(lambda: _file(work, owner, asked))


@router.get(
    "/v1/applications",
    **documented(
        "listApplications",
        tag="matching",
        summary="The manufacturer's own applications, or those open ones that the lender may see.",
        roles=READERS,
        answer=ApplicationList,
    ),
)
def list_applications(
    call: Annotated[Call, reading(*READERS)], limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Response:
    """A page of applications."""
    with call.begin() as work:
        place = decode_cursor(cursor, int, str)
        found = rows.page(
            work.connection,
            partner_id=work.principal.partner_id,
            obligor_ids=visible_obligors(work.principal, now=work.now),
            livemode=work.principal.livemode,
            after=None if place is None else (from_microseconds(int(place[0])), str(place[1])),
            limit=limit + 1,
            now=work.now,
        )
        return work.page(page_of(found, limit=limit, place=_place, plain=lambda row: _told(work, row)))


@router.delete(
    "/v1/applications/{application_id}",
    **documented(
        "withdrawApplication",
        tag="matching",
        summary="Withdraw an application; withdrawing again changes nothing.",
        roles=APPLICANTS,
        answer=ApplicationAnswer,
        problems=(404,),
    ),
)
def withdraw_application(application_id: str, call: Annotated[Call, reading(*APPLICANTS)]) -> Response:
    """End an application."""
    with call.begin() as work:
        _require_own(work, application_id)
        return work.answer({"application": applications.withdraw(work.connection, application_id, now=work.now)})


@router.post(
    "/v1/prescreens",
    **documented(
        "createPrescreen",
        tag="matching",
        summary="Screen every manufacturer that consents to the lender for one product, at once.",
        roles=LENDERS,
        answer=PrescreenAnswer,
        status=201,
        body=json_body(CriteriaAsked, "createPrescreen"),
    ),
)
def create_prescreen(call: Annotated[Call, writing(*LENDERS)]) -> Response:
    """Screen."""
    with call.begin() as work:
        asked = call.parse(CriteriaAsked)
        return work.once(lambda: _prescreen(work, asked))


@router.post(
    "/v1/matches",
    **documented(
        "createMatch",
        tag="matching",
        summary="Match the lender's criteria and funds with those who applied to it.",
        roles=LENDERS,
        answer=MatchAnswer,
        status=201,
        body=json_body(FundsAsked, "createMatch"),
    ),
)
def create_match(call: Annotated[Call, writing(*LENDERS)]) -> Response:
    """Match."""
    with call.begin() as work:
        asked = call.parse(FundsAsked)
        return work.once(lambda: _match(work, asked))


def _file(work: Work, owner: ObligorId, asked: ApplicationAsked) -> Answer:
    request = applications.ApplicationRequest(
        obligor_id=owner,
        product=asked.product,
        amount_minor=asked.amount_minor,
        currency=asked.currency,
        tenor_months=asked.tenor_months,
        shown_to=[PartnerId(name) for name in asked.shown_to],
        expires_time=asked.expires_time,
    )
    told = applications.file(work.connection, request, livemode=work.principal.livemode, now=work.now)
    return work.plain({"application": told}, status=201)


def _prescreen(work: Work, asked: CriteriaAsked) -> Answer:
    told = service.prescreen(
        work.connection, work.home, criteria_of(asked), _viewer(work, asked), most=service.MOST_IN_A_REQUEST
    )
    return _looked(work, "prescreen", told)


def _match(work: Work, asked: FundsAsked) -> Answer:
    told = service.match(
        work.connection, work.home, criteria_of(asked), _viewer(work, asked), most=service.MOST_IN_A_REQUEST
    )
    return _looked(work, "match", told)


def _looked(work: Work, what: str, told: dict[str, Any]) -> Answer:
    """The answer, once every manufacturer in it can see that it was looked at."""
    for line in told["lines"]:
        work.looked(ObligorId(line["obligor_id"]), what)
    return work.plain({what: told}, status=201)


def _viewer(work: Work, asked: CriteriaAsked) -> service.Viewer:
    return service.Viewer(
        partner=work.principal.as_partner(),
        livemode=work.principal.livemode,
        as_of=require_past(asked.as_of, now=work.now) or work.now,
        now=work.now,
    )


def _told(work: Work, row: sa.Row[Any]) -> dict[str, Any]:
    if work.principal.role is Role.OBLIGOR:
        return applications.told(work.connection, [row], now=work.now)[0]
    work.looked(ObligorId(row.obligor_id), "application")
    return {**applications.plain_application(row, now=work.now), "shown_to": None}


def _require_own(work: Work, application_id: str) -> None:
    """Raises NotFound, whether the application is another's, of the other mode, or absent."""
    if is_storable(application_id):
        row = rows.load(work.connection, application_id)
        if row.obligor_id == work.principal.as_obligor() and row.livemode is work.principal.livemode:
            return
    raise NotFound(f"No application {application_id!r} is kept here.")


def _place(row: sa.Row[Any]) -> Place:
    return [to_microseconds(row.filed_time), row.application_id]
