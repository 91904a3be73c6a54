"""The card of a model of default on paper: from the card as it is kept, so that every figure on it is the card's."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from features.catalogue import CATALOGUE
from risk_reports.document import Document, Picture, Section, Table
from risk_reports.numbers import estimate, number, ratio
from risk_reports.wording.catalogue import Language, Wording, wording

ESTIMATES = (
    ("auc", "auc"),
    ("slope", "calibration_slope"),
    ("large", "calibration_in_the_large"),
)
FIGURES = (
    ("brier", "brier"),
    ("brier_base", "brier_of_base_rate"),
    ("log_loss", "log_loss"),
    ("log_loss_base", "log_loss_of_base_rate"),
)
SHARES = (("mean_pd", "mean_pd"), ("default_rate", "default_rate"))


def document(card: Mapping[str, Any], language: Language, *, plots: Mapping[str, str]) -> Document:
    """The card of a model of default in one language. `plots` are SVGs by file name, as they were drawn when the model
    was trained; empty where nothing that draws was installed then."""
    words = wording(language)
    say = words.say
    origin = say(f"card.origin.{card['data_origin']}")
    return Document(
        language=language,
        title=say("card.title", version=card["model_version"][:12]),
        subtitle=say("card.subtitle", origin=origin),
        notices=[say("memo.synthetic")] if card["data_origin"] == "synthetic" else [],
        sections=[
            Section(
                heading=say("card.purpose"),
                points=[say(f"card.purpose.{name}") for name in ("use", "not", "cause")],
            ),
            data_section(card, words, language),
            _quality(card["metrics"], words, language),
            grades_section(card, words, language),
            _features(card, words, language),
            *([_drawn(plots, words)] if plots else []),
            _made(card, words),
        ],
        dated=datetime.fromisoformat(card["test"]["as_ofs"][-1]),
        footer=say("card.footer"),
    )


def data_section(card: Mapping[str, Any], words: Wording, language: Language) -> Section:
    """The months that fitted, calibrated and tested the model."""
    header = [words.say(f"card.{name}") for name in ("slice", "months", "rows", "obligors", "defaults")]
    rows = [
        [
            words.say(f"card.{name}"),
            str(len(card[name]["as_ofs"])),
            *(str(card[name][figure]) for figure in ("rows", "obligors", "events")),
        ]
        for name in ("train", "calibrate", "test")
    ]
    return Section(
        heading=words.say("card.data"),
        paragraphs=[
            words.say("card.embargo", months=card["embargo_months"]),
            *_divisions(card, words),
            *_machine_types(card, words, language),
        ],
        table=Table(header=header, rows=rows, figures=4),
    )


def _divisions(card: Mapping[str, Any], words: Wording) -> list[str]:
    """The industries that the model was trained on, where it keeps them."""
    known = card["familiarity"] and card["familiarity"]["divisions"]
    if known is None:
        return []
    return [words.say("card.divisions", divisions=_counted(known, words))]


def _machine_types(card: Mapping[str, Any], words: Wording, language: Language) -> list[str]:
    """The types of machines that the model was trained on, where its training was told any."""
    known = card["familiarity"] and card["familiarity"]["machine_types"]
    if known is None:
        return []
    told = ratio(known["told"], language)
    if known["firms"] is None:
        return [words.say("card.machine_types.unknown", told=told)]
    share = ratio(known["share"], language)
    return [words.say("card.machine_types", share=share, types=_counted(known["firms"], words), told=told)]


def _counted(firms: Mapping[str, int], words: Wording) -> str:
    told = [words.say("card.division", code=code, firms=count) for code, count in firms.items()]
    return words.say("list.comma").join(told) or words.say("none")


def _quality(metrics: Mapping[str, Any], words: Wording, language: Language) -> Section:
    say, rows = words.say, []
    for code, name in ESTIMATES:
        rows.append([say(f"card.{code}"), *estimate(metrics[name], language)])
    rows += [[say(f"card.{code}"), number(metrics[name], language), ""] for code, name in FIGURES]
    rows += [[say(f"card.{code}"), ratio(metrics[name], language), ""] for code, name in SHARES]
    header = [say(f"card.{name}") for name in ("figure", "value", "interval")]
    return Section(heading=say("card.quality"), table=Table(header=header, rows=rows, figures=2))


def grades_section(card: Mapping[str, Any], words: Wording, language: Language) -> Section:
    """What each grade promised and showed on the test months."""
    rows = [
        [
            grade["rating_grade"],
            str(grade["obligors"]),
            str(grade["defaults"]),
            ratio(grade["mean_pd"], language),
            ratio(grade["most_prudent_pd"], language),
            ratio(grade["optimism"], language),
        ]
        for grade in card["grades"]
    ]
    header = [words.say(f"card.{name}") for name in ("grade", "obligors", "defaults", "mean_pd", "prudent", "optimism")]
    return Section(heading=words.say("card.grades"), table=Table(header=header, rows=rows, figures=5))


def _drawn(plots: Mapping[str, str], words: Wording) -> Section:
    """All features at once first, then the single ones."""
    return Section(
        heading=words.say("card.drawn"),
        paragraphs=[words.say("card.drawn.how")],
        pictures=[
            Picture(svg=svg, told=words.say("card.drawn.told", name=name.removesuffix(".svg").replace("-", ": ", 1)))
            for name, svg in sorted(plots.items())
        ],
    )


def _features(card: Mapping[str, Any], words: Wording, language: Language) -> Section:
    """A feature under the label of the catalogue; under its key where the catalogue no longer has it."""

    def label(key: str) -> str:
        """What a feature is called."""
        known = CATALOGUE.get(key)
        return key if known is None else known.label_zh if language is Language.ZH else known.label_en

    rows = [
        [
            label(feature["key"]),
            words.say("unknown") if feature["window_days"] is None else str(feature["window_days"]),
            words.say(f"family.{feature['family']}"),
            words.say(f"card.sign.{feature['sign']}"),
        ]
        for feature in card["features"]
    ]
    header = [words.say(f"card.{name}") for name in ("feature", "window", "family", "sign")]
    return Section(
        heading=words.say("card.features"),
        paragraphs=[words.say("card.features.count", count=len(rows))],
        table=Table(header=header, rows=rows, figures=0),
    )


def _made(card: Mapping[str, Any], words: Wording) -> Section:
    say = words.say
    rows = [[say(f"paper.{name}"), card[name]] for name in ("model_version", "parameters_version")]
    libraries = ", ".join(f"{name} {version}" for name, version in card["libraries"].items())
    return Section(
        heading=say("card.made"),
        points=[
            say(
                "card.made.bag",
                members=int(card["hyperparameters"]["members"]),
                rounds=card["rounds"],
                seed=card["seed"],
                method=card["calibrator"]["method"],
            ),
            say("card.made.libraries", libraries=libraries),
        ],
        table=Table(header=[say("paper.version"), say("paper.name")], rows=rows, figures=1),
    )
