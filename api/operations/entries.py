"""Lists as operators hand them in: the options of one call, or a CSV file whose columns are named like the options."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from data_contracts.adapters.source import open_source
from data_contracts.errors import InputError

FAULTS_SHOWN = 20

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing to add: its texts by name (none of them empty), and where it stands (empty for options)."""

    texts: Mapping[str, str]
    place: str = ""

    def text(self, name: str) -> str | None:
        """What was said for `name`, if anything."""
        return self.texts.get(name)

    def need(self, name: str) -> str:
        """What was said for `name`. Raises InputError where nothing was."""
        text = self.texts.get(name)
        if text is None:
            said = f"column {name}" if self.place else f"option --{name.replace('_', '-')}"
            raise InputError(f"The {said} is missing.", hint="It is needed; --help lists what is.")
        return text


def entries(file: Path | None, options: Mapping[str, str | None], *, names: Sequence[str]) -> list[Entry]:
    """The rows of `file`, or the one entry that the options make. Raises InputError where both or neither are given."""
    given = {name: text.strip() for name, text in options.items() if text is not None and text.strip()}
    if file is None:
        return [Entry(texts=given)]
    if given:
        raise InputError(
            f"--file and --{min(given).replace('_', '-')} exclude each other.",
            hint="A file says everything in its columns; options describe one thing.",
        )
    return _rows(file, names)


def read_all(listed: Iterable[Entry], read: Callable[[Entry], T]) -> list[T]:
    """Every entry as `read` understands it. Raises one InputError that names each entry that it does not.

    A list is taken whole or not at all, so that it can be mended and handed in again.
    """
    done: list[T] = []
    faults: list[tuple[str, InputError]] = []
    for entry in listed:
        try:
            done.append(read(entry))
        except InputError as error:
            faults.append((entry.place, error))
    if not faults:
        return done
    place, first = faults[0]
    if not place:
        raise first
    lines = [f"{place}: {error}" for place, error in faults[:FAULTS_SHOWN]]
    more = [f"and {len(faults) - FAULTS_SHOWN} more"] if len(faults) > FAULTS_SHOWN else []
    raise InputError("Nothing was added.\n" + "\n".join([*lines, *more]))


def _rows(file: Path, names: Sequence[str]) -> list[Entry]:
    source = open_source(file)
    try:
        text = source.data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{file.name} is no UTF-8 text (byte {error.start}).", hint="Save it as CSV UTF-8.") from error
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise InputError(f"{file.name} is no CSV: {error}.", hint="Save it as CSV UTF-8, parted by commas.") from error
    header = [name.strip() for name in lines[0]] if lines else []
    _check_header(file.name, header, names)
    found = [
        _row(file.name, number, header, line)
        for number, line in enumerate(lines[1:], start=1)
        if any(map(str.strip, line))
    ]
    if not found:
        raise InputError(f"{file.name} has no row after its header.", hint="One row for each thing to add.")
    return found


def _check_header(source: str, header: Sequence[str], names: Sequence[str]) -> None:
    unknown = [name for name in header if name not in names]
    twice = sorted({name for name in header if header.count(name) > 1})
    if unknown or twice:
        wrong = f"an unknown column {unknown[0]!r}" if unknown else f"column {twice[0]!r} twice"
        raise InputError(f"The header of {source} has {wrong}.", hint=f"Columns: {', '.join(names)}.")


def _row(source: str, number: int, header: Sequence[str], line: Sequence[str]) -> Entry:
    place = f"row {number} of {source}"
    if len(line) != len(header):
        raise InputError(f"{place} has {len(line)} cells; the header has {len(header)}.", hint="Quote commas in texts.")
    return Entry(
        texts={name: cell.strip() for name, cell in zip(header, line, strict=True) if cell.strip()}, place=place
    )
