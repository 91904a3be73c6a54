"""From training to promotion by two persons, by the command line; what a lapsed model answers; what the doctor sees."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from api.credit_decisions import service
from api.database.engine import unit_of_work
from api.database.tables import credit_decision
from api.errors import ModelNotForLive
from api.evidence.claims import READERS, Kind
from api.governance import service as governance
from api.governance.repository import Named
from api.home import Home, open_home
from api.models import service as models
from api.obligors.repository import all_ids
from api.operations.doctor.finding import Level
from api.operations.doctor.governance import appointed
from api.partners.repository import LOCAL
from benchmarks import small_home
from data_contracts.evidence.tables import log_entry
from data_contracts.identifiers import DecisionId, ObligorId
from data_contracts.vocabulary import DataOrigin
from scoring import registry
from scoring.credit.artefact import CreditArtefact
from scoring.errors import NotPromotable
from scoring.governance import ModelMandate
from scoring.records import CreditProduct, CreditRequest
from tests.api.conftest import Run

NOW = small_home.NOW
UNTIL = NOW + timedelta(days=100)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("governed")
    small_home.build(folder, obligors=1, months=14).engine.dispose()
    return folder / "home"


@pytest.fixture
def grown(built: Path, home: Path) -> Iterator[Home]:
    """A copy of the home for one test, where the command line looks."""
    shutil.copytree(built, home)
    opened = open_home(home)
    yield opened
    opened.engine.dispose()


def vouched(home: Home, model: Named) -> None:
    small_home.vouch(home, model.version, now=NOW, until=UNTIL)


def answering(home: Home) -> Named:
    pointer = registry.pointer_of(home.models, "credit")
    assert pointer is not None
    return Named(kind="credit", version=pointer.version)


def other_model(home: Home, **changes: Any) -> CreditArtefact:
    """The model that answers under another card, kept beside it."""
    old = models.promoted_credit(home)
    card = old.card.model_copy(update={"seed": 8, **changes})
    other = registry.credit_artefact(old.bag.members, card, reference=old.reference)
    models.keep_artefact(home, other)
    return other


def decided(home: Home, *, now: datetime, amount_minor: int = 50_000_000) -> dict[str, Any]:
    with unit_of_work(home.engine) as connection:
        obligor = ObligorId(all_ids(connection)[0])
    request = CreditRequest(
        obligor_id=obligor,
        product=CreditProduct.WORKING_CAPITAL,
        amount_minor=amount_minor,
        currency="CNY",
        tenor_months=6,
        as_of=small_home.AS_OF,
    )
    answer: dict[str, Any] = json.loads(service.decide(home, request, partner=LOCAL, now=now))
    return answer


def found_by(answer: dict[str, Any], rule: str) -> dict[str, Any]:
    (finding,) = (item for item in answer["findings"] if item["rule_id"] == rule)
    return dict(finding)


def test_a_trained_model_is_on_trial_until_two_persons_vouch_and_none_takes_a_validated_ones_place(grown: Home) -> None:
    first = answering(grown)
    assert models.answering_credit(grown, now=NOW)[1] is ModelMandate.TRIAL
    second = other_model(grown)
    assert answering(grown).version == second.version  # one trial follows another
    with pytest.raises(NotPromotable, match="nobody has validated it"):
        governance.promote(grown, first, by="Wang Fang", now=NOW)
    vouched(grown, first)
    assert answering(grown) == first
    assert models.answering_credit(grown, now=NOW)[1] is ModelMandate.VALIDATED
    assert models.answering_credit(grown, now=UNTIL)[1] is ModelMandate.LAPSED
    third = other_model(grown, seed=9)
    assert answering(grown) == first
    listed = governance.listed(grown, now=NOW)
    mandates = {item["model_version"]: item["mandate"] for item in listed["models"] if item["model_kind"] == "credit"}
    assert mandates == {first.version: "validated", second.version: None, third.version: None}
    assert [item["role"] for item in listed["appointments"]] == ["champion"]


def test_a_model_that_it_pays_to_fool_is_not_promoted(grown: Home) -> None:
    model = answering(grown)
    vouched(grown, model)
    governance.check(
        grown,
        model,
        name="cost_to_fake",
        figures={**small_home.PAYS_NOT, "pays": True},
        by="Li Wei",
        now=NOW + timedelta(1),
    )
    with pytest.raises(NotPromotable, match="these checks failed: cost_to_fake"):
        governance.promote(grown, model, by="Wang Fang", now=NOW + timedelta(2))
    with pytest.raises(NotPromotable, match="are of model 0000"):
        governance.check(
            grown,
            model,
            name="cost_to_fake",
            figures={**small_home.PAYS_NOT, "model_version": "0000"},
            by="Li Wei",
            now=NOW + timedelta(2),
        )


def test_a_lapsed_model_refers_and_every_decision_comes_out_again(grown: Home) -> None:
    on_trial = decided(grown, now=NOW)
    vouched(grown, answering(grown))
    validated = decided(grown, now=NOW, amount_minor=51_000_000)
    lapsed = decided(grown, now=UNTIL)
    told = [found_by(answer, "K05_model_mandate") for answer in (on_trial, validated, lapsed)]
    assert [item["values"]["mandate"] for item in told] == ["trial", "validated", "lapsed"]
    assert [item["outcome"] for item in told] == ["approve", "approve", "refer"]  # synthetic throughout
    assert "has lapsed" in " ".join(lapsed["narrative"]["en"]["findings"])
    assert "到期" in " ".join(lapsed["narrative"]["zh"]["findings"])
    for answer in (on_trial, validated, lapsed):
        assert json.loads(service.replay(grown, DecisionId(answer["decision_id"]))) == answer


def test_a_decision_of_an_early_release_replays_under_the_rules_that_it_names(grown: Home) -> None:
    answer = decided(grown, now=NOW)
    with unit_of_work(grown.engine) as connection:
        connection.execute(sa.update(credit_decision).values(model_mandate=None))
        row = connection.execute(sa.select(credit_decision)).one()
        assert service.stored_grounds(grown, row).mandate is None
    assert found_by(answer, "K05_model_mandate")["values"]["mandate"] == "trial"


def test_live_keys_are_answered_by_validated_models_alone(grown: Home) -> None:
    real = other_model(grown, data_origin=DataOrigin.REAL, statement=None)
    models.require_live(real, ModelMandate.VALIDATED)
    models.require_live(real, ModelMandate.LAPSED, may_have_lapsed=True)
    with pytest.raises(ModelNotForLive, match="on trial"):
        models.require_live(real, ModelMandate.TRIAL, may_have_lapsed=True)
    with pytest.raises(ModelNotForLive, match="has lapsed"):
        models.require_live(real, ModelMandate.LAPSED)


def test_who_vouched_is_in_the_log(grown: Home) -> None:
    vouched(grown, answering(grown))
    kinds = (Kind.MODEL_VALIDATION, Kind.MODEL_CHECK, Kind.MODEL_APPOINTMENT)
    with unit_of_work(grown.engine) as connection:
        found = {(kind.value, claim.subject) for kind in kinds for claim in READERS[kind](connection, None)}
        logged = {
            (row.kind, row.subject) for row in connection.execute(sa.select(log_entry.c.kind, log_entry.c.subject))
        }
    assert len(found) == 3
    assert found <= logged


def test_the_doctor_holds_the_pointer_against_the_appointments(grown: Home) -> None:
    def levels(now: datetime) -> list[Level]:
        with unit_of_work(grown.engine) as connection:
            return [finding.level for finding in appointed(connection, grown, now=now)]

    assert levels(NOW) == [Level.WARNING, Level.WARNING]  # both kinds on trial
    model = answering(grown)
    vouched(grown, model)
    assert levels(NOW)[0] is Level.OK
    assert levels(UNTIL - timedelta(days=29))[0] is Level.WARNING
    assert levels(UNTIL)[0] is Level.WRONG
    other = other_model(grown)
    registry.point_to(grown.models, "credit", registry.Pointer(version=other.version, expires_time=UNTIL))
    assert levels(NOW)[0] is Level.WRONG


def test_by_the_command_line(run: Run, grown: Home, tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    figures.write_text(json.dumps(small_home.PAYS_NOT), encoding="utf-8")
    version = answering(grown).version
    expires = (datetime.now(UTC) + timedelta(days=90)).date()
    said: list[Any] = ["--owner", "Zhang Min", "--findings", "Fit.", "--expires", expires]
    refused = run("model", "promote", version[:10], "--by", "Wang Fang")
    assert (refused.exit_code, "nobody has validated it" in refused.err) == (2, True)
    same = run("model", "validate", version[:10], *said, "--by", "zhang min")
    assert (same.exit_code, "another person" in same.err) == (2, True)
    assert run("model", "validate", version[:10], *said, "--by", "Li Wei").exit_code == 0
    assert run("model", "check", version[:10], "--figures", figures, "--by", "Li Wei").exit_code == 0
    promoted = run("model", "promote", version[:10], "--by", "Wang Fang", "--json").answer
    assert (promoted["answers"], promoted["mandate"]) == (True, "validated")
    assert promoted["validations"][0]["owner"] == "Zhang Min"
    lines = run("model", "list").out.splitlines()
    assert any("validated" in line and "Li Wei" in line and "cost_to_fake passed" in line for line in lines)
    itself = run("model", "challenge", version[:10], "--by", "Wang Fang")
    assert (itself.exit_code, "compared with itself" in itself.err) == (2, True)
    unknown = run("model", "promote", "nothing", "--by", "Wang Fang")
    assert (unknown.exit_code, "model list" in unknown.err) == (2, True)
