"""The machines of an obligor, and its months, for those who may see it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from api.consents.access import require_visible
from api.http.call import Call, reading
from api.http.documents import documented
from api.http.paging import DEFAULT_LIMIT, Cursor, Limit, decode_cursor, page_of
from api.keys.principal import Role
from api.machines import service
from api.machines.schemas import MachineList, MonthsAnswer
from api.snapshots.plain import plain_note

READERS = (Role.BANK, Role.INSURER, Role.OBLIGOR, Role.OPERATOR)

router = APIRouter()


@router.get(
    "/v1/obligors/{obligor_id}/machines",
    **documented(
        "listMachines",
        tag="machines",
        summary="An obligor's machines with their features.",
        roles=READERS,
        answer=MachineList,
        problems=(404, 409),
    ),
)
def list_machines(
    obligor_id: str,
    call: Annotated[Call, reading(*READERS)],
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Response:
    """A page of machines."""
    with call.begin() as work:
        place = decode_cursor(cursor, str)
        owner = require_visible(work.connection, work.principal, obligor_id, now=work.now)
        work.looked(owner, "machines")
        fleet = service.fleet(work.connection, work.home, owner, now=work.now, livemode=work.principal.livemode)
        rest = [item for item in fleet.machines if place is None or item["machine_uid"] > str(place[0])]
        page = page_of(rest, limit=limit, place=lambda item: [item["machine_uid"]], plain=lambda item: item)
        note = plain_note(fleet.snapshot, now=work.now)
        return work.answer({"data": page.data, "next_cursor": page.next_cursor, "snapshot": note})


@router.get(
    "/v1/obligors/{obligor_id}/months",
    **documented(
        "getMonths",
        tag="machines",
        summary="Power-on rate, operating rate, energy and faults of the last twelve months.",
        roles=READERS,
        answer=MonthsAnswer,
        problems=(404, 409),
    ),
)
def get_months(obligor_id: str, call: Annotated[Call, reading(*READERS)]) -> Response:
    """The last months."""
    with call.begin() as work:
        owner = require_visible(work.connection, work.principal, obligor_id, now=work.now)
        work.looked(owner, "months")
        told = service.months(work.connection, work.home, owner, now=work.now, livemode=work.principal.livemode)
        months = [{**asdict(item), "month": item.month.isoformat()} for item in told.months]
        return work.answer({"months": months, "snapshot": plain_note(told.snapshot, now=work.now)})
