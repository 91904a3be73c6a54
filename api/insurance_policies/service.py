"""The life of a policy: bind a quote, then append what follows from what is known, in the caller's transaction."""

from __future__ import annotations

import json
from calendar import monthrange
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from api.consents import repository as consents
from api.consents.repository import Purpose
from api.home import Home
from api.insurance_policies import repository as policies
from api.insurance_policies.papers import payout_words
from api.insurance_policies.repository import KeptPolicy
from api.insurance_policies.room import require_idle_room
from api.insurance_policies.worked import Shown, Span, before_loss, shown
from api.models.service import scoring_parameters
from api.snapshots import repository as snapshots
from data_contracts.identifiers import MachineUid, ObligorId, PartnerId, QuoteId, SnapshotId
from risk_reports.narrative import LANGUAGE_KEYS
from scoring.errors import InvalidRequest
from scoring.insurance import policy_premium as premium
from scoring.insurance.policy_life import (
    OF_MACHINES,
    Billed,
    Bound,
    Claimed,
    Endorsed,
    Lapsed,
    Record,
    RenewalTerms,
    Renewed,
    TruedUp,
    UsageBasis,
    bind,
    follow,
)
from scoring.insurance.usage import UsageTerms, deposit
from scoring.money import exact
from scoring.records import InsuranceProduct

HOURS, ENERGY = "executing_hours_per_day_90d", "kwh_per_executing_hour_90d"


def bind_quote(
    connection: sa.Connection,
    home: Home,
    quote: sa.Row[Any],
    *,
    by: str,
    now: datetime,
    charged: tuple[int, RenewalTerms] | None = None,
) -> KeptPolicy:
    """Make a policy of a stored quote that still holds; a quote that was bound before is the policy that it became.
    `charged` is the premium of a round of renewals in place of the quote's, and how it came about.

    Raises PolicyForbids, ConsentMissing, AccumulationExceeded (one more idle cover of an industry that is full).
    """
    if (known := policies.of_quote(connection, QuoteId(quote.quote_id))) is not None:
        return policies.load(connection, known)
    body = json.loads(quote.body)
    consents.require(
        connection,
        ObligorId(quote.obligor_id),
        recipient=quote.partner_id,
        purpose=Purpose.INSURANCE,
        now=now,
        livemode=body["livemode"],
    )
    bound = _bound(home, quote, body, now=now)
    if charged is not None:
        bound = replace(bound, premium_minor=charged[0], renewal=charged[1])
    state = bind(quote.quote_id, bound)
    if bound.product is InsuranceProduct.IDLE_COVER:
        require_idle_room(
            connection,
            home,
            state,
            obligor_id=ObligorId(quote.obligor_id),
            partner_id=PartnerId(quote.partner_id),
            livemode=body["livemode"],
            now=now,
        )
    return policies.begin(
        connection,
        bound,
        obligor_id=ObligorId(quote.obligor_id),
        partner_id=PartnerId(quote.partner_id),
        livemode=body["livemode"],
        by=by,
    )


def endorse(
    connection: sa.Connection,
    policy: KeptPolicy,
    *,
    effective: date,
    added: Sequence[MachineUid],
    removed: Sequence[MachineUid],
    reason: str,
    by: str,
    now: datetime,
) -> KeptPolicy:
    """Machines in and out from a day on, the premium pro rata. Raises PolicyForbids, InvalidRequest."""
    state = policy.state
    if state.bound.product not in OF_MACHINES or not (added or removed):
        raise InvalidRequest(f"An endorsement of policy {policy.policy_id} names machines that it covers.")
    record = Endorsed(
        recorded_time=now,
        effective=effective,
        added=tuple(added),
        removed=tuple(removed),
        premium_change_minor=premium.endorsement_change(state, added=added, removed=removed, effective=effective),
        currency=state.currency,
        reason=reason,
    )
    return _append(connection, policy, record, by=by)


def bill(
    connection: sa.Connection, home: Home, policy: KeptPolicy, month: date, *, by: str, now: datetime
) -> KeptPolicy:
    """Bill a calendar month (any day of it) by the hours that telemetry tells of. Raises PolicyForbids,
    HourMeterMissing."""
    state = policy.state
    starts = max(state.bound.starts, month.replace(day=1))
    ends = min(state.ends, month.replace(day=monthrange(month.year, month.month)[1]))
    found = _shown(connection, home, policy, state.spans(starts, ends), now=now)
    told = premium.month_bill(state, starts, ends, found.worked, _terms(now))
    record = Billed(
        recorded_time=now,
        starts=starts,
        ends=ends,
        hours=told.check.hours,
        expected_hours=told.expected_hours,
        meter_finding=told.check.finding,
        due_minor=told.due_minor,
        currency=state.currency,
        evidence=found.evidence,
    )
    return _append(connection, policy, record, by=by)


def settle(connection: sa.Connection, home: Home, policy: KeptPolicy, *, by: str, now: datetime) -> KeptPolicy:
    """Settle the hours of the whole term, after it. Raises PolicyForbids, HourMeterMissing."""
    state = policy.state
    found = _shown(connection, home, policy, state.spans(), now=now)
    told = premium.settlement(state, found.worked, _terms(now))
    record = TruedUp(recorded_time=now, due_minor=told.due_minor, currency=state.currency, evidence=found.evidence)
    return _append(connection, policy, record, by=by)


def claim(
    connection: sa.Connection,
    home: Home,
    policy: KeptPolicy,
    *,
    day: date,
    machine: MachineUid | None,
    amount_minor: int,
    currency: str,
    by: str,
    now: datetime,
) -> KeptPolicy:
    """First notice of a loss, with the hash of the machine-days up to it. Raises PolicyForbids."""
    found = _shown(connection, home, policy, before_loss(machine, day), now=now)
    record = Claimed(
        recorded_time=now,
        claim_id=f"{policy.policy_id}-{len(policy.state.claims) + 1}",
        day=day,
        machine_uid=machine,
        amount_minor=amount_minor,
        currency=currency,
        evidence=found.evidence,
        watched_machine_days=found.worked.watched_machine_days,
        faults_shown=found.faults,
    )
    return _append(connection, policy, record, by=by)


def lapse(
    connection: sa.Connection, policy: KeptPolicy, *, effective: date, reason: str, by: str, now: datetime
) -> KeptPolicy:
    """End the cover before a day, giving back what is not earned. Raises PolicyForbids."""
    state = policy.state
    record = Lapsed(
        recorded_time=now,
        effective=effective,
        premium_change_minor=premium.lapse_change(state, effective),
        currency=state.currency,
        reason=reason,
    )
    return _append(connection, policy, record, by=by)


def renew(
    connection: sa.Connection,
    home: Home,
    policy: KeptPolicy,
    quote: sa.Row[Any],
    *,
    by: str,
    now: datetime,
    charged: tuple[int, RenewalTerms] | None = None,
) -> KeptPolicy:
    """Bind a quote of the same obligor and product as what follows; returns the old policy, which names the new one.

    Raises PolicyForbids, InvalidRequest.
    """
    require_same_cover(policy, quote)
    following = bind_quote(connection, home, quote, by=by, now=now, charged=charged)
    starts = date.fromisoformat(quote.request["starts"])
    record = Renewed(recorded_time=now, next_policy_id=following.policy_id, next_starts=starts)
    return _append(connection, policy, record, by=by)


def require_same_cover(policy: KeptPolicy, quote: sa.Row[Any]) -> None:
    """Raise InvalidRequest where a quote is not of what the policy covers."""
    request = quote.request
    if (quote.obligor_id, request["product"]) != (policy.obligor_id, policy.state.bound.product.value):
        raise InvalidRequest(
            f"Quote {quote.quote_id} is of {request['product']} for {quote.obligor_id}, not of what "
            f"policy {policy.policy_id} covers."
        )


def plain_policy(policy: KeptPolicy) -> dict[str, Any]:
    """As it is answered: what the records say together, and each of them."""
    state = policy.state
    bound = state.bound
    return {
        "policy_id": policy.policy_id,
        "quote_id": bound.quote_id,
        "obligor_id": policy.obligor_id,
        "partner": policy.partner_id,
        "product": bound.product.value,
        "from": bound.starts.isoformat(),
        "to": state.ends.isoformat(),
        "sum_insured_minor": bound.sum_insured_minor,
        "premium_minor": state.premium_minor,
        "deposit_minor": _deposit_minor(bound),
        "currency": bound.currency,
        "covers": [
            {"machine_uid": machine, "from": first.isoformat(), "to": last.isoformat()}
            for machine, first, last in state.covers
        ],
        "is_trued_up": state.is_trued_up,
        "is_lapsed": state.is_lapsed,
        "next_policy_id": state.next_policy_id,
        "payout": _plain_payout(policy),
        "records": [
            {
                "record_id": kept.record_id,
                "step": kept.step.value,
                "recorded_time": kept.record.recorded_time.isoformat(),
                "recorded_by": kept.recorded_by,
                "facts": {name: value for name, value in kept.facts.items() if name != "recorded_time"},
            }
            for kept in policy.records
        ],
    }


def _plain_payout(policy: KeptPolicy) -> dict[str, Any] | None:
    """What a settled season came to, in words too; None before it is."""
    state = policy.state
    if state.payout is None:
        return None
    return {
        "outcome": state.payout.outcome.value,
        "referrals": [why.value for why in state.payout.referrals],
        "paid_minor": state.paid_minor,
        "statement": {key: payout_words(policy, language) for language, key in LANGUAGE_KEYS.items()},
    }


def _append(connection: sa.Connection, policy: KeptPolicy, record: Record, *, by: str) -> KeptPolicy:
    """Append what follows from the policy's state. Raises PolicyForbids."""
    follow(policy.state, record)
    return policies.append(connection, policy, record, by=by)


def _bound(home: Home, quote: sa.Row[Any], body: dict[str, Any], *, now: datetime) -> Bound:
    product = InsuranceProduct(body["product"])
    machines = tuple(MachineUid(machine["machine_uid"]) for machine in body["machines"])
    return Bound(
        recorded_time=now,
        product=product,
        quote_id=QuoteId(quote.quote_id),
        quote_valid_until=datetime.fromisoformat(body["valid_until"]),
        starts=date.fromisoformat(body["from"]),
        ends=date.fromisoformat(body["to"]),
        machines=machines if product in OF_MACHINES else (),
        sum_insured_minor=body["sum_insured_minor"],
        premium_minor=body["gross_premium_minor"],
        currency=body["currency"],
        usage=_usage(home, SnapshotId(quote.snapshot_id)) if product is InsuranceProduct.EQUIPMENT_UBI else None,
    )


def _usage(home: Home, snapshot_id: SnapshotId) -> UsageBasis | None:
    """What the quote's own snapshot lets expect; None where it knew no hours, so that the premium stays as it is."""
    values = snapshots.load(home, snapshot_id).values
    hours, energy = values[HOURS].value, values[ENERGY].value
    if not hours:
        return None
    return UsageBasis(hours_a_machine_day=exact(hours), kwh_an_hour=exact(energy) if energy else None)


def _deposit_minor(bound: Bound) -> int | None:
    """What of a premium by use is paid at inception."""
    if bound.usage is None:
        return None
    days = (bound.ends - bound.starts).days + 1
    expected = bound.usage.hours_a_machine_day * days * len(bound.machines)
    terms = _terms(bound.recorded_time)
    return deposit(premium_minor=bound.premium_minor, expected_hours=expected, terms=terms).deposit_minor


def _shown(connection: sa.Connection, home: Home, policy: KeptPolicy, spans: Sequence[Span], *, now: datetime) -> Shown:
    basis = policy.state.bound.usage
    kwh_an_hour = None if basis is None else basis.kwh_an_hour
    return shown(connection, home, policy.obligor_id, spans, kwh_an_hour=kwh_an_hour, now=now)


def _terms(at: datetime) -> UsageTerms:
    return premium.usage_terms(scoring_parameters().at(at))
