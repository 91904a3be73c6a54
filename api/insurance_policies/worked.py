"""What telemetry says of covered machine-days: hours, energy, who watched, and the hash that proves it later."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from api.home import Home
from api.snapshots.service import reader
from data_contracts.identifiers import MachineUid, ObligorId
from features.loading import load_machine_days
from scoring.canonical import canonical_bytes
from scoring.insurance.policy_premium import Worked
from scoring.money import exact

SECONDS_AN_HOUR, SECONDS_A_DAY = 3600, 86_400
DAYS_BEFORE_A_LOSS = 7
COLUMNS = ("machine_uid", "day", "executing_seconds", "observed_seconds", "energy_kwh", "fault_starts")

Span = tuple[MachineUid | None, date, date]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What machine-days show, and the SHA-256 of their canonical form."""

    worked: Worked
    faults: int
    evidence: str


def shown(
    connection: sa.Connection,
    home: Home,
    obligor_id: ObligorId,
    spans: Sequence[Span],
    *,
    kwh_an_hour: Decimal | None,
    now: datetime,
) -> Shown:
    """Machine-days of these spans (days inclusive) as known now. Days without energy count at their own hours."""
    rows = _rows(connection, home, obligor_id, spans, now=now)
    covered = sum((last - first).days + 1 for machine, first, last in spans if machine is not None)
    watched = sum((exact(row["observed_seconds"]) for row in rows), Decimal(0)) / SECONDS_A_DAY
    return Shown(
        worked=Worked(
            hours=sum((_hours(row) for row in rows), Decimal(0)),
            energy_kwh=_energy(rows, kwh_an_hour),
            watched_machine_days=watched,
            unwatched_machine_days=max(Decimal(0), covered - watched),
        ),
        faults=sum(row["fault_starts"] or 0 for row in rows),
        evidence=hashlib.sha256(canonical_bytes({"machine_days": rows})).hexdigest(),
    )


def before_loss(machine: MachineUid | None, day: date) -> list[Span]:
    """The days that a first notice shows: the day of the loss and the week before it."""
    return [] if machine is None else [(machine, day - timedelta(days=DAYS_BEFORE_A_LOSS), day)]


def _rows(
    connection: sa.Connection, home: Home, obligor_id: ObligorId, spans: Sequence[Span], *, now: datetime
) -> list[dict[str, Any]]:
    """The machine-days within the spans, each once, by machine and day."""
    if not spans:
        return []
    first = min(starts for _, starts, _ in spans)
    days, _ = load_machine_days(reader(connection, home), as_of=now, obligor_ids=[obligor_id], first_day=first)
    table = days.of_obligors([obligor_id]).table.select(list(COLUMNS))
    found = [row for row in table.to_pylist() if _is_within(row["machine_uid"], row["day"], spans)]
    return [{**row, "day": row["day"].isoformat()} for row in found]


def _is_within(machine: str, day: date, spans: Iterable[Span]) -> bool:
    return any(machine == uid and first <= day <= last for uid, first, last in spans)


def _hours(row: dict[str, Any]) -> Decimal:
    return exact(row["executing_seconds"]) / SECONDS_AN_HOUR


def _energy(rows: Sequence[dict[str, Any]], kwh_an_hour: Decimal | None) -> Decimal | None:
    if kwh_an_hour is None or all(row["energy_kwh"] is None for row in rows):
        return None
    told = (_hours(row) * kwh_an_hour if row["energy_kwh"] is None else exact(row["energy_kwh"]) for row in rows)
    return sum(told, Decimal(0))
