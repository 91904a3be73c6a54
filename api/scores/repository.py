"""Score records as rows, with their reasons in the words of their time: appended, never changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from api.database.statements import insert_once
from api.database.tables import score_record
from api.evidence.claims import Kind
from api.evidence.service import record_answers
from api.identity import answer_id
from data_contracts.identifiers import ObligorId
from risk_reports.narrative import score_narrative
from scoring.canonical import canonical_bytes, plain_score
from scoring.records import ScoreRecord


def append(
    connection: sa.Connection,
    records: Sequence[ScoreRecord],
    *,
    consent_ids: Mapping[ObligorId, list[str]],
    now: datetime,
) -> None:
    """Keep every record, with its obligor's consents; one that is kept already is not kept twice."""
    rows = [_row(record, consent_ids[record.obligor_id], now) for record in records]
    insert_once(connection, score_record, rows)
    record_answers(
        connection,
        Kind.SCORE_RECORD,
        [str(row["score_id"]) for row in rows],
        models=[("credit", record.model_version) for record in records],
        parameters_versions=[record.parameters_version for record in records],
    )


def _row(record: ScoreRecord, consent_ids: list[str], now: datetime) -> dict[str, object]:
    plain = {**plain_score(record), **score_narrative(record)}
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
        "consent_ids": consent_ids,
        "body": canonical_bytes(plain),
    }
