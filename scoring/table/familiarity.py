"""Whether a model of a table was taught on rows like one: how far out its numbers are, what is missing, what is new.

The rules are those of `scoring.credit.familiarity`. Columns are the lender's own, so that a family is what the lender
says belongs together, and otherwise a column by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scoring.credit.familiarity import TrainingCloud
from scoring.table.card import TableFamiliarityCard, TableFeature
from scoring.unfamiliar import Familiarity, UnknownCategory

Matrix = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of numbers and the family that it belongs to."""

    key: str
    family: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TableJudge:
    """What is known of the training rows: the `cloud` of the columns `numbers` (positions; None where there are none),
    the family of every column, and the families of which hardly a row told nothing."""

    features: tuple[TableFeature, ...]
    cloud: TrainingCloud | None
    numbers: tuple[int, ...]
    families: Mapping[str, str]
    always_told: frozenset[str]

    def judge(self, frame: pd.DataFrame, rows: Matrix) -> list[Familiarity]:
        """How unlike the training rows each row of `frame` is; `rows` (n, k) are the same, encoded."""
        new = new_texts(frame, self.features)
        return [self._row(row, told) for row, told in zip(rows, new, strict=True)]

    def _row(self, row: Matrix, new: Mapping[str, str]) -> Familiarity:
        told = {
            self.families[feature.key]
            for feature, value in zip(self.features, row, strict=True)
            if not np.isnan(value) or feature.key in new
        }
        far = None if self.cloud is None else self.cloud.judge(row[list(self.numbers)])
        return Familiarity(
            distance=0.0 if far is None else far.distance,
            furthest=() if far is None else far.furthest,
            missing_families=tuple(sorted(self.always_told - told)),
            unknown_categories=tuple(UnknownCategory(name=name, value=value) for name, value in new.items()),
        )


def judge_of(card: TableFamiliarityCard, features: tuple[TableFeature, ...]) -> TableJudge:
    """What the numbers of a card stand for, of the card's features."""
    place = {feature.key: at for at, feature in enumerate(features)}
    columns = [Column(key, card.families[key]) for key in card.numbers]
    return TableJudge(
        features=features,
        cloud=None if card.cloud is None else card.cloud.cloud(columns),
        numbers=tuple(place[key] for key in card.numbers),
        families=card.families,
        always_told=frozenset(card.always_told),
    )


def new_texts(frame: pd.DataFrame, features: Sequence[TableFeature]) -> list[dict[str, str]]:
    """Of each row, the texts by column that the model has no level for."""
    found: list[dict[str, str]] = [{} for _ in range(len(frame))]
    for feature in features:
        if feature.kind == "category":
            texts = frame[feature.key].astype("string")
            for row in np.flatnonzero(texts.notna() & ~texts.isin(feature.levels)).tolist():
                found[row][feature.key] = str(texts.iloc[row])
    return found
