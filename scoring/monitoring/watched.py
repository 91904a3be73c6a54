"""Machine-days as arrays to be watched: one row an obligor or a machine, one column a day up to today."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

EPOCH = date(1970, 1, 1)

TOLD = (
    "executing_seconds",
    "parts",
    "scrap_parts",
    "energy_kwh",
    "fault_seconds",
    "fault_starts",
    "maintenance_seconds",
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Watched:
    """Units over days up to today: `measures` by name (`TOLD`, `observed_seconds`, `owned_seconds`), each (unit, day)
    with NaN where nothing was told; `industry` (unit,); `owners` the obligor that has each unit."""

    units: Sequence[str]
    owners: Sequence[str]
    industry: Ints
    today: date
    measures: Mapping[str, Floats]


def watched(
    machine_days: pa.Table, *, obligors: Sequence[str], industry: Mapping[str, int], today: date, days: int, by: str
) -> Watched:
    """The last `days` days of these obligors' units, `by` obligor_id or machine_uid. A measure of a day on which
    nothing was observed is not told; a unit of several machines is told where one of them is. A machine that changed
    hands is its present owner's, with the days that it has worked there."""
    column = (machine_days["day"].cast(pa.int32()).to_numpy() - (today - EPOCH).days + days - 1).astype(np.int64)
    firm, firms = _coded(machine_days["obligor_id"])
    is_asked = np.isin(firms, list(obligors))[firm] if len(firms) else np.zeros(0, np.bool_)
    kept = np.flatnonzero(is_asked & (column >= 0) & (column < days))
    if by == "obligor_id":
        unit, names, owner = firm, firms, dict[str, str]()
        units = sorted(obligors)
    else:
        unit, names = _coded(machine_days[by])
        owner, kept = _of_present_owners(unit, firm, column, kept, names=names, firms=firms)
        units = sorted(owner)
    place = {name: number for number, name in enumerate(units)}
    row = np.array([place.get(name, -1) for name in names], np.int64)[unit]
    shape = (len(units), days)
    flat = row[kept] * days + column[kept]
    told = {name: _told(machine_days[name], kept) for name in ("observed_seconds", "unknown_seconds", *TOLD)}
    observed = told["observed_seconds"]
    measures = {name: _summed(np.where(observed > 0, told[name], np.nan), flat, shape) for name in TOLD}
    measures["observed_seconds"] = np.nan_to_num(_summed(observed, flat, shape))
    measures["owned_seconds"] = np.nan_to_num(_summed(observed + told["unknown_seconds"], flat, shape))
    owners = [owner.get(unit, unit) for unit in units]
    return Watched(
        units=units,
        owners=owners,
        industry=np.array([industry.get(obligor, -1) for obligor in owners], dtype=np.int64),
        today=today,
        measures=measures,
    )


def _coded(names: pa.ChunkedArray) -> tuple[Ints, NDArray[np.object_]]:
    """Each row's place among the distinct names, and these."""
    encoded = names.combine_chunks().dictionary_encode()
    encoded = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
    return encoded.indices.to_numpy().astype(np.int64), encoded.dictionary.to_numpy(zero_copy_only=False)


def _of_present_owners(
    machine: Ints,
    firm: Ints,
    column: Ints,
    kept: Ints,
    *,
    names: NDArray[np.object_],
    firms: NDArray[np.object_],
) -> tuple[dict[str, str], Ints]:
    """The owner of each machine's last day by machine, and of the rows those under that owner."""
    order = kept[np.argsort(column[kept], kind="stable")]
    last = np.full(len(names), -1, np.int64)
    last[machine[order]] = firm[order]  # of several rows of a machine the latest stays
    owner = {str(names[place]): str(firms[last[place]]) for place in np.flatnonzero(last >= 0)}
    return owner, kept[firm[kept] == last[machine[kept]]]


def _told(values: pa.ChunkedArray, kept: Ints) -> Floats:
    """The values at these rows; NaN where none was told."""
    told: Floats = values.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return told[kept]


def _summed(values: Floats, flat: Ints, shape: tuple[int, int]) -> Floats:
    """(unit, day) sums of what is told; NaN where nothing is."""
    told = ~np.isnan(values)
    size = shape[0] * shape[1]
    total = np.bincount(flat[told], weights=values[told], minlength=size)
    is_told = np.zeros(size, np.bool_)
    is_told[flat[told]] = True
    return np.asarray(np.where(is_told, total, np.nan).reshape(shape))
