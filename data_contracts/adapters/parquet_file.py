"""Parquet files: typed columns, read row group by row group."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from data_contracts.adapters.source import (
    PARQUET_MAGIC,
    RawTable,
    SourceFile,
    check_names_are_unique,
    resolve_columns,
)
from data_contracts.errors import ContractViolated, UnreadableSource
from data_contracts.mapping import Mapping


def read_parquet(source: SourceFile, mapping: Mapping) -> RawTable:
    """The mapped columns of a Parquet file, typed as they are stored.

    Raises UnreadableSource when it is no Parquet, truncated, corrupt or without rows, ContractViolated when it lacks
    mapped columns, repeats a name, or a mapped column is nested or binary.
    """
    if not source.data.startswith(PARQUET_MAGIC):
        raise UnreadableSource(
            f"{source.name} is no Parquet file: it begins with {source.data[:4]!r}.",
            hint="Set format: csv in the mapping if it is delimited text.",
        )
    if not source.data.endswith(PARQUET_MAGIC):
        raise UnreadableSource(
            f"{source.name} is a truncated Parquet file: its end mark is missing.", hint="Transfer it again."
        )
    try:
        file = pq.ParquetFile(pa.BufferReader(source.data), page_checksum_verification=True)
        names = file.schema_arrow.names
        check_names_are_unique(names, source.name)
        targets = resolve_columns(mapping, names, source.name)
        wanted = sorted({target.column for target in targets.values()})
        _check_types(file.schema_arrow, wanted, source.name)
        # Texts stay encoded: most columns of texts have few distinct ones, which are then looked at once each.
        texts = [name for name in wanted if _is_text(file.schema_arrow.field(name).type)]
        file = pq.ParquetFile(
            pa.BufferReader(source.data),
            metadata=file.metadata,
            page_checksum_verification=True,
            read_dictionary=texts,
        )
        groups = [file.read_row_group(group, columns=wanted) for group in range(file.num_row_groups)]
        for group in groups:
            group.validate(full=True)  # text must be UTF-8, which reading alone does not look at
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        first = str(error).partition("\n")[0].rstrip(".")
        raise UnreadableSource(
            f"{source.name} is a corrupt Parquet file: {first}.", hint="Transfer it again."
        ) from error
    rows = sum(group.num_rows for group in groups)
    if not rows:
        raise UnreadableSource(f"{source.name} has columns but no rows.", hint="Was the export cut off?")
    return RawTable(
        source=source,
        table=pa.concat_tables(groups),
        targets=targets,
        row_numbers=np.arange(1, rows + 1, dtype=np.int64),
        ragged=(),
    )


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _check_types(schema: pa.Schema, wanted: list[str], source: str) -> None:
    for name in wanted:
        kind = schema.field(name).type
        plain = kind.value_type if pa.types.is_dictionary(kind) else kind
        nested = pa.types.is_nested(plain) or pa.types.is_binary(plain) or pa.types.is_large_binary(plain)
        if nested or pa.types.is_time(plain) or pa.types.is_duration(plain):
            raise ContractViolated(
                f"Column {name!r} of {source} is {kind}.", hint="Export it as text, number, date or timestamp."
            )
