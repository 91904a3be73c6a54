"""From snapshot to recommendation, and the same bytes again from what was stored."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from scoring_book import AS_OF, NAMES, OBLIGOR, make_snapshot, production

from data_contracts.identifiers import ObligorId
from data_contracts.reference.dated import ParameterBook, parse_book
from features.machine_types import MachineTypes
from features.snapshot import FeatureSnapshot, parse_snapshot
from risk_reports.credit_memo import narrative
from scoring import registry
from scoring.canonical import canonical_bytes, plain_decision
from scoring.credit.artefact import CreditArtefact
from scoring.credit.card import HazardCard
from scoring.credit.familiarity import KnownTypes
from scoring.credit.score import score
from scoring.decision.decide import decide
from scoring.errors import InvalidRequest
from scoring.records import CreditDecision, CreditProduct, CreditRequest, Layer, Outcome

KEYS = {
    "outcome", "pd_12m", "pd_12m_lower", "pd_12m_upper", "rating_grade", "score_points", "limit_minor",
    "indicative_limit_minor", "currency", "annual_rate_ratio", "tenor_months", "findings", "reasons", "contributions",
    "base_log_odds", "margin", "source", "model_version", "parameters_version", "snapshot_id", "valid_until",
    "covenants", "security", "tenor_bounds", "instalments", "usage_plan", "facts", "asset", "raroc_ratio",
}  # fmt: skip

QUANTITIES = production(revenue_minor=250_000.0 * 3_000.0 * 365 / 90)


def request_of(*, amount_minor: int = 20_000_000, tenor_months: int = 12) -> CreditRequest:
    return CreditRequest(
        obligor_id=OBLIGOR,
        product=CreditProduct.WORKING_CAPITAL,
        amount_minor=amount_minor,
        currency="CNY",
        tenor_months=tenor_months,
        as_of=AS_OF,
    )


def decided(
    snapshot: FeatureSnapshot, model: CreditArtefact, parameters: ParameterBook, request: CreditRequest | None = None
) -> CreditDecision:
    return decide(score(snapshot, model, parameters), request or request_of(), snapshot, parameters)


def test_a_sound_firm_is_approved_and_a_sick_one_declined(
    rows: np.ndarray, credit_model: CreditArtefact, parameters: ParameterBook
) -> None:
    sound, sick = (
        decided(make_snapshot(rows[index], quantities=QUANTITIES, coverage=0.95), credit_model, parameters)
        for index in (0, -1)
    )
    assert sound.outcome is Outcome.APPROVE
    assert sound.limit.limit_minor is not None
    assert sound.limit.limit_minor >= sound.request.amount_minor
    assert sick.outcome is Outcome.DECLINE
    assert sick.price.annual_rate_ratio > sound.price.annual_rate_ratio
    assert sick.score.reasons[0].direction == "adverse"


def test_thin_history_is_referred_with_an_indication(
    rows: np.ndarray, credit_model: CreditArtefact, parameters: ParameterBook
) -> None:
    decision = decided(make_snapshot(rows[0], history_days=21), credit_model, parameters)
    assert decision.outcome is Outcome.REFER
    thin = next(finding for finding in decision.findings if finding.layer is Layer.DATA)
    assert (thin.rule_id, thin.values) == ("K01_thin_history", {"source": "thin_history", "history_days": 21})
    # CNY 50,000.00 over R13's middle x LGD: 5,000,000 / (0.22 x 0.40)
    assert decision.limit.limit_minor is None
    assert decision.limit.indicative_limit_minor == 56_818_182
    assert decision.limit.binding == "expected_loss_budget"


def test_a_firm_unlike_the_training_rows_is_referred_in_words(
    rows: np.ndarray, credit_model: CreditArtefact, parameters: ParameterBook
) -> None:
    strange = np.nan_to_num(rows[0], nan=0.5)
    strange[NAMES.index("utilisation_90d")] = 9.0
    snapshot = make_snapshot(strange, quantities=QUANTITIES, coverage=0.95)
    decision = decided(snapshot, credit_model, parameters)
    assert decision.outcome is Outcome.REFER
    finding = next(finding for finding in decision.findings if finding.rule_id == "K06_unfamiliar")
    assert finding.values["furthest"][0]["feature"] == "utilisation_90d"
    words = narrative(decision, snapshot)["narrative"]
    english, chinese = ("\n".join(words[language]["findings"]) for language in ("en", "zh"))
    assert "over 90 days 900.0 % (usually" in english
    assert "K06_unfamiliar: 模型未学习过与该主体类似的样本" in chinese


@pytest.mark.parametrize(
    ("division", "english", "chinese"),
    [
        ("C43", "industry division C43 (Repair of metal products, machinery and equipment)", "行业大类C43金属制品、机械和设备修理业"),
        ("A01", "industry division A01.", "行业大类A01。"),
        (None, "industry division not told, which could be any.", "未说明行业大类（可能为任一大类）。"),
    ],
)  # fmt: skip
def test_a_firm_of_an_unknown_industry_is_referred_and_told_so(
    rows: np.ndarray,
    credit_model: CreditArtefact,
    parameters: ParameterBook,
    division: str | None,
    english: str,
    chinese: str,
) -> None:
    row = np.nan_to_num(rows[0], nan=0.5)
    known = make_snapshot(row, quantities=QUANTITIES, coverage=0.95)
    told = {
        outcome: decided(snapshot, credit_model, parameters)
        for outcome, snapshot in (
            (Outcome.APPROVE, known),
            (Outcome.REFER, replace(known, industry_division=division)),
        )
    }
    assert all(decision.outcome is outcome for outcome, decision in told.items())
    decision = told[Outcome.REFER]
    findings = {finding.rule_id: finding for finding in decision.findings}
    assert [rule for rule, finding in findings.items() if finding.outcome is not Outcome.APPROVE] == ["K06_unfamiliar"]
    assert findings["K06_unfamiliar"].values["unknown_categories"] == [{"name": "industry_division", "value": division}]
    words = narrative(decision, known)["narrative"]
    assert any(english in line for line in words["en"]["findings"])
    assert any(chinese in line for line in words["zh"]["findings"])


LATHES, LOOMS, UNNAMED = "A02050900", "A02280100", "A02990100"
FLEETS = [
    # machines                     untold  said of it in English, and in Chinese
    ({LATHES: 4, LOOMS: 1},        0,      "machines of type A022801 (textile equipment).", "A022801纺织设备类机器。"),
    ({LATHES: 1, UNNAMED: 3},      0,      "machines of type A029901.", "A029901类机器。"),
    ({LATHES: 1, LOOMS: 1},        2,      "machines of type A022801 (textile equipment), machines whose type is not told, which could be any.",
                                           "A022801纺织设备类机器、未说明类型的机器（可能为任一类型）。"),
    ({},                           0,      "machines whose type is not told, which could be any.", "未说明类型的机器（可能为任一类型）。"),
]  # fmt: skip


@pytest.mark.parametrize(("machines", "untold", "english", "chinese"), FLEETS)
def test_a_firm_with_machines_of_a_new_type_is_referred_and_told_so(
    rows: np.ndarray,
    credit_model: CreditArtefact,
    parameters: ParameterBook,
    machines: dict[str, int],
    untold: int,
    english: str,
    chinese: str,
) -> None:
    assert credit_model.cloud is not None
    cloud = replace(credit_model.cloud, machine_types=KnownTypes(classes=frozenset({"A020509"}), share=0.2))
    model = replace(credit_model, cloud=cloud)
    plain = make_snapshot(np.nan_to_num(rows[0], nan=0.5), quantities=QUANTITIES, coverage=0.95)
    known = replace(plain, machine_types=MachineTypes(machines={LATHES: 9, LOOMS: 1}, untold=1))  # 2 of 11: few
    new = replace(plain, machine_types=MachineTypes(machines=machines, untold=untold) if machines else None)
    assert decided(known, model, parameters).outcome is Outcome.APPROVE
    assert decided(plain, credit_model, parameters).outcome is Outcome.APPROVE  # a model that knows no types
    decision = decided(parse_snapshot(new.canonical()), model, parameters)
    biting = [finding.rule_id for finding in decision.findings if finding.outcome is not Outcome.APPROVE]
    assert (decision.outcome, biting) == (Outcome.REFER, ["K06_unfamiliar"])
    words = narrative(decision, new)["narrative"]
    assert any(english in line for line in words["en"]["findings"])
    assert any(chinese in line for line in words["zh"]["findings"])


def test_a_default_that_is_certain_within_the_life_is_decided_like_any_other(
    rows: np.ndarray, credit_model: CreditArtefact, parameters: ParameterBook
) -> None:
    hazard = HazardCard(
        intercept=-4, month_slope=60, first_slope=1, last_slope=1, observed_months=33, months_at_risk=1, defaults=1
    )
    model = replace(credit_model, card=credit_model.card.model_copy(update={"hazard": hazard}))
    snapshot = make_snapshot(rows[0], quantities=QUANTITIES, coverage=0.95)
    asked = replace(request_of(tenor_months=36), product=CreditProduct.EQUIPMENT_LOAN)
    decision, usual = (decided(snapshot, each, parameters, asked) for each in (model, credit_model))
    assert decision.tenor_months == 36
    assert decision.provision.lifetime_pd == 1.0
    assert decision.score.pd_12m == usual.score.pd_12m
    losses = [each.provision.expected_credit_loss_lifetime_minor for each in (usual, decision)]
    assert losses[0] < losses[1] < decision.price.lgd_ratio * asked.amount_minor
    plain = plain_decision(decision)
    assert json.loads(canonical_bytes(plain)) == plain


def test_the_advised_tenor_is_the_products_longest(
    rows: np.ndarray, credit_model: CreditArtefact, parameters: ParameterBook
) -> None:
    snapshot = make_snapshot(rows[0])
    assert decided(snapshot, credit_model, parameters, request_of(tenor_months=36)).tenor_months == 12
    assert decided(snapshot, credit_model, parameters, request_of(tenor_months=6)).tenor_months == 6


def test_a_worse_book_never_gets_a_higher_limit(
    rows: np.ndarray, credit_model: CreditArtefact, parameters: ParameterBook
) -> None:
    snapshots = [make_snapshot(row, quantities=QUANTITIES) for row in rows]
    decisions = [decided(snapshot, credit_model, parameters) for snapshot in snapshots]
    by_upper = sorted(decisions, key=lambda decision: decision.score.pd_12m_upper)
    budgets = [
        next(item.amount_minor for item in decision.limit.capacities if item.name == "expected_loss_budget")
        for decision in by_upper
    ]
    assert budgets == sorted(budgets, reverse=True)
    assert len(set(budgets)) == len({decision.score.pd_12m_upper for decision in decisions}) > 20


@pytest.mark.parametrize(
    "request_", [request_of(amount_minor=0), request_of(amount_minor=-5), request_of(tenor_months=0)]
)
def test_a_request_for_nothing_is_refused(
    rows: np.ndarray, credit_model: CreditArtefact, parameters: ParameterBook, request_: CreditRequest
) -> None:
    with pytest.raises(InvalidRequest):
        decided(make_snapshot(rows[0]), credit_model, parameters, request_)


def test_a_request_about_another_firm_or_time_is_refused(
    rows: np.ndarray, credit_model: CreditArtefact, parameters: ParameterBook
) -> None:
    for request in (
        replace(request_of(), obligor_id=ObligorId("other")),
        replace(request_of(), as_of=AS_OF + timedelta(days=1)),
    ):
        with pytest.raises(InvalidRequest):
            decided(make_snapshot(rows[0]), credit_model, parameters, request)


@pytest.mark.parametrize("history_days", [400, 21])
def test_a_decision_recomputes_to_the_same_bytes(
    tmp_path: Path, rows: np.ndarray, credit_model: CreditArtefact, parameters: ParameterBook, history_days: int
) -> None:
    snapshot = make_snapshot(rows[12], quantities=QUANTITIES, history_days=history_days)
    told = canonical_bytes(plain_decision(decided(snapshot, credit_model, parameters)))
    registry.save_artefact(tmp_path, credit_model)
    stored_model = registry.load_artefact(tmp_path, "credit", credit_model.version)
    assert isinstance(stored_model, CreditArtefact)
    stored_snapshot = parse_snapshot(snapshot.canonical())
    again = decided(stored_snapshot, stored_model, parse_book(parameters.canonical()))
    assert canonical_bytes(plain_decision(again)) == told


@pytest.mark.parametrize("history_days", [400, 21])
def test_an_answer_has_all_its_keys_always(
    rows: np.ndarray, credit_model: CreditArtefact, parameters: ParameterBook, history_days: int
) -> None:
    snapshot = make_snapshot(rows[12], history_days=history_days)
    plain = plain_decision(decided(snapshot, credit_model, parameters))
    assert plain.keys() >= KEYS
    assert plain.keys() == plain_decision(decided(make_snapshot(rows[0]), credit_model, parameters)).keys()
    assert json.loads(canonical_bytes(plain)) == plain
    assert plain["statement"] == "synthetic; effect sizes are inputs, not findings"


def test_price_lines_of_an_answer_add_up(
    rows: np.ndarray, credit_model: CreditArtefact, parameters: ParameterBook
) -> None:
    for row in rows[::5]:
        decision = decided(make_snapshot(row), credit_model, parameters)
        assert sum(line.annual_rate_ratio for line in decision.price.lines) == decision.price.annual_rate_ratio
