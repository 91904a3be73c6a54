"""The list of consents, as the operator of a home declares them: good for test keys, never for a live one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from api.consents import repository, service
from api.consents.repository import OPERATOR_DECLARED, Purpose
from api.consents.service import ConsentRequest, plain_consent
from api.database.engine import unit_of_work
from api.home import Home
from api.instants import parse_instant
from api.obligors import repository as obligors
from api.operations.entries import Entry
from data_contracts.errors import InputError
from data_contracts.identifiers import ObligorId, obligor_id

NAMES = ("obligor", "recipient", "purpose", "expires", "evidence")
SHA256 = re.compile(r"[0-9a-f]{64}")
EXPIRY_ZONE = "Asia/Shanghai"
PAGE = 1000


def read_entry(entry: Entry) -> ConsentRequest:
    """An entry of the list of consents. Raises InputError."""
    purpose = entry.need("purpose")
    if purpose not in set(Purpose):
        raise InputError(f"{purpose!r} is no purpose.", hint=f"Write {', '.join(Purpose)}.")
    evidence = entry.text("evidence")
    if evidence is not None and not SHA256.fullmatch(evidence):
        raise InputError(f"{evidence!r} is no SHA-256.", hint="Write the 64 hexadecimal digits of the document's hash.")
    expires = entry.text("expires")
    default = repository.PLATFORM if purpose == Purpose.PLATFORM else None
    return ConsentRequest(
        obligor_id=obligor_id(entry.need("obligor")),
        recipient=entry.text("recipient") or default or entry.need("recipient"),
        purpose=Purpose(purpose),
        streams=service.ALL_STREAMS,
        expires_time=None if expires is None else parse_instant(expires, zone=EXPIRY_ZONE),
        evidence=evidence,
    )


def add(home: Home, requests: Sequence[ConsentRequest], *, now: datetime) -> list[dict[str, Any]]:
    """Record the consents, in one transaction. Raises NotFound (obligor, recipient) and InvalidConsent."""
    with unit_of_work(home.engine) as connection:
        return [service.grant(connection, request, mark=OPERATOR_DECLARED, now=now) for request in requests]


def listed(home: Home, *, obligor: ObligorId | None, recipient: str | None, now: datetime) -> list[dict[str, Any]]:
    """Every consent (of an obligor, to a recipient, or all), in the order in which they were given."""
    found: list[dict[str, Any]] = []
    after: tuple[datetime, str] | None = None
    with unit_of_work(home.engine) as connection:
        if obligor is not None:
            obligors.require(connection, obligor)
        while rows := repository.page(connection, obligor_id=obligor, recipient=recipient, after=after, limit=PAGE):
            found += [plain_consent(row, now=now) for row in rows]
            after = (rows[-1].granted_time, rows[-1].consent_id)
    return found


def remove(home: Home, consent_id: str, *, now: datetime) -> dict[str, Any]:
    """Withdraw a consent now; one that was withdrawn before keeps its time. Raises NotFound."""
    with unit_of_work(home.engine) as connection:
        return service.withdraw(connection, consent_id, now=now)
