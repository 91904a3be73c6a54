"""The models that answer, against the records of who appointed them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import get_args

import sqlalchemy as sa

from api.governance import repository as governance
from api.governance.repository import ModelRole, Named
from api.home import Home
from api.operations.doctor.finding import Finding, fine, warning, wrong
from data_contracts.errors import MillgradeError
from scoring import registry

CHECK = "governance"
SOON = timedelta(days=30)
_PROMOTE = "Run: millgrade model promote"


def appointed(connection: sa.Connection, home: Home, *, now: datetime) -> Iterator[Finding]:
    """Whether each model that answers is the one that was appointed last, and how long its validation is good for."""
    kinds: tuple[registry.Kind, ...] = get_args(registry.Kind)
    said = list(governance.appointments(connection))
    for kind in kinds:
        try:
            pointer = registry.pointer_of(home.models, kind)
        except MillgradeError:
            continue  # told by the check of models
        champions = [item for item in said if item.kind == kind and item.role is ModelRole.CHAMPION]
        if pointer is None and not champions:
            continue
        yield _mandate(kind, pointer, _appointed(connection, champions), now=now)


def _appointed(connection: sa.Connection, champions: list[governance.Appointment]) -> registry.Pointer | None:
    """What the pointer should say by the last appointment."""
    if not champions:
        return None
    last = champions[-1]
    assert last.version is not None, "the database lets no champion be without a version"
    found = governance.validations(connection, Named(kind=last.kind, version=last.version))
    (validation,) = (item.validation for item in found if item.validation_id == last.validation_id)
    return registry.Pointer(version=last.version, expires_time=validation.expires_time)


def _mandate(
    kind: registry.Kind, pointer: registry.Pointer | None, appointed: registry.Pointer | None, *, now: datetime
) -> Finding:
    if pointer != appointed and (appointed is not None or (pointer is not None and pointer.expires_time is not None)):
        named = "nobody" if appointed is None else appointed.version[:12]
        found = "none" if pointer is None else pointer.version[:12]
        return wrong(CHECK, f"The {kind} model that answers is {found}; {named} was appointed last.", _PROMOTE)
    assert pointer is not None, "without an appointment only what answers is looked at"
    name = f"{kind} model {pointer.version[:12]}"
    if pointer.expires_time is None:
        return warning(CHECK, f"The {name} is on trial: nobody has validated it.", "Run: millgrade model validate")
    if now >= pointer.expires_time:
        return wrong(CHECK, f"The validation of {name} lapsed on {pointer.expires_time.date()}.", _PROMOTE)
    if now >= pointer.expires_time - SOON:
        return warning(CHECK, f"The validation of {name} ends on {pointer.expires_time.date()}.", _PROMOTE)
    return fine(CHECK, f"the {name} is validated until {pointer.expires_time.date()}")
