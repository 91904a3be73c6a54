"""DuckDB over registered files: an in-memory engine in UTC, and the list of files as its table function takes it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from data_contracts.errors import StoreDamaged

THREADS = 2


def open_lake() -> duckdb.DuckDBPyConnection:
    """A fresh in-memory engine whose instants are UTC. It holds nothing of its own; close it after use."""
    lake = duckdb.connect(":memory:", config={"threads": THREADS})
    lake.execute("SET TimeZone='UTC'")
    lake.execute("SET preserve_insertion_order=false")
    return lake


def parquet(paths: Sequence[Path]) -> str:
    """`read_parquet` of exactly these files (never a glob)."""
    listed = ", ".join("'" + str(path).replace("'", "''") + "'" for path in paths)
    return f"read_parquet([{listed}], hive_partitioning = false)"


def name(column: str) -> str:
    """A column name, quoted."""
    return '"' + column.replace('"', '""') + '"'


def answer(lake: duckdb.DuckDBPyConnection, query: str) -> pa.Table:
    """The answer to a query of ours over registered files. Raises StoreDamaged when one of them cannot be read."""
    try:
        return lake.sql(query).to_arrow_table()
    except (duckdb.Error, UnicodeDecodeError) as error:
        first = str(error).partition("\n")[0]
        raise StoreDamaged(f"A registered file cannot be read: {first}", hint="Restore it from a backup.") from error
