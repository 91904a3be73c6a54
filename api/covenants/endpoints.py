"""How the covenants of a decision stand, for its bank and for the obligor that promised them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from api.covenants import service
from api.covenants.schemas import StandingsAnswer
from api.credit_decisions import access
from api.http.call import Call, reading
from api.http.documents import documented
from api.keys.principal import Role

READERS = (Role.BANK, Role.OBLIGOR)

router = APIRouter()


@router.get(
    "/v1/credit-decisions/{decision_id}/covenants",
    **documented(
        "getCovenants",
        tag="credit decisions",
        summary="How the covenants of a recommendation stand now: kept, near a breach, in grace, breached or cured.",
        roles=READERS,
        answer=StandingsAnswer,
        problems=(404,),
    ),
)
def get_covenants(decision_id: str, call: Annotated[Call, reading(*READERS)]) -> Response:
    """Where each promise stands."""
    with call.begin() as work:
        row = access.require_readable(work, decision_id)
        work.looked(row.obligor_id, "covenants")
        return work.answer({"standings": service.standings(work.connection, work.home, row, as_of=work.now)})
