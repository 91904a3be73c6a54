"""The reference group that reasons compare with, as it is kept with a model: pattern counts, and no member's values."""

from __future__ import annotations

import hashlib
import io

import numpy as np

from scoring.errors import ArtefactDamaged
from scoring.explanation.shapley import ReferenceCounts


def reference_bytes(reference: ReferenceCounts) -> bytes:
    """The counts as a NumPy file of 32-bit numbers; its SHA-256 names the group."""
    file = io.BytesIO()
    np.save(file, reference.counts.astype("<u4"), allow_pickle=False)
    return file.getvalue()


def reference_digest(reference: ReferenceCounts) -> str:
    """SHA-256 of `reference_bytes`, hex."""
    return hashlib.sha256(reference_bytes(reference)).hexdigest()


def read_reference(content: bytes, *, members: int, digest: str) -> ReferenceCounts:
    """The counts of `reference_bytes`. Raises ArtefactDamaged where they are not those that `digest` names."""
    found = hashlib.sha256(content).hexdigest()
    if found != digest:
        raise ArtefactDamaged(
            f"The reference group hashes to {found}, its card says {digest}.",
            hint="Restore the folder from a backup, or train again and promote the new version.",
        )
    return ReferenceCounts(members=members, counts=np.load(io.BytesIO(content), allow_pickle=False).astype(np.int64))
