"""The book by product, grade, industry or core enterprise, and how concentrated it is. Every table adds up to the book,
to the fen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from scoring.money import ONE_MINOR_UNIT, apportion
from scoring.portfolio.loans import UNKNOWN, Borrower, Position

OTHERS = "others"


@dataclass(frozen=True, slots=True, kw_only=True)
class BookLine:
    """One line of a table of the book. `expected_loss_minor` is of the rated alone; `unrated_minor` is outstanding to
    those whose loss nobody knows; `mean_pd` is weighted by what is outstanding, None where nobody is rated."""

    key: str
    facilities: int
    obligors: int
    outstanding_minor: int
    overdue_minor: int
    expected_loss_minor: int
    unrated_minor: int
    mean_pd: float | None
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What one name has of the book."""

    name: str
    outstanding_minor: int
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Concentration:
    """Herfindahl's index of the names (1: all with one), the number of equal names that would give it, and the largest
    names; what is not with them stands as `others`, so that the lines add up to the book."""

    hhi: float | None
    equal_names: float | None
    names: int
    largest: Sequence[Holding]


def by_product(position: Position) -> str:
    """Key of a breakdown."""
    return position.loan.product


def by_grade(position: Position) -> str:
    """Key of a breakdown."""
    return position.rating_grade


def by_industry(position: Position) -> str:
    """Key of a breakdown."""
    return position.industry


def breakdown(positions: Sequence[Position], key: Callable[[Position], str]) -> list[BookLine]:
    """Lines of the open positions by key, in order of their keys."""
    groups: dict[str, list[Position]] = defaultdict(list)
    for item in positions:
        if item.outstanding_minor:
            groups[key(item)].append(item)
    whole = sum(item.outstanding_minor for item in positions)
    return [_line(name, groups[name], whole) for name in sorted(groups, key=lambda name: (len(name), name))]


def whole_book(positions: Sequence[Position]) -> BookLine:
    """The sum of every breakdown."""
    return _line(
        "all", [item for item in positions if item.outstanding_minor], sum(p.outstanding_minor for p in positions)
    )


def look_through(positions: Sequence[Position], borrowers: Mapping[str, Borrower]) -> dict[str, int]:
    """What is outstanding by the core enterprise behind it: each borrower's part by its buyers' shares in a year's
    sales, whole fen by largest remainder. What no sale explains stands as `unknown`; the sum is the book."""
    owed: dict[str, int] = defaultdict(int)
    for item in positions:
        owed[item.loan.obligor_id] += item.outstanding_minor
    return through_buyers(owed, {obligor: borrower.buyer_shares for obligor, borrower in borrowers.items()})


def through_buyers(owed: Mapping[str, int], buyer_shares: Mapping[str, Mapping[str, Decimal] | None]) -> dict[str, int]:
    """The same of what each obligor owes and the shares of each one's buyers in its sales."""
    through: dict[str, int] = defaultdict(int)
    for obligor, amount in owed.items():
        shares = buyer_shares.get(obligor) or {UNKNOWN: Decimal(1)}
        parts = [share * amount for share in shares.values()]
        shared = apportion(parts, total=Decimal(amount), step=ONE_MINOR_UNIT)
        for name, part in zip(shares, shared, strict=True):
            through[name] += int(part)
    return {name: amount for name, amount in sorted(through.items()) if amount}


def concentration(amounts: Mapping[str, int], *, largest: int) -> Concentration:
    """How the book lies on its names. What lies on `unknown` is part of the book and no name."""
    whole = sum(amounts.values())
    named = {name: amount for name, amount in amounts.items() if amount and name != UNKNOWN}
    ordered = sorted(named.items(), key=lambda item: (-item[1], item[0]))
    hhi = sum((amount / whole) ** 2 for amount in named.values()) if named else None
    shown = [Holding(name=name, outstanding_minor=amount, share=amount / whole) for name, amount in ordered[:largest]]
    rest = sum(amount for _, amount in ordered[largest:])
    for name, amount in ((OTHERS, rest), (UNKNOWN, amounts.get(UNKNOWN, 0))):
        if amount:
            shown.append(Holding(name=name, outstanding_minor=amount, share=amount / whole))
    return Concentration(hhi=hhi, equal_names=1 / hhi if hhi else None, names=len(named), largest=shown)


def by_obligor(positions: Sequence[Position]) -> dict[str, int]:
    """What is outstanding to each borrower."""
    owed: dict[str, int] = defaultdict(int)
    for item in positions:
        if item.outstanding_minor:
            owed[item.loan.obligor_id] += item.outstanding_minor
    return dict(owed)


def _line(key: str, items: Sequence[Position], whole: int) -> BookLine:
    owed = sum(item.outstanding_minor for item in items)
    rated = [item for item in items if item.pd_12m is not None]
    weight = sum(item.outstanding_minor for item in rated)
    mean = sum(item.outstanding_minor * (item.pd_12m or 0.0) for item in rated) / weight if weight else None
    return BookLine(
        key=key,
        facilities=len(items),
        obligors=len({item.loan.obligor_id for item in items}),
        outstanding_minor=owed,
        overdue_minor=sum(item.arrears.overdue_minor for item in items),
        expected_loss_minor=sum(item.hint.expected_loss_minor or 0 for item in items),
        unrated_minor=sum(item.outstanding_minor for item in items if item.hint.expected_loss_minor is None),
        mean_pd=mean,
        share=owed / whole if whole else 0.0,
    )
