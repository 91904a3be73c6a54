"""Every figure of the manufacturer's page beside the one that the API answers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from api.portal.pages import PATHS
from benchmarks.page_parts import Page
from benchmarks.three_doors.visit import Visit
from features.catalogue import CATALOGUE

NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")
PERCENT, PLAIN = 100.0, 1.0
READ_AS = {"1": (PERCENT, 1), "1/30d": (PERCENT, 2)}
"""By unit: what a value is multiplied with to be read, and to how many decimals; else as it is, to two."""

GRADE, REASONS, BEHIND, MONTHS, COVERAGE, FEATURES = (
    "grade",
    "reasons",
    "features behind the reasons",
    "twelve months",
    "coverage and history",
    "all features",
)


class FiguresDiffer(AssertionError):
    """The page shows something else than the API answers."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A number of the API that the page shows: where it stands, and how people read it."""

    part: str
    place: str
    value: float | int | None
    scale: float = PLAIN
    digits: int = 2


@dataclass(frozen=True, kw_only=True)
class Check:
    """A number of the API, and by language what the page bears in its source (`exact`) and shows (`texts`)."""

    wanted: Wanted
    exact: dict[str, str]
    texts: dict[str, str]

    @property
    def is_equal(self) -> bool:
        """Whether the source bears the same number and what is shown is that number, rounded; in every language."""
        value = self.wanted.value
        if value is None:
            return set(self.exact.values()) == {""}
        return set(self.exact.values()) == {str(value)} and all(
            is_rounded(value * self.wanted.scale, text, digits=self.wanted.digits) for text in self.texts.values()
        )


def is_rounded(value: float, text: str, *, digits: int) -> bool:
    """Whether a number in `text` is `value`, rounded to `digits` decimals."""
    shown = (float(number.replace(",", "")) for number in NUMBER.findall(text))
    return any(abs(number - value) <= 0.5 * 10**-digits * (1 + 1e-9) for number in shown)


def checks(told: Visit) -> list[Check]:
    """Every figure of the page that the API answers too, in the order of the page. Raises FiguresDiffer."""
    score, explanation = told.score.json["score"], told.explanation.json
    features, reasons = explanation["features"], page_order(explanation["explanation"]["reasons"])
    after_bounds = _figures_of_bounds(told)
    found = [
        *_paired(told, list(_grade(score)), start=0),
        *_paired(told, list(_reasons(reasons)), start=4 + after_bounds),
        *_paired(told, list(_months(told.months.json["months"])), within="month-figures"),
        *_paired(told, list(_coverage(features, told.score.json["snapshot"])), within="coverage-figures"),
        *_paired(told, list(_features(features)), within="features"),
    ]
    _require_words(told, score["rating_grade"], explanation["narrative"])
    differing = [check for check in found if not check.is_equal]
    if differing:
        raise FiguresDiffer("; ".join(f"{item.wanted.place}: {item}" for item in differing))
    return found


def page_order(reasons: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Reasons as the page lists them: those that speak for the obligor first."""
    return sorted(reasons, key=lambda reason: reason["direction"], reverse=True)


def uncompared(told: Visit) -> tuple[int, int]:
    """Figures that the API has no counterpart of: bounds of the master scale, and days on which machines were seen."""
    return _figures_of_bounds(told), len(_any_page(told).figures("machines"))


def badge(page: Page) -> str:
    """The grade in large letters."""
    return next(item.text for item in page.all("p") if item.attributes.get("class") == "badge").split()[0]


def _figures_of_bounds(told: Visit) -> int:
    """How many figures stand between those of the grade and those of the reasons."""
    page = _any_page(told)
    elsewhere = sum(len(page.figures(part)) for part in ("month-figures", "coverage-figures", "features", "machines"))
    reasons = told.explanation.json["explanation"]["reasons"]
    return len(page.figures()) - elsewhere - 4 - 2 * len(reasons)


def _any_page(told: Visit) -> Page:
    return next(iter(told.statements.values()))


def _paired(told: Visit, wanted: Sequence[Wanted], *, start: int = 0, within: str | None = None) -> list[Check]:
    """Each number with the figure at its place on the page in every language."""
    shown = {name: page.figures(within)[start : start + len(wanted)] for name, page in told.statements.items()}
    if within is not None and any(len(told.statements[name].figures(within)) != len(wanted) for name in PATHS):
        raise FiguresDiffer(f"The page has not {len(wanted)} figures in {within}.")
    return [
        Check(
            wanted=item,
            exact={name: figures[place][0] or "" for name, figures in shown.items()},
            texts={name: figures[place][1] for name, figures in shown.items()},
        )
        for place, item in enumerate(wanted)
    ]


def _grade(score: dict[str, Any]) -> Iterator[Wanted]:
    for name in ("pd_12m", "pd_12m_lower", "pd_12m_upper"):
        yield Wanted(part=GRADE, place=f"score.{name}", value=score[name], scale=PERCENT)
    yield Wanted(part=GRADE, place="score.score_points", value=score["score_points"], digits=1)


def _reasons(reasons: Sequence[dict[str, Any]]) -> Iterator[Wanted]:
    for reason in reasons:
        for name in ("value", "reference_value"):
            place = f"reason {reason['code']}: {name}"
            yield _measured(REASONS, place, reason[name], reason["unit"])


def _months(months: Sequence[dict[str, Any]]) -> Iterator[Wanted]:
    for month in months:
        at = f"months {month['month'][:7]}"
        for name in ("power_on_rate", "operating_rate"):
            yield _measured(MONTHS, f"{at}: {name}", month[name], "1")
        for name in ("energy_kwh", "fault_starts"):
            yield Wanted(part=MONTHS, place=f"{at}: {name}", value=month[name], digits=0)


def _coverage(features: dict[str, Any], snapshot: dict[str, Any]) -> Iterator[Wanted]:
    for name in (name for name, definition in CATALOGUE.items() if definition.name == "coverage"):
        yield _measured(COVERAGE, f"features.{name}.value", features[name]["value"], "1")
    yield Wanted(part=COVERAGE, place="snapshot.history_days", value=snapshot["history_days"], digits=0)


def _features(features: dict[str, Any]) -> Iterator[Wanted]:
    """In the order of the page: by name as the catalogue has them, the shortest window first."""
    names = list(dict.fromkeys(definition.name for definition in CATALOGUE.values()))
    ordered = sorted(CATALOGUE, key=lambda key: (names.index(CATALOGUE[key].name), CATALOGUE[key].window_days))
    for key in ordered:
        yield _measured(FEATURES, f"features.{key}.value", features[key]["value"], features[key]["unit"])


def _measured(part: str, place: str, value: float | None, unit: str) -> Wanted:
    scale, digits = READ_AS.get(unit, (PLAIN, 2))
    return Wanted(part=part, place=place, value=value, scale=scale, digits=digits)


def _require_words(told: Visit, grade: str, narrative: dict[str, Any]) -> None:
    """The grade in large letters and each reason's sentence are the API's. Raises FiguresDiffer."""
    for name, page in told.statements.items():
        if badge(page) != grade:
            raise FiguresDiffer(f"The page shows {badge(page)}, the API answers {grade}.")
        shown = {item.text for item in page.all("p")}
        missing = [sentence for sentence in narrative[name]["sme"] if sentence not in shown]
        if missing:
            raise FiguresDiffer(f"The page lacks: {missing}")
