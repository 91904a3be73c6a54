"""Logging what is kept, in the transaction that keeps it: call these right after the rows are written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from pathlib import PurePosixPath

import sqlalchemy as sa

from api.evidence import claims
from api.evidence.claims import READERS, Claim, Kind
from data_contracts.evidence import levels, log
from data_contracts.evidence.levels import AttestationLevel
from data_contracts.evidence.log import Placed
from data_contracts.identifiers import BatchId
from data_contracts.observations.tables import (
    batch,
    chunk,
    observation_file,
    observation_file_batch,
    retired_file,
    to_microseconds,
)


def record(connection: sa.Connection, kind: Kind, subjects: Sequence[str]) -> None:
    """Log records of one kind by what their rows say; one that is logged already stays as it is."""
    _append(connection, READERS[kind](connection, subjects))


@dataclass(frozen=True, slots=True, kw_only=True)
class Attestation:
    """How far a batch can be trusted to come from where it says, who says so, and the seal that it rests on."""

    level: AttestationLevel
    by: str
    seal_digest: str | None = None


SELF_DECLARED = Attestation(level=AttestationLevel.SELF_DECLARED, by="operator")


def record_batch(
    connection: sa.Connection,
    batch_id: BatchId,
    attestation: Attestation = SELF_DECLARED,
    *,
    besides: Iterable[tuple[Kind, Sequence[str]]] = (),
    now: datetime,
) -> Placed:
    """Attest and log an admission, what it turned away, the files that it has already, and what came `besides`.

    Returns the admission's own entry.
    """
    levels.attest_admission(
        connection,
        batch_id,
        attestation.level,
        seal_digest=attestation.seal_digest,
        by=attestation.by,
        now_us=to_microseconds(now),
    )
    files = observation_file_batch.c
    written = _all(connection, files.sha256, files.batch_id == batch_id)
    turned_away = _all(connection, batch.c.batch_id, (batch.c.batch_id == batch_id) & (batch.c.rows_quarantined > 0))
    said: list[tuple[Kind, Sequence[str]]] = [
        (Kind.ATTESTATION, [batch_id]),
        (Kind.INGEST_BATCH, [batch_id]),
        (Kind.OBSERVATION_FILE, written),
        (Kind.QUARANTINE, turned_away),
        *besides,
    ]
    claims_of_all = (READERS[kind](connection, subjects) for kind, subjects in said if subjects)
    placed = _append(connection, chain.from_iterable(claims_of_all))
    return next(one for one in placed if one.entry.kind == Kind.INGEST_BATCH)


def record_files(connection: sa.Connection, hashes: Sequence[str]) -> None:
    """Log files that were written after their batches were logged."""
    record(connection, Kind.OBSERVATION_FILE, hashes)


def record_readmission(connection: sa.Connection, batch_id: BatchId, *, now: datetime) -> None:
    """Log an admission of rows that were in quarantine, and which they were."""
    record_batch(connection, batch_id, now=now)
    record(connection, Kind.READMISSION, [batch_id])


def record_rewriting(connection: sa.Connection, folders: Iterable[str]) -> None:
    """Log the files that came and those that were retired in these folders of the store (kind/partition/bucket)."""
    for folder in folders:
        name = folder + "/"
        inside = observation_file.c.path.startswith(name, autoescape=True)
        record(connection, Kind.OBSERVATION_FILE, _all(connection, observation_file.c.sha256, inside))
        gone = _all(connection, retired_file.c.path, retired_file.c.path.startswith(name, autoescape=True))
        log.endings(connection, log.RETIREMENT, [PurePosixPath(path).stem for path in gone])


def record_erased_chunks(connection: sa.Connection, units: Iterable[str]) -> None:
    """Log the chunks of these machines and obligors that lost their salts."""
    for unit in units:
        table = chunk.c
        gone = sa.select(table.batch_id, table.position).where(table.unit == unit, table.salt.is_(None))
        subjects = [f"{chunk.name}/{row.batch_id}/{row.position}" for row in connection.execute(gone)]
        log.endings(connection, log.ERASURE, subjects)


@contextmanager
def erasing_quarantine(connection: sa.Connection) -> Iterator[None]:
    """Whatever the block erases of what was turned away is logged as erased, and what is left is logged anew."""
    before = {claim.subject: claim for claim in READERS[Kind.QUARANTINE](connection, None)}
    yield
    changed = [
        claim.subject
        for claim in READERS[Kind.QUARANTINE](connection, None)
        if claim.canonical != before[claim.subject].canonical
    ]
    for subject in changed:
        log.erase(connection, Kind.QUARANTINE, subject)
    record(connection, Kind.QUARANTINE, [subject.partition(".")[0] for subject in changed])


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
    _append(connection, [*used, *books, *READERS[kind](connection, subjects)])


def record_model(connection: sa.Connection, model_kind: str, version: str) -> None:
    """Log a model that was trained."""
    _append(connection, [claims.model(model_kind, version)])


def _all(connection: sa.Connection, column: sa.Column[str], which: sa.ColumnElement[bool]) -> list[str]:
    return list(connection.scalars(sa.select(column).where(which)))


def _append(connection: sa.Connection, said: Iterable[Claim]) -> list[Placed]:
    return log.append(connection, [log.new_entry(claim.kind.value, claim.subject, claim.canonical) for claim in said])
