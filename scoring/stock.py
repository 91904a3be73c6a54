"""Stock that a lender counted, as it must lie there when it asks: an input of the decision, kept with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class StockHeld:
    """Finished goods of one applicant, in minor units of the request's currency.

    `expected_units` is what was counted on `counted_on` and what was made, shipped and scrapped since; `counted_units`
    the lender's count of now, None where nobody counted. `units_that_count` are those of which neither says less;
    `value_minor` is theirs by age, `lendable_minor` the part of it that may be lent. `contradictions` name what cannot
    be: more shipped than there was, another count than the balance allows.
    """

    counted_on: date
    expected_units: int
    counted_units: int | None
    units_that_count: int
    value_minor: int
    lendable_minor: int
    contradictions: tuple[str, ...]


def plain_stock(held: StockHeld) -> dict[str, Any]:
    """As it is kept with a decision."""
    return {
        **asdict(held),
        "counted_on": held.counted_on.isoformat(),
        "contradictions": list(held.contradictions),
    }


def parse_stock(plain: Mapping[str, Any]) -> StockHeld:
    """What `plain_stock` wrote."""
    counted_on = date.fromisoformat(plain["counted_on"])
    return StockHeld(**{**plain, "counted_on": counted_on, "contradictions": tuple(plain["contradictions"])})
