"""A lender's funds on the applicants that fit: the safest first, within its bounds, to the minor unit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, Decimal

from scoring.credit.master_scale import MasterScale
from scoring.matching.criteria import UNKNOWN, Applicant, LenderCriteria, Unmet, unmet


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """What left an applicant less than it could have: `kind` is funds, industry or core_enterprise, `name` whose."""

    kind: str
    name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One applicant. `amount_minor` is what the lender has for it: 0 with the criteria that it does not meet, or with
    the bound that leaves less than the smallest amount; less than it could have with the bound that does so."""

    applicant: Applicant
    unmet: Sequence[Unmet]
    amount_minor: int
    bound: Bound | None

    @property
    def is_eligible(self) -> bool:
        """Whether it meets every criterion, whatever is left for it."""
        return not self.unmet


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Every applicant with what the lender has for it, in the order in which they were looked at, and what lies on
    each industry and core enterprise then (exact shares of amounts; they sum to `placed_minor`)."""

    lines: Sequence[Line]
    placed_minor: int
    expected_loss_ratio: Decimal | None
    by_industry: dict[str, Decimal]
    by_core_enterprise: dict[str, Decimal]


@dataclass(slots=True)
class _Placed:
    """What was placed so far."""

    whole: int = 0
    industries: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    cores: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))


def matched(applicants: Iterable[Applicant], criteria: LenderCriteria, scale: MasterScale) -> Match:
    """Those who fit in order of expected loss (of equal ones by code), each with as much as it wants, is good for and
    is left for it; those who do not fit after them, with what they do not meet. The order of `applicants` is nothing.

    Whoever is left less than the smallest amount gets nothing, and the next one is looked at.
    """
    judged = [(item, unmet(item, criteria, scale)) for item in applicants]
    judged.sort(key=lambda pair: (bool(pair[1]), pair[0].expected_loss_ratio, pair[0].obligor_id))
    placed, lines = _Placed(), list[Line]()
    for applicant, failures in judged:
        amount, bound = (0, None) if failures else _amount(applicant, criteria, placed)
        _place(placed, applicant, amount)
        lines.append(Line(applicant=applicant, unmet=failures, amount_minor=amount, bound=bound))
    lost = sum((line.amount_minor * line.applicant.expected_loss_ratio for line in lines), Decimal(0))
    return Match(
        lines=lines,
        placed_minor=placed.whole,
        expected_loss_ratio=lost / placed.whole if placed.whole else None,
        by_industry=dict(sorted(placed.industries.items())),
        by_core_enterprise=dict(sorted(placed.cores.items())),
    )


def _amount(applicant: Applicant, criteria: LenderCriteria, placed: _Placed) -> tuple[int, Bound | None]:
    """What it gets, and what keeps it from more."""
    assert applicant.lendable_minor is not None, "who has no limit does not fit"
    could = min(applicant.wanted_minor, applicant.lendable_minor, criteria.largest_minor)
    least, bound = min(_rooms(applicant, criteria, placed), key=lambda room: room[0], default=(Decimal(could), None))
    room = int(least.to_integral_value(rounding=ROUND_FLOOR))
    if room >= could:
        return could, None
    return (room if room >= criteria.smallest_minor else 0), bound


def _rooms(applicant: Applicant, criteria: LenderCriteria, placed: _Placed) -> Iterator[tuple[Decimal, Bound]]:
    """The most that each bound leaves for this applicant."""
    if criteria.funds_minor is None:
        return
    funds = Decimal(criteria.funds_minor)
    yield funds - placed.whole, Bound(kind="funds", name=None)
    industry = applicant.industry or UNKNOWN
    yield funds * criteria.most_per_industry - placed.industries[industry], Bound(kind="industry", name=industry)
    for name, share in _shares(applicant).items():
        left = funds * criteria.most_per_core_enterprise - placed.cores[name]
        yield left / share, Bound(kind="core_enterprise", name=name)


def _place(placed: _Placed, applicant: Applicant, amount: int) -> None:
    if not amount:
        return
    placed.whole += amount
    placed.industries[applicant.industry or UNKNOWN] += amount
    for name, share in _shares(applicant).items():
        placed.cores[name] += amount * share


def _shares(applicant: Applicant) -> dict[str, Decimal]:
    shares = {name: share for name, share in (applicant.buyer_shares or {}).items() if share > 0}
    return shares or {UNKNOWN: Decimal(1)}
