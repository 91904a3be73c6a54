"""What was turned away, as its source wrote it, with its faults, and whether it came in later."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from data_contracts.errors import NotFound
from data_contracts.identifiers import BatchId
from data_contracts.observations.register import Connection, Record
from data_contracts.observations.tables import batch, quarantined_row, quarantined_source, readmission


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldRow:
    """A row in quarantine: what its source wrote (mapped columns, or None where the line did not split), its faults as
    (column, value, reason), and the batch it was readmitted in, if any."""

    batch_id: BatchId
    row_number: int
    written: Mapping[str, Any] | None
    faults: tuple[tuple[str, str | None, str], ...]
    readmitted_in: BatchId | None


def held_batches(connection: Connection) -> list[dict[str, Any]]:
    """Each batch with rows in quarantine, by column and reason: how many, and how many of them were readmitted."""
    fault, again = quarantined_row.c, readmission.c
    query = (
        sa.select(
            batch.c.batch_id,
            batch.c.kind,
            batch.c.source_name,
            batch.c.received_time,
            fault.column,
            fault.reason,
            sa.func.count().label("rows"),
            sa.func.count(again.readmitted_in).label("readmitted"),
        )
        .join(quarantined_row, fault.batch_id == batch.c.batch_id)
        .outerjoin(readmission, (again.batch_id == fault.batch_id) & (again.row_number == fault.row_number))
        .group_by(batch.c.sequence, batch.c.batch_id, batch.c.kind, batch.c.source_name, batch.c.received_time)
        .group_by(fault.column, fault.reason)
        .order_by(batch.c.sequence, fault.column, fault.reason)
    )
    return [dict(row._mapping) for row in connection.execute(query)]


def held_rows(connection: Connection, batch_id: BatchId) -> list[HeldRow]:
    """The rows that a batch has in quarantine, by row number. Raises NotFound."""
    batch_of(connection, batch_id)
    sources = connection.execute(
        sa.select(quarantined_source.c.row_number, quarantined_source.c.content)
        .where(quarantined_source.c.batch_id == batch_id)
        .order_by(quarantined_source.c.row_number)
    ).all()
    faults: dict[int, list[tuple[str, str | None, str]]] = {}
    of_batch = quarantined_row.c.batch_id == batch_id
    for row in connection.execute(
        sa.select(quarantined_row).where(of_batch).order_by(quarantined_row.c.row_number, quarantined_row.c.position)
    ):
        faults.setdefault(row.row_number, []).append((row.column, row.value, row.reason))
    again = dict(
        connection.execute(
            sa.select(readmission.c.row_number, readmission.c.readmitted_in).where(readmission.c.batch_id == batch_id)
        ).all()
    )
    return [
        HeldRow(
            batch_id=batch_id,
            row_number=row.row_number,
            written=_written(row.content),
            faults=tuple(faults[row.row_number]),
            readmitted_in=again.get(row.row_number),
        )
        for row in sources
    ]


def save_readmission(
    connection: Connection, batch_id: BatchId, row_numbers: Sequence[int], readmitted_in: BatchId
) -> None:
    """Note that these rows of a batch became, in their order, the rows of another batch."""
    history = [
        {"batch_id": batch_id, "row_number": number, "readmitted_in": readmitted_in, "readmitted_row": place}
        for place, number in enumerate(row_numbers, start=1)
    ]
    connection.execute(sa.insert(readmission), history)


def batch_of(connection: Connection, batch_id: BatchId) -> Record:
    """The register's row of a batch. Raises NotFound."""
    row = connection.execute(sa.select(batch).where(batch.c.batch_id == batch_id)).one_or_none()
    if row is None:
        raise NotFound(f"There is no batch {batch_id}.")
    return row


def _written(content: str) -> Mapping[str, Any] | None:
    """The mapped columns that a row's source wrote; None of a line that did not split."""
    try:
        row = json.loads(content)
    except ValueError:
        return None
    return row if isinstance(row, dict) else None
