"""Ledgers written by hand, and histories of days beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
from day_tables import AS_OF, back, history
from sample_tables import OBLIGOR

from data_contracts.contract import RecordKind, load_contract
from features.feature_history import fleet_of
from features.history import DailyHistory, Level
from features.ledgers import COLUMNS, Ledgers, with_ledgers

MACHINES = pa.schema(
    [
        ("machine_uid", pa.string()),
        ("obligor_id", pa.string()),
        ("owned_from", pa.timestamp("us", tz="UTC")),
        ("owned_until", pa.timestamp("us", tz="UTC")),
        ("asset_value_minor", pa.int64()),
        ("currency", pa.string()),
        ("install_date", pa.date32()),
        ("machine_type", pa.string()),
    ]
)


def noon(days: int) -> datetime:
    """Noon in Shanghai of the day so many days before the last complete one."""
    when = back(days)
    return datetime(when.year, when.month, when.day, 4, tzinfo=UTC)


def due(days: int) -> date:
    """The local day so many days before the last complete one."""
    return back(days)


def ledgers(machines: Sequence[Mapping[str, Any]] = (), **rows: Sequence[Mapping[str, Any]]) -> Ledgers:
    """Ledgers by the names of their kinds; rows are the obligor's unless they say whose, and in CNY."""
    tables = {}
    for kind, columns in COLUMNS.items():
        contract = load_contract(kind)
        unit = "machine_uid" if kind is RecordKind.LOCATION else "obligor_id"
        schema = pa.schema([(name, contract.column(name).type) for name in (unit, "event_time", *columns)])
        shared = {"obligor_id": OBLIGOR, "currency": "CNY"}
        given = [{name: (shared | dict(row)).get(name) for name in schema.names} for row in rows.get(kind.value, ())]
        tables[kind] = pa.Table.from_pylist(given, schema=schema)
    assert rows.keys() <= {kind.value for kind in COLUMNS}, rows.keys()
    owned = [{name: ({"obligor_id": OBLIGOR, "currency": "CNY"} | dict(row)).get(name) for name in MACHINES.names}
             for row in machines]  # fmt: skip
    return Ledgers(tables, pa.Table.from_pylist(owned, schema=MACHINES))


def told(
    days: Sequence[Mapping[str, Any]],
    spans: Sequence[Mapping[str, Any]] | None = None,
    said: Ledgers | None = None,
    *,
    as_of: datetime = AS_OF,
) -> DailyHistory:
    """The history of an obligor with its ledgers and its fleet."""
    books = said or ledgers()
    obligors = history(days, spans, as_of=as_of)
    machines = history(days, spans, level=Level.MACHINE, as_of=as_of)
    return replace(with_ledgers(obligors, books), fleet=fleet_of(with_ledgers(machines, books), obligors.units))


def months_back(count: int) -> date:
    """First day of the month so many months before that of the last complete day."""
    last = back(0).replace(day=1)
    for _ in range(count):
        last = (last - timedelta(days=1)).replace(day=1)
    return last
