"""Covenants of a decision over the months after it: a firm that falls silent breaks what it promised."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from api.consents.repository import withdraw_all
from api.covenants.service import covenants_by_night
from api.credit_decisions import service as credit_decisions
from api.database.engine import unit_of_work
from api.database.tables import consent
from api.home import Home, open_home
from api.obligors.repository import all_ids
from api.partners.repository import LOCAL
from api.snapshots.service import take_snapshot
from api.watch import service as watching
from benchmarks import small_home
from data_contracts.identifiers import ObligorId
from scoring.records import CreditProduct, CreditRequest
from tests.api.conftest import Run

AS_OF = small_home.AS_OF


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = small_home.build(tmp_path_factory.mktemp("covenants"))
    home.engine.dispose()
    return home.root


@pytest.fixture
def here(small: Path, home: Path) -> Home:
    shutil.copytree(small, home)
    return open_home(home)


def decided(here: Home) -> tuple[str, ObligorId]:
    """A decision as of the day on which data end."""
    with unit_of_work(here.engine) as connection:
        firm, *_ = all_ids(connection)
    request = CreditRequest(
        obligor_id=firm, product=CreditProduct.WORKING_CAPITAL, amount_minor=10**7, currency="CNY", tenor_months=12,
        as_of=AS_OF,
    )  # fmt: skip
    body = credit_decisions.decide(here, request, partner=LOCAL, now=small_home.NOW)
    return json.loads(body)["decision_id"], firm


def silent_for(here: Home, firm: ObligorId, days: int) -> None:
    with unit_of_work(here.engine) as connection:
        take_snapshot(connection, here, firm, as_of=AS_OF + timedelta(days=days), now=small_home.NOW)


def test_silence_is_near_then_in_grace_then_a_breach(here: Home, run: Run) -> None:
    """No spell without data may be longer than 7 days: beyond it since the reading of day 9, breached on day 23."""
    decision, firm = decided(here)

    def offline(days: int) -> dict[str, object]:
        told = run(
            "covenants", decision, "--as-of", f"{AS_OF + timedelta(days=days):%Y-%m-%dT%H:%M:%S+00:00}", "--json"
        )
        assert told.exit_code == 0, told.err
        answer = told.answer
        (line,) = [line for line in answer["covenants"] if line["name"] == "offline_spell"]
        assert line["threshold"] == 7.0
        return {**line, "worst": answer["worst"], "snapshots": answer["snapshots"]}

    first = offline(0)
    assert (first["state"], first["snapshots"]) == ("kept", 1)
    silent_for(here, firm, 9)
    line = offline(9)
    since = (AS_OF + timedelta(days=9)).date()
    assert (line["state"], line["since"], line["worst"]) == ("in_grace", since.isoformat(), "in_grace")
    assert line["turns_on"] == (since + timedelta(days=14)).isoformat()
    silent_for(here, firm, 23)
    line = offline(23)
    assert (line["state"], line["worst"], line["snapshots"]) == ("breached", "breached", 3)
    assert offline(9)["state"] == "in_grace"  # what came later moves nothing that was known then
    assert {"zh", "en"} == set(line["narrative"])  # type: ignore[call-overload]
    assert "breached" in run("covenants", decision).out


def test_a_near_breach_warns_the_lender_whose_covenant_it_is(here: Home, run: Run) -> None:
    decision, firm = decided(here)

    def warned(days: int, *options: str) -> list[tuple[str, str]]:
        at = f"{AS_OF + timedelta(days=days):%Y-%m-%dT%H:%M:%S+00:00}"
        told = run("covenant-warnings", "--as-of", at, *options, "--json")
        assert told.exit_code == 0, told.err
        lines = [line for line in told.answer["warnings"] if line["name"] == "offline_spell"]
        assert all((line["decision_id"], line["obligor_id"]) == (decision, firm) for line in lines)
        return [(line["state"], line["severity"]) for line in lines]

    assert warned(0) == []
    silent_for(here, firm, 7)
    silent_for(here, firm, 9)
    silent_for(here, firm, 23)
    assert [warned(days) for days in (7, 9, 23)] == [
        [("near_breach", "watch")], [("in_grace", "serious")], [("breached", "critical")],
    ]  # fmt: skip
    unknown = run("covenant-warnings", "--partner", "another")
    assert (unknown.exit_code, "No partner 'another' is known" in unknown.err) == (2, True)
    assert run("partner", "add", "--partner", "another", "--name", "另一家银行", "--kind", "bank").exit_code == 0
    assert warned(23, "--partner", "another") == []
    assert "breached" in run("covenant-warnings", "--as-of", f"{AS_OF + timedelta(days=24):%Y-%m-%d}").out


def test_the_night_takes_covenants_into_the_obligors_one_case(
    here: Home, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    decision, firm = decided(here)
    unit = f"{decision}/offline_spell"

    def night(days: int) -> dict[str, Any]:
        """`millgrade watch` of the day that is over by then."""
        told = run("watch", "--as-of", f"{AS_OF + timedelta(days=days):%Y-%m-%dT%H:%M:%S+00:00}", "--json")
        assert told.exit_code == 0, told.err
        answer: dict[str, Any] = told.answer
        return answer

    def offline(listed: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
        return [
            (line["obligor_id"], item["code"], item["severity"])
            for line in listed for item in line["warnings"] if item["unit"] == unit
        ]  # fmt: skip

    silent_for(here, firm, 7)
    near = night(7)
    assert offline(near["watch_list"]) == [(firm, "covenant_near_breach", "watch")]  # opens none of itself
    silent_for(here, firm, 9)
    assert offline(night(9)["watch_list"]) == [(firm, "covenant_near_breach", "serious")]
    silent_for(here, firm, 23)
    finish = watching.cases.finish

    def kill(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(watching.cases, "finish", kill)
    with pytest.raises(KeyboardInterrupt):
        watching.watch(here, as_of=AS_OF + timedelta(days=23), now=small_home.NOW)
    monkeypatch.setattr(watching.cases, "finish", finish)
    first, again = night(23), night(23)
    assert offline(first["cases"]) == offline(again["cases"]) == [(firm, "covenant_breach", "critical")]
    assert (offline(first["news"]), again["news"]) == (offline(first["cases"]), [])
    (case,) = (item for item in again["cases"] if item["obligor_id"] == firm)
    events = run("case", "show", case["case_id"], "--json").answer["events"]
    (evidence,) = (item for event in events for item in event["evidence"] if item["unit"] == unit)
    assert evidence["told_to"] == LOCAL
    assert evidence["evidence"]["decision_id"] == decision
    assert (evidence["evidence"]["state"], evidence["evidence"]["threshold"]) == ("breached", 7.0)
    later = night(24)  # the same breach, seen again: it joins, and is no news
    assert later["news"] == []
    assert [item["case_id"] for item in later["cases"] if item["obligor_id"] == firm] == [case["case_id"]]


def test_of_whom_consents_no_longer_nothing_is_warned(here: Home) -> None:
    _, firm = decided(here)
    silent_for(here, firm, 23)
    as_of = AS_OF + timedelta(days=23)

    def by_night() -> list[str]:
        with unit_of_work(here.engine) as connection:
            found = covenants_by_night(
                connection, here, [firm], as_of=as_of, day=as_of.date(), now=small_home.NOW
            )  # fmt: skip
        return [item.unit for items in found.values() for item in items]

    assert by_night()
    with unit_of_work(here.engine) as connection:
        withdraw_all(connection, consent.c.recipient == LOCAL, now=small_home.NOW)
    assert by_night() == []


def test_nobodys_decision_and_the_future(here: Home, run: Run) -> None:
    del here
    assert run("covenants", "none").exit_code == 2
    assert run("covenants", "none", "--as-of", "2999-01-01").exit_code == 2
