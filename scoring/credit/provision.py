"""What an exposure costs over its life under IFRS 9: expected credit loss, and a hint at its stage."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from scoring.credit.calibration import logit, probability
from scoring.credit.schedule import balance_share
from scoring.credit.term_structure import first_months, moved_to
from scoring.money import exact, to_minor
from scoring.records import Provision, Stage, TermStructure

MONTHS_A_YEAR = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """A loan as provisions see it: what is owed, months left of level instalments, the effective rate, and LGD."""

    amount_minor: int
    months: int
    annual_rate: Decimal
    lgd: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One course of the economy: its weight, and the probability of default by the end of each month."""

    weight: float
    cumulative_pd: Sequence[float]


def provision(exposure: Exposure, curve: TermStructure, *, days_past_due: int, values: Mapping[str, Any]) -> Provision:
    """What an exposure that is granted now costs, in the scenarios of parameter `provision_scenarios`; months of the
    curve after its last are not asked for.

    Nothing has risen since it was granted: beyond stage 1 it is only where an instalment is overdue already.
    """
    scenarios = scenarios_of(first_months(curve, max(exposure.months, MONTHS_A_YEAR)), values)
    lifetime = curve.pd(exposure.months)
    return Provision(
        stage_hint=stage_hint(
            lifetime_pd=lifetime,
            lifetime_pd_at_origination=lifetime,
            days_past_due=days_past_due,
            is_early_warning=False,
            values=values,
        ),
        lifetime_pd=lifetime,
        expected_credit_loss_12m_minor=expected_credit_loss_minor(exposure, scenarios, months=MONTHS_A_YEAR),
        expected_credit_loss_lifetime_minor=expected_credit_loss_minor(exposure, scenarios),
    )


def scenarios_of(curve: TermStructure, values: Mapping[str, Any]) -> tuple[Scenario, ...]:
    """The curve in each scenario: the odds of its 12-month PD multiplied, its shape kept."""
    log_odds = logit(curve.pd(MONTHS_A_YEAR))
    return tuple(
        Scenario(
            weight=float(terms["weight"]),
            cumulative_pd=moved_to(curve, probability(log_odds + math.log(terms["odds_ratio"]))).cumulative_pd,
        )
        for _, terms in sorted(values["provision_scenarios"].items())
    )


def expected_credit_loss_minor(exposure: Exposure, scenarios: Sequence[Scenario], *, months: int | None = None) -> int:
    """Sum over months and scenarios of weight x (S(s-1) - S(s)) x LGD x EAD(s) x (1 + EIR)^(-s/12), in minor units.

    Over the exposure's life, or its first `months` (12 for stage 1). Weights sum to 1; curves are at least as long as
    what they are asked for. A default in a month loses what is owed before that month's instalment.
    """
    assert math.isclose(sum(scenario.weight for scenario in scenarios), 1), "the scenarios' weights sum to 1"
    horizon, rate = exposure.months if months is None else min(months, exposure.months), float(exposure.annual_rate)
    shares = []
    for month in range(horizon):
        owed = balance_share(annual_rate=rate, months=exposure.months, paid=month)
        pd = math.fsum(scenario.weight * _in_month(scenario.cumulative_pd, month) for scenario in scenarios)
        shares.append(pd * owed * math.pow(1 + rate, -(month + 1) / MONTHS_A_YEAR))
    return to_minor(exact(math.fsum(shares)) * exposure.lgd * exposure.amount_minor)


def _in_month(cumulative_pd: Sequence[float], month: int) -> float:
    return cumulative_pd[month] - (cumulative_pd[month - 1] if month else 0.0)


def stage_hint(
    *,
    lifetime_pd: float,
    lifetime_pd_at_origination: float,
    days_past_due: int,
    is_early_warning: bool,
    values: Mapping[str, Any],
) -> Stage:
    """Stage 3 in default; stage 2 where the lifetime PD has risen both in ratio and by points, where an instalment is
    overdue beyond the backstop, or where an early warning stands; else stage 1. Parameter `stage_rules`."""
    rules = values["stage_rules"]
    if days_past_due > rules["default_days_past_due"]:
        return Stage.STAGE_3
    has_risen = (
        lifetime_pd >= rules["ratio"] * lifetime_pd_at_origination
        and lifetime_pd - lifetime_pd_at_origination >= rules["points"]
    )
    is_late = days_past_due > rules["backstop_days_past_due"]
    return Stage.STAGE_2 if has_risen or is_late or is_early_warning else Stage.STAGE_1
