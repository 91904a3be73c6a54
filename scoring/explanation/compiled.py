"""Explainers and tables by the bytes they are made from: compiled once a process, however often a model is loaded."""

from __future__ import annotations

from functools import lru_cache

import xgboost as xgb

from scoring.explanation.shapley import Explainer, ReferenceCounts, ShapleyTables, explainer

KEPT = 8
"""Models whose tables stay in memory."""


@lru_cache(maxsize=KEPT)
def explainer_of(members: tuple[bytes, ...]) -> Explainer:
    """The explainer of a bag given as UBJ bytes. Raises TreesNotExplainable."""
    boosters = [xgb.Booster() for _ in members]
    for booster, member in zip(boosters, members, strict=True):
        booster.load_model(bytearray(member))
    return explainer(boosters)


@lru_cache(maxsize=KEPT)
def path_dependent_of(members: tuple[bytes, ...]) -> ShapleyTables:
    """Tables against the training weight at each split."""
    return explainer_of(members).path_dependent()


@lru_cache(maxsize=KEPT)
def interventional_of(members: tuple[bytes, ...], reference: ReferenceCounts) -> ShapleyTables:
    """Tables against a reference group."""
    return explainer_of(members).interventional(reference)
