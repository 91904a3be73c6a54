"""What every file adapter hands on: a raw table under the source's own column names, with row numbers."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from data_contracts.contract import SetBy, load_contract
from data_contracts.errors import ContractViolated, UnreadableSource
from data_contracts.mapping import ColumnSource, Mapping, RecordedColumn

PARQUET_MAGIC = b"PAR1"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """The bytes of a source, read once, so that the hash is of what was parsed."""

    name: str
    data: bytes
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RaggedRow:
    """A line that does not split into the header's columns."""

    row_number: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RawTable:
    """A source before any meaning: `table` holds the mapped columns under their source names, text or typed.

    `targets` says which canonical value each source column gives; `row_numbers` (one per row of `table`) count from 1,
    the first row after the header; `ragged` are lines that could not be split.
    """

    source: SourceFile
    table: pa.Table
    targets: MappingOf[str, ColumnSource]
    row_numbers: NDArray[np.int64]
    ragged: tuple[RaggedRow, ...]

    @property
    def rows_read(self) -> int:
        """Every row of the source, ragged ones included."""
        return int(self.table.num_rows) + len(self.ragged)


def open_source(path: Path) -> SourceFile:
    """The bytes of the file at `path`. Raises UnreadableSource when it is missing, a folder, unreadable or empty."""
    if path.is_dir():
        raise UnreadableSource(
            f"{path.name} is a folder, not a file.",
            hint="A folder is ingested by its manifest.json, without a mapping.",
        )
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise UnreadableSource(f"There is no file {path.name}.", hint="Check the path.") from error
    except OSError as error:
        raise UnreadableSource(f"{path.name} cannot be read: {error.strerror}.") from error
    return source_of(path.name, data)


def source_of(name: str, data: bytes) -> SourceFile:
    """A source by its bytes. Raises UnreadableSource where there are none."""
    if not data:
        raise UnreadableSource(f"{name} is empty (0 bytes).", hint="Was the export or the transfer cut off?")
    return SourceFile(name=name, data=data, sha256=hashlib.sha256(data).hexdigest())


def check_names_are_unique(names: Sequence[str], source: str) -> None:
    """Raises ContractViolated naming every column name that occurs more than once."""
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ContractViolated(
            f"{source} has more than one column named {', '.join(map(repr, repeated))}.",
            hint="Rename one of them; which was meant cannot be guessed.",
        )


def resolve_columns(mapping: Mapping, names: Sequence[str], source: str) -> dict[str, ColumnSource]:
    """Which column of the source gives which canonical value.

    Raises ContractViolated when mapped or required columns are missing, naming near matches, or when a canonical
    file has columns that its contract does not know.
    """
    named = mapping.columns
    targets = _canonical_targets(mapping, names, source) if isinstance(named, str) else dict(named)
    if isinstance(mapping.recorded_time, RecordedColumn):
        targets["recorded_time"] = ColumnSource(column=mapping.recorded_time.column)
    missing = sorted({target.column for target in targets.values()} - set(names))
    if missing:
        guesses = [f"{near!r} for {name!r}" for name in missing if (near := _nearest(name, names))]
        raise ContractViolated(
            f"{source} lacks {', '.join(map(repr, missing))}, which mapping {mapping.name} needs; "
            f"it has {', '.join(map(repr, names))}.",
            hint=f"Was {' and '.join(guesses)} meant?" if guesses else "Name the source's own columns in the mapping.",
        )
    return targets


def _canonical_targets(mapping: Mapping, names: Sequence[str], source: str) -> dict[str, ColumnSource]:
    contract = load_contract(mapping.kind)
    strangers = sorted(set(names) - set(contract.names))
    if strangers:
        near = [repr(match) for name in strangers if (match := _nearest(name, contract.names))]
        raise ContractViolated(
            f"{source} has {', '.join(map(repr, strangers))}, unknown to the contract of {mapping.kind}.",
            hint=f"Was {' and '.join(near)} meant?"
            if near
            else "Drop them, or write a mapping that names its columns.",
        )
    spoken = {column.name: column for column in contract.columns if column.set_by is SetBy.SOURCE}
    needed = {name for name, column in spoken.items() if column.required} - {"obligor_id"}
    return {name: ColumnSource(column=name) for name in spoken if name in names or name in needed}


def _nearest(name: str, names: Sequence[str]) -> str | None:
    """The name that was probably meant, whatever its case."""
    folded = {other.casefold(): other for other in names}
    found = difflib.get_close_matches(name.casefold(), list(folded), n=1)
    return folded[found[0]] if found else None
