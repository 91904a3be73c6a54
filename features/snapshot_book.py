"""Snapshots of a whole book, block by block, so that memory does not grow with the book."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from data_contracts.identifiers import ObligorId
from data_contracts.reference.dated import ParameterBook
from features.blocks import Block, Processes, Work, blocks_of, over_blocks, stretches_of
from features.compute import TAKES, snapshots
from features.everybody import Everybody, load_everybody
from features.ledger_reading import read_ledgers
from features.snapshot import FeatureSnapshot

if TYPE_CHECKING:
    from data_contracts.observations.reader import ObservationReader

OBLIGORS_PER_BLOCK = 200
"""Of larger blocks each obligor costs less (files are looked through once a block), and the block more memory."""

BLOCKS_PER_STRETCH = 5
"""Ledgers are read for so many blocks at once: a file of them is small and holds everybody, so that to read it for few
costs nearly as much as for many. Machine-days are too many for that."""


def snapshot_book(
    reader: ObservationReader,
    *,
    obligor_ids: Sequence[ObligorId],
    as_of: datetime,
    parameters: ParameterBook,
    obligors_per_block: int = OBLIGORS_PER_BLOCK,
    blocks_per_stretch: int = BLOCKS_PER_STRETCH,
    processes: Processes | None = None,
    **options: Any,
) -> Iterator[FeatureSnapshot]:
    """`compute.snapshots` of these obligors, in their order, of so many at a time; whoever keeps none of them needs
    room for what a block reads and a stretch of blocks says, in each process. `options` are those of
    `compute.snapshots`."""
    blocks = blocks_of(obligor_ids, obligors_per_block, processes)
    stretches = stretches_of(blocks, blocks_per_stretch, processes)
    size = max(map(len, blocks), default=1)  # of every block but the last, so that stretches fall into the same ones
    asked = _Asked(as_of=as_of, parameters=parameters, obligors_per_block=size, options=options)
    for taken in over_blocks(partial(_of_stretches, asked=asked), stretches, reader=reader, processes=processes):
        yield from taken


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What a book of snapshots is asked for."""

    as_of: datetime
    parameters: ParameterBook
    obligors_per_block: int
    options: dict[str, Any]


def _of_stretches(reader: ObservationReader, *, asked: _Asked) -> Work[list[FeatureSnapshot]]:
    everybody = load_everybody(reader, as_of=asked.as_of)
    return lambda stretch: _of_stretch(reader, stretch, everybody, asked)


def _of_stretch(
    reader: ObservationReader, stretch: Block, everybody: Everybody, asked: _Asked
) -> list[FeatureSnapshot]:
    ledgers = read_ledgers(reader, as_of=asked.as_of, obligor_ids=stretch, takes=TAKES)
    return [
        snapshot
        for block in blocks_of(stretch, asked.obligors_per_block)
        for snapshot in snapshots(
            reader,
            obligor_ids=block,
            as_of=asked.as_of,
            parameters=asked.parameters,
            everybody=everybody,
            ledgers=ledgers.of(block),
            **asked.options,
        )
    ]
