"""Registering those whose data comes in, and telling who they are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from api.consents import repository as consents
from api.home import Home
from api.obligors import repository as obligors
from api.partners import repository as partners
from data_contracts.contract import RecordKind
from data_contracts.identifiers import ObligorId
from data_contracts.observations.reader import ObservationReader
from data_contracts.observations.store import ObservationStore


def register(connection: sa.Connection, obligor_ids: Sequence[ObligorId], *, now: datetime) -> None:
    """Register unknown obligors with the consents that the operator of this home declares for itself."""
    partners.ensure_local(connection, now=now)
    new = obligors.insert_unknown(connection, obligor_ids, registered_by="ingest", now=now)
    consents.declare(connection, new, recipient=consents.PLATFORM, purpose=consents.Purpose.PLATFORM, now=now)
    for purpose in (consents.Purpose.CREDIT, consents.Purpose.INSURANCE):
        consents.declare(connection, new, recipient=partners.LOCAL, purpose=purpose, now=now)


def describe(
    connection: sa.Connection, home: Home, rows: Sequence[sa.Row[Any]], *, now: datetime
) -> list[dict[str, Any]]:
    """Obligors as they are answered: as they are registered, and as the newest profile in their data says."""
    source = ObservationReader(connection, ObservationStore(home.observations))
    told = source.rows(
        RecordKind.OBLIGOR_PROFILE, as_of=now, obligor_ids=[row.obligor_id for row in rows], event_until=now
    )
    newest = {item["obligor_id"]: item for item in told.to_pylist()}
    return [_plain(row, newest.get(row.obligor_id, {})) for row in rows]


def _plain(row: sa.Row[Any], profile: dict[str, Any]) -> dict[str, Any]:
    return {
        "obligor_id": row.obligor_id,
        "name": row.name or profile.get("name"),
        "subject_kind": row.subject_kind or profile.get("subject_kind"),
        "industry_division": profile.get("industry_division"),
        "site_zone": profile.get("site_zone"),
        "registered_time": row.registered_time.isoformat(),
    }
