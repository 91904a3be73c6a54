"""Signing the log, keeping what witnesses answer, and auditing a home."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from api.database.engine import unit_of_work
from api.evidence.keys import PUBLIC_FILE, log_signers, public_lines
from api.home import Home
from api.operations.audit.examine import Audited, audit
from api.receipts.opening import Opening
from api.receipts.service import KINDS, receipt
from data_contracts.errors import InputError, InvalidEvidence, NotFound
from data_contracts.evidence import checkpoint, log, verify
from data_contracts.evidence.verify import Checkpoint, Key


def sign(home: Home, *, since: int | None, now: datetime) -> dict[str, Any]:
    """The log's head, signed and kept; with `since`, in the form that a witness takes. Raises LogDamaged.

    Also raises InputError where the log has never had `since` entries.
    """
    signers = log_signers(home)
    with unit_of_work(home.engine) as connection:
        note = checkpoint.keep_head(connection, signers, now=now)
        size = log.tree_size(connection)
        if since is not None and since > size:
            raise InputError(f"The log has {size} entries, not {since}.", hint="Name the size that the witness knows.")
        text = note if since is None else checkpoint.witness_request(connection, since, note)
    return {"origin": signers[0].name, "size": size, "text": text, "keys": public_lines(signers).splitlines()}


def add_cosignature(home: Home, path: Path, witness: Path | None) -> dict[str, Any]:
    """Keep the signature line that a witness answered with its checkpoint. Raises InvalidEvidence."""
    if witness is None:
        raise InputError("A cosignature is kept only once it is checked.", hint="Name the witness's key: --witness.")
    keys, line = read_keys(witness), read_text(path)
    with unit_of_work(home.engine) as connection:
        note = checkpoint.latest(connection)
        if note is None:
            raise InputError("No checkpoint is kept here.", hint="Run: millgrade checkpoint")
        try:
            signed = verify.check_signatures(verify.parse_checkpoint(note + line), keys)
        except verify.Invalid as error:
            raise InvalidEvidence(str(error), hint="It belongs to another checkpoint than the newest.") from error
        if not signed:
            raise InvalidEvidence("The line is no signature of that witness.", hint="Check --witness.")
        size = int(note.split("\n")[1])
        checkpoint.add_cosignature(connection, size, line)
        text = checkpoint.at_size(connection, size)
    return {"origin": note.split("\n")[0], "size": size, "text": text}


def receipt_of(home: Home, record: str, opening: Opening, *, now: datetime) -> dict[str, Any]:
    """The receipt of a decision, quote, score or batch. Raises NotFound, EvidenceErased, LogDamaged."""
    kind = KINDS.get(record[:1])
    if kind is None:
        raise NotFound(f"No record {record!r} is kept here.", hint="Ids begin with d, q, s or b.")
    with unit_of_work(home.engine) as connection:
        return receipt(connection, home, kind, record, opening=opening, now=now)


def verified(path: Path, key: Path, witnesses: Sequence[Path], answer: Path | None) -> dict[str, Any]:
    """What a receipt proves. Raises InvalidEvidence."""
    try:
        return verify.check_receipt(
            read_text(path),
            read_keys(key),
            witnesses=[found for witness in witnesses for found in read_keys(witness)],
            answer=None if answer is None else read_text(answer),
        )
    except verify.Invalid as error:
        raise InvalidEvidence(str(error)) from error


def own_key(root: Path) -> Path:
    """The home's own public key file; a bank takes the one that it was given."""
    return root / "evidence" / PUBLIC_FILE


def audit_home(home: Home, path: Path, key: Path) -> Audited:
    """Examine a home against a checkpoint file (or a receipt that bears one). Raises InvalidEvidence."""
    keys, signed = read_keys(key), read_checkpoint(path)
    with unit_of_work(home.engine) as connection:
        try:
            return audit(connection, home, checkpoint=signed, keys=keys)
        except verify.Invalid as error:
            raise InvalidEvidence(str(error), hint="Take the key and the checkpoint that you kept yourself.") from error


def read_checkpoint(path: Path) -> Checkpoint:
    """The checkpoint of a file: a signed note, what a witness is sent, or a receipt. Raises InvalidEvidence."""
    text = read_text(path)
    try:
        if text.startswith("{"):
            told = json.loads(text)
            return verify.parse_proof(str(told.get("receipt", told).get("proof"))).checkpoint
        return verify.parse_checkpoint(text.partition("\n\n")[2] if text.startswith("old ") else text)
    except (verify.Invalid, ValueError, AttributeError) as error:
        raise InvalidEvidence(f"{path}: {error}", hint="Name a checkpoint or a receipt.") from error


def read_keys(path: Path) -> list[Key]:
    """The public keys of a file. Raises InvalidEvidence."""
    try:
        return verify.parse_keys(read_text(path))
    except verify.Invalid as error:
        raise InvalidEvidence(f"{path}: {error}", hint="A home's own is evidence/log.pub.") from error


def read_text(path: Path) -> str:
    """A text file. Raises InvalidEvidence."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidEvidence(f"{path} cannot be read as text.", hint="Check its path.") from error


def write(path: Path, text: str) -> None:
    """Write a text file. Raises InputError."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}.", hint="Name another file.") from error
