"""The same learner on the data of all worlds together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.credit_truth.figures import expected_auc
from benchmarks.credit_truth.rungs import Judge
from benchmarks.credit_truth.worlds import KnownWorld, read_known, read_truth
from benchmarks.worlds.built import TEST, split
from benchmarks.worlds.compared import fitted
from features.as_of import CreditTrainingSet
from scoring.training.metrics import area_under_curve


def pooled_auc(files: Sequence[tuple[Path, Path]]) -> dict[str, float]:
    """Mean over the worlds' test months of the AUC of one model that was fitted on all of them: ten times the data of
    each, where there are ten."""
    worlds = [read_known(known) for known, _ in files]
    judge = Judge(model=fitted(_together(worlds), split()))
    found = []
    for world, (_, exact) in zip(worlds, files, strict=True):
        rows = world.at(TEST)
        pd = judge.pd(judge.rows(world.data.values[rows], list(world.data.names)))
        truth = read_truth(exact)["pd_12m_true"][rows]
        found.append((area_under_curve(pd, world.data.defaulted[rows]).value, expected_auc(pd, truth)))
    auc, expected = np.mean(found, axis=0)
    return {"auc": float(auc), "expected_auc": float(expected)}


def _together(worlds: Sequence[KnownWorld]) -> CreditTrainingSet:
    """One training set of firms of all worlds, told apart by their world's number."""
    data = [world.data for world in worlds]
    return CreditTrainingSet(
        obligor_ids=[f"{number}-{obligor}" for number, one in enumerate(data) for obligor in one.obligor_ids],
        as_of=np.concatenate([one.as_of for one in data]),
        observed_until=np.concatenate([one.observed_until for one in data]),
        names=data[0].names,
        values=np.concatenate([one.values for one in data]),
        defaulted=np.concatenate([one.defaulted for one in data]),
    )
