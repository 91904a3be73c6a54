"""The words of an answer, made once and frozen with it: reasons and facts as sentences in every language."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import cache
from typing import Any, assert_never

from features.catalogue import CATALOGUE
from features.declaration import FeatureDefinition
from features.snapshot import FeatureSnapshot
from risk_reports.numbers import SHARE, number, quantity, signed
from risk_reports.wording.catalogue import Language, wording, wording_version
from scoring.explanation.reasons import Direction, ReasonKind
from scoring.records import Reason, ScoreRecord


class Reader(StrEnum):
    """Who a reason is worded for; the value names the list in an answer."""

    OFFICER = "officer"
    INSURER = "insurer"
    SME = "sme"


NARRATIVE_KEYS = ("narrative", "wording_version")
"""Keys of an answer that hold its words."""

LANGUAGE_KEYS = {Language.ZH: "zh", Language.EN: "en"}
"""How answers name the languages."""

Words = dict[str, list[str]]


def freeze(tell: Callable[[Language], Words]) -> dict[str, Any]:
    """What `tell` says in every language, with the version of the wording."""
    said = {key: tell(language) for language, key in LANGUAGE_KEYS.items()}
    return {"narrative": said, "wording_version": wording_version()}


def reason_sentences(reasons: Sequence[Reason], language: Language) -> list[str]:
    """A sentence for each reason: the obligor's own figure, the peers', and which way it pulled."""
    return [
        wording(language).say(
            reason.code,
            value=quantity(reason.value, reason.unit, language),
            reference=quantity(reason.reference_value, reason.unit, language),
            window=reason.window_days,
        )
        for reason in reasons
    ]


def score_narrative(record: ScoreRecord) -> dict[str, Any]:
    """A score's reasons in words for every reader and language, to be frozen with it."""
    return freeze(
        lambda language: {"reasons": credit_reason_sentences(record, language), **readings(record.reasons, language)}
    )


def credit_reason_sentences(record: ScoreRecord, language: Language) -> list[str]:
    """The sentences of a score's reasons, or the one that says why there are none."""
    return reason_sentences(record.reasons, language) or [wording(language).say("memo.no_reasons")]


def readings(reasons: Sequence[Reason], language: Language) -> Words:
    """The same reasons for each reader, from the same figures.

    The officer reads the code, the feature, the family's pull in log-odds and how the figure moved; the insurer, by
    what the family multiplies the odds of default or the number of claims; the firm, which way the figure would have to
    go and how far the peers' median lies, where it can do something about it.
    """
    plain = reason_sentences(reasons, language)
    if not reasons:
        return {reader.value: [wording(language).say("memo.no_reasons")] for reader in Reader}
    return {
        reader.value: [_reading(reader, reason, said, language) for reason, said in zip(reasons, plain, strict=True)]
        for reader in Reader
    }


def _reading(reader: Reader, reason: Reason, sentence: str, language: Language) -> str:
    match reader:
        case Reader.OFFICER:
            more = _for_officer(reason, language)
        case Reader.INSURER:
            more = _for_insurer(reason, language)
        case Reader.SME:
            more = _for_sme(reason, language)
        case _:
            assert_never(reader)
    return wording(language).say("reading", sentence=sentence, more=more).strip()


def _for_officer(reason: Reason, language: Language) -> str:
    say = wording(language).say
    moved = (
        "" if reason.change is None else say("reading.moved", change=_difference(reason.change, reason.unit, language))
    )
    return say(
        "reading.officer",
        code=reason.code,
        feature=reason.feature,
        family=say(f"family.{reason.family}"),
        log_odds=signed(reason.contribution, language),
        moved=moved,
    )


def _for_insurer(reason: Reason, language: Language) -> str:
    kind = reason.code.split(".")[0]
    say = wording(language).say
    return say(
        f"reading.insurer.{kind}",
        family=say(f"family.{reason.family}"),
        factor=number(math.exp(reason.contribution), language, digits=3),
    )


def _for_sme(reason: Reason, language: Language) -> str:
    """What would help: by the sign that the model was held to, so that it is true of this model."""
    if reason.direction != Direction.ADVERSE:
        return ""
    say, definition = wording(language).say, CATALOGUE[reason.feature]
    if not definition.actionable:
        return say("reading.sme.given")
    sign = definition.credit_risk if reason.code.startswith(ReasonKind.CREDIT) else definition.insurance_risk
    way = say("reading.lower" if sign > 0 else "reading.higher")
    if reason.value is None or reason.reference_value is None or reason.value == reason.reference_value:
        return say("reading.sme.way", way=way)
    gap = _difference(abs(reason.reference_value - reason.value), reason.unit, language)
    return say("reading.sme.lever", way=way, gap=gap)


def _difference(value: float, unit: str, language: Language) -> str:
    """By how much a figure differs: of shares in percentage points."""
    if unit != SHARE:
        return quantity(value, unit, language)
    return wording(language).say("reading.points", figure=number(value * 100, language, digits=1))


def fact_sentences(snapshot: FeatureSnapshot, language: Language) -> list[str]:
    """What is known of the machines: each feature that has a sentence as a fact, over its longest window that has a
    value."""
    told = _told_of(language)
    longest: dict[str, tuple[FeatureDefinition, float]] = {}
    for definition, value in zip(told.values(), snapshot.vector(list(told)).tolist(), strict=True):
        known = longest.get(definition.name)
        if not math.isnan(value) and (known is None or known[0].window_days < definition.window_days):
            longest[definition.name] = (definition, value)
    return [
        wording(language).say(
            f"fact.{name}", value=quantity(value, definition.unit, language), window=definition.window_days
        )
        for name, (definition, value) in longest.items()
    ]


@cache
def _told_of(language: Language) -> dict[str, FeatureDefinition]:
    """The features that have a sentence as a fact."""
    sentences = wording(language).sentences
    return {key: definition for key, definition in CATALOGUE.items() if f"fact.{definition.name}" in sentences}
