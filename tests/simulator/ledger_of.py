"""A block of a small world lived month by month, for tests that look into its books."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from simulator.block import Block, BlockMonth, BlockState, Laws, as_known, build_block, opening, step
from simulator.credit.structural import Engine
from simulator.world import make_laws
from simulator.world_calendar import Month


@dataclass(frozen=True)
class Lived:
    """One month: the block as it was known, its state before and after, and what happened."""

    block: Block
    month: Month
    before: BlockState
    after: BlockState
    told: BlockMonth


def live(laws: Laws, *, firms: int, number: int = 0) -> Iterator[Lived]:
    """All months of a block."""
    block = build_block(number, firms, laws)
    state = opening(block, laws).state
    for month in laws.calendar.months:
        before = state
        state, told = step(block, month, before, laws)
        yield Lived(as_known(block, before.default_day, laws), month, before, state, told)


def small_laws(seed: int, engine: Engine, *, months: int = 10) -> Laws:
    """Laws of a short world."""
    return make_laws(months, seed, engine=engine)
