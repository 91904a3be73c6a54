"""Obligors, as far as a key may see them, and who has looked at their data."""

from __future__ import annotations

from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter
from starlette.responses import Response

from api.access_log import repository as access_log
from api.consents.access import require_visible, visible_obligors
from api.http.call import Call, reading
from api.http.documents import documented
from api.http.paging import DEFAULT_LIMIT, Cursor, Limit, decode_cursor, page_of
from api.keys.principal import Role
from api.obligors import repository as obligors
from api.obligors import service
from api.obligors.schemas import LookList, ObligorAnswer, ObligorList

READERS = (Role.BANK, Role.INSURER, Role.OBLIGOR, Role.OPERATOR)
LOOK_READERS = (Role.OBLIGOR, Role.OPERATOR)

router = APIRouter()


@router.get(
    "/v1/obligors",
    **documented(
        "listObligors", tag="obligors", summary="Obligors that the key may see.", roles=READERS, answer=ObligorList
    ),
)
def list_obligors(
    call: Annotated[Call, reading(*READERS)], limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Response:
    """A page of obligors."""
    with call.begin() as work:
        place = decode_cursor(cursor, str)
        visible = visible_obligors(work.principal, now=work.now)
        after = None if place is None else str(place[0])
        rows = obligors.page(work.connection, visible, after=after, limit=limit + 1)
        for row in rows[:limit]:
            work.looked(row.obligor_id, "obligor")
        told = service.describe(work.connection, work.home, rows, now=work.now)
        return work.page(page_of(told, limit=limit, place=lambda item: [item["obligor_id"]], plain=lambda item: item))


@router.get(
    "/v1/obligors/{obligor_id}",
    **documented(
        "getObligor",
        tag="obligors",
        summary="Who an obligor is.",
        roles=READERS,
        answer=ObligorAnswer,
        problems=(404,),
    ),
)
def get_obligor(obligor_id: str, call: Annotated[Call, reading(*READERS)]) -> Response:
    """An obligor."""
    with call.begin() as work:
        owner = require_visible(work.connection, work.principal, obligor_id, now=work.now)
        work.looked(owner, "obligor")
        row = obligors.load(work.connection, owner)
        (told,) = service.describe(work.connection, work.home, [row], now=work.now)
        return work.answer({"obligor": told})


@router.get(
    "/v1/obligors/{obligor_id}/access-log",
    **documented(
        "listAccessLog",
        tag="obligors",
        summary="Who has looked at an obligor's data, the newest look first.",
        roles=LOOK_READERS,
        answer=LookList,
        problems=(404,),
    ),
)
def list_access_log(
    obligor_id: str,
    call: Annotated[Call, reading(*LOOK_READERS)],
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Response:
    """A page of looks."""
    with call.begin() as work:
        place = decode_cursor(cursor, int)
        owner = require_visible(work.connection, work.principal, obligor_id, now=work.now)
        if work.principal.role is Role.OPERATOR:
            work.looked(owner, "access_log")
        before = None if place is None else int(place[0])
        rows = access_log.newest(work.connection, owner, limit=limit + 1, before=before)
        return work.page(page_of(rows, limit=limit, place=lambda row: [row.sequence], plain=_look))


def _look(row: sa.Row[Any]) -> dict[str, Any]:
    return {"time": row.time.isoformat(), "viewer": row.viewer, "role": row.role, "what": row.what}
