"""Who stands before the doors: the obligor, its bank and its insurer, and those who are kept out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from stdnum.cn import uscc

from api.consents import repository as consents
from api.consents.repository import PLATFORM, Purpose
from api.database.engine import unit_of_work
from api.demo_doors import Door, make_secrets
from api.home import Home
from api.keys import service as keys
from api.keys.principal import Role
from api.obligors import repository as obligors
from api.operations import partners
from api.operations.partners import PartnerEntry, PartnerKind
from data_contracts.identifiers import ObligorId, PartnerId

STRANGER = PartnerEntry(partner_id=PartnerId("other-bank"), name="Another bank", kind=PartnerKind.BANK)


@dataclass(frozen=True, kw_only=True)
class Doors:
    """Whom it is about and every secret that the exhibit needs; none of them is printed."""

    obligor: ObligorId
    absent: ObligorId
    sign_in_name: str
    password: str
    partners: tuple[tuple[Door, str], ...]
    own: str
    neighbour: str
    stranger: str


def make_doors(home: Home, obligor: ObligorId, *, now: datetime) -> Doors:
    """A sign-in and keys for the obligor, its bank and its insurer; and for a neighbour and a bank without consent."""
    opened = make_secrets(home, obligor, now=now)
    partners.add(home, [STRANGER], now=now)
    with unit_of_work(home.engine) as connection:
        known = obligors.all_ids(connection)
        # The home's own consent dates from when it was made, which the server's clock may not have reached.
        consents.declare(connection, [obligor], recipient=PLATFORM, purpose=Purpose.PLATFORM, now=now)
        neighbour = next(one for one in known if one != obligor)
        return Doors(
            obligor=obligor,
            absent=_nobody(set(known)),
            sign_in_name=opened.sign_in_name,
            password=opened.password,
            partners=opened.keys,
            own=_key(connection, Role.OBLIGOR, obligor=obligor, now=now),
            neighbour=_key(connection, Role.OBLIGOR, obligor=neighbour, now=now),
            stranger=_key(connection, Role.BANK, partner=STRANGER.partner_id, now=now),
        )


def _key(
    connection: sa.Connection,
    role: Role,
    *,
    partner: PartnerId | None = None,
    obligor: ObligorId | None = None,
    now: datetime,
) -> str:
    return keys.create_key(connection, role=role, partner_id=partner, obligor_id=obligor, livemode=False, now=now)


def _nobody(known: set[ObligorId]) -> ObligorId:
    """A code that is valid and that nobody here has."""
    stems = (f"91999999MA{number:07d}" for number in range(9_999_999, 0, -1))
    codes = (ObligorId(stem + uscc.calc_check_digit(stem)) for stem in stems)
    return next(code for code in codes if code not in known)
