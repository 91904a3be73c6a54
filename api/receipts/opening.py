"""Which parts of what a receipt commits to are opened beside it; everything else stays sealed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from data_contracts.errors import InputError

WORDS = "features, feature:NAME, batches, batch:ID, consents or chunk:BATCH/POSITION"
OPENING_PATTERN = r"^(features|feature:[a-z0-9_]{1,80}|batches|batch:b[0-9a-f]{24}|consents)$"
"""What a lender or the obligor may ask for over HTTP: rows of machines are handed out by the operator alone."""

QUOTE_OPENING_PATTERN = r"^(batches|batch:b[0-9a-f]{24}|consents)$"
"""What may be asked for beside a quote: an insurer is shown no features of the credit side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """The features and batches to open by name (None is all of them), consents, and chunks of rows.

    With `quantities` the amounts that limits rest on count as features.
    """

    features: Sequence[str] | None = ()
    batches: Sequence[str] | None = ()
    quantities: bool = False
    consents: bool = False
    chunks: Sequence[tuple[str, int]] = field(default=())


def parse_opening(words: Sequence[str], *, quantities: bool = False) -> Opening:
    """What some words ask to open. Raises InputError."""
    features, batches, chunks = [], [], []
    for word in words:
        kind, _, name = word.partition(":")
        if kind == "feature" and name:
            features.append(name)
        elif kind == "batch" and name:
            batches.append(name)
        elif kind == "chunk" and name.count("/") == 1 and name.partition("/")[2].isdecimal():
            batch_id, _, position = name.partition("/")
            chunks.append((batch_id, int(position)))
        elif word not in {"features", "batches", "consents"}:
            raise InputError(f"{word!r} cannot be opened.", hint=f"Write {WORDS}.")
    opened = [*batches, *(batch_id for batch_id, _ in chunks)]
    return Opening(
        features=None if "features" in words else tuple(features),
        batches=None if "batches" in words else tuple(dict.fromkeys(opened)),
        quantities=quantities,
        consents="consents" in words,
        chunks=tuple(chunks),
    )


SEALED = Opening()
