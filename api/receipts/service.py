"""Receipts: what was logged of a record, the proof that it stands in the log, and what is opened of its basis."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from api.database.tables import snapshot
from api.errors import EvidenceErased
from api.evidence.claims import READERS, Kind
from api.evidence.disclosure import batches_of, features_of
from api.evidence.keys import log_signers
from api.home import Home
from api.receipts.opening import SEALED, Opening
from api.snapshots import repository as snapshots
from data_contracts.errors import LogDamaged, NotFound
from data_contracts.evidence import checkpoint, log, verify
from data_contracts.evidence.commitment import merkle_root
from data_contracts.evidence.log import Entry, Placed
from data_contracts.evidence.notes import SignatureType
from data_contracts.evidence.tables import late_logging
from data_contracts.evidence.tree import inclusion_spans
from data_contracts.identifiers import BatchId
from data_contracts.observations.audit import chunk_bytes
from data_contracts.observations.register import merkle_roots
from data_contracts.observations.store import ObservationStore
from data_contracts.observations.tables import chunk
from scoring.canonical import canonical_bytes

KINDS = {
    "d": Kind.CREDIT_DECISION,
    "q": Kind.PREMIUM_QUOTE,
    "s": Kind.SCORE_RECORD,
    "b": Kind.INGEST_BATCH,
}
"""The kind of record that the first letter of its name tells."""


def receipt(
    connection: sa.Connection, home: Home, kind: Kind, subject: str, *, opening: Opening = SEALED, now: datetime
) -> dict[str, Any]:
    """The receipt of a record, signed with every key of the log.

    It bears the newest kept checkpoint that covers the record; where there is none, the log is signed as it stands.
    Raises NotFound, EvidenceErased, and LogDamaged where the record does not say any more what was logged.
    """
    note = cover(connection, home, kind, subject, now=now)
    return covered_receipt(connection, home, kind, subject, note, opening=opening)


def cover(connection: sa.Connection, home: Home, kind: Kind, subject: str, *, now: datetime) -> str:
    """A kept checkpoint that covers a record: of those who ask in one transaction the first has the log signed as it
    stands, for all of them. Raises NotFound, and LogDamaged as `checkpoint.keep_head`."""
    note, position = checkpoint.latest(connection), log.find(connection, kind.value, subject).position
    if note is not None and verify.parse_checkpoint(note).size > position:
        return note
    return checkpoint.keep_head(connection, log_signers(home), now=now)


def covered_receipt(
    connection: sa.Connection, home: Home, kind: Kind, subject: str, note: str, *, opening: Opening = SEALED
) -> dict[str, Any]:
    """The receipt of a record under the checkpoint that covers it; nothing is written. Raises as `receipt`."""
    entry = _entry(connection, kind, subject)
    opened = _opened(connection, home, entry, opening, note)
    return _assembled(entry, checkpoint.proof_text(connection, entry["index"], note), opened)


def ingest_receipt(connection: sa.Connection, home: Home, admission: Placed, *, now: datetime) -> dict[str, Any]:
    """The receipt of an admission for its sender, in the transaction of the admission: whoever hands it out commits
    first. It bears the Ed25519 signature alone, so that it stays small; a full one can be asked for later."""
    signers = [signer for signer in log_signers(home) if signer.kind is SignatureType.ED25519]
    proof = checkpoint.head_proof(connection, signers, admission.position, now=now)
    return _assembled(_told(admission), proof, {})


def receipt_bytes(plain: dict[str, Any]) -> bytes:
    """A receipt as a file."""
    return canonical_bytes(plain) + b"\n"


def _assembled(entry: dict[str, Any], proof: str, opened: dict[str, Any]) -> dict[str, Any]:
    return {
        "format": verify.FORMAT,
        "kind": entry["kind"],
        "statement": entry["statement"],
        "salt": entry["salt"],
        "proof": proof,
        "opened": opened,
        "hashes": _shared(opened),
    }


def _shared(opened: dict[str, Any]) -> str:
    """The hashes of all paths, each once and in one text; the paths name them by their places instead."""
    places: dict[str, int] = {}
    for item in (item for items in opened.values() for item in items):
        item["path"] = [places.setdefault(step, len(places)) for step in item["path"]]
    return checkpoint.as_base64(b"".join(map(base64.b64decode, places)))


def _entry(connection: sa.Connection, kind: Kind, subject: str) -> dict[str, Any]:
    return _told(logged(connection, kind, subject))


def logged(connection: sa.Connection, kind: Kind, subject: str) -> Placed:
    """The entry of a record, at its place. Raises as `receipt`."""
    row = log.find(connection, kind.value, subject)
    if row.salt is None:
        raise EvidenceErased(f"The {kind.value} {subject!r} was erased; the log proves only that there was one.")
    claim = next(iter(READERS[kind](connection, [subject])), None)
    if claim is None or log.entry_leaf(row.salt, row.kind, claim.canonical) != row.leaf:
        raise LogDamaged(f"The {kind.value} {subject!r} does not say any more what was logged.", hint=_AUDIT)
    entry = Entry(kind=row.kind, subject=row.subject, canonical=claim.canonical, salt=row.salt)
    return Placed(position=row.position, entry=entry)


def _told(placed: Placed) -> dict[str, Any]:
    """An entry with what it says."""
    return {
        "kind": placed.entry.kind,
        "index": placed.position,
        "salt": checkpoint.as_base64(placed.entry.salt),
        "statement": placed.entry.canonical.decode(),
    }


_AUDIT = "Run: millgrade audit"


def _opened(
    connection: sa.Connection, home: Home, entry: dict[str, Any], opening: Opening, note: str
) -> dict[str, Any]:
    """What is opened, by what it is: what was asked for, and that the record was logged late, where it was."""
    statement = json.loads(entry["statement"])
    found: dict[str, list[dict[str, Any]]] = {"entries": list(_proven(connection, _late(connection, entry), note))}
    if opening.features != () or opening.batches != ():
        found |= _basis(connection, home, statement, opening)
    if opening.consents:
        entries = [_entry(connection, Kind.CONSENT, name) for name in statement.get("consent_ids") or ()]
        found["entries"] += _proven(connection, entries, note)
    if opening.chunks:
        found["chunks"] = [_chunk(connection, home, *named) for named in opening.chunks]
    return {name: items for name, items in found.items() if items}


def _late(connection: sa.Connection, entry: dict[str, Any]) -> list[dict[str, Any]]:
    """The run that logged a record after it was kept."""
    table, index = late_logging.c, entry["index"]
    runs = connection.scalars(sa.select(table.run).where(table.first <= index, table.until > index))
    return [_entry(connection, Kind.LATE_LOGGING, run) for run in runs]


def _basis(
    connection: sa.Connection, home: Home, statement: dict[str, Any], opening: Opening
) -> dict[str, list[dict[str, Any]]]:
    """Features and batches of the snapshot that a record rests on."""
    if "snapshot_id" not in statement:
        return {}  # an admission rests on no snapshot; its own root stands in its statement
    name = statement["snapshot_id"]
    seed = connection.scalar(sa.select(snapshot.c.disclosure_seed).where(snapshot.c.snapshot_id == name))
    if seed is None:
        raise EvidenceErased(f"Nothing of the snapshot {name} can be opened: it has no seed any more.")
    taken = snapshots.load(home, name)
    features = features_of(taken, seed)
    batches = batches_of(
        {str(name): root for name, root in merkle_roots(connection, list(taken.batches)).items()}, seed
    )
    shown = [name for name in features.names if opening.quantities or name in taken.values]
    chosen = shown if opening.features is None else opening.features
    for feature in chosen:
        if feature not in shown:
            raise NotFound(
                f"The snapshot has no feature {feature!r} to open.", hint=f"It has {', '.join(shown[:3])} ..."
            )
    parts = batches.names if opening.batches is None else opening.batches
    return {
        "features": [features.open(feature) for feature in chosen],
        "batches": [batches.open(part) for part in parts],
    }


def _proven(connection: sa.Connection, entries: Sequence[dict[str, Any]], note: str) -> Iterator[dict[str, Any]]:
    """Entries with their paths to the root of the receipt's own checkpoint; those that are later cannot be shown."""
    size = verify.parse_checkpoint(note).size
    for entry in entries:
        if entry["index"] < size:
            lines = checkpoint.proof_text(connection, entry["index"], note).partition("\n\n")[0].split("\n")
            yield {**entry, "path": lines[2:]}


def _chunk(connection: sa.Connection, home: Home, batch_id: str, position: int) -> dict[str, Any]:
    """The rows of a chunk in their canonical bytes, with the path to its batch's root; an erased one by its leaf."""
    rows = connection.execute(
        sa.select(chunk.c.salt, chunk.c.leaf).where(chunk.c.batch_id == batch_id).order_by(chunk.c.position)
    ).all()
    if position >= len(rows):
        raise NotFound(f"Batch {batch_id!r} has no chunk {position}.", hint=f"It has {len(rows)}, counted from 0.")
    leaves = [row.leaf for row in rows]
    spans = inclusion_spans(position, len(rows))
    place = {
        "index": position,
        "count": len(rows),
        "path": [checkpoint.as_base64(merkle_root(leaves[start:stop])) for start, stop in spans],
    }
    if rows[position].salt is None:
        return {**place, "leaf": leaves[position].hex()}
    content = chunk_bytes(connection, ObservationStore(home.observations), BatchId(batch_id), position)
    return {**place, "salt": checkpoint.as_base64(rows[position].salt), "bytes": checkpoint.as_base64(content)}
