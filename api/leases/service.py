"""The register of leased machines: read what the lessee's ledgers and machines say as of an instant, and tell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import sqlalchemy as sa

from api.errors import DataNotForLive
from api.home import Home
from api.models.service import scoring_parameters
from api.pledges.service import supply_chain_parameters
from api.snapshots.service import reader
from data_contracts.contract import RecordKind
from data_contracts.identifiers import ObligorId
from data_contracts.vocabulary import DataOrigin
from features.loading import load_machine_days
from features.machine_day.machine_days import any_synthetic
from scoring.credit.collateral import collateral_terms
from scoring.supply_chain.collateral.lease_register import LeasedMachine, LeaseLedgers, lease_register, totals

ZONE = ZoneInfo("Asia/Shanghai")
REACH = timedelta(days=550)
"""How far back machine-days are looked at."""
PLACE_REACH = timedelta(days=90)
"""A fix that is older says nothing of where a machine is."""
SECONDS_AN_HOUR = 3600.0
DAY_COLUMNS = ("machine_uid", "day", "executing_seconds", "observed_seconds")

Rows = Callable[..., pd.DataFrame]


def leases(
    connection: sa.Connection, home: Home, obligor_id: ObligorId, *, as_of: datetime, livemode: bool = False
) -> dict[str, Any]:
    """Every leased machine of an obligor as of an instant, and the sums. Raises DataNotForLive."""
    source = reader(connection, home)

    def rows(kind: RecordKind, since: datetime | None = None) -> pd.DataFrame:
        return source.rows(kind, as_of=as_of, obligor_ids=[obligor_id], event_from=since).to_pandas()

    told, _ = load_machine_days(source, as_of=as_of, obligor_ids=[obligor_id], first_day=(as_of - REACH).date())
    origin = any_synthetic(told.spans["data_origin"].to_pylist())
    if livemode and origin is not DataOrigin.REAL:
        raise DataNotForLive("Machine-days of this obligor are synthetic.", hint="Ask with a test key.")
    frame = told.table.select(list(DAY_COLUMNS)).to_pandas()
    days = frame.assign(
        day=pd.to_datetime(frame["day"]),
        executing_hours=(frame["executing_seconds"] / SECONDS_AN_HOUR).where(frame["observed_seconds"] > 0),
    )
    lines = leased_machines(rows, days, as_of=as_of)
    return {
        "obligor_id": obligor_id,
        "as_of": as_of.isoformat(),
        "leases": plain_leases(lines),
        "totals": totals(lines),
        "data_origin": origin.value,
        "parameters_versions": {
            "supply_chain": supply_chain_parameters().version,
            "scoring": scoring_parameters().version,
        },
    }


def leased_machines(rows: Rows, days: pd.DataFrame, *, as_of: datetime) -> list[LeasedMachine]:
    """The lines of the register; `rows` reads a ledger of the lessee, `days` are its machine-days with their hours."""
    machines, fixes = rows(RecordKind.MACHINE_OWNERSHIP), rows(RecordKind.LOCATION, as_of - PLACE_REACH)
    ledgers = LeaseLedgers(
        facilities=rows(RecordKind.FACILITY),
        repayments=rows(RecordKind.REPAYMENT),
        leases=rows(RecordKind.LEASE),
        machines=machines.assign(owned_on=_local_days(machines["event_time"])),
        fixes=fixes.assign(day=_local_days(fixes["event_time"])),
        days=days,
    )
    return lease_register(
        ledgers,
        day=as_of.astimezone(ZONE).date(),
        wear=collateral_terms(scoring_parameters().at(as_of)),
        values=supply_chain_parameters().at(as_of),
    )


def plain_leases(lines: Sequence[LeasedMachine]) -> list[dict[str, Any]]:
    """Lines as they are answered."""
    return [_plain(line) for line in lines]


def _plain(line: LeasedMachine) -> dict[str, Any]:
    place, end = line.place, line.early_end
    moved = place.moved
    return {
        **asdict(line),
        "use_and_pay": line.use_and_pay.value,
        "place": {
            "where": place.where.value,
            "last_fix_on": None if place.last_fix_on is None else place.last_fix_on.isoformat(),
            "distance_m": place.distance_m,
            "moved": None if moved is None else {**asdict(moved), "since": moved.since.isoformat()},
        },
        "early_end": None if end is None else {**asdict(end), "due_minor": end.due_minor},
        "missing": [item.value for item in line.missing],
    }


def _local_days(moments: pd.Series[pd.Timestamp]) -> pd.Series[pd.Timestamp]:
    return moments.dt.tz_convert(ZONE).dt.tz_localize(None).dt.normalize()
