"""The book by product, industry or region: what is insured, what was earned and claimed, and actual to expected.

Every table adds up to the whole book, to the fen, the day and the claim.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scoring.experience import actual_to_expected
from scoring.insurance.book.holdings import Position
from scoring.insurance.offers.risk import DAYS_A_YEAR

LEAST_EXPECTED = 1e-9
"""Expected claims below which a ratio says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActualToExpected:
    """Claims notified over claims expected, with the exact Poisson interval (95 %)."""

    value: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True, kw_only=True)
class InsuranceLine:
    """One line of a table of the book. Policies, obligors and sums are those in force on the day, `share` is of their
    sum; the rest is of the span of days, of policies that ended in it too. An exposure of a year is a machine (or, of a
    cover of the firm, the firm) covered for 365 days. `loss_ratio` is claimed over earned, None where nothing was."""

    key: str
    policies: int
    obligors: int
    sum_insured_minor: int
    share: float
    cover_days: int
    exposure_years: float
    written_minor: int
    earned_minor: int
    unearned_minor: int
    claims: int
    claimed_minor: int
    loss_ratio: float | None
    expected_claims: float
    model_claims: float
    to_filed: ActualToExpected | None
    to_model: ActualToExpected | None


def by_product(position: Position) -> str:
    """Key of a table."""
    return position.policy.product.value


def by_industry(position: Position) -> str:
    """Key of a table: the division, which is the cluster that an idle cover is held against."""
    return position.policy.industry


def by_region(position: Position) -> str:
    """Key of a table."""
    return position.policy.region


def table(positions: Sequence[Position], key: Callable[[Position], str]) -> list[InsuranceLine]:
    """Lines by key, in order of their keys."""
    groups: dict[str, list[Position]] = defaultdict(list)
    for item in positions:
        groups[key(item)].append(item)
    whole = sum(item.sum_insured_minor for item in positions)
    return [_line(name, groups[name], whole) for name in sorted(groups)]


def whole_book(positions: Sequence[Position]) -> InsuranceLine:
    """The sum of every table."""
    return _line("all", positions, sum(item.sum_insured_minor for item in positions))


def _line(key: str, items: Sequence[Position], whole: int) -> InsuranceLine:
    held = [item for item in items if item.is_in_force]
    insured, earned = sum(item.sum_insured_minor for item in items), sum(item.earned_minor for item in items)
    claims, claimed = sum(item.claims for item in items), sum(item.claimed_minor for item in items)
    filed, model = (sum(getattr(item, name) for item in items) for name in ("expected_claims", "model_claims"))
    days = sum(item.cover_days for item in items)
    return InsuranceLine(
        key=key,
        policies=len(held),
        obligors=len({item.policy.obligor_id for item in held}),
        sum_insured_minor=insured,
        share=insured / whole if whole else 0.0,
        cover_days=days,
        exposure_years=days / DAYS_A_YEAR,
        written_minor=sum(item.written_minor for item in items),
        earned_minor=earned,
        unearned_minor=sum(item.unearned_minor for item in items),
        claims=claims,
        claimed_minor=claimed,
        loss_ratio=claimed / earned if earned > 0 else None,
        expected_claims=filed,
        model_claims=model,
        to_filed=_ratio(claims, filed),
        to_model=_ratio(claims, model),
    )


def _ratio(claims: int, expected: float) -> ActualToExpected | None:
    if expected < LEAST_EXPECTED:
        return None
    found = actual_to_expected(claims, expected)
    return ActualToExpected(value=found.value, lower=found.lower, upper=found.upper)
