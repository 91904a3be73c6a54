"""How a feature is declared: its name, unit, windows and signs as data, beside a formula over a daily history."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.feature_value import REASONS, SAID, Missing
from features.history import Array, DailyHistory, Window

LONGEST_WINDOW_DAYS = 365

HISTORY_DAYS = 730
RECENT_DAYS = 365
MACHINE_DAYS = 180
"""Days of history that features are computed from: of an obligor's long measures (two years, so that a year can be
compared with the one before), of its other measures, and of a machine. Whether a unit's history is long enough for a
window is judged within them, so that one obligor and a whole book, read in whatever way, get the same values."""


@dataclass(frozen=True, slots=True)
class Column:
    """A feature of many units: values (NaN where missing) and the code of each reason (`SAID` where there is a
    value)."""

    values: Array
    reasons: NDArray[np.int8]


Formula = Callable[[DailyHistory, Window], Column]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureDefinition:
    """One column of every feature matrix. `credit_risk` and `insurance_risk` are the signs of monotone constraints:
    +1 when more of it means more risk, -1 when less, 0 when the sign is not settled."""

    name: str
    key: str
    family: str
    unit: str
    window_days: int
    credit_risk: int
    insurance_risk: int
    credit_reason: str
    insurance_reason: str
    actionable: bool
    label_zh: str
    label_en: str
    formula: str
    description: str
    iso_22400: str
    needs_observation: bool
    compute: Formula


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """A declared feature with a definition for each of its windows."""

    name: str
    definitions: tuple[FeatureDefinition, ...]


def feature(
    *,
    family: str,
    unit: str,
    credit_risk: int,
    insurance_risk: int,
    credit_reason: str,
    insurance_reason: str,
    actionable: bool,
    label_zh: str,
    label_en: str,
    formula: str,
    iso_22400: str,
    windows_days: Sequence[int] = (7, 30, 90),
    needs_observation: bool = True,
) -> Callable[[Formula], Feature]:
    """Declare the decorated formula as a feature; its docstring becomes the description.

    `unit` follows the last part of a quantity's name ("1" for shares); `iso_22400` remarks how the feature relates to
    an indicator of that standard. Where `needs_observation` is false, a window without any observation still has a
    value.
    """
    assert {credit_risk, insurance_risk} <= {-1, 0, 1}, "a sign is -1, 0 or +1"

    def declare(compute: Formula) -> Feature:
        name = compute.__name__
        description = " ".join((compute.__doc__ or "").split())
        assert description, f"feature {name} has no docstring"
        definitions = tuple(
            FeatureDefinition(
                name=name,
                key=f"{name}_{days}d",
                family=family,
                unit=unit,
                window_days=days,
                credit_risk=credit_risk,
                insurance_risk=insurance_risk,
                credit_reason=credit_reason,
                insurance_reason=insurance_reason,
                actionable=actionable,
                label_zh=label_zh,
                label_en=label_en,
                formula=formula,
                description=description,
                iso_22400=iso_22400,
                needs_observation=needs_observation,
                compute=compute,
            )
            for days in windows_days
        )
        assert all(0 < days <= LONGEST_WINDOW_DAYS for days in windows_days), "a window that no history is read for"
        return Feature(name=name, definitions=definitions)

    return declare


def reason_code(reason: Missing) -> int:
    """Position of `reason` in `REASONS`."""
    return REASONS.index(reason)


def ratio(
    numerator: Array,
    denominator: Array,
    *,
    zero: Missing = Missing.NOT_OBSERVED,
    unsaid: Missing = Missing.NOT_OBSERVED,
) -> Column:
    """`numerator / denominator`: missing as `unsaid` where either was never said, as `zero` where the denominator is
    0."""
    silent = np.isnan(numerator) | np.isnan(denominator)
    empty = ~silent & (denominator == 0)
    values = np.full(numerator.shape, np.nan)
    np.divide(numerator, denominator, out=values, where=~(silent | empty))
    return Column(values, _reasons(silent, unsaid, empty, zero))


def column(values: Array, *, missing: Missing) -> Column:
    """`values` as they are, with one reason for every NaN."""
    absent = np.isnan(values)
    return Column(values, _reasons(absent, missing, np.zeros_like(absent), missing))


def _reasons(
    first: NDArray[np.bool_], first_reason: Missing, second: NDArray[np.bool_], second_reason: Missing
) -> NDArray[np.int8]:
    codes = np.where(second, reason_code(second_reason), SAID)
    return np.where(first, reason_code(first_reason), codes).astype(np.int8)
