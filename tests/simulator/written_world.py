"""Readers for a world's folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from data_contracts.contract import RecordKind, load_contract
from simulator import WorldSummary


@dataclass(frozen=True)
class WrittenWorld:
    """A simulated folder and its summary."""

    folder: Path
    summary: WorldSummary

    def reports(self) -> pa.Table:
        """All daily reports."""
        files = sorted((self.folder / "machine_day_report").iterdir())
        return pa.concat_tables([pq.read_table(file) for file in files])

    def samples(self) -> pa.Table:
        """All samples."""
        return pq.read_table(self.folder / "sample" / "samples.parquet")

    def ledger(self, kind: RecordKind) -> pa.Table:
        """One ledger, its columns of the contract's types."""
        types = {column.name: column.type for column in load_contract(kind).columns}
        return pa_csv.read_csv(self.folder / f"{kind}.csv", convert_options=pa_csv.ConvertOptions(column_types=types))

    def truth(self, name: str) -> pa.Table:
        """One of the truth's tables."""
        return pq.read_table(self.folder / "truth" / f"{name}.parquet")
