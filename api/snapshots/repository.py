"""Snapshots as files named by their content, and rows that say which are stored of whom."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from api.database.statements import insert_once
from api.database.tables import snapshot as table
from api.evidence.claims import Kind
from api.evidence.disclosure import SEED_BYTES, batches_of, features_of
from api.evidence.service import record
from api.home import Home, write_once
from data_contracts.errors import NotFound
from data_contracts.identifiers import BatchId, ObligorId, SnapshotId
from data_contracts.observations.register import merkle_roots
from data_contracts.observations.tables import Instant
from features.blocks import blocks_of
from features.snapshot import FeatureSnapshot, observed_in, parse_snapshot

VALUES_PER_QUERY = 900


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What some features were as of an instant; None where one had no value."""

    as_of: datetime
    values: Mapping[str, float | None]


def save(connection: sa.Connection, home: Home, snapshot: FeatureSnapshot, *, now: datetime) -> SnapshotId:
    """Keep the snapshot for ever under its content hash, and note it among its obligor's."""
    save_all(connection, home, [snapshot], now=now)
    return snapshot.snapshot_id


def save_all(connection: sa.Connection, home: Home, many: Sequence[FeatureSnapshot], *, now: datetime) -> None:
    """Keep many snapshots; each is a file of its own."""
    rows = []
    roots = merkle_roots(connection, sorted({batch_id for snapshot in many for batch_id in snapshot.batches}))
    for snapshot in many:
        canonical, snapshot_id = snapshot.canonical(), snapshot.snapshot_id
        write_once(_path(home, snapshot_id), canonical)
        rows.append(
            {
                "snapshot_id": snapshot_id,
                "obligor_id": snapshot.obligor_id,
                "as_of": snapshot.as_of,
                "taken_time": now,
                **_committed(snapshot, roots),
            }
        )
    insert_once(connection, table, rows)
    record(connection, Kind.SNAPSHOT, [row["snapshot_id"] for row in rows])


def load(home: Home, snapshot_id: SnapshotId) -> FeatureSnapshot:
    """The stored snapshot. Raises NotFound."""
    return parse_snapshot(_read(home, snapshot_id))


def latest(
    connection: sa.Connection, home: Home, obligor_id: ObligorId, *, now: datetime, with_machines: bool = False
) -> FeatureSnapshot | None:
    """The stored snapshot that knows most of the obligor: that of the latest `as_of` up to `now`, taken last.

    Of those taken at one instant, which differ in their machines only, the one with most where machines are asked for,
    else the one with fewest: so that whoever asks for the firm alone is told of one and the same.
    """
    names = connection.scalars(_newest(), {"obligor_id": obligor_id, "now": now})
    choose = max if with_machines else min
    stored = (load(home, SnapshotId(name)) for name in names)
    return choose(stored, key=lambda snapshot: len(snapshot.machines), default=None)


@cache
def _newest() -> sa.Select[str]:
    """The names of an obligor's snapshots of the latest `as_of` up to `now`, taken last. Prepared once."""
    obligor_id, now = sa.bindparam("obligor_id", type_=sa.String), sa.bindparam("now", type_=Instant)
    known = (table.c.obligor_id == obligor_id) & (table.c.as_of <= now)
    when = (table.c.as_of, table.c.taken_time)
    last = sa.select(*when).where(known).order_by(*(column.desc() for column in when)).limit(1)
    at_once = sa.select(table.c.snapshot_id).where(table.c.obligor_id == obligor_id, sa.tuple_(*when).in_(last))
    return at_once.order_by(table.c.snapshot_id)


def latest_of(
    connection: sa.Connection, home: Home, obligor_ids: Sequence[ObligorId], *, since: datetime, until: datetime
) -> dict[ObligorId, FeatureSnapshot]:
    """Of each of these obligors the stored snapshot of the latest `as_of` after `since` and up to `until`, taken last;
    those without one are left out."""
    names: dict[ObligorId, SnapshotId] = {}
    for start in range(0, len(obligor_ids), VALUES_PER_QUERY):
        block = obligor_ids[start : start + VALUES_PER_QUERY]
        known = table.c.obligor_id.in_(block) & (table.c.as_of > since) & (table.c.as_of <= until)
        rows = sa.select(table.c.obligor_id, table.c.snapshot_id).where(known)
        ordered = rows.order_by(table.c.as_of, table.c.taken_time, table.c.snapshot_id)
        names |= {ObligorId(row.obligor_id): SnapshotId(row.snapshot_id) for row in connection.execute(ordered)}
    return {obligor_id: load(home, name) for obligor_id, name in names.items()}


def weekly(
    connection: sa.Connection,
    home: Home,
    since: Mapping[ObligorId, datetime],
    *,
    until: datetime,
    features: Collection[str],
) -> dict[ObligorId, list[Observed]]:
    """What some features of each of these obligors were by its stored snapshots as of times from its own in `since` to
    `until`, both inclusive, in order of time: of each ISO week the last. Those without one are left out."""
    names, last = tuple(features), dict[ObligorId, dict[tuple[int, int], Any]]()
    for block in blocks_of(list(since), VALUES_PER_QUERY):
        earliest = min(since[obligor_id] for obligor_id in block)
        known = table.c.obligor_id.in_(block) & (table.c.as_of >= earliest) & (table.c.as_of <= until)
        rows = sa.select(table.c.obligor_id, table.c.as_of, table.c.snapshot_id).where(known)
        for row in connection.execute(rows.order_by(table.c.as_of, table.c.taken_time, table.c.snapshot_id)):
            if row.as_of >= since[row.obligor_id]:
                last.setdefault(row.obligor_id, {})[row.as_of.isocalendar()[:2]] = row
    return {obligor_id: [_observed(home, row, names) for row in weeks.values()] for obligor_id, weeks in last.items()}


def _observed(home: Home, row: sa.Row[Any], names: Sequence[str]) -> Observed:
    raw = _read(home, SnapshotId(row.snapshot_id))
    return Observed(as_of=row.as_of, values=dict(zip(names, observed_in(raw, names), strict=True)))


def _read(home: Home, snapshot_id: SnapshotId) -> bytes:
    try:
        return _path(home, snapshot_id).read_bytes()
    except FileNotFoundError:
        raise NotFound(f"No snapshot {snapshot_id} is stored here.") from None


def _committed(snapshot: FeatureSnapshot, roots: Mapping[BatchId, str]) -> dict[str, Any]:
    """The seed of a new snapshot, and the roots over what receipts can open of it."""
    seed = secrets.token_bytes(SEED_BYTES)
    features = features_of(snapshot, seed)
    batches = batches_of({batch_id: roots[batch_id] for batch_id in snapshot.batches}, seed)
    return {
        "disclosure_seed": seed,
        "features_root": features.root,
        "features_count": len(features.contents),
        "batches_root": batches.root,
        "batches_count": len(batches.contents),
    }


def _path(home: Home, snapshot_id: SnapshotId) -> Path:
    return home.snapshots / f"{snapshot_id[:2]}/{snapshot_id}.json"
