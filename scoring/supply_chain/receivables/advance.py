"""How much of an eligible receivable is advanced, at whose risk, and what is expected to be lost, credit and dilution
apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from scoring.money import exact, to_minor
from scoring.supply_chain.receivables.dilution import Dilution
from scoring.supply_chain.receivables.eligibility import Judged
from scoring.supply_chain.receivables.receivable import Confirmation


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvanceTerms:
    """Parameter `receivables.advance`."""

    cap: Decimal
    dilution_stress: Decimal
    annual_carry_ratio: Decimal
    days_a_year: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvanceLine:
    """One eligible receivable in the base: its advance rate, the advance, and whose default its loss would follow."""

    invoice_id: str
    buyer_id: str
    eligible_minor: int
    advance_rate: Decimal
    advance_minor: int
    pd_12m: float | None
    basis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BorrowingBase:
    """What may be drawn against a seller's receivables, line by line; the lines sum to it."""

    currency: str
    outstanding_minor: int
    eligible_minor: int
    advance_minor: int
    lines: Sequence[AdvanceLine]


def advance_terms(values: Mapping[str, Any]) -> AdvanceTerms:
    """The terms of parameter `receivables`."""
    told = values["receivables"]["advance"]
    return AdvanceTerms(
        cap=exact(told["cap"]),
        dilution_stress=exact(told["dilution_stress"]),
        annual_carry_ratio=exact(told["annual_carry_ratio"]),
        days_a_year=told["days_a_year"],
    )


def outstanding_days_reserve(days_outstanding: Decimal, terms: AdvanceTerms) -> Decimal:
    """What it costs to carry a receivable until it is paid, as a share of it."""
    return terms.annual_carry_ratio * days_outstanding / terms.days_a_year


def advance_rate(dilution: Dilution, days_outstanding: Decimal, terms: AdvanceTerms) -> Decimal:
    """min(cap, 1 - (2 x average dilution + volatility x stress + reserve for days outstanding)), never below 0."""
    kept_back = (
        2 * dilution.mean
        + dilution.volatility * terms.dilution_stress
        + outstanding_days_reserve(days_outstanding, terms)
    )
    return max(Decimal(0), min(terms.cap, 1 - kept_back))


def receivable_pd(
    *, confirmation: Confirmation, pd_buyer: float | None, pd_supplier: float, dilution: Decimal
) -> tuple[float | None, str]:
    """Probability that a receivable is not paid for a default's sake, and what it rests on.

    The buyer's stands for it only where the buyer promised irrevocably to pay. Otherwise the supplier's default brings
    disputes and returns as well: P(supplier) x dilution + P(buyer). None where the buyer is not rated.
    """
    if pd_buyer is None:
        return None, "buyer_not_rated"
    if confirmation is Confirmation.IRREVOCABLE:
        return pd_buyer, "buyer"
    return min(1.0, pd_supplier * float(dilution) + pd_buyer), "buyer_and_supplier"


def borrowing_base(
    judged: Sequence[Judged],
    *,
    currency: str,
    dilution: Mapping[str, Dilution],
    seller_dilution: Dilution,
    days_outstanding: Mapping[str, Decimal],
    pd_buyers: Mapping[str, float],
    pd_supplier: float,
    terms: AdvanceTerms,
) -> BorrowingBase:
    """The base of judged receivables. A buyer without a dilution or days outstanding of its own has the seller's
    dilution, and the days that the receivable itself grants. Advances are rounded down to the minor unit."""
    lines = []
    for item in judged:
        if not item.eligible_minor:
            continue
        told = item.receivable
        own = dilution.get(told.buyer_id, seller_dilution)
        granted = Decimal((told.due_on - told.issued_on).days)
        rate = advance_rate(own, days_outstanding.get(told.buyer_id, granted), terms)
        pd, basis = receivable_pd(
            confirmation=told.confirmation,
            pd_buyer=pd_buyers.get(told.buyer_id),
            pd_supplier=pd_supplier,
            dilution=own.mean,
        )
        lines.append(
            AdvanceLine(
                invoice_id=told.invoice_id,
                buyer_id=told.buyer_id,
                eligible_minor=item.eligible_minor,
                advance_rate=rate,
                advance_minor=int((rate * item.eligible_minor).to_integral_value(rounding=ROUND_FLOOR)),
                pd_12m=pd,
                basis=basis,
            )
        )
    return BorrowingBase(
        currency=currency,
        outstanding_minor=sum(max(0, item.receivable.outstanding_minor) for item in judged),
        eligible_minor=sum(line.eligible_minor for line in lines),
        advance_minor=sum(line.advance_minor for line in lines),
        lines=tuple(lines),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedLosses:
    """Of one line, in minor units: to credit (None where the buyer is not rated), and to dilution beyond what was kept
    back."""

    credit_minor: int | None
    dilution_minor: int


def expected_losses(line: AdvanceLine, *, lgd: Decimal, dilution: Dilution) -> ExpectedLosses:
    """PD x LGD of the advance, and the mean dilution of the whole less what was not advanced."""
    diluted = to_minor(dilution.mean * line.eligible_minor)
    return ExpectedLosses(
        credit_minor=None if line.pd_12m is None else to_minor(exact(line.pd_12m) * lgd * line.advance_minor),
        dilution_minor=max(0, diluted - (line.eligible_minor - line.advance_minor)),
    )
