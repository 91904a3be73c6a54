"""What a manufacturer can do about a decision, in words: each plan step by step, with its days and what it leads to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from features.catalogue import CATALOGUE
from risk_reports.narrative import freeze
from risk_reports.numbers import quantity, ratio
from risk_reports.wording.catalogue import Language, wording
from scoring.recourse.records import Answer, Plan, Recourse, Step


def narrative(recourse: Recourse) -> dict[str, Any]:
    """The answer and its plans in sentences of every language, to be frozen with the offer."""
    return freeze(
        lambda language: {"answer": [_answer(recourse, language)], "plans": plan_sentences(recourse, language)}
    )


def plan_sentences(recourse: Recourse, language: Language) -> list[str]:
    """One sentence or two for each plan, the cheapest first."""
    return [_plan(plan, language) for plan in recourse.plans]


def text(offer: Mapping[str, Any], language: Language = Language.EN) -> str:
    """An offer as it is kept, for a terminal."""
    key = "en" if language is Language.EN else "zh"
    said = offer["narrative"][key]
    lines = [f"{offer['offer_id']} about {offer['decision_id']}", *said["answer"]]
    lines += [f"{number}. {sentence}" for number, sentence in enumerate(said["plans"], start=1)]
    lines += [
        f"plan {done['plan']} reported done, as of {done['as_of'][:10]}: {done['outcome']}"
        + ("" if done["is_kept"] else f" (outside the offer: {', '.join(done['missed'])})")
        for done in offer["rescores"]
    ]
    return "\n".join(lines)


def _answer(recourse: Recourse, language: Language) -> str:
    say = wording(language).say
    rules = ", ".join(recourse.against) or "–"
    if recourse.answer is Answer.PLANS:
        return say("recourse.answer.plans", count=len(recourse.plans), grid=recourse.searched.grid)
    return say(f"recourse.answer.{recourse.answer.value}", rules=rules, grid=recourse.searched.grid)


def _plan(plan: Plan, language: Language) -> str:
    say = wording(language).say
    steps = say("recourse.and").join(_step(step, language) for step in plan.steps)
    sentence = say(
        "recourse.plan",
        steps=steps,
        days=plan.held_days,
        shows_by=plan.shows_by.isoformat(),
        good_until=plan.good_until.isoformat(),
        outcome=say(f"recourse.outcome.{plan.outcome.value}"),
        pd=ratio(plan.pd_12m, language),
        grade=plan.rating_grade,
    )
    return f"{sentence} {say('page.recourse.only_tells')}" if plan.only_tells else sentence


def _step(step: Step, language: Language) -> str:
    definition = CATALOGUE[step.gauge]
    label = definition.label_zh if language is Language.ZH else definition.label_en
    return wording(language).say(
        f"recourse.lever.{step.lever.value}",
        share=ratio(step.strength, language, digits=0),
        label=label,
        before=quantity(step.gauge_from, definition.unit, language),
        after=quantity(step.gauge_to, definition.unit, language),
        begins=step.begins.isoformat(),
    )
