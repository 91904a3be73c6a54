"""Stock as collateral: what must lie there by the balance of making and shipping, what it is worth today, what is
lacking, and how that can be cured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_FLOOR, Decimal
from enum import StrEnum
from typing import Any

from scoring.money import exact


class StockKind(StrEnum):
    """Kinds of stock, which fetch differently much."""

    RAW_MATERIAL = "raw_material"
    WORK_IN_PROGRESS = "work_in_progress"
    FINISHED_GOODS = "finished_goods"


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """opening + made - shipped - scrapped of one item since a day, and what was counted (None where nobody did)."""

    item: str
    opening: int
    made: int
    shipped: int
    scrapped: int
    counted: int | None

    @property
    def expected(self) -> int:
        """What must lie there; below zero where more left than ever came."""
        return self.opening + self.made - self.shipped - self.scrapped


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """Stock of one item and age: `unit_value_minor` is the lesser of cost and market."""

    item: str
    kind: StockKind
    units: int
    unit_value_minor: int
    in_since: date
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradiction:
    """What a balance says that cannot be: more shipped than there was, or another count than the balance allows."""

    item: str
    what: str
    expected: int
    counted: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StockValue:
    """Live value of a lot, and what of it may be lent; `age_ratio` what its age leaves of it."""

    lot: Lot
    units_that_count: int
    age_ratio: Decimal
    value_minor: int
    lendable_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortfall:
    """What is owed beyond what may be lent, by when it must be cured, and each of the two ways: what must be repaid, or
    how much more value of finished goods must come in."""

    lendable_minor: int
    owed_minor: int
    shortfall_minor: int
    cure_by: date | None
    repay_minor: int
    or_add_finished_goods_minor: int


def contradictions(balances: Sequence[Balance], values: Mapping[str, Any]) -> list[Contradiction]:
    """Balances that cannot be."""
    tolerance = exact(values["collateral"]["inventory"]["count_tolerance"])
    found = []
    for item in balances:
        if item.expected < 0:
            found.append(
                Contradiction(
                    item=item.item, what="shipped_more_than_there_was", expected=item.expected, counted=item.counted
                )
            )
        elif item.counted is not None and abs(item.counted - item.expected) > tolerance * max(1, item.expected):
            what = "counted_less" if item.counted < item.expected else "counted_more"
            found.append(Contradiction(item=item.item, what=what, expected=item.expected, counted=item.counted))
    return found


def stock_values(
    lots: Sequence[Lot], balances: Sequence[Balance], *, day: date, values: Mapping[str, Any]
) -> tuple[StockValue, ...]:
    """What each lot is worth on a day. Of an item no more units count than its balance and its count allow, the newest
    first: what left was the oldest."""
    terms = values["collateral"]["inventory"]
    left = {item.item: _units(item) for item in balances}
    found = {}
    for lot in sorted(lots, key=lambda lot: (lot.in_since, lot.item), reverse=True):
        units = min(lot.units, left.get(lot.item, 0))
        left[lot.item] = left.get(lot.item, 0) - units
        ratio = _age_ratio((day - lot.in_since).days, terms)
        value = units * lot.unit_value_minor * ratio
        lendable = value * exact(terms["advance"][lot.kind.value])
        found[id(lot)] = StockValue(
            lot=lot, units_that_count=units, age_ratio=ratio, value_minor=_down(value), lendable_minor=_down(lendable)
        )
    return tuple(found[id(lot)] for lot in lots)


def shortfall(stock: Sequence[StockValue], *, owed_minor: int, day: date, values: Mapping[str, Any]) -> Shortfall:
    """What is lacking on a day, and both ways to cure it."""
    terms = values["collateral"]["inventory"]
    lendable = sum(item.lendable_minor for item in stock)
    lacking = max(0, owed_minor - lendable)
    rate = exact(terms["advance"][StockKind.FINISHED_GOODS.value])
    return Shortfall(
        lendable_minor=lendable,
        owed_minor=owed_minor,
        shortfall_minor=lacking,
        cure_by=day + timedelta(days=int(terms["cure_days"])) if lacking else None,
        repay_minor=lacking,
        or_add_finished_goods_minor=-_down(-lacking / rate),
    )


def _units(item: Balance) -> int:
    return max(0, item.expected if item.counted is None else min(item.expected, item.counted))


def _age_ratio(days: int, terms: Mapping[str, Any]) -> Decimal:
    if days > terms["nothing_after_days"]:
        return Decimal(0)
    return Decimal("0.5") if days > terms["half_after_days"] else Decimal(1)


def _down(amount: Decimal | int) -> int:
    return int(Decimal(amount).to_integral_value(rounding=ROUND_FLOOR))
