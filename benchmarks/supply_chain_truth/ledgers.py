"""Ledgers of a simulated world as rows, and the parameters of supply chains."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv

from data_contracts.contract import RecordKind, load_contract

PARAMETERS = Path(__file__).parents[2] / "scoring" / "supply_chain" / "parameters"


def rows_of(folder: Path, kind: RecordKind) -> list[dict[str, Any]]:
    """A ledger of a world as its contract types it."""
    contract = load_contract(kind)
    types = {name: contract.schema.field(name).type for name in contract.names}
    options = pa_csv.ConvertOptions(column_types=types, strings_can_be_null=True, quoted_strings_can_be_null=False)
    files = sorted(folder.glob(f"{kind}.csv")) + sorted(folder.glob(f"{kind}_[0-9].csv"))
    rows: list[dict[str, Any]] = pa.concat_tables(
        [pa_csv.read_csv(file, convert_options=options) for file in files]
    ).to_pylist()
    return rows
