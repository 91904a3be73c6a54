"""A year of a steel plant through the same door and formulas as any machine: its energy features at each month's end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from api.database.engine import unit_of_work
from api.home import open_home
from api.snapshots import service as snapshots
from api.telemetry.service import ingest_file
from data_contracts.mapping import load_mapping
from data_contracts.observations.reader import ObservationReader
from features.as_of import feature_matrix, load_machine_days
from features.history import Level

SOURCE = "steel_energy/Steel_industry_data.csv"
OBLIGOR = "91999999MA00000053"
PLANT = "PLANT"
INTERVAL = pd.Timedelta(minutes=15)
HOURS = INTERVAL / pd.Timedelta(hours=1)
KEYS = (
    "kwh_per_executing_hour_30d",
    "idle_energy_share_30d",
    "load_factor_30d",
    "operating_rate_30d",
    "operating_rate_volatility_30d",
    "coverage_30d",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SteelYear:
    """What admission counted, each day's kWh by the roll-up and straight from the file, and features by month's end."""

    rows_read: int
    rows_admitted: int
    rows_quarantined: int
    days: Sequence[date]
    kwh: Sequence[float]
    executing_hours: Sequence[float]
    file_kwh: Sequence[float]
    features: Mapping[str, Mapping[str, float | None]]
    """By ISO date of the as-of, then by key."""

    @property
    def largest_difference_kwh(self) -> float:
        """Between a day's energy by the roll-up and straight from the file."""
        return max(abs(ours - theirs) for ours, theirs in zip(self.kwh, self.file_kwh, strict=True))


def prepared(source: Path) -> pd.DataFrame:
    """The file as the mapping reads it: the start of each interval, its mean kW and load type.

    Stamps are dd/mm/yyyy and mark the end of an interval; 00:00 is the end of the date that it bears.
    """
    rows = pd.read_csv(source, encoding="utf-8-sig")
    stamp = pd.to_datetime(rows["date"], format="%d/%m/%Y %H:%M")
    ends = stamp + pd.to_timedelta((stamp.dt.strftime("%H:%M") == "00:00").astype(int), unit="D")
    return pd.DataFrame(
        {
            "plant": PLANT,
            "interval_starts": (ends - INTERVAL).dt.strftime("%Y-%m-%d %H:%M:%S"),
            "mean_kw": rows["Usage_kWh"] / HOURS,
            "load_type": rows["Load_Type"],
        }
    )


def steel_year(source: Path, folder: Path) -> SteelYear:
    """Ingest the year, roll it up, and compute the plant's features at the end of each month."""
    rows = prepared(source)
    file = folder / "steel.csv"
    rows.to_csv(file, index=False)
    home = open_home(folder / "steel")
    mapping = load_mapping("steel_energy")
    result = ingest_file(home, file, mapping=mapping, obligor=OBLIGOR, received_time=datetime.now(UTC))
    month_ends = pd.date_range("2018-02-01", "2019-01-01", freq="MS", tz=mapping.site_zone)
    with unit_of_work(home.engine) as connection:
        reader = snapshots.reader(connection, home)
        machine_days, _ = load_machine_days(reader, as_of=month_ends[-1].to_pydatetime())
        features = {str(end.date()): _features(reader, end.to_pydatetime()) for end in month_ends}
    home.engine.dispose()
    table = machine_days.table.to_pandas()
    by_day = rows.assign(day=rows["interval_starts"].str[:10]).groupby("day")["mean_kw"].sum() * HOURS
    return SteelYear(
        rows_read=result.rows_read,
        rows_admitted=result.rows_admitted,
        rows_quarantined=result.rows_quarantined,
        days=table["day"].tolist(),
        kwh=table["energy_kwh"].tolist(),
        executing_hours=(table["executing_seconds"] / 3600).tolist(),
        file_kwh=by_day.reindex(table["day"].astype(str)).tolist(),
        features=features,
    )


def _features(reader: ObservationReader, as_of: datetime) -> dict[str, float | None]:
    matrix = feature_matrix(
        reader,
        as_of=as_of,
        level=Level.MACHINE,
        parameters=snapshots.feature_parameters(),
    )
    row = dict(zip(matrix.names, matrix.values[0], strict=True))
    return {key: None if np.isnan(row[key]) else float(row[key]) for key in KEYS}
