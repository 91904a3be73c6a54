"""Machine-days as arrays to be watched: one row an obligor or a machine, one column a day up to today."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

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
    first = np.datetime64(today) - np.timedelta64(days - 1, "D")
    wanted = pc.and_(
        pc.is_in(machine_days["obligor_id"], value_set=pa.array(list(obligors), pa.string())),
        pc.and_(
            pc.greater_equal(machine_days["day"], pa.scalar(first.item(), pa.date32())),
            pc.less_equal(machine_days["day"], pa.scalar(today, pa.date32())),
        ),
    )
    names = [*dict.fromkeys(["obligor_id", by]), "day", "observed_seconds", "unknown_seconds", *TOLD]
    frame = machine_days.filter(wanted).select(names).to_pandas()
    columns = ((pd.to_datetime(frame["day"]).to_numpy() - first) / np.timedelta64(1, "D")).astype(np.int64)
    frame, columns, owner = _of_present_owners(frame, columns, by)
    units = sorted(obligors) if by == "obligor_id" else sorted(owner)
    place = {unit: row for row, unit in enumerate(units)}
    rows = frame[by].map(place).to_numpy(np.int64)
    shape = (len(units), days)
    observed = frame["observed_seconds"].to_numpy(np.float64)
    measures = {
        name: _summed(frame[name].to_numpy(np.float64), rows, columns, shape, is_told=observed > 0) for name in TOLD
    }
    measures["observed_seconds"] = np.nan_to_num(_summed(observed, rows, columns, shape, is_told=observed >= 0))
    owned = observed + frame["unknown_seconds"].to_numpy(np.float64)
    measures["owned_seconds"] = np.nan_to_num(_summed(owned, rows, columns, shape, is_told=owned > 0))
    owners = [owner.get(unit, unit) for unit in units]
    return Watched(
        units=units,
        owners=owners,
        industry=np.array([industry.get(obligor, -1) for obligor in owners], dtype=np.int64),
        today=today,
        measures=measures,
    )


def _of_present_owners(frame: pd.DataFrame, columns: Ints, by: str) -> tuple[pd.DataFrame, Ints, dict[str, str]]:
    """Rows of each machine under the owner of its last day, that owner by machine; of obligors all rows."""
    if by == "obligor_id":
        return frame, columns, {}
    last = frame.assign(column=columns).sort_values("column", kind="stable").drop_duplicates(by, keep="last")
    owner: dict[str, str] = dict(zip(last[by], last["obligor_id"], strict=True))
    kept = (frame["obligor_id"] == frame[by].map(owner)).to_numpy(np.bool_)
    return frame[kept], columns[kept], owner


def _summed(
    values: Floats, rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int], *, is_told: np.ndarray
) -> Floats:
    """(unit, day) sums of what is told; NaN where nothing is."""
    told = is_told & ~np.isnan(values)
    flat = rows[told] * shape[1] + columns[told]
    size = shape[0] * shape[1]
    total = np.bincount(flat, weights=values[told], minlength=size)
    count = np.bincount(flat, minlength=size)
    return np.asarray(np.where(count > 0, total, np.nan).reshape(shape))
