"""Score records as rows: appended, never changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from api.database.statements import insert_once
from api.database.tables import score_record
from api.identity import answer_id
from scoring.canonical import canonical_bytes, plain_score
from scoring.records import ScoreRecord


def append(connection: sa.Connection, records: Sequence[ScoreRecord], *, now: datetime) -> None:
    """Keep every record; one that is kept already is not kept twice."""
    insert_once(connection, score_record, [_row(record, now) for record in records])


def _row(record: ScoreRecord, now: datetime) -> dict[str, object]:
    plain = plain_score(record)
    return {
        "score_id": answer_id("s", plain),
        "obligor_id": record.obligor_id,
        "scored_time": now,
        "as_of": record.as_of,
        "source": record.source.value,
        "pd_12m": record.pd_12m,
        "rating_grade": record.rating_grade,
        "snapshot_id": record.snapshot_id,
        "model_version": record.model_version,
        "parameters_version": record.parameters_version,
        "body": canonical_bytes(plain),
    }
