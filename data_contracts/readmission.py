"""Rows in quarantine, sent through the door once more under a mended mapping or contract, with their history kept.

A row in quarantine was not known. Readmitted, it is known from then on: no `as_of` before sees it, so that whatever was
decided without it can still be replayed.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from data_contracts.admission import AdmissionResult, admit
from data_contracts.errors import InputError
from data_contracts.identifiers import BatchId, ObligorId
from data_contracts.mapping import CsvOptions, Mapping
from data_contracts.observations.quarantine import HeldRow, batch_of, held_rows, save_readmission
from data_contracts.observations.register import Connection
from data_contracts.observations.store import ObservationStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Readmitted:
    """What became of the rows that a batch had in quarantine: the admission they made, and how many cannot be tried
    again because their line never split into columns."""

    admission: AdmissionResult
    unsplit: int


def readmit(
    connection: Connection, store: ObservationStore, batch_id: BatchId, mapping: Mapping, *, received_time: datetime
) -> Readmitted:
    """Send the rows that a batch has in quarantine through the door again, under `mapping`, as a batch of its own.

    They are known from `received_time` on, whatever the mapping says. Rows that break the contract again are in
    quarantine of the new batch; those that were readmitted before are left out. Raises NotFound, and InputError where
    nothing is left to try or the mapping is of another kind or origin.
    """
    first = batch_of(connection, batch_id)
    if first.kind != mapping.kind or first.data_origin != mapping.data_origin:
        raise InputError(
            f"Batch {batch_id} is of kind {first.kind} and origin {first.data_origin}; mapping {mapping.name} is of "
            f"{mapping.kind} and {mapping.data_origin}.",
            hint="Take the mapping it came in with, mended.",
        )
    rows = [row for row in held_rows(connection, batch_id) if row.readmitted_in is None]
    split = [row for row in rows if row.written is not None]
    if not split:
        raise InputError(
            f"Batch {batch_id} has no row in quarantine that could be tried again.",
            hint="Lines that never split into columns must be sent again by their source." if rows else "",
        )
    again = mapping.model_copy(update={"recorded_time": "now", "format": "csv", "csv": CsvOptions()})
    with TemporaryDirectory() as folder:
        source = Path(folder) / f"{batch_id}.csv"
        source.write_text(_as_csv(split), encoding="utf-8")
        owner = ObligorId(first.obligor_id) if first.obligor_id else None
        result = admit(connection, store, source, again, obligor=owner, received_time=received_time)
    save_readmission(connection, batch_id, [row.row_number for row in split], result.batch_id)
    return Readmitted(admission=result, unsplit=len(rows) - len(split))


def _as_csv(rows: Sequence[HeldRow]) -> str:
    columns = list(dict.fromkeys(name for row in rows for name in row.written or ()))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="")
    writer.writeheader()
    writer.writerows(dict(row.written or {}) for row in rows)
    return text.getvalue()
