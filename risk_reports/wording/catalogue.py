"""Sentences by code and language, from the gettext catalogues beside this file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from babel.messages.pofile import read_po

from data_contracts.errors import MillgradeError
from features.catalogue import CATALOGUE
from scoring.explanation.reasons import Direction, ReasonKind, reason_code


class Language(StrEnum):
    """Languages that every sentence exists in; the value is the locale."""

    ZH = "zh_CN"
    EN = "en"


class WordingMissing(MillgradeError):
    """A code has no sentence in a language: a defect of the catalogues."""

    code = "wording_missing"


@dataclass(frozen=True, slots=True)
class Wording:
    """The sentences of one language."""

    language: Language
    sentences: Mapping[str, str]

    def say(self, code: str, /, **values: object) -> str:
        """The sentence of `code` with `values` filled in. Raises WordingMissing."""
        return self.tell(code, values)

    def tell(self, code: str, values: Mapping[str, object]) -> str:
        """The same, of values that may be put into words only when the sentence asks for them."""
        sentence = self.sentences.get(code)
        if not sentence:
            raise WordingMissing(f"No wording for {code} in {self.language.value}.")
        return sentence.format_map(values)


@cache
def wording(language: Language) -> Wording:
    """All sentences of a language: the union of its catalogues, none of which repeats another's code, and for reasons
    without a sentence of their own one made of the feature's label (`feature.<kind>.<direction>`)."""
    sentences: dict[str, str] = {}
    for source in _files(language):
        with source.open("rb") as file:
            catalogue = read_po(file, locale=language.value)
        found = {str(message.id): str(message.string) for message in catalogue if message.id}
        assert not sentences.keys() & found.keys(), f"{source.name} repeats codes of another catalogue"
        sentences |= found
    return Wording(language, _reason_sentences(language, sentences) | sentences)


@cache
def wording_version() -> str:
    """SHA-256 over all sentences of all languages."""
    said = {language.value: dict(wording(language).sentences) for language in Language}
    text = json.dumps(said, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _reason_sentences(language: Language, patterns: Mapping[str, str]) -> dict[str, str]:
    """A sentence for each reason, from the label of its feature and the pattern of its kind and direction."""
    return {
        reason_code(kind, family=item.family, name=item.name, direction=direction): patterns[
            f"feature.{kind.value}.{direction.value}"
        ].replace("{label}", item.label_zh if language is Language.ZH else item.label_en)
        for item in CATALOGUE.values()
        for kind in ReasonKind
        for direction in Direction
    }


def _files(language: Language) -> list[Traversable]:
    """The catalogues of a language, `en.po` and `<document>.en.po`, in order of their names."""
    folder = files("risk_reports") / "wording"
    named = [item for item in folder.iterdir() if item.name.split(".")[-2:] == [language.value, "po"]]
    return sorted(named, key=lambda item: item.name)
