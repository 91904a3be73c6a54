"""One firm under several products: each loss is paid by one of them, and what moves two of them moves both.

A machine that works more earns more (its owner's PD falls) and wears more (breakdown and warranty rise): both are
priced from the same hours. A breakdown in the warranty's term is the warranty's; a standstill by breakdown is no slump
of the cluster; a default is the guarantee's. Whoever holds several covers is not paid twice for one event.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from scoring.records import InsuranceProduct


class Peril(StrEnum):
    """What happened."""

    BREAKDOWN = "breakdown"
    WEAR = "wear"
    LIABILITY = "liability"
    IDLE_LOSS = "idle_loss"
    SLUMP = "slump"
    DEFAULT = "default"


PAYS_FIRST: dict[Peril, tuple[InsuranceProduct, ...]] = {
    Peril.BREAKDOWN: (InsuranceProduct.EXTENDED_WARRANTY, InsuranceProduct.EQUIPMENT_UBI),
    Peril.WEAR: (),
    Peril.LIABILITY: (InsuranceProduct.EQUIPMENT_UBI,),
    Peril.IDLE_LOSS: (InsuranceProduct.EQUIPMENT_UBI,),
    Peril.SLUMP: (InsuranceProduct.IDLE_COVER,),
    Peril.DEFAULT: (InsuranceProduct.GUARANTEE,),
}
"""The covers that a peril is for, the one that answers first before the one that answers for the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverInForce:
    """A cover of a machine (None: of the firm) on the days `starts` to `ends`, with its deductible and its limit a loss
    in minor units."""

    product: InsuranceProduct
    machine_uid: str | None
    starts: date
    ends: date
    deductible_minor: int
    limit_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """One event with what it cost, in minor units."""

    peril: Peril
    machine_uid: str | None
    day: date
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one cover pays of a loss."""

    product: InsuranceProduct
    paid_minor: int


def shared_out(loss: Loss, covers: Sequence[CoverInForce]) -> tuple[Share, ...]:
    """What each cover pays of a loss: in the order of the peril's covers, each of what the one before left, above its
    own deductible and up to its limit. Never more than the loss in all."""
    left, shares = loss.amount_minor, []
    for product in PAYS_FIRST[loss.peril]:
        for cover in covers:
            if cover.product is product and _answers(cover, loss):
                paid = max(0, min(left - cover.deductible_minor, cover.limit_minor))
                if paid:
                    shares.append(Share(product=product, paid_minor=paid))
                    left -= paid
    return tuple(shares)


def _answers(cover: CoverInForce, loss: Loss) -> bool:
    is_its_machine = cover.machine_uid is None or cover.machine_uid == loss.machine_uid
    return is_its_machine and cover.starts <= loss.day <= cover.ends
