"""The words of an answer, made once and frozen with it: reasons and facts as sentences in every language."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from features.catalogue import CATALOGUE
from features.snapshot import FeatureSnapshot
from risk_reports.numbers import quantity
from risk_reports.wording.catalogue import Language, wording, wording_version
from scoring.records import Reason, ScoreRecord

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


def credit_reason_sentences(record: ScoreRecord, language: Language) -> list[str]:
    """The sentences of a score's reasons, or the one that says why there are none."""
    return reason_sentences(record.reasons, language) or [wording(language).say("memo.no_reasons")]


def fact_sentences(snapshot: FeatureSnapshot, language: Language) -> list[str]:
    """What is known of the machines: each feature that has a sentence as a fact, over its longest window that has a
    value."""
    longest: dict[str, str] = {}
    for key, definition in CATALOGUE.items():
        told = f"fact.{definition.name}" in wording(language).sentences
        if told and snapshot.values[key].value is not None:
            known = longest.get(definition.name)
            if known is None or CATALOGUE[known].window_days < definition.window_days:
                longest[definition.name] = key
    return [
        wording(language).say(
            f"fact.{name}",
            value=quantity(snapshot.values[key].value, CATALOGUE[key].unit, language),
            window=CATALOGUE[key].window_days,
        )
        for name, key in longest.items()
    ]
