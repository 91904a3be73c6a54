"""A lender's own table: what is the outcome, what the time, who belongs together, and what may be learnt from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from numpy.typing import NDArray

from data_contracts.errors import InvalidMachineType
from features.machine_types import MachineTypes, parse_machine_types
from scoring.errors import TableInvalid
from scoring.table.encoding import is_text

Stamps = NDArray[np.datetime64]
Mask = NDArray[np.bool_]

OLDEST_YEAR, LATEST_YEAR = 1900, 2200
TRUTHS = {"1": True, "0": False, "true": True, "false": False}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Table:
    """Columns to learn from (n rows), outcomes (n), times (n, or None), each row's group (n), its industry and the
    types of its machines (n, None where empty; or None)."""

    frame: pd.DataFrame
    outcome: Mask
    times: Stamps | None
    groups: tuple[str, ...]
    sha256: str
    divisions: tuple[str | None, ...] | None = None
    machine_types: tuple[MachineTypes | None, ...] | None = None

    def rows(self, chosen: NDArray[np.int64]) -> Table:
        """The chosen rows, in that order."""
        return Table(
            frame=self.frame.iloc[chosen],
            outcome=self.outcome[chosen],
            times=None if self.times is None else self.times[chosen],
            groups=tuple(self.groups[row] for row in chosen),
            sha256=self.sha256,
            divisions=None if self.divisions is None else tuple(self.divisions[row] for row in chosen),
            machine_types=None if self.machine_types is None else tuple(self.machine_types[row] for row in chosen),
        )


def read_table(
    path: Path,
    *,
    outcome: str,
    time: str | None = None,
    group: str | None = None,
    exclude: Sequence[str] = (),
    division: str | None = None,
    machine_types: str | None = None,
    unless: str | None = None,
) -> Table:
    """Read a CSV or Parquet file. Without `group`, every row is its own; `division` tells industries and
    `machine_types` types of machines, which are not learnt from; rows where `unless` is true (their outcome is not
    known yet) are left out.

    Raises TableInvalid, naming the column and the first value at fault.
    """
    frame = read_frame(path)
    aside = (outcome, time, group, division, machine_types, unless, *exclude)
    for column in filter(None, aside):
        if column not in frame.columns:
            raise TableInvalid(
                f"{path.name} has no column {column!r}.", hint=f"Its columns are: {', '.join(frame.columns)}."
            )
    if unless is not None:
        frame = frame[~frame[unless].astype(bool)].reset_index(drop=True)
    named = {name for name in aside if name}
    if not len(frame) or set(frame.columns) <= named:
        raise TableInvalid(
            f"{path.name} has {len(frame)} rows and {len(frame.columns)} columns: nothing to learn from."
        )
    return Table(
        frame=frame.drop(columns=list(named)),
        outcome=_outcomes(frame[outcome]),
        times=None if time is None else _times(frame[time]),
        groups=tuple(str(value) for value in (frame.index if group is None else _known(frame[group]))),
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        divisions=None if division is None else tuple(None if pd.isna(told) else str(told) for told in frame[division]),
        machine_types=None if machine_types is None else tuple(_types(frame[machine_types])),
    )


def read_signs(path: Path, columns: Sequence[str]) -> dict[str, int]:
    """A YAML or JSON file of column: +1 (more is riskier), -1 or 0. Raises TableInvalid."""
    signs = _mapping(path, hint="One line a column: revenue: -1")
    for column, sign in signs.items():
        if column not in columns:
            raise TableInvalid(f"{path.name} names {column!r}, which is no column to learn from.")
        if sign not in (-1, 0, 1) or isinstance(sign, bool):
            raise TableInvalid(f"{path.name} gives {column} the sign {sign!r}.", hint="A sign is +1, -1 or 0.")
    return {str(column): int(sign) for column, sign in signs.items()}


def read_families(path: Path, columns: Sequence[str]) -> dict[str, str]:
    """A YAML or JSON file of family: [columns]; a column is of one family at most. Raises TableInvalid."""
    told = _mapping(path, hint="One line a family: accounts: [revenue, debt]")
    families: dict[str, str] = {}
    for family, members in told.items():
        for column in members if isinstance(members, list) else [members]:
            if column not in columns:
                raise TableInvalid(f"{path.name} names {column!r}, which is no column to learn from.")
            if column in families:
                raise TableInvalid(f"{path.name} names {column!r} in {families[column]!r} and in {family!r}.")
            families[str(column)] = str(family)
    return families


def read_frame(path: Path) -> pd.DataFrame:
    """A CSV or Parquet file as it is. Raises TableInvalid."""
    try:
        if path.suffix == ".parquet":
            frame = pd.read_parquet(path)
        else:
            frame = pd.read_csv(path, low_memory=False, encoding="utf-8-sig")
    except (OSError, ValueError, pd.errors.ParserError) as error:
        raise TableInvalid(f"{path} cannot be read: {error}.", hint="Bring a CSV file in UTF-8, or Parquet.") from error
    repeated = frame.columns[frame.columns.duplicated()]
    if len(repeated):
        raise TableInvalid(f"{path.name} has two columns {repeated[0]!r}.")
    return frame.rename(columns=str)


def _mapping(path: Path, *, hint: str) -> Mapping[Any, Any]:
    try:
        told = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise TableInvalid(f"{path.name} cannot be read: {error}.", hint=hint) from error
    if not isinstance(told, Mapping):
        raise TableInvalid(f"{path.name} is no mapping.", hint=hint)
    return told


def _outcomes(column: pd.Series) -> Mask:
    told = [TRUTHS.get(_plain(value)) for value in column]
    for row, value in enumerate(told):
        if value is None:
            raise TableInvalid(
                f"Outcome {column.name} is {str(column.iloc[row])!r} in row {row + 1}.",
                hint="An outcome is 1 (it happened) or 0, and known: leave out rows whose outcome is not.",
            )
    outcome = np.array(told, dtype=bool)
    if outcome.all() or not outcome.any():
        raise TableInvalid(f"Outcome {column.name} is the same in all {len(outcome)} rows.")
    return outcome


def _plain(value: object) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip().lower()


def _times(column: pd.Series) -> Stamps:
    """ISO dates or instants, or years."""
    known = _known(column)
    try:
        if not is_text(known) and known.between(OLDEST_YEAR, LATEST_YEAR).all():
            known = known.astype("int64").astype("string") + "-01-01"
        stamps = pd.to_datetime(known, utc=True, format="ISO8601")
    except (ValueError, TypeError) as error:
        raise TableInvalid(
            f"Time {column.name} cannot be read: {error}.", hint="Times are years, or ISO dates: 2024-03-31"
        ) from error
    return np.asarray(stamps.dt.tz_localize(None).to_numpy(dtype="datetime64[us]"))


def _types(column: pd.Series) -> Iterator[MachineTypes | None]:
    for row, told in enumerate(column):
        try:
            yield None if pd.isna(told) else parse_machine_types(str(told))
        except InvalidMachineType as error:
            where = f"Column {column.name} in row {row + 1}"
            raise TableInvalid(f"{where}: {error.message}", hint=error.hint) from error


def _known(column: pd.Series) -> pd.Series:
    if column.isna().any():
        row = int(np.flatnonzero(column.isna())[0])
        raise TableInvalid(f"Column {column.name} is empty in row {row + 1}.", hint="Every row needs one.")
    return column
