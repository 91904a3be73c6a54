"""Dilution: what buyers do not pay though they could (credit notes, returns, rebates). It is no credit loss and is kept
apart from one: a buyer's default says nothing of a seller's bad parts, nor the other way round.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from scoring.money import exact


@dataclass(frozen=True, slots=True, kw_only=True)
class Cohort:
    """Invoices of one buyer and one month of issue, all long enough ago, and what was credited on them since."""

    buyer_id: str
    month: str
    invoiced_minor: int
    credited_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Dilution:
    """Share of what is invoiced that is credited: its mean, its volatility from month to month, and what that rests
    on. `own_weight` is how far it is the buyer's own, the rest being the seller's over all buyers or, without any
    history, an assumption."""

    mean: Decimal
    volatility: Decimal
    months: int
    invoiced_minor: int
    own_weight: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class DilutionTerms:
    """Parameter `receivables.dilution`."""

    unknown_mean: Decimal
    unknown_volatility: Decimal
    credibility_invoiced_minor: int
    least_months: int


def dilution_terms(values: Mapping[str, Any]) -> DilutionTerms:
    """The terms of parameter `receivables`."""
    told = values["receivables"]["dilution"]
    return DilutionTerms(
        unknown_mean=exact(told["unknown_mean"]),
        unknown_volatility=exact(told["unknown_volatility"]),
        credibility_invoiced_minor=told["credibility_invoiced_minor"],
        least_months=told["least_months"],
    )


def dilution_of_seller(cohorts: Sequence[Cohort], terms: DilutionTerms) -> Dilution:
    """Over all buyers; what is assumed where nothing is known."""
    unknown = Dilution(
        mean=terms.unknown_mean, volatility=terms.unknown_volatility, months=0, invoiced_minor=0, own_weight=Decimal(0)
    )
    return _towards(unknown, cohorts, terms)


def dilution_by_buyer(cohorts: Sequence[Cohort], terms: DilutionTerms) -> dict[str, Dilution]:
    """Of each buyer, drawn towards the seller's as far as little was invoiced to it (Buhlmann's weight n / (n + k))."""
    seller = dilution_of_seller(cohorts, terms)
    of_buyer: dict[str, list[Cohort]] = defaultdict(list)
    for cohort in cohorts:
        of_buyer[cohort.buyer_id].append(cohort)
    return {buyer: _towards(seller, own, terms) for buyer, own in of_buyer.items()}


def _towards(prior: Dilution, cohorts: Sequence[Cohort], terms: DilutionTerms) -> Dilution:
    invoiced = sum(cohort.invoiced_minor for cohort in cohorts)
    if invoiced == 0:
        return prior
    weight = Decimal(invoiced) / (invoiced + terms.credibility_invoiced_minor)
    mean = Decimal(sum(cohort.credited_minor for cohort in cohorts)) / invoiced
    rates = _monthly(cohorts)
    has_volatility = len(rates) >= terms.least_months
    volatility = _deviation(rates) if has_volatility else prior.volatility
    return Dilution(
        mean=weight * mean + (1 - weight) * prior.mean,
        volatility=weight * volatility + (1 - weight) * prior.volatility,
        months=len(rates),
        invoiced_minor=invoiced,
        own_weight=weight,
    )


def _monthly(cohorts: Iterable[Cohort]) -> list[Decimal]:
    invoiced: dict[str, int] = defaultdict(int)
    credited: dict[str, int] = defaultdict(int)
    for cohort in cohorts:
        invoiced[cohort.month] += cohort.invoiced_minor
        credited[cohort.month] += cohort.credited_minor
    return [Decimal(credited[month]) / amount for month, amount in sorted(invoiced.items()) if amount]


def _deviation(rates: Sequence[Decimal]) -> Decimal:
    """The standard deviation of a sample."""
    mean = sum(rates, Decimal(0)) / len(rates)
    return (sum(((rate - mean) ** 2 for rate in rates), Decimal(0)) / (len(rates) - 1)).sqrt()
