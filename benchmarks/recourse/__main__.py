"""Whether acting on a plan lowers the true probability of default, and whether re-scores inside an offer keep it.

    python -m benchmarks.recourse --json                (seed 101, 768 firms, 40 of them asked, 256 paths each)

A world of the structural engine is taken in, a model fitted on its early months, and firms ask what they can do about a
lender whose cut-off they miss by one grade. Each plan is carried out by replicas of the simulated firm with common random numbers, over twelve
months. `lowered_share` is of plans with a lever on the firm's own risk, of firms that default in any path: the share
whose probability fell; plans that only restore data are counted apart. `levers_alone` pulls each lever in every firm whose
fate is open, whatever the model makes of it. `--worlds FOLDER` keeps the world there.
Synthetic; effect sizes are inputs, not findings.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from scipy import stats

from benchmarks.recourse.acting import Effect, alone, effect, flips, is_of_risk
from benchmarks.recourse.worlds import StructuralWorld, structural
from features.what_if import WhatIf
from scoring.recourse.grounds import DecisionGrounds
from scoring.recourse.levers import LEVERS
from scoring.recourse.records import Plan, Recourse
from scoring.recourse.search import find_recourse
from simulator.summary import STATEMENT
from simulator.whatif.nested import nested_pd
from simulator.whatif.replicas import Snapshot

SEED, OBLIGORS, FIRMS, PATHS = 101, 768, 40, 256
CONFIDENCE = 0.95
OPEN_FATE = (0.01, 0.99)
"""Between these a probability of default can go either way."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--seed", type=int, default=SEED, help="seed of the world (101); developed on 1")
    parser.add_argument("--obligors", type=int, default=OBLIGORS, help="firms of the world (768)")
    parser.add_argument("--firms", type=int, default=FIRMS, help="firms that ask (40)")
    parser.add_argument("--paths", type=int, default=PATHS, help="futures of each firm (256)")
    parser.add_argument("--worlds", type=Path, help="folder to keep the world in")
    asked = parser.parse_args()
    with TemporaryDirectory() as folder:
        world = structural(asked.seed, asked.obligors, asked.worlds or Path(folder))
        found = measure(world, firms=asked.firms, paths=asked.paths)
        world.home.engine.dispose()
    text = json.dumps(found, indent=2) if asked.json else "\n".join(f"{name}: {value}" for name, value in found.items())
    sys.stdout.write(text + "\n")


def measure(world: StructuralWorld, *, firms: int, paths: int) -> dict[str, Any]:
    """All figures."""
    answered, plans, effects, kept = [], [], [], []
    for asked, grounds, recourse in _asking(world, firms):
        answered.append(recourse)
        for plan in recourse.plans:
            told = _carried_out(asked, plan)
            kept.append(flips(plan, told, grounds, seed=world.seed))
        effects += _effects(world, recourse, paths)
        plans += list(recourse.plans)
        print(f"{asked.base.obligor_id}: {recourse.answer}, {len(recourse.plans)} plans", file=sys.stderr, flush=True)
    return {
        "plans": len(plans),
        **_lowered(effects),
        **_flipped(kept),
        "information_only": sum(not is_of_risk(plan) for plan in plans),
        "plans_of_firms_in_default": sum(map(is_of_risk, plans)) - len(effects),
        "firms_asked": len(answered),
        "answers": dict(Counter(item.answer.value for item in answered)),
        "outcomes_before": dict(Counter(item.outcome.value for item in answered)),
        "outcomes_promised": dict(Counter(plan.outcome.value for plan in plans)),
        "levers": dict(Counter(step.lever.value for plan in plans for step in plan.steps)),
        "by_levers": _by_levers(effects),
        "levers_alone": levers_alone(world, paths),
        "searched": {
            name: int(sum(getattr(item.searched, name) for item in answered)) for name in ("grid", "pruned", "asked")
        },
        "slack": [plan.promise.slack for plan in plans],
        "paths": paths,
        "seed": world.seed,
        "obligors": world.obligors,
        "statement": STATEMENT,
    }


def levers_alone(world: StructuralWorld, paths: int) -> dict[str, Any]:
    """What each lever does by itself to firms whose fate is open, whatever a model makes of it."""
    found: dict[str, list[Effect]] = {}
    truths: dict[int, Snapshot] = {}
    for snapshot in world.asking:
        number, row = world.blocks[str(snapshot.obligor_id)]
        if number not in truths:
            truths[number] = world.truth_at(number)
        truth = truths[number]
        if _is_in_default(world, truth, row):
            continue
        before = nested_pd(truth, row, paths=paths, seed=world.seed)
        if OPEN_FATE[0] < before.pd < OPEN_FATE[1]:
            for name, one in alone(truth, row, before, paths=paths, seed=world.seed).items():
                found.setdefault(name.value, []).append(one)
    return {name: {"firms": len(items), **_changes(items)} for name, items in found.items()}


def _is_in_default(world: StructuralWorld, truth: Snapshot, row: int) -> bool:
    return bool(truth.state.default_day[row] < world.laws.calendar.day_count)


Acted = tuple[Plan, Effect]


def _asking(world: StructuralWorld, firms: int) -> Iterator[tuple[WhatIf, DecisionGrounds, Recourse]]:
    """Firms in an order of their names' hashes, with the lender who refuses them by one grade and what they can do."""
    for snapshot in world.asking[:firms]:
        grounds = world.strict(snapshot)
        if grounds is not None:
            asked = world.what_if(snapshot.obligor_id)
            yield asked, grounds, find_recourse(asked, grounds, world.terms, world.reach)


def _carried_out(asked: WhatIf, plan: Plan) -> Any:
    """The firm's snapshot once it did as the plan says."""
    told = asked.told
    for step in plan.steps:
        changed = LEVERS[step.lever].change(told, step.strength, plan.held_days)
        assert changed is not None, "a plan's levers have room"
        told = changed
    (snapshot,) = asked.snapshots([told])
    assert snapshot.snapshot_id == plan.snapshot_id, "a plan comes out again"
    return snapshot


def _effects(world: StructuralWorld, recourse: Recourse, paths: int) -> list[Acted]:
    """What each plan with a lever on risk does to the firm; nothing where it is in default and nobody has said so yet."""
    plans = [plan for plan in recourse.plans if is_of_risk(plan)]
    if not plans:
        return []
    number, row = world.blocks[str(recourse.obligor_id)]
    truth = world.truth_at(number)
    if _is_in_default(world, truth, row):
        return []
    before = nested_pd(truth, row, paths=paths, seed=world.seed)
    return [(plan, effect(plan, truth, row, before, paths=paths, seed=world.seed)) for plan in plans]


def _lowered(effects: Sequence[Acted]) -> dict[str, Any]:
    open_fate = [item for _, item in effects if item.before > 0 or item.after > 0]
    lowered = sum(item.after < item.before for item in open_fate)
    return {
        "lowered_share": round(lowered / len(open_fate), 4) if open_fate else None,
        "lowered_interval": _interval(lowered, len(open_fate)),
        "plans_on_risk": len(effects),
        "plans_of_firms_that_may_default": len(open_fate),
        "lowered": lowered,
        "unchanged": sum(item.after == item.before for item in open_fate),
        "raised": sum(item.after > item.before for item in open_fate),
        "mean_pd_before": _rounded([item.before for item in open_fate]),
        "mean_pd_after": _rounded([item.after for item in open_fate]),
        "paths_saved": sum(item.saved for item in open_fate),
        "paths_ruined": sum(item.ruined for item in open_fate),
    }


def _flipped(kept: Sequence[tuple[int, int]]) -> dict[str, Any]:
    inside = sum(every for _, every in kept)
    return {
        "flipped_share": round(sum(held for held, _ in kept) / inside, 6) if inside else None,
        "rescores_inside": inside,
    }


def _by_levers(effects: Sequence[Acted]) -> Mapping[str, Mapping[str, Any]]:
    """The effects by the levers that a plan pulls on risk."""
    groups: dict[str, list[Effect]] = {}
    for plan, item in effects:
        groups.setdefault(" + ".join(step.lever.value for step in plan.steps), []).append(item)
    return {
        name: {
            "plans": len(items),
            **_changes(items),
        }
        for name, items in sorted(groups.items())
    }


def _changes(items: Sequence[Effect]) -> dict[str, Any]:
    return {
        "lowered": sum(item.after < item.before for item in items),
        "unchanged": sum(item.after == item.before for item in items),
        "raised": sum(item.after > item.before for item in items),
        "mean_change": _rounded([item.after - item.before for item in items]),
        "paths_saved": sum(item.saved for item in items),
        "paths_ruined": sum(item.ruined for item in items),
    }


def _interval(count: int, of: int) -> list[float] | None:
    """Jeffreys' interval of a share."""
    if not of:
        return None
    ends = stats.beta.ppf([(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], count + 0.5, of - count + 0.5)
    return [round(float(end), 4) for end in ends]


def _rounded(values: Sequence[float]) -> float | None:
    return round(float(np.mean(values)), 5) if values else None


if __name__ == "__main__":
    main()
