"""An insurer's book as of a day: everything that its report says, as one value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from scoring.insurance.book.accumulation import (
    Accumulation,
    LargePolicy,
    ObligorExposure,
    Room,
    behind,
    breached,
    by_obligor,
    largest_policies,
    peaks,
    rooms,
)
from scoring.insurance.book.holdings import HeldPolicy, position
from scoring.insurance.book.lines import InsuranceLine, by_industry, by_product, by_region, table, whole_book
from scoring.insurance.book.slump import IdleRisk, SlumpLoss, slump_loss
from scoring.portfolio.loans import UNKNOWN
from scoring.records import InsuranceProduct

BOOK = "book"
"""The name under which the loss of all idle covers together is held against its limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InsuredBook:
    """What a report is made of: policies of one currency, the idle covers that can be simulated, and buyers' shares in
    a year's sales of each obligor that has a guarantee."""

    currency: str
    policies: Sequence[HeldPolicy]
    idle: Sequence[IdleRisk]
    buyers: Mapping[str, Mapping[str, Decimal]]


@dataclass(frozen=True, slots=True, kw_only=True)
class InsurancePortfolio:
    """The book on a day and from `begins` to it. Every table adds up to `whole`; `findings` are limits that are passed.

    `not_begun` are policies that were bound and cover no day yet: they are in no table, and in the accumulation.
    """

    day: date
    begins: date
    currency: str
    whole: InsuranceLine
    by_product: Sequence[InsuranceLine]
    by_industry: Sequence[InsuranceLine]
    by_region: Sequence[InsuranceLine]
    not_begun: int
    slump: SlumpLoss | None
    idle_industries: Sequence[Room]
    idle_tail: Sequence[Room]
    regions: Sequence[Room]
    obligors: Sequence[Room]
    largest_obligors: Sequence[ObligorExposure]
    largest_policies: Sequence[LargePolicy]
    guarantee_core_enterprises: Sequence[Room]
    guarantee_industries: Sequence[Room]
    findings: Sequence[Room]


def insurance_portfolio(
    book: InsuredBook, *, begins: date, day: date, largest: int, values: Mapping[str, Any]
) -> InsurancePortfolio:
    """The report of a book on a day. `values` are scoring's parameters in force."""
    held = [position(policy, begins=begins, day=day) for policy in book.policies]
    limits: Mapping[str, int | None] = values["insurance_accumulation"].get(book.currency, {})
    slump = slump_loss(book.idle, values["insurance_covers"]["idle_cover"])
    lost = {} if slump is None else {BOOK: round(slump.value_at_risk_minor)}
    idle = _of(book, InsuranceProduct.IDLE_COVER)
    used = {
        "idle_industries": rooms(Accumulation.IDLE_INDUSTRY, peaks(idle, industry, day=day), limits),
        "idle_tail": rooms(Accumulation.IDLE_TAIL, lost, limits),
        "regions": rooms(Accumulation.REGION, peaks(book.policies, region, day=day), limits),
        "obligors": rooms(Accumulation.OBLIGOR, peaks(book.policies, obligor, day=day), limits),
        **_guarantees(_of(book, InsuranceProduct.GUARANTEE), book.buyers, limits, day=day),
    }
    found = [line for lines in used.values() for line in breached(lines)]
    return InsurancePortfolio(
        day=day,
        begins=begins,
        currency=book.currency,
        whole=whole_book(held),
        by_product=table(held, by_product),
        by_industry=table(held, by_industry),
        by_region=table(held, by_region),
        not_begun=sum(item.policy.state.bound.starts > day for item in held),
        slump=slump,
        largest_obligors=by_obligor(held)[:largest],
        largest_policies=largest_policies(held, most=largest),
        findings=[line for line in found if line.name != UNKNOWN],
        **used,
    )


def _guarantees(
    held: Sequence[HeldPolicy],
    buyers: Mapping[str, Mapping[str, Decimal]],
    limits: Mapping[str, int | None],
    *,
    day: date,
) -> dict[str, list[Room]]:
    """What guarantees cover behind each core enterprise (each obligor at its own peak) and in each industry."""
    through = behind(peaks(held, obligor, day=day), buyers)
    return {
        "guarantee_core_enterprises": rooms(Accumulation.CORE_ENTERPRISE, through, limits),
        "guarantee_industries": rooms(Accumulation.GUARANTEE_INDUSTRY, peaks(held, industry, day=day), limits),
    }


def _of(book: InsuredBook, product: InsuranceProduct) -> list[HeldPolicy]:
    return [policy for policy in book.policies if policy.product is product]


def industry(policy: HeldPolicy) -> str:
    """Key of an accumulation."""
    return policy.industry


def region(policy: HeldPolicy) -> str:
    """Key of an accumulation."""
    return policy.region


def obligor(policy: HeldPolicy) -> str:
    """Key of an accumulation."""
    return policy.obligor_id
