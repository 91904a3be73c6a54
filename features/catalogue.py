"""The catalogue: every feature, in one order. Matrices, constraints, reasons, pages and tests read it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from features.breakdown import BREAKDOWN
from features.declaration import HISTORY_DAYS, MACHINE_DAYS, FeatureDefinition, reason_code
from features.energy import ENERGY
from features.feature_value import SAID, FeatureColumns, Missing
from features.history import Array, DailyHistory, Level, Window
from features.level import LEVEL
from features.settings import FeatureSettings
from features.trend import TREND
from features.volatility import VOLATILITY

FEATURES = (*LEVEL, *TREND, *VOLATILITY, *BREAKDOWN, *ENERGY)

CATALOGUE: Mapping[str, FeatureDefinition] = MappingProxyType(
    {definition.key: definition for declared in FEATURES for definition in declared.definitions}
)
"""Definitions by key (`power_on_rate_90d`), in the order of every feature matrix."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All features of many units: (unit, feature) in the order of `CATALOGUE`; `reasons` as in
    `declaration.Column`."""

    values: Array
    reasons: NDArray[np.int8]


@cache
def catalogue_columns() -> FeatureColumns:
    """Key, unit and window of every feature, in order."""
    definitions = CATALOGUE.values()
    return FeatureColumns(
        names=tuple(CATALOGUE),
        units=tuple(definition.unit for definition in definitions),
        window_days=tuple(definition.window_days for definition in definitions),
    )


@cache
def catalogue_version() -> str:
    """SHA-256 over all that the definitions say (the code of their formulas excepted), hex."""
    said = [{name: value for name, value in asdict(item).items() if name != "compute"} for item in CATALOGUE.values()]
    text = json.dumps([*said, HISTORY_DAYS], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def evaluate(history: DailyHistory, settings: FeatureSettings) -> Evaluation:
    """Every feature of every unit of `history`, which must be `HISTORY_DAYS` long, or `MACHINE_DAYS` for machines.

    Two rules stand before each formula: too few of the window's days since the unit's first observed day
    (`not_enough_history`), and no observed second in the window (`not_observed`).
    """
    values = np.full((len(history.units), len(CATALOGUE)), np.nan)
    reasons = np.full(values.shape, SAID, dtype=np.int8)
    for position, definition in enumerate(CATALOGUE.values()):
        window = Window(days=definition.window_days, settings=settings)
        found = definition.compute(history, window)
        values[:, position], reasons[:, position] = found.values, found.reasons
        if definition.needs_observation:
            unseen = history.observed_seconds.sum_over(window) == 0
            values[unseen, position], reasons[unseen, position] = np.nan, reason_code(Missing.NOT_OBSERVED)
        short = _too_short(history, window)
        values[short, position], reasons[short, position] = np.nan, reason_code(Missing.NOT_ENOUGH_HISTORY)
    return Evaluation(values, reasons)


def _too_short(history: DailyHistory, window: Window) -> NDArray[np.bool_]:
    expected = HISTORY_DAYS if history.level is Level.OBLIGOR else MACHINE_DAYS
    assert history.length == expected, f"features are judged within {expected} days, neither more nor less"
    known = np.minimum(history.length - history.first_observed, window.days)
    return np.asarray(known < window.settings.minimum_history_share * window.days)
