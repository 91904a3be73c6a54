"""Reasons: families ranked by how far they pulled, each led by its most telling feature, under stable codes.

Contributions add up exactly within a family, so a family's pull is their sum. Its code names the family, the leading
feature without its window, and the direction; `risk_reports.wording` turns a code into a sentence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from features.catalogue import CATALOGUE
from scoring.cards import ModelFeature
from scoring.records import Contribution, Reason, ReasonCode


class ReasonKind(StrEnum):
    """Which model a reason explains: its codes begin so."""

    CREDIT = "R"
    PREMIUM = "P"


class Direction(StrEnum):
    """Against the obligor (a higher PD, more claims) or in its favour."""

    ADVERSE = "adverse"
    FAVOURABLE = "favourable"

    @property
    def sign(self) -> int:
        """+1 where contributions raise the risk."""
        return 1 if self is Direction.ADVERSE else -1


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonRules:
    """How many reasons are named in each direction, and the least pull that is one (parameter `reasons`)."""

    minimum_contribution: float
    adverse: int
    favourable: int

    def count(self, direction: Direction) -> int:
        """At most so many."""
        return self.adverse if direction is Direction.ADVERSE else self.favourable


def reason_rules(values: Mapping[str, Any]) -> ReasonRules:
    """The rules of parameter `reasons`."""
    return ReasonRules(**values)


def reason_code(kind: ReasonKind, *, family: str, name: str, direction: Direction) -> ReasonCode:
    """The stable code of a family led by a feature (named without its window)."""
    return ReasonCode(f"{kind.value}.{family}.{name}.{direction.value}")


def reason_codes() -> tuple[ReasonCode, ...]:
    """Every code that a reason can bear: kind x feature x direction over the catalogue, sorted."""
    return tuple(
        sorted(
            {
                reason_code(kind, family=definition.family, name=definition.name, direction=direction)
                for definition in CATALOGUE.values()
                for kind in ReasonKind
                for direction in Direction
            }
        )
    )


def reasons(
    contributions: Sequence[Contribution],
    *,
    kind: ReasonKind,
    features: Sequence[ModelFeature],
    rules: ReasonRules,
) -> tuple[Reason, ...]:
    """The strongest adverse families, then the strongest favourable ones.

    `contributions` stand in the order of `features`, whose order also settles ties. Families whose sum is smaller than
    the least pull are not named; nothing stands in for them.
    """
    families: dict[str, list[tuple[Contribution, ModelFeature]]] = {}
    for contribution, feature in zip(contributions, features, strict=True):
        families.setdefault(feature.family, []).append((contribution, feature))
    return tuple(
        reason
        for direction in Direction
        for reason in _strongest(families.values(), kind=kind, direction=direction, rules=rules)
    )


def _strongest(families: Any, *, kind: ReasonKind, direction: Direction, rules: ReasonRules) -> list[Reason]:
    pulls = [(direction.sign * sum(item.contribution for item, _ in members), members) for members in families]
    told = [pull for pull in pulls if pull[0] >= rules.minimum_contribution and _known(pull[1])]
    ranked = sorted(told, key=lambda pull: -pull[0])
    return [_reason(members, kind=kind, direction=direction) for _, members in ranked[: rules.count(direction)]]


def _known(members: Sequence[tuple[Contribution, ModelFeature]]) -> list[tuple[Contribution, ModelFeature]]:
    """What has a value: nobody can check, or act on, a reason about something that is not known."""
    return [member for member in members if member[0].value is not None]


def _reason(members: Sequence[tuple[Contribution, ModelFeature]], *, kind: ReasonKind, direction: Direction) -> Reason:
    leading, feature = max(_known(members), key=lambda member: direction.sign * member[0].contribution)
    return Reason(
        code=reason_code(kind, family=feature.family, name=feature.name, direction=direction),
        family=feature.family,
        direction=direction.value,
        contribution=sum(item.contribution for item, _ in members),
        feature=feature.key,
        value=leading.value,
        reference_value=feature.peer_median,
        unit=feature.unit,
        window_days=feature.window_days,
    )
