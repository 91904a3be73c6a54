"""Every code has a sentence in both languages, and the two ask for the same values."""

from __future__ import annotations

import string

import pytest

from features.catalogue import CATALOGUE
from features.data_trust.codes import TrustCode
from features.snapshot import Missing
from features.trust import TrustGrade
from risk_reports.wording.catalogue import Language, WordingMissing, wording
from scoring.decision.policy import RULES
from scoring.explanation.reasons import reason_codes
from scoring.monitoring.vocabulary import WarningCode
from scoring.records import InsuranceProduct, Outcome, ScoreSource
from scoring.supply_chain.collateral.funds import Deviation
from scoring.supply_chain.pledges.claims import Collision


def needed() -> list[str]:
    units = {definition.unit for definition in CATALOGUE.values()} - {"1"}
    return sorted(
        [*reason_codes()]
        + [f"unit.{unit}" for unit in units]
        + [f"family.{family}" for family in {definition.family for definition in CATALOGUE.values()}]
        + [f"{rule}.{how}" for rule in RULES for how in ("met", "bites")]
        + [f"missing.{reason.value}" for reason in Missing]
        + [f"trust.{code.value}" for code in TrustCode]
        + [f"trust.grade.{grade.value}" for grade in TrustGrade]
        + [f"outcome.{outcome.value}" for outcome in Outcome]
        + [f"source.{source.value}" for source in ScoreSource]
        + [f"product.{product.value}" for product in InsuranceProduct]
        + [f"pledge.{code.value}" for code in Collision]
        + [f"warning.{code.value}" for code in WarningCode]
        + [f"funds.{code.value}" for code in Deviation]
    )


@pytest.mark.parametrize("language", list(Language))
def test_every_code_is_worded(language: Language) -> None:
    assert [code for code in needed() if not wording(language).sentences.get(code)] == []


def test_both_languages_hold_the_same_codes_and_the_same_values() -> None:
    english, chinese = wording(Language.EN).sentences, wording(Language.ZH).sentences
    assert english.keys() == chinese.keys()

    def fields(sentence: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}

    assert [code for code in english if fields(english[code]) < fields(chinese[code])] == []
    assert [code for code in reason_codes() if fields(english[code]) != fields(chinese[code])] == []


def test_facts_are_about_features() -> None:
    facts = {code.removeprefix("fact.") for code in wording(Language.EN).sentences if code.startswith("fact.")}
    assert facts <= {definition.name for definition in CATALOGUE.values()}
    assert {"operating_rate", "coverage", "failure_rate"} <= facts


def test_a_reason_without_a_sentence_of_its_own_bears_the_label_of_its_feature() -> None:
    say = wording(Language.EN).say
    code = "R.supply_chain.buyer_hhi.adverse"
    assert say(code, value="80.0 %", reference="30.0 %", window=365) == (
        "Concentration of receivables: 80.0 % over the last 365 days (median of peers 30.0 %);"
        " this raised the assessed risk of default."
    )
    assert "应收集中度" in wording(Language.ZH).say(code, value="80.0 %", reference="30.0 %", window=365)
    own = say("R.level.operating_rate.adverse", value="1", reference="2", window=30)
    assert own.startswith("The machines were working")


def test_no_reason_is_a_catch_all() -> None:
    for code in reason_codes():
        for language in Language:
            assert "{value}" in wording(language).sentences[code]
            assert "score too low" not in wording(language).sentences[code].lower()


def test_a_code_without_words_is_an_error() -> None:
    with pytest.raises(WordingMissing, match="absent_code"):
        wording(Language.EN).say("absent_code")
