"""What a manufacturer reads about what it can do: each lender's latest answer, and the plans that would change it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from features.catalogue import CATALOGUE
from risk_reports.numbers import money, quantity, ratio
from risk_reports.sme_access import recipient_name
from risk_reports.sme_statement import Figure, day_text, instant_text
from risk_reports.wording.catalogue import Language, wording
from scoring.records import Outcome


class Known(StrEnum):
    """What is known of what the manufacturer can do about an answer."""

    OFFERED = "offered"
    NOT_NEEDED = "not_needed"
    NOT_ASKED = "not_asked"
    QUEUED = "queued"
    RUNNING = "running"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownStep:
    """One lever: what is done, the figure that shows it before and after, the furthest of most peers, and its days."""

    lever: str
    gauge: str
    before: Figure
    after: Figure
    peers: Figure
    begins: str
    until: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownPlan:
    """A way to another answer: its steps, by when it shows, and what the answer is then and until when."""

    steps: tuple[ShownStep, ...]
    shows_by: str
    good_until: str
    outcome: str
    pd_12m: Figure
    grade: str
    limit: Figure | None
    only_tells: bool
    """Its levers restore data alone: they lower what is not known, and nothing in the factory."""
    reported: str | None
    """What was concluded when it was last reported done."""
    may_be_reported: bool
    """Its last day has not passed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownAnswer:
    """A lender's latest answer, what is known of what can be done about it, and the plans of the offer (None: there is
    none)."""

    decision_id: str
    offer_id: str | None
    lender: str
    asked: str
    answered: str
    known: Known
    said: str
    plans: tuple[ShownPlan, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A decision as it was answered, the offer about it with what was concluded of plans reported done, and how the
    search for one stands (None: there is none)."""

    decided: Mapping[str, Any]
    lender: str
    offer: Mapping[str, Any] | None
    search: Mapping[str, Any] | None


def shown_answers(told: Sequence[Told], *, today: date, zone: str, language: Language) -> tuple[ShownAnswer, ...]:
    """Every lender's latest answer, in the order in which they are told. `today` is by the rules' zone."""
    return tuple(_answer(one, today, zone, language) for one in told)


def _answer(told: Told, today: date, zone: str, language: Language) -> ShownAnswer:
    say, decided, known = wording(language).say, told.decided, _known(told)
    outcome = say(f"page.recourse.outcome.{decided['outcome']}")
    as_of = datetime.fromisoformat(decided["as_of"])
    return ShownAnswer(
        decision_id=decided["decision_id"],
        offer_id=None if told.offer is None else told.offer["offer_id"],
        lender=recipient_name(decided["partner"], {decided["partner"]: told.lender}, language),
        asked=say(
            "page.recourse.asked",
            product=say(f"book.{decided['product']}"),
            amount=money(decided["amount_minor"], decided["currency"], language),
        ),
        answered=say("page.recourse.answered", outcome=outcome, day=instant_text(as_of, zone=zone, language=language)),
        known=known,
        said=_said(told, known, zone, language),
        plans=_plans(told.offer or {}, decided["currency"], today, zone, language),
    )


def _known(told: Told) -> Known:
    if told.offer is not None:
        return Known.OFFERED
    if told.decided["outcome"] == Outcome.APPROVE:
        return Known.NOT_NEEDED
    if told.search is None:
        return Known.NOT_ASKED
    return {"queued": Known.QUEUED, "running": Known.RUNNING}.get(told.search["state"], Known.FAILED)


def _said(told: Told, known: Known, zone: str, language: Language) -> str:
    """The offer's own words, frozen when it was made; else how things stand."""
    if told.offer is not None:
        words = told.offer["narrative"]["en" if language is Language.EN else "zh"]
        return " ".join(words["answer"])
    since = ""
    if told.search is not None:
        queued = datetime.fromisoformat(told.search["queued_time"])
        since = instant_text(queued, zone=zone, language=language)
    return wording(language).say(f"page.recourse.known.{known.value}", since=since)


def _plans(
    offer: Mapping[str, Any], currency: str, today: date, zone: str, language: Language
) -> tuple[ShownPlan, ...]:
    done = {again["plan"]: _reported(again, zone, language) for again in offer.get("rescores", ())}
    return tuple(
        _plan(plan, currency, today, done.get(number), language)
        for number, plan in enumerate(offer.get("plans", ()), 1)
    )


def _reported(again: Mapping[str, Any], zone: str, language: Language) -> str:
    """What was concluded when a plan was reported done, and what of the promise was not found, by its name."""
    say = wording(language).say
    day = instant_text(datetime.fromisoformat(again["reported_time"]), zone=zone, language=language)
    outcome = say(f"page.recourse.outcome.{again['outcome']}")
    if again["is_kept"]:
        return say("page.recourse.reported.kept", day=day, outcome=outcome)
    missed = say("page.recourse.and").join(dict.fromkeys(_label(name, language) for name in again["missed"]))
    return say("page.recourse.reported.short", day=day, outcome=outcome, missed=missed)


def _label(name: str, language: Language) -> str:
    """What is missing, as a manufacturer knows it: a feature by its label, else of what kind it is."""
    say, definition = wording(language).say, CATALOGUE.get(name)
    if definition is not None:
        return definition.label_zh if language is Language.ZH else definition.label_en
    if name.startswith("rule."):
        return say("page.recourse.missed.rule")
    return say("page.recourse.missed.trust" if "trust" in name else "page.recourse.missed.amount")


def _plan(plan: Mapping[str, Any], currency: str, today: date, reported: str | None, language: Language) -> ShownPlan:
    limit = plan["limit_minor"]
    return ShownPlan(
        steps=tuple(_step(step, language) for step in plan["steps"]),
        shows_by=_day(plan["shows_by"], language),
        good_until=_day(plan["good_until"], language),
        outcome=wording(language).say(f"recourse.outcome.{plan['outcome']}"),
        pd_12m=Figure(value=plan["pd_12m"], text=ratio(plan["pd_12m"], language)),
        grade=plan["rating_grade"],
        limit=None if limit is None else Figure(value=limit, text=money(limit, currency, language)),
        only_tells=all(step["works"] == "uncertainty" for step in plan["steps"]),
        reported=reported,
        may_be_reported=today <= date.fromisoformat(plan["good_until"]),
    )


def _step(step: Mapping[str, Any], language: Language) -> ShownStep:
    definition = CATALOGUE[step["gauge"]]

    def figure(value: float | None) -> Figure:
        return Figure(value=value, text=quantity(value, definition.unit, language))

    strength = ratio(step["strength"], language, digits=0)
    return ShownStep(
        lever=wording(language).say(f"page.recourse.lever.{step['lever']}", share=strength),
        gauge=definition.label_zh if language is Language.ZH else definition.label_en,
        before=figure(step["gauge_from"]),
        after=figure(step["gauge_to"]),
        peers=figure(step["gauge_peers"]),
        begins=_day(step["begins"], language),
        until=_day(step["held_until"], language),
    )


def _day(iso: str, language: Language) -> str:
    return day_text(date.fromisoformat(iso), language)
