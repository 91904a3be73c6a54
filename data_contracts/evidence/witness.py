"""What a witness examines before it cosigns: that a log it knows only ever grows. Needs nothing of the log's own.

A witness remembers one checkpoint of a log. As long as one honest witness of those that a reader trusts has cosigned,
the log cannot have shown that reader another history.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

from data_contracts.evidence.verify import (
    Checkpoint,
    Invalid,
    Key,
    check_consistency,
    parse_checkpoint,
    require_log_keys,
)

HASH_BYTES = 32
MAXIMUM_LINES = 63


def examine(request: str, keys: Sequence[Key], last: str | None) -> Checkpoint:
    """The checkpoint that a request (C2SP tlog-witness) asks to cosign. Raises verify.Invalid.

    `last` is the checkpoint that the witness remembers, None where it knows nothing of this log yet.
    """
    head, blank, note = request.partition("\n\n")
    first, *lines = head.split("\n")
    if not blank or not first.startswith("old ") or not first[4:].isdecimal() or len(lines) > MAXIMUM_LINES:
        raise Invalid("The request does not begin with the size that the witness knows: old <size>.")
    old, new = int(first[4:]), parse_checkpoint(note)
    require_log_keys(new, keys)
    known = None if last is None else parse_checkpoint(last)
    if known is not None and known.origin != new.origin:
        raise Invalid(f"This witness remembers the log {known.origin}, not {new.origin}.")
    size, root = (0, b"") if known is None else (known.size, known.root)
    if new.size < size:
        raise Invalid(f"The log was rolled back: {size} entries were witnessed, the checkpoint has {new.size}.")
    if old != size:
        raise Invalid(f"The request proves from {old} entries on; this witness remembers {size}.")
    check_consistency(size, new.size, root, new.root, [_hash(line) for line in lines])
    return new


def _hash(line: str) -> bytes:
    try:
        raw = base64.b64decode(line, validate=True)
    except binascii.Error as error:
        raise Invalid("A line of the request is no base64.") from error
    if len(raw) != HASH_BYTES:
        raise Invalid(f"A hash of the request has {len(raw)} bytes.")
    return raw
