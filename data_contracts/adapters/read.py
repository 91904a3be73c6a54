"""Choosing the adapter: by the mapping's format, else by the file's name."""

from __future__ import annotations

from pathlib import PurePath

from data_contracts.adapters.csv_file import read_csv
from data_contracts.adapters.parquet_file import read_parquet
from data_contracts.adapters.source import RawTable, SourceFile
from data_contracts.errors import UnreadableSource
from data_contracts.mapping import Mapping

SUFFIXES = {".csv": "csv", ".txt": "csv", ".tsv": "csv", ".parquet": "parquet", ".pq": "parquet"}


def read_source(source: SourceFile, mapping: Mapping) -> RawTable:
    """The raw table of a source, read as `mapping` says.

    Raises UnreadableSource when it cannot be read at all, ContractViolated when it lacks what the mapping names.
    """
    form = mapping.format or SUFFIXES.get(PurePath(source.name).suffix.lower())
    if form is None:
        raise UnreadableSource(
            f"{source.name} does not say what it is.", hint="Name it *.csv or *.parquet, or set format in the mapping."
        )
    return read_csv(source, mapping) if form == "csv" else read_parquet(source, mapping)
