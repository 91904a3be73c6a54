"""One feature, and rows of many: arrays that read like mappings from a feature's key to its value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from math import isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Missing(StrEnum):
    """Why a feature has no value. Missing is a reason, never 0."""

    NOT_ENOUGH_HISTORY = "not_enough_history"
    NOT_OBSERVED = "not_observed"
    NO_FAILURE = "no_failure"
    NO_EXECUTION = "no_execution"
    NO_POWER_METER = "no_power_meter"
    NO_COUNTER = "no_counter"
    NO_SOURCE = "no_source"
    NO_BASIS = "no_basis"
    NO_PEERS = "no_peers"
    LOW_COVERAGE = "low_coverage"
    NOT_OF_A_MACHINE = "not_of_a_machine"
    NOT_CONSENTED = "not_consented"


REASONS = tuple(Missing)
"""Reasons by code: arrays of reasons hold positions in here."""

SAID = -1
"""Code of a value that is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureValue:
    """One feature: its value, or the reason why there is none; and the worst that it can be for credit given what was
    not observed, gaps of external cause excused; and the best and the worst if none is excused. Of these, None means
    that nothing is ruled out (see `features.bounds`)."""

    value: float | None
    unit: str
    window_days: int | None
    missing: Missing | None
    adverse_value: float | None
    favourable_value: float | None = None
    unexcused_value: float | None = None

    def __post_init__(self) -> None:
        assert (self.value is None) == (self.missing is not None), "a feature has a value or a reason"


@dataclass(frozen=True)
class FeatureColumns:
    """What the columns of some rows of features are: key, unit and window of each."""

    names: tuple[str, ...]
    units: tuple[str, ...]
    window_days: tuple[int | None, ...]

    @cached_property
    def positions(self) -> Mapping[str, int]:
        """The position of each key."""
        return {name: position for position, name in enumerate(self.names)}

    def at(self, names: Sequence[str]) -> list[int]:
        """The positions of some keys, to take their columns at once."""
        return [self.positions[name] for name in names]


@dataclass(frozen=True, slots=True, eq=False)
class FeatureRow(Mapping[str, FeatureValue]):
    """The features of one unit. The arrays (feature) may be views of those of many units; a `FeatureValue` is made
    when one is asked for.

    `observed` is NaN where there is no value, the bounds where nothing is ruled out; `reasons` are codes
    (`SAID` where there is a value).
    """

    columns: FeatureColumns
    observed: Array
    reasons: NDArray[np.int8]
    adverse: Array
    favourable: Array
    unexcused: Array

    def __reduce__(self) -> tuple[Any, ...]:
        """Its arrays as bytes: rows go from process to process by the ten thousand, and arrays one by one take
        four times as long."""
        numbers = (self.observed, self.adverse, self.favourable, self.unexcused)
        return _row_of_bytes, (self.columns, self.reasons.tobytes(), *(values.tobytes() for values in numbers))

    def __getitem__(self, name: str) -> FeatureValue:
        at = self.columns.positions[name]
        reason = int(self.reasons[at])
        return FeatureValue(
            value=float(self.observed[at]) if reason == SAID else None,
            unit=self.columns.units[at],
            window_days=self.columns.window_days[at],
            missing=None if reason == SAID else REASONS[reason],
            adverse_value=_said(self.adverse[at]),
            favourable_value=_said(self.favourable[at]),
            unexcused_value=_said(self.unexcused[at]),
        )

    def __contains__(self, name: object) -> bool:
        return name in self.columns.positions

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns.names)

    def __len__(self) -> int:
        return len(self.columns.names)


def _row_of_bytes(columns: FeatureColumns, reasons: bytes, *numbers: bytes) -> FeatureRow:
    """The row that was pickled as these."""
    observed, adverse, favourable, unexcused = (np.frombuffer(values, np.float64) for values in numbers)
    return FeatureRow(columns, observed, np.frombuffer(reasons, np.int8), adverse, favourable, unexcused)


def feature_row(features: Mapping[str, FeatureValue]) -> FeatureRow:
    """Features as a row of arrays; a row is itself."""
    if isinstance(features, FeatureRow):
        return features
    items = features.values()
    columns = FeatureColumns(
        names=tuple(features),
        units=tuple(item.unit for item in items),
        window_days=tuple(item.window_days for item in items),
    )
    return FeatureRow(
        columns=columns,
        observed=_floats(item.value for item in items),
        reasons=np.array([SAID if item.missing is None else REASONS.index(item.missing) for item in items], np.int8),
        adverse=_floats(item.adverse_value for item in items),
        favourable=_floats(item.favourable_value for item in items),
        unexcused=_floats(item.unexcused_value for item in items),
    )


def plain_feature(feature: FeatureValue) -> dict[str, Any]:
    """A feature as the plain object that answers carry."""
    return {
        "value": feature.value,
        "unit": feature.unit,
        "window_days": feature.window_days,
        "missing": feature.missing.value if feature.missing else None,
        "adverse_value": feature.adverse_value,
        "favourable_value": feature.favourable_value,
        "unexcused_value": feature.unexcused_value,
    }


def plain_columns(columns: FeatureColumns) -> dict[str, Any]:
    """What the columns are, as a snapshot keeps it."""
    return {"names": columns.names, "units": columns.units, "window_days": columns.window_days}


def plain_row(row: FeatureRow) -> dict[str, Any]:
    """What a row says in its columns, as a snapshot keeps it: null where there is no value, and why."""
    return {
        "value": _nullable(row.observed),
        "missing": [None if code == SAID else REASONS[code].value for code in row.reasons.tolist()],
        "adverse_value": _nullable(row.adverse),
        "favourable_value": _nullable(row.favourable),
        "unexcused_value": _nullable(row.unexcused),
    }


def parse_columns(body: Mapping[str, Any]) -> FeatureColumns:
    """The columns that `plain_columns` wrote."""
    return FeatureColumns(
        names=tuple(body["names"]), units=tuple(body["units"]), window_days=tuple(body["window_days"])
    )


def parse_row(columns: FeatureColumns, body: Mapping[str, Any]) -> FeatureRow:
    """The row that `plain_row` wrote."""
    codes = [SAID if word is None else REASONS.index(Missing(word)) for word in body["missing"]]
    return FeatureRow(
        columns=columns,
        observed=_floats(body["value"]),
        reasons=np.array(codes, dtype=np.int8),
        adverse=_floats(body["adverse_value"]),
        favourable=_floats(body["favourable_value"]),
        unexcused=_floats(body["unexcused_value"]),
    )


def _floats(values: Iterable[float | None]) -> Array:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _nullable(values: Array) -> list[float | None]:
    return [None if isnan(value) else value for value in values.tolist()]


def _said(value: np.float64) -> float | None:
    return None if np.isnan(value) else float(value)
