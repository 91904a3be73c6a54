"""The payout of an idle cover: shutdowns announced, the season settled by its index, and what was referred decided."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta

import numpy as np
import sqlalchemy as sa

from api.home import Home
from api.insurance_policies import repository as policies
from api.insurance_policies.repository import KeptPolicy
from api.insurance_policies.season import KnownSeason, known_season
from api.models.service import scoring_parameters
from api.premium_quotes import repository as quotes
from data_contracts.reference.dated import ParameterBook
from scoring.errors import PolicyForbids
from scoring.insurance.idle_cover.payout import settle
from scoring.insurance.idle_cover.season import Shutdown, reference_of, season_of, years_before
from scoring.insurance.idle_cover.settlement import (
    PayoutDecided,
    PayoutOutcome,
    PayoutSettled,
    ShutdownAnnounced,
    StandstillTold,
    outcome_of,
    referrals_of,
    standstill_told,
)
from scoring.insurance.idle_cover.staged import staged_shutdown
from scoring.insurance.offers.idle import idle_terms
from scoring.insurance.policy_life import follow, require_over
from scoring.insurance.premium import cover_days
from scoring.money import exact, to_minor


def announce(
    connection: sa.Connection,
    policy: KeptPolicy,
    *,
    starts: date,
    ends: date,
    reason: str,
    by: str,
    now: datetime,
) -> KeptPolicy:
    """Days on which the insured will not work, told before they begin: they are no loss. Raises PolicyForbids."""
    record = ShutdownAnnounced(recorded_time=now, starts=starts, ends=ends, reason=reason)
    follow(policy.state, record)
    return policies.append(connection, policy, record, by=by)


def settle_season(
    connection: sa.Connection,
    home: Home,
    policy: KeptPolicy,
    *,
    by: str,
    now: datetime,
    parameters: ParameterBook | None = None,
) -> KeptPolicy:
    """Settle the season of an idle cover after its last day, once, by the terms that it was quoted under; of a cover
    that ended early, the part of the sum insured for the days it ran. `parameters` stand in the place of those shipped.

    Raises PolicyForbids, and InvalidRequest where the index cannot be formed (no cluster, no season before, no day that
    counts): nothing is kept then.
    """
    state = policy.state
    require_over(state, now)
    starts, ends = state.bound.starts, state.ends
    settings = (parameters or scoring_parameters()).at(_quoted_as_of(connection, policy))
    years = settings["insurance_settlement"]["reference_years"]
    known = known_season(
        connection,
        home,
        policy.obligor_id,
        first=years_before(starts, years),
        last=ends,
        fewest=settings["insurance_settlement"]["fewest_firms"],
        now=now,
    )
    reference = reference_of(known.watched, starts, ends, years=years)
    shutdowns = [Shutdown(starts=told.starts, ends=told.ends) for told in state.shutdowns]
    covered = exact(cover_days(starts, ends)) / cover_days(starts, state.bound.ends)
    sum_insured = to_minor(state.bound.sum_insured_minor * covered)
    statement = settle(
        season_of(known.watched, starts, ends, reference, shutdowns),
        reference,
        idle_terms(settings["insurance_covers"]["idle_cover"]),
        sum_insured_minor=sum_insured,
        daily_fixed_cost_minor=exact(sum_insured) / cover_days(starts, ends),
    )
    standstill = _standstill(known, starts, limit=settings["insurance_settlement"]["staged_score_limit"])
    referrals = referrals_of(statement, standstill, is_metered=known.is_metered(starts, ends))
    outcome = outcome_of(statement, referrals)
    record = PayoutSettled(
        recorded_time=now,
        outcome=outcome,
        referrals=referrals,
        statement=statement,
        standstill=standstill,
        starts=starts,
        ends=ends,
        watched_share=known.watched.share_watched(starts, ends),
        cluster_firms=known.cluster_firms,
        due_minor=statement.payout_minor if outcome is PayoutOutcome.PAID else 0,
        currency=state.currency,
        data_origin=known.data_origin,
        evidence=known.evidence,
    )
    follow(state, record)
    return policies.append(connection, policy, record, by=by)


def decide(
    connection: sa.Connection, policy: KeptPolicy, *, is_paid: bool, reason: str, by: str, now: datetime
) -> KeptPolicy:
    """What a person decides of a payout that was referred: all of it, or nothing. Raises PolicyForbids."""
    state = policy.state
    if state.payout is None:
        raise PolicyForbids(f"The season of policy {policy.policy_id} is not settled: nothing was referred.")
    record = PayoutDecided(
        recorded_time=now,
        is_paid=is_paid,
        due_minor=state.payout.statement.payout_minor if is_paid else 0,
        currency=state.currency,
        reason=reason,
    )
    follow(state, record)
    return policies.append(connection, policy, record, by=by)


def _quoted_as_of(connection: sa.Connection, policy: KeptPolicy) -> datetime:
    """The time that the policy's quote speaks of: a cover is settled by the terms that it was sold under."""
    quoted = json.loads(quotes.load(connection, policy.state.bound.quote_id).body)
    return datetime.fromisoformat(quoted["as_of"])


def _standstill(known: KnownSeason, starts: date, *, limit: float) -> StandstillTold | None:
    """The most suspicious standstill that reaches into the season."""
    first = int(np.flatnonzero(known.watched.between(starts, date.max))[0])
    found = staged_shutdown(known.firm, since=first)
    if found is None:
        return None
    began = starts + timedelta(days=found.first_day - first)
    return standstill_told(found, began, limit=limit)
