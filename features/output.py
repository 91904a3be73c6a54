"""What was made, asked three times: of parts counted, of energy and of hours, because each can be forged or broken
alone. Of the last quarter, and of a year of lean months: what three months in four reached at least.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.aligned import DayKind, day_kinds, day_numbers_of
from features.bounds import Completions
from features.columns import reason_code
from features.feature_value import SAID, Missing
from features.history import Array, DailyHistory, nan_sum
from features.level import SECONDS_PER_HOUR
from features.settings import FeatureSettings
from features.trade import OUTPUT_DAYS, PARTS, QUANTITY_DAYS, QuantityColumn

MONTHS = 12
MONTH_OF_DAY = np.arange(QUANTITY_DAYS) * MONTHS // QUANTITY_DAYS
"""The last `QUANTITY_DAYS` days as twelve spans of 30 or 31, the last one ending with the last complete day."""

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One view of production: what was spent on each of the last `QUANTITY_DAYS` days (of parts counted, themselves),
    what a part usually took of it, and the most that this can be whatever was not observed (None: it itself)."""

    spent: Array
    usual: Array
    usual_at_most: Array
    reasons: Sequence[tuple[Bools, Missing]]

    def output(self, spent: Array) -> QuantityColumn:
        """Parts that so much makes, known and at least."""
        return _reasoned(spent / self.usual, self.reasons, least=spent / self.usual_at_most)


def output_quantities(
    history: DailyHistory, settings: FeatureSettings, possible: Completions
) -> dict[str, QuantityColumn]:
    """Parts made in the last `OUTPUT_DAYS` of an obligor history, and in a year of its lean months: counted, and as
    energy and hours tell by what a part took before the last `OUTPUT_DAYS`. Three answers to one question: a limit
    rests on the least of them."""
    views = _views(history, settings, possible)
    year = _LeanYear.of(history, settings)
    found = {f"output_{name}_90d": view.output(_recent(view.spent)) for name, view in views.items()}
    return found | {f"lean_output_{name}_365d": year.output(view) for name, view in views.items()}


def _views(history: DailyHistory, settings: FeatureSettings, possible: Completions) -> Mapping[str, View]:
    parts = history.parts.last(QUANTITY_DAYS)
    kwh, counted_kwh = (
        measure.last(QUANTITY_DAYS) for measure in (history.energy_executing_kwh, history.counted_executing_kwh)
    )
    hours, counted_hours = (
        measure.last(QUANTITY_DAYS) / SECONDS_PER_HOUR
        for measure in (history.executing_seconds, history.counted_executing_seconds)
    )
    no_counter, no_meter = np.isnan(nan_sum(parts)), np.isnan(nan_sum(kwh))
    short = history.length - history.first_observed < settings.minimum_history_share * OUTPUT_DAYS
    seen = _recent(history.observed_seconds.last(QUANTITY_DAYS)) > 0
    general = [(short, Missing.NOT_ENOUGH_HISTORY), (~seen, Missing.NOT_OBSERVED)]
    hidden = possible.unobserved[:, -QUANTITY_DAYS:] > 0
    one = np.ones(len(parts))
    no_recent_counts = np.isnan(_recent(parts))
    return {
        "parts": View(
            spent=parts,
            usual=one,
            usual_at_most=one,
            reasons=[*general, (no_recent_counts, Missing.NO_COUNTER)],
        ),
        "parts_by_energy": View(
            spent=kwh,
            usual=_usual(counted_kwh, parts),
            usual_at_most=_usual_at_most(counted_kwh, parts, hidden),
            reasons=[*general, (no_counter, Missing.NO_COUNTER), (no_meter, Missing.NO_POWER_METER)],
        ),
        "parts_by_hours": View(
            spent=hours,
            usual=_usual(counted_hours, parts),
            usual_at_most=_usual_at_most(counted_hours, parts, hidden),
            reasons=[*general, (no_counter, Missing.NO_COUNTER)],
        ),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _LeanYear:
    """The year of each unit in months: which days are ordinary (neither a public holiday nor the days around Chinese
    New Year), which were observed, and which months have come to an end since the unit's first observed day.

    A month counts by what its ordinary days brought each, so that holidays, which move, make no month lean, and work on
    them makes none fat. The calendar alone is adjusted for: a season estimated from the unit's own past would rise
    where rows of its slow months are left out.
    """

    quantile: float
    ordinary: Bools
    observed: Bools
    lived: Bools

    @classmethod
    def of(cls, history: DailyHistory, settings: FeatureSettings) -> _LeanYear:
        """That of every unit of an obligor history."""
        kinds = day_kinds(history, day_numbers_of(history, QUANTITY_DAYS))
        last_of_month = np.flatnonzero(np.diff(MONTH_OF_DAY, append=MONTHS))
        first = history.first_observed - (history.length - QUANTITY_DAYS)
        return cls(
            quantile=settings.lean_month_quantile,
            ordinary=~np.isin(kinds, (DayKind.PUBLIC_HOLIDAY, DayKind.NEW_YEAR)),
            observed=history.observed_seconds.last(QUANTITY_DAYS) > 0,
            lived=last_of_month[None, :] >= first[:, None],
        )

    def output(self, view: View) -> QuantityColumn:
        """A year of lean months in one view, and no more than a year of the last `OUTPUT_DAYS`: who fell since does not
        borrow on the months before. At least: a month of which nothing was told made nothing."""
        told = self.ordinary & self.observed & ~np.isnan(view.spent)
        counted = np.where(told, view.spent, 0.0)
        days = self._by_month(self.ordinary)
        each_day = np.divide(self._by_month(counted), days, out=np.zeros(days.shape), where=days > 0)
        recent = counted[:, -OUTPUT_DAYS:].sum(axis=1) / self.ordinary[:, -OUTPUT_DAYS:].sum(axis=1)
        was_told = self._by_month(told) > 0
        known = self._year(np.where(was_told, each_day, np.nan), recent)
        least = self._year(each_day, recent)
        never = np.quantile(self.lived.astype(np.float64), self.quantile, axis=1) == 0
        reasons = [*view.reasons, (never, Missing.NOT_ENOUGH_HISTORY)]
        return _reasoned(known / view.usual, reasons, least=least / view.usual_at_most)

    def _year(self, each_day: Array, recent: Array) -> Array:
        lean = np.full(len(each_day), np.nan)
        some = ~np.isnan(each_day).all(axis=1)
        lean[some] = np.nanquantile(each_day[some], self.quantile, axis=1)
        year: Array = np.minimum(lean, recent) * self.ordinary.sum(axis=1)
        return year

    def _by_month(self, daily: NDArray[np.generic]) -> Array:
        starts = np.searchsorted(MONTH_OF_DAY, np.arange(MONTHS))
        sums: Array = np.add.reduceat(daily.astype(np.float64), starts, axis=1)
        return sums


def _recent(daily: Array) -> Array:
    return nan_sum(daily[:, -OUTPUT_DAYS:])


def _usual(spent: Array, parts: Array) -> Array:
    """Median over the days before the last `OUTPUT_DAYS` of what a part took; NaN where no such day made parts and
    spent anything."""
    each = _each(spent, parts)
    usual = np.full(len(parts), np.nan)
    known = ~np.isnan(each).all(axis=1)
    usual[known] = np.nanmedian(each[known], axis=1)
    return usual


def _usual_at_most(spent: Array, parts: Array, hidden: Bools) -> Array:
    """`_usual`, where some days may hide something: those not wholly observed count as if a part had taken without end,
    so that to leave out a day on which parts took much is to count it so. Without end itself where half do."""
    each = _each(spent, parts)
    each[hidden[:, : each.shape[1]]] = np.inf
    usual = np.full(len(parts), np.inf)
    known = ~np.isnan(each).all(axis=1)
    with np.errstate(invalid="ignore"):
        usual[known] = np.nanmedian(each[known], axis=1)
    # The median of two infinities is undefined.
    return np.where(np.isnan(usual), np.inf, usual)


def _each(spent: Array, parts: Array) -> Array:
    """What a part took on each day before the last `OUTPUT_DAYS`; NaN on days that made no parts or spent nothing."""
    spent, parts = spent[:, :-OUTPUT_DAYS], parts[:, :-OUTPUT_DAYS]
    each: Array = np.divide(spent, parts, out=np.full(parts.shape, np.nan), where=parts > 0)
    each[~(each > 0)] = np.nan
    return each


def _reasoned(values: Array, reasons: Sequence[tuple[Bools, Missing]], *, least: Array) -> QuantityColumn:
    """The first reason that applies; not enough history where a value is missing for none of them."""
    codes = np.where(np.isnan(values), reason_code(Missing.NOT_ENOUGH_HISTORY), SAID)
    for applies, reason in reversed(reasons):
        codes = np.where(applies, reason_code(reason), codes)
    is_known = codes == SAID
    return QuantityColumn(
        np.where(is_known, values, np.nan),
        codes.astype(np.int8),
        [PARTS] * len(values),
        np.where(is_known, least, np.nan),
    )
