"""The catalogue: every feature, in one order. Matrices, constraints, reasons, pages and tests read it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.breakdown import BREAKDOWN
from features.columns import Column, column, unless
from features.consistency import CONSISTENCY
from features.declaration import HISTORY_DAYS, MACHINE_DAYS, FeatureDefinition
from features.energy import ENERGY
from features.feature_value import SAID, FeatureColumns, Missing
from features.fleet import across
from features.history import Array, DailyHistory, Fleet, Level, Window
from features.level import LEVEL
from features.peer_reference import PeerReference
from features.peers import PEERS
from features.planned import PLANNED
from features.seasonality import SEASONALITY
from features.settings import FeatureSettings
from features.supply_chain import SUPPLY_CHAIN
from features.trend import TREND
from features.volatility import VOLATILITY

FEATURES = (
    *LEVEL,
    *PLANNED,
    *TREND,
    *VOLATILITY,
    *SEASONALITY,
    *BREAKDOWN,
    *ENERGY,
    *CONSISTENCY,
    *PEERS,
    *SUPPLY_CHAIN,
)

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


def evaluate(history: DailyHistory, settings: FeatureSettings, peers: PeerReference | None = None) -> Evaluation:
    """Every feature of every unit of `history`, which must be `HISTORY_DAYS` long, or `MACHINE_DAYS` for machines.

    An obligor history needs its fleet for what is put together across machines. Rules stand before each formula, the
    first that applies naming the reason: a level that the feature is not made of (`not_of_a_machine`), no peers
    (`no_peers`), too few of the window's days since the unit's first observed day (`not_enough_history`), no observed
    second in the window (`not_observed`), and less coverage than the feature needs (`low_coverage`).
    """
    expected = HISTORY_DAYS if history.level is Level.OBLIGOR else MACHINE_DAYS
    assert history.length == expected, f"features are judged within {expected} days, neither more nor less"
    values = np.full((len(history.units), len(CATALOGUE)), np.nan)
    reasons = np.full(values.shape, SAID, dtype=np.int8)
    machines: dict[str, Column] = {}
    for position, definition in enumerate(CATALOGUE.values()):
        if definition.base_key is None:
            found = _judged(definition, history, settings, peers)
        else:
            base = list(CATALOGUE).index(definition.base_key)
            own = Column(values[:, base], reasons[:, base])
            found = own if history.fleet is None else _across(definition, own, history.fleet, settings, machines)
        values[:, position], reasons[:, position] = found.values, found.reasons
    return Evaluation(values, reasons)


def _judged(
    definition: FeatureDefinition, history: DailyHistory, settings: FeatureSettings, peers: PeerReference | None
) -> Column:
    """One feature, under the rules that stand before its formula."""
    if history.level not in definition.levels:
        return _nothing(history, Missing.NOT_OF_A_MACHINE)
    if definition.needs_peers and peers is None:
        return _nothing(history, Missing.NO_PEERS)
    window = Window(days=definition.window_days, settings=settings)
    compute: Any = definition.compute
    found: Column = compute(history, window, peers) if definition.needs_peers else compute(history, window)
    return found if definition.rests_on_ledgers else ruled(definition, history, settings, found)


def ruled(definition: FeatureDefinition, history: DailyHistory, settings: FeatureSettings, found: Column) -> Column:
    """The column, missing where the rules on length of history, observation and coverage say so."""
    window = Window(days=definition.window_days, settings=settings)
    observed = history.observed_seconds.sum_over(window)
    least = settings.minimum_coverage.get(definition.name, 0.0)
    if least > 0:
        found = unless(found, observed < least * history.within_seconds.sum_over(window), Missing.LOW_COVERAGE)
    if definition.needs_observation:
        found = unless(found, observed == 0, Missing.NOT_OBSERVED)
    return unless(found, _too_short(history, window), Missing.NOT_ENOUGH_HISTORY)


def _across(
    definition: FeatureDefinition,
    own: Column,
    fleet: Fleet,
    settings: FeatureSettings,
    machines: dict[str, Column],
) -> Column:
    """The feature's values of the machines of each unit, put together; missing for the reason of the unit's `own`
    figure, or `no_source` where only the machines' values or weights are not known."""
    assert definition.base_key is not None, "a definition across machines has a base"
    base = CATALOGUE[definition.base_key]
    if base.key not in machines:
        machines[base.key] = _judged(base, fleet.history, settings, None)
    values = across(machines[base.key].values, fleet, units=len(own.values), how=definition.across)
    found = column(values, missing=Missing.NO_SOURCE)
    return Column(values, np.where(np.isnan(values) & (own.reasons != SAID), own.reasons, found.reasons))


def _nothing(history: DailyHistory, reason: Missing) -> Column:
    return column(np.full(len(history.units), np.nan), missing=reason)


def _too_short(history: DailyHistory, window: Window) -> NDArray[np.bool_]:
    known = np.minimum(history.length - history.first_observed, window.days)
    return np.asarray(known < window.settings.minimum_history_share * window.days)
