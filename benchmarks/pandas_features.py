"""Features as one would write them in plain pandas: as known at an instant, groupby and merge_asof, a window at a time.

The reference of `benchmarks.training_set`: written to be read, from the same rows. It makes what one frame of an
obligor's days gives: shares, rates, logarithms, slopes, spreads and peaks. It knows daily reports of one site zone; what
`features` does beyond that it leaves out: ledgers, single machines and fleets, peers, holidays and what is freed of them,
likes of days a year before, samples, several zones, and measures that the simulated gateways do not report.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from data_contracts.contract import RecordKind
from data_contracts.identifiers import ObligorId
from data_contracts.observations.reader import ObservationReader
from features.declaration import HISTORY_DAYS
from features.settings import FeatureSettings, settings_at, shipped_parameters

ALL = (7, 30, 90)
YEAR = 365
RATIOS = {
    "power_on_rate": ("powered", "observed", ALL),
    "operating_rate": ("executing_seconds", "observed", ALL),
    "utilisation": ("executing_seconds", "powered", ALL),
    "setup_time_share": ("setup_seconds", "powered", ALL),
    "idle_time_share": ("idle_seconds", "powered", ALL),
    "fault_time_share": ("fault_seconds", "powered", ALL),
    "active_day_share": ("active", "seen", ALL),
    "executing_hours_per_day": ("executing_hours", "owned_days", ALL),
    "kwh_per_executing_hour": ("energy_kwh", "metered_hours", ALL),
    "idle_energy_share": ("energy_idle_kwh", "energy_kwh", ALL),
    "load_factor": ("peaked_kwh", "peak_kwh", ALL),
    "mtbf": ("watched_hours", "fault_starts", ALL),
    "shift_depth": ("executing_hours", "active", (30, 90)),
    "scrap_ratio": ("scrap_parts", "inspected", (30, 90)),
    "quality_ratio": ("good", "inspected", (90,)),
    "undisturbed_share": ("executing_seconds", "disturbed", (90,)),
    "weekend_share": ("weekend_seconds", "executing_seconds", (90,)),
}
"""Sums over the window, one over the other: numerator, denominator, windows."""
NEED_COVERAGE = ("operating_rate_vs_year_90d", "operating_rate_drawdown_365d", "months_below_peak_365d")
NAMES = (
    *(f"{name}_{days}d" for name, (_, _, windows) in RATIOS.items() for days in windows),
    *(f"{name}_{days}d" for name in ("coverage", "failure_rate") for days in ALL),
    *("fault_hours_90d", "repeat_fault_share_90d", "log_output_90d", "log_energy_90d", "base_load_ratio_90d"),
    *(f"{name}_{days}d" for name in ("operating_rate_slope", "operating_rate_volatility") for days in (30, 90)),
    *("active_machines_change_30d", "output_to_peak_30d"),
    *NEED_COVERAGE,
)
STATES = ("off", "fault", "maintenance", "setup", "executing", "idle")
COLUMNS = (
    "machine_uid",
    "day",
    "event_time",
    *(f"{state}_seconds" for state in STATES),
    "energy_kwh",
    "energy_idle_kwh",
    "peak_kw",
    "fault_starts",
    "parts",
    "scrap_parts",
)
ZONE = "Asia/Shanghai"


class PandasFeatures:
    """The reports of some obligors' machines, and who owned them, with all versions up to an instant."""

    def __init__(self, reader: ObservationReader, obligor_ids: Sequence[ObligorId], *, until: datetime) -> None:
        self._obligor_ids = list(obligor_ids)
        reports = reader.versions(RecordKind.MACHINE_DAY_REPORT, until=until, obligor_ids=obligor_ids, columns=COLUMNS)
        self._reports = reports.to_pandas()
        owned = reader.versions(
            RecordKind.MACHINE_OWNERSHIP,
            until=until,
            columns=("machine_uid", "obligor_id", "event_time", "owned_until"),
        )
        self._owned = owned.to_pandas()
        self._settings = shipped_parameters()

    def at(self, as_of: datetime) -> pd.DataFrame:
        """The features (columns `NAMES`) of the obligors as known at `as_of`; NaN where one is missing."""
        last = pd.Timestamp(as_of).tz_convert(ZONE).normalize().tz_localize(None) - timedelta(days=1)
        settings = settings_at(self._settings, as_of)
        rows = self._rows(as_of, last)
        numbers = list(rows.select_dtypes("number").columns)
        daily = rows.groupby(["obligor_id", "day"])[numbers].sum(min_count=1).reset_index()
        first = daily[daily["observed"] > 0].groupby("obligor_id")["day"].min().reindex(self._obligor_ids)
        known_days = (last - first).dt.days + 1
        sums = {days: self._sums(rows, daily, last, days) for days in (*ALL, YEAR)}
        found = self._of_days(daily, last)
        found["operating_rate_vs_year_90d"] = (
            _ratio(
                _ratio(sums[90]["executing_seconds"], sums[90]["observed"]),
                _ratio(sums[YEAR]["executing_seconds"], sums[YEAR]["observed"]),
            )
            - 1
        )
        for days, own in sums.items():
            found |= _of_sums(own, settings, days)
        for name, values in found.items():
            days = int(name.rpartition("_")[2].removesuffix("d"))
            told = known_days.clip(upper=days) >= settings.minimum_history_share * days
            if not name.startswith("coverage"):
                told &= sums[days]["observed"] > 0
            if name in NEED_COVERAGE:
                least = settings.minimum_coverage[name.rpartition("_")[0]]
                told &= sums[days]["observed"] >= least * sums[days]["owned_seconds"]
            found[name] = values.where(told)
        return pd.DataFrame(found)[list(NAMES)]

    def _sums(self, rows: pd.DataFrame, daily: pd.DataFrame, last: pd.Timestamp, days: int) -> pd.DataFrame:
        """Sums over the last so many days, by obligor, and the time for which it owned machines since each one's first
        report."""
        since = last - timedelta(days=days - 1)
        window = daily[daily["day"] >= since].drop(columns="day")
        sums = window.groupby("obligor_id").sum(min_count=1).reindex(self._obligor_ids)
        spells = rows.groupby(["machine_uid", "obligor_id", "owned_from", "owned_until"], dropna=False)
        spells = spells["heard"].min().reset_index()
        begin = spells[["owned_from", "heard"]].max(axis=1).clip(lower=since)
        owned = spells["owned_until"].fillna(pd.Timestamp.max).clip(upper=last + timedelta(days=1)) - begin
        seconds = owned.dt.total_seconds().clip(lower=0).groupby(spells["obligor_id"]).sum()
        sums["owned_seconds"] = seconds.reindex(self._obligor_ids)
        sums["owned_days"] = sums["owned_seconds"] / 86400
        return sums

    def _of_days(self, daily: pd.DataFrame, last: pd.Timestamp) -> dict[str, pd.Series]:
        """What is not made of sums over one window, but for the rules on what was told."""
        found = {}
        for days in (30, 90):
            window = daily[(daily["day"] > last - timedelta(days=days)) & (daily["observed"] > 0)]
            found[f"operating_rate_slope_{days}d"] = _slope(window)
            found[f"operating_rate_volatility_{days}d"] = _volatility(window)
        kwh = daily[daily["day"] > last - timedelta(days=90)].groupby("obligor_id")["energy_kwh"]
        found["base_load_ratio_90d"] = _ratio(kwh.quantile(0.05), kwh.quantile(0.95))
        working = self._by_day(daily, "active", last)
        is_seen = self._by_day(daily, "seen", last).iloc[:, -210:-180].sum(axis=1) > 0
        change = working.iloc[:, -30:].sum(axis=1) / 30 - working.iloc[:, -210:-180].sum(axis=1) / 30
        found["active_machines_change_30d"] = change.where(is_seen)
        made = _runs(self._by_day(daily, "parts", last))
        is_counted = daily[daily["day"] > last - timedelta(days=30)].groupby("obligor_id")["parts"].count() > 0
        found["output_to_peak_30d"] = _ratio(made.iloc[:, -1], made.max(axis=1)).where(is_counted)
        worked, seen = (_runs(self._by_day(daily, name, last)) for name in ("executing_seconds", "observed"))
        rates = worked / seen.where(seen > 0)
        best = rates.max(axis=1)
        found["operating_rate_drawdown_365d"] = 1 - _ratio(rates.iloc[:, -1], best)
        found["months_below_peak_365d"] = rates.lt(0.7 * best, axis=0).sum(axis=1).astype(np.float64)
        return {name: values.reindex(self._obligor_ids) for name, values in found.items()}

    def _by_day(self, daily: pd.DataFrame, name: str, last: pd.Timestamp) -> pd.DataFrame:
        """A column as a row an obligor and a column a day of the last year, 0 where nothing was told."""
        wide = daily.pivot(index="obligor_id", columns="day", values=name)
        return wide.reindex(self._obligor_ids, columns=pd.date_range(end=last, periods=YEAR)).fillna(0.0)

    def _rows(self, as_of: datetime, last: pd.Timestamp) -> pd.DataFrame:
        """The reports known then of machines while the obligors owned them, with what is reckoned row by row."""
        known = self._reports[self._reports["recorded_time"] <= as_of]
        known = known.sort_values("recorded_time").drop_duplicates(["machine_uid", "day"], keep="last")
        day = pd.to_datetime(known["day"])
        known = known.assign(day=day)[(day > last - timedelta(days=HISTORY_DAYS)) & (day <= last)]
        owned = self._owned[self._owned["recorded_time"] <= as_of].sort_values("recorded_time")
        owned = owned.drop_duplicates(["machine_uid", "obligor_id", "event_time"], keep="last")
        owned = owned.rename(columns={"event_time": "owned_from"}).drop(columns=["recorded_time", "superseded_time"])
        rows = pd.merge_asof(
            known.sort_values("event_time"),
            owned.sort_values("owned_from"),
            left_on="event_time",
            right_on="owned_from",
            by="machine_uid",
        )
        rows = rows[rows["owned_until"].isna() | (rows["event_time"] < rows["owned_until"])]
        return _reckoned(rows[rows["obligor_id"].isin(self._obligor_ids)])


def _reckoned(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of reports with what is reckoned of each alone, and repeated faults."""
    observed = rows[[f"{state}_seconds" for state in STATES]].sum(axis=1)
    executing = rows["executing_seconds"]
    hours = executing / 3600
    powered = observed - rows["off_seconds"]
    faulty = rows[rows["fault_starts"] > 0].sort_values("day")
    since_last = faulty.groupby(["machine_uid", "obligor_id"])["day"].diff()
    is_repeat = (since_last <= timedelta(days=3)).reindex(rows.index, fill_value=False)
    starts = rows["fault_starts"].astype("float64")
    local = {name: rows[name].dt.tz_convert(ZONE).dt.tz_localize(None) for name in ("owned_from", "owned_until")}
    return rows.assign(
        **local,
        heard=rows["day"],
        observed=observed,
        powered=powered,
        executing_hours=hours,
        weekend_seconds=executing.where(rows["day"].dt.dayofweek >= 5, 0.0),
        disturbed=executing + rows["fault_seconds"],
        seen=(observed > 0).astype("float64"),
        active=(executing > 0).astype("float64"),
        metered_hours=hours.where(rows["energy_kwh"].notna()),
        watched_hours=hours.where(rows["fault_starts"].notna()),
        peaked_kwh=rows["energy_kwh"].where(rows["peak_kw"].notna()),
        peak_kwh=rows["peak_kw"] * powered / 3600,
        repeats=starts.where(is_repeat, (starts - 1).clip(lower=0)),
        good=rows["parts"].where(rows["scrap_parts"].notna()),
        inspected=rows["parts"] + rows["scrap_parts"],
    )


def _of_sums(sums: pd.DataFrame, settings: FeatureSettings, days: int) -> dict[str, pd.Series]:
    """The features of one window that are made of its sums, but for the rules on what was told."""
    found = {
        f"{name}_{days}d": _ratio(sums[above], sums[below])
        for name, (above, below, windows) in RATIOS.items()
        if days in windows
    }
    if days not in ALL:
        return found
    found[f"coverage_{days}d"] = _ratio(sums["observed"].fillna(0.0), sums["owned_seconds"])
    found[f"failure_rate_{days}d"] = 1000 * _shrunk(
        sums["fault_starts"],
        sums["watched_hours"],
        prior=settings.failure_prior_per_1000_hours / 1000,
        weight=settings.failure_prior_hours,
    )
    if days == max(ALL):
        starts, hours = sums["fault_starts"], sums["fault_seconds"] / 3600
        prior, weight = settings.repair_prior_hours, settings.repair_prior_starts
        found[f"fault_hours_{days}d"] = _shrunk(hours, starts, prior=prior, weight=weight)
        prior, weight = settings.repeat_prior_share, settings.repeat_prior_starts
        found[f"repeat_fault_share_{days}d"] = _shrunk(sums["repeats"], starts, prior=prior, weight=weight)
        found[f"log_output_{days}d"] = np.log1p(sums["parts"] * 30 / days)
        found[f"log_energy_{days}d"] = np.log1p(sums["energy_kwh"] * 30 / days)
    return found


def _shrunk(above: pd.Series, below: pd.Series, *, prior: float, weight: float) -> pd.Series:
    """A rate shrunk towards a prior that weighs so much."""
    return (above + prior * weight) / (below + weight)


def _ratio(above: pd.Series, below: pd.Series) -> pd.Series:
    """NaN where there is nothing to divide by."""
    return above / below.where(below != 0)


def _runs(by_day: pd.DataFrame) -> pd.DataFrame:
    """Sums of the last twelve runs of thirty days."""
    days = by_day.iloc[:, -360:]
    return days.T.groupby(np.arange(360) // 30).sum().T


def _slope(window: pd.DataFrame) -> pd.Series:
    """Weighted least squares of the daily operating rate on the day, by obligor, over 30 days."""
    weight, obligor = window["observed"], window["obligor_id"]
    day = (window["day"] - window["day"].min()).dt.days
    mean = (weight * day).groupby(obligor).sum() / weight.groupby(obligor).sum()
    centred = day - obligor.map(mean)
    spread = (weight * centred**2).groupby(obligor).sum()
    slope = (window["executing_seconds"] * centred).groupby(obligor).sum() / spread
    return 30 * slope.where(weight.groupby(obligor).count() >= 2)


def _volatility(window: pd.DataFrame) -> pd.Series:
    """Standard deviation of the daily operating rate around the mean of the same weekday, by obligor."""
    rate = window["executing_seconds"] / window["observed"]
    same = [window["obligor_id"], window["day"].dt.dayofweek]
    squares = ((rate - rate.groupby(same).transform("mean")) ** 2).groupby(window["obligor_id"]).sum()
    freedom = (rate.groupby(same).count() - 1).groupby(level=0).sum()
    return np.sqrt(squares / freedom.where(freedom > 0))
