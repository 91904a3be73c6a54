"""Do reasons survive a refit? Adverse reasons of one model beside those of models fitted on resampled obligors.

    python -m benchmarks.reason_stability --json                 (1,500 obligors, ten refits)
    python -m benchmarks.reason_stability --obligors 6000 --json
    python -m benchmarks.reason_stability --worlds FOLDER --refits 3 --json    (base worlds of 101-110, 5,000 firms each)

Without worlds: a synthetic book in which one latent health moves every signed feature (so that features within a family
stand in for one another: the hard case). With them: the frozen base world's firms over four years (20,000 firm-years of
each seed), kept in FOLDER as those of `benchmarks.credit_truth` are, and fitted on the same months. The first model is
fitted on what there is, the others on obligors drawn with replacement, with other seeds. For obligors of which nothing
was fitted (firms of another world): the share of the first model's adverse reasons (at most four) that a refit names too,
as the same family, and as the very same code (family and leading feature). Synthetic; effect sizes are inputs.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from importlib.resources import files
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.credit_truth.worlds import build, read_known
from benchmarks.scoring import AS_OF, book, features_of, split_of
from benchmarks.worlds.built import TEST, quiet_stdout, split
from data_contracts.reference.dated import ParameterBook, load_book
from features.as_of import CreditTrainingSet
from features.catalogue import CATALOGUE
from scoring.credit.artefact import CreditArtefact
from scoring.explanation.reasons import Direction, ReasonKind, reason_rules, reasons
from scoring.records import Contribution, Reason
from scoring.training.credit import train_credit
from scoring.training.split import TimeSplit
from simulator.summary import STATEMENT

OBLIGORS = 1_500
WORLD_OBLIGORS = 5_000
FIRST_SEED, SEEDS = 101, 10
PROCESSES = 2
REFITS = 10
ASKED = 500
SEED = 1
TARGET = 0.85

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What models are fitted on, and whose reasons they are then asked for: rows of the catalogue's features."""

    data: CreditTrainingSet
    split: TimeSplit
    asked: Matrix


def main() -> None:
    """Refit and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--refits", type=int, default=REFITS, help="models beside the first (10)")
    parser.add_argument("--obligors", type=int, help="obligors that the models are fitted on (1500; of a world 5000)")
    parser.add_argument("--worlds", type=Path, help="ask base worlds instead, kept in this folder")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED, help="the first world (101)")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="how many worlds, two at least (10)")
    asked = parser.parse_args()
    if asked.seeds < 2:
        parser.error("--seeds must be at least 2: the firms of one world are asked about the models of another")
    if asked.worlds is None:
        found = measure(made(asked.obligors or OBLIGORS), refits=asked.refits)
    else:
        seeds = range(asked.first_seed, asked.first_seed + asked.seeds)
        found = over_worlds(seeds, asked.obligors or WORLD_OBLIGORS, asked.worlds, refits=asked.refits)
    print(json.dumps(found, indent=2) if asked.json else "\n".join(f"{k}: {v}" for k, v in found.items()))


def over_worlds(seeds: Sequence[int], obligors: int, folder: Path, *, refits: int) -> dict[str, Any]:
    """The shares of each world and their means."""
    before = [seeds[-1], *seeds[:-1]]
    asked = partial(_measured_world, obligors=obligors, folder=folder, refits=refits)
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn"), initializer=quiet_stdout) as pool:
        told = list(pool.map(asked, seeds, before))
    return {
        **{name: float(np.mean([one[name] for one in told])) for name in ("families_kept", "codes_kept")},
        "families_kept_by_world": [one["families_kept"] for one in told],
        "codes_kept_by_world": [one["codes_kept"] for one in told],
        "families_kept_by_refit": [one["families_kept_by_refit"] for one in told],
        "reasons_of_the_first": [one["reasons_of_the_first"] for one in told],
        "seeds": list(seeds),
        "obligors_of_a_world": obligors,
        **{name: told[0][name] for name in ("target", "refits", "obligors_asked", "statement")},
    }


def _measured_world(seed: int, asked_of: int, *, obligors: int, folder: Path, refits: int) -> dict[str, Any]:
    found = measure(of_world(seed, obligors, folder, asked_of=asked_of), refits=refits)
    print(f"world {seed}: {found['families_kept_by_refit']}", file=sys.stderr, flush=True)
    return found


def measure(sample: Sample, *, refits: int) -> dict[str, Any]:
    """Shares of reasons that stay, over all refits and obligors with a reason."""
    parameters = load_book(files("scoring") / "parameters")
    first = _adverse(_fitted(sample, sample.data, parameters, seed=SEED), sample.asked, parameters)
    families, codes = [], []
    for refit in range(1, refits + 1):
        model = _fitted(sample, _resampled(sample.data, refit), parameters, seed=SEED + 100 * refit)
        again = _adverse(model, sample.asked, parameters)
        families.append(
            kept([[item.family for item in told] for told in first], [[i.family for i in t] for t in again])
        )
        codes.append(kept([[item.code for item in told] for told in first], [[i.code for i in t] for t in again]))
    return {
        "families_kept": float(np.mean(families)),
        "codes_kept": float(np.mean(codes)),
        "families_kept_by_refit": families,
        "codes_kept_by_refit": codes,
        "target": TARGET,
        "refits": refits,
        "obligors": len(set(sample.data.obligor_ids)),
        "obligors_asked": len(sample.asked),
        "reasons_of_the_first": sum(map(len, first)),
        "statement": STATEMENT,
    }


def made(obligors: int) -> Sample:
    """The book of one latent health, and strangers of the same make."""
    asked = features_of(np.random.default_rng(SEED + 2).normal(size=ASKED), seed=SEED + 3)
    return Sample(data=book(obligors), split=split_of(), asked=asked)


def of_world(seed: int, obligors: int, folder: Path, *, asked_of: int) -> Sample:
    """A base world, and firms drawn from the test month of another."""
    known, strangers = (read_known(build(each, obligors, folder)[0]) for each in (seed, asked_of))
    tested = strangers.at(TEST)
    drawn = np.random.default_rng(seed).choice(tested, size=min(ASKED, len(tested)), replace=False)
    columns = np.array([strangers.data.names.index(key) for key in CATALOGUE])
    return Sample(data=known.data, split=split(), asked=strangers.data.values[np.ix_(drawn, columns)])


def _fitted(sample: Sample, data: CreditTrainingSet, parameters: ParameterBook, *, seed: int) -> CreditArtefact:
    return train_credit(data, split=sample.split, parameters=parameters, seed=seed)


def _adverse(model: CreditArtefact, asked: Matrix, parameters: ParameterBook) -> list[list[Reason]]:
    """Each obligor's adverse reasons."""
    keys = list(CATALOGUE)
    rows = asked[:, [keys.index(feature.key) for feature in model.card.features]]
    pulls = model.explain(rows).contributions
    rules = reason_rules(parameters.at(AS_OF)["reasons"])
    return [
        [
            reason
            for reason in reasons(
                _contributions(model, row, pull), kind=ReasonKind.CREDIT, features=model.card.features, rules=rules
            )
            if reason.direction == Direction.ADVERSE
        ]
        for row, pull in zip(rows, pulls, strict=True)
    ]


def _contributions(model: CreditArtefact, row: Matrix, pulls: Matrix) -> list[Contribution]:
    return [
        Contribution(
            feature=feature.key,
            family=feature.family,
            value=None if np.isnan(value) else float(value),
            contribution=float(pull),
        )
        for feature, value, pull in zip(model.card.features, row, pulls, strict=True)
    ]


def kept(first: Sequence[Sequence[str]], again: Sequence[Sequence[str]]) -> float:
    """Of all reasons named first, the share that is named again of the same obligor."""
    stayed = sum(len(set(before) & set(after)) for before, after in zip(first, again, strict=True))
    return stayed / sum(map(len, first))


def _resampled(data: CreditTrainingSet, seed: int) -> CreditTrainingSet:
    """As many obligors drawn with replacement, a repeated one under a name of its own."""
    names = sorted(set(data.obligor_ids))
    rows_of = {name: np.flatnonzero(np.array(data.obligor_ids) == name) for name in names}
    drawn = np.random.default_rng(seed).choice(names, size=len(names))
    rows = np.concatenate([rows_of[name] for name in drawn])
    copies = np.repeat(np.arange(len(drawn)), [len(rows_of[name]) for name in drawn])
    return replace(
        data.at(rows),
        obligor_ids=[f"{data.obligor_ids[row]}/{copy}" for row, copy in zip(rows, copies, strict=True)],
    )


if __name__ == "__main__":
    main()
