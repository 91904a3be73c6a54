"""What becomes of an idle cover's season: paid, nothing due, or referred to a person, and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from data_contracts.vocabulary import DataOrigin
from scoring.insurance.idle_cover.payout import PayoutStatement
from scoring.insurance.idle_cover.staged import StagedFinding


class PayoutOutcome(StrEnum):
    """What a settlement comes to."""

    PAID = "paid"
    NOTHING_DUE = "nothing_due"
    REFERRED = "referred"


class Referral(StrEnum):
    """Why a person looks at a payout before it is paid."""

    STAGED_SHUTDOWN = "staged_shutdown"
    """The site's own meter tells of work in a standstill that the machines tell of alone."""
    SITE_METER_MISSING = "site_meter_missing"
    """Of some day of the season no bill of the site's meter is known: nothing speaks for the machines but they."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StandstillTold:
    """The most suspicious standstill of a season (`staged.StagedFinding`), with its first day, and the score above
    which a payout is referred."""

    first_day: date
    working_days: int
    drop: float
    unexplained_days: float
    delivered_share: float | None
    score: float
    limit: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ShutdownAnnounced:
    """The insured says, before it begins, that it will not work on some days (both inclusive)."""

    recorded_time: datetime
    starts: date
    ends: date
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutSettled:
    """A season settled by its index, once: the statement, what was found of standstills, and what comes of it.

    `due_minor` is what is paid now: nothing while a person is asked. `evidence` is the SHA-256 of every figure that
    went in: the insured's days, its cluster's index, its bills and deliveries; `watched_share` how much of the
    machines' time in the season somebody watched.
    """

    recorded_time: datetime
    outcome: PayoutOutcome
    referrals: tuple[Referral, ...]
    statement: PayoutStatement
    standstill: StandstillTold | None
    starts: date
    ends: date
    watched_share: float
    cluster_firms: int
    due_minor: int
    currency: str
    data_origin: DataOrigin
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutDecided:
    """A person decided what was referred: all of the payout, or nothing, and why."""

    recorded_time: datetime
    is_paid: bool
    due_minor: int
    currency: str
    reason: str


def referrals_of(
    statement: PayoutStatement, standstill: StandstillTold | None, *, is_metered: bool
) -> tuple[Referral, ...]:
    """Why a payout is looked at by a person; nothing is where nothing is due. `is_metered` says whether the bills of
    the site's meter cover the season."""
    if not statement.payout_minor:
        return ()
    is_staged = standstill is not None and standstill.score > standstill.limit
    found = {Referral.STAGED_SHUTDOWN: is_staged, Referral.SITE_METER_MISSING: not is_metered}
    return tuple(why for why, holds in found.items() if holds)


def outcome_of(statement: PayoutStatement, referrals: tuple[Referral, ...]) -> PayoutOutcome:
    """What a statement with these referrals comes to."""
    if referrals:
        return PayoutOutcome.REFERRED
    return PayoutOutcome.PAID if statement.payout_minor else PayoutOutcome.NOTHING_DUE


def standstill_told(found: StagedFinding, first: date, *, limit: float) -> StandstillTold:
    """A finding with the day on which it begins."""
    return StandstillTold(
        first_day=first,
        working_days=found.days,
        drop=found.drop,
        unexplained_days=found.unexplained_days,
        delivered_share=found.delivered_share,
        score=found.score,
        limit=limit,
    )
