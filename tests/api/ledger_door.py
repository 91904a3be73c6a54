"""Rows of a ledger by the front door, as an operator brings them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from api.home import Home
from api.telemetry.service import ingest_file
from data_contracts.identifiers import ObligorId
from data_contracts.mapping import load_mapping

KNOWN = datetime(2026, 6, 30, 15, tzinfo=UTC)


def told(
    home: Home, kind: str, head: str, rows: Sequence[tuple[Any, ...]], *, obligor: ObligorId | None = None
) -> None:
    """Rows by the front door, all of them admitted."""
    file = home.root / f"{kind}.csv"
    lines = [",".join("" if cell is None else str(cell) for cell in row) for row in rows]
    file.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    mapping = load_mapping(f"canonical_{kind}").model_copy(update={"recorded_time": "now"})
    result = ingest_file(home, file, mapping=mapping, obligor=obligor, received_time=KNOWN)
    assert result.rows_admitted == len(rows)
