"""Reasons: families ranked by how far they pulled, each led by its most telling feature, under stable codes.

Contributions add up exactly within a family, so a family's pull is their sum. Its code names the family, the leading
feature without its window, and the direction; `risk_reports.wording` turns a code into a sentence.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from features.catalogue import CATALOGUE
from scoring.cards import ModelFeature
from scoring.records import Contribution, Reason, ReasonCode

Members = Sequence[tuple[Contribution, ModelFeature]]


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
    """How many reasons are named in each direction, the least pull that is one, and by how much a newcomer must pull
    harder than what the portfolio view showed last time (parameter `reasons`)."""

    minimum_contribution: float
    adverse: int
    favourable: int
    hysteresis: float

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
    shown: Collection[ReasonCode] = (),
) -> tuple[Reason, ...]:
    """The strongest adverse families, then the strongest favourable ones.

    `contributions` stand in the order of `features`, whose order also settles ties. Families whose sum is smaller than
    the least pull, or that no feature can tell of, are not named; nothing stands in for them.

    `shown` is for the portfolio view alone: codes of the month before, which give way only to what pulls harder by more
    than `hysteresis`, so that a list read every month does not flicker. A decision's reasons know no month before.
    """
    families: dict[str, list[tuple[Contribution, ModelFeature]]] = {}
    for contribution, feature in zip(contributions, features, strict=True):
        families.setdefault(feature.family, []).append((contribution, feature))
    return tuple(
        reason
        for direction in Direction
        for reason in _strongest(families.values(), kind=kind, direction=direction, rules=rules, shown=shown)
    )


def _strongest(
    families: Iterable[Members],
    *,
    kind: ReasonKind,
    direction: Direction,
    rules: ReasonRules,
    shown: Collection[ReasonCode],
) -> list[Reason]:
    def code(feature: ModelFeature) -> ReasonCode:
        return reason_code(kind, family=feature.family, name=feature.name, direction=direction)

    def strength(pull: float, feature: ModelFeature) -> float:
        return direction.sign * pull + (rules.hysteresis if code(feature) in shown else 0.0)

    told: list[tuple[float, Reason]] = []
    for members in families:
        pull, telling = sum(item.contribution for item, _ in members), _telling(members, direction)
        if direction.sign * pull < rules.minimum_contribution or not telling:
            continue
        leading, feature = max(telling, key=lambda member: strength(member[0].contribution, member[1]))
        reason = _reason(leading, feature, members, code=code(feature), direction=direction, pull=pull)
        told.append((strength(pull, feature), reason))
    told.sort(key=lambda item: -item[0])
    return [reason for _, reason in told[: rules.count(direction)]]


def _telling(members: Members, direction: Direction) -> list[tuple[Contribution, ModelFeature]]:
    """What a reason may name: it has a value (nobody can check what is not known), it pulled that way itself, and its
    value does not lie on the other side of the peers', which would contradict the sentence."""
    return [
        (item, feature)
        for item, feature in members
        if item.value is not None
        and direction.sign * item.contribution > 0
        and direction.sign * _excess(item.value, feature) >= 0
    ]


def _excess(value: float, feature: ModelFeature) -> float:
    """How much riskier than the peers' a value is, by the sign that the model was held to; 0 without one."""
    return 0.0 if feature.peer_median is None else feature.sign * (value - feature.peer_median)


def _reason(
    leading: Contribution,
    feature: ModelFeature,
    members: Members,
    *,
    code: ReasonCode,
    direction: Direction,
    pull: float,
) -> Reason:
    return Reason(
        code=code,
        family=feature.family,
        direction=direction.value,
        contribution=pull,
        feature=feature.key,
        value=leading.value,
        reference_value=feature.peer_median,
        unit=feature.unit,
        window_days=feature.window_days,
        change=_change(leading, feature, members),
    )


def _change(leading: Contribution, feature: ModelFeature, members: Members) -> float | None:
    """The value less the obligor's own over the feature's longest window: how it moved lately."""
    windows = {other.window_days or 0: item.value for item, other in members if other.name == feature.name}
    longest = max(windows)
    before = windows[longest]
    if longest == feature.window_days or leading.value is None or before is None:
        return None
    return leading.value - before
