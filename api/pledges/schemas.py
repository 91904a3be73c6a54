"""Pledges as they are asked for and answered."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from api.http.shapes import AmountMinor, Asked, Currency, MachineName, ObligorCode, Told, UtcInstant
from scoring.supply_chain.pledges.claims import Collision
from scoring.supply_chain.pledges.items import ItemKind

MOST_ITEMS = 50

PaperNumber = Annotated[
    str, StringConstraints(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]*[0-9A-Za-z][^\x00-\x1f\x7f]*$")
]
BuyerName = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
IssueDate = Annotated[date, Field(ge=date(1990, 1, 1), le=date(2199, 12, 31))]


class PaperAsked(Asked):
    """A paper that an invoice belongs to, and the value that it is good for."""

    number: PaperNumber
    amount_minor: AmountMinor


class MachineAsked(Asked):
    """A machine by its plate, and the `machine_uid` under which it reports, where it does."""

    kind: Literal["machine"]
    maker: PaperNumber
    serial_number: PaperNumber
    machine_uid: MachineName | None = None


class OrderAsked(Asked):
    """A buyer's order with the obligor."""

    kind: Literal["order"]
    buyer_id: BuyerName
    number: PaperNumber
    amount_minor: AmountMinor
    currency: Currency


class InvoiceAsked(Asked):
    """An invoice of the obligor's; what it bills, where that is known."""

    kind: Literal["invoice"]
    buyer_id: BuyerName
    number: PaperNumber
    amount_minor: AmountMinor
    currency: Currency
    issued_on: IssueDate
    order: PaperAsked | None = None
    delivery: PaperAsked | None = None


class HoursAsked(Asked):
    """The time of one of the obligor's machines behind an order; `ends` is exclusive."""

    kind: Literal["machine_hours"]
    machine_uid: MachineName
    starts: UtcInstant
    ends: UtcInstant


ItemAsked = Annotated[MachineAsked | OrderAsked | InvoiceAsked | HoursAsked, Field(discriminator="kind")]


class PledgeAsked(Asked):
    """What a lender wants pledged to it: all of it, or nothing is reserved."""

    obligor_id: ObligorCode
    items: Annotated[tuple[ItemAsked, ...], Field(min_length=1, max_length=MOST_ITEMS)]


class PledgeConfirmed(Asked):
    """That the lender goes on; `review` says what it found where something is like another pledge."""

    review: Annotated[str, StringConstraints(min_length=1, max_length=400, pattern=r"^[^\x00]+$")] | None = None


class PledgeWordsTold(Told):
    """What was found, in sentences of both languages."""

    zh: list[str]
    en: list[str]


class PledgedItemTold(Told):
    """What was found of one item: what it collides with, which refuses it, and what it is merely like. Of the other
    pledge nothing else is told: not whose it is, when it was made or what it holds."""

    kind: ItemKind
    collisions: list[Collision]
    likenesses: list[Collision]
    narrative: PledgeWordsTold


class PledgeTold(Told):
    """A pledge. Reserved, it keeps others out until `expires_time`; confirmed, until it is released."""

    pledge_id: str
    obligor_id: str
    partner: str
    status: Literal["reserved", "confirmed", "refused", "lapsed", "released"]
    reserved_time: datetime
    expires_time: datetime
    confirmed_time: datetime | None
    ended_time: datetime | None
    review: str | None
    items: list[PledgedItemTold]
    parameters_version: str


class PledgeAnswer(Told):
    """One pledge."""

    pledge: PledgeTold
    livemode: bool


class PledgeList(Told):
    """A page of pledges, in order of reservation."""

    data: list[PledgeTold]
    next_cursor: str | None
    livemode: bool
