"""The list of obligors: who they are is a ledger row of kind obligor_profile; that they are served here is a record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import sqlalchemy as sa

from api.consents import repository as consents
from api.database.engine import unit_of_work
from api.database.tables import api_key, consent, obligor
from api.home import Home
from api.instants import parse_instant
from api.obligors import repository as obligors
from api.obligors import service as registration
from api.operations.entries import Entry
from api.operations.ledger import Added, Row, admit_rows
from api.portal import repository as portal
from api.portal import sign_in
from api.portal.passwords import NO_PASSWORD
from api.snapshots.service import reader
from data_contracts.contract import RecordKind
from data_contracts.errors import InputError
from data_contracts.identifiers import ObligorId, obligor_id
from data_contracts.vocabulary import SubjectKind

NAMES = ("obligor", "name", "subject_kind", "industry_division", "site_zone", "from", "recorded")
PROFILE = ("name", "subject_kind", "industry_division", "site_zone")
DEFAULT_ZONE = "Asia/Shanghai"


@dataclass(frozen=True, slots=True, kw_only=True)
class ObligorEntry:
    """Who an obligor is, from when that is true (None: from now), and since when it could be known (None: now)."""

    obligor_id: ObligorId
    name: str
    subject_kind: SubjectKind
    industry_division: str
    site_zone: str
    true_from: datetime | None
    recorded: datetime | None


def read_entry(entry: Entry) -> ObligorEntry:
    """An entry of the list of obligors. Raises InputError."""
    zone = site_zone(entry.text("site_zone") or DEFAULT_ZONE)
    return ObligorEntry(
        obligor_id=obligor_id(entry.need("obligor")),
        name=entry.need("name"),
        subject_kind=_subject_kind(entry.need("subject_kind")),
        industry_division=entry.need("industry_division").upper(),
        site_zone=zone,
        true_from=instant(entry.text("from"), zone=zone),
        recorded=instant(entry.text("recorded"), zone=zone),
    )


def add(home: Home, entries: Sequence[ObligorEntry], *, now: datetime) -> Added:
    """Write who the obligors are and register those that are new, in one transaction.

    A profile that says what is known is not written again. Contract faults go to quarantine, as with any source.
    """
    with unit_of_work(home.engine) as connection:
        known = _profiles(connection, home, now=now)
        is_said = [entry.true_from is None and known.get(entry.obligor_id) == _profile(entry) for entry in entries]
        registration.register(
            connection, [entry.obligor_id for entry, said in zip(entries, is_said, strict=True) if said], now=now
        )
        fresh = [entry for entry, said in zip(entries, is_said, strict=True) if not said]
        if not fresh:
            return Added(added=0, known=len(entries), admission=None)
        rows = [_row(entry, now=now) for entry in fresh]
        result = admit_rows(connection, home, RecordKind.OBLIGOR_PROFILE, rows, site_zone=fresh[0].site_zone, now=now)
        registration.register(connection, result.obligor_ids, now=now)
    duplicate = result.rows_duplicate
    return Added(added=result.rows_admitted, known=len(entries) - len(fresh) + duplicate, admission=result)


def listed(home: Home, *, now: datetime) -> list[dict[str, Any]]:
    """Every registered obligor with what is known of it now; None where nothing was said."""
    with unit_of_work(home.engine) as connection:
        rows = connection.execute(sa.select(obligor).order_by(obligor.c.obligor_id)).all()
        known = _profiles(connection, home, now=now)
        allowed = consents.consented(
            connection, recipient=consents.PLATFORM, purpose=consents.Purpose.PLATFORM, now=now
        )
    unsaid = (None,) * len(PROFILE)
    return [
        {
            "obligor_id": row.obligor_id,
            **dict(zip(PROFILE, known.get(row.obligor_id, unsaid), strict=True)),
            "registered_time": row.registered_time.isoformat(),
            "registered_by": row.registered_by,
            "platform_consent": row.obligor_id in allowed,
        }
        for row in rows
    ]


def remove(home: Home, obligor: ObligorId, *, now: datetime) -> dict[str, Any]:
    """End an obligor's use of the platform now: its consents are withdrawn, its keys revoked, its sign-ins to the page
    removed and their sessions ended; no record is deleted.

    Raises NotFound. Without its consent nothing of it is computed, shown or used from here on; what was answered
    before can still be replayed.
    """
    with unit_of_work(home.engine) as connection:
        obligors.require(connection, obligor)
        withdrawn = consents.withdraw_all(connection, consent.c.obligor_id == obligor, now=now)
        revoked = connection.execute(
            sa.update(api_key)
            .where(api_key.c.obligor_id == obligor, api_key.c.revoked_time.is_(None))
            .values(revoked_time=now)
        ).rowcount
        ended = _remove_sign_ins(connection, obligor, now=now)
    return {
        "obligor_id": obligor,
        "ended_time": now.isoformat(),
        "consents_withdrawn": withdrawn,
        "keys_revoked": revoked,
        "sign_ins_removed": len(ended),
        "sessions_ended": sum(ended),
    }


def site_zone(text: str) -> str:
    """An IANA zone's name. Raises InputError."""
    try:
        return ZoneInfo(text).key
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InputError(f"{text!r} is no IANA time zone.", hint="Write it like Asia/Shanghai.") from error


def instant(text: str | None, *, zone: str) -> datetime | None:
    """An instant as people type it, if any. Raises InvalidInstant."""
    return None if text is None else parse_instant(text, zone=zone)


def _remove_sign_ins(connection: sa.Connection, obligor: ObligorId, *, now: datetime) -> list[int]:
    """Let nobody in for an obligor any more; how many sessions of each sign-in ended."""
    names = [
        user.sign_in_name
        for user in portal.all_users(connection, now=now)
        if user.obligor_id == obligor and user.password_hash != NO_PASSWORD
    ]
    return [sign_in.remove_user(connection, sign_in_name=name) for name in names]


def _subject_kind(text: str) -> SubjectKind:
    try:
        return SubjectKind(text)
    except ValueError as error:
        raise InputError(f"{text!r} is no kind of subject.", hint=f"Write {' or '.join(SubjectKind)}.") from error


def _profile(entry: ObligorEntry) -> tuple[str, ...]:
    return (entry.name, entry.subject_kind.value, entry.industry_division, entry.site_zone)


def _profiles(connection: sa.Connection, home: Home, *, now: datetime) -> dict[str, tuple[str, ...]]:
    rows = reader(connection, home).obligor_profiles(as_of=now).to_pylist()
    return {row["obligor_id"]: tuple(row[name] for name in PROFILE) for row in rows}


def _row(entry: ObligorEntry, *, now: datetime) -> Row:
    row = {
        "obligor_id": entry.obligor_id,
        "event_time": (entry.true_from or entry.recorded or now).isoformat(),
        **dict(zip(PROFILE, _profile(entry), strict=True)),
    }
    return row if entry.recorded is None else {**row, "recorded_time": entry.recorded.isoformat()}
