"""How often the referral of the unfamiliar is false, what it catches, and what it costs beside a score.

    python -m benchmarks.familiarity --json         (seeds 101-102, 5,000 firms each; --worlds FOLDER keeps the worlds)

The service's own model is trained in each frozen base world as `benchmarks.credit_truth` does and judges the firms of the
test month, a year later than any row that its limit rests on. They live in the world that it was taught on, so that whom
it refers it refers falsely. The same firms with every feature taken from another firm have usual values that do not belong
together, and with their utilisation halved alone they contradict their own power-on rates: of these it should refer many.
Then a model is trained without the industries that alone run a type of machine, and asked about their firms: how many are too
far out, so that new machines would be noticed if no industry were told, and what it says of them beside the truth.
`new_types` asks the same of a type in industries that the model knows, with the types of machines told (`machine_types`).
Costs are microseconds a row, each the best of three passes, on one thread. Synthetic; effect sizes are inputs, not findings.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from api.models.service import scoring_parameters
from benchmarks.credit_truth.rungs import Judge
from benchmarks.credit_truth.worlds import KnownWorld, build, read_known, read_truth
from benchmarks.machine_types import new_types, with_types
from benchmarks.scoring import snapshot_of
from benchmarks.worlds.built import TEST, split
from benchmarks.worlds.compared import fitted
from features.catalogue import CATALOGUE
from scoring.credit.artefact import CreditArtefact
from scoring.credit.familiarity import TrainingCloud
from scoring.credit.score import score_many
from scoring.records import ScoreSource
from scoring.unfamiliar import Familiarity
from simulator.summary import STATEMENT

FIRST_SEED = 101
SEEDS = 2
OBLIGORS = 5_000
TIMED = 500
"""Rows whose cost is taken, and whose altered copies are judged."""
REPETITIONS = 3
HALVED = "utilisation"
LEFT_OUT = {"loom": ("C17", "C18"), "woodworking_centre": ("C21",)}
"""Types of machines, with all industries of which any firm may run one."""

Matrix = NDArray[np.float64]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED, help="the first seed (101)")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="how many worlds (2)")
    parser.add_argument("--obligors", type=int, default=OBLIGORS, help="firms of each world (5000)")
    parser.add_argument("--worlds", type=Path, help="folder to keep the worlds in")
    asked = parser.parse_args()
    seeds = range(asked.first_seed, asked.first_seed + asked.seeds)
    with TemporaryDirectory() as folder:
        found = measure(seeds, obligors=asked.obligors, folder=asked.worlds or Path(folder))
    print(json.dumps(found, indent=2) if asked.json else "\n".join(f"{name}: {value}" for name, value in found.items()))


def measure(seeds: Sequence[int], *, obligors: int, folder: Path) -> dict[str, Any]:
    """Every world's figures, with the mean of the false referrals."""
    worlds = [{"seed": seed, **_world(*build(seed, obligors, folder), seed, obligors)} for seed in seeds]
    return {
        "false_referral_rate": float(np.mean([world["false_referral_rate"] for world in worlds])),
        "worlds": worlds,
        "obligors": obligors,
        "statement": STATEMENT,
    }


def _world(known: Path, truth: Path, seed: int, obligors: int) -> dict[str, Any]:
    data, true_pd = read_known(known), read_truth(truth)["pd_12m_true"]
    model = fitted(data.data, split())
    assert model.cloud is not None, "a model trained today knows where its rows lay"
    tested = data.at(TEST)
    divisions = [None if data.data.industry_divisions is None else data.data.industry_divisions[row] for row in tested]
    catalogue = data.data.values[tested][:, [data.data.names.index(key) for key in CATALOGUE]]
    rows = catalogue[:, [list(CATALOGUE).index(feature.key) for feature in model.card.features]]
    return {
        **false_referrals(model.cloud, rows, divisions),
        "referred_of_features_of_other_firms": _share(_judged(model.cloud, exchanged(rows[:TIMED]), divisions)),
        "referred_of_utilisation_halved": _share(_judged(model.cloud, halved(rows[:TIMED], model), divisions)),
        **_costs(model, catalogue[:TIMED], rows[:TIMED]),
        "left_out": {machine: _left_out(data, true_pd, model, industries) for machine, industries in LEFT_OUT.items()},
        "new_types": new_types(replace(data, data=with_types(data.data, seed=seed, obligors=obligors)), true_pd, model),
    }


def _left_out(data: KnownWorld, truth: Matrix, whole: CreditArtefact, industries: Sequence[str]) -> dict[str, Any]:
    """What a model that was trained without these industries says of their firms in the test month, beside the one that
    was trained with them and their true PDs."""
    assert data.data.industry_divisions is not None, "a world whose rows tell industries: build it anew"
    told = np.array(data.data.industry_divisions)
    without = fitted(data.data.at(np.flatnonzero(~np.isin(told, industries))), split())
    asked = np.array([row for row in data.at(TEST) if told[row] in industries])
    pds, judged = {}, {}
    for name, model in (("with_them", whole), ("without_them", without)):
        assert model.cloud is not None, "a model trained today knows where its rows lay"
        rows = data.data.values[asked][:, [data.data.names.index(feature.key) for feature in model.card.features]]
        judged[name] = _judged(model.cloud, rows, told[asked].tolist())
        pds[name] = float(Judge(model=model).pd(rows).mean())
    return {
        "firms": len(asked),
        "too_far_out": float(np.mean([one.distance > 1 for one in judged["without_them"]])),
        "too_far_out_where_trained_with_them": float(np.mean([one.distance > 1 for one in judged["with_them"]])),
        "of_an_unknown_industry": float(np.mean([bool(one.unknown_categories) for one in judged["without_them"]])),
        "mean_pd": pds["without_them"],
        "mean_pd_where_trained_with_them": pds["with_them"],
        "mean_true_pd": float(truth[asked].mean()),
    }


def false_referrals(cloud: TrainingCloud, rows: Matrix, divisions: Sequence[str | None]) -> dict[str, Any]:
    """The share of rows (n, k) of the cloud's own world, each of an industry, that it refers, and for which of the three
    reasons."""
    told = _judged(cloud, rows, divisions)
    return {
        "test_rows": len(rows),
        "false_referral_rate": _share(told),
        "too_far_out": float(np.mean([one.distance > 1 for one in told])),
        "missing_a_family": float(np.mean([bool(one.missing_families) for one in told])),
        "of_an_unknown_industry": float(np.mean([bool(one.unknown_categories) for one in told])),
        "families_always_told": sorted(cloud.always_told),
        "industries_known": None if cloud.divisions is None else sorted(cloud.divisions),
    }


def exchanged(rows: Matrix) -> Matrix:
    """Rows (n, k) with each feature from another row: all of its values usual, hardly any two of one firm."""
    rng = np.random.default_rng(0)
    return np.column_stack([rng.permutation(column) for column in rows.T])


def halved(rows: Matrix, model: CreditArtefact) -> Matrix:
    """Rows (n, k) with utilisation, whatever its window, halved and all else as it was."""
    factors = [0.5 if CATALOGUE[feature.key].name == HALVED else 1.0 for feature in model.card.features]
    return rows * factors


def _costs(model: CreditArtefact, catalogue: Matrix, rows: Matrix) -> dict[str, Any]:
    """Microseconds a row of judging how familiar a row is, of the whole score (judging included), and their ratio."""
    parameters, cloud = scoring_parameters(), model.cloud
    assert cloud is not None
    snapshots = [snapshot_of(row) for row in catalogue]
    records = score_many(snapshots, model, parameters)
    scored = [at for at, record in enumerate(records) if record.source is ScoreSource.MODEL]
    asked, snapshots = rows[scored], [snapshots[at] for at in scored]
    judging = _microseconds(lambda: [cloud.judge(row) for row in asked], len(asked))
    scoring = _microseconds(lambda: score_many(snapshots, model, parameters), len(asked))
    margins = _microseconds(lambda: Judge(model=model).pd(asked), len(asked))
    return {
        "features": rows.shape[1],
        "rows_timed": len(asked),
        "patterns_of_missing_values": len({np.isnan(row).tobytes() for row in asked}),
        "judging_microseconds": round(judging, 1),
        "pd_alone_microseconds": round(margins, 1),
        "score_record_microseconds": round(scoring, 1),
        "judging_share_of_a_record": round(judging / scoring, 3),
    }


def _judged(cloud: TrainingCloud, rows: Matrix, divisions: Sequence[str | None]) -> list[Familiarity]:
    """Of each row (n, k), of the industry in its place."""
    return [cloud.judge(row, division=division) for row, division in zip(rows, divisions, strict=False)]


def _share(told: Sequence[Familiarity]) -> float:
    return float(np.mean([not one.is_familiar for one in told]))


def _microseconds(run: Callable[[], object], rows: int) -> float:
    seconds = []
    for _ in range(REPETITIONS):
        begun = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - begun)
    return min(seconds) / rows * 1e6


if __name__ == "__main__":
    main()
