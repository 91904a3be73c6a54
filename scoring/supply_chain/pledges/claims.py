"""What an item claims: shares of slots that no two pledges may overdraw together, and traces that ask for a look.

A slot is a fingerprint with a capacity. A machine's or an invoice's slot has room for one; an order's and a delivery's
for its value, however many invoices bill it; a machine-hour's for 3,600 seconds. Everything exclusive is thereby one
rule: what all pledges claim of a slot stays within its capacity.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta
from enum import StrEnum
from typing import Any

from scoring.errors import InvalidRequest
from scoring.supply_chain.pledges.canonical import canonical_number, look_alike, whole_of
from scoring.supply_chain.pledges.fingerprints import Key, Token
from scoring.supply_chain.pledges.items import HoursItem, InvoiceItem, Item, MachineItem, OrderItem

HOUR = timedelta(hours=1)
HOUR_SECONDS = 3600
MOST_HOURS = 5_000
WHOLE = 1_000_000
"""Capacity of what can be had once; a numbered part takes one of these, so that parts go together and not with the
whole."""


class Collision(StrEnum):
    """What a pledge has in common with another that stands. Nothing else is ever told of the other."""

    SAME_MACHINE = "same_machine"
    SAME_ORDER = "same_order"
    SAME_INVOICE = "same_invoice"
    SAME_DELIVERY = "same_delivery"
    SAME_MACHINE_HOURS = "same_machine_hours"
    NEAR_INVOICE = "near_invoice"
    SIMILAR_NUMBER = "similar_number"
    SAME_DAYS = "same_days"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A share of a slot, in the slot's own unit, and the most that the slot is good for as far as this item knows.

    Within one pledge a whole and its parts are the same value: an order and the invoices that bill it claim the larger
    of the two, so that one exposure can follow its order into its invoices.
    """

    token: Token
    collision: Collision
    amount: int
    capacity: int
    is_part: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """A fingerprint that is left, or looked for, and tells of a likeness only."""

    token: Token
    collision: Collision


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """All that one item claims, leaves and looks for; `alone` is what asks for a look whatever else is pledged."""

    claims: Sequence[Claim]
    left: Sequence[Trace] = ()
    looked_for: Sequence[Trace] = ()
    alone: Sequence[Collision] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """How near two invoices of a seller to a buyer must be to ask for a look: in days, and in share of the amount."""

    days: int
    amount_ratio: float


def likeness(values: Mapping[str, Any]) -> Likeness:
    """The likeness of parameter `pledges`."""
    return Likeness(days=values["pledges"]["near_days"], amount_ratio=values["pledges"]["near_amount_ratio"])


def claims_of(item: Item, key: Key, near: Likeness, told_elsewhere: frozenset[str] = frozenset()) -> Claims:
    """What an item claims of the registry under `key`. `told_elsewhere` are machines whose days of work another obligor
    tells as its own, by their fingerprints. Raises InvalidRequest where the item names nothing."""
    match item:
        case MachineItem():
            return Claims(claims=_machine(item, key), alone=_alone(item.machine_uid, told_elsewhere))
        case OrderItem():
            return Claims(claims=[_order(item, item.number, item.amount_minor, item.amount_minor, key)])
        case InvoiceItem():
            return _invoice(item, key, near)
        case HoursItem():
            return Claims(claims=list(_hours(item, key)), alone=_alone(item.machine_uid, told_elsewhere))


def _machine(item: MachineItem, key: Key) -> list[Claim]:
    """By its plate and by what its gateway calls it: a new plate on a machine that reports is no new machine."""
    names = [key.token("machine_plate", ("".join(canonical_number(item.maker)), *_number(item.serial_number)))]
    if item.machine_uid is not None:
        names.append(key.token("machine_uid", (item.machine_uid,)))
    return [Claim(token=name, collision=Collision.SAME_MACHINE, amount=WHOLE, capacity=WHOLE) for name in names]


def _alone(machine_uid: str | None, told_elsewhere: frozenset[str]) -> tuple[Collision, ...]:
    return (Collision.SAME_DAYS,) if machine_uid in told_elsewhere else ()


def _order(item: OrderItem | InvoiceItem, number: str, amount: int, capacity: int, key: Key) -> Claim:
    return Claim(
        token=key.token("order", (item.seller_id, *_number(number))),
        collision=Collision.SAME_ORDER,
        amount=amount,
        capacity=capacity,
        is_part=isinstance(item, InvoiceItem),
    )


def _invoice(item: InvoiceItem, key: Key, near: Likeness) -> Claims:
    number = _number(item.number)
    claims = [_invoice_slot(item, number, key, is_part=False)]
    if (whole := whole_of(number)) is not None:
        claims.append(_invoice_slot(item, whole, key, is_part=True))
    if item.delivery is not None:
        claims.append(
            Claim(
                token=key.token("delivery", (item.seller_id, *_number(item.delivery.number))),
                collision=Collision.SAME_DELIVERY,
                amount=item.amount_minor,
                capacity=item.delivery.amount_minor,
                is_part=True,
            )
        )
    if item.order is not None:
        claims.append(_order(item, item.order.number, item.amount_minor, item.order.amount_minor, key))
    similar = Trace(
        token=key.token("look_alike", (item.seller_id, look_alike(item.number))), collision=Collision.SIMILAR_NUMBER
    )
    return Claims(
        claims=claims,
        left=[_near(item, key, _step(item.amount_minor, near), 0), similar],
        looked_for=[*_nearby(item, key, near), similar],
    )


def _invoice_slot(item: InvoiceItem, number: tuple[str, ...], key: Key, *, is_part: bool) -> Claim:
    """A seller numbers its invoices once: the same number is the same invoice, whatever else was changed on it."""
    return Claim(
        token=key.token("invoice", (item.seller_id, *number)),
        collision=Collision.SAME_INVOICE,
        amount=1 if is_part else WHOLE,
        capacity=WHOLE,
        is_part=is_part,
    )


def _nearby(item: InvoiceItem, key: Key, near: Likeness) -> Iterator[Trace]:
    """The traces of every invoice that this one could be under another number."""
    step = _step(item.amount_minor, near)
    for days in range(-near.days, near.days + 1):
        for steps in (-1, 0, 1):
            yield _near(item, key, step + steps, days)


def _near(item: InvoiceItem, key: Key, step: int, days: int) -> Trace:
    day = (item.issued_on + timedelta(days=days)).isoformat()
    token = key.token("near_invoice", (item.seller_id, item.buyer_id, item.currency, step, day))
    return Trace(token=token, collision=Collision.NEAR_INVOICE)


def _step(amount_minor: int, near: Likeness) -> int:
    """Which step of a ladder of amounts, each `1 + amount_ratio` above the one before, an amount stands on."""
    return math.floor(math.log(amount_minor) / math.log1p(near.amount_ratio))


def _hours(item: HoursItem, key: Key) -> Iterator[Claim]:
    """A slot an hour of UTC, and of it the seconds that the item covers."""
    starts, ends = item.starts.astimezone(UTC), item.ends.astimezone(UTC)
    if not timedelta(0) < ends - starts <= MOST_HOURS * HOUR:
        raise InvalidRequest(
            f"From {item.starts.isoformat()} to {item.ends.isoformat()} are no hours that can be pledged.",
            hint=f"`ends` lies after `starts`, by {MOST_HOURS:,} hours at most.",
        )
    hour = starts.replace(minute=0, second=0, microsecond=0)
    while hour < ends:
        seconds = math.ceil((min(ends, hour + HOUR) - max(starts, hour)).total_seconds())
        yield Claim(
            token=key.token("machine_hour", (item.machine_uid, hour.isoformat())),
            collision=Collision.SAME_MACHINE_HOURS,
            amount=seconds,
            capacity=HOUR_SECONDS,
        )
        hour += HOUR


def _number(text: str) -> tuple[str, ...]:
    """The canonical number. Raises InvalidRequest where nothing is left of it."""
    number = canonical_number(text)
    if not number:
        raise InvalidRequest(f"{text!r} holds neither letter nor digit.", hint="Send the number as it is printed.")
    return number
