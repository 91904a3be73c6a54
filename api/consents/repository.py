"""Consents as rows: who may see what of whom, for which purpose, until when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from api.database.tables import consent, obligor
from api.evidence.claims import Kind
from api.evidence.service import record
from data_contracts.errors import ConsentMissing, NotFound
from data_contracts.identifiers import DecisionId, ObligorId, PartnerId
from data_contracts.observations.tables import Instant

PLATFORM = "platform"
OPERATOR_DECLARED = "operator_declared"
"""Mark of a consent that the operator of a home declared; a live key never rests on one."""

OBLIGOR_GRANTED = "obligor_granted"
"""Mark of a consent that the obligor gave itself."""

OBLIGOR_TEST = "obligor_test"
"""Mark of a consent that an obligor's test key gave; a live key never rests on one."""

NOT_FOR_LIVE = (OPERATOR_DECLARED, OBLIGOR_TEST)


class Purpose(StrEnum):
    """What the data may be used for."""

    PLATFORM = "platform"
    CREDIT = "credit"
    INSURANCE = "insurance"


def declare(
    connection: sa.Connection,
    obligor_ids: Sequence[ObligorId],
    *,
    recipient: str,
    purpose: Purpose,
    now: datetime,
    mark: str = OPERATOR_DECLARED,
) -> None:
    """Record the same consent for many obligors, to all streams, without an end."""
    rows = [
        {
            "consent_id": uuid4().hex,
            "obligor_id": obligor_id,
            "recipient": recipient,
            "purpose": purpose.value,
            "streams": ["*"],
            "granted_time": now,
            "mark": mark,
        }
        for obligor_id in obligor_ids
    ]
    if rows:
        connection.execute(consent.insert(), rows)
        record(connection, Kind.CONSENT, [str(row["consent_id"]) for row in rows])


def insert(
    connection: sa.Connection,
    *,
    obligor_id: ObligorId,
    recipient: str,
    purpose: Purpose,
    streams: Sequence[str],
    granted_time: datetime,
    expires_time: datetime | None,
    mark: str,
    evidence: str | None,
) -> sa.Row[Any]:
    """Record one consent and return its row."""
    consent_id = uuid4().hex
    connection.execute(
        consent.insert().values(
            consent_id=consent_id,
            obligor_id=obligor_id,
            recipient=recipient,
            purpose=purpose.value,
            streams=list(streams),
            granted_time=granted_time,
            expires_time=expires_time,
            mark=mark,
            evidence=evidence,
        )
    )
    record(connection, Kind.CONSENT, [consent_id])
    return load(connection, consent_id)


def load(connection: sa.Connection, consent_id: str) -> sa.Row[Any]:
    """The consent's row. Raises NotFound."""
    row = connection.execute(sa.select(consent).where(consent.c.consent_id == consent_id)).one_or_none()
    if row is None:
        raise NotFound(f"No consent {consent_id!r} is kept here.")
    return row


def page(
    connection: sa.Connection,
    *,
    obligor_id: ObligorId | None,
    recipient: str | None,
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[sa.Row[Any]]:
    """Consents of an obligor, to a recipient, or all; in order of their granting, after a place in that order."""
    rows = sa.select(consent).order_by(consent.c.granted_time, consent.c.consent_id).limit(limit)
    if obligor_id is not None:
        rows = rows.where(consent.c.obligor_id == obligor_id)
    if recipient is not None:
        rows = rows.where(consent.c.recipient == recipient)
    if after is not None:
        granted_time, consent_id = after
        later = sa.and_(consent.c.granted_time == granted_time, consent.c.consent_id > consent_id)
        rows = rows.where(sa.or_(consent.c.granted_time > granted_time, later))
    return list(connection.execute(rows))


def withdraw(connection: sa.Connection, consent_id: str, *, now: datetime) -> sa.Row[Any]:
    """End a consent; one that was withdrawn before keeps its time. Returns its row. Raises NotFound."""
    withdraw_all(connection, consent.c.consent_id == consent_id, now=now)
    return load(connection, consent_id)


def withdraw_all(connection: sa.Connection, which: sa.ColumnElement[bool], *, now: datetime) -> int:
    """End those consents that are not withdrawn yet; how many there were."""
    ending = sa.and_(which, consent.c.withdrawn_time.is_(None))
    ids = list(connection.scalars(sa.select(consent.c.consent_id).where(ending)))
    connection.execute(consent.update().where(ending).values(withdrawn_time=now))
    record(connection, Kind.CONSENT_WITHDRAWAL, ids)
    return len(ids)


def consented(connection: sa.Connection, *, recipient: str, purpose: Purpose, now: datetime) -> set[ObligorId]:
    """The obligors whose consent to `recipient` for `purpose` is in force at `now`."""
    rows = connection.scalars(consenting(recipient=recipient, purpose=purpose, now=now))
    return {ObligorId(row) for row in rows}


def consenting(
    *,
    recipient: str | sa.BindParameter[str],
    purpose: Purpose,
    now: datetime | sa.BindParameter[datetime],
    livemode: bool = False,
) -> sa.Select[str]:
    """The codes of obligors whose consent to `recipient` for `purpose` is in force at `now`, as a query.

    `recipient` and `now` may be parameters of a statement that is prepared once (`sa.bindparam`).
    """
    return sa.select(consent.c.obligor_id).where(
        consent.c.recipient == recipient,
        consent.c.purpose == purpose.value,
        _in_force(now),
        consent.c.mark.not_in(NOT_FOR_LIVE) if livemode else sa.true(),
    )


def shown_for_credit(
    connection: sa.Connection, partner: PartnerId, *, now: datetime, livemode: bool = False
) -> list[ObligorId]:
    """Who lets its data be used at all and shown to this partner for credit, in order of codes."""
    return shown(connection, partner, purpose=Purpose.CREDIT, now=now, livemode=livemode)


def shown(
    connection: sa.Connection, partner: PartnerId, *, purpose: Purpose, now: datetime, livemode: bool = False
) -> list[ObligorId]:
    """Who lets its data be used at all and shown to this partner for a purpose, in order of codes."""
    platform = consenting(recipient=PLATFORM, purpose=Purpose.PLATFORM, now=now, livemode=livemode)
    theirs = consenting(recipient=partner, purpose=purpose, now=now, livemode=livemode)
    return sorted({ObligorId(code) for code in connection.scalars(platform)} & set(connection.scalars(theirs)))


def shown_for_credit_joined(
    connection: sa.Connection, partner: PartnerId, *, now: datetime, livemode: bool = False
) -> str:
    """The same as `shown_for_credit` in one text, joined by commas: whoever only asks whether anybody came or went gets
    it without a row for each."""
    asked = {"partner": partner, "now": now}
    return connection.scalar(_shown_for_credit(livemode), asked) or ""


@cache
def _shown_for_credit(livemode: bool) -> sa.Select[str]:
    now = sa.bindparam("now", type_=Instant)
    platform = consenting(recipient=PLATFORM, purpose=Purpose.PLATFORM, now=now, livemode=livemode)
    partner = sa.bindparam("partner", type_=sa.String)
    theirs = consenting(recipient=partner, purpose=Purpose.CREDIT, now=now, livemode=livemode)
    both = sa.intersect(platform, theirs).order_by("obligor_id").subquery()
    return sa.select(sa.func.aggregate_strings(both.c.obligor_id, ","))


def require(
    connection: sa.Connection,
    obligor_id: ObligorId,
    *,
    recipient: str,
    purpose: Purpose,
    now: datetime,
    livemode: bool = False,
) -> list[str]:
    """The ids of the obligor's consents in force at `now` (for live: those that it gave itself). Raises ConsentMissing
    where there is none."""
    found = in_force(connection, obligor_id, recipient=recipient, purpose=purpose, now=now, livemode=livemode)
    if not found:
        raise _missing(obligor_id, recipient, purpose)
    return found


def _missing(obligor_id: ObligorId, recipient: str, purpose: Purpose) -> ConsentMissing:
    return ConsentMissing(
        f"{obligor_id} has no consent in force to {recipient!r} for the purpose {purpose.value!r}.",
        hint="The obligor grants it; without it nothing of theirs is computed, shown or used.",
    )


def in_force(
    connection: sa.Connection,
    obligor_id: ObligorId,
    *,
    recipient: str,
    purpose: Purpose,
    now: datetime,
    livemode: bool = False,
) -> list[str]:
    """The ids of an obligor's consents to `recipient` for `purpose` that are in force at `now`."""
    asked = {"obligor_id": obligor_id, "recipient": recipient, "now": now}
    return list(connection.scalars(_theirs(purpose, livemode), asked))


@cache
def _theirs(purpose: Purpose, livemode: bool) -> sa.Select[str]:
    """Prepared once: every answer asks it, and to put it together takes longer than to have it answered."""
    recipient, now = sa.bindparam("recipient", type_=sa.String), sa.bindparam("now", type_=Instant)
    theirs = consenting(recipient=recipient, purpose=purpose, now=now, livemode=livemode)
    of_one = theirs.where(consent.c.obligor_id == sa.bindparam("obligor_id", type_=sa.String))
    return of_one.with_only_columns(consent.c.consent_id).order_by(consent.c.consent_id)


def for_answer(
    connection: sa.Connection,
    obligor_id: ObligorId,
    *,
    recipient: str,
    purpose: Purpose,
    now: datetime,
    livemode: bool,
) -> list[str]:
    """The ids of the consents that an answer to a partner rests on: to the platform, and to the partner. Raises
    ConsentMissing without the partner's."""
    asked = {"obligor_id": obligor_id, "recipient": recipient, "now": now}
    platform: list[str] = []
    theirs: list[str] = []
    for row in connection.execute(_of_answer(purpose, livemode), asked):
        (platform if row.purpose == Purpose.PLATFORM else theirs).append(row.consent_id)
    if not theirs:
        raise _missing(obligor_id, recipient, purpose)
    return platform + theirs


@cache
def _of_answer(purpose: Purpose, livemode: bool) -> sa.Select[Any]:
    """An obligor's consents to the platform and to a recipient for a purpose that are in force, of one look."""
    to_platform = (consent.c.recipient == PLATFORM) & (consent.c.purpose == Purpose.PLATFORM.value)
    to_them = (consent.c.recipient == sa.bindparam("recipient")) & (consent.c.purpose == purpose.value)
    return (
        sa.select(consent.c.consent_id, consent.c.purpose)
        .where(
            consent.c.obligor_id == sa.bindparam("obligor_id", type_=sa.String),
            to_platform | to_them,
            _in_force(sa.bindparam("now", type_=Instant)),
            consent.c.mark.not_in(NOT_FOR_LIVE) if livemode else sa.true(),
        )
        .order_by(consent.c.consent_id)
    )


def naming(
    connection: sa.Connection,
    obligor_id: ObligorId,
    decision_id: DecisionId,
    *,
    recipient: str,
    now: datetime,
    livemode: bool,
) -> list[str]:
    """The ids of an obligor's consents in force that show `recipient` this one decision of another partner, for a
    guarantee of its facility."""
    theirs = consenting(recipient=recipient, purpose=Purpose.INSURANCE, now=now, livemode=livemode)
    asked = theirs.where(consent.c.obligor_id == obligor_id).with_only_columns(consent.c.consent_id, consent.c.streams)
    return [row.consent_id for row in connection.execute(asked) if decision_stream(decision_id) in row.streams]


def decision_stream(decision_id: str) -> str:
    """How a consent names a decision among what it covers."""
    return f"decision:{decision_id}"


def all_in_force(
    connection: sa.Connection, *, recipient: str, purpose: Purpose, now: datetime
) -> dict[ObligorId, list[str]]:
    """The ids of every obligor's consents to `recipient` for `purpose` that are in force at `now`, by obligor."""
    theirs = consenting(recipient=recipient, purpose=purpose, now=now)
    rows = theirs.with_only_columns(consent.c.obligor_id, consent.c.consent_id).order_by(consent.c.consent_id)
    found: dict[ObligorId, list[str]] = {}
    for obligor_id, consent_id in connection.execute(rows):
        found.setdefault(ObligorId(obligor_id), []).append(consent_id)
    return found


def is_registered(connection: sa.Connection, obligor_id: ObligorId) -> bool:
    """Whether there is such an obligor to consent."""
    return connection.scalar(sa.select(obligor.c.obligor_id).where(obligor.c.obligor_id == obligor_id)) is not None


def _in_force(now: datetime | sa.BindParameter[datetime]) -> sa.ColumnElement[bool]:
    return sa.and_(
        consent.c.granted_time <= now,
        sa.or_(consent.c.expires_time.is_(None), consent.c.expires_time > now),
        consent.c.withdrawn_time.is_(None),
    )
