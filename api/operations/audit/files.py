"""The home's files against the database: observations by their rows, snapshots, models, parameters by their hashes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from api.database.tables import snapshot
from api.evidence.claims import Kind
from api.evidence.disclosure import batches_of, features_of
from api.home import Home
from api.operations.audit.discrepancy import Discrepancy, Verdict
from api.operations.audit.tree import LogEntries
from data_contracts.errors import MillgradeError
from data_contracts.identifiers import BatchId, ObligorId
from data_contracts.observations.audit import recompute_root
from data_contracts.observations.store import ObservationStore
from data_contracts.observations.tables import batch, chunk, observation_file, observed_machine, source_profile
from features.snapshot import parse_snapshot
from scoring import registry
from scoring.cards import version_of

TELEMETRY_KINDS = ("sample", "machine_day_report")


def examine_batches(connection: sa.Connection, home: Home) -> Iterator[Discrepancy]:
    """Whether each batch's rows, out of its files and under its salts, still have the root that was committed to."""
    store = ObservationStore(home.observations)
    for row in connection.execute(sa.select(batch.c.batch_id, batch.c.merkle_root).order_by(batch.c.sequence)).all():
        try:
            found = recompute_root(connection, store, BatchId(row.batch_id))
        except (MillgradeError, ValueError, KeyError, ArithmeticError) as error:
            yield _found(Verdict.UNREADABLE, Kind.INGEST_BATCH, row.batch_id, f"Its rows cannot be read: {error}")
            continue
        if found != row.merkle_root:
            yield _found(Verdict.CHANGED, Kind.INGEST_BATCH, row.batch_id, "Its rows are not those that were admitted.")


def examine_observation_files(connection: sa.Connection, home: Home) -> Iterator[Discrepancy]:
    """Whether each registered file is there, to the byte."""
    for row in connection.execute(sa.select(observation_file.c.path, observation_file.c.sha256)).all():
        problem = _hash_problem(home.observations / row.path, row.sha256)
        if problem:
            yield _found(Verdict.CHANGED, Kind.OBSERVATION_FILE, row.path, problem)


def examine_register(connection: sa.Connection) -> Iterator[Discrepancy]:
    """What the register derives from admissions: source profiles by their hash, and under whom each machine came in."""
    for row in connection.execute(sa.select(source_profile)):
        if hashlib.sha256(row.canonical.encode()).hexdigest() != row.profile_id:
            yield Discrepancy(
                verdict=Verdict.CHANGED,
                kind=source_profile.name,
                subject=row.profile_id,
                message="It is not what its name says.",
            )
    kept = {row.machine_uid: tuple(row)[1:] for row in connection.execute(sa.select(observed_machine))}
    derived = _machines(connection)
    for uid in sorted(kept.keys() | derived.keys()):
        if kept.get(uid) != derived.get(uid):
            yield Discrepancy(
                verdict=Verdict.CHANGED,
                kind=observed_machine.name,
                subject=uid,
                message="It is not what the batches say of this machine.",
            )


def examine_snapshots(connection: sa.Connection, home: Home) -> Iterator[Discrepancy]:
    """Whether each snapshot's file is what its name says, and speaks of what its row says that it speaks of."""
    roots = dict(connection.execute(sa.select(batch.c.batch_id, batch.c.merkle_root)).all())
    for row in connection.execute(sa.select(snapshot)).all():
        path = home.snapshots / row.snapshot_id[:2] / f"{row.snapshot_id}.json"
        problem = _hash_problem(path, row.snapshot_id) or _snapshot_problem(row, path, roots)
        if problem:
            yield _found(Verdict.CHANGED, Kind.SNAPSHOT, row.snapshot_id, problem)


def examine_named_files(home: Home, entries: LogEntries) -> Iterator[Discrepancy]:
    """Whether the models and parameter books that were logged are there, and what their names say."""
    for row in entries:
        if row.kind == Kind.PARAMETERS:
            problem = _hash_problem(home.parameters / f"{row.subject}.json", row.subject)
            if problem:
                yield _found(Verdict.CHANGED, Kind.PARAMETERS, row.subject, problem)
        elif row.kind == Kind.MODEL:
            yield from _examine_model(home, row.subject)


def _examine_model(home: Home, subject: str) -> Iterator[Discrepancy]:
    """A model's version is over its trees and its card, and its card names the hash of its reference group."""
    place = home.models / subject
    try:
        members = [path.read_bytes() for path in sorted(place.glob("*.ubj"))]
        card = (place / registry.CARD_FILE).read_bytes()
    except OSError as error:
        yield _found(Verdict.CHANGED, Kind.MODEL, subject, f"Its files cannot be read: {error.strerror}.")
        return
    problem = None
    if version_of(members, card) != place.name:
        problem = "Its files have other bytes."
    elif reference := json.loads(card).get("reference"):
        problem = _hash_problem(place / registry.REFERENCE_FILE, reference["sha256"])
    if problem:
        yield _found(Verdict.CHANGED, Kind.MODEL, subject, problem)


def _snapshot_problem(row: sa.Row[Any], path: Path, roots: Mapping[str, str]) -> str | None:
    try:
        taken = parse_snapshot(path.read_bytes())
    except (AssertionError, ValueError, KeyError, TypeError):
        return "Its file is of a format that is not read any more."
    if (taken.obligor_id, taken.as_of) != (row.obligor_id, row.as_of):
        return "Its row is about another obligor or time than its file."
    if row.disclosure_seed is None:  # a snapshot that was kept before there was a log has neither
        return None if row.features_root is None else "Its seed is gone: nothing of it can be opened any more."
    try:
        batches: dict[str, str] = {batch_id: roots[batch_id] for batch_id in taken.batches}
    except KeyError as error:
        return f"It rests on the batch {error.args[0]}, which is not registered."
    features = features_of(taken, row.disclosure_seed)
    found = (features.root, len(features.contents), batches_of(batches, row.disclosure_seed).root, len(batches))
    if found != (row.features_root, row.features_count, row.batches_root, row.batches_count):
        return "Its features or batches are not those that its roots commit to."
    return None


def _machines(connection: sa.Connection) -> dict[str, tuple[ObligorId | str, str, Any]]:
    """For each machine that telemetry spoke of: for whom it first came in, in which batch, since when it is known."""
    spoken = (
        sa.select(chunk.c.unit, batch.c.batch_id, batch.c.obligor_id, chunk.c.recorded_from)
        .join(batch, batch.c.batch_id == chunk.c.batch_id)
        .where(batch.c.kind.in_(TELEMETRY_KINDS))
        .order_by(batch.c.sequence)
    )
    found: dict[str, tuple[str, str, Any]] = {}
    for unit, batch_id, obligor, recorded in connection.execute(spoken):
        first = found.get(unit)
        if first is None:
            found[unit] = (obligor or unit.partition("/")[0], batch_id, recorded)
        elif recorded < first[2]:
            found[unit] = (*first[:2], recorded)
    return found


def _hash_problem(path: Path, sha256: str) -> str | None:
    """Why a file is not the one of that hash, or None."""
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        return f"Its file cannot be read: {error.strerror}."
    return None if found == sha256 else "Its file has other bytes."


def _found(verdict: Verdict, kind: Kind, subject: str, message: str) -> Discrepancy:
    return Discrepancy(verdict=verdict, kind=kind.value, subject=subject, message=message)
