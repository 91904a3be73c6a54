"""A table's columns as numbers: numbers as they are, texts as the place in the levels that training knew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scoring.errors import TableInvalid
from scoring.table.card import TableFeature

MOST_LEVELS = 50
FEWEST_ROWS = 20
"""A level of a text column that fewer rows show is not kept: it would be learnt by heart."""

Matrix = NDArray[np.float64]


def fit_features(frame: pd.DataFrame, signs: Mapping[str, int]) -> tuple[TableFeature, ...]:
    """The features of the columns of `frame`, levels by how many rows show them (then by name)."""
    return tuple(_feature(str(name), frame[name], signs.get(str(name), 0)) for name in frame.columns)


def encoded(frame: pd.DataFrame, features: Sequence[TableFeature]) -> Matrix:
    """Rows (n, k) in the features' order, NaN where missing; a text that training did not know is missing.

    Raises TableInvalid where a column is missing, or holds texts where training saw numbers.
    """
    absent = [feature.key for feature in features if feature.key not in frame.columns]
    if absent:
        raise TableInvalid(
            f"The table lacks {len(absent)} of the model's {len(features)} columns (first: {absent[0]}).",
            hint="Name the columns as in the table that the model was trained on.",
        )
    columns = [_codes(frame[feature.key], feature) for feature in features]
    return np.column_stack(columns) if columns else np.empty((len(frame), 0))


def with_absent(frame: pd.DataFrame, features: Sequence[TableFeature]) -> pd.DataFrame:
    """The frame with an empty column for each of the features that it has not, which the model then lacks in every
    row. Raises TableInvalid where it has none of them: that is another table."""
    absent = [feature.key for feature in features if feature.key not in frame.columns]
    if features and len(absent) == len(features):
        raise TableInvalid(
            f"The table has none of the model's {len(features)} columns (first: {absent[0]}).",
            hint="Name the columns as in the table that the model was trained on.",
        )
    return frame.assign(**dict.fromkeys(absent, np.nan))


def is_text(column: pd.Series) -> bool:
    """Whether a column holds anything but numbers and truth values."""
    return not (pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column))


def _feature(name: str, column: pd.Series, sign: int) -> TableFeature:
    if not is_text(column):
        return TableFeature(key=name, kind="number", levels=(), sign=sign, peer_value=None)
    if sign:
        raise TableInvalid(
            f"Column {name} is to be monotone but holds texts (first: {column.dropna().astype(str).iloc[0]!r}).",
            hint="Leave it out of the monotone file, or give it as a number.",
        )
    counts = column.dropna().astype(str).value_counts()
    known = sorted(counts[counts >= FEWEST_ROWS].items(), key=lambda item: (-item[1], item[0]))[:MOST_LEVELS]
    return TableFeature(
        key=name, kind="category", levels=tuple(str(level) for level, _ in known), sign=0, peer_value=None
    )


def _codes(column: pd.Series, feature: TableFeature) -> Matrix:
    if feature.kind == "category":
        place = {level: float(code) for code, level in enumerate(feature.levels)}
        return np.array(column.astype("string").map(place, na_action="ignore"), dtype=np.float64, copy=True)
    try:
        return np.asarray(pd.to_numeric(column).astype("float64"), dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise TableInvalid(
            f"Column {feature.key} is a number in the model and is not here: {error}.",
            hint="Bring the column as numbers, empty where missing.",
        ) from error
