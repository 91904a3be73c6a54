"""Acting on a plan: what it does to the true probability of default, and to the re-score inside its offer."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from features.snapshot import FeatureSnapshot
from scoring.recourse.grounds import DecisionGrounds
from scoring.recourse.levers import LeverName, Works
from scoring.recourse.promise import corner, missed
from scoring.recourse.records import Plan, Promise
from simulator.whatif.interventions import Plan as Intervention
from simulator.whatif.nested import NestedPd, nested_pd
from simulator.whatif.replicas import Snapshot

FURTHER_BUYERS = 2
MENDING_MINOR = 300_000
"""What it costs to mend a machine so that it fails no more; less of it costs its share."""
ALONE = {LeverName.ADD_SHIFT: 0.3, LeverName.FIX_MACHINES: 0.6}
"""Strengths of levers that are pulled alone; the others know none in the simulator."""
DRAWS = 20
"""Re-scores inside each offer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What acting on a plan did, path by path with common luck: the probability of default before and after, and how
    many paths it saved and ruined."""

    before: float
    after: float
    saved: int
    ruined: int
    paths: int


def is_of_risk(plan: Plan) -> bool:
    """Whether any of its levers works on the firm's own risk."""
    return any(step.works is Works.RISK for step in plan.steps)


def intervention(plan: Plan, snapshot: Snapshot, row: int) -> Intervention:
    """The plan as the simulated firm carries it out. What restores data changes nothing in a factory."""
    pulled = {step.lever: step.strength for step in plan.steps}
    mended = pulled.get(LeverName.FIX_MACHINES, 0.0)
    machines = int((snapshot.block.machines.firm == row).sum())
    return Intervention(
        fault_rate_ratio=1.0 - mended,
        longer_days_share=pulled.get(LeverName.ADD_SHIFT, 0.0),
        more_buyers=_further_buyers(snapshot, row) if LeverName.DIVERSIFY_BUYERS in pulled else (),
        collects_overdue=LeverName.COLLECT_OVERDUE in pulled,
        cost_minor=round(mended * machines * MENDING_MINOR),
    )


def effect(plan: Plan, snapshot: Snapshot, row: int, before: NestedPd, *, paths: int, seed: int) -> Effect:
    """The plan's effect on the firm at this row; `before` are the same paths without it."""
    after = nested_pd(snapshot, row, paths=paths, seed=seed, plan=intervention(plan, snapshot, row))
    return _effect(before, after)


def _effect(before: NestedPd, after: NestedPd) -> Effect:
    return Effect(
        before=before.pd,
        after=after.pd,
        saved=int((before.defaulted & ~after.defaulted).sum()),
        ruined=int((~before.defaulted & after.defaulted).sum()),
        paths=len(before.defaulted),
    )


def alone(snapshot: Snapshot, row: int, before: NestedPd, *, paths: int, seed: int) -> dict[LeverName, Effect]:
    """Each lever on risk pulled alone, at `ALONE`, whatever any model makes of it."""
    machines = int((snapshot.block.machines.firm == row).sum())
    mended = ALONE[LeverName.FIX_MACHINES]
    changes = {
        LeverName.ADD_SHIFT: Intervention(longer_days_share=ALONE[LeverName.ADD_SHIFT]),
        LeverName.FIX_MACHINES: Intervention(
            fault_rate_ratio=1.0 - mended, cost_minor=round(mended * machines * MENDING_MINOR)
        ),
        LeverName.DIVERSIFY_BUYERS: Intervention(more_buyers=_further_buyers(snapshot, row)),
        LeverName.COLLECT_OVERDUE: Intervention(collects_overdue=True),
    }
    found = {name: nested_pd(snapshot, row, paths=paths, seed=seed, plan=change) for name, change in changes.items()}
    return {name: _effect(before, after) for name, after in found.items()}


def flips(plan: Plan, changed: FeatureSnapshot, grounds: DecisionGrounds, *, seed: int) -> tuple[int, int]:
    """(re-scores that get the promised outcome, re-scores inside the offer): the plan done as it was told, its worst
    corner, and snapshots drawn at random inside the offer."""
    rng = np.random.default_rng(seed)
    inside = [changed, corner(changed, plan.promise)]
    inside += [corner(changed, _drawn(plan.promise, changed, rng)) for _ in range(DRAWS)]
    assert not any(missed(plan.promise, item, grounds.values) for item in inside), "they lie within the promise"
    decided = grounds.decisions(inside)
    return sum(decision.outcome.severity <= plan.outcome.severity for decision in decided), len(inside)


def _drawn(promise: Promise, changed: FeatureSnapshot, rng: np.random.Generator) -> Promise:
    """A corner somewhere between the promise's worst and the plan itself, or better than it."""

    def between(worst: float | None, told: float | None) -> float | None:
        """From the worst to as far beyond what was told."""
        if worst is None or told is None:
            return worst
        return worst + float(rng.uniform(0.0, 2.0)) * (told - worst)

    marks = []
    for mark in promise.marks:
        known = changed.values[mark.feature]
        value = between(mark.value, known.value)
        # What could be worst is never better than what is.
        marks.append(
            replace(
                mark,
                value=value,
                adverse_value=_worse(between(mark.adverse_value, known.adverse_value), value, mark.sign),
                unexcused_value=_worse(between(mark.unexcused_value, known.unexcused_value), value, mark.sign),
            )
        )
    return replace(
        promise,
        marks=tuple(marks),
        least_minor=tuple((name, amount * float(rng.uniform(1.0, 1.5))) for name, amount in promise.least_minor),
        most_minor=tuple((name, amount * float(rng.uniform(0.5, 1.0))) for name, amount in promise.most_minor),
    )


def _worse(end: float | None, value: float | None, sign: int) -> float | None:
    if end is None or value is None:
        return end
    return max(end, value) if sign > 0 else min(end, value)


def _further_buyers(snapshot: Snapshot, row: int) -> tuple[int, ...]:
    """The largest buyers of the world that stand and do not order from the firm yet."""
    regular = set(snapshot.block.firms.buyers[row].tolist())
    standing = np.flatnonzero(snapshot.laws.network.failed_month > snapshot.position)
    return tuple(int(buyer) for buyer in standing if int(buyer) not in regular)[:FURTHER_BUYERS]
