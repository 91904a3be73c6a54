"""Gateways' keys: registered and revoked by their obligor or the operator; what was found wrong is theirs to read."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from api.consents.access import require_visible
from api.database.text import is_storable
from api.gateways import service
from api.gateways.schemas import GatewayKeyAdded, GatewayKeyAnswer, GatewayKeyRevoked, GatewayList
from api.http.call import Call, Work, reading, writing
from api.http.documents import documented, json_body
from api.http.idempotency import Answer
from api.http.shapes import OBLIGOR_ID_PATTERN
from api.keys.principal import Role
from data_contracts.errors import NotFound
from data_contracts.evidence import gateways
from data_contracts.identifiers import ObligorId

KEEPERS = (Role.OBLIGOR, Role.OPERATOR)

router = APIRouter()


@router.post(
    "/v1/gateway-keys",
    **documented(
        "createGatewayKey",
        tag="gateways",
        summary="Register the Ed25519 key with which a gateway signs what it sends.",
        roles=KEEPERS,
        answer=GatewayKeyAnswer,
        status=201,
        problems=(404,),
        body=json_body(GatewayKeyAdded, "createGatewayKey"),
    ),
)
def create_gateway_key(call: Annotated[Call, writing(*KEEPERS)]) -> Response:
    """Register a key."""
    with call.begin() as work:
        asked = call.parse(GatewayKeyAdded)
        owner = require_visible(work.connection, work.principal, asked.obligor_id, now=work.now)
        return work.once(lambda: _add(work, owner, asked))


@router.get(
    "/v1/gateway-keys",
    **documented(
        "listGatewayKeys",
        tag="gateways",
        summary="The keys of the gateways, what was found wrong with their chains, and signed seals that were refused.",
        roles=KEEPERS,
        answer=GatewayList,
        problems=(404,),
    ),
)
def list_gateway_keys(
    call: Annotated[Call, reading(*KEEPERS)],
    obligor_id: Annotated[
        str | None, Query(pattern=OBLIGOR_ID_PATTERN, description="Only those of this obligor.")
    ] = None,
) -> Response:
    """Keys and faults."""
    with call.begin() as work:
        named = obligor_id or work.principal.obligor_id
        whose = None if named is None else require_visible(work.connection, work.principal, named, now=work.now)
        return work.answer(service.listed(work.connection, whose, livemode=work.principal.livemode))


@router.post(
    "/v1/gateway-keys/{key_id}/revocation",
    **documented(
        "revokeGatewayKey",
        tag="gateways",
        summary="Let a gateway's key count for nothing from an instant on, for good; again to date that further back.",
        roles=KEEPERS,
        answer=GatewayKeyAnswer,
        status=201,
        problems=(404,),
        body=json_body(GatewayKeyRevoked, "revokeGatewayKey"),
    ),
)
def revoke_gateway_key(key_id: str, call: Annotated[Call, writing(*KEEPERS)]) -> Response:
    """End a key."""
    with call.begin() as work:
        asked = call.parse(GatewayKeyRevoked)
        _require_own(work, key_id)
        return work.once(lambda: _revoke(work, key_id, asked))


def _add(work: Work, owner: ObligorId, asked: GatewayKeyAdded) -> Answer:
    told = service.add(
        work.connection,
        obligor_id=owner,
        gateway=asked.gateway,
        public_key=asked.public_key,
        livemode=work.principal.livemode,
        by=work.principal.owner,
        now=work.now,
    )
    return work.plain({"gateway_key": told}, status=201)


def _revoke(work: Work, key_id: str, asked: GatewayKeyRevoked) -> Answer:
    effective = asked.effective_time or work.now
    told = service.revoke(work.connection, key_id, effective=effective, now=work.now)
    return work.plain({"gateway_key": told}, status=201)


def _require_own(work: Work, key_id: str) -> None:
    """Raises NotFound unless the key is of a gateway that the caller may keep, whether it is hidden or absent."""
    if not is_storable(key_id):
        raise NotFound(f"No gateway key {key_id!r} is registered here.")
    row = gateways.load_key(work.connection, key_id)
    require_visible(work.connection, work.principal, row.obligor_id, now=work.now)
    if row.livemode is not work.principal.livemode:
        raise NotFound(f"No gateway key {key_id!r} is registered here.")
