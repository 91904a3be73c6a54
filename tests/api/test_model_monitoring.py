"""Monitoring, the challenger in the shadow, what partners report, and the register of outcomes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from api.credit_decisions import service as credit_decisions
from api.database.engine import unit_of_work
from api.database.tables import credit_decision, shadow_decision
from api.decision_events import service as decision_events
from api.decision_events.repository import EventKind
from api.governance import service as governance
from api.home import Home, open_home
from api.models import service as models
from api.monitor import service as monitoring
from api.monitor.exposition import exposition
from api.obligors.repository import all_ids
from api.overrides import service as overrides
from api.partners.repository import LOCAL
from api.shadow import service as shadow
from benchmarks import small_home
from data_contracts.identifiers import DecisionId, ObligorId
from scoring import registry
from scoring.credit.artefact import CreditArtefact
from scoring.errors import InvalidRequest
from scoring.records import CreditProduct, CreditRequest, Outcome
from tests.api.conftest import Run

NOW, AS_OF = small_home.NOW, small_home.AS_OF
DUE = datetime(2027, 8, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two firms, scored and decided on, and a validated model."""
    folder = tmp_path_factory.mktemp("monitored")
    home = small_home.build(folder, obligors=2, months=14)
    version = models.promoted_credit(home).version
    small_home.vouch(home, version, now=NOW - timedelta(days=1), until=NOW + timedelta(days=360))
    home.engine.dispose()
    return folder / "home"


@pytest.fixture
def grown(built: Path, home: Path) -> Iterator[Home]:
    shutil.copytree(built, home)
    opened = open_home(home)
    yield opened
    opened.engine.dispose()


def firms(home: Home) -> list[ObligorId]:
    with unit_of_work(home.engine) as connection:
        return all_ids(connection)


def decided(home: Home, firm: ObligorId, *, amount_minor: int = 50_000_000, now: datetime = NOW) -> dict[str, Any]:
    request = CreditRequest(
        obligor_id=firm,
        product=CreditProduct.WORKING_CAPITAL,
        amount_minor=amount_minor,
        currency="CNY",
        tenor_months=6,
        as_of=AS_OF,
    )
    answer: dict[str, Any] = json.loads(credit_decisions.decide(home, request, partner=LOCAL, now=now))
    return answer


def reported(home: Home, answer: dict[str, Any], kind: EventKind, on: date, note: str = "") -> dict[str, Any]:
    return decision_events.report(
        home, DecisionId(answer["decision_id"]), kind, on=on, note=note, by="Bank A", now=DUE - timedelta(days=1)
    )


def challenger_of(home: Home, *, now: datetime) -> CreditArtefact:
    """The model that answers with its calibrator half a unit of log-odds higher, appointed."""
    old = models.promoted_credit(home)
    raised = old.card.calibrator.model_copy(update={"intercept": old.card.calibrator.intercept + 0.5})
    card = old.card.model_copy(update={"calibrator": raised})
    other = registry.credit_artefact(old.bag.members, card, reference=old.reference)
    models.keep_artefact(home, other)
    governance.challenge(home, other.version, by="Wang Fang", now=now)
    return other


def test_what_became_of_decisions_is_registered_by_vintage(grown: Home) -> None:
    first, second = (decided(grown, firm) for firm in firms(grown))
    reported(grown, first, EventKind.GRANTED, date(2026, 7, 5))
    reported(grown, first, EventKind.DEFAULTED, date(2027, 3, 1))
    reported(grown, second, EventKind.DISPUTED, date(2026, 12, 1), "the meter was replaced")
    told = monitoring.outcome_register(grown, as_of=DUE)
    (vintage,) = told["vintages"]
    assert (vintage["vintage"], vintage["decisions"]) == ("2026-11", 2)
    assert (vintage["rows"], vintage["defaults"]) == (2, 1)
    assert vintage["mean_pd"] == pytest.approx((first["pd_12m"] + second["pd_12m"]) / 2)
    assert [vintage[f"reported_{name}"] for name in ("granted", "defaulted", "disputed", "repaid")] == [1, 1, 1, 0]
    entries = {entry["decision_id"]: entry for entry in told["decisions"]}
    assert entries[first["decision_id"]]["defaulted_within_12m"] is True
    assert entries[second["decision_id"]]["defaulted_within_12m"] is False
    early = monitoring.outcome_register(grown, as_of=NOW + timedelta(days=1))
    assert (early["vintages"][0]["rows"], early["vintages"][0]["reported_granted"]) == (0, 0)
    assert json.loads(json.dumps(told)) == told


@pytest.mark.parametrize(
    ("kind", "on", "note", "message"),
    [
        (EventKind.DEFAULTED, date(2026, 6, 29), "", "lies before 2026-06-30"),
        (EventKind.DEFAULTED, date(2027, 8, 2), "", "has not come"),
        (EventKind.DISPUTED, date(2027, 1, 1), " ", "needs its reason"),
    ],
)
def test_a_report_that_cannot_be_is_refused(grown: Home, kind: EventKind, on: date, note: str, message: str) -> None:
    answer = decided(grown, firms(grown)[0])
    with pytest.raises(InvalidRequest, match=message):
        reported(grown, answer, kind, on, note)


def test_the_same_report_is_kept_once(grown: Home) -> None:
    answer = decided(grown, firms(grown)[0])
    once, again = (reported(grown, answer, EventKind.REPAID, date(2027, 1, 1)) for _ in range(2))
    assert once == again
    (entry,) = monitoring.outcome_register(grown, as_of=DUE)["decisions"]
    assert len(entry["events"]) == 1


def test_monitor_counts_cohorts_overrides_and_their_defaults(grown: Home) -> None:
    answers = [decided(grown, firm) for firm in firms(grown)]
    first = next(answer for answer in answers if answer["outcome"] != "approve")
    proposed = overrides.propose(
        grown,
        DecisionId(first["decision_id"]),
        outcome=Outcome.APPROVE,
        reason_code="new_contract",
        reason_text="a contract of two years",
        by="Li Wei",
        days=30,
        now=NOW,
    )
    overrides.confirm(grown, proposed["override_id"], by="Zhang Min", now=NOW)
    reported(grown, first, EventKind.DEFAULTED, date(2027, 3, 1))
    told = monitoring.monitor(grown, as_of=DUE, now=DUE)
    (cohort,) = told["cohorts"]
    assert (cohort["cohort"], cohort["promised"], cohort["rows"], cohort["defaults"]) == ("2026-06", 2, 2, 1)
    assert told["discrimination"]["rows"] == 2
    eased = told["overrides"]["by_way"]["eased"]
    assert (told["overrides"]["share"], eased["decisions"], eased["defaults"]) == (0.5, 1, 1)
    assert told["overrides"]["by_way"]["kept"]["defaults"] == 0
    assert "too_many_overrides" in {alarm["code"] for alarm in told["alarms"]}
    at_once = monitoring.monitor(grown, as_of=NOW, now=NOW)
    assert at_once["population"]["obligors"] == 0  # the snapshots are five months old then
    of_late = monitoring.monitor(grown, as_of=AS_OF + timedelta(days=1), now=NOW)
    assert (of_late["population"]["obligors"], of_late["population"]["score"]["drift"]) == (2, "too_few")
    lines = exposition(told).decode().splitlines()
    assert "millgrade_monitor_override_share 0.5" in lines
    assert 'millgrade_monitor_alarms{code="too_many_overrides"} 1.0' in lines


def test_the_challenger_answers_unseen_and_never_twice(grown: Home) -> None:
    before = decided(grown, firms(grown)[0], amount_minor=40_000_000)
    other = challenger_of(grown, now=NOW + timedelta(hours=1))
    after = [decided(grown, firm, now=NOW + timedelta(hours=2)) for firm in firms(grown)]
    assert registry.pointer_of(grown.models, "credit") == registry.Pointer(
        version=models.promoted_credit(grown).version, expires_time=NOW + timedelta(days=360)
    )
    assert shadow.run(grown, now=NOW, most=1) == {"challenger": other.version, "answered": 1, "failed": 0, "left": 1}
    assert shadow.run(grown, now=NOW)["answered"] == 1
    assert shadow.run(grown, now=NOW)["answered"] == 0
    with unit_of_work(grown.engine) as connection:
        rows = {row.decision_id: row for row in connection.execute(sa.select(shadow_decision))}
        bodies = connection.scalars(sa.select(credit_decision.c.body)).all()
    assert set(rows) == {answer["decision_id"] for answer in after}
    assert before["decision_id"] not in rows
    for answer in after:
        shadowed = rows[answer["decision_id"]]
        odds = [pd / (1 - pd) for pd in (answer["pd_model"], shadowed.pd_12m)]
        assert odds[1] > odds[0]
    assert all(other.version.encode() not in body for body in bodies)
    told = monitoring.monitor(grown, as_of=DUE, now=DUE)["challenger"]
    assert (told["decisions"], told["failed"], told["come_due"]) == (2, 0, 2)
    assert told["challengers_mean_pd"] > told["mean_pd"]


def test_a_challenger_that_cannot_answer_hurts_nobody(grown: Home) -> None:
    old = models.promoted_credit(grown)
    first = old.card.features[0].model_copy(update={"key": "of_another_time_90d"})
    card = old.card.model_copy(update={"features": (first, *old.card.features[1:])})
    broken = registry.credit_artefact(old.bag.members, card, reference=old.reference)
    models.keep_artefact(grown, broken)
    governance.challenge(grown, broken.version, by="Wang Fang", now=NOW - timedelta(hours=1))
    answer = decided(grown, firms(grown)[0])
    assert answer["model_version"] == old.version
    assert shadow.run(grown, now=NOW)["failed"] == 1
    told = monitoring.monitor(grown, as_of=DUE, now=DUE)
    assert {alarm["code"] for alarm in told["alarms"]} >= {"challenger_failed"}
    with unit_of_work(grown.engine) as connection:
        assert connection.scalar(sa.select(shadow_decision.c.error)) == "model_does_not_fit"
    governance.challenge(grown, None, by="Wang Fang", now=NOW)
    assert shadow.run(grown, now=NOW)["challenger"] is None
    assert monitoring.monitor(grown, as_of=DUE, now=DUE)["challenger"] is None


SOUND: dict[str, Any] = {
    "as_of": "2026-11-21T00:00:00+00:00",
    "model_version": "0f",
    "mandate": "validated",
    "expires_time": "2027-11-21T00:00:00+00:00",
    "population": {
        "score": {"psi": 0.01, "drift": "stable"},
        "features": [{"feature": "f", "psi": 0.0, "drift": "watch"}],
    },
    "cohorts": [{"cohort": "2026-01", "optimism": 0.4}, {"cohort": "2026-02", "optimism": None}],
    "discrimination": {"auc": {"value": 0.70, "upper": 0.72}, "auc_at_validation": {"value": 0.72}, "defaults": 50},
    "overrides": {"share": 0.10, "most_share": 0.10},
    "challenger": {"model_version": "1e", "failed": 0},
}
SHIFTED = {"psi": 0.5, "drift": "shifted"}


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        ({},                                                                        []),
        ({"mandate": "trial"},                                                      ["model_trial"]),
        ({"mandate": "lapsed"},                                                     ["model_lapsed"]),
        ({"expires_time": "2026-12-21T00:00:00+00:00"},                             ["validation_ends_soon"]),
        ({"expires_time": "2026-12-22T00:00:00+00:00"},                             []),
        ({"population": {"score": SHIFTED, "features": []}},                        ["score_shifted"]),
        ({"population": {"score": None, "features": [{"feature": "f", **SHIFTED}]}}, ["feature_shifted"]),
        ({"cohorts": [{"cohort": "2026-01", "optimism": 0.009}]},                   ["cohort_too_optimistic"]),
        ({"discrimination": {**SOUND["discrimination"], "auc": {"value": 0.60, "upper": 0.71}}}, ["auc_fell"]),
        ({"discrimination": {**SOUND["discrimination"], "auc": {"value": 0.60, "upper": 0.73}}}, []),
        ({"discrimination": {"auc": {"value": 0.5, "upper": 0.6}, "auc_at_validation": {"value": 0.72}, "defaults": 4}}, []),
        ({"overrides": {"share": 0.11, "most_share": 0.10}},                        ["too_many_overrides"]),
        ({"challenger": {"model_version": "1e", "failed": 2}},                      ["challenger_failed"]),
        ({"challenger": None},                                                      []),
    ],
)  # fmt: skip
def test_alarms(change: dict[str, Any], codes: list[str]) -> None:
    settings = models.scoring_parameters().at(NOW)["drift_alarms"]
    assert [alarm["code"] for alarm in monitoring.alarms({**SOUND, **change}, settings)] == codes


def test_by_the_command_line(run: Run, grown: Home, tmp_path: Path) -> None:
    answer = decided(grown, firms(grown)[0])
    metrics = tmp_path / "millgrade.prom"
    ran = run("monitor", "--as-of", "2026-07-15", "--metrics", metrics, "--json")
    assert (ran.exit_code, ran.answer["population"]["obligors"]) == (0, 2)
    assert b"millgrade_monitor_obligors 2.0" in metrics.read_bytes()
    assert "alarms:" in run("monitor").out
    said = ["outcome", "report", answer["decision_id"], "--kind", "granted", "--on", "2026-07-05", "--by", "Bank A"]
    assert run(*said, "--json").answer["kind"] == "granted"
    registered = run("outcome", "register", "--json").answer
    assert registered["vintages"][0]["reported_granted"] == 1
    assert run("outcome", "register", "--partner", "nobody", "--json").answer["decisions"] == []
    assert "challenger: –" in run("shadow").out
