"""The life of a policy over HTTP: bound from a quote by its insurer, then one record after another."""

from __future__ import annotations

from typing import Annotated, assert_never

from fastapi import APIRouter
from starlette.responses import Response

from api.http.call import Call, Work, reading, writing
from api.http.documents import documented, json_body
from api.http.idempotency import Answer
from api.insurance_policies import access, service
from api.insurance_policies.repository import KeptPolicy
from api.insurance_policies.schemas import (
    BillAsked,
    BindAsked,
    ClaimAsked,
    EndorseAsked,
    LapseAsked,
    PolicyAnswer,
    RecordAsked,
    RenewAsked,
    SettleAsked,
)
from api.keys.principal import Role
from api.premium_quotes import access as quote_access
from data_contracts.identifiers import MachineUid

INSURERS = (Role.INSURER,)
READERS = (Role.INSURER, Role.OBLIGOR)

router = APIRouter()


@router.post(
    "/v1/insurance-policies",
    **documented(
        "createInsurancePolicy",
        tag="insurance policies",
        summary="Bind a quote that still holds: it becomes a policy, once.",
        roles=INSURERS,
        answer=PolicyAnswer,
        status=201,
        problems=(404,),
        body=json_body(BindAsked, "createInsurancePolicy"),
    ),
)
def create_insurance_policy(call: Annotated[Call, writing(*INSURERS)]) -> Response:
    """Bind."""
    with call.begin() as work:
        asked = call.parse(BindAsked)
        row = quote_access.require_readable(work, asked.quote_id)
        work.looked(row.obligor_id, "insurance_policy")
        return work.once(
            lambda: _told(
                work,
                service.bind_quote(work.connection, work.home, row, by=work.principal.owner, now=work.now),
            )
        )


@router.get(
    "/v1/insurance-policies/{policy_id}",
    **documented(
        "getInsurancePolicy",
        tag="insurance policies",
        summary="A policy: what its records say together, and each of them.",
        roles=READERS,
        answer=PolicyAnswer,
        problems=(404,),
    ),
)
def get_insurance_policy(policy_id: str, call: Annotated[Call, reading(*READERS)]) -> Response:
    """A policy."""
    with call.begin() as work:
        policy = access.require_readable(work, policy_id)
        work.looked(policy.obligor_id, "insurance_policy")
        return work.answer({"policy": service.plain_policy(policy)})


@router.post(
    "/v1/insurance-policies/{policy_id}/records",
    **documented(
        "appendPolicyRecord",
        tag="insurance policies",
        summary="Append what happened to a policy: endorsed, billed by use, trued up, claimed, lapsed or renewed.",
        roles=INSURERS,
        answer=PolicyAnswer,
        status=201,
        problems=(404,),
        body=json_body(RecordAsked, "appendPolicyRecord"),
    ),
)
def append_policy_record(policy_id: str, call: Annotated[Call, writing(*INSURERS)]) -> Response:
    """Append."""
    with call.begin() as work:
        asked = call.parse(RecordAsked)
        policy = access.require_readable(work, policy_id, for_update=True)
        work.looked(policy.obligor_id, "insurance_policy")
        return work.once(lambda: _told(work, _append(work, policy, asked)))


def _append(work: Work, policy: KeptPolicy, asked: RecordAsked) -> KeptPolicy:
    connection, home, by, now = work.connection, work.home, work.principal.owner, work.now
    match asked.record:
        case EndorseAsked(effective=effective, added=added, removed=removed, reason=reason):
            return service.endorse(
                connection,
                policy,
                effective=effective,
                added=[MachineUid(uid) for uid in added],
                removed=[MachineUid(uid) for uid in removed],
                reason=reason,
                by=by,
                now=now,
            )
        case BillAsked(month=month):
            return service.bill(connection, home, policy, month, by=by, now=now)
        case SettleAsked():
            return service.settle(connection, home, policy, by=by, now=now)
        case ClaimAsked() as told:
            return service.claim(
                connection,
                home,
                policy,
                day=told.day,
                machine=None if told.machine_uid is None else MachineUid(told.machine_uid),
                amount_minor=told.amount_minor,
                currency=told.currency,
                by=by,
                now=now,
            )
        case LapseAsked(effective=effective, reason=reason):
            return service.lapse(connection, policy, effective=effective, reason=reason, by=by, now=now)
        case RenewAsked(quote_id=quote_id):
            row = quote_access.require_readable(work, quote_id)
            return service.renew(connection, home, policy, row, by=by, now=now)
        case other:
            assert_never(other)


def _told(work: Work, policy: KeptPolicy) -> Answer:
    return work.plain({"policy": service.plain_policy(policy)}, status=201)
