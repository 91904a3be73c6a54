"""Do reasons survive a refit? Adverse reasons of one model beside those of models fitted on resampled obligors.

    python -m benchmarks.reason_stability --json                 (1,500 obligors, ten refits)
    python -m benchmarks.reason_stability --obligors 6000 --json

A synthetic book in which one latent health moves every signed feature (so that features within a family stand in for one
another: the hard case). The first model is fitted on it, the others on obligors drawn with replacement, with other seeds.
For obligors of which nothing was fitted: the share of the first model's adverse reasons (at most four) that a refit names
too, as the same family, and as the very same code (family and leading feature). Synthetic; effect sizes are inputs.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.scoring import AS_OF, book, features_of, split_of
from data_contracts.reference.dated import ParameterBook, load_book
from features.as_of import CreditTrainingSet
from features.catalogue import CATALOGUE
from scoring.credit.artefact import CreditArtefact
from scoring.explanation.reasons import Direction, ReasonKind, reason_rules, reasons
from scoring.records import Contribution, Reason
from scoring.training.credit import train_credit
from simulator.summary import STATEMENT

OBLIGORS = 1_500
REFITS = 10
ASKED = 500
SEED = 1
TARGET = 0.85

Matrix = NDArray[np.float64]


def main() -> None:
    """Refit and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--refits", type=int, default=REFITS, help="models beside the first (10)")
    parser.add_argument("--obligors", type=int, default=OBLIGORS, help="obligors that the models are fitted on (1500)")
    arguments = parser.parse_args()
    found = measure(refits=arguments.refits, obligors=arguments.obligors)
    print(json.dumps(found, indent=2) if arguments.json else "\n".join(f"{k}: {v}" for k, v in found.items()))


def measure(*, refits: int, obligors: int = OBLIGORS) -> dict[str, Any]:
    """Shares of reasons that stay, over all refits and obligors with a reason."""
    parameters = load_book(files("scoring") / "parameters")
    data = book(obligors)
    asked = features_of(np.random.default_rng(SEED + 2).normal(size=ASKED), seed=SEED + 3)
    first = _adverse(train_credit(data, split=split_of(), parameters=parameters, seed=SEED), asked, parameters)
    families, codes = [], []
    for refit in range(1, refits + 1):
        model = train_credit(_resampled(data, refit), split=split_of(), parameters=parameters, seed=SEED + 100 * refit)
        again = _adverse(model, asked, parameters)
        families.append(
            _kept([[item.family for item in told] for told in first], [[i.family for i in t] for t in again])
        )
        codes.append(_kept([[item.code for item in told] for told in first], [[i.code for i in t] for t in again]))
    return {
        "families_kept": float(np.mean(families)),
        "codes_kept": float(np.mean(codes)),
        "families_kept_by_refit": families,
        "codes_kept_by_refit": codes,
        "target": TARGET,
        "refits": refits,
        "obligors": obligors,
        "obligors_asked": ASKED,
        "reasons_of_the_first": sum(map(len, first)),
        "statement": STATEMENT,
    }


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


def _kept(first: Sequence[Sequence[str]], again: Sequence[Sequence[str]]) -> float:
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
