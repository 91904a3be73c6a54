"""Default probabilities in the structural engine: by nested Monte Carlo from a snapshot, with or without a plan."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_contracts.errors import InputError
from simulator.block import Block, Laws, opening, step
from simulator.credit.structural import Engine
from simulator.finance.accounts import Account
from simulator.whatif.interventions import NO_CHANGE, Plan, act, intervene
from simulator.whatif.replicas import Replicas, Snapshot, replicas

HORIZON_MONTHS = 12
BATCH = 128
"""Replicas that are simulated together."""

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


class NoSnapshot(InputError):
    """A probability of default cannot be simulated from there."""

    code = "no_snapshot"


@dataclass(frozen=True, slots=True, kw_only=True)
class NestedPd:
    """A probability of default as the share of simulated futures that default."""

    defaulted: Bools
    """By path; paths of one seed share their luck between plans."""
    least_means: Floats
    """By path: the least that cash, what is left of the line, and the owner's means came to at a month's end, in months
    of usual sales: how far the firm stayed from having nothing to pay with."""

    @property
    def pd(self) -> float:
        """Share of paths in default within the horizon."""
        return float(self.defaulted.mean())

    @property
    def standard_error(self) -> float:
        """Of the share, by the binomial law; 0 where no path or every path defaults."""
        return float(np.sqrt(self.pd * (1.0 - self.pd) / len(self.defaulted)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What a plan does to a firm's probability of default, path by path with common luck."""

    before: NestedPd
    after: NestedPd

    @property
    def change(self) -> float:
        """Change of the probability; negative is better."""
        return self.after.pd - self.before.pd

    @property
    def standard_error(self) -> float:
        """Of the change, from the differences within pairs of paths."""
        differences = self.after.defaulted.astype(np.float64) - self.before.defaulted
        return float(differences.std(ddof=1) / np.sqrt(len(differences)))


def snapshot_at(block: Block, laws: Laws, *, position: int) -> Snapshot:
    """The block at the end of month `position`, simulated from the world's beginning (-1 is that itself).

    Raises NoSnapshot in a world of reduced form, or when fewer than twelve months follow.
    """
    if laws.engine is not Engine.STRUCTURAL:
        raise NoSnapshot("In reduced form the account does not decide.", hint='Make the laws with engine="structural".')
    months = laws.calendar.months
    if not -1 <= position <= len(months) - 1 - HORIZON_MONTHS:
        raise NoSnapshot(
            f"Month {position} is not followed by {HORIZON_MONTHS} months of the world.",
            hint=f"Choose one from -1 to {len(months) - 1 - HORIZON_MONTHS}, or a longer world.",
        )
    state = opening(block, laws).state
    for month in months[: position + 1]:
        state, _ = step(block, month, state, laws)
    return Snapshot(block=block, state=state, laws=laws, position=position)


def nested_pd(
    snapshot: Snapshot, firm: int, *, paths: int = 500, seed: int = 0, plan: Plan = NO_CHANGE, batch: int = BATCH
) -> NestedPd:
    """The chance that the firm at this row of the block defaults in the twelve months after the snapshot. Larger
    batches are quicker for each path, and share the episodes of power rationing among more.

    Raises NoSnapshot for a firm that is in default already.
    """
    if snapshot.state.default_day[firm] < snapshot.laws.calendar.day_count:
        raise NoSnapshot(f"Firm {firm} is in default already.", hint="Choose one that is alive.")
    sizes = [min(batch, paths - first) for first in range(0, paths, batch)]
    parts = [
        _batch(snapshot, firm, count=count, seed=seed * len(sizes) + number, plan=plan)
        for number, count in enumerate(sizes)
    ]
    return NestedPd(
        defaulted=np.concatenate([part.defaulted for part in parts]),
        least_means=np.concatenate([part.least_means for part in parts]),
    )


def effect_of(snapshot: Snapshot, firm: int, plan: Plan, *, paths: int = 500, seed: int = 0) -> Effect:
    """The probability of default before and after a plan, with common random numbers. Raises as `nested_pd`."""
    return Effect(
        before=nested_pd(snapshot, firm, paths=paths, seed=seed),
        after=nested_pd(snapshot, firm, paths=paths, seed=seed, plan=plan),
    )


def _batch(snapshot: Snapshot, firm: int, *, count: int, seed: int, plan: Plan) -> NestedPd:
    months = snapshot.laws.calendar.months[snapshot.position + 1 :][:HORIZON_MONTHS]
    future = intervene(replicas(snapshot, firm, count=count, seed=seed, spread=plan.spread), plan)
    least = np.full(count, np.inf)
    for month in months:
        future = act(future, plan, month)
        least = np.minimum(least, _means(future))
    defaulted = future.state.default_day < future.laws.calendar.day_count
    return NestedPd(defaulted=np.asarray(defaulted), least_means=least)


def _means(future: Replicas) -> Floats:
    """By firm: what it could pay with if it had to, in months of usual sales."""
    books, terms = future.state.books, future.block.terms
    limit = future.laws.parameters.finance.line_months * np.maximum(books.usual_sales, 0)
    room = np.maximum(limit + books.balances[Account.CREDIT_LINE], 0)
    means = books.balances[Account.CASH] + room + books.owner_minor
    return np.asarray(means / np.maximum(terms.turnover_minor, 1), dtype=np.float64)
