"""When a recommendation may be set aside: a row a case."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from data_contracts.reference.dated import ParameterBook
from scoring.decision.override import Confirmation, Override, check_confirmation, check_proposal, is_in_force
from scoring.errors import InvalidRequest
from scoring.records import Outcome

NOW = datetime(2026, 7, 1, tzinfo=UTC)
SANCTIONED = {"rule_id": "X01_sanctions", "layer": "knock_out", "outcome": "decline"}
CLEAN = {"rule_id": "X01_sanctions", "layer": "knock_out", "outcome": "approve"}
BAD_GRADE = {"rule_id": "S01_grade_cut_off", "layer": "score", "outcome": "decline"}


def override(**changes: Any) -> Override:
    given = {
        "outcome": Outcome.APPROVE,
        "reason_code": "new_contract",
        "reason_text": "A frame contract of two years was signed.",
        "proposed_by": "Li Wei",
        "proposed_time": NOW,
        "expires_time": NOW + timedelta(days=30),
    }
    return Override(**{**given, **changes})


# changes, the decision's outcome, its findings -> what the refusal says (None: it is allowed)
@pytest.mark.parametrize(
    ("changes", "decided", "findings", "refusal"),
    [
        ({}, "decline", [CLEAN, BAD_GRADE], None),
        ({}, "refer", [], None),
        ({"outcome": Outcome.DECLINE, "reason_code": "negative_information"}, "approve", [], None),
        ({"outcome": Outcome.DECLINE}, "refer", [SANCTIONED], None),
        ({}, "approve", [], "is approve already"),
        ({}, "decline", [SANCTIONED], "knock-out X01_sanctions"),
        ({"outcome": Outcome.REFER}, "decline", [SANCTIONED], "knock-out X01_sanctions"),
        ({"reason_code": "friendship"}, "decline", [], "none of new_contract"),
        ({"reason_text": "  "}, "decline", [], "no reason in words"),
        ({"proposed_by": ""}, "decline", [], "no name"),
        ({"expires_time": NOW}, "decline", [], "must end between"),
        ({"expires_time": NOW + timedelta(days=90)}, "decline", [], None),
        ({"expires_time": NOW + timedelta(days=91)}, "decline", [], "must end between"),
    ],
)
def test_proposals(
    parameters: ParameterBook,
    changes: dict[str, Any],
    decided: str,
    findings: list[dict[str, str]],
    refusal: str | None,
) -> None:
    rules = parameters.at(date(2026, 7, 1))["override_rules"]

    def check() -> None:
        check_proposal(override(**changes), decided=Outcome(decided), findings=findings, rules=rules)

    if refusal is None:
        check()
    else:
        with pytest.raises(InvalidRequest, match=refusal):
            check()


@pytest.mark.parametrize(
    ("by", "days", "refusal"),
    [
        ("Zhang Min", 1, None),
        ("Li Wei", 1, "second person"),
        (" li wei ", 1, "second person"),
        ("", 1, "second person"),
        ("Zhang Min", 30, "has ended"),
    ],
)
def test_confirmations(by: str, days: int, refusal: str | None) -> None:
    confirmation = Confirmation(confirmed_by=by, confirmed_time=NOW + timedelta(days=days))
    if refusal is None:
        check_confirmation(override(), confirmation)
    else:
        with pytest.raises(InvalidRequest, match=refusal):
            check_confirmation(override(), confirmation)


@pytest.mark.parametrize(("days", "stands"), [(0, False), (2, True), (29, True), (30, False), (400, False)])
def test_an_override_begins_with_its_second_person_and_ends_by_itself(days: int, stands: bool) -> None:
    confirmation = Confirmation(confirmed_by="Zhang Min", confirmed_time=NOW + timedelta(days=2))
    assert is_in_force(override(), confirmation, now=NOW + timedelta(days=days)) is stands
    assert not is_in_force(override(), None, now=NOW + timedelta(days=days))
