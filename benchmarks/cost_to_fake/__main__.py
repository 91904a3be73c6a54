"""What it costs a firm to fake what its machines and ledgers tell, and what the lender's answer is worth more for it.

    python -m benchmarks.cost_to_fake --json                      (seed 101, 768 firms, 40 of them faking)
    python -m benchmarks.cost_to_fake --json --home HOME --version VERSION    (the same firms, asking a model of a home)

Honest firms of a simulated world fake, one strategy at a time, at the frozen strengths of the simulated frauds. Each
asks for the same loan honestly and faking; features, physics check, haircuts and policy are the ordinary ones. The worth
of an answer is a year's interest saved against the legal ceiling, which anybody else may charge, on what is lent: of an
approval on the amount up to the limit; of a referral half of that, or nothing where the physics check gives the person
who looks something to ask about; of a refusal nothing. `gain_minor` and `cost_minor` are means over all firms, and a
strategy pays where the first exceeds the second. `pays` is the check cost_to_fake of a promotion (docs/governance.md).
Synthetic; effect sizes are inputs, not findings.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from api.home import open_home
from api.models.service import credit_model
from benchmarks.cost_to_fake.strategies import STRATEGIES
from benchmarks.recourse.worlds import StructuralWorld, structural
from data_contracts.identifiers import ModelVersion, ObligorId
from features.snapshot import FeatureSnapshot
from features.trust import Severity
from scoring.records import CreditDecision, Outcome
from simulator.summary import STATEMENT

SEED, OBLIGORS, FIRMS = 101, 768, 40
REFERRED_WORTH = 0.5
"""Of a referral, in parts of an approval's worth: so many end well."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--seed", type=int, default=SEED, help="seed of the world (101); developed on 1")
    parser.add_argument("--obligors", type=int, default=OBLIGORS, help="firms of the world (768)")
    parser.add_argument("--firms", type=int, default=FIRMS, help="firms that fake (40)")
    parser.add_argument("--worlds", type=Path, help="folder to keep the world in")
    parser.add_argument("--home", type=Path, help="ask a model of this home")
    parser.add_argument("--version", help="its version")
    asked = parser.parse_args()
    with TemporaryDirectory() as folder:
        world = structural(asked.seed, asked.obligors, asked.worlds or Path(folder))
        if asked.home is not None:
            home = open_home(asked.home)
            world = replace(world, model=credit_model(home, ModelVersion(asked.version)))
            home.engine.dispose()
        found = measure(world, firms=asked.firms)
        world.home.engine.dispose()
    text = json.dumps(found, indent=2) if asked.json else "\n".join(f"{name}: {value}" for name, value in found.items())
    sys.stdout.write(text + "\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A strategy tried by one firm: what it cost, what its answer was worth before and then, and whether the physics
    check would have somebody ask."""

    cost_minor: float
    honest_minor: float
    faked_minor: float
    is_found: bool
    outcomes: tuple[str, str]


def measure(world: StructuralWorld, *, firms: int) -> dict[str, Any]:
    """All figures."""
    chosen = world.asking[:firms]
    tried: dict[str, list[Tried]] = {name: [] for name in STRATEGIES}
    for snapshot in chosen:
        for name, one in try_all(world, snapshot.obligor_id).items():
            tried[name].append(one)
        print(f"{snapshot.obligor_id}: tried", file=sys.stderr, flush=True)
    strategies = {name: _told(own) for name, own in tried.items()}
    paying = [name for name, own in strategies.items() if own["gain_minor"] > own["cost_minor"]]
    return {
        "strategies": strategies,
        "pays": bool(paying),
        "paying": paying,
        "firms": len(chosen),
        "model_version": world.model.version,
        "seed": world.seed,
        "obligors": world.obligors,
        "statement": STATEMENT,
    }


def try_all(world: StructuralWorld, obligor_id: ObligorId) -> dict[str, Tried]:
    """Every strategy, tried by one firm."""
    asked = world.what_if(obligor_id)
    grounds = world.grounds(asked.base)
    fleet = asked.base.quantities["fleet_value_now_minor"].value or 0.0
    faked = {name: change(asked.told, fleet) for name, change in STRATEGIES.items()}
    snapshots = [asked.base, *asked.snapshots([told for told, _ in faked.values()])]
    honest, *decided = grounds.decisions(snapshots)
    return {
        name: Tried(
            cost_minor=cost,
            honest_minor=worth(honest, asked.base),
            faked_minor=worth(decision, snapshot),
            is_found=bool(snapshot.data_trust.at_least(Severity.MODERATE)),
            outcomes=(honest.outcome.value, decision.outcome.value),
        )
        for (name, (_, cost)), snapshot, decision in zip(faked.items(), snapshots[1:], decided, strict=True)
    }


def worth(decision: CreditDecision, snapshot: FeatureSnapshot) -> float:
    """What an answer is worth to the firm for a year, in minor units."""
    limit = decision.limit.indicative_limit_minor or 0
    lent = min(decision.request.amount_minor, limit)
    saved = float(decision.price.ceiling_ratio - decision.price.annual_rate_ratio)
    value = max(lent * saved, 0.0)
    if decision.outcome is Outcome.APPROVE:
        return value
    if decision.outcome is Outcome.DECLINE or snapshot.data_trust.at_least(Severity.MODERATE):
        return 0.0
    return REFERRED_WORTH * value


def _told(tried: Sequence[Tried]) -> Mapping[str, Any]:
    gains = np.array([one.faked_minor - one.honest_minor for one in tried])
    net = gains - np.array([one.cost_minor for one in tried])
    half = 1.96 * net.std(ddof=1) / np.sqrt(len(net)) if len(net) > 1 else float("nan")
    return {
        "cost_minor": round(float(np.mean([one.cost_minor for one in tried]))),
        "gain_minor": round(float(gains.mean())),
        "net_interval_minor": [round(float(net.mean() - half)), round(float(net.mean() + half))],
        "found_share": round(float(np.mean([one.is_found for one in tried])), 4),
        "better_outcomes": sum(_severity(one.outcomes[1]) < _severity(one.outcomes[0]) for one in tried),
        "worse_outcomes": sum(_severity(one.outcomes[1]) > _severity(one.outcomes[0]) for one in tried),
        "honest_worth_minor": round(float(np.mean([one.honest_minor for one in tried]))),
    }


def _severity(outcome: str) -> int:
    return Outcome(outcome).severity


if __name__ == "__main__":
    main()
