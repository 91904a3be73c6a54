"""A round of renewals: the tariff's premium, what a fleet's own claims make of it, and how far it may move at once.

    technical = gross premium of (pure premium x the fleet's credible ratio beside the collective's)
    charged   = technical x off-balance, within the caps around the expiring premium on the same cover

A fleet's ratio is taken beside the collective's, so that experience moves premium between fleets and not the book as a
whole: what the whole book ran at is the tariff's matter, and told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from scoring.insurance.build_up import Loadings, RiskTerms, bill_of_risk
from scoring.insurance.credibility import Credible, credible_ratios
from scoring.insurance.policy_life import PolicyState
from scoring.insurance.transition import Transition, stepped
from scoring.money import exact, to_minor

POISSON = 1.0
"""Variance of a ratio whose weight is one expected claim."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Experience:
    """A fleet's claims so far: expected by the filed rates over the days that are over, and notified."""

    expected: float
    claims: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetRatio:
    """How far a fleet's own claims count (`credibility`), what they were beside what was expected (None where nothing
    was), and the factor on its pure premium."""

    credibility: float
    own: float | None
    factor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalCase:
    """A policy that ends and the quote of what follows, in minor units: what it expires at on the cover that is quoted,
    the quote's pure and gross premium, and the loadings that the quote bears."""

    policy_id: str
    quote_id: str
    fleet: str
    expiring_minor: int
    pure_minor: int
    quoted_minor: int
    loadings: Loadings


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalLine:
    """One policy's step: by the tariff, by its own claims, and as charged; `change_ratio` is on what expires."""

    policy_id: str
    quote_id: str
    expiring_minor: int
    quoted_minor: int
    fleet: FleetRatio
    technical_minor: int
    charged_minor: int
    change_ratio: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalRound:
    """All steps together. `collective` is the ratio that all fleets ran at; `off_balance` multiplies every technical
    premium before its cap; `unbalanced_minor` is what the caps leave of the technical ones for later renewals."""

    lines: Sequence[RenewalLine]
    collective: float
    off_balance: float
    capped_up: int
    capped_down: int
    unbalanced_minor: int


def renewal_round(
    cases: Sequence[RenewalCase], experience: Mapping[str, Experience], *, most_up: float, most_down: float
) -> RenewalRound:
    """The round of these policies, whose fleets' experience (of the insurer's whole book) is given.

    Raises InvalidRequest where a premium is not positive.
    """
    ratios, collective = fleet_ratios(experience)
    technical = [_technical(case, ratios.get(case.fleet, NO_EXPERIENCE)) for case in cases]
    found = stepped([case.expiring_minor for case in cases], technical, most_up=most_up, most_down=most_down)
    return RenewalRound(
        lines=[_line(case, ratios.get(case.fleet, NO_EXPERIENCE), found, at) for at, case in enumerate(cases)],
        collective=collective,
        off_balance=found.off_balance,
        capped_up=found.capped_up,
        capped_down=found.capped_down,
        unbalanced_minor=found.unbalanced_minor,
    )


NO_EXPERIENCE = FleetRatio(credibility=0.0, own=None, factor=1.0)


def fleet_ratios(experience: Mapping[str, Experience]) -> tuple[dict[str, FleetRatio], float]:
    """Each fleet's credible ratio (Buhlmann-Straub, claims as Poisson), and the ratio that all ran at; fleets of which
    nothing was expected yet are left out, and the ratio is 1 where none is left."""
    told = {name: item for name, item in experience.items() if item.expected > 0}
    if not told:
        return {}, 1.0
    weights = np.array([item.expected for item in told.values()])
    own = np.array([item.claims for item in told.values()]) / weights
    found = credible_ratios(weights, own, within=POISSON)
    return {name: _ratio(found, at) for at, name in enumerate(told)}, found.structure.collective


def expiring_minor(state: PolicyState, *, machine_days: int, insured_minor: int, units: int) -> int:
    """What a policy's bound premium is on other days and sums: by machine-days (days, of a cover of the firm), and by
    the sum insured of each unit. Bills by use are not in it: they move the premium that follows too."""
    bound = state.bound
    before = max(1, len(bound.machines))
    days = ((bound.ends - bound.starts).days + 1) * before
    each = Decimal(insured_minor) / units / (Decimal(bound.sum_insured_minor) / before)
    return to_minor(Decimal(bound.premium_minor) / days * machine_days * each)


def _ratio(found: Credible, at: int) -> FleetRatio:
    collective = found.structure.collective
    factor = float(found.ratios[at]) / collective if collective > 0 else 1.0
    return FleetRatio(credibility=float(found.z[at]), own=float(found.own[at]), factor=factor)


def _technical(case: RenewalCase, ratio: FleetRatio) -> int:
    if ratio.factor == 1.0:
        return case.quoted_minor
    terms = RiskTerms(credibility=exact(ratio.factor))
    return bill_of_risk(Decimal(case.pure_minor), loadings=case.loadings, terms=terms).gross_premium_minor


def _line(case: RenewalCase, ratio: FleetRatio, found: Transition, at: int) -> RenewalLine:
    charged = found.charged_minor[at]
    return RenewalLine(
        policy_id=case.policy_id,
        quote_id=case.quote_id,
        expiring_minor=case.expiring_minor,
        quoted_minor=case.quoted_minor,
        fleet=ratio,
        technical_minor=found.technical_minor[at],
        charged_minor=charged,
        change_ratio=charged / case.expiring_minor - 1 if case.expiring_minor else 0.0,
    )
