"""What was agreed that a loan is for and what was paid, as they are sent, and what came of it, as it is answered."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from api.http.shapes import AmountMinor, Asked, Currency, MachineName, ObligorCode, Told, UtcInstant
from scoring.supply_chain.collateral.funds import Deviation, FundsPurpose

PayeeName = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
PaymentDay = Annotated[date, Field(ge=date(1990, 1, 1), le=date(2199, 12, 31))]
MOST_LINES = 200


class AgreedAsked(Asked):
    """One line of what was agreed: the payee, what for, the most, and for equipment the machine."""

    payee: PayeeName
    purpose: FundsPurpose
    amount_minor: AmountMinor
    machine_uid: MachineName | None = None


class PaymentAsked(Asked):
    """A payment out of the loan, as the bank saw it."""

    payment_id: PayeeName
    payee: PayeeName
    paid_on: PaymentDay
    amount_minor: AmountMinor


class FundsAsked(Asked):
    """A loan's agreed use, its payments, and who is the borrower's own side besides itself."""

    obligor_id: ObligorCode
    currency: Currency
    agreed: Annotated[tuple[AgreedAsked, ...], Field(min_length=1, max_length=MOST_LINES)]
    payments: Annotated[tuple[PaymentAsked, ...], Field(min_length=1, max_length=MOST_LINES)]
    affiliates: Annotated[tuple[PayeeName, ...], Field(max_length=MOST_LINES)] = ()
    as_of: UtcInstant | None = None


class FundsWordsTold(Told):
    """What was found, in a sentence of both languages."""

    zh: str
    en: str


class FundsFindingTold(Told):
    """One deviation from what was agreed: the amount that it concerns and the payments that show it."""

    deviation: Deviation
    payee: str
    amount_minor: int
    evidence: list[str]
    narrative: FundsWordsTold


class FundsTold(Told):
    """What was paid as agreed and outside of it (they sum to what was paid), and every deviation. Nothing is kept."""

    obligor_id: str
    as_of: datetime
    currency: str
    paid_minor: int
    agreed_use_minor: int
    outside_minor: int
    findings: list[FundsFindingTold]
    delivered_on: dict[str, date]
    first_used_on: dict[str, date]
    bought_minor: dict[str, int]
    parameters_version: str


class FundsAnswer(Told):
    """Use of funds."""

    use_of_funds: FundsTold
    livemode: bool
