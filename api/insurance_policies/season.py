"""What is known of a season of idle cover: the insured's days, its cluster's index, its site's meter, deliveries."""

from __future__ import annotations

import hashlib
from calendar import monthrange
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import sqlalchemy as sa
from numpy.typing import NDArray

from api.consents import repository as consents
from api.consents.repository import PLATFORM, Purpose
from api.home import Home
from api.insurance_policies.held import ZONE, industries
from api.snapshots.service import reader
from data_contracts.contract import RecordKind
from data_contracts.identifiers import ObligorId
from data_contracts.observations.remembered import Observations
from data_contracts.vocabulary import DataOrigin
from features.loading import load_machine_days
from features.machine_day.machine_days import MachineDays, any_synthetic
from scoring.canonical import canonical_bytes
from scoring.errors import InvalidRequest
from scoring.insurance.idle_cover.payout import cluster_without
from scoring.insurance.idle_cover.season import EPOCH, WatchedDays
from scoring.insurance.idle_cover.staged import FirmDays

SECONDS_A_DAY = 86_400.0
FEWEST_WORKING = 0.3
"""A day on which fewer of the division's firms work is a day of rest, as `benchmarks.staged_shutdowns` has it."""

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownSeason:
    """Days (n) of the insured beside its cluster, the same as `staged_shutdown` reads them, how many other firms the
    cluster has, and the SHA-256 of all of it."""

    watched: WatchedDays
    firm: FirmDays
    cluster_firms: int
    data_origin: DataOrigin
    evidence: str

    def is_metered(self, starts: date, ends: date) -> bool:
        """Whether the site's own meter was read of every day between two."""
        return not np.isnan(self.firm.site_kwh[self.watched.between(starts, ends)]).any()


def known_season(
    connection: sa.Connection,
    home: Home,
    obligor_id: ObligorId,
    *,
    first: date,
    last: date,
    fewest: int,
    now: datetime,
) -> KnownSeason:
    """The days `first` to `last` as known now. The cluster is the other firms of the insured's division that consent to
    be read, of data of the same origin. Raises InvalidRequest where the division is not known or its cluster too small.
    """
    read = reader(connection, home)
    division = industries(connection, home, as_of=now)
    own = division.get(obligor_id)
    if own is None:
        raise InvalidRequest(
            f"Nobody told the division of {obligor_id}: it has no cluster to be held against.",
            hint="Load its obligor_profile.",
        )
    may = consents.consented(connection, recipient=PLATFORM, purpose=Purpose.PLATFORM, now=now)
    firms = [obligor_id, *sorted(name for name in may if division.get(name) == own and name != obligor_id)]
    days, _ = load_machine_days(read, as_of=now, obligor_ids=firms, first_day=first)
    numbers = np.arange(first.toordinal() - EPOCH, last.toordinal() - EPOCH + 1)
    table = _daily(_of_one_origin(days, obligor_id), numbers)
    rates, machines = _rates(table, firms, len(numbers))
    watched = WatchedDays(
        days=numbers,
        executing=_column(table, obligor_id, "executing_seconds", len(numbers)),
        watched=_column(table, obligor_id, "observed_seconds", len(numbers)),
        owned=_owned(days.of_obligors([obligor_id]).spans, table, obligor_id, numbers),
        cluster_rate=cluster_without(rates, machines, 0, fewest=fewest),
    )
    told = _column(table, obligor_id, "energy_kwh", len(numbers), unknown=np.nan)
    firm = FirmDays(
        own_rate=rates[0],
        cluster_rate=watched.cluster_rate,
        told_kwh=np.where(np.isnan(rates[0]), np.nan, told),
        site_kwh=_site_kwh(read, obligor_id, numbers, now=now),
        bill=numbers.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64),
        delivered=_delivered(read, obligor_id, numbers, now=now),
        is_rest=_is_rest(rates),
    )
    return KnownSeason(
        watched=watched,
        firm=firm,
        cluster_firms=len(firms) - 1,
        data_origin=any_synthetic(days.of_obligors([obligor_id]).spans["data_origin"].to_pylist()),
        evidence=_evidence(watched, firm),
    )


def _of_one_origin(days: MachineDays, obligor_id: ObligorId) -> pa.Table:
    """Machine-days of sources of the insured's own origin: a synthetic firm tells nothing of a real one's season."""
    spans = days.spans.select(["machine_uid", "obligor_id", "data_origin"]).to_pylist()
    origins = {span["data_origin"] for span in spans if span["obligor_id"] == obligor_id}
    alike = {span["machine_uid"] for span in spans if span["data_origin"] in origins}
    keep = [uid in alike for uid in days.table["machine_uid"].to_pylist()]
    return days.table.filter(pa.array(keep, pa.bool_()))


def _daily(table: pa.Table, numbers: NDArray[np.int64]) -> pd.DataFrame:
    """Sums by firm and day, and how many machines told of it; `at` is the day's place among `numbers`."""
    columns = ["executing_seconds", "observed_seconds", "energy_kwh"]
    frame = table.select(["obligor_id", "machine_uid", *columns]).to_pandas()
    frame["at"] = table["day"].cast(pa.int32()).to_numpy() - numbers[0]
    frame = frame[(frame["at"] >= 0) & (frame["at"] < len(numbers))]
    sums = frame.groupby(["obligor_id", "at"])[columns].sum(min_count=1)
    sums["machines"] = frame.groupby(["obligor_id", "at"])["machine_uid"].nunique()
    return sums.reset_index()


def _column(table: pd.DataFrame, firm: str, name: str, days: int, *, unknown: float = 0.0) -> Vector:
    mine, found = table[table["obligor_id"] == firm], np.full(days, unknown)
    found[mine["at"].to_numpy()] = mine[name].fillna(unknown).to_numpy()
    return found


def _rates(table: pd.DataFrame, firms: Sequence[str], days: int) -> tuple[NDArray[np.float64], Vector]:
    """Operating rate by firm and day (firms x days; NaN where nobody watched), and the machines of each firm."""
    rates, machines = [], []
    for firm in firms:
        executing, watched = (_column(table, firm, name, days) for name in ("executing_seconds", "observed_seconds"))
        rates.append(np.divide(executing, watched, out=np.full(days, np.nan), where=watched > 0))
        machines.append(float(_column(table, firm, "machines", days).max()))
    return np.stack(rates), np.array(machines)


def _owned(spans: pa.Table, table: pd.DataFrame, firm: str, numbers: NDArray[np.int64]) -> Vector:
    """Seconds of the insured's machines on each day (n), from the first day that each was heard of to the day before it
    went; at least what was watched."""
    owned = np.zeros(len(numbers))
    for span in spans.select(["first_day", "ends"]).to_pylist():
        begins = span["first_day"].toordinal() - EPOCH
        ends = numbers[-1] + 1 if span["ends"] is None else span["ends"].astimezone(ZONE).toordinal() - EPOCH
        owned[(numbers >= begins) & (numbers < ends)] += SECONDS_A_DAY
    return np.maximum(owned, _column(table, firm, "observed_seconds", len(numbers)))


def _is_rest(rates: NDArray[np.float64]) -> NDArray[np.bool_]:
    known = np.maximum((~np.isnan(rates)).sum(axis=0), 1)
    return np.asarray((np.nan_to_num(rates) > 0).sum(axis=0) / known < FEWEST_WORKING)


def _site_kwh(read: Observations, obligor_id: ObligorId, numbers: NDArray[np.int64], *, now: datetime) -> Vector:
    """Each bill of the site's meter spread evenly over its month (n; NaN without one)."""
    columns = ["month", "energy_kwh"]
    bills = read.rows(RecordKind.ENERGY_BILL, as_of=now, obligor_ids=[obligor_id], columns=columns)
    found = np.full(len(numbers), np.nan)
    months = numbers.astype("datetime64[D]").astype("datetime64[M]")
    for month, kwh in zip(bills["month"].to_pylist(), bills["energy_kwh"].to_pylist(), strict=True):
        found[months == np.datetime64(month, "M")] = kwh / monthrange(month.year, month.month)[1]
    return found


def _delivered(read: Observations, obligor_id: ObligorId, numbers: NDArray[np.int64], *, now: datetime) -> Vector:
    """Parts delivered on each day (n); NaN throughout where no delivery is known."""
    first = datetime.combine(date.fromordinal(int(numbers[0]) + EPOCH), datetime.min.time(), tzinfo=UTC)
    rows = read.rows(
        RecordKind.DELIVERY,
        as_of=now,
        obligor_ids=[obligor_id],
        event_from=first - timedelta(days=1),
        columns=["event_time", "parts"],
    )
    if not rows.num_rows:
        return np.full(len(numbers), np.nan)
    at = np.array([time.astimezone(ZONE).toordinal() - EPOCH for time in rows["event_time"].to_pylist()]) - numbers[0]
    inside = (at >= 0) & (at < len(numbers))
    parts = rows["parts"].to_numpy()[inside]
    return np.bincount(at[inside], weights=parts, minlength=len(numbers)).astype(np.float64)


def _evidence(watched: WatchedDays, firm: FirmDays) -> str:
    told: dict[str, Any] = {
        "days": watched.days.tolist(),
        **{name: _plain(getattr(watched, name)) for name in ("executing", "watched", "owned", "cluster_rate")},
        **{name: _plain(getattr(firm, name)) for name in ("told_kwh", "site_kwh", "delivered")},
    }
    return hashlib.sha256(canonical_bytes(told)).hexdigest()


def _plain(values: Iterable[float]) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in values]
