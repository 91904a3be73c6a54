"""DuckDB over registered files: an in-memory engine in UTC, and the list of files as its table function takes it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from data_contracts.contract import Contract
from data_contracts.errors import StoreDamaged

THREADS = 2


def open_lake() -> duckdb.DuckDBPyConnection:
    """A fresh in-memory engine whose instants are UTC. It holds nothing of its own; close it after use."""
    return _set_up(duckdb.connect(":memory:", config={"threads": THREADS}))


def beside(lake: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Another connection to the engine of `lake`, for one thread and one use: it is opened in a fraction of the time,
    and finds what the engine remembers of files."""
    return _set_up(lake.cursor())


def _set_up(lake: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    lake.execute("SET TimeZone='UTC'")
    lake.execute("SET preserve_insertion_order=false")
    lake.execute("SET parquet_metadata_cache=true")  # files never change, and block after block is read from them
    lake.execute("SET enable_progress_bar=false")  # it would draw into what a command prints
    return lake


def parquet(paths: Sequence[Path], *, by_name: bool = False) -> str:
    """`read_parquet` of exactly these files (never a glob); `by_name` where not all have the same columns."""
    listed = ", ".join("'" + str(path).replace("'", "''") + "'" for path in paths)
    return f"read_parquet([{listed}], hive_partitioning = false, union_by_name = {str(by_name).lower()})"


def files_under(lake: duckdb.DuckDBPyConnection, contract: Contract, paths: Sequence[Path], *, is_older: bool) -> str:
    """These files as a source of rows. Where some file `is_older` than the contract, the columns that the contract has
    gained since are null in its rows."""
    if not is_older:
        return parquet(paths)
    lake.register("contract_shape", contract.schema.empty_table())
    return f"(SELECT * FROM {parquet(paths, by_name=True)} UNION ALL BY NAME SELECT * FROM contract_shape)"


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
