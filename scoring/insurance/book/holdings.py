"""A policy as part of a book: what it insures on a day, and what it earned and cost in a span of days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta, tzinfo
from decimal import Decimal

from data_contracts.identifiers import ObligorId
from scoring.insurance.offers.risk import MONTHS_A_YEAR, whole_months
from scoring.insurance.policy_life import (
    OF_MACHINES,
    Billed,
    Bound,
    Endorsed,
    Lapsed,
    PolicyState,
    Record,
    TruedUp,
    pro_rata,
)
from scoring.money import to_minor
from scoring.records import InsuranceProduct


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldPolicy:
    """A policy as its records up to an instant say, and whose it is.

    `charges` are the days on which its premium moved, and by how much; the rates are claims a year of one machine (or
    of the firm) as filed and as the model said when it was quoted. `covered_share` is what a guarantee bears of a loss.
    """

    obligor_id: ObligorId
    industry: str
    region: str
    state: PolicyState
    charges: Sequence[tuple[date, int]]
    filed_rate: float
    model_rate: float
    covered_share: Decimal

    @property
    def product(self) -> InsuranceProduct:
        """What it covers."""
        return self.state.bound.product


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A policy on a day and over the days before it.

    `sum_insured_minor` is what it insures on the day: of the machines that are covered then, and of a guarantee the
    covered share of what is owed then by the course of its quote; 0 where it is not in force. Premium is written when
    it is charged and earned by days of cover, a bill by the days that it is for. Claims are first notices by the day
    of the loss; what they will be paid is not known here.
    """

    policy: HeldPolicy
    is_in_force: bool
    sum_insured_minor: int
    cover_days: int
    written_minor: int
    earned_minor: int
    unearned_minor: int
    claims: int
    claimed_minor: int

    @property
    def expected_claims(self) -> float:
        """By the filed rate."""
        return self.policy.filed_rate * self.cover_days / 365

    @property
    def model_claims(self) -> float:
        """By the model's rate, which was shown and not charged."""
        return self.policy.model_rate * self.cover_days / 365


def charges_of(records: Sequence[Record], zone: tzinfo) -> list[tuple[date, int]]:
    """Each movement of a policy's premium with the day of `zone` on which it was recorded."""
    moved = []
    for record in records:
        change = _charge(record)
        if change:
            moved.append((record.recorded_time.astimezone(zone).date(), change))
    return moved


def position(policy: HeldPolicy, *, begins: date, day: date) -> Position:
    """The policy on `day`, and what it did from `begins` to it, both inclusive."""
    state, before = policy.state, begins - timedelta(days=1)
    losses = [claim for claim in state.claims if begins <= claim.day <= day]
    earned = earned_minor(state, day)
    return Position(
        policy=policy,
        is_in_force=any(first <= day <= last for _, first, last in state.covers),
        sum_insured_minor=insured_minor(policy, day),
        cover_days=state.machine_days(begins, day),
        written_minor=sum(change for on, change in policy.charges if begins <= on <= day),
        earned_minor=earned - earned_minor(state, before),
        unearned_minor=state.premium_minor - earned,
        claims=len(losses),
        claimed_minor=sum(claim.amount_minor for claim in losses),
    )


def earned_minor(state: PolicyState, day: date) -> int:
    """What a policy has earned by the end of a day: bills by their own days, all else evenly by machine-days."""
    if day >= state.ends or not state.covers:
        return state.premium_minor
    billed = sum(bill.due_minor for bill in state.bills)
    even = pro_rata(
        state.premium_minor - billed, machine_days=state.machine_days(ends=day), all_machine_days=state.machine_days()
    )
    for bill in state.bills:
        days, all_days = (
            state.machine_days(bill.starts, min(bill.ends, day)),
            state.machine_days(bill.starts, bill.ends),
        )
        even += pro_rata(bill.due_minor, machine_days=days, all_machine_days=all_days) if days else 0
    return even


def insured_minor(policy: HeldPolicy, day: date) -> int:
    """What a policy insures on a day; 0 where it is not in force."""
    bound = policy.state.bound
    covered = sum(first <= day <= last for _, first, last in policy.state.covers)
    if not covered:
        return 0
    if policy.product in OF_MACHINES:
        return to_minor(Decimal(bound.sum_insured_minor) * covered / len(bound.machines))
    if policy.product is InsuranceProduct.GUARANTEE:
        return to_minor(policy.covered_share * owed_minor(bound, day))
    return bound.sum_insured_minor


def owed_minor(bound: Bound, day: date) -> int:
    """What is owed on a day of a guaranteed facility that is repaid in equal monthly parts, as its quote took it."""
    months = whole_months(bound.starts, bound.ends)
    begun = bound.starts
    passed = (day.year - begun.year) * MONTHS_A_YEAR + day.month - begun.month - (day.day < begun.day)
    return bound.sum_insured_minor * (months - min(passed, months - 1)) // months


def _charge(record: Record) -> int:
    match record:
        case Bound(premium_minor=amount):
            return amount
        case Endorsed(premium_change_minor=amount) | Lapsed(premium_change_minor=amount):
            return amount
        case Billed(due_minor=amount) | TruedUp(due_minor=amount):
            return amount
        case _:
            return 0
