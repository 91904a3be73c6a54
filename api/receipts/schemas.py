"""Receipts as they are answered."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import Field, StringConstraints

from api.http.shapes import Told
from api.receipts.opening import OPENING_PATTERN, QUOTE_OPENING_PATTERN

MAXIMUM_OPENED = 100

OpenParameter = Annotated[
    list[Annotated[str, StringConstraints(pattern=OPENING_PATTERN)]] | None,
    Query(
        alias="open",
        max_length=MAXIMUM_OPENED,
        description="What to open beside the statement: features, feature:NAME, batches, batch:ID, consents.",
    ),
]

QuoteOpenParameter = Annotated[
    list[Annotated[str, StringConstraints(pattern=QUOTE_OPENING_PATTERN)]] | None,
    Query(
        alias="open",
        max_length=MAXIMUM_OPENED,
        description="What to open beside the statement: batches, batch:ID, consents.",
    ),
]


class ReceiptTold(Told):
    """What was logged, and the proof of it; `verify.py` checks it without asking anybody."""

    format: Literal["millgrade-receipt/2"]
    kind: str
    statement: str = Field(description="Canonical JSON, to be hashed as it stands.")
    salt: str
    proof: str = Field(description="C2SP tlog-proof: index, path to the root, and the signed checkpoint.")
    opened: dict[str, list[dict[str, Any]]]
    hashes: str = Field(
        description="Base64 of hashes of 32 bytes each, which paths of opened parts name by their places."
    )


class ReceiptAnswer(Told):
    """A receipt."""

    receipt: ReceiptTold
    livemode: bool
