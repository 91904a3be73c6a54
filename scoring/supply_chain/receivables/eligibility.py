"""Which receivables may be lent against: rules in a fixed order, each taking off what it takes off, to the fen.

A receivable is refused whole by the first rule that finds it; what is left is then reduced by what the seller owes the
buyer, by what was not shipped or not produced, and by what one buyer has too much of. Every minor unit of what is
outstanding is either eligible or in exactly one deduction.
"""

from __future__ import annotations

from calendar import monthrange
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_FLOOR, Decimal
from enum import StrEnum
from typing import Any

from scoring.money import exact
from scoring.supply_chain.receivables.receivable import Confirmation, Receivable, SellerFacts

MONTHS_A_YEAR = 12


class RuleCode(StrEnum):
    """Why something of a receivable is not eligible, in order of precedence; stable across versions."""

    CURRENCY = "E01_currency"
    PAID = "E02_paid"
    DISPUTED = "E03_disputed"
    AFFILIATE = "E04_affiliate"
    AGE = "E05_age"
    TENOR = "E06_tenor"
    CROSS_AGEING = "E07_cross_ageing"
    NOT_SHIPPED = "E08_not_shipped"
    NOT_PRODUCED = "E09_not_produced"
    CONTRA = "E10_contra"
    CONCENTRATION = "E11_concentration"


class Caution(StrEnum):
    """What a lender is told of a receivable that is eligible all the same."""

    LONG_TENOR = "W01_long_tenor"
    SHIPMENT_UNKNOWN = "W02_shipment_unknown"
    PRODUCTION_UNKNOWN = "W03_production_unknown"
    CONFIRMATION_UNKNOWN = "W04_confirmation_unknown"
    DISPUTE_UNKNOWN = "W05_dispute_unknown"
    AFFILIATION_UNKNOWN = "W06_affiliation_unknown"
    CONFIRMED_IN_PART = "W07_confirmed_in_part"


@dataclass(frozen=True, slots=True, kw_only=True)
class EligibilityTerms:
    """Parameter `receivables.eligibility`."""

    oldest_overdue_days: int
    cross_ageing_share: Decimal
    concentration_share: Decimal
    tenor_months_warned: int
    tenor_months_refused: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One receivable: what of it is eligible, and what each rule took off. They sum to what is outstanding."""

    receivable: Receivable
    eligible_minor: int
    deductions: Mapping[RuleCode, int]
    cautions: Sequence[Caution]


def eligibility_terms(values: Mapping[str, Any]) -> EligibilityTerms:
    """The terms of parameter `receivables`."""
    told = values["receivables"]["eligibility"]
    return EligibilityTerms(
        oldest_overdue_days=told["oldest_overdue_days"],
        cross_ageing_share=exact(told["cross_ageing_share"]),
        concentration_share=exact(told["concentration_share"]),
        tenor_months_warned=told["tenor_months_warned"],
        tenor_months_refused=told["tenor_months_refused"],
    )


def judge(receivables: Sequence[Receivable], seller: SellerFacts, terms: EligibilityTerms) -> tuple[Judged, ...]:
    """What of each receivable is eligible, in the order given. Concentration counts what the other rules left."""
    left = [_Left(receivable) for receivable in receivables]
    aged = _cross_aged(receivables, seller, terms)
    for item in left:
        if (rule := _refused(item.receivable, seller, terms, aged)) is not None:
            item.take(rule, item.eligible)
        elif item.receivable.shipped_minor is not None:
            item.take(RuleCode.NOT_SHIPPED, item.receivable.amount_minor - item.receivable.shipped_minor)
    _take_unproduced(left, seller)
    _take_contra(left, seller)
    _take_concentration(left, terms)
    return tuple(item.judged(_cautions(item.receivable, seller, terms)) for item in left)


def months_after(day: date, months: int) -> date:
    """The same day of the month so many months later, or that month's last."""
    year, month = divmod(day.year * MONTHS_A_YEAR + day.month - 1 + months, MONTHS_A_YEAR)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


class _Left:
    """What is left of a receivable while rules take from it; no rule takes more than there is."""

    def __init__(self, receivable: Receivable) -> None:
        self.receivable = receivable
        self.eligible = max(0, receivable.outstanding_minor)
        self.deductions: dict[RuleCode, int] = {}

    def take(self, rule: RuleCode, amount: int) -> int:
        """Take off up to `amount`; how much it was."""
        taken = min(max(0, amount), self.eligible)
        if taken:
            self.eligible -= taken
            self.deductions[rule] = taken
        return taken

    def judged(self, cautions: Sequence[Caution]) -> Judged:
        """The end."""
        return Judged(
            receivable=self.receivable,
            eligible_minor=self.eligible,
            deductions=self.deductions,
            cautions=cautions if self.eligible else (),
        )


def _refused(item: Receivable, seller: SellerFacts, terms: EligibilityTerms, aged: frozenset[str]) -> RuleCode | None:
    """The first rule that takes off all of a receivable."""
    checks: tuple[tuple[RuleCode, bool], ...] = (
        (RuleCode.CURRENCY, item.currency != seller.currency),
        (RuleCode.PAID, item.outstanding_minor <= 0),
        (RuleCode.DISPUTED, item.is_disputed is True),
        (RuleCode.AFFILIATE, item.buyer_id in seller.affiliates),
        (RuleCode.AGE, (seller.as_of - item.due_on).days > terms.oldest_overdue_days),
        (RuleCode.TENOR, item.due_on > months_after(item.issued_on, terms.tenor_months_refused)),
        (RuleCode.CROSS_AGEING, item.buyer_id in aged),
    )
    return next((rule for rule, bites in checks if bites), None)


def _cross_aged(receivables: Sequence[Receivable], seller: SellerFacts, terms: EligibilityTerms) -> frozenset[str]:
    """Buyers of whose receivables more than a share is too old: none of theirs is eligible."""
    every: dict[str, int] = defaultdict(int)
    old: dict[str, int] = defaultdict(int)
    for item in receivables:
        if item.currency == seller.currency and item.outstanding_minor > 0:
            every[item.buyer_id] += item.outstanding_minor
            if (seller.as_of - item.due_on).days > terms.oldest_overdue_days:
                old[item.buyer_id] += item.outstanding_minor
    return frozenset(buyer for buyer, amount in old.items() if amount > terms.cross_ageing_share * every[buyer])


def _take_unproduced(left: Sequence[_Left], seller: SellerFacts) -> None:
    """Parts invoiced beyond what was produced and lay in stock: the latest invoices bill what is not there."""
    if seller.produced is None:
        return
    available = max(0, seller.produced.parts + seller.produced.opening_parts)
    for item in sorted(left, key=lambda item: (item.receivable.issued_on, item.receivable.invoice_id)):
        parts = item.receivable.parts
        if parts is None or item.receivable.issued_on < seller.produced.since:
            continue
        missing = max(0, parts - available)
        available = max(0, available - parts)
        if missing:
            item.take(RuleCode.NOT_PRODUCED, -(-item.receivable.amount_minor * missing // parts))


def _take_contra(left: Sequence[_Left], seller: SellerFacts) -> None:
    """A buyer sets off what the seller owes it, against whatever is due first; not where it promised to pay whatever
    comes."""
    owed = dict(seller.owed_to_minor)
    for item in sorted(left, key=_by_due):
        if item.receivable.confirmation is not Confirmation.IRREVOCABLE:
            buyer = item.receivable.buyer_id
            owed[buyer] = owed.get(buyer, 0) - item.take(RuleCode.CONTRA, owed.get(buyer, 0))


def _take_concentration(left: Sequence[_Left], terms: EligibilityTerms) -> None:
    """One buyer's share of all that is eligible up to here; what exceeds it comes off what is due last."""
    total = sum(item.eligible for item in left)
    most = int((terms.concentration_share * total).to_integral_value(rounding=ROUND_FLOOR))
    of_buyer: dict[str, list[_Left]] = defaultdict(list)
    for item in left:
        of_buyer[item.receivable.buyer_id].append(item)
    for items in of_buyer.values():
        excess = sum(item.eligible for item in items) - most
        for item in sorted(items, key=_by_due, reverse=True):
            excess -= item.take(RuleCode.CONCENTRATION, excess)


def _by_due(item: _Left) -> tuple[date, str]:
    return item.receivable.due_on, item.receivable.invoice_id


def _cautions(item: Receivable, seller: SellerFacts, terms: EligibilityTerms) -> tuple[Caution, ...]:
    checks = (
        (Caution.LONG_TENOR, item.due_on > months_after(item.issued_on, terms.tenor_months_warned)),
        (Caution.SHIPMENT_UNKNOWN, item.shipped_minor is None),
        (Caution.PRODUCTION_UNKNOWN, seller.produced is None or item.parts is None),
        (Caution.CONFIRMATION_UNKNOWN, item.confirmation is Confirmation.UNKNOWN),
        (Caution.DISPUTE_UNKNOWN, item.is_disputed is None),
        (Caution.AFFILIATION_UNKNOWN, not seller.is_group_known),
        (Caution.CONFIRMED_IN_PART, item.is_confirmed_in_part),
    )
    return tuple(code for code, is_so in checks if is_so)
