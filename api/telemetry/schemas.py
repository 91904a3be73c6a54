"""Telemetry and ledgers as they are sent, and what became of them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from api.gateways.schemas import AttestationTold
from api.http.shapes import Asked, Told
from api.receipts.schemas import ReceiptTold
from data_contracts.contract import RecordKind

MAXIMUM_ROWS = 100_000
MAXIMUM_COLUMNS = 64

ColumnName = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")]
Cell = Annotated[str, StringConstraints(max_length=400, pattern=r"^[^\x00-\x1f\x7f]*$")] | int | float | bool | None


class TelemetryRows(Asked):
    """Rows under the column names that the mapping knows; a value that is not known is null or left out."""

    rows: Annotated[
        list[Annotated[dict[ColumnName, Cell], Field(min_length=1, max_length=MAXIMUM_COLUMNS)]],
        Field(min_length=1, max_length=MAXIMUM_ROWS),
    ]


class QuarantinedTold(Told):
    """A fault of a row that was turned away."""

    row_number: int
    column: str
    value: str | None
    reason: str


class BatchTold(Told):
    """What became of the rows: `rows_read` is the sum of the three others."""

    batch_id: str
    kind: RecordKind
    rows_read: int
    rows_admitted: int
    rows_duplicate: int
    rows_quarantined: int
    merkle_root: str
    findings: list[str]
    quarantined: list[QuarantinedTold]


class TelemetryAnswer(Told):
    """The batch as it was admitted (`quarantined` shows the first faults), its attestation, and its receipt to keep."""

    batch: BatchTold
    attestation: AttestationTold
    receipt: ReceiptTold
    livemode: bool
