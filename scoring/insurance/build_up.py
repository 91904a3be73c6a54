"""From expected claims to the premium asked: trend, large losses, catastrophe, loadings, minimum, to the minor unit.

    risk   = exposure x frequency x severity x credibility x trend - repairs of a warranty + large losses + catastrophe
    gross  = risk / (1 - variable shares) + fixed part, at least the minimum premium

Every line is told; they sum to what is asked because the last step shares out what rounding leaves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from scoring.errors import InvalidRequest
from scoring.money import ONE_MINOR_UNIT, apportion, to_minor
from scoring.records import BillLine

ATTRITIONAL, CREDIBILITY, TREND = "attritional", "credibility", "trend"
LARGE_LOSS, CATASTROPHE, CAPITAL = "large_loss", "catastrophe", "capital"
WARRANTY = "warranty_credit"
FIXED, MINIMUM = "fixed", "minimum"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loadings:
    """Shares of the gross premium before the fixed part, by line, the fixed part, and the least premium asked."""

    variable: Mapping[str, Decimal]
    fixed_minor: int
    minimum_minor: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskTerms:
    """What turns modelled claims into what claims will cost: all neutral where not given.

    `credibility` multiplies by the fleet's credible ratio of actual to expected; `trend` by what claims will cost in
    the middle of the cover beside the middle of the experience. `large_loss` and `catastrophe` are shares of the
    modelled claims cost after these, pooled over the book. `warranty` is the share of it (large losses apart) that a
    warranty pays first. `capital_minor` is what the capital held for the risk costs.
    """

    credibility: Decimal = Decimal(1)
    trend: Decimal = Decimal(1)
    large_loss: Decimal = Decimal(0)
    catastrophe: Decimal = Decimal(0)
    warranty: Decimal = Decimal(0)
    capital_minor: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """A premium in minor units: the lines of the risk, which sum to the pure premium, and the loadings on it, which
    with the pure premium sum to the gross premium."""

    risk: tuple[BillLine, ...]
    pure_premium_minor: int
    loadings: tuple[BillLine, ...]
    gross_premium_minor: int


NEUTRAL = RiskTerms()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Exact:
    """Parts before rounding, by name, in the bill's order."""

    parts: Mapping[str, Decimal] = field(default_factory=dict)

    def lines(self, total_minor: int) -> tuple[BillLine, ...]:
        """The parts in whole minor units that sum to the total."""
        amounts = apportion(list(self.parts.values()), total=Decimal(total_minor), step=ONE_MINOR_UNIT)
        return tuple(
            BillLine(name=name, amount_minor=int(amount)) for name, amount in zip(self.parts, amounts, strict=True)
        )


def build_up(
    *,
    exposure_machine_years: Decimal,
    frequency: Decimal,
    severity_minor: int,
    loadings: Loadings,
    terms: RiskTerms = NEUTRAL,
) -> Bill:
    """The bill of a modelled claims cost. Raises InvalidRequest for no exposure and for shares of 1 or more."""
    if exposure_machine_years <= 0:
        raise InvalidRequest(f"An exposure of {exposure_machine_years} machine-years has no premium.")
    return bill_of_risk(exposure_machine_years * frequency * severity_minor, loadings=loadings, terms=terms)


def bill_of_risk(modelled_minor: Decimal, *, loadings: Loadings, terms: RiskTerms = NEUTRAL) -> Bill:
    """The bill of what a model expects claims to cost (minor units, not yet rounded)."""
    shares = sum(loadings.variable.values(), Decimal(0))
    if not 0 <= shares < 1:
        raise InvalidRequest(f"Variable loadings of {shares} of the gross premium leave nothing for claims.")
    risk = _risk(modelled_minor, terms)
    pure = sum(risk.parts.values(), Decimal(0))
    before_fixed = pure / (1 - shares)
    pure_minor, asked_minor = to_minor(pure), to_minor(before_fixed + loadings.fixed_minor)
    between = asked_minor - pure_minor - loadings.fixed_minor
    variable = _Exact(parts={name: share * before_fixed for name, share in loadings.variable.items()})
    lines = [*variable.lines(between)] if variable.parts else []
    lines.append(BillLine(name=FIXED, amount_minor=loadings.fixed_minor + (0 if variable.parts else between)))
    if asked_minor < loadings.minimum_minor:
        lines.append(BillLine(name=MINIMUM, amount_minor=loadings.minimum_minor - asked_minor))
    return Bill(
        risk=risk.lines(pure_minor),
        pure_premium_minor=pure_minor,
        loadings=tuple(lines),
        gross_premium_minor=max(asked_minor, loadings.minimum_minor),
    )


def _risk(modelled: Decimal, terms: RiskTerms) -> _Exact:
    credible = modelled * terms.credibility
    trended = credible * terms.trend
    parts = {
        ATTRITIONAL: modelled,
        CREDIBILITY: credible - modelled,
        TREND: trended - credible,
        WARRANTY: -trended * terms.warranty,
        LARGE_LOSS: trended * terms.large_loss,
        CATASTROPHE: trended * terms.catastrophe,
        CAPITAL: terms.capital_minor,
    }
    return _Exact(parts={name: part for name, part in parts.items() if part or name == ATTRITIONAL})
