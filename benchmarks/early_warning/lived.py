"""A simulated world as a watcher sees it: machine-days by the day on which they were recorded; and its truth apart."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

import simulator
from scoring.monitoring.watched import TOLD, Watched, watched

MONTHS = 48
MACHINES = 1.5
ZONE = ZoneInfo("Asia/Shanghai")
DAY_SECONDS = 86_400.0
READ = ("machine_uid", "day", "recorded_time", "unknown_seconds", *TOLD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What nobody knows: the exact probability of default of each firm at each month's end, and every default."""

    pd_12m: pd.DataFrame
    """Columns obligor_id, day (the last of the month), pd_12m_true."""
    defaulted_on: dict[str, date]


@dataclass(frozen=True, slots=True, kw_only=True)
class LivedWorld:
    """Machine-days in order of days, with who owned the machine then and when the day was recorded."""

    seed: int
    days: pa.Table
    numbers: NDArray[np.int64]
    industry: dict[str, int]
    instalments: pd.DataFrame
    """Every version of each, in order of recording."""

    def dues(self, today: date, days: int) -> pd.DataFrame:
        """Instalments that fell due in the last days, as known on the morning after `today`."""
        due, rows = self.instalments["due_date"], self.instalments
        is_due = (due > pd.Timestamp(today) - pd.Timedelta(days=days)) & (due <= pd.Timestamp(today))
        known = rows[is_due & (rows["recorded_time"] <= _morning_after(today))]
        return known.drop_duplicates(["obligor_id", "facility_id", "instalment"], keep="last")

    def seen(self, today: date, firms: list[str], days: int, by: str) -> Watched:
        """What was known on the morning after `today` of these firms' last days."""
        last = (today - date(1970, 1, 1)).days
        begin, end = np.searchsorted(self.numbers, [last - days + 1, last + 1])
        morning = _morning_after(today)
        table = self.days.slice(begin, end - begin)
        table = table.filter(pc.less_equal(table["recorded_time"], pa.scalar(morning, table["recorded_time"].type)))
        return watched(table, obligors=firms, industry=self.industry, today=today, days=days, by=by)


def _morning_after(today: date) -> datetime:
    return datetime.combine(today + timedelta(days=1), time(2), tzinfo=ZONE)


def lived(seed: int, obligors: int) -> tuple[LivedWorld, Truth]:
    """Simulate a base world; what it tells, and its truth."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "world"
        simulator.simulate(
            obligors=obligors,
            months=MONTHS,
            seed=seed,
            out=folder,
            samples_for=0,
            machines_per_obligor=MACHINES,
            threads=1,
        )
        return read_world(folder, seed)


def read_world(folder: Path, seed: int) -> tuple[LivedWorld, Truth]:
    """What a simulated world's folder tells, and its truth."""
    return _told(folder, seed), _truth(folder)


def _told(folder: Path, seed: int) -> LivedWorld:
    files = sorted((folder / "machine_day_report").glob("*.parquet"))
    table = pa.concat_tables([pq.read_table(file, columns=list(READ)) for file in files])
    table = table.take(pc.sort_indices(table["day"]))
    numbers = table["day"].cast(pa.int32()).to_numpy().astype(np.int64)
    table = table.append_column("observed_seconds", pc.subtract(DAY_SECONDS, table["unknown_seconds"]))
    table = table.append_column("obligor_id", _owners(folder, table["machine_uid"], numbers))
    profiles = pd.read_csv(folder / "obligor_profile.csv", dtype=str)
    codes, _ = pd.factorize(profiles["industry_division"], sort=True)
    return LivedWorld(
        seed=seed,
        days=table,
        numbers=numbers,
        industry=dict(zip(profiles["obligor_id"], codes.tolist(), strict=True)),
        instalments=_instalments(folder),
    )


def _instalments(folder: Path) -> pd.DataFrame:
    rows = pd.concat([pd.read_csv(file) for file in sorted(folder.glob("repayment*.csv"))])
    dates = {name: pd.to_datetime(rows[name]) for name in ("due_date", "paid_date", "recorded_time")}
    return rows.assign(**dates).sort_values("recorded_time", kind="stable")


def _owners(folder: Path, machine_uids: pa.ChunkedArray, days: NDArray[np.int64]) -> pa.Array:
    """Who owned each machine on each day: of its owners' rows the last that had begun by then."""
    read = [pd.read_csv(file, dtype=str) for file in sorted(folder.glob("machine_ownership*.csv"))]
    rows = pd.concat(read)[["machine_uid", "obligor_id", "event_time"]].drop_duplicates()
    begun = pd.to_datetime(rows["event_time"]).dt.tz_convert(ZONE).dt.tz_localize(None)
    rows = rows.assign(begun=begun.to_numpy().astype("datetime64[D]").astype(np.int64)).sort_values("begun")
    asked = pd.DataFrame({"machine_uid": machine_uids.to_numpy(), "begun": days})
    joined = pd.merge_asof(asked, rows[["machine_uid", "begun", "obligor_id"]], on="begun", by="machine_uid")
    return pa.array(joined["obligor_id"].to_numpy(object), pa.string())


def _truth(folder: Path) -> Truth:
    months = pq.read_table(folder / "truth" / "obligor_month.parquet", columns=["obligor_id", "as_of", "pd_12m_true"])
    frame = months.to_pandas()
    frame["day"] = [moment.astimezone(ZONE).date() - timedelta(days=1) for moment in frame["as_of"]]
    defaults = pq.read_table(folder / "truth" / "default.parquet")
    moments = zip(defaults["obligor_id"].to_pylist(), defaults["event_time"].to_pylist(), strict=True)
    return Truth(
        pd_12m=frame[["obligor_id", "day", "pd_12m_true"]],
        defaulted_on={firm: moment.astimezone(ZONE).date() for firm, moment in moments},
    )
