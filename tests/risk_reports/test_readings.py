"""Every reason is worded for an officer, an insurer and the firm, in both languages, with figures that can be checked."""

from __future__ import annotations

import math
import re

import pytest

from features.catalogue import CATALOGUE
from risk_reports.narrative import Reader, readings, reason_sentences
from risk_reports.wording.catalogue import Language
from scoring.explanation.reasons import reason_codes
from scoring.records import Reason, ReasonCode

CATCH_ALLS = re.compile(
    r"score (is |was )?too low|insufficient score|internal (policy|standards)|评分(不足|过低)|综合评分|内部政策", re.I
)
BY_NAME = {definition.name: definition for definition in reversed(CATALOGUE.values())}


def reason(code: ReasonCode, *, change: float | None = None) -> Reason:
    """A reason of that code, 0.31 away from its peers on the side that its direction names."""
    kind, family, name, direction = code.split(".")
    definition = BY_NAME[name]
    sign = definition.credit_risk if kind == "R" else definition.insurance_risk
    worse = 1 if direction == "adverse" else -1
    return Reason(
        code=code,
        family=family,
        direction=direction,
        contribution=0.25 * worse,
        feature=definition.key,
        value=0.5 + 0.31 * worse * (sign or 1),
        reference_value=0.5,
        unit=definition.unit,
        window_days=definition.window_days,
        change=change,
    )


@pytest.mark.parametrize("language", list(Language))
def test_every_code_is_worded_for_every_reader_without_a_catch_all(language: Language) -> None:
    for code in reason_codes():
        told = readings([reason(code, change=-0.02)], language)
        assert told.keys() == {reader.value for reader in Reader}
        (plain,) = reason_sentences([reason(code)], language)
        for (sentence,) in told.values():
            assert sentence.startswith(plain)  # one object, whatever the reader
            assert "{" not in sentence
            assert not CATCH_ALLS.search(sentence), sentence
        (for_officer,) = told["officer"]
        assert code in for_officer
        assert reason(code).feature in for_officer


def test_figures_are_those_of_the_record() -> None:
    adverse = reason(ReasonCode("R.level.power_on_rate.adverse"), change=-0.123)
    told = readings([adverse], Language.EN)
    assert "+0.250 log-odds" in told["officer"][0]
    assert "differs by -12.3 percentage points" in told["officer"][0]
    assert f"multiplies the odds of default by {math.exp(0.25):.3f}" in told["insurer"][0]
    assert told["sme"][0].endswith(
        "What would help: a higher figure; the median of peers is 31 percentage points away."
    )


def test_the_firm_is_told_the_way_that_the_model_holds_to() -> None:
    for name, definition in BY_NAME.items():
        if definition.credit_risk == 0 or not definition.actionable:
            continue
        (said,) = readings([reason(ReasonCode(f"R.{definition.family}.{name}.adverse"))], Language.EN)["sme"]
        assert f"a {'lower' if definition.credit_risk > 0 else 'higher'} figure" in said


def test_what_a_firm_cannot_change_is_not_called_a_lever() -> None:
    given = [item for item in BY_NAME.values() if item.credit_risk and not item.actionable]
    assert given
    for definition in given:
        code = ReasonCode(f"R.{definition.family}.{definition.name}.adverse")
        (said,) = readings([reason(code)], Language.EN)["sme"]
        assert "not in your hands" in said


def test_without_reasons_every_reader_is_told_so() -> None:
    for language in Language:
        told = readings([], language)
        assert {len(sentences) for sentences in told.values()} == {1}
