"""Delimited text: every column as text, with row numbers. One physical line is one row; a line that does not fit is
handed on as ragged, never dropped.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
from numpy.typing import NDArray

from data_contracts.adapters.source import (
    PARQUET_MAGIC,
    RaggedRow,
    RawTable,
    SourceFile,
    check_names_are_unique,
    resolve_columns,
)
from data_contracts.errors import ContractViolated, UnreadableSource
from data_contracts.mapping import ColumnSource, Mapping

NEWLINE = 0x0A
QUOTE = 0x22
OTHER_DELIMITERS = {";": "a semicolon", "\t": "a tab", "|": "a bar", ",": "a comma"}
_SIGNATURES = {
    PARQUET_MAGIC: ("a Parquet file", "Set format: parquet in the mapping, or name the file *.parquet."),
    b"\x1f\x8b": ("gzip-compressed", "Decompress it first."),
    b"PK\x03\x04": ("a ZIP archive or an Excel workbook", "Export the sheet as CSV."),
    b"\x28\xb5\x2f\xfd": ("zstd-compressed", "Decompress it first."),
}
_BYTE_ORDER_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lines:
    """The lines after the header: their bytes, and for each kept one its row number (blank lines are counted)."""

    body: bytes
    row_numbers: NDArray[np.int64]
    unclosed: tuple[RaggedRow, ...]


def read_csv(source: SourceFile, mapping: Mapping) -> RawTable:
    """The mapped columns of a delimited text file, all as text; empty cells and declared null words are null.

    Raises UnreadableSource when it is no text of the declared encoding or has no rows, ContractViolated when its
    header lacks mapped columns or repeats a name.
    """
    header, _, rest = _utf8(source, mapping).lstrip(b"\n").partition(b"\n")
    names = _header_names(header.decode(), mapping.csv.delimiter, source.name)
    check_names_are_unique([name for name in names if name], source.name)
    targets = _resolve(mapping, names, source.name)
    lines = _split(rest)
    if not len(lines.row_numbers) and not lines.unclosed:
        raise UnreadableSource(f"{source.name} has a header but no rows.", hint="Was the export cut off?")
    wanted = sorted({target.column for target in targets.values()})
    table, rejected = _parse(lines.body, names, wanted, mapping)
    if table.num_rows + len(rejected) != len(lines.row_numbers):
        raise UnreadableSource(
            f"{source.name} has {len(lines.row_numbers):,} lines, but {table.num_rows + len(rejected):,} rows in them.",
            hint="A quoted cell may span lines; write each row on a line of its own.",
        )
    bad = np.array([number - 1 for number, _ in rejected], dtype=np.int64)
    ragged = tuple(
        RaggedRow(row_number=int(lines.row_numbers[number - 1]), text=line[:200]) for number, line in rejected
    )
    return RawTable(
        source=source,
        table=table,
        targets=targets,
        row_numbers=np.delete(lines.row_numbers, bad),
        ragged=tuple(sorted(ragged + lines.unclosed, key=lambda row: row.row_number)),
    )


def _utf8(source: SourceFile, mapping: Mapping) -> bytes:
    """The source's text as UTF-8 without byte order mark and with plain newlines."""
    for signature, (what, hint) in _SIGNATURES.items():
        if source.data.startswith(signature):
            raise UnreadableSource(f"{source.name} is {what}, not delimited text.", hint=hint)
    encoding = mapping.csv.encoding
    for mark, actual in _BYTE_ORDER_MARKS.items():
        if source.data.startswith(mark) and "16" not in encoding:
            raise UnreadableSource(
                f"{source.name} begins with the byte order mark of {actual}, not {encoding}.",
                hint=f"Set csv: {{encoding: {actual}}} in the mapping.",
            )
    try:
        text = source.data.decode(encoding)
    except UnicodeDecodeError as error:
        line = source.data.count(b"\n", 0, error.start) + 1
        raise UnreadableSource(
            f"{source.name} is no {encoding} text: byte 0x{source.data[error.start]:02x} at offset {error.start:,} "
            f"(line {line:,}).",
            hint="Set csv: {encoding: ...} in the mapping: gb18030 for most Chinese exports, cp1252 for western ones.",
        ) from error
    data = source.data if encoding == "utf-8" else text.encode()
    position = data.find(b"\x00")
    if position >= 0:
        raise UnreadableSource(
            f"{source.name} is binary: a zero byte at offset {position:,}.", hint="Is this the right file?"
        )
    data = data.removeprefix(b"\xef\xbb\xbf")
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in data else data


def _header_names(header: str, delimiter: str, source: str) -> list[str]:
    names = next(csv.reader([header], delimiter=delimiter), [])
    if not any(names):
        raise UnreadableSource(f"{source} has no header line.", hint="The first line must name the columns.")
    return names


def _resolve(mapping: Mapping, names: list[str], source: str) -> dict[str, ColumnSource]:
    try:
        return resolve_columns(mapping, names, source)
    except ContractViolated as error:
        header = names[0] if len(names) == 1 else ""
        others = [mark for mark in OTHER_DELIMITERS if mark in header and mark != mapping.csv.delimiter]
        if not others:
            raise
        mark = max(others, key=header.count)
        raise ContractViolated(
            f"The header of {source} is not parted by {mapping.csv.delimiter!r}: {header[:80]!r}.",
            hint=f"It contains {OTHER_DELIMITERS[mark]}; set csv: {{delimiter: {mark!r}}} in the mapping.",
        ) from error


def _split(rest: bytes) -> _Lines:
    """Lines of the body, less those whose quotation does not close (the parser would swallow what follows)."""
    if not rest.endswith(b"\n"):
        rest += b"\n"
    data = np.frombuffer(rest, dtype=np.uint8)
    ends = np.flatnonzero(data == NEWLINE)
    starts = np.concatenate(([0], ends[:-1] + 1))
    filled = ends > starts
    numbers = np.arange(1, len(ends) + 1, dtype=np.int64)
    quotes = np.flatnonzero(data == QUOTE)
    if not len(quotes):
        return _Lines(body=rest, row_numbers=numbers[filled], unclosed=())
    odd = np.bincount(np.searchsorted(ends, quotes), minlength=len(ends)) % 2 == 1
    unclosed = tuple(
        RaggedRow(row_number=int(numbers[at]), text=rest[starts[at] : ends[at]].decode()[:200])
        for at in np.flatnonzero(odd)
    )
    if unclosed:
        inside = np.repeat(~odd, ends - starts + 1)
        rest = data[inside].tobytes()
    return _Lines(body=rest, row_numbers=numbers[filled & ~odd], unclosed=unclosed)


def _parse(
    body: bytes, names: list[str], wanted: list[str], mapping: Mapping
) -> tuple[pa.Table, list[tuple[int, str]]]:
    """The wanted columns as text, and the number (from 1) and text of each line that does not split into `names`."""
    rejected: list[tuple[int, str]] = []

    def keep(row: pa_csv.InvalidRow) -> str:
        rejected.append((row.number, row.text))
        return "skip"

    if not body.strip(b"\n"):
        return pa.table({name: pa.array([], pa.string()) for name in wanted}), rejected
    unique = [name or f"(column {position})" for position, name in enumerate(names, start=1)]
    table = pa_csv.read_csv(
        pa.BufferReader(body),
        # Row numbers are given to the handler of invalid rows by the single-threaded reader only.
        read_options=pa_csv.ReadOptions(use_threads=False, column_names=unique),
        parse_options=pa_csv.ParseOptions(
            delimiter=mapping.csv.delimiter, invalid_row_handler=keep, newlines_in_values=True
        ),
        convert_options=pa_csv.ConvertOptions(
            include_columns=wanted,
            column_types=dict.fromkeys(wanted, pa.string()),
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
            null_values=list(mapping.csv.null_values),
        ),
    )
    return table, rejected
