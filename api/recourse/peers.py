"""What peers show: the latest snapshots of the firms of this home, as far as they consented to statistics of peers."""

from __future__ import annotations

import hashlib
from datetime import datetime

import numpy as np
import sqlalchemy as sa

from api.database.tables import snapshot
from api.home import Home
from api.snapshots import repository as snapshots
from data_contracts.identifiers import ObligorId, SnapshotId
from features.catalogue import CATALOGUE, catalogue_version
from scoring.recourse.reach import NO_PEERS, PeerReach, peer_reach

MOST_PEERS = 400
"""Firms looked at; of more, those whose names hash lowest."""


def reach_of_peers(
    connection: sa.Connection, home: Home, obligor_id: ObligorId, *, as_of: datetime, least_firms: int
) -> PeerReach:
    """Quantiles of the features of other firms, by their latest snapshots up to `as_of`. A snapshot exists only of a
    firm that consented to the platform's statistics."""
    others = (snapshot.c.as_of <= as_of) & (snapshot.c.obligor_id != obligor_id)
    newest = (
        sa.select(snapshot.c.obligor_id, sa.func.max(snapshot.c.as_of).label("as_of"))
        .where(others)
        .group_by(snapshot.c.obligor_id)
        .subquery()
    )
    chosen = sa.select(snapshot.c.obligor_id, sa.func.min(snapshot.c.snapshot_id).label("snapshot_id")).join(
        newest, (newest.c.obligor_id == snapshot.c.obligor_id) & (newest.c.as_of == snapshot.c.as_of)
    )
    rows = connection.execute(chosen.group_by(snapshot.c.obligor_id)).all()
    rows = sorted(rows, key=lambda row: hashlib.sha256(row.obligor_id.encode()).digest())[:MOST_PEERS]
    names = list(CATALOGUE)
    found = [snapshots.load(home, SnapshotId(row.snapshot_id)) for row in rows]
    vectors = [item.vector(names) for item in found if item.catalogue_version == catalogue_version()]
    return peer_reach(np.array(vectors), names, least_firms=least_firms) if len(vectors) >= least_firms else NO_PEERS
