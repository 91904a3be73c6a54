"""Machine-days and their spans written by hand, and histories of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
from sample_tables import MACHINE, OBLIGOR, SHANGHAI

from data_contracts.vocabulary import ELEMENTS
from features.catalogue import CATALOGUE, evaluate
from features.daily import build_history
from features.declaration import HISTORY_DAYS, MACHINE_DAYS, RECENT_DAYS
from features.feature_history import fleet_of
from features.feature_value import REASONS, SAID
from features.history import DailyHistory, Level
from features.machine_day.machine_days import ENERGIES, ONLY_REPORTED, SCHEMA, SPAN_SCHEMA, MachineDays
from features.peer_reference import PeerReference
from features.settings import settings_at, shipped_parameters
from features.snapshot import Missing

AS_OF = datetime(2026, 6, 30, 16, tzinfo=UTC)
"""Midnight of 1 July in Shanghai."""

LAST_DAY = date(2026, 6, 30)
FULL = 86_400.0
SETTINGS = settings_at(shipped_parameters(), AS_OF)


def back(days: int) -> date:
    """The local day so many days before the last complete one."""
    return LAST_DAY - timedelta(days=days)


def day(
    when: date, *, machine: str = MACHINE, obligor: str = OBLIGOR, length: float = FULL, **values: float | None
) -> dict[str, Any]:
    """A machine-day: elements and measures by name (`executing=100`), the rest of its length unknown, or off if
    `off=None` is given."""
    elements = {name: float(values.pop(name.removesuffix("_seconds"), 0.0) or 0.0) for name in ELEMENTS}
    rest = length - sum(elements.values())
    elements["unknown_seconds"] += rest
    observed = length - elements["unknown_seconds"]
    row = {
        "machine_uid": machine,
        "obligor_id": obligor,
        "day": when,
        **elements,
        "powered_seconds": observed - elements["off_seconds"],
        "observed_seconds": observed,
        "sampled_seconds": values.pop("sampled", observed),
        "coverage": observed / length,
        "coverage_basis": "sampled",
        **dict.fromkeys(
            (
                *ENERGIES,
                "peak_kw",
                "parts",
                "fault_starts",
                "state_changes",
                *ONLY_REPORTED,
                "first_sample",
                "last_sample",
            )
        ),
        "source": "samples",
    }
    assert values.keys() <= row.keys(), values
    return row | values


def span(
    *,
    machine: str = MACHINE,
    obligor: str = OBLIGOR,
    starts: datetime = datetime(2020, 1, 1, tzinfo=UTC),
    ends: datetime | None = None,
    zone: str = SHANGHAI,
    first_day: date = date(2026, 1, 1),
    origin: str = "real",
) -> dict[str, Any]:
    """An ownership span."""
    return {
        "machine_uid": machine,
        "obligor_id": obligor,
        "starts": starts,
        "ends": ends,
        "first_day": first_day,
        "site_zone": zone,
        "coverage_basis": "sampled",
        "data_origin": origin,
    }


def machine_days(days: Sequence[Mapping[str, Any]], spans: Sequence[Mapping[str, Any]] | None = None) -> MachineDays:
    """Machine-days, of one machine that is owned for ever unless spans are given."""
    rows = sorted((dict(row) for row in days), key=lambda row: (row["machine_uid"], row["day"]))
    owners = [dict(item) for item in spans] if spans is not None else [span()]
    return MachineDays(pa.Table.from_pylist(rows, schema=SCHEMA), pa.Table.from_pylist(owners, schema=SPAN_SCHEMA))


def history(
    days: Sequence[Mapping[str, Any]],
    spans: Sequence[Mapping[str, Any]] | None = None,
    *,
    level: Level = Level.OBLIGOR,
    as_of: datetime = AS_OF,
    length: int | None = None,
) -> DailyHistory:
    """Their history; that of an obligor with its fleet."""
    found = machine_days(days, spans)
    if level is Level.MACHINE:
        return build_history(found, level=level, as_of=as_of, days=length or MACHINE_DAYS)
    machines = build_history(found, level=Level.MACHINE, as_of=as_of, days=MACHINE_DAYS)
    obligors = build_history(found, level=level, as_of=as_of, days=length or HISTORY_DAYS, recent_days=RECENT_DAYS)
    return replace(obligors, fleet=fleet_of(machines, obligors.units))


def values_of(found: DailyHistory, unit: int = 0, *, peers: PeerReference | None = None) -> dict[str, float | Missing]:
    """Every feature of one unit: its value, or the reason why there is none."""
    result = evaluate(found, SETTINGS, peers)
    rows = zip(CATALOGUE, result.values[unit].tolist(), result.reasons[unit].tolist(), strict=True)
    return {key: value if reason == SAID else REASONS[reason] for key, value, reason in rows}
