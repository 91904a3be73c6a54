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
        """One ledger with all versions of its rows, its columns of the contract's types."""
        contract = load_contract(kind)
        types = {column.name: column.type for column in contract.columns}
        options = pa_csv.ConvertOptions(column_types=types, strings_can_be_null=True)
        files = [*self.folder.glob(f"{kind}.csv"), *sorted(self.folder.glob(f"{kind}_[0-9].csv"))]
        tables = [pa_csv.read_csv(file, convert_options=options) for file in files]
        return pa.concat_tables(tables) if tables else contract.schema.empty_table()

    def current(self, kind: RecordKind) -> pa.Table:
        """One ledger as it stands at the end: the version of each row that was recorded last."""
        table = self.ledger(kind)
        identity = [name for name in load_contract(kind).identity if name in table.column_names]
        last = table.to_pandas().sort_values("recorded_time").drop_duplicates(identity, keep="last")
        return table.take(pa.array(sorted(last.index)))

    def truth(self, name: str) -> pa.Table:
        """One of the truth's tables."""
        return pq.read_table(self.folder / "truth" / f"{name}.parquet")
