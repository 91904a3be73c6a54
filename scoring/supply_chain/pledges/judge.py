"""Whether a pledge fits beside those that stand: one rule over slots, and traces that ask for a look."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scoring.supply_chain.pledges.claims import Claim, Claims, Collision
from scoring.supply_chain.pledges.fingerprints import Token


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """What stands of a slot: the least capacity that anybody told, and what other pledges hold of it."""

    capacity: int
    held: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one pledge holds of a slot: the larger of the wholes and of the parts that it claims."""

    whole: int = 0
    part: int = 0

    @property
    def amount(self) -> int:
        """How much of the slot is held."""
        return max(self.whole, self.part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was found of each item: collisions that refuse the pledge, and likenesses that a person must look at."""

    refused: Sequence[Sequence[Collision]]
    likely: Sequence[Sequence[Collision]]

    @property
    def is_refused(self) -> bool:
        """Whether the pledge cannot stand."""
        return any(self.refused)

    @property
    def needs_review(self) -> bool:
        """Whether the pledge can stand only after somebody looked."""
        return any(self.likely)


def shares_of(items: Sequence[Claims]) -> dict[Token, Share]:
    """What a pledge of these items would hold of each slot."""
    wholes: dict[Token, int] = defaultdict(int)
    parts: dict[Token, int] = defaultdict(int)
    for claim in _all(items):
        (parts if claim.is_part else wholes)[claim.token] += claim.amount
    return {token: Share(whole=wholes[token], part=parts[token]) for token in wholes.keys() | parts.keys()}


def capacities_of(items: Sequence[Claims]) -> dict[Token, int]:
    """The least capacity that these items tell of each slot."""
    least: dict[Token, int] = {}
    for claim in _all(items):
        least[claim.token] = min(claim.capacity, least.get(claim.token, claim.capacity))
    return least


def judge(items: Sequence[Claims], slots: Mapping[Token, Slot], traces: frozenset[Token]) -> Verdict:
    """Hold items against what other pledges hold (`slots`, absent where nothing is) and have left (`traces`)."""
    shares, told = shares_of(items), capacities_of(items)
    overdrawn = {
        token
        for token, share in shares.items()
        if (slot := slots.get(token)) is not None
        and slot.held > 0
        and share.amount + slot.held > min(told[token], slot.capacity)
    } | {token for token, share in shares.items() if share.amount > told[token]}
    return Verdict(
        refused=[_distinct([claim.collision for claim in item.claims if claim.token in overdrawn]) for item in items],
        likely=[
            _distinct([*item.alone, *(trace.collision for trace in item.looked_for if trace.token in traces)])
            for item in items
        ],
    )


def _all(items: Sequence[Claims]) -> list[Claim]:
    return [claim for item in items for claim in item.claims]


def _distinct(found: Sequence[Collision]) -> tuple[Collision, ...]:
    return tuple(code for code in Collision if code in found)
