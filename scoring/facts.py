"""What a lender brings to a question about credit: each fact with its source and day. Facts knock out, cap or refer;
none makes an answer better than it would be without it, save where a finding says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from enum import StrEnum
from typing import Any


class FactSource(StrEnum):
    """Who told a fact."""

    CREDIT_BUREAU = "credit_bureau"
    TAX_PLATFORM = "tax_platform"
    BANK_STATEMENT = "bank_statement"
    COURT_REGISTER = "court_register"
    SANCTIONS_LIST = "sanctions_list"
    LENDER = "lender"
    OBLIGOR = "obligor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Where a fact comes from, and the day of which it speaks."""

    source: FactSource
    dated: date


@dataclass(frozen=True, slots=True, kw_only=True)
class AmountFact(Fact):
    """An amount in minor units of the request's currency: of a year, or (exposure) outstanding."""

    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BureauFact(Fact):
    """The worst days past due of any loan now, and whether a court enforces against the obligor."""

    days_past_due: int
    is_enforced: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SanctionsFact(Fact):
    """Whether the obligor, its owners or its controller are on a list."""

    is_listed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GuarantorFact(Fact):
    """A guarantee offered: how much of the amount, and the guarantor's probability of default over 12 months."""

    amount_minor: int
    pd_12m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PdFact(Fact):
    """The lender's own probability of default over 12 months."""

    pd_12m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LenderFacts:
    """The facts of one request; None where the lender brings none."""

    debt_service: AmountFact | None = None
    revenue: AmountFact | None = None
    exposure: AmountFact | None = None
    bureau: BureauFact | None = None
    sanctions: SanctionsFact | None = None
    guarantor: GuarantorFact | None = None
    lender_pd: PdFact | None = None

    def given(self) -> dict[str, Fact]:
        """The facts that were brought, by name."""
        every = {item.name: getattr(self, item.name) for item in fields(self)}
        return {name: fact for name, fact in every.items() if fact is not None}


NO_FACTS = LenderFacts()

FACT_KINDS: Mapping[str, type[Any]] = {
    "debt_service": AmountFact,
    "revenue": AmountFact,
    "exposure": AmountFact,
    "bureau": BureauFact,
    "sanctions": SanctionsFact,
    "guarantor": GuarantorFact,
    "lender_pd": PdFact,
}
"""What each fact is made of."""
