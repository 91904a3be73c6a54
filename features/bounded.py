"""Which features are bounded over what nobody observed, and how; see `features.bounds`.

Of a feature that is not named here nothing is ruled out. The model of default reads it only where parameter
`credit_model_inputs` names it, and then not at the upper end.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from features.bounds import (
    BoundsFormula,
    Completions,
    Interval,
    Values,
    as_told,
    by_coverage,
    exact_or_nothing,
    over_states,
    worst_and_best,
)
from features.catalogue import CATALOGUE, Evaluation
from features.declaration import FeatureDefinition
from features.history import Array, DailyHistory, Measure, Window
from features.settings import FeatureSettings
from features.trend import DAYS_PER_SLOPE_UNIT, PEAK_SHARE, monthly_rates
from features.volatility import WEEKDAYS

HALVINGS = 50


def slope_bounds(possible: Completions, window: Window, values: Values) -> Interval:
    """Of all completions, the steepest executed in the window's one half and stood in the other. The slope is linear
    in the executing seconds of each day once every second of ownership counts as observed."""
    weight = Measure(possible.owned.seconds).over(window)
    executing = possible.observed.executing_seconds.over(window)
    day = np.arange(window.days, dtype=np.float64)
    total = weight.sum(axis=1)
    mean_day = np.divide((weight * day).sum(axis=1), total, out=np.zeros_like(total), where=total > 0)
    centred = day[None, :] - mean_day[:, None]
    spread = (weight * centred**2).sum(axis=1)
    hidden = Measure(possible.unobserved).over(window) * centred
    said = (executing * centred).sum(axis=1)
    lowest, highest = said + np.minimum(hidden, 0).sum(axis=1), said + np.maximum(hidden, 0).sum(axis=1)
    rising = [
        np.divide(end * DAYS_PER_SLOPE_UNIT, spread, out=np.full_like(spread, np.nan), where=spread > 0)
        for end in (lowest, highest)
    ]
    exact = np.where(possible.has_gap(window), np.nan, values(possible.observed))
    return Interval(*(np.where(np.isnan(exact), end, exact) for end in rising))


def volatility_bounds(possible: Completions, window: Window, values: Values) -> Interval:
    """No rhythm fits the daily rates worse than the one that fits best when each day lies at the end that is farther
    from it; nothing says that the hidden hours were not the rhythm itself."""
    has_gap, exact = possible.has_gap(window), values(possible.observed)
    lowest, highest = exact.copy(), exact.copy()
    lowest[has_gap], highest[has_gap] = 0.0, _most_volatile(possible, window, np.flatnonzero(has_gap))
    return Interval(lowest, highest)


def _most_volatile(possible: Completions, window: Window, chosen: NDArray[np.int64]) -> Array:
    """The upper end for the chosen units."""
    owned = Measure(possible.owned.seconds).over(window)[chosen]
    executing = possible.observed.executing_seconds.over(window)[chosen]
    hidden = Measure(possible.unobserved).over(window)[chosen]
    seen = owned > 0
    least = np.divide(executing, owned, out=np.zeros_like(owned), where=seen)
    most = np.divide(np.minimum(executing + hidden, owned), owned, out=np.zeros_like(owned), where=seen)
    weekday = possible.observed.days[chosen, -window.days :].astype(np.int64) % WEEKDAYS
    squares, freedom = _squares_at_worst(least, most, weekday, seen)
    return np.asarray(np.sqrt(np.divide(squares, freedom, out=np.full(len(owned), np.nan), where=freedom > 0)))


def months_below_peak_bounds(possible: Completions, window: Window, values: Values) -> Interval:
    """The most months lie below the highest peak that there can have been where each was as idle as it can have been;
    the fewest where each was as busy, below the highest peak that there was in any case."""
    rates = np.array([monthly_rates(extreme) for extreme in possible.extremes])
    least, most = (
        _months_below(of, peak)
        for of, peak in ((rates.max(axis=0), rates.min(axis=0)), (rates.min(axis=0), rates.max(axis=0)))
    )
    exact = np.where(possible.has_gap(window), np.nan, values(possible.observed))
    return Interval(*(np.where(np.isnan(exact), end, exact) for end in (least, most)))


def _months_below(rates: Array, peaks: Array) -> Array:
    """How many rates (unit, month) lie far below the highest of these peaks; NaN without a month."""
    highest = np.where(np.isnan(peaks), -np.inf, peaks).max(axis=1)
    below = (rates < PEAK_SHARE * highest[:, None]).sum(axis=1).astype(np.float64)
    return np.where(np.isinf(highest), np.nan, below)


BOUNDS: Mapping[str, BoundsFormula] = MappingProxyType(
    {
        **dict.fromkeys(
            (
                "power_on_rate",
                "operating_rate",
                "utilisation",
                "active_day_share",
                "executing_hours_per_day",
                "fault_time_share",
                "idle_workday_share",
                "longest_idle_run",
            ),
            over_states,
        ),
        "coverage": by_coverage,
        "operating_rate_slope": slope_bounds,
        "operating_rate_volatility": volatility_bounds,
        "months_below_peak": months_below_peak_bounds,
        **dict.fromkeys(("failure_rate", "idle_energy_share", "load_factor"), exact_or_nothing),
        **dict.fromkeys(
            (
                "buyer_hhi",
                "top_buyer_pd",
                "dso_trend",
                "payable_stretch",
                "dilution",
                "overdue_share",
                "supplier_risk",
                "buyer_vulnerability",
            ),
            as_told,
        ),
    }
)
"""By the name of the feature; figures across machines (`_min`, `_max`, `_value_weighted`) are not bounded."""


def is_bounded(definition: FeatureDefinition) -> bool:
    """Whether more is known of the feature's bounds than nothing."""
    return definition.across is None and definition.name in BOUNDS


def evaluate_bounds(observed: Evaluation, settings: FeatureSettings, possible: Completions) -> tuple[Array, Array]:
    """The worst and the best that each feature can be for credit, whatever its units' unobserved time would have shown:
    both (unit, feature) in the order of `CATALOGUE`; NaN where nothing is ruled out or no sign is settled.

    `observed` is what the observed history of `possible` says.
    """
    adverse = np.full(observed.values.shape, np.nan)
    favourable = adverse.copy()
    history = possible.observed
    for position, definition in enumerate(CATALOGUE.values()):
        if definition.credit_risk == 0 or not is_bounded(definition) or history.level not in definition.levels:
            continue
        window = Window(days=definition.window_days, settings=settings)
        values = _values_of(definition, window, possible, observed.values[:, position])
        interval = BOUNDS[definition.name](possible, window, values)
        known = definition.rests_on_ledgers | ~_too_short(history, window)
        worst, best = worst_and_best(interval, risk=definition.credit_risk)
        adverse[known, position], favourable[known, position] = worst[known], best[known]
    return adverse, favourable


def _values_of(definition: FeatureDefinition, window: Window, possible: Completions, observed: Array) -> Values:
    compute: Any = definition.compute
    return lambda history: observed if history is possible.observed else compute(history, window).values


def _too_short(history: DailyHistory, window: Window) -> NDArray[np.bool_]:
    known = np.minimum(history.length - history.first_observed, window.days)
    return np.asarray(known < window.settings.minimum_history_share * window.days)


@numba.njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _squares_at_worst(
    least: Array, most: Array, weekday: NDArray[np.int64], seen: NDArray[np.bool_]
) -> tuple[Array, Array]:
    """For each row, over the seen days of each weekday, the least over c of the sum of the greater squared distance of
    c from either end of a day's interval; and the degrees of freedom: such days less one for each weekday.

    A sum of convex functions of c, which `HALVINGS` halvings of [0, 1] bring to the last bits.
    """
    squares, freedom = np.zeros(len(least)), np.zeros(len(least))
    for row in range(len(least)):
        for which in range(WEEKDAYS):
            own = np.flatnonzero(seen[row] & (weekday[row] == which))
            low, high = 0.0, 1.0
            for _ in range(HALVINGS):
                centre = (low + high) / 2
                beyond = 0.0
                for day in own:
                    middle = (least[row, day] + most[row, day]) / 2
                    beyond += centre - (most[row, day] if centre < middle else least[row, day])
                low, high = (low, centre) if beyond > 0 else (centre, high)
            centre = (low + high) / 2
            for day in own:
                squares[row] += max((most[row, day] - centre) ** 2, (least[row, day] - centre) ** 2)
            freedom[row] += max(len(own) - 1, 0)
    return squares, freedom
