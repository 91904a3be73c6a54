"""Cases of obligors that are watched: read by the operator, by banks that the obligor consents to, and by itself."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter
from starlette.responses import Response

from api.consents.access import require_visible, visible_obligors
from api.database.text import is_storable
from api.http.call import Call, Work, reading, writing
from api.http.documents import documented, json_body
from api.http.paging import DEFAULT_LIMIT, Cursor, Limit, decode_cursor, page_of
from api.keys.principal import Role
from api.watch import repository as cases
from api.watch import service
from api.watch.schemas import CaseActed, CaseAnswer, CaseList
from data_contracts.errors import NotFound
from data_contracts.identifiers import ObligorId
from scoring.errors import InvalidRequest
from scoring.monitoring.cases import Case, CaseState

KEEPERS = (Role.OPERATOR,)
READERS = (Role.BANK, Role.OBLIGOR, Role.OPERATOR)

router = APIRouter()


@router.get(
    "/v1/cases",
    **documented(
        "listCases",
        tag="after the loan",
        summary="Open cases of the obligors that the key may see.",
        roles=READERS,
        answer=CaseList,
    ),
)
def list_cases(
    call: Annotated[Call, reading(*READERS)], limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Response:
    """A page of cases."""
    with call.begin() as work:
        place = decode_cursor(cursor, str)
        found = _visible(work, after=None if place is None else str(place[0]), limit=limit + 1)
        return work.page(page_of(found, limit=limit, place=lambda told: [told["case_id"]], plain=lambda told: told))


@router.get(
    "/v1/cases/{case_id}",
    **documented(
        "getCase",
        tag="after the loan",
        summary="One case with its warnings.",
        roles=READERS,
        answer=CaseAnswer,
        problems=(404,),
    ),
)
def get_case(case_id: str, call: Annotated[Call, reading(*READERS)]) -> Response:
    """A case."""
    with call.begin() as work:
        row = _readable(work, case_id)
        told = _seen(work, row, with_events=True)
        if told is None:
            raise _no_case(case_id)
        work.looked(ObligorId(row.obligor_id), "case")
        return work.answer({"case": told})


@router.post(
    "/v1/cases/{case_id}/acts",
    **documented(
        "actOnCase",
        tag="after the loan",
        summary="Acknowledge, escalate, snooze or close a case, with the reason.",
        roles=KEEPERS,
        answer=CaseAnswer,
        status=201,
        problems=(404,),
        body=json_body(CaseActed, "actOnCase"),
    ),
)
def act_on_case(case_id: str, call: Annotated[Call, writing(*KEEPERS)]) -> Response:
    """Do something with a case."""
    with call.begin() as work:
        asked = call.parse(CaseActed)
        row = _readable(work, case_id)
        return work.once(lambda: work.plain({"case": _acted(work, row.case_id, asked)}, status=201))


def _acted(work: Work, case_id: str, asked: CaseActed) -> dict[str, Any]:
    return service.handle(
        work.connection,
        case_id,
        asked.act,
        by=work.principal.key_id,
        reason=asked.reason,
        until=None if asked.until is None else _day(asked.until),
        outcome=asked.outcome,
        now=work.now,
    )


def _readable(work: Work, case_id: str) -> sa.Row[Any]:
    """The case, if the key may see its obligor. Raises NotFound, whether it is hidden or absent."""
    if not is_storable(case_id):
        raise NotFound("There is no such case.")
    row = cases.load(work.connection, case_id)
    try:
        require_visible(work.connection, work.principal, row.obligor_id, now=work.now)
    except NotFound:
        raise _no_case(case_id) from None
    return row


def _no_case(case_id: str) -> NotFound:
    return NotFound(f"There is no case {case_id!r}.")


def _visible(work: Work, *, after: str | None, limit: int) -> list[dict[str, Any]]:
    """So many cases as the key may see them, in order of their ids after one of them; of some a bank sees nothing."""
    found, obligors = list[dict[str, Any]](), visible_obligors(work.principal, now=work.now)
    while len(found) < limit:
        rows = cases.page(work.connection, obligor_ids=obligors, after=after, limit=limit)
        found += [told for told in (_seen(work, row) for row in rows) if told is not None]
        if len(rows) < limit:
            break
        after = rows[-1].case_id
    return found[:limit]


def _seen(work: Work, row: sa.Row[Any], *, with_events: bool = False) -> dict[str, Any] | None:
    """The case as the key may see it: how it is handled is the operator's alone, and what was promised to a bank that
    bank's and the obligor's, since banks learn nothing of each other. None where nothing of it is the bank's to see."""
    if work.principal.role is Role.OPERATOR and with_events:
        return service.described(work.connection, row.case_id)
    case: Case | None = cases.case_of(row)
    if work.principal.role is Role.BANK:
        case = service.shown_case(row, work.principal.as_partner(), now=work.now)
    if case is None:
        return None
    told = {**service.plain(row.case_id, case), "events": []}
    if work.principal.role is Role.OPERATOR:
        return told
    state = CaseState.CLOSED if told["state"] == CaseState.CLOSED.value else CaseState.OPEN
    return {**told, "state": state.value, "snoozed_until": None, "outcome": None}


def _day(text: str) -> date:
    """Raises InvalidRequest for a day that no calendar has."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidRequest(f"{text} is no day.", hint="Write it as 2026-07-20.") from error
