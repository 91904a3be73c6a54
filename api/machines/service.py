"""The machines of one obligor, and their days as the roll-up makes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from api.consents import repository as consents
from api.home import Home
from api.obligors import repository as obligors
from api.snapshots.service import latest_snapshot, reader, require_live
from data_contracts.identifiers import MachineUid, ObligorId
from features.loading import load_machine_days
from features.machine_day.machine_days import MachineDays
from features.monthly import MonthlyFigures, monthly_figures
from features.snapshot import FeatureSnapshot, plain_feature
from features.trust import TrustFinding


def machine_days(
    connection: sa.Connection, home: Home, obligor_id: ObligorId, *, as_of: datetime, now: datetime
) -> tuple[MachineDays, Sequence[TrustFinding]]:
    """Every machine-day of the obligor known at `as_of`, and what disagreed between samples and daily reports.

    Raises NotFound for an unknown obligor and ConsentMissing without its `platform` consent.
    """
    obligors.require(connection, obligor_id)
    consents.require(connection, obligor_id, recipient=consents.PLATFORM, purpose=consents.Purpose.PLATFORM, now=now)
    return load_machine_days(reader(connection, home), as_of=as_of, obligor_ids=[obligor_id])


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """The machines of an obligor as they are answered, by name, and the snapshot that their features come from."""

    machines: list[dict[str, Any]]
    snapshot: FeatureSnapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Months:
    """The latest twelve calendar months of an obligor up to the time that its latest snapshot speaks of."""

    months: Sequence[MonthlyFigures]
    snapshot: FeatureSnapshot


def fleet(
    connection: sa.Connection, home: Home, obligor_id: ObligorId, *, now: datetime, livemode: bool = False
) -> Fleet:
    """Every machine that the obligor owns, owned or brought in, with its features where the snapshot has them.

    Raises NotFound, ConsentMissing (platform), and for live DataNotForLive.
    """
    snapshot = latest_snapshot(connection, home, obligor_id, now=now, with_machines=True, livemode=livemode)
    if livemode:
        require_live(snapshot)
    rows = reader(connection, home).machines(as_of=now, obligor_ids=[obligor_id]).to_pylist()
    last_owned = {row["machine_uid"]: row for row in rows}
    return Fleet(machines=[_plain(row, snapshot) for row in last_owned.values()], snapshot=snapshot)


def months(
    connection: sa.Connection, home: Home, obligor_id: ObligorId, *, now: datetime, livemode: bool = False
) -> Months:
    """Power-on rate, operating rate, energy and faults of each of the last months.

    Raises NotFound, ConsentMissing (platform), and for live DataNotForLive.
    """
    snapshot = latest_snapshot(connection, home, obligor_id, now=now, livemode=livemode)
    if livemode:
        require_live(snapshot)
    days, _ = machine_days(connection, home, obligor_id, as_of=snapshot.as_of, now=now)
    return Months(months=monthly_figures(days, obligor_id=obligor_id, as_of=snapshot.as_of), snapshot=snapshot)


def _plain(row: dict[str, Any], snapshot: FeatureSnapshot) -> dict[str, Any]:
    """A machine's latest ownership by the obligor, and its features."""
    features = snapshot.machines.get(MachineUid(row["machine_uid"]), {})
    return {
        "machine_uid": row["machine_uid"],
        "owned_from": row["owned_from"].isoformat() if row["owned_from"] else None,
        "owned_until": row["owned_until"].isoformat() if row["owned_until"] else None,
        "install_date": row["install_date"].isoformat() if row["install_date"] else None,
        "asset_value_minor": row["asset_value_minor"],
        "currency": row["currency"],
        "machine_type": row["machine_type"],
        "features": {name: plain_feature(value) for name, value in features.items()},
    }
