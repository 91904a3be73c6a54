"""Whether acting on a plan lowers the true probability of default, and whether re-scores inside an offer keep it.

    python -m benchmarks.recourse --json                (seed 101, 768 firms, 40 of them asked, up to 8,192 paths each)

A world of the structural engine is taken in, a model fitted on its early months, and firms ask what they can do about a
lender whose cut-off they miss by a five-hundredth of their PD, with one lever at a time. Each plan is carried out by
replicas of the simulated firm with common random numbers, over twelve months; paths are added until those saved and those ruined differ clearly.
`lowered_share` is of plans with a lever on the firm's own risk, of firms of which some path defaults and some does not: the
share whose probability fell. Plans that only restore data, of firms in default whom nobody has reported yet, and of firms
of which all paths end alike are counted apart. `levers_alone` pulls each lever in the first firms whose fate is open,
whatever the model makes of it. `--worlds FOLDER` keeps the world there.
Synthetic; effect sizes are inputs, not findings.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from scipy import stats

from benchmarks.recourse.acting import ALONE, FIRST_PATHS, Effect, Fate, flips
from benchmarks.recourse.worlds import AS_OF, StructuralWorld, structural
from features.what_if import WhatIf
from scoring.recourse.grounds import DecisionGrounds
from scoring.recourse.levers import LEVERS
from scoring.recourse.records import Plan, Recourse
from scoring.recourse.search import find_recourse
from scoring.recourse.terms import recourse_terms, shipped_terms
from simulator.summary import STATEMENT

SEED, OBLIGORS, FIRMS, PATHS = 101, 768, 40, 8192
CONFIDENCE = 0.95
OPEN_FATE = (0.01, 0.99)
"""Between these a probability of default can go either way."""
FIRMS_OF_OPEN_FATE = 16
"""In so many of them each lever is pulled by itself."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--seed", type=int, default=SEED, help="seed of the world (101); developed on 1")
    parser.add_argument("--obligors", type=int, default=OBLIGORS, help="firms of the world (768)")
    parser.add_argument("--firms", type=int, default=FIRMS, help="firms that ask (40)")
    parser.add_argument("--paths", type=int, default=PATHS, help="futures of each firm at most (8192)")
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
    shipped = recourse_terms(shipped_terms().at(AS_OF))
    for asked, grounds, recourse in _asking(world, firms):
        answered.append(recourse)
        for plan in recourse.plans:
            told = _carried_out(asked, plan)
            kept.append(flips(plan, told, grounds, seed=world.seed))
        acted = _effects(world, recourse, paths)
        effects += acted
        plans += list(recourse.plans)
        told = [f"{item.saved} saved, {item.ruined} ruined of {item.defaults} in {item.paths}" for _, item in acted]
        print(
            f"{asked.base.obligor_id}: {recourse.answer}, {len(recourse.plans)} plans",
            *told,
            file=sys.stderr,
            flush=True,
        )
    return {
        "plans": len(plans),
        **_lowered(effects),
        **_flipped(kept),
        "information_only": sum(plan.only_tells for plan in plans),
        "plans_of_firms_in_default": sum(not plan.only_tells for plan in plans) - len(effects),
        "plans_that_would_be_offered": sum(plan.agreement >= shipped.least_agreement for plan in plans),
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
        "paths_at_first": FIRST_PATHS,
        "paths_at_most": paths,
        "seed": world.seed,
        "obligors": world.obligors,
        "statement": STATEMENT,
    }


def levers_alone(world: StructuralWorld, paths: int) -> dict[str, Any]:
    """What each lever does by itself to firms whose fate is open, whatever a model makes of it."""
    found: dict[str, list[Effect]] = {}
    fates = (_fate(world, str(snapshot.obligor_id)) for snapshot in world.asking)
    is_open = (fate for fate in fates if fate is not None and OPEN_FATE[0] < fate.pd() < OPEN_FATE[1])
    for fate in islice(is_open, FIRMS_OF_OPEN_FATE):
        for name, strength in ALONE.items():
            found.setdefault(name.value, []).append(fate.effect({name: strength}, most=min(paths, 2 * FIRST_PATHS)))
    return {name: {"firms": len(items), **_changes(items)} for name, items in found.items()}


def _fate(world: StructuralWorld, obligor_id: str) -> Fate | None:
    """The firm's futures; None where it is in default and nobody has said so yet."""
    number, row = world.blocks[obligor_id]
    truth = world.truths[number]
    is_in_default = truth.state.default_day[row] < world.laws.calendar.day_count
    return None if is_in_default else Fate(truth, row, seed=world.seed)


Acted = tuple[Plan, Effect]


def _asking(world: StructuralWorld, firms: int) -> Iterator[tuple[WhatIf, DecisionGrounds, Recourse]]:
    """Firms in an order of their names' hashes, with the lender who refuses them narrowly and what they can do."""
    for snapshot in world.asking[:firms]:
        grounds = world.missed(snapshot)
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
    plans = [plan for plan in recourse.plans if not plan.only_tells]
    fate = _fate(world, str(recourse.obligor_id)) if plans else None
    if fate is None:
        return []
    pulls = [{step.lever: step.strength for step in plan.steps} for plan in plans]
    return [(plan, fate.effect(pulled, most=paths)) for plan, pulled in zip(plans, pulls, strict=True)]


def _lowered(effects: Sequence[Acted]) -> dict[str, Any]:
    open_fate = [item for _, item in effects if item.may_default]
    lowered = sum(item.change < 0 for item in open_fate)
    return {
        "lowered_share": round(lowered / len(open_fate), 4) if open_fate else None,
        "lowered_interval": _interval(lowered, len(open_fate)),
        "plans_on_risk": len(effects),
        "plans_of_firms_that_may_default": len(open_fate),
        **_changes(open_fate),
        "mean_pd_before": _rounded([item.before for item in open_fate]),
    }


def _flipped(kept: Sequence[tuple[int, int]]) -> dict[str, Any]:
    inside = sum(every for _, every in kept)
    return {
        "flipped_share": round(sum(held for held, _ in kept) / inside, 6) if inside else None,
        "rescores_inside": inside,
    }


def _by_levers(effects: Sequence[Acted]) -> Mapping[str, Mapping[str, Any]]:
    """The effects by the levers of a plan, of firms that may default."""
    groups: dict[str, list[Effect]] = {}
    for plan, item in effects:
        if item.may_default:
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
        "lowered": sum(item.change < 0 for item in items),
        "unchanged": sum(item.change == 0 for item in items),
        "raised": sum(item.change > 0 for item in items),
        "mean_change": _rounded([item.change for item in items]),
        "mean_means_gained": _rounded([item.means_gained for item in items]),
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
