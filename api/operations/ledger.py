"""What an operator says of obligors and machines, through the same door of admission as everything from outside."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from api.evidence.service import record_batch
from api.home import Home
from data_contracts.admission import AdmissionResult, admit
from data_contracts.contract import RecordKind
from data_contracts.mapping import Mapping as SourceMapping
from data_contracts.mapping import RecordedColumn
from data_contracts.observations.store import ObservationStore

RECORDED = "recorded_time"

Row = Mapping[str, str]
"""Contract column -> text; instants in ISO 8601 with their offset."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """How many entries were new and how many said what was known, and what admission made of the new ones."""

    added: int
    known: int
    admission: AdmissionResult | None


def admit_rows(
    connection: sa.Connection,
    home: Home,
    kind: RecordKind,
    rows: Sequence[Row],
    *,
    site_zone: str,
    now: datetime,
) -> AdmissionResult:
    """Admit ledger rows. They are recorded now; where a row says `recorded_time`, the list is declared history."""
    backfilled = any(RECORDED in row for row in rows)
    mapping = SourceMapping(
        name=f"operator_{kind}",
        kind=kind,
        site_zone=site_zone,
        site_zone_assumed=True,
        recorded_time=RecordedColumn(column=RECORDED) if backfilled else "now",
        columns="canonical",
    )
    said = [{RECORDED: now.isoformat(), **row} for row in rows] if backfilled else rows
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / f"operator-{kind}.csv"
        _write(source, said)
        store = ObservationStore(home.observations)
        result = admit(connection, store, source, mapping, obligor=None, received_time=now)
        record_batch(connection, result.batch_id, now=now)
        return result


def _write(path: Path, rows: Sequence[Row]) -> None:
    names = sorted({name for row in rows for name in row})
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names, restval="")
        writer.writeheader()
        writer.writerows(rows)
