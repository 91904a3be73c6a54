"""Findings into a grade."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from features.data_trust.codes import TrustCode
from features.data_trust.grade import graded
from features.data_trust.settings import grade_rules_at
from features.machine_day.findings import AFTER_AS_OF, OUTSIDE_OWNERSHIP, REPORT_DIFFERS
from features.settings import shipped_parameters
from features.trust import CheckState, Severity, TrustFinding, TrustGrade, parse_trust, plain_trust

RULES = grade_rules_at(shipped_parameters(), date(2026, 7, 1))
COMPARED = {"energy_above_meter": CheckState.AGREES}
FINDINGS = st.lists(
    st.builds(
        TrustFinding,
        code=st.sampled_from(sorted(TrustCode)),
        severity=st.sampled_from(Severity),
        machine_uid=st.none(),
        since=st.none() | st.dates(),
        evidence=st.just({"kwh": 1.5}),
        strength=st.none() | st.floats(0, 9),
    ),
    max_size=8,
)


def finding(code: str, severity: Severity) -> TrustFinding:
    return TrustFinding(code=code, severity=severity, machine_uid=None, since=None, evidence={})


def test_grades_by_findings() -> None:
    note, moderate, severe = Severity.NOTE, Severity.MODERATE, Severity.SEVERE
    table = [
        ([], TrustGrade.T1),
        ([note, note], TrustGrade.T1),
        ([moderate], TrustGrade.T2),
        ([moderate, moderate], TrustGrade.T3),
        ([severe], TrustGrade.T3),
        ([severe, moderate], TrustGrade.T4),
        ([severe, moderate, moderate, moderate], TrustGrade.T5),
        ([severe, severe], TrustGrade.T5),
    ]
    for severities, grade in table:
        found = [finding(str(number), severity) for number, severity in enumerate(severities)]
        assert graded(found, RULES, checks=COMPARED).grade is grade, severities


def test_one_disagreement_of_many_machines_counts_once() -> None:
    found = [finding("cloned_days", Severity.SEVERE), *[finding("cloned_days", Severity.MODERATE)] * 9]
    assert graded(found, RULES, checks=COMPARED).grade is TrustGrade.T3


def test_no_better_than_what_was_compared() -> None:
    alone = {"replayed_days": CheckState.AGREES, "energy_above_meter": CheckState.NO_SOURCE}
    assert graded([], RULES, checks=COMPARED).grade is TrustGrade.T1
    assert graded([], RULES, checks=alone).grade is TrustGrade.T2
    assert graded([], RULES, checks={"replayed_days": CheckState.NOT_ENOUGH_HISTORY}).grade is TrustGrade.T3
    assert graded([], RULES).grade is TrustGrade.T3


@given(FINDINGS, FINDINGS)
def test_more_findings_never_give_a_better_grade(some: list[TrustFinding], more: list[TrustFinding]) -> None:
    both = graded([*some, *more], RULES, checks=COMPARED)
    assert both.grade.rank >= graded(some, RULES, checks=COMPARED).grade.rank


@given(FINDINGS)
def test_the_most_severe_come_first_and_nothing_is_lost_in_writing(found: list[TrustFinding]) -> None:
    trust = graded(found, RULES, checks={"energy_above_meter": CheckState.NO_SOURCE})
    ranks = [item.severity.rank for item in trust.findings]
    assert ranks == sorted(ranks, reverse=True)
    assert parse_trust(plain_trust(trust)) == trust


def test_the_roll_up_uses_known_codes() -> None:
    assert {AFTER_AS_OF, OUTSIDE_OWNERSHIP, REPORT_DIFFERS} <= set(TrustCode)
