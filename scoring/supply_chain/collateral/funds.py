"""Use of funds: what was agreed to be paid to whom and for what, against what was paid, delivered and used.

No balance is kept and no money is moved: payments are what others report. A deviation is shown with its evidence.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from scoring.money import exact


class FundsPurpose(StrEnum):
    """What borrowed money is for."""

    EQUIPMENT = "equipment"
    MATERIAL = "material"


class Deviation(StrEnum):
    """What does not go as agreed."""

    UNKNOWN_PAYEE = "unknown_payee"
    PAID_TOO_MUCH = "paid_too_much"
    BACK_TO_BORROWER = "back_to_borrower"
    NOT_DELIVERED = "not_delivered"
    DELIVERED_AND_NOT_USED = "delivered_and_not_used"
    NO_PURCHASE = "no_purchase"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """One line of what was agreed: the payee, what for, the most, and for equipment the machine."""

    payee: str
    purpose: FundsPurpose
    amount_minor: int
    machine_uid: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """A payment as a bank reported it."""

    payment_id: str
    payee: str
    paid_on: date
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """What came of the payments: when each machine was delivered and first worked, what was bought from whom since the
    loan, and who is the borrower or an affiliate of it."""

    delivered_on: Mapping[str, date]
    first_used_on: Mapping[str, date]
    bought_minor: Mapping[str, int]
    own_side: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class FundsFinding:
    """One deviation, the amount that it concerns, and the payments or papers that show it."""

    deviation: Deviation
    payee: str
    amount_minor: int
    evidence: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class FundsReport:
    """All payments: what went as agreed, and every deviation; `agreed_use_minor` and `outside_minor` sum to what was
    paid."""

    paid_minor: int
    agreed_use_minor: int
    outside_minor: int
    findings: Sequence[FundsFinding]


def examine_funds(
    agreed: Sequence[Agreed],
    payments: Sequence[Payment],
    happened: Happened,
    *,
    day: date,
    values: Mapping[str, Any],
) -> FundsReport:
    """Reconcile payments with what was agreed and with what came of it, as of a day."""
    terms = values["collateral"]["funds"]
    by_payee: dict[str, list[Payment]] = defaultdict(list)
    for payment in payments:
        by_payee[payment.payee].append(payment)
    findings, outside = [], 0
    for payee, paid in sorted(by_payee.items()):
        total = sum(payment.amount_minor for payment in paid)
        most = sum(line.amount_minor for line in agreed if line.payee == payee)
        deviation = _deviation(payee, total=total, most=most, own_side=happened.own_side, terms=terms)
        if deviation is not None:
            excess = total - most if deviation is Deviation.PAID_TOO_MUCH else total
            outside += excess
            evidence = tuple(payment.payment_id for payment in paid)
            findings.append(FundsFinding(deviation=deviation, payee=payee, amount_minor=excess, evidence=evidence))
    for line in agreed:
        findings += _came_of(line, by_payee.get(line.payee, []), happened, day=day, terms=terms)
    paid_minor = sum(payment.amount_minor for payment in payments)
    return FundsReport(
        paid_minor=paid_minor,
        agreed_use_minor=paid_minor - outside,
        outside_minor=outside,
        findings=tuple(findings),
    )


def _deviation(
    payee: str, *, total: int, most: int, own_side: frozenset[str], terms: Mapping[str, Any]
) -> Deviation | None:
    if payee in own_side:
        return Deviation.BACK_TO_BORROWER
    if most == 0:
        return Deviation.UNKNOWN_PAYEE
    allowed = most * (1 + exact(terms["amount_tolerance"]))
    return Deviation.PAID_TOO_MUCH if Decimal(total) > allowed else None


def _came_of(
    line: Agreed, paid: Sequence[Payment], happened: Happened, *, day: date, terms: Mapping[str, Any]
) -> list[FundsFinding]:
    """Whether what was paid for came, and is used."""
    if not paid:
        return []
    first = min(payment.paid_on for payment in paid)
    total = sum(payment.amount_minor for payment in paid)
    is_due = (day - first).days > terms["delivery_days"]
    found: Deviation | None = None
    if line.purpose is FundsPurpose.MATERIAL:
        if is_due and happened.bought_minor.get(line.payee, 0) == 0:
            found = Deviation.NO_PURCHASE
    elif line.machine_uid is not None:
        delivered = happened.delivered_on.get(line.machine_uid)
        if delivered is None:
            found = Deviation.NOT_DELIVERED if is_due else None
        elif (day - delivered).days > terms["first_use_days"] and line.machine_uid not in happened.first_used_on:
            found = Deviation.DELIVERED_AND_NOT_USED
    if found is None:
        return []
    evidence = tuple(payment.payment_id for payment in paid)
    return [FundsFinding(deviation=found, payee=line.payee, amount_minor=total, evidence=evidence)]
