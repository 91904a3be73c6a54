"""A past decision is recomputed to the byte, and what it would be today is split by cause: one planted case a cause."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from api import cli
from api.credit_decisions import changes, service
from api.credit_decisions import repository as decisions
from api.credit_decisions.changes import POLICY_PARAMETERS, since_then
from api.credit_decisions.dry_run import change_of, dry_run
from api.database.engine import unit_of_work
from api.database.tables import credit_decision
from api.errors import NotReproduced
from api.evidence.claims import READERS, Kind
from api.home import Home
from api.models import service as models
from api.obligors.repository import all_ids
from api.overrides import service as overrides
from api.partners.repository import LOCAL
from api.snapshots.service import reader
from api.telemetry.service import ingest_file
from benchmarks import small_home
from data_contracts.contract import RecordKind
from data_contracts.errors import InputError, LogDamaged
from data_contracts.evidence.tables import log_entry
from data_contracts.identifiers import DecisionId
from data_contracts.mapping import load_mapping
from data_contracts.reference.dated import DatedParameter, ParameterBook
from risk_reports import credit_memo
from risk_reports.wording.catalogue import Language
from scoring import registry
from scoring.decision.decide import decide as conclude
from scoring.errors import InvalidRequest, UnknownModel
from scoring.records import CreditDecision, CreditProduct, CreditRequest, Outcome

AS_OF, NOW = small_home.AS_OF, small_home.NOW
LATER = datetime(2026, 12, 1, tzinfo=UTC)
HEADER = "obligor_id,order_id,buyer_id,event_time,parts,amount_minor,currency,due_date,recorded_time"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    built = small_home.build(tmp_path_factory.mktemp("changes"), obligors=2, months=14)
    yield built
    built.engine.dispose()


@pytest.fixture(scope="module")
def decision_id(home: Home) -> DecisionId:
    with unit_of_work(home.engine) as connection:
        obligor = all_ids(connection)[0]
    request = CreditRequest(
        obligor_id=obligor,
        product=CreditProduct.PURCHASE_ORDER,
        amount_minor=50_000_000,
        currency="CNY",
        tenor_months=6,
        as_of=AS_OF,
    )
    body = json.loads(service.decide(home, request, partner=LOCAL, now=NOW))
    return DecisionId(body["decision_id"])


def changed(book: ParameterBook, name: str, **values: Any) -> ParameterBook:
    """The book with other values of one parameter."""
    old = book.parameters[name]
    new = DatedParameter(
        name=name,
        description=old.description,
        unit=old.unit,
        values={day: {**value, **values} for day, value in old.values.items()},
        reference=old.reference,
    )
    other = replace(book, parameters={**book.parameters, name: new})
    return book.with_those_of(other, {name})


def causes(home: Home, decision_id: DecisionId) -> list[str]:
    found: list[str] = since_then(home, decision_id, now=LATER)["causes"]
    return found


def with_parameters(monkeypatch: pytest.MonkeyPatch, book: ParameterBook) -> None:
    monkeypatch.setattr(models, "scoring_parameters", lambda: book)


def test_nothing_moved(home: Home, decision_id: DecisionId) -> None:
    found = since_then(home, decision_id, now=LATER)
    assert found["causes"] == []
    assert [step["cause"] for step in found["steps"]] == [cause.value for cause in changes.Cause]
    assert found["then"] == found["now"]
    assert found["reproduced"]
    assert "reproduced to the byte" in credit_memo.changes_text(found)


def test_another_release_is_the_softwares_cause(
    home: Home, decision_id: DecisionId, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stricter(*told: Any, **named: Any) -> CreditDecision:
        """What a later release makes of the same grounds."""
        return replace(conclude(*told, **named), outcome=Outcome.DECLINE)

    with unit_of_work(home.engine) as connection:
        kept = json.loads(decisions.load(connection, decision_id).body)
    monkeypatch.setattr(service, "conclude", stricter)
    with_parameters(monkeypatch, changed(models.scoring_parameters(), "price_inputs", operating_cost=0.02))
    found = since_then(home, decision_id, now=LATER)
    assert (found["reproduced"], found["causes"]) == (False, ["software", "parameters"])
    assert found["steps"][0]["moved"] == ["outcome"]
    assert found["then"] == {key: kept[key] for key in changes.TOLD_KEYS}
    assert found["now"]["outcome"] == "decline" != kept["outcome"]
    for language in Language:
        assert "reproduced to the byte" not in credit_memo.changes_text(found, language)
    with pytest.raises(NotReproduced, match=r"\(decision_id, outcome\)"):
        service.replay(home, decision_id)


def test_a_changed_row_is_not_blamed_on_the_software(home: Home, decision_id: DecisionId) -> None:
    chosen = credit_decision.c.decision_id == decision_id
    with unit_of_work(home.engine) as connection:
        kept = decisions.load(connection, decision_id).body
        better = json.dumps({**json.loads(kept), "outcome": "approve"}).encode()
        connection.execute(credit_decision.update().where(chosen).values(body=better))
    try:
        with pytest.raises(LogDamaged):
            since_then(home, decision_id, now=LATER)
    finally:
        with unit_of_work(home.engine) as connection:
            connection.execute(credit_decision.update().where(chosen).values(body=kept))


def test_parameters(home: Home, decision_id: DecisionId, monkeypatch: pytest.MonkeyPatch) -> None:
    with_parameters(monkeypatch, changed(models.scoring_parameters(), "price_inputs", operating_cost=0.02))
    found = since_then(home, decision_id, now=LATER)
    assert found["causes"] == ["parameters"]
    assert found["now"]["annual_rate_ratio"] > found["then"]["annual_rate_ratio"]
    assert "annual_rate_ratio" in next(step for step in found["steps"] if step["changed"])["moved"]


def test_policy(home: Home, decision_id: DecisionId, monkeypatch: pytest.MonkeyPatch) -> None:
    strict = changed(models.scoring_parameters(), "grade_cut_offs", approve_to="R1", refer_to="R2")
    with_parameters(monkeypatch, strict)
    found = since_then(home, decision_id, now=LATER)
    assert found["causes"] == ["policy"]
    assert found["now"]["outcome"] == "decline"
    assert set(strict.parameters) >= POLICY_PARAMETERS


def test_features(home: Home, decision_id: DecisionId, monkeypatch: pytest.MonkeyPatch) -> None:
    other = changed(changes.feature_parameters(), "failure_rate_prior", mean_per_1000_hours=9.0)
    monkeypatch.setattr(changes, "feature_parameters", lambda: other)
    assert causes(home, decision_id) == ["features"]


def test_two_causes_are_told_apart(home: Home, decision_id: DecisionId, monkeypatch: pytest.MonkeyPatch) -> None:
    other = changed(changes.feature_parameters(), "failure_rate_prior", mean_per_1000_hours=9.0)
    monkeypatch.setattr(changes, "feature_parameters", lambda: other)
    dear = changed(models.scoring_parameters(), "price_inputs", operating_cost=0.02)
    with_parameters(monkeypatch, changed(dear, "grade_cut_offs", approve_to="R1", refer_to="R2"))
    found = since_then(home, decision_id, now=LATER)
    assert found["causes"] == ["features", "parameters", "policy"]
    for language in Language:
        assert found["decision_id"] in credit_memo.changes_text(found, language)


def test_model(home: Home, decision_id: DecisionId) -> None:
    old = models.promoted_credit(home)
    raised = old.card.calibrator.model_copy(update={"intercept": old.card.calibrator.intercept + 0.5})
    other = registry.credit_artefact(
        old.bag.members, old.card.model_copy(update={"calibrator": raised}), reference=old.reference
    )
    models.keep_artefact(home, other)
    try:
        found = since_then(home, decision_id, now=LATER)
    finally:
        registry.point_to(home.models, "credit", registry.Pointer(version=old.version, expires_time=None))
    assert found["causes"] == ["model"]
    assert found["now"]["pd_12m"] > found["then"]["pd_12m"]


def test_a_dry_run_says_who_would_move_and_keeps_nothing(home: Home, decision_id: DecisionId, tmp_path: Path) -> None:
    folder = tmp_path / "parameters"
    shutil.copytree(str(files("scoring") / "parameters"), folder)
    unchanged = dry_run(home, change_of(home, parameters=folder, model=None))
    assert (unchanged["obligors"], unchanged["grade_changes"], unchanged["outcome_changes"]) == (2, 0, 0)
    cut_offs = folder / "grade_cut_offs.yaml"
    text = cut_offs.read_text(encoding="utf-8")
    cut_offs.write_text(
        text.replace("approve_to: R10, refer_to: R11", "approve_to: R1, refer_to: R2"), encoding="utf-8"
    )
    found = dry_run(home, change_of(home, parameters=folder, model=None))
    assert (found["grade_changes"], found["outcome_changes"]) == (0, 1)
    (moved,) = found["decisions_changed"]
    assert (moved["product"], moved["to"]) == ("purchase_order", "decline")
    assert since_then(home, decision_id, now=LATER)["causes"] == []


def test_a_dry_run_of_a_scale_says_who_changes_grade(home: Home, tmp_path: Path) -> None:
    folder = tmp_path / "parameters"
    shutil.copytree(str(files("scoring") / "parameters"), folder)
    scale = folder / "master_scale.yaml"
    halves = re.sub(r"(R\d+: )(0\.\d+)", lambda found: f"{found[1]}{float(found[2]) / 2}", scale.read_text("utf-8"))
    scale.write_text(halves, encoding="utf-8")
    found = dry_run(home, change_of(home, parameters=folder, model=None))
    assert found["grade_changes"] == len(found["obligors_changed"]) > 0
    assert sum(found["grades"].values()) == found["grade_changes"]


def test_a_dry_run_of_nothing_or_of_half_a_folder_is_refused(home: Home, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Nothing to try"):
        change_of(home, parameters=None, model=None)
    shutil.copy(str(files("scoring") / "parameters" / "pd_floor.yaml"), tmp_path)
    with pytest.raises(InputError, match="lacks"):
        change_of(home, parameters=tmp_path, model=None)
    with pytest.raises(UnknownModel):
        change_of(home, parameters=None, model="0" * 64)


def test_an_override_needs_two_and_ends(home: Home, decision_id: DecisionId) -> None:
    """The decision itself stays what it was."""
    with unit_of_work(home.engine) as connection:
        decided = Outcome(decisions.load(connection, decision_id).outcome)
    other = Outcome.DECLINE if decided is not Outcome.DECLINE else Outcome.REFER
    proposed = overrides.propose(
        home,
        decision_id,
        outcome=other,
        reason_code="policy_exception",
        reason_text="Said by the committee.",
        by="Li Wei",
        days=10,
        now=LATER,
    )

    def standing(days: int) -> Outcome:
        with unit_of_work(home.engine) as connection:
            return overrides.outcome_now(connection, decision_id, decided, now=LATER + timedelta(days=days))

    assert (proposed["in_force"], standing(1)) == (False, decided)
    with pytest.raises(InvalidRequest, match="second person"):
        overrides.confirm(home, proposed["override_id"], by="Li Wei", now=LATER)
    confirmed = overrides.confirm(home, proposed["override_id"], by="Zhang Min", now=LATER)
    assert (confirmed["in_force"], standing(1), standing(9), standing(10)) == (True, other, other, decided)
    with pytest.raises(InvalidRequest, match="already"):
        overrides.confirm(home, proposed["override_id"], by="Wang Fang", now=LATER)
    listed = overrides.listed(home, now=LATER)
    assert (listed["decisions"], listed["override_share"], listed["is_alarm"]) == (1, 1.0, True)
    assert service.replay(home, decision_id)


def test_what_was_overridden_is_in_the_log(home: Home, decision_id: DecisionId) -> None:
    with unit_of_work(home.engine) as connection:
        found = {
            kind: [claim.subject for claim in READERS[kind](connection, None)]
            for kind in (Kind.OVERRIDE, Kind.OVERRIDE_CONFIRMATION)
        }
        rows = connection.execute(sa.select(log_entry.c.kind, log_entry.c.subject))
        logged = {(row.kind, row.subject) for row in rows}
    (name,) = found[Kind.OVERRIDE]
    assert found[Kind.OVERRIDE_CONFIRMATION] == [name]
    assert {("override", name), ("override_confirmation", name)} <= logged


@pytest.mark.parametrize(
    ("command", "begins"),
    [
        (["report", "credit_memo", "DECISION", "--language", "zh", "--out", "memo.pdf"], b"%PDF-"),
        (["report", "credit_memo", "DECISION", "--language", "en", "--out", "memo.html"], b"<!doctype html>"),
        (["report", "model_card", "--language", "en", "--out", "card.pdf"], b"%PDF-"),
        (["export", "--out", "rules.json"], b"{"),
        (["report", "validation_pack", "--language", "zh", "--out", "pack.pdf"], b"%PDF-"),
        (["report", "validation_pack", "--language", "en", "--out", "pack.html"], b"<!doctype html>"),
        (["export", "--out", "model.sql"], b"-- "),
    ],
)
def test_papers_and_rules_by_command(
    home: Home,
    decision_id: DecisionId,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: list[str],
    begins: bytes,
) -> None:
    out = tmp_path / command[-1]
    given = [decision_id if word == "DECISION" else word for word in command[:-1]]
    monkeypatch.setattr(sys, "argv", ["millgrade", *given, str(out), "--home", str(home.root)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert not ended.value.code
    assert out.read_bytes().startswith(begins)


def test_a_file_of_another_kind_is_refused(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in (["report", "model_card"], ["export"]):
        monkeypatch.setattr(
            sys, "argv", ["millgrade", *command, "--out", str(tmp_path / "x.doc"), "--home", str(home.root)]
        )
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert ended.value.code == 2
        assert "ends in n" in capsys.readouterr().err


def test_rows_about_a_later_time_change_nothing(home: Home, decision_id: DecisionId, tmp_path: Path) -> None:
    with unit_of_work(home.engine) as connection:
        obligor = all_ids(connection)[0]
    assert ingest_order(home, tmp_path, obligor, event=AS_OF + timedelta(days=3), number=2) == 1
    assert causes(home, decision_id) == []


def ingest_order(home: Home, folder: Path, obligor: str, *, event: datetime, number: int) -> int:
    """A large order that became known in November; returns how many rows were admitted."""
    row = [obligor, f"PO-LATE-{number}", "BUYER", event.isoformat(), "500000", "900000000", "CNY"]
    row += [date(2026, 12, 31).isoformat(), datetime(2026, 11, 1, tzinfo=UTC).isoformat()]
    file = folder / "orders.csv"
    file.write_text(f"{HEADER}\n{','.join(row)}\n", encoding="utf-8")
    mapping = load_mapping("canonical_purchase_order")
    return ingest_file(home, file, mapping=mapping, obligor=None, received_time=LATER).rows_admitted


def test_late_rows_at_last(home: Home, decision_id: DecisionId, tmp_path: Path) -> None:
    with unit_of_work(home.engine) as connection:
        obligor = all_ids(connection)[0]
    assert ingest_order(home, tmp_path, obligor, event=AS_OF - timedelta(days=3), number=1) == 1
    found = since_then(home, decision_id, now=LATER)
    assert found["causes"] == ["late_data"]
    assert "capacities" in next(step for step in found["steps"] if step["changed"])["moved"]
    assert service.replay(home, decision_id), "what was decided stays what it was"


def test_a_validation_that_has_lapsed_since_is_the_models_cause(home: Home) -> None:
    with unit_of_work(home.engine) as connection:
        obligor = all_ids(connection)[1]
    version = models.promoted_credit(home).version
    fresh = service.decide(
        home,
        CreditRequest(
            obligor_id=obligor,
            product=CreditProduct.WORKING_CAPITAL,
            amount_minor=60_000_000,
            currency="CNY",
            tenor_months=6,
            as_of=AS_OF,
        ),
        partner=LOCAL,
        now=LATER,
    )
    name = DecisionId(json.loads(fresh)["decision_id"])
    registry.point_to(home.models, "credit", registry.Pointer(version=version, expires_time=LATER))
    try:
        found = since_then(home, name, now=LATER)
    finally:
        registry.point_to(home.models, "credit", registry.Pointer(version=version, expires_time=None))
    assert found["causes"] == ["model"]
    assert "findings" in next(step for step in found["steps"] if step["changed"])["moved"]


def test_late_samples_alone(home: Home, tmp_path: Path) -> None:
    """A machine that was said to work turns out to have stood still: its gateway sent a week's samples in November."""
    with unit_of_work(home.engine) as connection:
        obligor = all_ids(connection)[1]
        source = reader(connection, home)
        owned = source.rows(RecordKind.MACHINE_OWNERSHIP, as_of=AS_OF, obligor_ids=[obligor])
    request = CreditRequest(
        obligor_id=obligor,
        product=CreditProduct.WORKING_CAPITAL,
        amount_minor=50_000_000,
        currency="CNY",
        tenor_months=6,
        as_of=AS_OF,
    )
    body = json.loads(service.decide(home, request, partner=LOCAL, now=NOW))
    name = DecisionId(body["decision_id"])
    assert causes(home, name) == []
    lines = ["machine_uid,event_time,item_state,recorded_time"]
    lines += [
        f"{machine},{(AS_OF - timedelta(minutes=15 * step)).isoformat()},NotExecuting,{sent}"
        for machine in owned.column("machine_uid").to_pylist()
        for step in range(1, 4 * 24 * 7)
        for sent in [datetime(2026, 11, 1, tzinfo=UTC).isoformat()]
    ]
    file = tmp_path / "samples.csv"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    done = ingest_file(home, file, mapping=load_mapping("canonical_sample"), obligor=None, received_time=LATER)
    assert done.rows_admitted == len(lines) - 1
    found = since_then(home, name, now=LATER)
    assert found["causes"] == ["late_data"]
    assert found["now"]["pd_12m"] != found["then"]["pd_12m"]
    assert "contributions" in next(step for step in found["steps"] if step["changed"])["moved"]
