"""The register of outcomes over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from api.http.call import Call, reading
from api.http.documents import documented
from api.keys.principal import Role
from api.monitor.schemas import OutcomeRegister
from api.monitor.service import register_of

READERS = (Role.BANK,)

router = APIRouter()


@router.get(
    "/v1/outcome-register",
    **documented(
        "getOutcomeRegister",
        tag="outcomes",
        summary="The partner's decisions by vintage: advised, overridden, disputed, defaulted, and calibration.",
        roles=READERS,
        answer=OutcomeRegister,
    ),
)
def get_outcome_register(call: Annotated[Call, reading(*READERS)]) -> Response:
    """The register of the key's partner."""
    with call.begin() as work:
        told = register_of(
            work.connection,
            work.home,
            as_of=work.now,
            partner=work.principal.as_partner(),
            livemode=work.principal.livemode,
        )
        return work.answer({"as_of": told["as_of"], "vintages": told["vintages"]})
