"""Pledges as rows: slots are locked, judged, claimed; ended ones stay for the record and hold nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

import sqlalchemy as sa

from api.database.statements import insert_once
from api.database.tables import pledge, pledge_claim, pledge_slot, pledge_trace
from api.evidence.claims import Kind
from api.evidence.service import record, record_answers
from data_contracts.errors import NotFound
from data_contracts.identifiers import PartnerId
from scoring.supply_chain.pledges.fingerprints import Token
from scoring.supply_chain.pledges.judge import Slot

VALUES_PER_QUERY = 900
LAPSED, RELEASED = "lapsed", "released"


def lock(connection: sa.Connection, tokens: Iterable[Token], *, now: datetime) -> None:
    """Let nobody else judge or claim these slots until the caller's transaction ends, and end what lapsed on them.

    Everybody locks in the order of the tokens, so that no two wait for each other. SQLite has one writer anyhow.
    """
    for part in _parts(sorted(tokens)):
        insert_once(connection, pledge_slot, [{"token": token} for token in part])
        rows = sa.select(pledge_slot.c.token).where(pledge_slot.c.token.in_(part))
        connection.execute(rows.order_by(pledge_slot.c.token).with_for_update()).all()
    for part in _parts(sorted(tokens)):
        holders = sa.select(pledge_claim.c.pledge_id).where(pledge_claim.c.token.in_(part))
        _lapse(connection, holders, now=now)


def slots(connection: sa.Connection, tokens: Iterable[Token], *, now: datetime) -> dict[Token, Slot]:
    """What standing pledges hold of these slots, which the caller has locked."""
    found: dict[Token, Slot] = {}
    held, capacity = sa.func.sum(pledge_claim.c.amount), sa.func.min(pledge_claim.c.capacity)
    for part in _parts(tokens):
        rows = (
            sa.select(pledge_claim.c.token, held.label("held"), capacity.label("capacity"))
            .join(pledge, pledge.c.pledge_id == pledge_claim.c.pledge_id)
            .where(pledge_claim.c.token.in_(part), standing(now))
            .group_by(pledge_claim.c.token)
        )
        found |= {row.token: Slot(capacity=int(row.capacity), held=int(row.held)) for row in connection.execute(rows)}
    return found


def traces(connection: sa.Connection, tokens: Iterable[Token], *, but: str | None, now: datetime) -> frozenset[Token]:
    """Those of these fingerprints that another standing pledge has left."""
    found: set[Token] = set()
    for part in _parts(tokens):
        rows = (
            sa.select(pledge_trace.c.token)
            .join(pledge, pledge.c.pledge_id == pledge_trace.c.pledge_id)
            .where(pledge_trace.c.token.in_(part), pledge_trace.c.is_left, standing(now))
            .where(pledge.c.pledge_id != (but or ""))
        )
        found |= set(connection.scalars(rows))
    return frozenset(found)


def looked_for(connection: sa.Connection, pledge_id: str) -> list[Token]:
    """The fingerprints of likeness that a pledge looks for."""
    rows = sa.select(pledge_trace.c.token).where(pledge_trace.c.pledge_id == pledge_id, ~pledge_trace.c.is_left)
    return list(connection.scalars(rows))


def append(
    connection: sa.Connection,
    row: Mapping[str, Any],
    *,
    claims: Sequence[Mapping[str, Any]],
    traces: Sequence[Mapping[str, Any]],
) -> None:
    """Keep and log a pledge with what it claims and leaves; of one that was refused nothing is claimed."""
    connection.execute(pledge.insert().values(**row))
    name = {"pledge_id": row["pledge_id"]}
    if claims:
        connection.execute(pledge_claim.insert(), [{**name, **claim} for claim in claims])
    if traces:
        connection.execute(pledge_trace.insert(), [{**name, **trace} for trace in traces])
    record_answers(
        connection,
        Kind.PLEDGE,
        [row["pledge_id"]],
        models=[],
        parameters_versions=[row["parameters_version"]],
    )


def confirm(connection: sa.Connection, pledge_id: str, *, review: str | None, now: datetime) -> bool:
    """Confirm and log a reservation that still stands; whether it did. Whoever comes after it lapsed comes too late."""
    still = sa.and_(standing(now), pledge.c.confirmed_time.is_(None), pledge.c.pledge_id == pledge_id)
    changed = connection.execute(pledge.update().where(still).values(confirmed_time=now, review=review))
    record(connection, Kind.PLEDGE_CONFIRMATION, [pledge_id])
    return changed.rowcount == 1


def release(connection: sa.Connection, pledge_id: str, *, now: datetime) -> bool:
    """End and log a pledge that stands; whether it did."""
    still = sa.and_(standing(now), pledge.c.pledge_id == pledge_id)
    changed = connection.execute(pledge.update().where(still).values(ended_time=now, end_reason=RELEASED))
    record(connection, Kind.PLEDGE_END, [pledge_id])
    return changed.rowcount == 1


def load(connection: sa.Connection, pledge_id: str) -> sa.Row[Any]:
    """The stored row. Raises NotFound."""
    row = connection.execute(sa.select(pledge).where(pledge.c.pledge_id == pledge_id)).one_or_none()
    if row is None:
        raise NotFound(f"No pledge {pledge_id!r} is kept here.")
    return row


def page(
    connection: sa.Connection,
    *,
    partner_id: PartnerId | None,
    obligor_ids: sa.Select[str],
    livemode: bool,
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[sa.Row[Any]]:
    """Pledges of these obligors, to one partner or to all; in order of reservation, after a place in that order."""
    rows = sa.select(pledge).order_by(pledge.c.reserved_time, pledge.c.pledge_id).limit(limit)
    rows = rows.where(pledge.c.livemode == livemode, pledge.c.obligor_id.in_(obligor_ids))
    if partner_id is not None:
        rows = rows.where(pledge.c.partner_id == partner_id)
    if after is not None:
        time, name = after
        rows = rows.where(
            (pledge.c.reserved_time > time) | ((pledge.c.reserved_time == time) & (pledge.c.pledge_id > name))
        )
    return list(connection.execute(rows))


def standing(now: datetime) -> sa.ColumnElement[bool]:
    """Whether a pledge keeps others out."""
    is_in_time = pledge.c.confirmed_time.is_not(None) | (pledge.c.expires_time > now)
    return sa.and_(~pledge.c.is_refused, pledge.c.ended_time.is_(None), is_in_time)


def _lapse(connection: sa.Connection, pledge_ids: sa.Select[str], *, now: datetime) -> None:
    """End reservations whose time is over. The row decides between this and a confirmation at the same moment."""
    over = sa.and_(
        ~pledge.c.is_refused,
        pledge.c.ended_time.is_(None),
        pledge.c.confirmed_time.is_(None),
        pledge.c.expires_time <= now,
        pledge.c.pledge_id.in_(pledge_ids),
    )
    ended = pledge.update().where(over).values(ended_time=now, end_reason=LAPSED).returning(pledge.c.pledge_id)
    record(connection, Kind.PLEDGE_END, list(connection.scalars(ended)))


def _parts(tokens: Iterable[Token]) -> Iterator[list[Token]]:
    rest = iter(tokens)
    while part := list(islice(rest, VALUES_PER_QUERY)):
        yield part
