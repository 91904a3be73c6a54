"""What is warned of, how much it weighs, and a warning itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import IntEnum, StrEnum
from typing import Any


class WarningCode(StrEnum):
    """What is warned of; stable across versions."""

    LOW_HOURS = "low_hours"
    LOW_OUTPUT = "low_output"
    LOW_ENERGY = "low_energy"
    STOPPED = "stopped"
    MORE_FAULTS = "more_faults"
    LOW_COVERAGE = "low_coverage"
    WEAK_PRODUCTION = "weak_production"
    MOVED = "moved"
    TRUST_FINDING = "trust_finding"
    BUYER_TROUBLE = "buyer_trouble"
    CIRCULAR_TRADE = "circular_trade"
    EXTERNAL_EVENT = "external_event"
    COVENANT_NEAR_BREACH = "covenant_near_breach"
    COVENANT_BREACH = "covenant_breach"


class Severity(IntEnum):
    """How much a warning weighs."""

    WATCH = 1
    SERIOUS = 2
    CRITICAL = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlyWarning:
    """One warning of a unit (an obligor, a machine of it, or what it promised: decision/covenant) on a day, with the
    figures that it rests on.

    `strength` rises with what is worse, in the unit of its code: standard deviations of the unit's own past for falls
    and faults, weighted spreads of the peers for weak production, rounds of circular trade, the severity itself for
    covenants. `told_to` is the one lender that may be told of it; everybody who may see the obligor's case, if None.
    """

    unit: str
    day: date
    code: WarningCode
    severity: Severity
    strength: float
    evidence: Mapping[str, float | str]
    told_to: str | None = None


def severity_of(strength: float, terms: Mapping[str, Any]) -> Severity:
    """The severity of a strength that is at least `watch`."""
    if strength >= terms["critical"]:
        return Severity.CRITICAL
    return Severity.SERIOUS if strength >= terms["serious"] else Severity.WATCH


def by_code(item: EarlyWarning) -> tuple[str, int]:
    """The order in which warnings are told: by unit, then as the codes stand above."""
    return item.unit, list(WarningCode).index(item.code)
