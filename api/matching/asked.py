"""From criteria as they are sent or written in a file to those that are matched by."""

from __future__ import annotations

from dataclasses import replace

from api.matching.schemas import CriteriaAsked, FundsAsked
from scoring.matching.criteria import LenderCriteria
from scoring.money import exact
from scoring.records import RatingGrade


def criteria_of(asked: CriteriaAsked) -> LenderCriteria:
    """The same as a value. Raises InvalidRequest for bounds that nothing can lie within."""
    criteria = LenderCriteria(
        product=asked.product,
        currency=asked.currency,
        tenor_months=asked.tenor_months,
        smallest_minor=asked.smallest_minor,
        largest_minor=asked.largest_minor,
        worst_grade=None if asked.worst_grade is None else RatingGrade(asked.worst_grade),
        greatest_pd_12m_upper=asked.greatest_pd_12m_upper,
        industries=frozenset(asked.industries),
        takes_referred=asked.takes_referred,
    )
    if not isinstance(asked, FundsAsked):
        return criteria
    return replace(
        criteria,
        funds_minor=asked.funds_minor,
        most_per_industry=exact(asked.most_per_industry),
        most_per_core_enterprise=exact(asked.most_per_core_enterprise),
    )
