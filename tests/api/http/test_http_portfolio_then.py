"""A book of a past date takes what stood then: cases that were closed since, limits that had been decided."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from http_world import NOW, World, loan

from api.database.tables import credit_decision
from api.portfolio.then import Limits, limits_then, watched_then
from api.watch import service as watching
from data_contracts.identifiers import PartnerId
from scoring.monitoring.cases import Act, CaseOutcome, Opening
from scoring.monitoring.vocabulary import EarlyWarning, Severity, WarningCode

DAY = datetime(2026, 7, 1, tzinfo=UTC)
BANK = PartnerId("bank-a")


@pytest.fixture
def kept(world: World) -> Iterator[sa.Connection]:
    """The home's database, in which nothing stays."""
    with world.home.engine.connect() as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def decision(world: World, kept: sa.Connection) -> dict[str, Any]:
    """One of bank-a about its own firm, as a row to be kept again with other times; there is no other."""
    asked = loan(world.own, as_of="2026-06-30T16:00:00Z")
    answer = world.ask("POST", "/v1/credit-decisions", key="bank-a", json=asked).json()["decision"]
    chosen = credit_decision.c.decision_id == answer["decision_id"]
    row = dict(kept.execute(sa.select(credit_decision).where(chosen)).mappings().one())
    kept.execute(sa.delete(credit_decision).where(credit_decision.c.partner_id == BANK))
    return row


def decided(kept: sa.Connection, row: dict[str, Any], name: str, when: datetime, limit: int) -> None:
    body = json.dumps({**json.loads(row["body"]), "limit_minor": limit}).encode()
    told = {"decision_id": name, "as_of": DAY - timedelta(days=3), "decided_time": when, "outcome": "approve"}
    kept.execute(credit_decision.insert().values(**{**row, **told, "body": body}))


def limits(world: World, kept: sa.Connection) -> Limits:
    return limits_then(kept, [world.own], partner=BANK, currency="CNY", as_of=DAY)


def test_a_decision_about_the_past_stands_only_where_none_had_been_made(
    world: World, kept: sa.Connection, decision: dict[str, Any]
) -> None:
    key = (world.own, "working_capital")
    assert limits(world, kept) == Limits(minor={}, decided_since=0)
    decided(kept, decision, "later", NOW, 100)
    assert limits(world, kept) == Limits(minor={key: 100}, decided_since=1)
    decided(kept, decision, "then", DAY - timedelta(days=2), 200)
    assert limits(world, kept) == Limits(minor={key: 200}, decided_since=0)


def test_a_case_that_was_closed_since_was_open(world: World) -> None:
    weak = EarlyWarning(
        unit=world.other,
        day=DAY.date(),
        code=WarningCode.WEAK_PRODUCTION,
        severity=Severity.SERIOUS,
        strength=2.0,
        evidence={},
    )
    opens = Opening(severity=Severity.SERIOUS)
    (news,), _ = watching.keep(
        world.home, {world.other: [weak]}, [world.other], day=weak.day, opens=opens, parameters_version="v", now=DAY
    )
    closing, before = DAY + timedelta(days=9), DAY + timedelta(days=8)
    with world.home.engine.begin() as connection:
        told = {"by": "officer", "reason": "orders came back", "until": None, "outcome": CaseOutcome.RECOVERED}
        watching.handle(connection, news["case_id"], Act.CLOSE, now=closing, **told)
        assert world.other in watched_then(connection, partner=BANK, day=before.date(), as_of=before)
        assert world.other not in watched_then(connection, partner=BANK, day=closing.date(), as_of=closing)
        assert world.other not in watched_then(connection, partner=BANK, day=weak.day - timedelta(days=1), as_of=before)


def test_who_consented_since_is_counted(world: World) -> None:
    for as_of, since in (("2026-07-01T00:00:00Z", 1), (NOW.isoformat(), 0)):
        answer = world.ask("POST", "/v1/portfolio-reports", key="bank-a", json={"as_of": as_of, "months": 2})
        assert answer.json()["portfolio"]["rests_on"]["consented_since"] == since
