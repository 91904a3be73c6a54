"""Snapshots of a whole book, block by block, so that memory does not grow with the book."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from data_contracts.identifiers import ObligorId
from data_contracts.reference.dated import ParameterBook
from features.blocks import Processes, Work, blocks_of, over_blocks
from features.compute import snapshots
from features.everybody import load_everybody
from features.snapshot import FeatureSnapshot

if TYPE_CHECKING:
    from data_contracts.observations.reader import ObservationReader

OBLIGORS_PER_BLOCK = 200
"""Of larger blocks each obligor costs less (files are looked through once a block), and the block more memory."""


def snapshot_book(
    reader: ObservationReader,
    *,
    obligor_ids: Sequence[ObligorId],
    as_of: datetime,
    parameters: ParameterBook,
    obligors_per_block: int = OBLIGORS_PER_BLOCK,
    processes: Processes | None = None,
    **options: Any,
) -> Iterator[FeatureSnapshot]:
    """`compute.snapshots` of these obligors, in their order, of so many at a time; whoever keeps none of them needs
    room for a block in each process. `options` are those of `compute.snapshots`."""
    begin = partial(_of_blocks, as_of=as_of, parameters=parameters, options=options)
    blocks = blocks_of(obligor_ids, obligors_per_block, processes)
    for taken in over_blocks(begin, blocks, reader=reader, processes=processes):
        yield from taken


def _of_blocks(
    reader: ObservationReader, *, as_of: datetime, parameters: ParameterBook, options: dict[str, Any]
) -> Work[list[FeatureSnapshot]]:
    everybody = load_everybody(reader, as_of=as_of)
    return lambda block: snapshots(
        reader, obligor_ids=block, as_of=as_of, parameters=parameters, everybody=everybody, **options
    )
