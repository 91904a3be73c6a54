"""A case over HTTP: what one bank was promised is that bank's, the obligor's and the operator's, and nobody else's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from http_world import NOW, World, grant

from api.consents.repository import Purpose
from api.database.tables import consent, watch_case, watch_day, watch_event
from api.portfolio.then import watched_then
from api.watch import service as watching
from data_contracts.identifiers import PartnerId
from scoring.monitoring.cases import opening
from scoring.monitoring.covenants import CovenantState, covenant_warning
from scoring.monitoring.vocabulary import EarlyWarning, Severity, WarningCode

DAY = NOW.date()
OPENS = opening(watching.monitoring_parameters().at(NOW))


@pytest.fixture
def both(world: World) -> Iterator[str]:
    """bank-a's firm lets itself be shown to bank-b too for the time of a test, and is watched anew."""
    with world.home.engine.begin() as connection:
        before = set(connection.scalars(sa.select(consent.c.consent_id)))
        grant(connection, world.own, "bank-b", Purpose.CREDIT)
    yield world.own
    with world.home.engine.begin() as connection:
        connection.execute(sa.delete(consent).where(consent.c.consent_id.not_in(before)))
        for table in (watch_event, watch_case, watch_day):
            connection.execute(sa.delete(table))


def breach(day: date) -> EarlyWarning:
    return covenant_warning(
        CovenantState.BREACHED, unit="dec_1/coverage", today=day, told_to="bank-a", evidence={"value": 0.4}
    )


def weak(firm: str, day: date) -> EarlyWarning:
    return EarlyWarning(
        unit=firm, day=day, code=WarningCode.WEAK_PRODUCTION, severity=Severity.SERIOUS, strength=2.0, evidence={}
    )


def night(world: World, day: date, found: list[EarlyWarning]) -> None:
    watching.keep(
        world.home, {world.own: found}, [world.own], day=day, opens=OPENS, parameters_version="v", now=NOW
    )  # fmt: skip


def seen(world: World, key: str) -> list[dict[str, Any]]:
    """The list, and each of its cases alone: the same."""
    listed: list[dict[str, Any]] = world.ask("GET", "/v1/cases", key=key).json()["data"]
    for case in listed:
        alone = world.ask("GET", f"/v1/cases/{case['case_id']}", key=key).json()["case"]
        assert {**alone, "events": []} == case
    return listed


def test_only_the_lender_of_a_covenant_sees_the_case_that_it_opened(world: World, both: str) -> None:
    night(world, DAY, [breach(DAY)])
    for key in ("bank-a", "obligor-a", "operator-a"):
        (case,) = seen(world, key)
        assert [item["code"] for item in case["warnings"]] == ["covenant_breach"]
    assert seen(world, "bank-b") == []
    hidden = world.ask("GET", f"/v1/cases/{case['case_id']}", key="bank-b")
    absent = world.ask("GET", "/v1/cases/case_none", key="bank-b")
    assert (hidden.status_code, absent.status_code) == (404, 404)
    assert hidden.json()["detail"].replace(case["case_id"], "") == absent.json()["detail"].replace("case_none", "")
    with world.home.engine.connect() as connection:
        watched = {
            bank: watched_then(connection, partner=PartnerId(bank), day=DAY, as_of=NOW) for bank in ("bank-a", "bank-b")
        }
    assert watched == {"bank-a": {both}, "bank-b": set()}

    later = DAY + timedelta(days=1)
    night(world, later, [breach(later), weak(both, later)])
    (shown,) = seen(world, "bank-b")
    assert shown["case_id"] == case["case_id"]
    assert [item["code"] for item in shown["warnings"]] == ["weak_production"]
    assert (shown["severity"], shown["opened_on"]) == ("serious", later.isoformat())
    (whole,) = seen(world, "bank-a")
    assert (whole["severity"], whole["opened_on"], len(whole["warnings"])) == ("critical", DAY.isoformat(), 2)
    assert "bank-a" not in str(shown) + str(whole)
