"""Reserving, confirming and ending pledges: lock, judge purely, keep, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from api.errors import PledgeNotReviewed, PledgeNotStanding
from api.home import Home
from api.pledges import repository as pledges
from api.pledges.key import registry_key
from api.snapshots.clones import latest_clone_sweep
from api.snapshots.service import keep_parameters
from data_contracts.identifiers import ObligorId, PartnerId
from data_contracts.reference.dated import ParameterBook, load_book
from features.data_trust.codes import TrustCode
from risk_reports.wording.catalogue import Language, wording
from scoring.errors import InvalidRequest
from scoring.supply_chain.pledges.claims import Claims, Collision, claims_of, likeness
from scoring.supply_chain.pledges.items import Item, ItemKind
from scoring.supply_chain.pledges.judge import Verdict, capacities_of, judge, shares_of

MOST_SLOTS = 5_000
"""Of one pledge: some two hundred machine-days round the clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PledgeRequest:
    """What a partner wants pledged to it: all of it or nothing."""

    obligor_id: ObligorId
    kinds: Sequence[ItemKind]
    items: Sequence[Item]


@cache
def supply_chain_parameters() -> ParameterBook:
    """The dated parameters of supply-chain finance as shipped."""
    return load_book(files("scoring") / "supply_chain" / "parameters")


def reserve(
    connection: sa.Connection,
    home: Home,
    request: PledgeRequest,
    *,
    partner: PartnerId,
    livemode: bool,
    now: datetime,
) -> dict[str, Any]:
    """Reserve everything that is asked for, or refuse it with what each item collided with. Raises InvalidRequest.

    The same statements run whatever is found, so that how long it takes says no more than the answer.
    """
    book = keep_parameters(home, supply_chain_parameters())
    values = book.at(now)
    key, near = registry_key(home, livemode=livemode), likeness(values)
    elsewhere = _told_elsewhere(home, request.obligor_id, now=now)
    items = [claims_of(item, key, near, elsewhere) for item in request.items]
    shares, capacities = shares_of(items), capacities_of(items)
    if len(shares) > MOST_SLOTS:
        raise InvalidRequest(f"{len(shares):,} slots are claimed at once; at most {MOST_SLOTS:,}.", hint="Pledge less.")
    pledges.lock(connection, shares, now=now)
    held = pledges.slots(connection, sorted(shares), now=now)
    seen = {trace.token for item in items for trace in item.looked_for}
    verdict = judge(items, held, pledges.traces(connection, sorted(seen), but=None, now=now))
    row = {
        "pledge_id": f"pl_{uuid4().hex}",
        "obligor_id": request.obligor_id,
        "partner_id": partner,
        "livemode": livemode,
        "reserved_time": now,
        "expires_time": now + timedelta(minutes=values["pledges"]["reservation_minutes"]),
        "is_refused": verdict.is_refused,
        "items": _found(request.kinds, verdict),
        "parameters_version": book.version,
    }
    claims = [
        {"token": token, "amount": share.amount, "capacity": capacities[token]} for token, share in shares.items()
    ]
    is_refused = verdict.is_refused
    pledges.append(connection, row, claims=[] if is_refused else claims, traces=[] if is_refused else _traces(items))
    return plain_pledge(pledges.load(connection, str(row["pledge_id"])), now=now)


def confirm(connection: sa.Connection, pledge_id: str, *, review: str | None, now: datetime) -> dict[str, Any]:
    """Make a reservation last. What is like another pledge needs a review in words.

    Likeness is looked for again: two that were reserved at the same moment did not see each other.
    Raises PledgeNotReviewed, PledgeNotStanding and NotFound.
    """
    row = pledges.load(connection, pledge_id)
    if row.confirmed_time is not None and row.ended_time is None:
        return plain_pledge(row, now=now)
    found = pledges.traces(connection, pledges.looked_for(connection, pledge_id), but=pledge_id, now=now)
    is_like = bool(found) or any(Collision.SAME_DAYS.value in item["likenesses"] for item in row.items)
    if is_like and review is None:
        raise PledgeNotReviewed(
            "Something of this pledge is like something that stands pledged, or that another obligor tells.",
            hint="Look at the papers, and confirm with `review`: what you found, in words.",
        )
    if not pledges.confirm(connection, pledge_id, review=review, now=now):
        raise PledgeNotStanding("The reservation was refused, has lapsed or was released.", hint="Reserve anew.")
    return plain_pledge(pledges.load(connection, pledge_id), now=now)


def release(connection: sa.Connection, pledge_id: str, *, now: datetime) -> dict[str, Any]:
    """End a pledge; one that ended before stays as it ended. Raises NotFound."""
    pledges.release(connection, pledge_id, now=now)
    return plain_pledge(pledges.load(connection, pledge_id), now=now)


def plain_pledge(row: sa.Row[Any], *, now: datetime) -> dict[str, Any]:
    """A pledge as it is answered: of what it collided with the kind alone, whoever holds it."""
    return {
        "pledge_id": row.pledge_id,
        "obligor_id": row.obligor_id,
        "partner": row.partner_id,
        "status": _status(row, now=now),
        "reserved_time": row.reserved_time.isoformat(),
        "expires_time": row.expires_time.isoformat(),
        "confirmed_time": _iso(row.confirmed_time),
        "ended_time": _iso(row.ended_time),
        "review": row.review,
        "items": [
            {**item, "narrative": {"zh": _say(item, Language.ZH), "en": _say(item, Language.EN)}} for item in row.items
        ],
        "parameters_version": row.parameters_version,
    }


def _told_elsewhere(home: Home, obligor_id: ObligorId, *, now: datetime) -> frozenset[str]:
    """The obligor's machines whose days of work the latest sweep found at another obligor."""
    sweep = latest_clone_sweep(home, as_of=now)
    found = () if sweep is None else sweep.findings.get(obligor_id, ())
    return frozenset(
        item.machine_uid
        for item in found
        if item.code == TrustCode.CLONED_BETWEEN_OBLIGORS.value and item.machine_uid is not None
    )


def _status(row: sa.Row[Any], *, now: datetime) -> str:
    if row.is_refused:
        return "refused"
    if row.ended_time is not None:
        return str(row.end_reason)
    if row.confirmed_time is not None:
        return "confirmed"
    return "reserved" if row.expires_time > now else pledges.LAPSED


def _found(kinds: Sequence[ItemKind], verdict: Verdict) -> list[dict[str, Any]]:
    """Each item's kind and findings. Where the pledge is refused anyhow, likenesses are not told besides."""
    likely = [()] * len(kinds) if verdict.is_refused else verdict.likely
    return [
        {
            "kind": kind.value,
            "collisions": [code.value for code in refused],
            "likenesses": [code.value for code in like],
        }
        for kind, refused, like in zip(kinds, verdict.refused, likely, strict=True)
    ]


def _traces(items: Sequence[Claims]) -> list[dict[str, Any]]:
    tokens = {(trace.token, True) for item in items for trace in item.left}
    tokens |= {(trace.token, False) for item in items for trace in item.looked_for}
    return [{"token": token, "is_left": is_left} for token, is_left in sorted(tokens)]


def _say(item: dict[str, Any], language: Language) -> list[str]:
    return [
        wording(language).say(f"pledge.{Collision(code).value}") for code in item["collisions"] + item["likenesses"]
    ]


def _iso(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()
