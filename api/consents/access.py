"""Which obligors a key may see. Forbidden and absent are the same NotFound, after the same queries."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa

from api.consents import repository as consents
from api.consents.repository import PLATFORM, Purpose
from api.database.tables import obligor
from api.database.text import is_storable
from api.keys.principal import OBLIGOR_ROLES, PARTNER_ROLES, Principal, Role
from data_contracts.errors import NotFound
from data_contracts.identifiers import ObligorId
from data_contracts.observations.tables import Instant

PURPOSES = {Role.BANK: Purpose.CREDIT, Role.INSURER: Purpose.INSURANCE}
"""What the consent must be for that a partner's key rests on."""


def visible_obligors(principal: Principal, *, now: datetime) -> sa.Select[str]:
    """The obligors that a key may see, as a query: a partner those that consent to it and to the platform, an obligor
    itself, an operator all."""
    return _visible(principal.role, principal.livemode).params(_of(principal, now))


def require_visible(connection: sa.Connection, principal: Principal, obligor_id: str, *, now: datetime) -> ObligorId:
    """The obligor, if the key may see it. Raises NotFound, whether it is hidden or absent."""
    asked = {**_of(principal, now), "asked": obligor_id}
    if not is_storable(obligor_id) or connection.scalar(_is_visible(principal.role, principal.livemode), asked) is None:
        raise NotFound(f"No obligor {obligor_id!r} is known here.")
    return ObligorId(obligor_id)


def require_of_partner(
    connection: sa.Connection,
    principal: Principal,
    *,
    obligor_id: str,
    partner_id: str,
    livemode: bool,
    now: datetime,
    missing: str,
) -> None:
    """Raises NotFound with the words `missing` unless the key may read what a partner asked about an obligor: the
    partner itself while the consent lasts, and the obligor; each in its own mode."""
    require_visible(connection, principal, obligor_id, now=now)
    is_theirs = principal.role not in PARTNER_ROLES or partner_id == principal.partner_id
    if not is_theirs or livemode is not principal.livemode:
        raise NotFound(missing)


def _of(principal: Principal, now: datetime) -> dict[str, Any]:
    return {"partner": principal.partner_id, "own": principal.obligor_id, "now": now}


@cache
def _visible(role: Role, livemode: bool) -> sa.Select[str]:
    """What a key of that role sees, of the parameters that `_of` gives. Prepared once, as every request asks it."""
    rows, now = sa.select(obligor.c.obligor_id), sa.bindparam("now", type_=Instant)
    if role in PURPOSES:
        told, partner = obligor.c.obligor_id, sa.bindparam("partner", type_=sa.String)
        to_platform = consents.consenting(recipient=PLATFORM, purpose=Purpose.PLATFORM, now=now, livemode=livemode)
        to_partner = consents.consenting(recipient=partner, purpose=PURPOSES[role], now=now, livemode=livemode)
        return rows.where(told.in_(to_platform), told.in_(to_partner))
    if role in OBLIGOR_ROLES:
        return rows.where(obligor.c.obligor_id == sa.bindparam("own", type_=sa.String))
    return rows


@cache
def _is_visible(role: Role, livemode: bool) -> sa.Select[str]:
    return _visible(role, livemode).where(obligor.c.obligor_id == sa.bindparam("asked", type_=sa.String))
