"""Setting a recommendation aside over HTTP: a bank's person proposes, another confirms; bank and obligor read it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from api.credit_decisions.access import require_readable
from api.database.text import is_storable
from api.http.call import Call, reading, writing
from api.http.documents import documented, json_body
from api.keys.principal import Role
from api.overrides import repository as overrides
from api.overrides import service
from api.overrides.schemas import OverrideAnswer, OverrideAsked, OverrideConfirmed, OverridesOfDecision
from data_contracts.errors import NotFound
from data_contracts.identifiers import DecisionId
from scoring.records import Outcome

SETTERS = (Role.BANK,)
READERS = (Role.BANK, Role.OBLIGOR)

router = APIRouter()


@router.post(
    "/v1/credit-decisions/{decision_id}/overrides",
    **documented(
        "proposeOverride",
        tag="overrides",
        summary="Propose another outcome for a recommendation; it stands once another person has confirmed it.",
        roles=SETTERS,
        answer=OverrideAnswer,
        status=201,
        problems=(404,),
        body=json_body(OverrideAsked, "proposeOverride"),
    ),
)
def propose_override(decision_id: str, call: Annotated[Call, writing(*SETTERS)]) -> Response:
    """Propose."""
    with call.begin() as work:
        asked = call.parse(OverrideAsked)
        row = require_readable(work, decision_id)
        return work.once(
            lambda: work.plain(
                {"override": service.propose_for(work.connection, row, now=work.now, **asked.model_dump())}, status=201
            )
        )


@router.get(
    "/v1/credit-decisions/{decision_id}/overrides",
    **documented(
        "getOverrides",
        tag="overrides",
        summary="What stands for a recommendation, and who set it aside and why.",
        roles=READERS,
        answer=OverridesOfDecision,
        problems=(404,),
    ),
)
def get_overrides(decision_id: str, call: Annotated[Call, reading(*READERS)]) -> Response:
    """Every override of a decision."""
    with call.begin() as work:
        row = require_readable(work, decision_id)
        work.looked(row.obligor_id, "override")
        name, decided = DecisionId(row.decision_id), Outcome(row.outcome)
        return work.answer(
            {
                "outcome": decided.value,
                "outcome_now": service.outcome_now(work.connection, name, decided, now=work.now).value,
                "overrides": [
                    service.told(kept, now=work.now) for kept in overrides.of_decision(work.connection, name)
                ],
            }
        )


@router.post(
    "/v1/overrides/{override_id}/confirmation",
    **documented(
        "confirmOverride",
        tag="overrides",
        summary="Confirm what another person proposed.",
        roles=SETTERS,
        answer=OverrideAnswer,
        status=201,
        problems=(404,),
        body=json_body(OverrideConfirmed, "confirmOverride"),
    ),
)
def confirm_override(override_id: str, call: Annotated[Call, writing(*SETTERS)]) -> Response:
    """Confirm."""
    with call.begin() as work:
        asked = call.parse(OverrideConfirmed)
        if not is_storable(override_id):
            raise NotFound(f"No override {override_id!r} is stored here.")
        kept = overrides.load(work.connection, override_id)
        require_readable(work, kept.decision_id)
        return work.once(
            lambda: work.plain(
                {"override": service.confirm_kept(work.connection, kept, by=asked.by, now=work.now)}, status=201
            )
        )
