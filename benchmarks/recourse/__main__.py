"""Whether acting on a plan lowers the true probability of default, and whether re-scores inside an offer keep it.

    python -m benchmarks.recourse --json         (seed 112, 1,536 firms, the first 90 of open fate asked, up to 8,192 paths)

A world of the structural engine is taken in, a model fitted on its early months, and firms ask what they can do about a
lender whose cut-off they miss by a five-hundredth of their PD, with one lever at a time.

Which firms ask is settled before any plan is made: the living, by the hashes of their names, whose true probability of
default over twelve months lies between 1 and 99 %, by 512 futures without any plan. Each plan with a lever on the firm's own
risk is then carried out in other futures, with common random numbers; paths are added until those saved and those ruined
differ clearly, or all were lived. `lowered_share` is the share of these plans whose probability fell: one with as many
ruined as saved did not lower it. Plans that only restore data are counted apart. `levers_alone` pulls each lever in the
first firms that ask, whatever the model makes of it; `mending` mends the machines of those that fail most.
`--worlds FOLDER` keeps the world there. Synthetic; effect sizes are inputs, not findings.
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

from benchmarks.recourse.acting import ALONE, FIRST_PARTS, OPEN_FATE, PART, Effect, Fate, flips
from benchmarks.recourse.worlds import AS_OF, StructuralWorld, structural
from data_contracts.identifiers import ObligorId
from features.what_if import WhatIf
from scoring.recourse.grounds import DecisionGrounds
from scoring.recourse.levers import LEVERS, LeverName
from scoring.recourse.records import Plan, Recourse
from scoring.recourse.search import find_recourse
from scoring.recourse.terms import recourse_terms, shipped_terms
from simulator.summary import STATEMENT

SEED, OBLIGORS, FIRMS, PATHS = 112, 1536, 90, 8192
CONFIDENCE = 0.95
TOGETHER = 16
"""Firms that are looked up together."""
FIRMS_ALONE = 16
"""In so many of the firms that ask each lever is pulled by itself."""
BANDS = (0.014, 0.0085, 0.007)
"""Least shares of the time under power in fault of which mending is looked at apart. Of mending at 3,000 yuan a machine and 330
an hour of fault the first would pay back in 90 days, if machines went on to fail as they did."""
FAULTS = "fault_time_share_90d"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--seed", type=int, default=SEED, help="seed of the world (112); developed on 1 and 111")
    parser.add_argument("--obligors", type=int, default=OBLIGORS, help="firms of the world (1536)")
    parser.add_argument("--firms", type=int, default=FIRMS, help="firms that ask (90)")
    parser.add_argument("--paths", type=int, default=PATHS, help="futures at most by which a plan is judged (8192)")
    parser.add_argument("--worlds", type=Path, help="folder to keep the world in")
    parser.add_argument("--only", choices=("plans", "levers"), help="leave the other out")
    asked = parser.parse_args()
    with TemporaryDirectory() as folder:
        world = structural(asked.seed, asked.obligors, asked.worlds or Path(folder))
        found = measure(world, firms=asked.firms, paths=asked.paths, only=asked.only)
        world.home.engine.dispose()
    text = json.dumps(found, indent=2) if asked.json else "\n".join(f"{name}: {value}" for name, value in found.items())
    sys.stdout.write(text + "\n")


def measure(world: StructuralWorld, *, firms: int, paths: int, only: str | None = None) -> dict[str, Any]:
    """All figures, or `only` those of the plans or of the levers."""
    return {
        **(_of_plans(world, firms, paths) if only != "levers" else {}),
        **(_of_levers(world) if only != "plans" else {}),
        "paths_that_tell_who_asks": PART,
        "open_fate": list(OPEN_FATE),
        "seed": world.seed,
        "obligors": world.obligors,
        "statement": STATEMENT,
    }


def _of_plans(world: StructuralWorld, firms: int, paths: int) -> dict[str, Any]:
    answered, plans, effects, kept = [], [], [], []
    shipped = recourse_terms(shipped_terms().at(AS_OF))
    passed: Counter[str] = Counter()
    for fate, asked, grounds, recourse in _asking(world, firms, passed):
        answered.append(recourse)
        kept += [flips(plan, _carried_out(asked, plan), grounds, seed=world.seed) for plan in recourse.plans]
        acted = _effects(fate, recourse, paths)
        effects += acted
        plans += list(recourse.plans)
        told = [f"{item.saved} saved, {item.ruined} ruined of {item.defaults} in {item.paths};" for _, item in acted]
        lowered = sum(item.change < 0 for _, item in effects)
        _say(f"{len(answered)}. {recourse.obligor_id}:", *told, f"so far {lowered} of {len(effects)} lowered")
    return {
        "plans": len(plans),
        **_lowered(effects),
        **_flipped(kept),
        "information_only": sum(plan.only_tells for plan in plans),
        "plans_that_would_be_offered": sum(plan.agreement >= shipped.least_agreement for plan in plans),
        "firms_asked": len(answered),
        "firms_passed_over": dict(passed),
        "answers": dict(Counter(item.answer.value for item in answered)),
        "outcomes_before": dict(Counter(item.outcome.value for item in answered)),
        "outcomes_promised": dict(Counter(plan.outcome.value for plan in plans)),
        "levers": dict(Counter(step.lever.value for plan in plans for step in plan.steps)),
        "by_levers": _by_levers(effects),
        "searched": {
            name: int(sum(getattr(item.searched, name) for item in answered)) for name in ("grid", "pruned", "asked")
        },
        "slack": [plan.promise.slack for plan in plans],
        "paths_at_first": FIRST_PARTS * PART,
        "paths_at_most": paths,
    }


def _of_levers(world: StructuralWorld) -> dict[str, Any]:
    first = islice(who_asks(world, Counter()), FIRMS_ALONE)
    return {"levers_alone": levers_alone([fate for _, fate in first]), "mending": mending(world)}


def who_asks(world: StructuralWorld, passed: Counter[str]) -> Iterator[tuple[ObligorId, Fate]]:
    """The firms of open fate with their futures. Into `passed` go those passed over: firms in default of which nobody
    has said so yet, those without enough defaulting futures and those with hardly any other."""
    for name in world.living:
        fate = _fate(world, name)
        if fate is not None and fate.is_open:
            yield name, fate
        else:
            passed["in_default" if fate is None else "safe" if fate.pd < OPEN_FATE[0] else "lost"] += 1


def levers_alone(fates: Sequence[Fate]) -> dict[str, Any]:
    """What each lever does by itself, whatever a model makes of it."""
    found: dict[str, list[Effect]] = {}
    for fate in fates:
        for name, strength in ALONE.items():
            found.setdefault(name.value, []).append(fate.effect({name: strength}, most=FIRST_PARTS * PART))
    return {name: {"firms": len(items), **_changes(items)} for name, items in found.items()}


def mending(world: StructuralWorld) -> list[dict[str, Any]]:
    """What mending does to firms whose machines fail most, by the share of the last 90 days that they stood in fault."""
    found: dict[float, list[Effect]] = {band: [] for band in BANDS}
    for snapshot in world.asking:
        share, fate = snapshot.values[FAULTS].value, _fate(world, snapshot.obligor_id)
        band = next((band for band in BANDS if share is not None and share >= band), None)
        if band is not None and fate is not None:
            pulled = {LeverName.FIX_MACHINES: ALONE[LeverName.FIX_MACHINES]}
            found[band].append(fate.effect(pulled, most=FIRST_PARTS * PART))
    return [
        {
            "fault_share_from": band,
            "firms": len(items),
            **_changes(items),
        }
        for band, items in found.items()
    ]


def _fate(world: StructuralWorld, obligor_id: ObligorId) -> Fate | None:
    """The firm's futures; None where it is in default and nobody has said so yet."""
    number, row = world.blocks[obligor_id]
    truth = world.truths[number]
    is_in_default = truth.state.default_day[row] < world.laws.calendar.day_count
    return None if is_in_default else Fate(truth, row, seed=world.seed)


Acted = tuple[Plan, Effect]


def _asking(
    world: StructuralWorld, firms: int, passed: Counter[str]
) -> Iterator[tuple[Fate, WhatIf, DecisionGrounds, Recourse]]:
    """The first firms that ask, each with the lender who refuses it narrowly and what it can do; not those without a
    model's PD."""
    chosen = islice(who_asks(world, passed), firms)
    while part := dict(islice(chosen, TOGETHER)):
        for snapshot in world.known(list(part)):
            grounds = world.missed(snapshot)
            if grounds is not None:
                asked = world.what_if(snapshot.obligor_id)
                recourse = find_recourse(asked, grounds, world.terms, world.reach)
                yield part[snapshot.obligor_id], asked, grounds, recourse


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


def _effects(fate: Fate, recourse: Recourse, paths: int) -> list[Acted]:
    """What each plan with a lever on risk does to the firm."""
    plans = [plan for plan in recourse.plans if not plan.only_tells]
    pulls = [{step.lever: step.strength for step in plan.steps} for plan in plans]
    return [(plan, fate.effect(pulled, most=paths)) for plan, pulled in zip(plans, pulls, strict=True)]


def _lowered(effects: Sequence[Acted]) -> dict[str, Any]:
    items = [item for _, item in effects]
    return {**_share_lowered(items), "plans_on_risk": len(items), **_changes(items)}


def _share_lowered(items: Sequence[Effect]) -> dict[str, Any]:
    lowered = sum(item.change < 0 for item in items)
    return {
        "lowered_share": round(lowered / len(items), 4) if items else None,
        "lowered_interval": _interval(lowered, len(items)),
    }


def _flipped(kept: Sequence[tuple[int, int]]) -> dict[str, Any]:
    inside = sum(every for _, every in kept)
    return {
        "flipped_share": round(sum(held for held, _ in kept) / inside, 6) if inside else None,
        "rescores_inside": inside,
    }


def _by_levers(effects: Sequence[Acted]) -> Mapping[str, Mapping[str, Any]]:
    """The effects by the levers of a plan."""
    groups: dict[str, list[Effect]] = {}
    for plan, item in effects:
        groups.setdefault(" + ".join(step.lever.value for step in plan.steps), []).append(item)
    return {
        name: {"plans": len(items), **_share_lowered(items), **_changes(items)}
        for name, items in sorted(groups.items())
    }


def _changes(items: Sequence[Effect]) -> dict[str, Any]:
    return {
        "lowered": sum(item.change < 0 for item in items),
        "unchanged": sum(item.change == 0 for item in items),
        "raised": sum(item.change > 0 for item in items),
        "clearly_lowered": sum(item.change < 0 and item.is_clear for item in items),
        "clearly_raised": sum(item.change > 0 and item.is_clear for item in items),
        **_of_unchanged([item for item in items if item.change == 0]),
        "means_gained_positive": sum(item.means_gained > 0 for item in items),
        "mean_pd_before": _rounded([item.before for item in items]),
        "mean_change": _rounded([item.change for item in items]),
        "mean_means_gained": _rounded([item.means_gained for item in items]),
        "paths_saved": sum(item.saved for item in items),
        "paths_ruined": sum(item.ruined for item in items),
    }


def _of_unchanged(items: Sequence[Effect]) -> dict[str, Any]:
    """What was not seen is not nothing: how many gained means all the same, and the largest share of paths that a plan
    without a difference may still save or ruin, by the exact upper end of those that it did."""
    ends = [stats.binomtest(item.saved + item.ruined, item.paths).proportion_ci(CONFIDENCE).high for item in items]
    return {
        "unchanged_with_means_gained": sum(item.means_gained > 0 for item in items),
        "unchanged_moves_at_most": round(float(max(ends)), 6) if ends else None,
    }


def _interval(count: int, of: int) -> list[float] | None:
    """The exact interval (Clopper and Pearson) of a share."""
    if not of:
        return None
    ends = stats.binomtest(count, of).proportion_ci(CONFIDENCE, method="exact")
    return [round(float(ends.low), 4), round(float(ends.high), 4)]


def _rounded(values: Sequence[float]) -> float | None:
    return round(float(np.mean(values)), 5) if values else None


def _say(*lines: str) -> None:
    print(*lines, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
