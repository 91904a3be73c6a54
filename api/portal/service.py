"""What the manufacturer's page shows: the same scores, snapshots and machine-days that the API answers with."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import pyarrow.compute as pc
import sqlalchemy as sa

from api.access_log import repository as access_log
from api.consents import repository as consent_rows
from api.consents import service as consents
from api.consents.repository import NOT_FOR_LIVE, PLATFORM, Purpose
from api.database.engine import unit_of_work
from api.database.tables import obligor, partner
from api.errors import NoModel
from api.home import Home
from api.machines.service import machine_days
from api.portal import recourse
from api.portal.sign_in import change_password, create_user
from api.scores.service import current_score
from api.snapshots.service import reader, site_zone, stored_parameters
from data_contracts.contract import RecordKind
from data_contracts.errors import ConsentMissing, NotFound
from data_contracts.identifiers import ObligorId
from features.machine_day.machine_days import MachineDays
from features.monthly import monthly_figures
from risk_reports import sme_access
from risk_reports.sme_recourse import ShownAnswer
from risk_reports.sme_statement import GradeBounds, SmeStatement, sme_statement
from risk_reports.wording.catalogue import Language
from scoring.canonical import plain_score
from scoring.credit.master_scale import master_scale

__all__ = [
    "Change",
    "DataPage",
    "Machine",
    "StatementPage",
    "change_password",
    "create_user",
    "data_page",
    "grant",
    "statement_page",
    "withdraw",
]

GRANTED_HERE = "portal"
"""Mark of a consent that the obligor gave on its page."""

GRANT_MONTHS = (3, 6, 12)
LOOKS_SHOWN = 50
CONSENTS_READ = 100


class Change(StrEnum):
    """What became of a change of consents."""

    GRANTED = "granted"
    WITHDRAWN = "withdrawn"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One machine as the page lists it."""

    name: str
    first_day: date
    last_day: date
    days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementPage:
    """The firm, its statement (None without consent, `is_paused`, or while nothing can be said yet), its machines, and
    what lenders answered about it."""

    name: str | None
    statement: SmeStatement | None
    is_paused: bool
    machines: tuple[Machine, ...]
    answers: tuple[ShownAnswer, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DataPage:
    """The firm, who may see its data, whom it may let see them, and who has looked."""

    name: str | None
    standing: tuple[sme_access.ShownConsent, ...]
    ended: tuple[sme_access.EndedConsent, ...]
    choices: tuple[sme_access.GrantChoice, ...]
    looks: tuple[sme_access.Look, ...]


def statement_page(home: Home, obligor_id: ObligorId, *, language: Language, now: datetime) -> StatementPage:
    """The statement of an obligor, from its current score and the machine-days known at that score's `as_of`."""
    with unit_of_work(home.engine) as connection:
        name = _name(connection, home, obligor_id, now=now)
        try:
            current = current_score(connection, home, obligor_id, now=now)
            as_of = current.record.as_of
            days, _ = machine_days(connection, home, obligor_id, as_of=as_of, now=now)
        except ConsentMissing:
            return StatementPage(name=name, statement=None, is_paused=True, machines=())
        except NoModel:
            return StatementPage(name=name, statement=None, is_paused=False, machines=())
        zone = site_zone(connection, home, obligor_id)
        answers = recourse.answers(connection, obligor_id, now=now, zone=zone, language=language)
    if current.snapshot.first_day is None:
        return StatementPage(name=name, statement=None, is_paused=False, machines=())
    values = stored_parameters(home, current.record.parameters_version).at(as_of)
    statement = sme_statement(
        plain_score(current.record),
        current.snapshot,
        monthly_figures(days, obligor_id=obligor_id, as_of=as_of),
        scale=_scale(values),
        minimum_history_days=values["minimum_history_days"],
        minimum_recent_coverage=values["minimum_recent_coverage"],
        zone=zone,
        language=language,
    )
    return StatementPage(name=name, statement=statement, is_paused=False, machines=_machines(days), answers=answers)


def data_page(home: Home, obligor_id: ObligorId, *, language: Language, now: datetime) -> DataPage:
    """Who may see the obligor's data and who has looked."""
    with unit_of_work(home.engine) as connection:
        name = _name(connection, home, obligor_id, now=now)
        zone = site_zone(connection, home, obligor_id)
        held = _consents(connection, obligor_id, now=now)
        partners = list(connection.execute(sa.select(partner).order_by(partner.c.name, partner.c.partner_id)))
        seen = access_log.newest(connection, obligor_id, limit=LOOKS_SHOWN)
    names = {row.partner_id: row.name for row in partners}
    return DataPage(
        name=name,
        standing=sme_access.standing_consents(
            held, names=names, unconfirmed=NOT_FOR_LIVE, zone=zone, language=language
        ),
        ended=sme_access.ended_consents(held, names=names, zone=zone, language=language),
        choices=sme_access.grant_choices(_grantable(held, partners), names=names, language=language),
        looks=sme_access.looks(
            [(row.time, row.viewer, row.what) for row in seen],
            own=obligor_id,
            names=names,
            zone=zone,
            language=language,
        ),
    )


def grant(home: Home, obligor_id: ObligorId, *, recipient: str, purpose: Purpose, months: int, now: datetime) -> Change:
    """Give a consent for some months from now; NONE where one that the obligor itself gave is in force.

    What others declared, or a test key gave, ends with it: else it would go on beyond the months that were chosen.
    Raises NotFound and InvalidConsent.
    """
    with unit_of_work(home.engine) as connection:
        standing = _in_force(_consents(connection, obligor_id, now=now), recipient, purpose)
        if any(_is_own(item) for item in standing):
            return Change.NONE
        request = consents.ConsentRequest(
            obligor_id=obligor_id,
            recipient=recipient,
            purpose=purpose,
            streams=("*",),
            expires_time=None if purpose is Purpose.PLATFORM else _months_after(now, months),
            evidence=None,
        )
        consents.grant(connection, request, mark=GRANTED_HERE, now=now)
        for item in standing:
            consents.withdraw(connection, item["consent_id"], now=now)
    return Change.GRANTED


def withdraw(home: Home, obligor_id: ObligorId, *, recipient: str, purpose: Purpose, now: datetime) -> Change:
    """End every consent of the obligor to that recipient for that purpose. Raises NotFound where none is in force."""
    with unit_of_work(home.engine) as connection:
        ending = _in_force(_consents(connection, obligor_id, now=now), recipient, purpose)
        if not ending:
            raise NotFound(f"No consent of {obligor_id} to {recipient!r} for {purpose.value} is in force.")
        for item in ending:
            consents.withdraw(connection, item["consent_id"], now=now)
    return Change.WITHDRAWN


def _name(connection: sa.Connection, home: Home, obligor_id: ObligorId, *, now: datetime) -> str | None:
    """The registered name; where there is none, that of the newest profile that telemetry's ledgers gave."""
    name = connection.scalar(sa.select(obligor.c.name).where(obligor.c.obligor_id == obligor_id))
    if name:
        return str(name)
    told = reader(connection, home).rows(
        RecordKind.OBLIGOR_PROFILE, as_of=now, obligor_ids=[obligor_id], columns=("event_time", "name")
    )
    return str(told["name"][-1].as_py()) if told.num_rows else None


def _scale(values: Mapping[str, Any]) -> list[GradeBounds]:
    scale = master_scale(values["master_scale"])
    return [GradeBounds(grade=grade, upper=scale.upper_bounds.get(grade)) for grade in scale.grades]


def _machines(days: MachineDays) -> tuple[Machine, ...]:
    """Every machine with its first and last day and on how many it was observed, by name."""
    seen = days.table.filter(pc.greater(days.table["observed_seconds"], 0))
    grouped = seen.group_by("machine_uid").aggregate([("day", "min"), ("day", "max"), ("day", "count_distinct")])
    return tuple(
        Machine(
            name=row["machine_uid"].split("/", 1)[-1],
            first_day=row["day_min"],
            last_day=row["day_max"],
            days=row["day_count_distinct"],
        )
        for row in grouped.sort_by("machine_uid").to_pylist()
    )


def _consents(connection: sa.Connection, obligor_id: ObligorId, *, now: datetime) -> list[dict[str, Any]]:
    """Every consent of the obligor as it is answered, oldest first."""
    held: list[dict[str, Any]] = []
    after: tuple[datetime, str] | None = None
    while True:
        rows = consent_rows.page(connection, obligor_id=obligor_id, recipient=None, after=after, limit=CONSENTS_READ)
        held += [consents.plain_consent(row, now=now) for row in rows]
        if len(rows) < CONSENTS_READ:
            return held
        after = (rows[-1].granted_time, rows[-1].consent_id)


def _in_force(held: Sequence[Mapping[str, Any]], recipient: str, purpose: Purpose) -> list[Mapping[str, Any]]:
    return [
        item
        for item in held
        if item["is_in_force"] and (item["recipient"], item["purpose"]) == (recipient, purpose.value)
    ]


def _is_own(consent: Mapping[str, Any]) -> bool:
    """Whether the obligor gave it in earnest, so that a live key may rest on it."""
    return consent["mark"] not in NOT_FOR_LIVE


def _grantable(held: Sequence[Mapping[str, Any]], partners: Sequence[sa.Row[Any]]) -> list[sme_access.Grantable]:
    """What the obligor may grant and did not itself: the platform, and each partner for what its kind can use."""
    possible = [(PLATFORM, Purpose.PLATFORM)]
    for row in partners:
        possible += [
            (row.partner_id, purpose) for purpose, barred in consents.PARTNER_KINDS.items() if row.kind != barred
        ]
    grantable = []
    for recipient, purpose in possible:
        standing = _in_force(held, recipient, purpose)
        if not any(_is_own(item) for item in standing):
            declared = standing[-1]["mark"] if standing else None
            grantable.append(sme_access.Grantable(recipient=recipient, purpose=purpose.value, declared_mark=declared))
    return grantable


def _months_after(now: datetime, months: int) -> datetime:
    """The same day and time `months` later, or the month's last day where it has no such day."""
    index = now.year * 12 + now.month - 1 + months
    year, month = index // 12, index % 12 + 1
    return now.replace(year=year, month=month, day=min(now.day, monthrange(year, month)[1]))
