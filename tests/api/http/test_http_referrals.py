"""What the model cannot know of a firm is a referral with the reason, not an error: asked over HTTP and by command.

The firms work alike and bring no ledgers: one has no history, one tells no energy, one is of an industry that the model was not trained on,
one tells no industry, one runs machines of a type that the model was not trained on, one does not tell what its machine is.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from http_world import NOW, World, grant, loan, serve

from api import cli
from api.consents.repository import OBLIGOR_GRANTED, PLATFORM, Purpose
from api.credit_decisions import service as credit_decisions
from api.home import Home
from api.models import service as models
from api.operations import machines, obligors
from api.operations.entries import Entry
from api.telemetry.service import ingest_file
from benchmarks import small_home
from data_contracts.identifiers import DecisionId, ObligorId
from data_contracts.mapping import load_mapping
from data_contracts.vocabulary import SubjectKind
from scoring.credit.artefact import credit_artefact
from scoring.credit.card import MachineTypesCard

INDUSTRIES = {"C33": 40, "C34": 60}
"""Those of the model's card, with their firms."""
TYPES = MachineTypesCard(firms={"A020509": 100}, share=0.2, told=1.0)
LATHE, LOOM = "A02050901", "A02280100"
NO_HISTORY = ObligorId("91999999MA00070019")
NO_ENERGY = ObligorId("91999999MA0007002C")
NEW_INDUSTRY = ObligorId("91999999MA0007003F")
NO_INDUSTRY = ObligorId("91999999MA0007004J")
NEW_MACHINE = ObligorId("91999999MA0007005M")
NO_TYPE = ObligorId("91999999MA0007006Q")
PROFILES = {NO_HISTORY: "C34", NO_ENERGY: "C34", NEW_INDUSTRY: "C43", NEW_MACHINE: "C34", NO_TYPE: "C34"}
MACHINES = {NO_ENERGY: LATHE, NEW_INDUSTRY: LATHE, NO_INDUSTRY: LATHE, NEW_MACHINE: LOOM, NO_TYPE: None}
LAST = date(2026, 11, 19)
DAYS = 400
HOUR = 3_600


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A home whose model knows two industries and one type of machine, with these firms beside its own."""
    folder = tmp_path_factory.mktemp("referrals")
    home = small_home.build(folder, obligors=2, months=14)
    _promote_one_that_knows_categories(home)
    entries = [
        obligors.ObligorEntry(
            obligor_id=firm,
            name=firm,
            subject_kind=SubjectKind.LEGAL_PERSON,
            industry_division=told,
            site_zone="Asia/Shanghai",
            true_from=datetime(2020, 1, 1, tzinfo=UTC),
            recorded=datetime(2026, 11, 1, tzinfo=UTC),
        )
        for firm, told in PROFILES.items()
    ]
    obligors.add(home, entries, now=NOW - timedelta(days=1))
    for firm in MACHINES:
        days = _days(folder / f"{firm}.csv", firm, with_energy=firm != NO_ENERGY)
        ingest_file(home, days, mapping=load_mapping("canonical_machine_day_report"), obligor=firm, received_time=NOW)
    machines.add(home, [_machine(firm, told) for firm, told in MACHINES.items()], now=NOW)
    made = serve(home)
    with home.engine.begin() as connection:
        for firm in (NO_HISTORY, *MACHINES):
            grant(connection, firm, PLATFORM, Purpose.PLATFORM, mark=OBLIGOR_GRANTED)
            grant(connection, firm, "bank-a", Purpose.CREDIT, mark=OBLIGOR_GRANTED)
    yield made
    made.close()


def _promote_one_that_knows_categories(home: Home) -> None:
    """The home's own model, as if its rows had told industries and types of machines."""
    model = models.promoted_credit(home)
    told = model.card.familiarity
    assert told is not None
    known = told.model_copy(update={"divisions": INDUSTRIES, "machine_types": TYPES})
    card = model.card.model_copy(update={"familiarity": known})
    models.keep_artefact(home, credit_artefact(model.bag.members, card, reference=model.reference))


def _machine(firm: ObligorId, told: str | None) -> machines.MachineEntry:
    """The firm's machine, since 2020, of that type."""
    texts = {"machine": "M1", "obligor": firm, "from": "2020-01-01", "recorded": "2026-11-01"}
    return machines.read_entry(Entry(texts=texts | ({"machine_type": told} if told else {})))


def _days(path: Path, firm: ObligorId, *, with_energy: bool) -> Path:
    """Sixteen hours of work in each of the last days, known a day later."""
    times = {"unknown": 0, "off": 8, "fault": 0, "maintenance": 0, "setup": 0, "executing": 14, "idle": 2}
    told: dict[str, Any] = {f"{name}_seconds": hours * HOUR for name, hours in times.items()} | {"parts": 900}
    if with_energy:
        told |= {"energy_kwh": 80.0, "energy_executing_kwh": 70.0, "energy_idle_kwh": 8.0, "energy_other_kwh": 2.0}
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.DictWriter(file, ["machine_uid", "day", "recorded_time", *told])
        rows.writeheader()
        for back in range(DAYS):
            day = LAST - timedelta(days=back)
            known = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
            rows.writerow({"machine_uid": f"{firm}/M1", "day": day, "recorded_time": known.isoformat(), **told})
    return path


@pytest.fixture
def by_command(world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """`millgrade decide` about a firm, as its JSON."""

    def ask(firm: ObligorId) -> dict[str, Any]:
        words = ["decide", "--obligor", firm, "--amount", "500000.00", "--tenor-months", "12", "--as-of", "2026-11-20"]
        monkeypatch.setattr(sys, "argv", ["millgrade", *words, "--home", str(world.home.root), "--json"])
        with pytest.raises(SystemExit) as ended:
            cli.main()
            raise SystemExit(0)
        captured = capsys.readouterr()
        assert not ended.value.code, captured.err
        told: dict[str, Any] = json.loads(captured.out)
        return told

    return ask


def over_http(world: World, firm: ObligorId) -> dict[str, Any]:
    asked = loan(firm, as_of="2026-11-19T16:00:00Z")
    answer = world.ask("POST", "/v1/credit-decisions", key="bank-a", json=asked)
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()["decision"]
    return told


CASES = [
    # firm          rule              what it looked at                                                              in words
    (NO_HISTORY,   "K01_thin_history", {"source": "thin_history", "history_days": 0}, "history"),
    (NO_ENERGY,    "K06_unfamiliar",   {"missing_families": ["energy", "supply_chain"], "unknown_categories": []}, "how they use electricity"),
    (NEW_INDUSTRY, "K06_unfamiliar",   {"missing_families": ["supply_chain"], "unknown_categories": [{"name": "industry_division", "value": "C43"}]}, "C43 (Repair of"),
    (NO_INDUSTRY,  "K06_unfamiliar",   {"missing_families": ["supply_chain"], "unknown_categories": [{"name": "industry_division", "value": None}]}, "industry division not told"),
    (NEW_MACHINE,  "K06_unfamiliar",   {"missing_families": ["supply_chain"], "unknown_categories": [{"name": "machine_type", "value": "A022801"}]}, "machines of type A022801 (textile equipment)"),
    (NO_TYPE,      "K06_unfamiliar",   {"missing_families": ["supply_chain"], "unknown_categories": [{"name": "machine_type", "value": None}]}, "machines whose type is not told"),
]  # fmt: skip


@pytest.mark.parametrize(("firm", "rule", "values", "words"), CASES)
def test_what_is_not_known_is_referred_with_the_reason(
    world: World, by_command: Any, firm: ObligorId, rule: str, values: dict[str, Any], words: str
) -> None:
    for decision in (over_http(world, firm), by_command(firm)):
        assert decision["outcome"] == "refer" or firm != NO_HISTORY
        assert decision["outcome"] != "approve"  # a grade that declines does so all the same
        finding = next(item for item in decision["findings"] if item["rule_id"] == rule)
        assert finding["outcome"] == "refer"
        assert {name: finding["values"][name] for name in values} == values
        told = next(line for line in decision["narrative"]["en"]["findings"] if line.startswith(rule))
        assert words in told


def test_a_firm_of_a_known_industry_with_known_machines_is_not_referred_for_them(world: World) -> None:
    decision = over_http(world, NO_ENERGY)
    finding = next(item for item in decision["findings"] if item["rule_id"] == "K06_unfamiliar")
    assert finding["values"]["unknown_categories"] == []


def test_a_decision_on_told_types_is_replayed_to_the_byte(world: World) -> None:
    asked = loan(NEW_MACHINE, as_of="2026-11-19T16:00:00Z")
    made = world.ask("POST", "/v1/credit-decisions", key="bank-a", json=asked).json()["decision"]
    body = credit_decisions.replay(world.home, DecisionId(made["decision_id"]))
    assert json.loads(body)["findings"] == made["findings"]
