"""No model is promoted unless another person than its owner vouches for it, for a time, and its checks passed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from data_contracts.reference.dated import ParameterBook
from scoring.errors import NotPromotable
from scoring.governance import (
    Check,
    Conclusion,
    ModelMandate,
    Validation,
    check_promotion,
    check_validation,
    is_passed,
    mandate_at,
)

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
GOOD = Validation(
    owner="Zhang Min",
    validated_by="Li Wei",
    conclusion=Conclusion.FIT,
    findings="Fit for working capital up to 5 million; not for firms under a year old.",
    pack_sha256=None,
    validated_time=NOW,
    expires_time=NOW + timedelta(days=300),
)
PASSED = Check(name="cost_to_fake", is_passed=True, figures={"pays": False}, checked_by="Li Wei", checked_time=NOW)


@pytest.fixture
def rules(parameters: ParameterBook) -> dict[str, Any]:
    values: dict[str, Any] = parameters.at(NOW)["model_governance"]
    return values


@pytest.mark.parametrize(
    ("expires", "now", "found"),
    [
        (None,                     NOW,                              ModelMandate.TRIAL),
        (NOW,                      NOW - timedelta(microseconds=1),  ModelMandate.VALIDATED),
        (NOW,                      NOW,                              ModelMandate.LAPSED),
    ],
)  # fmt: skip
def test_mandate(expires: datetime | None, now: datetime, found: ModelMandate) -> None:
    assert mandate_at(expires, now=now) is found


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({},                                                     None),
        ({"validated_by": " li WEI "},                           None),
        ({"validated_by": " zhang MIN "},                        "another person"),
        ({"validated_by": " "},                                  "another person"),
        ({"owner": ""},                                          "names no owner"),
        ({"findings": " "},                                      "says nothing"),
        ({"expires_time": NOW},                                  "between now and 2027-11-21"),
        ({"expires_time": datetime(2027, 11, 21, 8, tzinfo=UTC)}, None),
        ({"expires_time": datetime(2027, 11, 21, 9, tzinfo=UTC)}, "between now and 2027-11-21"),
    ],
)  # fmt: skip
def test_validation(change: dict[str, Any], refused: str | None, rules: dict[str, Any]) -> None:
    validation = replace(GOOD, **change)
    if refused is None:
        check_validation(validation, rules)
        return
    with pytest.raises(NotPromotable, match=refused):
        check_validation(validation, rules)


FAILED = replace(PASSED, is_passed=False)


@pytest.mark.parametrize(
    ("validation", "checks", "by", "kind", "refused"),
    [
        (GOOD,                                          [PASSED],         "Wang Fang", "credit",    None),
        (GOOD,                                          [PASSED],         "Zhang Min", "credit",    None),
        (GOOD,                                          [],               "Wang Fang", "insurance", None),
        (GOOD,                                          [FAILED, PASSED], "Wang Fang", "credit",    None),
        (GOOD,                                          [PASSED, FAILED], "Wang Fang", "credit",    "failed: cost_to_fake"),
        (GOOD,                                          [FAILED],         "Wang Fang", "insurance", "failed: cost_to_fake"),
        (GOOD,                                          [],               "Wang Fang", "credit",    "missing: cost_to_fake"),
        (None,                                          [PASSED],         "Wang Fang", "credit",    "nobody has validated"),
        (GOOD,                                          [PASSED],         "Li Wei",    "credit",    "does not promote it"),
        (GOOD,                                          [PASSED],         " ",         "credit",    "names nobody"),
        (replace(GOOD, conclusion=Conclusion.UNFIT),    [PASSED],         "Wang Fang", "credit",    "found it unfit"),
        (replace(GOOD, expires_time=NOW),               [PASSED],         "Wang Fang", "credit",    "ended on 2026-11-21"),
    ],
)  # fmt: skip
def test_promotion(
    validation: Validation | None,
    checks: list[Check],
    by: str,
    kind: str,
    refused: str | None,
    rules: dict[str, Any],
) -> None:
    asked: Any = {"model_kind": kind, "promoted_by": by, "now": NOW, "rules": rules}
    if refused is None:
        check_promotion(validation, checks, **asked)
        return
    with pytest.raises(NotPromotable, match=refused):
        check_promotion(validation, checks, **asked)


@pytest.mark.parametrize(
    ("name", "figures", "passed"),
    [
        ("cost_to_fake", {"pays": False},  True),
        ("cost_to_fake", {"pays": True},   False),
        ("cost_to_fake", {"pays": "no"},   None),
        ("cost_to_fake", {},               None),
        ("luck",         {"pays": False},  None),
    ],
)  # fmt: skip
def test_what_passes(name: str, figures: dict[str, Any], passed: bool | None, rules: dict[str, Any]) -> None:
    if passed is not None:
        assert is_passed(name, figures, rules) is passed
        return
    with pytest.raises(NotPromotable, match=r"No rule knows|no member 'pays'"):
        is_passed(name, figures, rules)
