"""A firm whose machines work more or less: what every price of it is then, from one moved snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import inf

from features.catalogue import CATALOGUE
from features.feature_value import FeatureValue
from features.snapshot import FeatureSnapshot
from scoring.insurance.offers.idle import RATES

WORK = frozenset(key for key, feature in CATALOGUE.items() if feature.credit_risk < 0 < feature.insurance_risk)
"""What the catalogue holds good for credit and hard on machines: hours, shifts, and time in use."""

MOST = {"1": 1.0, "h": 24.0}
"""The most that a share, and hours a day, can be."""


def with_work(snapshot: FeatureSnapshot, times: float) -> FeatureSnapshot:
    """The snapshot with every feature of `WORK` and the rates that idle cover goes by multiplied, of the firm and of
    each machine alike. Nothing else moves: not orders, parts or energy, which more work would move too."""
    machines = {uid: _worked(values, times) for uid, values in snapshot.machines.items()}
    return replace(snapshot, values=_worked(snapshot.values, times), machines=machines)


def _worked(values: Mapping[str, FeatureValue], times: float) -> dict[str, FeatureValue]:
    return {key: _times(value, times) if key in WORK or key in RATES else value for key, value in values.items()}


def _times(value: FeatureValue, times: float) -> FeatureValue:
    """A value and its bounds, multiplied, within what can be."""
    most = MOST.get(value.unit, inf)

    def moved(known: float | None) -> float | None:
        return None if known is None else min(known * times, max(most, known))

    return replace(
        value,
        value=moved(value.value),
        adverse_value=moved(value.adverse_value),
        favourable_value=moved(value.favourable_value),
        unexcused_value=moved(value.unexcused_value),
    )
