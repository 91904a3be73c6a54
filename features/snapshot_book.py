"""Snapshots of a whole book, block by block, so that memory does not grow with the book."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from data_contracts.identifiers import ObligorId
from data_contracts.reference.dated import ParameterBook
from features.compute import snapshots
from features.everybody import load_everybody
from features.snapshot import FeatureSnapshot

if TYPE_CHECKING:
    from data_contracts.observations.reader import ObservationReader

OBLIGORS_PER_BLOCK = 250


def snapshot_book(
    reader: ObservationReader,
    *,
    obligor_ids: Sequence[ObligorId],
    as_of: datetime,
    parameters: ParameterBook,
    obligors_per_block: int = OBLIGORS_PER_BLOCK,
    **options: Any,
) -> Iterator[FeatureSnapshot]:
    """`compute.snapshots` of these obligors, in their order, of so many at a time; whoever keeps none of them needs
    room for one block. `options` are those of `compute.snapshots`."""
    everybody = load_everybody(reader, as_of=as_of)
    for start in range(0, len(obligor_ids), obligors_per_block):
        block = obligor_ids[start : start + obligors_per_block]
        yield from snapshots(
            reader, obligor_ids=block, as_of=as_of, parameters=parameters, everybody=everybody, **options
        )
