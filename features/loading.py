"""Machine-days from the observation store, as known at an instant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from data_contracts.contract import RecordKind
from data_contracts.identifiers import MachineUid, ObligorId
from features.machine_day.machine_days import MachineDays
from features.machine_day.reports import REPORT_COLUMNS, combine, report_days
from features.rolling import sampled_days
from features.trust import TrustFinding

if TYPE_CHECKING:
    from data_contracts.observations.remembered import Observations

ZONE_MARGIN = timedelta(days=2)
"""Local days begin up to 14 hours before, and end up to 12 hours after, the UTC day of the same date."""


def history_begins(as_of: datetime, days: int) -> date:
    """A day from which on histories of so many days can be built, whatever zones sites lie in."""
    return as_of.astimezone(UTC).date() - timedelta(days=days) - ZONE_MARGIN


def load_machine_days(
    reader: Observations,
    *,
    as_of: datetime,
    obligor_ids: Sequence[ObligorId] | None = None,
    first_day: date | None = None,
    machines: pa.Table | None = None,
    executor: Executor | None = None,
) -> tuple[MachineDays, Sequence[TrustFinding]]:
    """Machine-days of these obligors (all, if None) as known at `as_of`, and what was found on the way.

    `machines` is everybody's register (`reader.machines`) where it is at hand. With `first_day`, at least the local
    days from it on (reports are read from two days before it). Samples are read from their beginning nevertheless:
    what a machine holds, its counters and the start of an unstated ownership reach back without limit. Where a machine
    sent samples on a day they stand against its report.
    """
    machines = reader.machines(as_of=as_of) if machines is None else machines
    uids = reader.machine_uids if obligor_ids is None else machines_of(machines, obligor_ids)
    if uids is not None:
        machines = machines.filter(pc.is_in(machines["machine_uid"], value_set=pa.array(uids, pa.string())))
    profiles = reader.profiles()
    begins = None if first_day is None else datetime.combine(first_day - ZONE_MARGIN, datetime.min.time(), tzinfo=UTC)
    reports = reader.rows(
        RecordKind.MACHINE_DAY_REPORT, as_of=as_of, machine_uids=uids, event_from=begins, columns=REPORT_COLUMNS
    )
    found = combine(
        sampled_days(reader, as_of=as_of, machines=machines, machine_uids=uids, executor=executor),
        report_days(reports, profiles=profiles, machines=machines, as_of=as_of),
    )
    if obligor_ids is not None:
        found = found.of_obligors(obligor_ids)
    return found, found.findings


def first_reported_days(
    reader: Observations, *, as_of: datetime, machine_uids: Sequence[MachineUid], before: date
) -> Mapping[str, date]:
    """The first day before `before` on which each machine was reported; machines without one are left out."""
    until = datetime.combine(before, datetime.min.time(), tzinfo=UTC)
    columns = ["machine_uid", "day"]
    rows = reader.rows(
        RecordKind.MACHINE_DAY_REPORT, as_of=as_of, machine_uids=machine_uids, event_until=until, columns=columns
    )
    first = rows.select(columns).group_by("machine_uid").aggregate([("day", "min")])
    return dict(zip(first["machine_uid"].to_pylist(), first["day_min"].to_pylist(), strict=True))


def machines_of(machines: pa.Table, obligor_ids: Sequence[ObligorId]) -> list[MachineUid]:
    """The machines that any of these obligors ever owned."""
    wanted = pa.array(list(obligor_ids), pa.string())
    rows = machines.filter(pc.is_in(machines["obligor_id"], value_set=wanted))
    return sorted({MachineUid(uid) for uid in rows["machine_uid"].to_pylist()})
