"""The life of a policy over HTTP: bound from a quote by its insurer, then one record after another."""

from __future__ import annotations

from typing import Annotated, assert_never

from fastapi import APIRouter
from starlette.responses import Response

from api.http.call import Call, Work, reading, writing
from api.http.documents import documented, json_body
from api.http.idempotency import Answer
from api.insurance_policies import access, payouts, renewals, service
from api.insurance_policies.on_demand import on_demand
from api.insurance_policies.repository import KeptPolicy
from api.insurance_policies.schemas import (
    AnnounceShutdownAsked,
    BillAsked,
    BindAsked,
    ClaimAsked,
    CoverStep,
    DecidePayoutAsked,
    EndorseAsked,
    LapseAsked,
    OnDemandAnswer,
    OnDemandAsked,
    PolicyAnswer,
    RecordAsked,
    RenewalPairAsked,
    RenewalRoundAnswer,
    RenewalRoundAsked,
    RenewAsked,
    SeasonStep,
    SettleAsked,
    SettleSeasonAsked,
)
from api.keys.principal import Role
from api.premium_quotes import access as quote_access
from data_contracts.identifiers import MachineUid
from scoring.insurance.usage import SitePeriod

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
        summary="Append what happened to a policy: endorsed, billed, trued up, claimed, lapsed, renewed, or settled.",
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


@router.post(
    "/v1/renewal-rounds",
    **documented(
        "createRenewalRound",
        tag="insurance policies",
        summary="Renew policies together: claims experience, caps, off-balance; bound where asked for.",
        roles=INSURERS,
        answer=RenewalRoundAnswer,
        status=201,
        problems=(404,),
        body=json_body(RenewalRoundAsked, "createRenewalRound"),
    ),
)
def create_renewal_round(call: Annotated[Call, writing(*INSURERS)]) -> Response:
    """Plan a round, and bind it where asked for."""
    with call.begin() as work:
        asked = call.parse(RenewalRoundAsked)
        pairs = [_pair(work, each, for_update=asked.bind) for each in asked.renewals]
        return work.once(lambda: _renewed(work, pairs, bind=asked.bind))


@router.post(
    "/v1/on-demand-premiums",
    **documented(
        "createOnDemandPremium",
        tag="insurance policies",
        summary="Price cover of one machine by days and kind of site, at the daily rate of a quote; kept nowhere.",
        roles=INSURERS,
        answer=OnDemandAnswer,
        status=201,
        problems=(404,),
        body=json_body(OnDemandAsked, "createOnDemandPremium"),
    ),
)
def create_on_demand_premium(call: Annotated[Call, writing(*INSURERS)]) -> Response:
    """Price."""
    with call.begin() as work:
        asked = call.parse(OnDemandAsked)
        row = quote_access.require_readable(work, asked.quote_id)
        work.looked(row.obligor_id, "premium_quote")
        periods = [SitePeriod(site=each.site, starts=each.starts, ends=each.ends) for each in asked.periods]
        return work.once(lambda: work.plain({"on_demand": on_demand(row, periods)}, status=201))


def _pair(work: Work, asked: RenewalPairAsked, *, for_update: bool) -> renewals.Pair:
    policy = access.require_readable(work, asked.policy_id, for_update=for_update)
    work.looked(policy.obligor_id, "insurance_policy")
    return renewals.Pair(policy=policy, quote=quote_access.require_readable(work, asked.quote_id))


def _renewed(work: Work, pairs: list[renewals.Pair], *, bind: bool) -> Answer:
    following: list[KeptPolicy] = []
    if bind:
        by = work.principal.owner
        found, following = renewals.renew_round(work.connection, work.home, pairs, by=by, now=work.now)
    else:
        found = renewals.plan(work.connection, pairs, now=work.now)
    return work.plain({"round": renewals.plain_round(found, pairs, following=following)}, status=201)


def _append(work: Work, policy: KeptPolicy, asked: RecordAsked) -> KeptPolicy:
    step = asked.record
    if isinstance(step, SeasonStep):
        return _append_of_season(work, policy, step)
    return _append_of_cover(work, policy, step)


def _append_of_season(work: Work, policy: KeptPolicy, step: SeasonStep) -> KeptPolicy:
    connection, by, now = work.connection, work.principal.owner, work.now
    match step:
        case AnnounceShutdownAsked(starts=starts, ends=ends, reason=reason):
            return payouts.announce(connection, policy, starts=starts, ends=ends, reason=reason, by=by, now=now)
        case SettleSeasonAsked():
            return payouts.settle_season(connection, work.home, policy, by=by, now=now)
        case DecidePayoutAsked(is_paid=is_paid, reason=reason):
            return payouts.decide(connection, policy, is_paid=is_paid, reason=reason, by=by, now=now)
        case other:
            assert_never(other)


def _append_of_cover(work: Work, policy: KeptPolicy, step: CoverStep) -> KeptPolicy:
    connection, home, by, now = work.connection, work.home, work.principal.owner, work.now
    match step:
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
