"""What a lender already has on the core enterprises that an applicant sells to, as known when it is asked: an input of
the decision, kept with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreEnterprise:
    """One buyer of the applicant. `sold_minor` is what the applicant invoiced to it in a year, less what was taken
    back; `direct_minor` what it owes the lender itself, `through_minor` what all its suppliers owe the lender (the
    applicant among them), each by its share in that supplier's sales."""

    core_enterprise: str
    sold_minor: int
    direct_minor: int
    through_minor: int

    @property
    def exposure_minor(self) -> int:
        """Held against its limit before anything is lent."""
        return self.direct_minor + self.through_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class OnCoreEnterprises:
    """The applicant's buyers in order of names, none where no invoice of a year tells of one.

    What it rests on: the lender's names in the ledgers, how many obligors owe it anything, of how many of these a
    year's invoices tell the buyers, what all of them owe, and how much of that no sale explains and lies on nobody.
    """

    lenders: Sequence[str]
    core_enterprises: Sequence[CoreEnterprise]
    obligors: int
    with_buyers: int
    outstanding_minor: int
    unexplained_minor: int

    @property
    def sold_minor(self) -> int:
        """All that the applicant sold in the year."""
        return sum(item.sold_minor for item in self.core_enterprises)


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """The core enterprise that binds first: its share in the applicant's sales, what may still be lent to the
    applicant, and what would lie on it with the amount asked for (parts of a minor unit count as a whole one)."""

    core_enterprise: str
    sales_share: float
    exposure_minor: int
    with_request_minor: int
    lendable_minor: int


def tightest(known: OnCoreEnterprises, *, cap_minor: int, amount_minor: int) -> Room | None:
    """The core enterprise on which the least may still be lent, of equals the first by name; None without buyers.

    A loan lies on a buyer by its share in the applicant's sales: lendable is room / share, in whole minor units.
    """
    whole = known.sold_minor
    rooms = [
        Room(
            core_enterprise=item.core_enterprise,
            sales_share=round(item.sold_minor / whole, 6),
            exposure_minor=item.exposure_minor,
            with_request_minor=item.exposure_minor - (-amount_minor * item.sold_minor // whole),
            lendable_minor=max(0, cap_minor - item.exposure_minor) * whole // item.sold_minor,
        )
        for item in known.core_enterprises
    ]
    return min(rooms, key=lambda room: (room.lendable_minor, room.core_enterprise), default=None)


def plain_on_core_enterprises(known: OnCoreEnterprises) -> dict[str, Any]:
    """As it is kept with a decision."""
    return {
        **asdict(known),
        "lenders": list(known.lenders),
        "core_enterprises": [asdict(item) for item in known.core_enterprises],
    }


def parse_on_core_enterprises(plain: Mapping[str, Any]) -> OnCoreEnterprises:
    """What `plain_on_core_enterprises` wrote."""
    items = tuple(CoreEnterprise(**item) for item in plain["core_enterprises"])
    return OnCoreEnterprises(**{**plain, "lenders": tuple(plain["lenders"]), "core_enterprises": items})
