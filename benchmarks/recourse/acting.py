"""Acting on a plan: what it does to the true probability of default, and to the re-score inside its offer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from features.snapshot import FeatureSnapshot
from scoring.recourse.grounds import DecisionGrounds
from scoring.recourse.levers import LeverName
from scoring.recourse.promise import corner, missed
from scoring.recourse.records import Plan, Promise
from simulator.block import network_of
from simulator.whatif.interventions import NO_CHANGE
from simulator.whatif.interventions import Plan as Intervention
from simulator.whatif.nested import NestedPd, nested_pd
from simulator.whatif.replicas import Snapshot, Spread

FURTHER_BUYERS = 2
MENDING_MINOR = 300_000
"""What it costs to mend a machine so that it fails no more; less of it costs its share."""
ALONE = {
    LeverName.ADD_SHIFT: 0.3,
    LeverName.FIX_MACHINES: 0.6,
    LeverName.DIVERSIFY_BUYERS: 0.3,
    LeverName.COLLECT_OVERDUE: 1.0,
}
"""Strengths of levers that are pulled alone."""
PART = 512
"""Paths that are lived together. The first part tells which firms ask; plans are judged by the later ones."""
FIRST_PARTS = 2
"""By so many a plan is judged at first."""
CLEAR = 5
"""Paths by which the saved and the ruined must differ before a plan is judged by fewer than all paths: as unlikely by
chance as five tosses of a coin alike."""
OPEN_FATE = (0.01, 0.99)
"""Between these a probability of default can go either way."""
PARTS_OF_A_SEED = 1000
DRAWS = 20
"""Re-scores inside each offer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What acting on a plan did, path by path with common luck: how many paths default without it, how many of those it
    saved, and how many others it ruined."""

    paths: int
    defaults: int
    saved: int
    ruined: int
    means_gained: float
    """By how much the least that the firm could pay with in the year rose on average, in months of usual sales."""

    @property
    def before(self) -> float:
        """The probability of default without the plan."""
        return self.defaults / self.paths

    @property
    def change(self) -> float:
        """What the plan changes of it; negative is better."""
        return (self.ruined - self.saved) / self.paths

    @property
    def is_clear(self) -> bool:
        """Whether saved and ruined differ by more than luck would have it."""
        return abs(self.saved - self.ruined) >= CLEAR

    def and_paths(self, before: NestedPd, after: NestedPd) -> Effect:
        """With further pairs of paths."""
        more, gained = len(before.defaulted), after.least_means - before.least_means
        return Effect(
            paths=self.paths + more,
            defaults=self.defaults + int(before.defaulted.sum()),
            saved=self.saved + int((before.defaulted & ~after.defaulted).sum()),
            ruined=self.ruined + int((~before.defaulted & after.defaulted).sum()),
            means_gained=(self.means_gained * self.paths + float(gained.sum())) / (self.paths + more),
        )


NOTHING = Effect(paths=0, defaults=0, saved=0, ruined=0, means_gained=0.0)


def intervention(pulled: Mapping[LeverName, float], snapshot: Snapshot, row: int) -> Intervention:
    """Levers, each with its strength, as the simulated firm carries them out from the next day on and for the whole year.
    What restores data changes nothing in a factory."""
    mended = pulled.get(LeverName.FIX_MACHINES, 0.0)
    machines = int((snapshot.block.machines.firm == row).sum())
    return Intervention(
        fault_rate_ratio=1.0 - mended,
        overtime_share=pulled.get(LeverName.ADD_SHIFT, 0.0),
        spread=_spread(snapshot, row, pulled.get(LeverName.DIVERSIFY_BUYERS, 0.0)),
        collects_overdue=LeverName.COLLECT_OVERDUE in pulled,
        cost_minor=round(mended * machines * MENDING_MINOR),
    )


class Fate:
    """A firm's futures without any plan, of which more are simulated as they are asked for."""

    def __init__(self, snapshot: Snapshot, row: int, *, seed: int) -> None:
        self.snapshot, self.row, self.seed = snapshot, row, seed
        self._before: list[NestedPd] = []

    @property
    def pd(self) -> float:
        """The probability of default by the first part."""
        return self.part(0).pd

    @property
    def is_open(self) -> bool:
        """Whether that lies within `OPEN_FATE`."""
        return OPEN_FATE[0] <= self.pd <= OPEN_FATE[1]

    def effect(self, pulled: Mapping[LeverName, float], *, most: int) -> Effect:
        """What pulling these levers does, on `FIRST_PARTS` parts and on as many again until the effect is clear or `most`
        paths were lived. None of them is of the part that told whether the firm asks."""
        plan, found = intervention(pulled, self.snapshot, self.row), NOTHING
        while found.paths < most and not found.is_clear:
            for _ in range(max(found.paths // PART, FIRST_PARTS)):
                number = 1 + found.paths // PART
                found = found.and_paths(self.part(number), self._live(number, plan))
        return found

    def part(self, number: int) -> NestedPd:
        """Some futures without any plan, by the number of their part."""
        while number >= len(self._before):
            self._before.append(self._live(len(self._before), NO_CHANGE))
        return self._before[number]

    def _live(self, part: int, plan: Intervention) -> NestedPd:
        return nested_pd(
            self.snapshot, self.row, paths=PART, seed=PARTS_OF_A_SEED * self.seed + part, plan=plan, batch=PART
        )


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


def _spread(snapshot: Snapshot, row: int, share: float) -> Spread | None:
    """A share of the orders of the buyer that owes most, given to the largest buyers of the world that stand, do not
    order from the firm yet, take no longer a term, and do no worse today, so that they pay as punctually. None where nobody
    is such."""
    network = network_of(snapshot.block, snapshot.laws)
    owed, regular = snapshot.state.books.sales.open, snapshot.block.firms.buyers[row]
    by_buyer = np.bincount(owed.buyer, weights=owed.gross_minor * (owed.firm == row), minlength=len(network))
    largest = int(regular[by_buyer[regular].argmax()])
    others, today = snapshot.laws.network, snapshot.position + 1
    is_new = (others.failed_month > snapshot.position) & ~np.isin(np.arange(len(others)), regular)
    is_new &= others.term_days <= network.term_days[largest]
    is_new &= others.state[:, today] >= network.state[largest, today]
    chosen = tuple(np.flatnonzero(is_new)[:FURTHER_BUYERS].tolist())
    return Spread(largest=largest, to=chosen, share=share) if share and chosen else None
