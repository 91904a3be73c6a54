"""Logging what is kept, in the transaction that keeps it: call these right after the rows are written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from api.evidence import claims
from api.evidence.claims import READERS, Claim, Kind
from data_contracts.evidence import log
from data_contracts.identifiers import BatchId


def record(connection: sa.Connection, kind: Kind, subjects: Sequence[str]) -> None:
    """Log records of one kind by what their rows say; one that is logged already stays as it is."""
    _append(connection, READERS[kind](connection, subjects))


def record_batch(connection: sa.Connection, batch_id: BatchId) -> None:
    """Log an admission, its files, and what it turned away."""
    for kind in (Kind.INGEST_BATCH, Kind.OBSERVATION_FILES, Kind.QUARANTINE):
        record(connection, kind, [batch_id])


def record_answers(
    connection: sa.Connection,
    kind: Kind,
    subjects: Sequence[str],
    *,
    models: Iterable[tuple[str, str | None]],
    parameters_versions: Iterable[str],
) -> None:
    """Log answers, after the models (kind, version) and parameter books that they rest on."""
    used = [claims.model(name, version) for name, version in dict.fromkeys(models) if version is not None]
    books = [claims.parameters(version) for version in dict.fromkeys(parameters_versions)]
    _append(connection, [*used, *books])
    record(connection, kind, subjects)


def record_model(connection: sa.Connection, model_kind: str, version: str) -> None:
    """Log a model that was trained."""
    _append(connection, [claims.model(model_kind, version)])


def _append(connection: sa.Connection, said: Iterable[Claim]) -> None:
    log.append(connection, [log.new_entry(claim.kind.value, claim.subject, claim.canonical) for claim in said])
