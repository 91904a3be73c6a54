"""Work on blocks of obligors: with the reader at hand, or in several processes that each open one of their own."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from itertools import accumulate, chain, pairwise
from multiprocessing import get_context
from typing import Any, TypeVar

from data_contracts.identifiers import ObligorId
from data_contracts.observations.reader import ObservationReader

WORTH_A_PROCESS = 50
"""Fewer obligors than this are read before a process has begun."""

Block = Sequence[ObligorId]
Result = TypeVar("Result")
Work = Callable[[Block], Result]
"""What becomes of one block."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Processes:
    """So many processes, each of which reads what `open_reader` opens there: a function that can be pickled.

    Each sees the state of the register in which it opened it. What is admitted in between under an earlier
    `recorded_time`, one block may know and another not, as two readings one after the other would.
    """

    open_reader: Callable[[], AbstractContextManager[ObservationReader]]
    count: int


def over_blocks(
    begin: Callable[[ObservationReader], Work[Result]],
    blocks: Sequence[Block],
    *,
    reader: ObservationReader,
    processes: Processes | None = None,
) -> Iterator[Result]:
    """What becomes of each block, in order.

    `begin` is called once for each reader and gives what then works on block after block; where there are `processes`
    it must be picklable, as must its results. A single block is worked on here. So many results are ahead of whoever
    takes them as there are processes, so that memory does not grow with the number of blocks.
    """
    if processes is None or processes.count < 2 or len(blocks) < 2:
        yield from map(begin(reader), blocks)
        return
    count = min(processes.count, len(blocks))
    with ProcessPoolExecutor(
        count, mp_context=get_context("spawn"), initializer=_open, initargs=(processes.open_reader, begin)
    ) as pool:
        pending: deque[Future[Result]] = deque()
        for block in blocks:
            if len(pending) > count:
                yield pending.popleft().result()
            pending.append(pool.submit(_work, block))
        while pending:
            yield pending.popleft().result()


def blocks_of(obligor_ids: Sequence[ObligorId], size: int, processes: Processes | None = None) -> list[Block]:
    """The obligors in their order, at most so many at a time; where there are processes, as many blocks of one size
    for each of them, unless so few obligors are not worth one."""
    if processes is not None:
        turns = -(-len(obligor_ids) // (size * processes.count))
        share = -(-len(obligor_ids) // max(turns * processes.count, 1))
        size = min(size, max(share, WORTH_A_PROCESS))
    return [obligor_ids[start : start + size] for start in range(0, len(obligor_ids), size)]


def stretches_of(blocks: Sequence[Block], most: int, processes: Processes | None = None) -> list[Block]:
    """Blocks that follow each other joined, at most so many to a stretch; where there are processes, as many stretches
    for each of them, the longer ones first, so that none waits long for the others."""
    if not blocks:
        return []
    turns = -(-len(blocks) // (most * (processes.count if processes else 1)))
    count = min(turns * (processes.count if processes else 1), len(blocks))
    least, longer = divmod(len(blocks), count)
    ends = accumulate(least + (number < longer) for number in range(count))
    return [list(chain.from_iterable(blocks[start:end])) for start, end in pairwise([0, *ends])]


_open_readers = ExitStack()
_works: list[Work[Any]] = []
"""In a process of `over_blocks`: what works on blocks there."""


def _open(open_reader: Callable[[], AbstractContextManager[ObservationReader]], begin: Callable[..., Any]) -> None:
    _works.append(begin(_open_readers.enter_context(open_reader())))


def _work(block: Block) -> Any:
    (work,) = _works
    return work(block)
