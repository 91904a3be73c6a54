"""The machines that an obligor leases, for its bank or lessor and for itself."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from api.consents.access import require_visible
from api.http.call import Call, reading
from api.http.documents import documented
from api.keys.principal import Role
from api.leases import service
from api.leases.schemas import LeaseRegisterAnswer

READERS = (Role.BANK, Role.OBLIGOR)

router = APIRouter()


@router.get(
    "/v1/obligors/{obligor_id}/leases",
    **documented(
        "getLeases",
        tag="supply chain",
        summary="Each leased machine: where it stands, how it works, what is owed, its worth, and an early end.",
        roles=READERS,
        answer=LeaseRegisterAnswer,
        problems=(404, 409),
    ),
)
def get_leases(obligor_id: str, call: Annotated[Call, reading(*READERS)]) -> Response:
    """The register of leases as of now."""
    with call.begin() as work:
        owner = require_visible(work.connection, work.principal, obligor_id, now=work.now)
        work.looked(owner, "leases")
        livemode = work.principal.livemode
        found = service.leases(work.connection, work.home, owner, as_of=work.now, livemode=livemode)
        return work.answer({"lease_register": found})
