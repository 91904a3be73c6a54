"""A witness: a folder with its own key and the last checkpoint of one log. It needs no home."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from api.evidence.keys import make_signers, read_signers
from api.operations.evidence import read_keys, read_text
from data_contracts.errors import InputError, OperatingError
from data_contracts.evidence import verify
from data_contracts.evidence.notes import SignatureType, Signer
from data_contracts.evidence.witness import examine

PRIVATE_FILE, PUBLIC_FILE, LAST_FILE = "witness.key", "witness.pub", "last.checkpoint"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9./_-]{0,99}")
KINDS = (SignatureType.ED25519_COSIGNATURE,)
"""A witness's line stands in every receipt, which must stay small: so it is Ed25519 alone."""


class NotWitnessed(InputError):
    """A checkpoint does not continue what the witness remembers; the file that shows it is worth keeping."""

    code = "not_witnessed"


def witness(folder: Path, request: Path, key: Path, *, name: str, now: datetime) -> dict[str, Any]:
    """Cosign the checkpoint of a request file, once it is shown to continue the one remembered, and remember it.

    Raises NotWitnessed, InvalidEvidence, OperatingError.
    """
    keys, text = read_keys(key), read_text(request)
    with _alone(folder):
        last = folder / LAST_FILE
        try:
            known = read_text(last) if last.exists() else None
            checkpoint = examine(text, keys, known)
        except verify.Invalid as error:
            raise NotWitnessed(str(error), hint="Keep the file: with your last checkpoint it is the proof.") from error
        (signer,) = _signers(folder, name)
        note = text.partition("\n\n")[2]
        _remember(last, note)
    return {
        "origin": checkpoint.origin,
        "size": checkpoint.size,
        "was_known": known is not None,
        "cosignature": signer.signature_line(checkpoint.text, now=now),
        "key": signer.public_line,
    }


def _signers(folder: Path, name: str) -> Sequence[Signer]:
    if not NAME.fullmatch(name):
        raise InputError(f"{name!r} cannot be a witness's name.", hint="Write it like bank.example/witness.")
    if not (folder / PRIVATE_FILE).exists():
        make_signers(folder, name, KINDS, private=PRIVATE_FILE, public=PUBLIC_FILE)
    return read_signers(folder / PRIVATE_FILE)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One at a time: whoever looks at the last checkpoint also replaces it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise OperatingError(
            f"{folder} cannot be used: {error.strerror}.", hint="Name a folder of your own."
        ) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _remember(path: Path, note: str) -> None:
    """The checkpoint is on disk before its cosignature leaves."""
    draft = path.with_suffix(".draft")
    with draft.open("w", encoding="utf-8") as file:
        file.write(note)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    handle = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
