"""Samples, profiles and ownership written by hand, in the layouts that ObservationReader gives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from data_contracts.contract import RecordKind
from data_contracts.profile import SourceProfile
from data_contracts.vocabulary import DataOrigin, Silence

INSTANT = pa.timestamp("us", tz="UTC")
OBLIGOR = "91999999MA0000001N"
MACHINE = f"{OBLIGOR}/M1"
DAY = date(2026, 5, 4)
SHANGHAI = "Asia/Shanghai"

SAMPLES = pa.schema(
    [
        ("machine_uid", pa.string()),
        ("event_time", INSTANT),
        ("item_state", pa.string()),
        ("operation_mode", pa.string()),
        ("power_kw", pa.float64()),
        ("energy_register_kwh", pa.float64()),
        ("part_count", pa.float64()),
        ("part_delta", pa.float64()),
        ("profile_id", pa.string()),
        ("recorded_time", INSTANT),
        ("batch_id", pa.string()),
    ]
)
MACHINES = pa.schema(
    [
        ("machine_uid", pa.string()),
        ("obligor_id", pa.string()),
        ("owned_from", INSTANT),
        ("owned_until", INSTANT),
        ("asset_value_minor", pa.int64()),
        ("currency", pa.string()),
        ("install_date", pa.date32()),
        ("machine_type", pa.string()),
    ]
)
STATES = {"E": "Executing", "N": "NotExecuting", "O": "OutOfService", "A": "NotAvailable", "U": "Unknown"}


def profile(
    *,
    hold: float,
    silence: Silence,
    zone: str = SHANGHAI,
    count_modulus: float | None = None,
    register_modulus: float | None = None,
    origin: DataOrigin = DataOrigin.REAL,
    kind: RecordKind = RecordKind.SAMPLE,
) -> SourceProfile:
    """A source profile that says only what the roll-up asks."""
    return SourceProfile(
        kind=kind,
        source_zone="UTC",
        site_zone=zone,
        site_zone_assumed=False,
        hold_seconds=hold,
        silence=silence,
        units={},
        vocabulary={},
        part_count_modulus=count_modulus,
        energy_register_modulus_kwh=register_modulus,
        data_origin=origin,
        recorded_time="event_time",
    )


def at(clock: str, day: date = DAY, zone: str = SHANGHAI) -> datetime:
    """An instant by local clock: "08:00", or "05-05 08:00" of the year of `day`, or "2026-10-24 10:00"."""
    text = clock if " " in clock else f"{day:%m-%d} {clock}"
    text = text if text[4] == "-" else f"{day:%Y}-{text}"
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def sample(
    when: datetime,
    state: str | None = None,
    kw: float | None = None,
    parts: float | None = None,
    *,
    source: SourceProfile,
    mode: str | None = "default",
    count: float | None = None,
    register: float | None = None,
    machine: str = MACHINE,
    recorded: datetime | None = None,
) -> dict[str, Any]:
    """One row; unless said otherwise the mode is Processing with E, None with another state, unsaid without one."""
    if mode == "default":
        mode = None if state is None else ("Processing" if state == "E" else "None")
    return {
        "machine_uid": machine,
        "event_time": when,
        "item_state": STATES[state] if state else None,
        "operation_mode": mode,
        "power_kw": kw,
        "energy_register_kwh": register,
        "part_count": count,
        "part_delta": parts,
        "profile_id": source.profile_id,
        "recorded_time": recorded or when,
        "batch_id": "b0",
    }


def samples(rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Rows as the reader's table (unsorted)."""
    return pa.Table.from_pylist([dict(row) for row in rows], schema=SAMPLES)


def machines(rows: Sequence[tuple[str, str | None, datetime | None, datetime | None]]) -> pa.Table:
    """(machine, obligor, owned from, owned until) as the reader's table."""
    names = ("machine_uid", "obligor_id", "owned_from", "owned_until")
    return pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows], schema=MACHINES)


def unowned(machine: str = MACHINE, obligor: str = OBLIGOR) -> pa.Table:
    """A machine without an ownership row."""
    return machines([(machine, obligor, None, None)])


END = datetime(2027, 1, 1, tzinfo=UTC)
ONE_DAY = timedelta(days=1)
