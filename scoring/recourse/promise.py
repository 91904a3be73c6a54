"""Within what an offer stands: the worst snapshot that still gets the outcome, as marks that everybody can check.

The model is monotone in each feature and the policy in each PD and amount. So it is enough to decide once, at the worst
corner of the marks: whatever is nowhere worse gets an outcome no more severe. How far the marks may lie towards the
adverse values of peers is the largest slack, of steps of a twentieth, at which that corner still gets it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from features.feature_value import FeatureValue
from features.snapshot import FeatureSnapshot
from features.trade import QUANTITIES
from features.trust import Severity
from scoring.cards import ModelFeature
from scoring.credit.collateral import HOURS_FEATURE, highest
from scoring.credit.trust_terms import trust_terms
from scoring.records import Outcome
from scoring.recourse.grounds import DecisionGrounds
from scoring.recourse.records import Mark, Promise

STEPS = 20
MORE_IS_WORSE = frozenset({"debt_service_due_minor", "secured_debt_minor", "open_orders_weak_minor_365d"})
"""Quantities that count against a limit."""
HOURS_A_DAY = 24.0


def promised(snapshot: FeatureSnapshot, grounds: DecisionGrounds, outcome: Outcome, *, most_slack: float) -> Promise:
    """The widest marks around a plan's snapshot within which its outcome holds."""
    promises = [
        _marks(snapshot, grounds, towards=step / STEPS, amounts=most_slack * step / STEPS) for step in range(STEPS + 1)
    ]
    decided = grounds.decisions([corner(snapshot, promise) for promise in promises])
    held = [decision.outcome.severity <= outcome.severity for decision in decided]
    assert held[0], "a plan's own snapshot gets its outcome"
    return promises[next((step - 1 for step, is_held in enumerate(held) if not is_held), STEPS)]


def corner(snapshot: FeatureSnapshot, promise: Promise) -> FeatureSnapshot:
    """The worst snapshot within the promise, of the plan's."""
    values: dict[str, FeatureValue] = dict(snapshot.values)
    for mark in promise.marks:
        values[mark.feature] = replace(
            values[mark.feature],
            value=mark.value,
            adverse_value=mark.adverse_value,
            unexcused_value=mark.unexcused_value,
        )
    if promise.most_hours_a_day is not None:
        values[HOURS_FEATURE] = replace(values[HOURS_FEATURE], favourable_value=promise.most_hours_a_day)
    amounts = {**dict(promise.least_minor), **dict(promise.most_minor)}
    quantities = {
        name: replace(known, value=amounts[name], adverse_value=amounts[name]) if name in amounts else known
        for name, known in snapshot.quantities.items()
    }
    return replace(snapshot, values=values, quantities=quantities)


def missed(promise: Promise, snapshot: FeatureSnapshot, values: Mapping[str, Any]) -> tuple[str, ...]:
    """The marks that a later snapshot misses, by name; none where it lies within the promise. `values` are the
    parameters that the offer was made with."""
    return tuple(dict.fromkeys(_missed(promise, snapshot, values)))


def _missed(promise: Promise, snapshot: FeatureSnapshot, values: Mapping[str, Any]) -> Iterator[str]:
    for mark in promise.marks:
        known = snapshot.values[mark.feature]
        ends = ((known.adverse_value, mark.adverse_value), (known.unexcused_value, mark.unexcused_value))
        # Trees may send a missing value on a way of its own: what was not known then must not be known now.
        if (known.value is None) != (mark.value is None) or any(
            _is_worse(now, least, mark.sign) for now, least in ((known.value, mark.value), *ends)
        ):
            yield mark.feature
    for name, least in promise.least_minor:
        if _amount(snapshot, name) is None or float(_amount(snapshot, name) or 0.0) < least:
            yield name
    for name, most in promise.most_minor:
        if _amount(snapshot, name) is None or float(_amount(snapshot, name) or 0.0) > most:
            yield name
    hours = highest(snapshot.values.get(HOURS_FEATURE))
    if promise.most_hours_a_day is not None and (hours is None or hours > promise.most_hours_a_day):
        yield HOURS_FEATURE
    trust = trust_terms(snapshot.data_trust, values)
    if trust.widening > promise.most_widening or float(trust.haircut) > promise.most_haircut:
        yield "data_trust_grade"
    yield from (f"trust.{item.code}" for item in snapshot.data_trust.at_least(Severity.MODERATE))


def _marks(snapshot: FeatureSnapshot, grounds: DecisionGrounds, *, towards: float, amounts: float) -> Promise:
    trust = trust_terms(snapshot.data_trust, grounds.values)
    money = {name: _amount(snapshot, name) for name in QUANTITIES if name in snapshot.quantities}
    hours = highest(snapshot.values.get(HOURS_FEATURE))
    return Promise(
        slack=towards,
        marks=tuple(_mark(feature, snapshot, towards) for feature in grounds.artefact.card.features),
        least_minor=tuple(
            (name, amount * (1 - amounts))
            for name, amount in money.items()
            if amount is not None and name not in MORE_IS_WORSE
        ),
        most_minor=tuple(
            (name, amount * (1 + amounts))
            for name, amount in money.items()
            if amount is not None and name in MORE_IS_WORSE
        ),
        most_hours_a_day=None if hours is None else min(HOURS_A_DAY, hours * (1 + amounts)),
        most_widening=trust.widening,
        most_haircut=float(trust.haircut),
    )


def _mark(feature: ModelFeature, snapshot: FeatureSnapshot, towards: float) -> Mark:
    known, worst = snapshot.values[feature.key], feature.adverse_value

    def relaxed(value: float | None) -> float | None:
        """So far towards the adverse value of peers, where that is worse."""
        if value is None or worst is None or feature.sign * (worst - value) <= 0:
            return value
        return value + towards * (worst - value)

    return Mark(
        feature=feature.key,
        sign=feature.sign,
        value=relaxed(known.value),
        adverse_value=relaxed(known.adverse_value),
        unexcused_value=relaxed(known.unexcused_value),
    )


def _is_worse(now: float | None, least: float | None, sign: int) -> bool:
    """Whether an end misses its mark. No mark: nothing was ruled out then, and anything may be so now."""
    if least is None:
        return False
    return now is None or sign * (now - least) > 0


def _amount(snapshot: FeatureSnapshot, name: str) -> float | None:
    """The least that a quantity can be, which counts for limits."""
    known = snapshot.quantities[name]
    return known.value if known.adverse_value is None else known.adverse_value
