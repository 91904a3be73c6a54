"""Rows of features: arrays that read like a mapping, and what a snapshot keeps of them."""

from __future__ import annotations

import json
import pickle
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from features.feature_value import (
    REASONS,
    SAID,
    FeatureColumns,
    FeatureRow,
    FeatureValue,
    Missing,
    feature_row,
    parse_columns,
    parse_row,
    plain_columns,
    plain_row,
)

COLUMNS = FeatureColumns(names=("rate_7d", "rate_90d", "age"), units=("1", "1", "d"), window_days=(7, 90, None))
ROW = FeatureRow(
    columns=COLUMNS,
    observed=np.array([0.25, np.nan, 0.0]),
    reasons=np.array([SAID, REASONS.index(Missing.NOT_OBSERVED), SAID], dtype=np.int8),
    adverse=np.array([0.125, 1.0, np.nan]),
    favourable=np.array([0.5, 0.25, np.nan]),
    unexcused=np.array([0.0, 1.5, np.nan]),
)
VALUES = {
    "rate_7d": FeatureValue(value=0.25, unit="1", window_days=7, missing=None, adverse_value=0.125, favourable_value=0.5, unexcused_value=0.0),
    "rate_90d": FeatureValue(
        value=None, unit="1", window_days=90, missing=Missing.NOT_OBSERVED, adverse_value=1.0, favourable_value=0.25, unexcused_value=1.5
    ),
    "age": FeatureValue(value=0.0, unit="d", window_days=None, missing=None, adverse_value=None),
}  # fmt: skip


def test_a_row_reads_like_a_mapping() -> None:
    assert dict(ROW) == VALUES
    assert ROW == VALUES
    assert (len(ROW), list(ROW), "rate_30d" in ROW) == (3, ["rate_7d", "rate_90d", "age"], False)
    with pytest.raises(KeyError, match="rate_30d"):
        ROW["rate_30d"]


def test_features_become_a_row_and_a_row_stays_itself() -> None:
    made = feature_row(VALUES)
    assert made.columns == COLUMNS
    assert made.observed.tobytes() == ROW.observed.tobytes()
    assert made.reasons.tolist() == ROW.reasons.tolist()
    assert made.adverse.tobytes() == ROW.adverse.tobytes()
    assert feature_row(ROW) is ROW


def test_rows_come_out_of_another_process_as_they_went_in() -> None:
    views = [
        FeatureRow(COLUMNS, *rows) for rows in zip(*(np.stack([one, one[::-1]]) for one in _arrays(ROW)), strict=True)
    ]
    for row, came in zip(views, pickle.loads(pickle.dumps(views)), strict=True):
        assert came.columns == COLUMNS
        assert [(values.dtype, values.tobytes()) for values in _arrays(came)] == [
            (values.dtype, values.tobytes()) for values in _arrays(row)
        ]


def _arrays(row: FeatureRow) -> list[NDArray[Any]]:
    return [row.observed, row.reasons, row.adverse, row.favourable, row.unexcused]


def test_what_is_kept_of_a_row_is_the_row() -> None:
    kept = json.loads(json.dumps(plain_columns(COLUMNS) | plain_row(ROW), allow_nan=False))
    assert kept["missing"] == [None, "not_observed", None]
    assert kept["value"] == [0.25, None, 0.0]
    again = parse_row(parse_columns(kept), kept)
    assert again.columns == COLUMNS
    assert again == ROW
