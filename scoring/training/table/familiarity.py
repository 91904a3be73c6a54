"""What a model of a table keeps of its training rows, so that rows unlike them are referred to a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scoring.table.card import TableFamiliarityCard, TableFeature
from scoring.table.familiarity import Column, judge_of, new_texts
from scoring.training.familiarity import card_of, cloud_of, limit_of
from scoring.training.features import fold_of

Matrix = NDArray[np.float64]
Mask = NDArray[np.bool_]


def fit_table_familiarity(
    frame: pd.DataFrame,
    rows: Matrix,
    features: tuple[TableFeature, ...],
    *,
    groups: Sequence[str],
    families: Mapping[str, str],
    settings: Mapping[str, Any],
    seed: int,
) -> TableFamiliarityCard:
    """Of the rows of `frame`, encoded as `rows` (n, k). A column that `families` does not name is a family by itself.

    The limit is the percentile `familiar_percentile` of the distances of held-back groups from all others. Always told
    are the families that rows lack least often: so many that less than `familiar_missing_share` of the rows lack any.
    """
    of_column = {feature.key: families.get(feature.key, feature.key) for feature in features}
    held = _held_back(groups, settings, seed=seed)
    numbers = _numbers(rows, features, held)
    columns = [Column(features[place].key, of_column[features[place].key]) for place in numbers]
    apart = _distances(columns, rows[:, numbers], held)
    limit = limit_of(apart, settings)
    card = TableFamiliarityCard(
        numbers=tuple(column.key for column in columns),
        cloud=card_of(cloud_of(columns, rows[:, numbers], usual_missing_share=0.0), limit) if columns else None,
        families=of_column,
        always_told=_always_told(
            ~np.isnan(rows) | _is_new(frame, features),
            list(of_column.values()),
            most=settings["familiar_missing_share"],
        ),
        referred=0.0,
        too_far_out=0.0,
        missing_a_family=0.0,
        of_an_unknown_category=0.0,
    )
    told = judge_of(card, features).judge(frame, rows)
    parts = {
        "too_far_out": apart > limit,
        "missing_a_family": np.array([bool(one.missing_families) for one in told]),
        "of_an_unknown_category": np.array([bool(one.unknown_categories) for one in told]),
    }
    shares = {name: float(part.mean()) for name, part in parts.items()}
    return card.model_copy(update={"referred": float(np.any(list(parts.values()), axis=0).mean()), **shares})


def _held_back(groups: Sequence[str], settings: Mapping[str, Any], *, seed: int) -> list[Mask]:
    own = fold_of(groups, settings["folds"], seed=seed)
    return [own == fold for fold in np.unique(own)]


def _numbers(rows: Matrix, features: Sequence[TableFeature], held: Sequence[Mask]) -> list[int]:
    """The columns of numbers that are told beside every fold that is held back; none where nothing differs there."""
    beside = [rows[~mask] for mask in held]
    numbers = [
        place
        for place, feature in enumerate(features)
        if feature.kind == "number" and all((~np.isnan(others[:, place])).any() for others in beside)
    ]
    differs = [
        bool((np.nanmax(others[:, numbers], axis=0) > np.nanmin(others[:, numbers], axis=0)).any()) for others in beside
    ]
    return numbers if all(differs) else []


def _distances(columns: Sequence[Column], numbers: Matrix, held: Sequence[Mask]) -> Matrix:
    """How far each row (n) lies from the rows of all other folds; 0 where there are no numbers."""
    apart = np.zeros(len(numbers))
    for mask in held if columns else ():
        apart[mask] = cloud_of(columns, numbers[~mask], usual_missing_share=0.0).distances(numbers[mask])
    return apart


def _is_new(frame: pd.DataFrame, features: Sequence[TableFeature]) -> Mask:
    """Where a text stands that has no level: it is told all the same."""
    new = new_texts(frame, features)
    return np.array([[feature.key in row for feature in features] for row in new], dtype=bool).reshape(len(new), -1)


def _always_told(is_told: Mask, families: Sequence[str], *, most: float) -> tuple[str, ...]:
    names = sorted(set(families))
    lacked = {name: ~is_told[:, [family == name for family in families]].any(axis=1) for name in names}
    any_lacked, kept = np.zeros(len(is_told), dtype=bool), []
    for name in sorted(names, key=lambda name: (lacked[name].mean(), name)):
        any_lacked = any_lacked | lacked[name]
        if any_lacked.mean() >= most:
            break
        kept.append(name)
    return tuple(sorted(kept))
