"""What a lender looks for, who looks for a lender, and whether the two fit: every criterion, with value and bound."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from data_contracts.identifiers import ObligorId
from scoring.credit.master_scale import MasterScale
from scoring.errors import InvalidRequest
from scoring.records import CreditProduct, Outcome, RatingGrade

UNKNOWN = "unknown"
"""The name under which stands what nobody told: it may all be one, so that it is held like one."""


class Criterion(StrEnum):
    """What a lender may ask of an applicant."""

    OUTCOME = "outcome"
    RATING_GRADE = "rating_grade"
    PD_UPPER = "pd_12m_upper"
    INDUSTRY = "industry"
    SMALLEST_AMOUNT = "smallest_amount"


@dataclass(frozen=True, slots=True, kw_only=True)
class LenderCriteria:
    """What a lender would finance, and how much of it: amounts in minor units of `currency`.

    An applicant gets between `smallest_minor` and `largest_minor`, all together at most `funds_minor` (None: no bound),
    of which one industry and one core enterprise (by the shares of the applicants' sales) get the shares named at most.
    No `worst_grade`, `greatest_pd_12m_upper` or `industries` asks nothing there; `takes_referred` looks also at those
    whom the policy would have a person look at. Raises InvalidRequest for bounds that nothing can lie within.
    """

    product: CreditProduct
    currency: str
    tenor_months: int
    smallest_minor: int
    largest_minor: int
    funds_minor: int | None = None
    worst_grade: RatingGrade | None = None
    greatest_pd_12m_upper: float | None = None
    industries: frozenset[str] = field(default_factory=frozenset)
    takes_referred: bool = False
    most_per_industry: Decimal = Decimal(1)
    most_per_core_enterprise: Decimal = Decimal(1)

    def __post_init__(self) -> None:
        if not 0 < self.smallest_minor <= self.largest_minor:
            raise InvalidRequest(
                f"No amount lies between {self.smallest_minor} and {self.largest_minor} minor units.",
                hint="Name a smallest amount of at least 1 and a largest one not below it.",
            )
        if self.funds_minor is not None and self.funds_minor < self.smallest_minor:
            raise InvalidRequest(
                f"Funds of {self.funds_minor} minor units are less than the smallest amount, {self.smallest_minor}.",
                hint="Raise the funds or lower the smallest amount.",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Applicant:
    """A manufacturer as the policy sees it for one product: the most it would be lent of what it wants, at what price,
    and where it stands in its chain. `lendable_minor` is None where no limit could be worked out."""

    obligor_id: ObligorId
    wanted_minor: int
    lendable_minor: int | None
    outcome: Outcome
    rating_grade: RatingGrade
    pd_12m: float
    pd_12m_upper: float
    lgd: Decimal
    annual_rate: Decimal
    industry: str | None
    buyer_shares: Mapping[str, Decimal] | None

    @property
    def expected_loss_ratio(self) -> Decimal:
        """Expected loss of a year, as a share of what is lent."""
        return Decimal(str(self.pd_12m)) * self.lgd


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmet:
    """One criterion that an applicant does not meet: what it has (None where unknown) and what was asked."""

    criterion: Criterion
    value: str | float | None
    bound: str | float


Test = Callable[[Applicant, LenderCriteria, MasterScale], Unmet | None]


def unmet(applicant: Applicant, criteria: LenderCriteria, scale: MasterScale) -> tuple[Unmet, ...]:
    """Every criterion that the applicant does not meet, in the order of `Criterion`; empty for one that fits."""
    return tuple(_failures(applicant, criteria, scale))


def _failures(applicant: Applicant, criteria: LenderCriteria, scale: MasterScale) -> Iterator[Unmet]:
    for test in (_outcome, _grade, _pd, _industry, _amount):
        found = test(applicant, criteria, scale)
        if found is not None:
            yield found


def _outcome(applicant: Applicant, criteria: LenderCriteria, _: MasterScale) -> Unmet | None:
    mildest = Outcome.REFER if criteria.takes_referred else Outcome.APPROVE
    if applicant.outcome.severity <= mildest.severity:
        return None
    return Unmet(criterion=Criterion.OUTCOME, value=applicant.outcome.value, bound=mildest.value)


def _grade(applicant: Applicant, criteria: LenderCriteria, scale: MasterScale) -> Unmet | None:
    worst = criteria.worst_grade
    if worst is None or not scale.is_worse(applicant.rating_grade, than=worst):
        return None
    return Unmet(criterion=Criterion.RATING_GRADE, value=applicant.rating_grade, bound=worst)


def _pd(applicant: Applicant, criteria: LenderCriteria, _: MasterScale) -> Unmet | None:
    greatest = criteria.greatest_pd_12m_upper
    if greatest is None or applicant.pd_12m_upper <= greatest:
        return None
    return Unmet(criterion=Criterion.PD_UPPER, value=applicant.pd_12m_upper, bound=greatest)


def _industry(applicant: Applicant, criteria: LenderCriteria, _: MasterScale) -> Unmet | None:
    if not criteria.industries or applicant.industry in criteria.industries:
        return None
    return Unmet(criterion=Criterion.INDUSTRY, value=applicant.industry, bound=", ".join(sorted(criteria.industries)))


def _amount(applicant: Applicant, criteria: LenderCriteria, _: MasterScale) -> Unmet | None:
    could = None if applicant.lendable_minor is None else min(applicant.wanted_minor, applicant.lendable_minor)
    if could is not None and could >= criteria.smallest_minor:
        return None
    return Unmet(criterion=Criterion.SMALLEST_AMOUNT, value=could, bound=criteria.smallest_minor)
