"""Cases on SQLite and on PostgreSQL: a run that is killed or has a rival raises no case twice and misses none."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from api.database.engine import unit_of_work
from api.database.tables import watch_case, watch_day, watch_event
from api.home import Home, open_home
from api.obligors import service as registration
from api.watch import service
from data_contracts.errors import NotFound
from data_contracts.evidence.tables import log_entry
from data_contracts.identifiers import ObligorId
from scoring.monitoring.cases import Act, CaseOutcome, Opening
from scoring.monitoring.vocabulary import EarlyWarning, Severity, WarningCode

NOW = datetime(2026, 7, 1, 2, tzinfo=UTC)
DAY = date(2026, 6, 30)
FIRMS = [ObligorId(f"91999999MA00{number:05}X") for number in range(12)]


@pytest.fixture
def home(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    monkeypatch.setattr(service, "BLOCK", 5)
    home = open_home(tmp_path / "home", database_url=database_url)
    with home.engine.begin() as connection:
        registration.register(connection, FIRMS, now=NOW)
    yield home
    home.engine.dispose()


def warned(firm: str, severity: Severity = Severity.WATCH, *, day: date = DAY) -> EarlyWarning:
    return EarlyWarning(
        unit=f"{firm}/M1",
        day=day,
        code=WarningCode.LOW_HOURS,
        severity=severity,
        strength=3.0,
        evidence={"recent_days": 14.0},
    )


def found(severity: Severity = Severity.WATCH, *, day: date = DAY) -> dict[str, list[EarlyWarning]]:
    """Every other firm is warned of."""
    return {firm: [warned(firm, severity, day=day)] for firm in FIRMS[::2]}


def run(
    home: Home, told: dict[str, list[EarlyWarning]], *, day: date = DAY, **more: Any
) -> tuple[list[dict[str, Any]], int]:
    return service.keep(
        home, told, FIRMS, day=day, opens=Opening(severity=Severity.WATCH), parameters_version="v", now=NOW, **more
    )


def rows(home: Home, table: sa.Table) -> list[Any]:
    with home.engine.begin() as connection:
        return list(connection.execute(sa.select(table)))


def test_one_case_a_firm_and_a_day_is_done_once(home: Home) -> None:
    news, done = run(home, found())
    assert (sorted(item["obligor_id"] for item in news), done) == (FIRMS[::2], 12)
    assert run(home, found()) == ([], 0)
    assert len(rows(home, watch_case)) == len(rows(home, watch_event)) == 6
    assert sum(row.warnings for row in rows(home, watch_day)) == 6


def test_a_run_that_is_killed_goes_on_where_it_was(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    finish, begun = service.cases.finish, list[int]()

    def kill(*args: Any, **more: Any) -> None:
        begun.append(1)
        if len(begun) == 2:
            raise KeyboardInterrupt
        finish(*args, **more)

    with monkeypatch.context() as killed, pytest.raises(KeyboardInterrupt):
        killed.setattr(service.cases, "finish", kill)
        run(home, found())
    assert len(rows(home, watch_day)) == 5  # the first block is kept, the second is as if it had never begun
    assert len(rows(home, watch_case)) == 3
    news, done = run(home, found())
    assert (len(news), done) == (3, 7)
    assert sorted(row.obligor_id for row in rows(home, watch_case)) == FIRMS[::2]


def test_rivals_share_the_work(home: Home) -> None:
    with ThreadPoolExecutor(4) as pool:
        ended = list(pool.map(lambda _: run(home, found()), range(4)))
    assert sum(done for _, done in ended) == 12
    assert sorted(item["obligor_id"] for news, _ in ended for item in news) == FIRMS[::2]
    assert len(rows(home, watch_event)) == 6
    assert [row.kind for row in rows(home, log_entry)].count("case_event") == 6  # each is logged once, with its block


def test_what_is_worse_is_news_in_the_same_case_and_what_people_do_is_kept(home: Home) -> None:
    (first, *_), _ = run(home, found())
    case_id, later = first["case_id"], DAY + timedelta(days=1)

    def act(what: Act, **more: Any) -> dict[str, Any]:
        told = {"by": "officer", "reason": "seen", "until": None, "outcome": None, **more}
        with unit_of_work(home.engine) as connection:
            return service.handle(connection, case_id, what, now=NOW, **told)

    assert act(Act.SNOOZE, until=later + timedelta(days=30))["state"] == "snoozed"
    assert [item["obligor_id"] for item in run(home, found(day=later), day=later)[0]] == []
    worse = later + timedelta(days=1)
    news, _ = run(home, found(Severity.CRITICAL, day=worse), day=worse)
    assert len(news) == 6
    told = act(Act.CLOSE, reason="orders came back", outcome=CaseOutcome.RECOVERED)
    assert [event["what"] for event in told["events"]] == ["news", "snooze", "news", "close"]
    assert (told["state"], told["outcome"], told["severity"]) == ("closed", "recovered", "critical")
    assert [item["code"] for item in told["warnings"]] == ["low_hours"]
    of_case = [row.kind for row in rows(home, log_entry) if row.subject.startswith(case_id)]
    assert of_case == ["case_event"] * 4 + ["case_end"]
    again = worse + timedelta(days=1)
    news, _ = run(home, {FIRMS[0]: [warned(FIRMS[0], day=again)]}, day=again)
    assert news[0]["case_id"] != case_id


def test_no_such_case(home: Home) -> None:
    with unit_of_work(home.engine) as connection, pytest.raises(NotFound):
        service.described(connection, "case_x")
