"""Features as one would write them in plain pandas: as known at an instant, groupby and merge_asof, a window at a time.

The reference of `benchmarks.training_set`: written to be read, from the same rows, for a representative set of features.
It knows daily reports of one site zone and machines that change hands at midnight; what `features` does beyond that
(samples, several zones, ledgers, fleets) it leaves out.
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

WINDOWS = (7, 30, 90)
RATIOS = {
    "power_on_rate": ("powered", "observed"),
    "operating_rate": ("executing_seconds", "observed"),
    "utilisation": ("executing_seconds", "powered"),
    "setup_time_share": ("setup_seconds", "powered"),
    "idle_time_share": ("idle_seconds", "powered"),
    "fault_time_share": ("fault_seconds", "powered"),
    "active_day_share": ("active", "seen"),
    "kwh_per_executing_hour": ("energy_kwh", "metered_hours"),
    "idle_energy_share": ("energy_idle_kwh", "energy_kwh"),
    "load_factor": ("peaked_kwh", "peak_kwh"),
}
NAMES = tuple(f"{name}_{days}d" for name in (*RATIOS, "failure_rate") for days in WINDOWS)
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
        daily = self._daily(as_of, last)
        found = pd.DataFrame(index=self._obligor_ids, columns=list(NAMES), dtype="float64")
        first = daily[daily["observed"] > 0].reset_index().groupby("obligor_id")["day"].min()
        known_days = (last - first).dt.days + 1
        settings = settings_at(self._settings, as_of)
        for days in WINDOWS:
            window = daily[daily.index.get_level_values("day") > last - timedelta(days=days)]
            sums = window.groupby("obligor_id").sum(min_count=1).reindex(self._obligor_ids)
            long_enough = (
                known_days.reindex(self._obligor_ids).clip(upper=days) >= settings.minimum_history_share * days
            )
            told = long_enough & (sums["observed"] > 0)
            for name, (above, below) in RATIOS.items():
                found[f"{name}_{days}d"] = (sums[above] / sums[below].where(sums[below] != 0)).where(told)
            found[f"failure_rate_{days}d"] = _failure_rate(sums, settings).where(told)
        return found

    def _daily(self, as_of: datetime, last: pd.Timestamp) -> pd.DataFrame:
        """Sums by obligor and day over the machines it owned, of the reports known then."""
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
        rows = rows[rows["obligor_id"].isin(self._obligor_ids)]
        observed = rows[[f"{state}_seconds" for state in STATES]].sum(axis=1)
        hours = rows["executing_seconds"] / 3600
        powered = observed - rows["off_seconds"]
        rows = rows.assign(
            observed=observed,
            powered=powered,
            seen=(observed > 0).astype("float64"),
            active=(rows["executing_seconds"] > 0).astype("float64"),
            metered_hours=hours.where(rows["energy_kwh"].notna()),
            watched_hours=hours.where(rows["fault_starts"].notna()),
            peaked_kwh=rows["energy_kwh"].where(rows["peak_kw"].notna()),
            peak_kwh=rows["peak_kw"] * powered / 3600,
        )
        numbers = rows.select_dtypes("number").columns
        return rows.groupby(["obligor_id", "day"])[list(numbers)].sum(min_count=1)


def _failure_rate(sums: pd.DataFrame, settings: FeatureSettings) -> pd.Series:
    """Posterior mean of a Gamma-Poisson model, per 1,000 executing hours."""
    prior_hours = settings.failure_prior_hours
    prior_starts = settings.failure_prior_per_1000_hours * prior_hours / 1000
    rate: pd.Series = 1000 * (sums["fault_starts"] + prior_starts) / (sums["watched_hours"] + prior_hours)
    return rate.astype(np.float64)
