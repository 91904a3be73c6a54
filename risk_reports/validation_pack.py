"""What a validator reads of a model of default: the figures that were computed when it was trained, its card, and who
has vouched for it. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from features.catalogue import CATALOGUE
from risk_reports.document import Document, Section, Table
from risk_reports.model_card import data_section, grades_section
from risk_reports.numbers import estimate, number, ratio, signed
from risk_reports.paper_charts import Point, intervals
from risk_reports.wording.catalogue import Language, Wording, wording

SHOWN_FEATURES = 20

PLAIN_FIGURES = {
    "discrimination": ("gini", "kolmogorov_smirnov", "average_precision", "partial_auc"),
    "calibration": (
        *("expected_calibration_error", "expected_calibration_error_by_chance", "expected_calibration_error_p_value"),
        *("spiegelhalter_z", "spiegelhalter_p_value", "hosmer_lemeshow", "hosmer_lemeshow_p_value"),
        *("brier", "brier_uncertainty", "brier_resolution", "brier_reliability", "brier_within_bins", "brier_skill"),
    ),
}
"""Figures without an interval, as they stand in the tables."""

LIMITS = ("history", "cycle", "events", "cause", "overlap", "use")
NOT_COMPUTED = ("target", "rejects", "universe")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """What the pack is made of: the card, the figures, and the model's records of governance, each as plain values."""

    card: Mapping[str, Any]
    figures: Mapping[str, Any]
    records: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """A pack in one language."""

    pack: Pack
    words: Wording

    @property
    def language(self) -> Language:
        return self.words.language

    def say(self, code: str, /, **values: object) -> str:
        return self.words.say(code, **values)

    def number(self, value: float | None, *, digits: int = 4) -> str:
        return self.say("unknown") if value is None else number(value, self.language, digits=digits, fixed=True)

    def ratio(self, value: float | None) -> str:
        return ratio(value, self.language)

    def header(self, *codes: str) -> list[str]:
        return [self.say(f"pack.{code}") for code in codes]

    def feature(self, key: str) -> str:
        known = CATALOGUE.get(key)
        if known is None:
            return key
        label = known.label_zh if self.language is Language.ZH else known.label_en
        days = known.window_days
        return label if days is None else self.say("pack.feature_window", label=label, days=days)


def document(pack: Pack, language: Language) -> Document:
    """The validation pack of a model of default in one language."""
    told = _Told(pack=pack, words=wording(language))
    card = pack.card
    return Document(
        language=language,
        title=told.say("pack.title", version=card["model_version"][:12]),
        subtitle=told.say("pack.subtitle", version=card["model_version"]),
        notices=[told.say("memo.synthetic")] if card["data_origin"] == "synthetic" else [],
        sections=list(_sections(told)),
        dated=datetime.fromisoformat(card["test"]["as_ofs"][-1]),
        footer=told.say("pack.footer"),
    )


def _sections(told: _Told) -> Iterator[Section]:
    card = told.pack.card
    yield _records(told)
    yield Section(
        heading=told.say("pack.target"), paragraphs=[told.say("pack.target.default"), told.say("pack.target.time")]
    )
    yield data_section(card, told.words, told.language)
    yield _discrimination(told)
    yield _calibration(told)
    yield from _groups(told)
    yield _cohorts(told)
    yield grades_section(card, told.words, told.language)
    yield _ladder(told)
    yield _stability(told)
    yield _monotone(told)
    yield _shocks(told)
    yield _outage(told)
    yield from _fairness(told)
    yield _membership(told)
    yield _checks(told)
    yield _limits(told)


def _records(told: _Told) -> Section:
    rows = [
        [
            item["owner"],
            item["validated_by"],
            told.say(f"pack.conclusion.{item['conclusion']}"),
            item["validated_time"][:10],
            item["expires_time"][:10],
        ]
        for item in told.pack.records["validations"]
    ]
    return Section(
        heading=told.say("pack.records"),
        paragraphs=[] if rows else [told.say("pack.records.none")],
        points=[item["findings"] for item in told.pack.records["validations"]],
        table=_table(told.header("owner", "validator", "conclusion", "validated", "expires"), rows, figures=0),
    )


def _discrimination(told: _Told) -> Section:
    heading, found = told.say("pack.discrimination"), told.pack.figures["discrimination"]
    if found is None:
        return Section(heading=heading, paragraphs=[told.say("pack.no_outcomes")])
    rows = [
        [told.say("pack.auc"), *estimate(found["auc"], told.language)],
        [told.say("pack.auc_by_firms"), *estimate(found["auc_by_firms"], told.language)],
        *([told.say(f"pack.{name}"), told.number(found[name]), ""] for name in PLAIN_FIGURES["discrimination"]),
        [told.say("pack.captured_in_worst_decile"), told.ratio(found["captured_in_worst_decile"]), ""],
    ]
    counts = {
        name: found[name]
        for name in ("rows", "defaults", "held_back_rows", "held_back_firms", "held_back_defaults", "draws")
    }
    return Section(
        heading=heading,
        paragraphs=[told.say("pack.discrimination.about", **counts)],
        table=_table(told.header("figure", "value", "interval"), rows, figures=2),
    )


def _calibration(told: _Told) -> Section:
    heading, found = told.say("pack.calibration"), told.pack.figures["calibration"]
    if found is None:
        return Section(heading=heading, paragraphs=[told.say("pack.no_outcomes")])
    rows = [
        [told.say("pack.mean_pd"), told.ratio(found["mean_pd"]), ""],
        [told.say("pack.default_rate"), told.ratio(found["default_rate"]), ""],
        [told.say("pack.in_the_large"), *estimate(found["in_the_large"], told.language)],
        [told.say("pack.slope"), *estimate(found["slope"], told.language)],
        *([told.say(f"pack.{name}"), told.number(found[name]), ""] for name in PLAIN_FIGURES["calibration"]),
    ]
    return Section(
        heading=heading,
        paragraphs=[told.say("pack.calibration.about")],
        table=_table(told.header("figure", "value", "interval"), rows, figures=2),
    )


def _groups(told: _Told) -> list[Section]:
    """Promised and seen by tenths of PD; none where nothing can be told, or an early release kept no tenths."""
    found = (told.pack.figures["calibration"] or {}).get("groups", [])
    if not found:
        return []
    heading, tenths = told.say("pack.groups"), [(str(place), group) for place, group in enumerate(found, start=1)]
    rows = [
        [
            label,
            str(group["rows"]),
            str(group["defaults"]),
            told.ratio(group["mean_pd"]),
            told.ratio(group["default_rate"]["value"]),
            told.say("interval", **{end: told.ratio(group["default_rate"][end]) for end in ("lower", "upper")}),
        ]
        for label, group in tenths
    ]
    points = [Point(label=label, expected=group["mean_pd"], **group["default_rate"]) for label, group in tenths]
    across, up = told.say("pack.tenth"), told.say("pack.default_rate")
    return [
        Section(
            heading=heading,
            paragraphs=[told.say("pack.groups.about")],
            pictures=[intervals(points, across=across, up=up, told=told.say("pack.picture", heading=heading))],
            table=_table(
                told.header("tenth", "rows", "defaults", "mean_pd", "default_rate", "interval"), rows, figures=5
            ),
        )
    ]


def _line(told: _Told, item: Mapping[str, Any]) -> list[str]:
    """The cells of a group of rows: how many, what was promised, what was seen."""
    return [
        str(item["rows"]),
        str(item["defaults"]),
        told.ratio(item["mean_pd"]),
        told.ratio(item["default_rate"]),
        told.number(item["actual_to_expected"], digits=2),
        told.ratio(item["optimism"]),
    ]


LINE = ("rows", "defaults", "mean_pd", "default_rate", "actual_to_expected", "optimism")


def _cohorts(told: _Told) -> Section:
    rows = [[item["as_of"][:10], *_line(told, item)] for item in told.pack.figures["cohorts"]]
    return Section(
        heading=told.say("pack.cohorts"),
        paragraphs=[told.say("pack.cohorts.about")],
        table=_table(told.header("as_of", *LINE), rows, figures=6),
    )


def _ladder(told: _Told) -> Section:
    rows = [
        [
            told.say(f"pack.rung.{item['rung']}"),
            *estimate(item["auc"], told.language, digits=3),
            told.number(item["brier"]),
            told.number(item["log_loss"]),
            " ".join(told.say("pack.gain", value=v, interval=i) for v, i in [_gain(told, item["model_gains"])] if v),
        ]
        for item in told.pack.figures["ladder"]
    ]
    return Section(
        heading=told.say("pack.ladder"),
        paragraphs=[told.say("pack.ladder.about") if rows else told.say("pack.no_outcomes")],
        table=_table(told.header("rung", "auc_short", "interval", "brier_short", "log_loss", "gains"), rows, figures=5),
    )


def _gain(told: _Told, found: Mapping[str, float] | None) -> tuple[str, str]:
    if found is None:
        return "", ""
    lower, upper = (signed(found[name], told.language) for name in ("lower", "upper"))
    return signed(found["value"], told.language), told.say("interval", lower=lower, upper=upper)


def _stability(told: _Told) -> Section:
    found = told.pack.figures["stability"]
    shown = [("pack.score", found["score"])]
    rows = [[told.say(name), *_index(told, item)] for name, item in shown]
    rows += [[told.feature(item["feature"]), *_index(told, item)] for item in found["features"][:SHOWN_FEATURES]]
    return Section(
        heading=told.say("pack.stability"),
        paragraphs=[told.say("pack.stability.about", shown=len(rows) - 1, all=len(found["features"]))],
        table=_table(told.header("what", "psi", "by_chance", "drift"), rows, figures=3),
    )


def _index(told: _Told, item: Mapping[str, Any]) -> list[str]:
    return [
        told.number(item["psi"], digits=3),
        told.number(item["expected_by_chance"], digits=3),
        told.say(f"pack.drift.{item['drift']}"),
    ]


def _monotone(told: _Told) -> Section:
    found, reasons = told.pack.figures["monotonicity"], told.pack.figures["explanations"]
    return Section(
        heading=told.say("pack.monotone"),
        points=[
            told.say(
                "pack.monotone.swept",
                features=found["features"],
                rows=found["rows"],
                steps=found["steps"],
                wrong=found["wrong_steps"],
                furthest=f"{found['furthest_wrong_way']:.1e}",
                tolerance=f"{found['tolerance']:.0e}",
            ),
            told.say(
                "pack.monotone.reasons",
                rows=reasons["rows"],
                gap=f"{reasons['largest_gap']:.1e}",
                tolerance=f"{reasons['tolerance']:.0e}",
            ),
            told.say("pack.monotone.together"),
        ],
    )


def _shocks(told: _Told) -> Section:
    rows = [
        [
            told.say(f"family.{item['family']}"),
            str(item["features"]),
            told.ratio(item["worse"]["mean_pd"]),
            str(item["worse"]["grades_changed"]),
            told.ratio(item["better"]["mean_pd"]),
            str(item["better"]["grades_changed"]),
        ]
        for item in told.pack.figures["shocks"]
    ]
    header = told.header("family", "features", "worse_pd", "worse_grades", "better_pd", "better_grades")
    return Section(
        heading=told.say("pack.shocks"),
        paragraphs=[told.say("pack.shocks.about", mean_pd=told.ratio(told.pack.figures["outage"]["mean_pd_before"]))],
        table=_table(header, rows, figures=5),
    )


def _outage(told: _Told) -> Section:
    found = told.pack.figures["outage"]
    before, after = (" ".join(_in_brackets(estimate(found[name], told.language))) for name in ("auc_before", "auc"))
    return Section(
        heading=told.say("pack.outage"),
        paragraphs=[
            told.say(
                "pack.outage.about",
                share=told.ratio(found["share"]),
                before=told.ratio(found["mean_pd_before"]),
                after=told.ratio(found["mean_pd"]),
                grades=found["grades_changed"],
            ),
            told.say("pack.outage.auc", before=before, after=after),
        ],
    )


def _in_brackets(cells: tuple[str, str]) -> list[str]:
    return [cells[0], f"({cells[1]})"] if cells[1] else [cells[0]]


def _fairness(told: _Told) -> Iterator[Section]:
    for way, groups in told.pack.figures["fairness"].items():
        rows = [
            [
                _group(told, way, item["group"]),
                *_line(told, item),
                estimate(item["auc"], told.language, digits=3)[0],
                told.ratio(item["approved_share_of_good"]),
            ]
            for item in groups
        ]
        yield Section(
            heading=told.say(f"pack.fairness.{way}"),
            paragraphs=[told.say(f"pack.fairness.{way}.about")],
            table=_table(told.header("group", *LINE, "auc_short", "approved_of_good"), rows, figures=8),
        )


def _group(told: _Told, way: str, group: str) -> str:
    if group == "unknown":
        return told.say("unknown")
    return told.say(f"pack.size.{group}") if way == "size" else group


def _membership(told: _Told) -> Section:
    found = told.pack.figures["membership"]
    told_auc = told.number(found["auc"], digits=3), told.number(found["highest_auc"], digits=3)
    return Section(
        heading=told.say("pack.membership"),
        paragraphs=[
            told.say("pack.membership.about"),
            told.say(
                "pack.membership.found",
                members=found["members"],
                firms=found["firms"],
                auc=told_auc[0],
                highest=told_auc[1],
                limit=told.number(found["limit"], digits=2),
            ),
        ],
    )


def _checks(told: _Told) -> Section:
    rows = [
        [
            item["name"],
            told.say("pack.passed" if item["is_passed"] else "pack.failed"),
            item["checked_by"],
            item["checked_time"][:10],
        ]
        for item in told.pack.records["checks"]
    ]
    return Section(
        heading=told.say("pack.checks"),
        paragraphs=[] if rows else [told.say("pack.checks.none")],
        table=_table(told.header("check", "result", "checked_by", "checked"), rows, figures=0),
    )


def _limits(told: _Told) -> Section:
    return Section(
        heading=told.say("pack.limits"),
        points=[
            *(told.say(f"pack.limits.{name}") for name in LIMITS),
            *(told.say(f"pack.not_computed.{name}") for name in NOT_COMPUTED),
        ],
    )


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], *, figures: int) -> Table | None:
    return Table(header=header, rows=rows, figures=figures) if rows else None
