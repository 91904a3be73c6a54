"""The credit policy as a table, a row a case, the outcome last; and its documentation as it is."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scoring_book import AS_OF, NAMES, OBLIGOR, make_snapshot, production

from data_contracts.errors import InvalidParameters
from data_contracts.evidence.levels import AttestationLevel
from data_contracts.identifiers import ParametersVersion
from data_contracts.reference.dated import ParameterBook
from data_contracts.vocabulary import DataOrigin
from features.trust import CheckState, DataTrust, Severity, TrustFinding, TrustGrade
from scoring.core_enterprises import CoreEnterprise, OnCoreEnterprises
from scoring.credit.limit import least, product_terms
from scoring.credit.master_scale import master_scale
from scoring.credit.term_structure import term_structure
from scoring.credit.trust_terms import trust_terms
from scoring.decision.case import Case, CutOffs
from scoring.decision.decide import most_severe
from scoring.decision.policy import RULES, CreditPolicy, credit_policy
from scoring.facts import (
    AmountFact,
    BureauFact,
    FactSource,
    GuarantorFact,
    LenderFacts,
    PdFact,
    SanctionsFact,
)
from scoring.governance import ModelMandate
from scoring.records import (
    Capacity,
    CreditProduct,
    CreditRequest,
    Layer,
    Outcome,
    Price,
    RatingGrade,
    ScoreRecord,
    ScoreSource,
    TenorBound,
    UsagePlan,
)
from scoring.stock import StockHeld
from scoring.unfamiliar import Familiarity, UnknownCategory, Unusual

DOCUMENT = Path(__file__).parents[3] / "docs" / "credit-policy.md"
TODAY = date(2026, 7, 1)
SOUND: dict[str, Any] = {
    "pd": 0.02,
    "lower": 0.01,
    "upper": 0.03,
    "source": "model",
    "coverage": 0.95,
    "trust": 0,
    "units": 200,
    "energy": 172,
    "amount": 150,
    "rate": "0.06",
    "tenor": 12,
    "currency": "CNY",
    "checks": DataTrust(grade=TrustGrade.T1),
    "at_ceiling": "0.20",
    "dated": 10,
    "bounds": {},
    "mandate": "validated",
    "core": None,
    "stock": None,
    "origin": DataOrigin.REAL,
}
CAP = 10_000
"""The limit of a core enterprise, in CNY 10,000.00."""
REVENUE = 1000
"""What machines tell of a year's revenue, in CNY 10,000.00."""


def case_of(parameters: ParameterBook, **changes: Any) -> Case:
    """A sound case with changes; capacities and amounts in CNY 10,000.00, ages of facts in days."""
    values = parameters.at(TODAY)
    given = {**SOUND, **changes}
    scale = master_scale(values["master_scale"])
    snapshot = make_snapshot(np.full(len(NAMES), 0.5), quantities=production(revenue_minor=REVENUE * 1e6))
    covered = replace(snapshot.values["coverage_90d"], value=given["coverage"])
    finding = TrustFinding(code="report_differs", severity=Severity.MODERATE, machine_uid=None, since=None, evidence={})
    product = CreditProduct.WORKING_CAPITAL
    return Case(
        request=CreditRequest(
            obligor_id=OBLIGOR,
            product=product,
            amount_minor=given["amount"] * 1_000_000,
            currency=given["currency"],
            tenor_months=given["tenor"],
            as_of=AS_OF,
            facts=_facts(given),
            on_core_enterprises=_on_core(given["core"]),
            stock=_stock(given["stock"]),
        ),
        record=_record(given, scale.grade(given["pd"])),
        snapshot=replace(
            snapshot,
            values={**snapshot.values, "coverage_90d": covered},
            data_trust=DataTrust(grade=TrustGrade.T2, findings=(finding,) * given["trust"]),
        ),
        limit=least([_capacity("cash_flow_units", given["units"]), _capacity("cash_flow_energy", given["energy"])]),
        price=Price(
            annual_rate_ratio=Decimal(given["rate"]),
            lines=(),
            ceiling_ratio=Decimal("0.24"),
            lgd_ratio=Decimal("0.40"),
            lgd_at_ceiling_ratio=None if given["at_ceiling"] is None else Decimal(given["at_ceiling"]),
            capital_ratio=Decimal("0.08"),
            raroc_ratio=Decimal("0.12"),
        ),
        terms=product_terms(product, values),
        tenor_bounds=[TenorBound(name=name, months=months) for name, months in given["bounds"].items()],
        usage_plan=_plan(given.get("owed_at_floor")),
        scale=scale,
        cut_offs=CutOffs(**values["grade_cut_offs"]),
        trust=trust_terms(given["checks"], values),
        mandate=given["mandate"] and ModelMandate(given["mandate"]),
        core_enterprise_cap_minor=CAP * 1_000_000,
    )


def _on_core(said: tuple[int, ...] | None) -> OnCoreEnterprises | None:
    """What lies on the applicant's two buyers, in CNY 10,000.00; of its sales three quarters are the first one's."""
    if said is None:
        return None
    items = [
        CoreEnterprise(core_enterprise=name, sold_minor=sold, direct_minor=0, through_minor=on * 1_000_000)
        for name, sold, on in zip(("CORE", "OTHER"), (300, 100), said, strict=False)
    ]
    return OnCoreEnterprises(
        lenders=("Bank A",),
        core_enterprises=items,
        obligors=2,
        with_buyers=2,
        outstanding_minor=sum(said) * 1_000_000,
        unexplained_minor=0,
    )


def _stock(contradictions: tuple[str, ...] | None) -> StockHeld | None:
    """A hundred units at CNY 100.00, with what the balance and the count of them have against each other."""
    if contradictions is None:
        return None
    return StockHeld(
        counted_on=TODAY,
        expected_units=100,
        counted_units=None,
        units_that_count=100,
        value_minor=1_000_000,
        lendable_minor=550_000,
        contradictions=contradictions,
    )


def _facts(given: dict[str, Any]) -> LenderFacts:
    told = {"source": FactSource.CREDIT_BUREAU, "dated": AS_OF.date() - timedelta(days=given["dated"])}
    kinds: dict[str, Any] = {
        "sanctions": lambda listed: SanctionsFact(**told, is_listed=listed),
        "bureau": lambda said: BureauFact(**told, days_past_due=said[0], is_enforced=said[1]),
        "revenue": lambda amount: AmountFact(**told, amount_minor=amount * 1_000_000),
        "lender_pd": lambda pd: PdFact(**told, pd_12m=pd),
        "guarantor": lambda said: GuarantorFact(**told, amount_minor=said[0] * 1_000_000, pd_12m=said[1]),
    }
    asked = {**given, "sanctions": given.get("sanctioned")}
    return LenderFacts(**{name: make(asked[name]) for name, make in kinds.items() if asked.get(name) is not None})


def _plan(owed_at_floor: int | None) -> UsagePlan | None:
    if owed_at_floor is None:
        return None
    return UsagePlan(
        floor_minor=1,
        per_hour_minor=1,
        planned_hours_a_month=200.0,
        months_if_planned=12,
        months_at_floor=18,
        owed_at_floor_minor=owed_at_floor,
        longest_months=18,
    )


def _capacity(name: str, amount: int | None) -> Capacity:
    minor = None if amount is None else amount * 1_000_000
    return Capacity(name=name, amount_minor=minor, mandatory=True, missing="no_power_meter" if minor is None else None)


def _record(given: dict[str, Any], grade: RatingGrade) -> ScoreRecord:
    snapshot = make_snapshot(np.full(len(NAMES), 0.5))
    return ScoreRecord(
        obligor_id=OBLIGOR,
        as_of=AS_OF,
        source=ScoreSource(given["source"]),
        base_log_odds=None,
        margin=None,
        contributions=(),
        pd_model=None,
        pd_steps=(),
        pd_12m=given["pd"],
        pd_12m_lower=given["lower"],
        pd_12m_upper=given["upper"],
        term_structure=term_structure(given["pd"], None),
        rating_grade=grade,
        score_points=0.0,
        reasons=(),
        snapshot_id=snapshot.snapshot_id,
        model_version=None,
        parameters_version=ParametersVersion("p"),
        data_origin=given["origin"],
        familiarity=_familiarity(given.get("distance"), given.get("lacks", ()), given.get("unknown", ())),
    )


def _familiarity(
    distance: float | None, missing_families: tuple[str, ...], divisions: tuple[str | None, ...]
) -> Familiarity | None:
    if distance is None:
        return None
    far = Unusual(feature="utilisation_90d", value=0.2, usual_lower=0.66, usual_upper=0.91)
    return Familiarity(
        distance=distance,
        furthest=(far,) if distance > 1 else (),
        missing_families=missing_families,
        unknown_categories=tuple(UnknownCategory(name="industry_division", value=told) for told in divisions),
    )


@pytest.fixture
def policy(parameters: ParameterBook) -> CreditPolicy:
    return credit_policy(parameters.at(TODAY)["credit_policy"])


@pytest.mark.parametrize(
    ("changes", "biting", "outcome"),
    [
        ({}, [], "approve"),
        ({"source": "thin_history"}, ["K01_thin_history"], "refer"),
        ({"coverage": 0.6}, [], "approve"),
        ({"coverage": 0.59}, ["K02_coverage"], "refer"),
        ({"trust": 2}, ["K03_data_trust"], "refer"),
        ({"mandate": "lapsed"}, ["K05_model_mandate"], "refer"),
        ({"mandate": "trial"}, ["K05_model_mandate"], "refer"),
        ({"mandate": "trial", "origin": DataOrigin.SYNTHETIC}, [], "approve"),
        ({"mandate": "lapsed", "origin": DataOrigin.SYNTHETIC}, ["K05_model_mandate"], "refer"),
        ({"mandate": "lapsed", "source": "thin_history"}, ["K01_thin_history"], "refer"),
        ({"mandate": None}, [], "approve"),
        ({"distance": 1.0}, [], "approve"),
        ({"distance": 1.0001}, ["K06_unfamiliar"], "refer"),
        ({"distance": 0.3, "lacks": ("energy",)}, ["K06_unfamiliar"], "refer"),
        ({"distance": 0.3, "unknown": ("C99",)}, ["K06_unfamiliar"], "refer"),
        ({"distance": 0.3, "unknown": (None,)}, ["K06_unfamiliar"], "refer"),
        ({"pd": 0.04, "lower": 0.03, "upper": 0.06}, [], "approve"),
        ({"pd": 0.0401, "lower": 0.03, "upper": 0.06}, ["S03_referral_band"], "refer"),
        ({"pd": 0.0632, "lower": 0.05, "upper": 0.0632}, ["S03_referral_band"], "refer"),
        ({"pd": 0.0633, "lower": 0.0633, "upper": 0.1}, ["S01_grade_cut_off", "S03_referral_band"], "refer"),
        ({"pd": 0.1019, "lower": 0.07, "upper": 0.1019}, ["S01_grade_cut_off", "S03_referral_band"], "refer"),
        ({"pd": 0.1020, "lower": 0.102, "upper": 0.3}, ["S01_grade_cut_off"], "decline"),
        ({"upper": 0.0633}, ["S02_interval_straddles"], "refer"),
        ({"upper": 0.5}, ["S02_interval_straddles"], "refer"),
        ({"pd": 0.11, "lower": 0.05, "upper": 0.3}, ["S01_grade_cut_off", "S02_interval_straddles"], "decline"),
        ({"energy": None}, ["L01_limit_unknown"], "refer"),
        ({"energy": None, "units": None}, ["L01_limit_unknown", "L02_amount_above_limit"], "refer"),
        ({"energy": None, "amount": 201}, ["L01_limit_unknown", "L02_amount_above_limit"], "refer"),
        ({"amount": 172}, [], "approve"),
        ({"amount": 173}, ["L02_amount_above_limit"], "refer"),
        ({"core": ()}, [], "approve"),  # no buyer is told
        ({"core": (9_850, 0), "amount": 172}, [], "approve"),  # 9,850 + 0.75 x 172 = 9,979
        ({"core": (9_880, 0), "amount": 160}, [], "approve"),  # 9,880 + 0.75 x 160 = 10,000: the limit may be reached
        ({"core": (9_881, 0), "amount": 160}, ["L03_core_enterprise"], "refer"),
        ({"core": (0, 9_961), "amount": 160}, ["L03_core_enterprise"], "refer"),  # 9,961 + 0.25 x 160 = 10,001
        ({"core": (9_999, 9_999), "amount": 173}, ["L02_amount_above_limit", "L03_core_enterprise"], "refer"),
        ({"stock": ()}, [], "approve"),
        ({"stock": ("counted_less",)}, ["L04_stock"], "refer"),
        ({"stock": ("shipped_more_than_there_was",), "amount": 173}, ["L02_amount_above_limit", "L04_stock"], "refer"),
        ({"stock": ("counted_more",), "rate": "0.3"}, ["L04_stock", "P01_price_above_ceiling"], "decline"),
        ({"rate": "0.24"}, [], "approve"),
        ({"rate": "0.240001"}, ["P01_price_above_ceiling"], "decline"),
        ({"rate": "0.3", "guarantor": (75, 0.02)}, ["P01_price_above_ceiling"], "refer"),
        ({"rate": "0.3", "guarantor": (74, 0.02)}, ["P01_price_above_ceiling"], "decline"),
        ({"rate": "0.3", "guarantor": (150, 0.07)}, ["P01_price_above_ceiling"], "decline"),
        ({"rate": "0.3", "guarantor": (150, 0.02), "at_ceiling": None}, ["P01_price_above_ceiling"], "decline"),
        ({"guarantor": (150, 0.001)}, [], "approve"),
        ({"sanctioned": False}, [], "approve"),
        ({"sanctioned": True}, ["X01_sanctions"], "decline"),
        ({"bureau": (0, False)}, [], "approve"),
        ({"bureau": (29, False)}, [], "approve"),
        ({"bureau": (30, False)}, ["F01_bureau_arrears"], "refer"),
        ({"bureau": (90, False)}, ["F01_bureau_arrears"], "refer"),
        ({"bureau": (91, False)}, ["X02_enforcement", "F01_bureau_arrears"], "decline"),
        ({"bureau": (0, True)}, ["X02_enforcement"], "decline"),
        ({"revenue": 667}, [], "approve"),
        ({"revenue": 666}, ["F02_revenue_differs"], "refer"),
        ({"revenue": 1500}, [], "approve"),
        ({"revenue": 1501}, ["F02_revenue_differs"], "refer"),
        ({"lender_pd": 0.0001}, [], "approve"),
        ({"lender_pd": 0.0632}, [], "approve"),
        ({"lender_pd": 0.0633}, ["F03_lender_pd"], "refer"),
        ({"pd": 0.09, "lower": 0.07, "upper": 0.1, "lender_pd": 0.01}, ["S01_grade_cut_off", "S03_referral_band"], "refer"),
        ({"sanctioned": False, "dated": 180}, [], "approve"),
        ({"sanctioned": False, "dated": 181}, ["F05_stale_facts"], "refer"),
        ({"sanctioned": False, "dated": -2}, ["F05_stale_facts"], "refer"),
        ({"bounds": {"economic_life": 12, "collateral_cover": 12}}, [], "approve"),
        ({"bounds": {"economic_life": 11, "collateral_cover": 12}}, ["T02_tenor_not_covered"], "refer"),
        ({"bounds": {"collateral_cover": 0}}, ["T02_tenor_not_covered"], "refer"),
        ({"owed_at_floor": 60_000_000}, [], "approve"),
        ({"owed_at_floor": 60_000_001}, ["T03_usage_floor"], "refer"),
        ({"tenor": 13}, ["T01_tenor_too_long"], "refer"),
        ({"currency": "EUR"}, ["C01_currency"], "refer"),
        ({"trust": 1, "rate": "0.3", "tenor": 24}, ["K03_data_trust", "P01_price_above_ceiling", "T01_tenor_too_long"], "decline"),
    ],
)  # fmt: skip
def test_policy(
    parameters: ParameterBook, policy: CreditPolicy, changes: dict[str, Any], biting: list[str], outcome: str
) -> None:
    findings = policy.examine(case_of(parameters, **changes))
    assert [finding.rule_id for finding in findings if finding.outcome is not Outcome.APPROVE] == biting
    assert most_severe(findings) == outcome


def test_every_rule_leaves_a_finding(parameters: ParameterBook, policy: CreditPolicy) -> None:
    findings = policy.examine(case_of(parameters))
    assert [finding.rule_id for finding in findings] == list(RULES)
    assert all(finding.values for finding in findings)


FACTS: list[dict[str, Any]] = [
    {"sanctioned": False}, {"bureau": (0, False)}, {"revenue": 1000}, {"lender_pd": 0.0005}, {"guarantor": (150, 0.0005)},
]  # fmt: skip


@pytest.mark.parametrize("fact", FACTS)
@pytest.mark.parametrize(
    "changes",
    [{"upper": 0.0633}, {"pd": 0.15, "lower": 0.1, "upper": 0.2}, {"energy": None}, {"amount": 173}, {"trust": 1}],
)
def test_the_best_fact_never_improves_an_answer(
    parameters: ParameterBook, policy: CreditPolicy, fact: dict[str, Any], changes: dict[str, Any]
) -> None:
    without, with_it = (policy.examine(case_of(parameters, **changes, **more)) for more in ({}, fact))
    assert all(
        after.outcome.severity >= before.outcome.severity for before, after in zip(without, with_it, strict=True)
    )


def test_knock_outs_come_first_and_stand_apart(parameters: ParameterBook, policy: CreditPolicy) -> None:
    findings = policy.examine(case_of(parameters, sanctioned=True, pd=0.0005, lower=0.0005, upper=0.0006))
    layers = [finding.layer for finding in findings]
    assert layers == sorted(layers, key=list(Layer).index)
    assert findings[0].rule_id == "X01_sanctions"
    assert [finding.outcome for finding in findings if finding.layer is Layer.SCORE] == [Outcome.APPROVE] * 3


def test_the_cover_that_brings_the_rate_down_is_stated(parameters: ParameterBook, policy: CreditPolicy) -> None:
    # at the ceiling LGD would have to be 0.20 instead of 0.40: half of CNY 1,500,000.00 must be covered
    findings = {finding.rule_id: finding.values for finding in policy.examine(case_of(parameters, rate="0.3"))}
    assert findings["P01_price_above_ceiling"]["cover_needed_minor"] == 75_000_000


def test_golden_17_the_finding_says_that_energy_binds(parameters: ParameterBook, policy: CreditPolicy) -> None:
    golden = case_of(parameters, units=185, energy=172, amount=200)
    findings = {finding.rule_id: finding for finding in policy.examine(golden)}
    assert findings["L02_amount_above_limit"].values["binding"] == "cash_flow_energy"
    assert findings["L02_amount_above_limit"].values["limit_minor"] == 172_000_000


def test_golden_17_with_energy_unknown_a_person_looks(parameters: ParameterBook, policy: CreditPolicy) -> None:
    unknown = case_of(parameters, units=185, energy=None, amount=180)
    findings = {finding.rule_id: finding for finding in policy.examine(unknown)}
    assert most_severe(tuple(findings.values())) is Outcome.REFER
    assert findings["L01_limit_unknown"].values == {"missing": {"cash_flow_energy": "no_power_meter"}}
    assert findings["L02_amount_above_limit"].values["indicative_limit_minor"] == 185_000_000


def test_both_figures_of_the_core_enterprise_that_binds_first_are_told(
    parameters: ParameterBook, policy: CreditPolicy
) -> None:
    case = case_of(parameters, core=(9_881, 9_950), amount=160)  # 119 / 0.75 = 158.67 and 50 / 0.25 = 200 are left
    findings = {finding.rule_id: finding.values for finding in policy.examine(case)}
    assert findings["L03_core_enterprise"] == {
        "core_enterprise": "CORE",
        "sales_share": 0.75,
        "exposure_minor": 9_881_000_000,
        "with_request_minor": 10_001_000_000,
        "core_enterprise_limit_minor": 10_000_000_000,
        "obligors": 2,
        "with_buyers": 2,
        "unexplained_minor": 0,
    }


def test_what_the_capacity_of_the_stock_rests_on_is_told(parameters: ParameterBook, policy: CreditPolicy) -> None:
    findings = {finding.rule_id: finding.values for finding in policy.examine(case_of(parameters, stock=()))}
    assert findings["L04_stock"] == {
        "counted_on": "2026-07-01",
        "expected_units": 100,
        "counted_units": None,
        "units_that_count": 100,
        "stock_value_minor": 1_000_000,
        "lendable_minor": 550_000,
        "contradictions": [],
    }


def test_coverage_that_nobody_knows_is_not_enough(parameters: ParameterBook, policy: CreditPolicy) -> None:
    case = case_of(parameters)
    values = {name: value for name, value in case.snapshot.values.items() if name != "coverage_90d"}
    findings = policy.examine(replace(case, snapshot=replace(case.snapshot, values=values)))
    assert most_severe(findings) is Outcome.REFER


def test_distrust_is_stated_and_never_blocks(parameters: ParameterBook, policy: CreditPolicy) -> None:
    unmade = {"energy_above_meter": CheckState.NO_SOURCE, "cloned_days": CheckState.NO_SOURCE}
    case = case_of(
        parameters, checks=DataTrust(grade=TrustGrade.T2, checks=unmade, attested={AttestationLevel.SEALED: 1.0})
    )
    findings = {finding.rule_id: finding for finding in policy.examine(case)}
    assert findings["K04_data_trust_grade"].values == {
        "trust_grade": "T2",
        "deciding_grade": "T3",
        "without_agreement": ["energy_above_meter"],
        "attestation_level": "L2",
        "widening_log_odds": 0.25,
        "haircut_ratio": 0.10,
    }
    assert most_severe(tuple(findings.values())) is Outcome.APPROVE


@pytest.mark.parametrize(
    "entries",
    [
        [{"rule": "X99_unheard_of", "outcome": "refer"}],
        [{"rule": "K01_thin_history", "outcome": "refer"}, {"rule": "K01_thin_history", "outcome": "decline"}],
        [{"rule": "K01_thin_history"}],
        [{"rule": "S01_grade_cut_off", "minimum": 3}],
        [{"rule": "S01_grade_cut_off"}, {"rule": "X01_sanctions", "outcome": "decline"}],
    ],
)
def test_a_policy_that_cannot_be_read_is_refused(entries: list[dict[str, Any]]) -> None:
    with pytest.raises(InvalidParameters):
        credit_policy(entries)


def test_the_document_lists_the_rules_as_they_are(parameters: ParameterBook) -> None:
    entries = parameters.at(TODAY)["credit_policy"]
    listed = re.findall(r"^\| ([A-Z]\d\d_\w+) \| ([a-z ]+) \|", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    assert listed == [(entry["rule"], entry.get("outcome", "by grade")) for entry in entries]


def test_the_document_quotes_the_numbers_in_force(parameters: ParameterBook) -> None:
    values = parameters.at(TODAY)
    text = DOCUMENT.read_text(encoding="utf-8")
    coverage = next(entry for entry in values["credit_policy"] if entry["rule"] == "K02_coverage")
    cut_offs = values["grade_cut_offs"]
    assert f"under {values['minimum_history_days']} days of history" in text
    assert f"under {values['minimum_recent_coverage']} of the last 90 days observed" in text
    assert f"coverage over 90 days is below {coverage['minimum']}" in text
    assert coverage["feature"] == "coverage_90d"
    assert f"approve up to {cut_offs['approve_to']}, refer {cut_offs['refer_to']}, decline beyond" in text
    assert f"fewer than {values['credit_model']['platt_below_defaults']} defaults" in text
