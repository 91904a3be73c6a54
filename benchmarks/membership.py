"""Can one tell from scores and reasons whose history a model was trained on? Four membership-inference attacks.

    python -m benchmarks.membership --json

A base world's obligors are dealt into four parts: the model, trained as the promoted one is, learns from the first
(members); the second (strangers) it never sees; a shadow model of the attacker's own learns from the third, and the fourth
are its strangers. The attacker sees what the API tells of every training month: PD, margin, contributions and reasons;
also knows what became of the obligor; and averages over the months. Attacks, each with its direction fixed beforehand:

* `loss`: members' outcomes surprise the model less (Yeom and others 2018);
* `confidence`: members get more extreme probabilities;
* `explanation`: members' contributions are larger in total (Shokri, Strobel and Zick 2021);
* `shadow`: a classifier of all of these, taught on the shadow model's own members and strangers (Shokri and others 2017).

An AUC of 0.5 tells nothing. Synthetic; effect sizes are inputs, not findings.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from api.models.service import scoring_parameters
from benchmarks.worlds.built import CALIBRATE, TEST, TRAIN, built, month_end, split
from benchmarks.worlds.compared import fitted
from features.as_of import CreditTrainingSet
from scoring.cards import Estimate
from scoring.credit.artefact import CreditArtefact
from scoring.credit.calibration import PdScale
from scoring.training.metrics import area_under_curve
from simulator.summary import STATEMENT

SEED = 101
OBLIGORS = 1_600
MACHINES = 2.0
PARTS = {"members": 0.4, "strangers": 0.2, "shadow_members": 0.2, "shadow_strangers": 0.2}
LIMIT = 0.55
LARGEST = 4
"""So many of the largest contributions the shadow's classifier looks at, as a notice's reasons are."""

Matrix = NDArray[np.float64]
Mask = NDArray[np.bool_]


def main() -> None:
    """Attack and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--obligors", type=int, default=OBLIGORS, help="firms of the world (1600)")
    arguments = parser.parse_args()
    found = measure(obligors=arguments.obligors)
    print(json.dumps(found, indent=2) if arguments.json else "\n".join(f"{k}: {v}" for k, v in found.items()))


def measure(*, obligors: int) -> dict[str, Any]:
    """Each attack's AUC with its 95 % interval, and the best."""
    with built("base", seed=SEED, obligors=obligors, machines_per_obligor=MACHINES) as world:
        data = world.training_set((*TRAIN, *CALIBRATE, *TEST))
    return {**attacked(data), "seed": SEED, "obligors": obligors}


def attacked(data: CreditTrainingSet) -> dict[str, Any]:
    """The same of any training set with the months of `split`."""
    parts = _dealt(data)
    target = fitted(_of(data, parts["members"]), split())
    shadow = fitted(_of(data, parts["shadow_members"]), split())
    seen, is_member = _seen(target, data, parts["members"], parts["strangers"])
    taught, was_member = _seen(shadow, data, parts["shadow_members"], parts["shadow_strangers"])
    attacks = {
        "loss": -seen[:, 0],
        "confidence": seen[:, 1],
        "explanation": seen[:, 2],
        "shadow": _classifier(taught, was_member).decision_function(seen),
    }
    areas = {name: area_under_curve(score, is_member) for name, score in attacks.items()}
    best = max(areas, key=lambda name: areas[name].value)
    return {
        "attacks": {name: _told(area) for name, area in areas.items()},
        "best": best,
        "best_auc": areas[best].value,
        "limit": LIMIT,
        "is_within": areas[best].value <= LIMIT,
        "members": int(is_member.sum()),
        "strangers": int((~is_member).sum()),
        "rounds": target.card.rounds,
        "model_auc": None if target.card.metrics.auc is None else target.card.metrics.auc.value,
        "statement": STATEMENT,
    }


def _dealt(data: CreditTrainingSet) -> Mapping[str, Mask]:
    """Rows of each part; an obligor's rows stay together, by the hash of its name."""
    place = {
        obligor: int.from_bytes(hashlib.sha256(f"{SEED}:{obligor}".encode()).digest()[:8], "big") / 2**64
        for obligor in set(data.obligor_ids)
    }
    places = np.array([place[obligor] for obligor in data.obligor_ids])
    ends = np.cumsum(list(PARTS.values()))
    starts = ends - np.array(list(PARTS.values()))
    return {name: (places >= start) & (places < end) for name, start, end in zip(PARTS, starts, ends, strict=True)}


def _of(data: CreditTrainingSet, chosen: Mask) -> CreditTrainingSet:
    return data.at(np.flatnonzero(chosen))


def _seen(model: CreditArtefact, data: CreditTrainingSet, members: Mask, strangers: Mask) -> tuple[Matrix, Mask]:
    """What an attacker computes from the model's answers about each obligor in the training months, and who is one."""
    months = np.array([month_end(month).replace(tzinfo=None) for month in TRAIN], dtype="datetime64[us]")
    asked = np.flatnonzero((members | strangers) & np.isin(data.as_of.astype("datetime64[us]"), months))
    columns = [list(data.names).index(feature.key) for feature in model.card.features]
    explained = model.explain(data.values[np.ix_(asked, columns)])
    pd = _pd(model, explained.margin)
    loss = -np.where(data.defaulted[asked], np.log(pd), np.log1p(-pd))
    largest = -np.sort(-np.abs(explained.contributions), axis=1)[:, :LARGEST]
    told = np.column_stack([loss, np.abs(logit(pd)), np.abs(explained.contributions).sum(axis=1), logit(pd), largest])
    return _by_obligor(told, [data.obligor_ids[row] for row in asked], members[asked])


def _by_obligor(told: Matrix, obligor_ids: Sequence[str], is_member: Mask) -> tuple[Matrix, Mask]:
    """Means over an obligor's months."""
    names, first, position = np.unique(np.array(obligor_ids), return_index=True, return_inverse=True)
    counts = np.bincount(position, minlength=len(names))
    means = [np.bincount(position, weights=column, minlength=len(names)) / counts for column in told.T]
    return np.column_stack(means), is_member[first]


def _pd(model: CreditArtefact, margins: Matrix) -> Matrix:
    values = scoring_parameters().at(split().test[-1])
    scale = PdScale(
        calibrator=model.card.calibrator.calibrator(),
        reference_rate=model.card.reference_rate,
        central_tendency=values["central_tendency"],
        floor=values["pd_floor"],
    )
    return np.array([scale.pd_12m(float(margin)) for margin in margins])


def _classifier(told: Matrix, is_member: Mask) -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression(C=1.0, max_iter=2000)).fit(told, is_member)


def _told(area: Estimate) -> dict[str, float]:
    return {"auc": area.value, "lower": area.lower, "upper": area.upper}


if __name__ == "__main__":
    main()
