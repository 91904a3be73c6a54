"""How a book is cut: blocks of one size, and stretches of blocks that come out even between processes."""

from __future__ import annotations

from contextlib import nullcontext
from itertools import chain
from typing import Any

import pytest

from data_contracts.identifiers import ObligorId
from features.blocks import Processes, blocks_of, stretches_of

ANY: Any = nullcontext

CASES = [
    # obligors, a block, blocks a stretch, processes, size of each block, size of each stretch
    (0, 200, 5, 2, [], []),
    (30, 200, 5, 2, [30], [30]),
    (60, 200, 5, 1, [60], [60]),
    (120, 200, 5, 2, [60, 60], [60, 60]),
    (500, 200, 5, 2, [125] * 4, [250, 250]),
    (1_000, 200, 5, None, [200] * 5, [1_000]),
    (1_100, 200, 5, None, [200] * 5 + [100], [600, 500]),
    (5_000, 200, 5, 2, [193] * 25 + [175], [965, 965, 772, 772, 772, 754]),
]


@pytest.mark.parametrize(("obligors", "size", "most", "count", "blocks", "stretches"), CASES)
def test_stretches_are_whole_blocks(
    obligors: int, size: int, most: int, count: int | None, blocks: list[int], stretches: list[int]
) -> None:
    book = [ObligorId(f"{number:04}") for number in range(obligors)]
    processes = None if count is None else Processes(open_reader=ANY, count=count)
    cut = blocks_of(book, size, processes)
    joined = stretches_of(cut, most, processes)
    assert [len(block) for block in cut] == blocks
    assert [len(stretch) for stretch in joined] == stretches
    assert list(chain.from_iterable(joined)) == book
    assert [block for stretch in joined for block in blocks_of(stretch, max(blocks))] == cut
