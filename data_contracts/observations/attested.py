"""How far what was told of machines can be trusted to come from where it says, day by day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

import pyarrow as pa
import sqlalchemy as sa

from data_contracts.contract import RecordKind
from data_contracts.evidence.levels import AttestationLevel, said_levels
from data_contracts.evidence.tables import batch_attestation
from data_contracts.identifiers import MachineUid
from data_contracts.observations.register import Connection, slices
from data_contracts.observations.tables import batch, chunk, to_microseconds

TELEMETRY = (RecordKind.SAMPLE.value, RecordKind.MACHINE_DAY_REPORT.value)
BEFORE_ITS_PERIOD = timedelta(days=2)
"""Nothing of a chunk can be known so long before its period begins: zones, and clocks that run ahead."""

MONTH_CHARACTERS = 7


def attested_periods(
    connection: Connection, machine_uids: Sequence[MachineUid], *, as_of: datetime, first_day: date
) -> pa.Table:
    """The least level of all that was known at `as_of` of each machine and period from the month of `first_day` on.

    Columns `machine_uid`, `period` (days or months since 1970), `is_month`, `level` (its place in `AttestationLevel`).
    The least, because a row of a lesser level may stand in the place of one of a higher.
    """
    month = first_day.replace(day=1)
    since = datetime.combine(month, time.min, UTC) - BEFORE_ITS_PERIOD
    found: list[tuple[str, str, str]] = []
    for some in slices(machine_uids):
        told = sa.select(chunk.c.batch_id).where(*_of(some, since, as_of))
        said = said_levels(batch_attestation.c.batch_id.in_(told), as_of_us=to_microseconds(as_of))
        level = sa.func.coalesce(said.c.level, AttestationLevel.SELF_DECLARED.value)
        joined = chunk.join(batch, batch.c.batch_id == chunk.c.batch_id)
        joined = joined.outerjoin(said, said.c.batch_id == chunk.c.batch_id)
        query = (
            sa.select(chunk.c.unit, chunk.c.period, sa.func.min(level))
            .select_from(joined)
            .where(*_of(some, since, as_of), batch.c.kind.in_(TELEMETRY))
            .group_by(chunk.c.unit, chunk.c.period)
        )
        found += [(row[0], row[1], row[2]) for row in connection.execute(query)]
    ranks = {level.value: rank for rank, level in enumerate(AttestationLevel)}
    return pa.table(
        {
            "machine_uid": pa.array([unit for unit, _, _ in found], pa.string()),
            "period": pa.array([_number(period) for _, period, _ in found], pa.int64()),
            "is_month": pa.array([_is_month(period) for _, period, _ in found], pa.bool_()),
            "level": pa.array([ranks[level] for _, _, level in found], pa.int64()),
        }
    )


def _of(units: Sequence[str], since: datetime, as_of: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    table = chunk.c
    return table.unit.in_(units), table.recorded_from >= since, table.recorded_from <= as_of


def _is_month(period: str) -> bool:
    return len(period) == MONTH_CHARACTERS


def _number(period: str) -> int:
    """Days or months since 1970."""
    if _is_month(period):
        year, month = map(int, period.split("-"))
        return (year - 1970) * 12 + month - 1
    return (date.fromisoformat(period) - date(1970, 1, 1)).days
