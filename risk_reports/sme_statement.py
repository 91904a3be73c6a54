"""What a manufacturer reads about itself: grade, reasons, twelve months, coverage; every figure with its exact value.

Figures are those of the score and snapshot that the doors answer with; this file only puts them into words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, get_month_names

from data_contracts.vocabulary import DataOrigin
from features.catalogue import CATALOGUE
from features.monthly import MonthlyFigures
from features.snapshot import FeatureSnapshot
from features.trust import Severity
from risk_reports.narrative import Reader, readings
from risk_reports.numbers import number, quantity, ratio
from risk_reports.sme_charts import Bar, Comparison, compared, month_chart
from risk_reports.wording.catalogue import Language, wording
from scoring.credit.score import RECENT_COVERAGE
from scoring.explanation.reasons import Direction
from scoring.records import Reason, ScoreSource

COVERAGE = "coverage"
RATES = ("power_on_rate", "operating_rate")
WHOLE_FIRMS = 10
SHOWN_DIGITS = 12
"""Of the names of versions: enough to tell them apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A number as it is known and as it is read; `value` is None where it is not known."""

    value: float | int | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GradeStep:
    """One grade of the scale with the probabilities that it holds (None: up to certainty, or default itself)."""

    grade: str
    lower: Figure | None
    upper: Figure | None
    is_own: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownGrade:
    """The grade and what it means."""

    grade: str
    place: str
    meaning: str
    pd_12m: Figure
    pd_12m_lower: Figure
    pd_12m_upper: Figure
    score_points: Figure
    source: str
    scale: tuple[GradeStep, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownReason:
    """A reason: the firm's figure beside its peers', as a sentence, as numbers and as two bars."""

    code: str
    label: str
    window: str
    sentence: str
    own: Figure
    peers: Figure
    bars: Comparison | None
    is_actionable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthChart:
    """One measure over the months: its chart as SVG and the figures behind it, in the order of the months."""

    name: str
    title: str
    note: str
    svg: str
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureRow:
    """A feature over its windows; a window that it is not made for has no figure."""

    label: str
    figures: tuple[Figure | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How much is known: shares by window, the length of the history, how gaps are read, contradictions."""

    shares: tuple[tuple[int, Figure], ...]
    history_days: Figure
    since: str
    basis: str
    findings: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WithoutModel:
    """Why the model does not speak of the firm, what to do, what the grade rests on and why it has no reasons."""

    title: str
    body: str
    source: str
    no_reasons: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SmeStatement:
    """The whole statement in one language."""

    as_of: str
    last_day: str
    grade: ShownGrade
    without_model: WithoutModel | None
    is_synthetic: bool
    favourable: tuple[ShownReason, ...]
    adverse: tuple[ShownReason, ...]
    months: tuple[str, ...]
    running_months: str | None
    charts: tuple[MonthChart, ...]
    coverage: Coverage
    windows: tuple[int, ...]
    features: tuple[FeatureRow, ...]
    versions: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GradeBounds:
    """A grade of the master scale and the highest probability that it holds."""

    grade: str
    upper: float | None


def sme_statement(
    score: Mapping[str, Any],
    snapshot: FeatureSnapshot,
    months: Sequence[MonthlyFigures],
    *,
    scale: Sequence[GradeBounds],
    minimum_history_days: int,
    minimum_recent_coverage: float,
    zone: str,
    language: Language,
) -> SmeStatement:
    """The statement from a score as it is answered, the snapshot it names and the months up to its `as_of`.

    `scale` lists the grades best first (the last is default itself); days are those of `zone`; the minima are what the
    model asks for before it speaks of a firm.
    """
    as_of = datetime.fromisoformat(score["as_of"])
    last_day = as_of.astimezone(ZoneInfo(zone)).date() - timedelta(days=1)
    reasons = [Reason(**item) for item in score["reasons"]]
    windows = tuple(sorted({definition.window_days for definition in CATALOGUE.values()}))
    without_model = None
    if score["source"] == ScoreSource.THIN_HISTORY.value:
        without_model = (
            _thin_history(snapshot, minimum_history_days, language)
            if snapshot.history_days < minimum_history_days
            else _silence(snapshot, minimum_recent_coverage, last_day, language)
        )
    return SmeStatement(
        as_of=instant_text(as_of, zone=zone, language=language),
        last_day=day_text(last_day, language),
        grade=_grade(score, scale, without_model, language),
        without_model=without_model,
        is_synthetic=DataOrigin(score["data_origin"]) is DataOrigin.SYNTHETIC,
        favourable=_reasons(reasons, Direction.FAVOURABLE, language),
        adverse=_reasons(reasons, Direction.ADVERSE, language),
        months=tuple(month_text(month.month, language) for month in months),
        running_months=_running(months, last_day, language),
        charts=_charts(months, last_day, language),
        coverage=_coverage(snapshot, language),
        windows=windows,
        features=_features(snapshot, windows, language),
        versions=wording(language).say(
            "page.footer.versions",
            as_of=instant_text(as_of, zone=zone, language=language),
            snapshot=score["snapshot_id"][:SHOWN_DIGITS],
            model=(score["model_version"] or wording(language).say("page.footer.no_model"))[:SHOWN_DIGITS],
            parameters=score["parameters_version"][:SHOWN_DIGITS],
        ),
    )


def day_text(day: date, language: Language) -> str:
    """A calendar day in words."""
    pattern = "y年M月d日" if language is Language.ZH else "d MMMM y"
    return str(format_date(day, format=pattern, locale=language.value))


def month_text(month: date, language: Language) -> str:
    """A calendar month in words."""
    pattern = "y年M月" if language is Language.ZH else "MMMM y"
    return str(format_date(month, format=pattern, locale=language.value))


def instant_text(instant: datetime, *, zone: str, language: Language) -> str:
    """An instant to the minute by the clock of `zone`."""
    pattern = "y年M月d日 HH:mm" if language is Language.ZH else "d MMMM y, HH:mm"
    return str(format_datetime(instant, format=pattern, tzinfo=ZoneInfo(zone), locale=language.value))


def _grade(
    score: Mapping[str, Any], scale: Sequence[GradeBounds], without_model: WithoutModel | None, language: Language
) -> ShownGrade:
    say, own = wording(language).say, score["rating_grade"]
    living = [step.grade for step in scale[:-1]]
    place = (
        say("page.grade.place", place=living.index(own) + 1, count=len(living))
        if own in living
        else say("page.grade.defaulted")
    )
    return ShownGrade(
        grade=own,
        place=place,
        meaning=say("page.grade.meaning", defaults=_of_a_thousand(score["pd_12m"], language)),
        pd_12m=_share(score["pd_12m"], language),
        pd_12m_lower=_share(score["pd_12m_lower"], language),
        pd_12m_upper=_share(score["pd_12m_upper"], language),
        score_points=Figure(value=score["score_points"], text=number(score["score_points"], language, digits=1)),
        source=say(f"source.{score['source']}") if without_model is None else without_model.source,
        scale=_scale(scale, own, language),
    )


def _of_a_thousand(share: float, language: Language) -> str:
    """How many of 1,000 firms a share is: whole firms, but for the rarest of events."""
    count = 1000 * share
    return number(count, language, digits=0 if count >= WHOLE_FIRMS else 1)


def _scale(scale: Sequence[GradeBounds], own: str, language: Language) -> tuple[GradeStep, ...]:
    lowers = [None, *(step.upper for step in scale[:-1])]

    def shown(value: float | None) -> Figure | None:
        return None if value is None else _share(value, language)

    return tuple(
        GradeStep(grade=step.grade, lower=shown(lower), upper=shown(step.upper), is_own=step.grade == own)
        for step, lower in zip(scale, lowers, strict=True)
    )


def _thin_history(snapshot: FeatureSnapshot, minimum_days: int, language: Language) -> WithoutModel:
    """Too few days are known since the first one."""
    say = wording(language).say
    return WithoutModel(
        title=say("page.thin.title"),
        body=say("page.thin.body", days=snapshot.history_days, minimum=minimum_days),
        source=say(f"source.{ScoreSource.THIN_HISTORY.value}"),
        no_reasons=say("page.reasons.thin"),
    )


def _silence(snapshot: FeatureSnapshot, minimum: float, last_day: date, language: Language) -> WithoutModel:
    """The history is long enough, but of its latest days too little was heard."""
    say, recent = wording(language).say, CATALOGUE[RECENT_COVERAGE]
    first_day = last_day - timedelta(days=recent.window_days - 1)
    return WithoutModel(
        title=say("page.silent.title"),
        body=say(
            "page.silent.body",
            window=recent.window_days,
            first=day_text(first_day, language),
            last=day_text(last_day, language),
            known=quantity(snapshot.values[RECENT_COVERAGE].value, recent.unit, language),
            minimum=quantity(minimum, recent.unit, language),
            days=snapshot.history_days,
        ),
        source=say("page.silent.source"),
        no_reasons=say("page.reasons.silent"),
    )


def _reasons(reasons: Sequence[Reason], direction: Direction, language: Language) -> tuple[ShownReason, ...]:
    chosen = [reason for reason in reasons if reason.direction == direction.value]
    if not chosen:
        return ()
    told = readings(chosen, language)[Reader.SME]
    return tuple(_reason(reason, sentence, language) for reason, sentence in zip(chosen, told, strict=True))


def _reason(reason: Reason, sentence: str, language: Language) -> ShownReason:
    definition = CATALOGUE[reason.feature]
    known = reason.value is not None and reason.reference_value is not None
    return ShownReason(
        code=reason.code,
        label=_label(reason.feature, language),
        window=wording(language).say("page.reasons.window", window=reason.window_days),
        sentence=sentence,
        own=_quantity(reason.value, reason.unit, language),
        peers=_quantity(reason.reference_value, reason.unit, language),
        bars=compared(reason.value, reason.reference_value) if known else None,  # type: ignore[arg-type]
        is_actionable=definition.actionable,
    )


def _charts(months: Sequence[MonthlyFigures], last_day: date, language: Language) -> tuple[MonthChart, ...]:
    shown: Mapping[str, Callable[[Any], Figure]] = {
        "power_on_rate": lambda value: _quantity(value, "1", language),
        "operating_rate": lambda value: _quantity(value, "1", language),
        "energy_kwh": lambda value: _kwh(value, language),
        "fault_starts": lambda value: _count(value, language),
    }
    return tuple(_chart(name, months, figure, last_day, language) for name, figure in shown.items())


def _chart(
    name: str, months: Sequence[MonthlyFigures], figure: Callable[[Any], Figure], last_day: date, language: Language
) -> MonthChart:
    say = wording(language).say
    title, note = say(f"page.chart.{name}"), say(f"page.chart.{name}.note")
    figures = tuple(figure(getattr(month, name)) for month in months)
    bars = [
        Bar(label=label, value=item.value, is_running=_is_running(month, last_day))
        for label, item, month in zip(_axis_labels(months, language), figures, months, strict=True)
    ]
    is_share = name in RATES
    svg = month_chart(
        name,
        bars,
        title=title,
        description=_described(months, figures, language),
        highest=_highest(months, RATES if is_share else (name,)),
        is_share=is_share,
    )
    return MonthChart(name=name, title=title, note=note, svg=svg, figures=figures)


def _highest(months: Sequence[MonthlyFigures], names: Sequence[str]) -> float:
    """The highest value of any of these measures: charts that are read side by side share their axis."""
    values = (getattr(month, name) for month in months for name in names)
    return max((float(value) for value in values if value is not None), default=0.0)


def _described(months: Sequence[MonthlyFigures], figures: Sequence[Figure], language: Language) -> str:
    """The text alternative of a chart: its span, extremes and latest value."""
    say = wording(language).say
    known = [
        (figure, month_text(month.month, language))
        for figure, month in zip(figures, months, strict=True)
        if figure.value is not None
    ]
    if not known:
        return say("page.chart.empty")
    lowest = min(known, key=lambda item: item[0].value or 0)
    highest = max(known, key=lambda item: item[0].value or 0)
    return say(
        "page.chart.described",
        count=len(months),
        first=month_text(months[0].month, language),
        last=month_text(months[-1].month, language),
        lowest=lowest[0].text,
        lowest_month=lowest[1],
        highest=highest[0].text,
        highest_month=highest[1],
        latest=known[-1][0].text,
        latest_month=known[-1][1],
    )


def _axis_labels(months: Sequence[MonthlyFigures], language: Language) -> list[str]:
    """Short names of months; the first one and each January bear their year beneath."""
    names = get_month_names("abbreviated", locale=language.value)
    return [
        f"{names[month.month.month]}|{month.month.year}"
        if position == 0 or month.month.month == 1
        else str(names[month.month.month])
        for position, month in enumerate(months)
    ]


def _running(months: Sequence[MonthlyFigures], last_day: date, language: Language) -> str | None:
    named = [month_text(month.month, language) for month in months if _is_running(month, last_day)]
    return wording(language).say("page.months.running", months=", ".join(named)) if named else None


def _is_running(month: MonthlyFigures, last_day: date) -> bool:
    """Whether the month was not over when the figures were made: it holds the last known day, and a day after it."""
    next_day = last_day + timedelta(days=1)
    return (last_day.year, last_day.month) == (month.month.year, month.month.month) == (next_day.year, next_day.month)


def _coverage(snapshot: FeatureSnapshot, language: Language) -> Coverage:
    say = wording(language).say
    shares = tuple(
        (definition.window_days, _quantity(snapshot.values[key].value, definition.unit, language))
        for key, definition in CATALOGUE.items()
        if definition.name == COVERAGE
    )
    found = len(snapshot.data_trust.at_least(Severity.MODERATE))
    since = snapshot.first_day
    return Coverage(
        shares=shares,
        history_days=Figure(
            value=snapshot.history_days,
            text=say("page.coverage.history_days", days=number(float(snapshot.history_days), language, digits=0)),
        ),
        since=say("page.coverage.since", day=day_text(since, language)) if since else say("page.coverage.never"),
        basis=say(f"page.coverage.basis.{snapshot.coverage_basis}"),
        findings=say("page.coverage.findings.some", count=found) if found else say("page.coverage.findings.none"),
    )


def _features(snapshot: FeatureSnapshot, windows: Sequence[int], language: Language) -> tuple[FeatureRow, ...]:
    by_name: dict[str, dict[int, str]] = {}
    for key, definition in CATALOGUE.items():
        by_name.setdefault(definition.name, {})[definition.window_days] = key

    def figure(key: str | None) -> Figure | None:
        if key is None:
            return None
        feature = snapshot.values[key]
        if feature.missing is not None:
            return Figure(value=None, text=wording(language).say(f"missing.{feature.missing.value}"))
        return _quantity(feature.value, feature.unit, language)

    return tuple(
        FeatureRow(
            label=_label(next(iter(keys.values())), language),
            figures=tuple(figure(keys.get(window)) for window in windows),
        )
        for keys in by_name.values()
    )


def _label(key: str, language: Language) -> str:
    definition = CATALOGUE[key]
    return definition.label_zh if language is Language.ZH else definition.label_en


def _share(value: float, language: Language) -> Figure:
    return Figure(value=value, text=ratio(value, language))


def _quantity(value: float | None, unit: str, language: Language) -> Figure:
    return Figure(value=value, text=quantity(value, unit, language))


def _kwh(value: float | None, language: Language) -> Figure:
    if value is None:
        return Figure(value=None, text=wording(language).say("unknown"))
    return Figure(value=value, text=wording(language).say("page.unit.kwh", figure=number(value, language, digits=0)))


def _count(value: int | None, language: Language) -> Figure:
    if value is None:
        return Figure(value=None, text=wording(language).say("unknown"))
    return Figure(value=value, text=number(float(value), language, digits=0))
