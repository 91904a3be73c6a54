"""A feature of many units as a column: a value or a reason for each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.feature_value import REASONS, SAID, Missing
from features.history import Array

_CODES = {reason: code for code, reason in enumerate(REASONS)}


@dataclass(frozen=True, slots=True)
class Column:
    """A feature of many units: values (NaN where missing) and the code of each reason (`SAID` where there is a
    value)."""

    values: Array
    reasons: NDArray[np.int8]


def reason_code(reason: Missing) -> int:
    """Position of `reason` in `REASONS`."""
    return _CODES[reason]


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


def unless(found: Column, applies: NDArray[np.bool_], reason: Missing) -> Column:
    """The column, missing for `reason` where that applies."""
    if not applies.any():
        return found
    values = np.where(applies, np.nan, found.values)
    return Column(values, np.where(applies, reason_code(reason), found.reasons).astype(np.int8))


def _reasons(
    first: NDArray[np.bool_], first_reason: Missing, second: NDArray[np.bool_], second_reason: Missing
) -> NDArray[np.int8]:
    codes = np.where(second, reason_code(second_reason), SAID)
    return np.where(first, reason_code(first_reason), codes).astype(np.int8)
