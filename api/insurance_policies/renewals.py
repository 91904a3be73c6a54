"""A round of renewals: the policies that end with the quotes of what follows, planned, and bound where asked for."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from api.home import Home
from api.insurance_policies import repository as policies
from api.insurance_policies import service
from api.insurance_policies.held import ZONE, held_policy
from api.insurance_policies.known import known_policies
from api.insurance_policies.repository import KeptPolicy
from api.models.service import scoring_parameters
from data_contracts.identifiers import PartnerId, QuoteId
from scoring.errors import InvalidRequest, PolicyForbids
from scoring.insurance.book.holdings import position
from scoring.insurance.policy_life import OF_MACHINES, RenewalTerms, Renewed, follow
from scoring.insurance.premium import cover_days, loadings
from scoring.insurance.renewal import Experience, RenewalCase, RenewalLine, RenewalRound, expiring_minor, renewal_round


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A policy that ends, and the stored quote of what follows."""

    policy: KeptPolicy
    quote: sa.Row[Any]


def plan(connection: sa.Connection, pairs: Sequence[Pair], *, now: datetime) -> RenewalRound:
    """The premiums of a round: one insurer's policies of one product and currency, each with the quote that follows.

    Raises InvalidRequest for pairs that do not go together, PolicyForbids for a policy that cannot be renewed so.
    """
    _require_one_round(pairs)
    for pair in pairs:
        _require_follows(connection, pair, now=now)
    caps = scoring_parameters().at(now)["insurance_renewal"]
    return renewal_round(
        [_case(pair) for pair in pairs],
        _experience(connection, pairs[0].policy, now=now),
        most_up=caps["most_up"],
        most_down=caps["most_down"],
    )


def renew_round(
    connection: sa.Connection, home: Home, pairs: Sequence[Pair], *, by: str, now: datetime
) -> tuple[RenewalRound, list[KeptPolicy]]:
    """Plan a round and bind every policy at the premium that it charges; returns it with the new policies."""
    found = plan(connection, pairs, now=now)
    following = []
    for pair, line in zip(pairs, found.lines, strict=True):
        charged = (line.charged_minor, _terms(line, found))
        old = service.renew(connection, home, pair.policy, pair.quote, by=by, now=now, charged=charged)
        following.append(policies.load(connection, str(old.state.next_policy_id)))
    return found, following


def plain_round(found: RenewalRound, pairs: Sequence[Pair], *, following: Sequence[KeptPolicy] = ()) -> dict[str, Any]:
    """A round as it is answered; `next_policy_id` is null where nothing was bound."""
    told = asdict(found)
    names = [policy.policy_id for policy in following]
    for at, (line, pair) in enumerate(zip(told["lines"], pairs, strict=True)):
        line |= {"obligor_id": pair.policy.obligor_id, "next_policy_id": names[at] if names else None}
    bound = pairs[0].policy.state.bound
    return {**told, "product": bound.product.value, "currency": bound.currency, "is_bound": bool(following)}


def _terms(line: RenewalLine, found: RenewalRound) -> RenewalTerms:
    return RenewalTerms(
        expiring_minor=line.expiring_minor,
        quoted_minor=line.quoted_minor,
        technical_minor=line.technical_minor,
        credibility=line.fleet.credibility,
        experience_factor=line.fleet.factor,
        off_balance=found.off_balance,
    )


def _require_one_round(pairs: Sequence[Pair]) -> None:
    kinds = {(pair.policy.partner_id, pair.policy.state.bound.product, pair.policy.state.currency) for pair in pairs}
    twice = len({pair.policy.policy_id for pair in pairs}) < len(pairs)
    if len(kinds) != 1 or twice or len({pair.policy.livemode for pair in pairs}) > 1:
        raise InvalidRequest(
            f"A round of {len(pairs)} renewals names {len(kinds)} kinds of insurer, product and currency"
            f"{', and a policy twice' if twice else ''}.",
            hint="Renew the policies of one insurer, product and currency together, each once.",
        )


def _require_follows(connection: sa.Connection, pair: Pair, *, now: datetime) -> None:
    service.require_same_cover(pair.policy, pair.quote)
    starts = date.fromisoformat(pair.quote.request["starts"])
    follow(pair.policy.state, Renewed(recorded_time=now, next_policy_id="planned", next_starts=starts))
    if policies.of_quote(connection, QuoteId(pair.quote.quote_id)) is not None:
        raise PolicyForbids(f"Quote {pair.quote.quote_id} was bound already.", hint="Renew with a quote of its own.")


def _case(pair: Pair) -> RenewalCase:
    body, state = json.loads(pair.quote.body), pair.policy.state
    if body["currency"] != state.currency:
        raise InvalidRequest(f"Policy {state.policy_id} is in {state.currency}, its quote in {body['currency']}.")
    units = len(body["machines"]) if state.bound.product in OF_MACHINES else 1
    days = cover_days(date.fromisoformat(body["from"]), date.fromisoformat(body["to"]))
    values = scoring_parameters().at(datetime.fromisoformat(body["as_of"]))
    return RenewalCase(
        policy_id=state.policy_id,
        quote_id=body["quote_id"],
        fleet=pair.policy.obligor_id,
        expiring_minor=expiring_minor(
            state, machine_days=days * units, insured_minor=body["sum_insured_minor"], units=units
        ),
        pure_minor=body["pure_premium_minor"],
        quoted_minor=body["gross_premium_minor"],
        loadings=loadings(body["currency"], values),
    )


def _experience(connection: sa.Connection, one: KeptPolicy, *, now: datetime) -> Mapping[str, Experience]:
    """What each fleet of the insurer had of this product until yesterday: claims expected, and claims notified."""
    yesterday = now.astimezone(ZONE).date() - timedelta(days=1)
    known = known_policies(connection, PartnerId(one.partner_id), as_of=now, livemode=one.livemode)
    expected, claims = defaultdict[str, float](float), defaultdict[str, int](int)
    for policy in (held_policy(item, {}) for item in known):
        if policy.product is one.state.bound.product:
            found = position(policy, begins=policy.state.bound.starts, day=yesterday)
            expected[policy.obligor_id] += found.expected_claims
            claims[policy.obligor_id] += found.claims
    return {name: Experience(expected=expected[name], claims=claims[name]) for name in sorted(expected)}
