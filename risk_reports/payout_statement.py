"""The settlement of an idle cover's season as its insured reads it: index, triggers, bill, evidence, outcome."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from risk_reports.document import Document, Section, Table
from risk_reports.numbers import money, number, ratio
from risk_reports.wording.catalogue import Language, Wording, wording

Facts = Mapping[str, Any]

BILL = ("gross_minor", "deductible_minor", "above_lost_minor", "payout_minor")
"""The first, less the second and the third, is the last."""


def lines(settled: Facts, decided: Facts | None, language: Language) -> list[str]:
    """The statement line by line: the facts of `payout_settled` with `policy_id` and `obligor_id`, and of
    `payout_decided` where a person decided."""
    words = wording(language)
    say = words.say
    return [
        say("payout.title", policy_id=settled["policy_id"]),
        *_index_lines(settled, words),
        *(f"{name}: {amount}" for name, amount in _bill(settled, words)),
        *_meter_lines(settled, words),
        *_outcome_lines(settled, decided, words),
        say("payout.evidence", evidence=settled["evidence"]),
        *_notices(settled, words),
    ]


def document(settled: Facts, decided: Facts | None, language: Language) -> Document:
    """The same on paper."""
    words = wording(language)
    say = words.say
    return Document(
        language=language,
        title=say("payout.title", policy_id=settled["policy_id"]),
        subtitle=say("payout.subtitle", obligor_id=settled["obligor_id"], day=settled["recorded_time"][:10]),
        notices=_notices(settled, words),
        sections=[
            Section(heading=say("payout.outcome"), paragraphs=_outcome_lines(settled, decided, words)),
            Section(heading=say("payout.index"), points=_index_lines(settled, words), table=_rates(settled, words)),
            Section(
                heading=say("payout.bill"),
                table=Table(
                    header=[say("paper.line"), say("paper.amount")],
                    rows=[list(line) for line in _bill(settled, words)],
                    figures=1,
                ),
            ),
            Section(heading=say("payout.meter"), points=_meter_lines(settled, words)),
            Section(
                heading=say("payout.dispute"),
                points=[
                    say("payout.dispute.days"),
                    say("payout.dispute.ask", policy_id=settled["policy_id"]),
                    say("payout.evidence", evidence=settled["evidence"]),
                ],
            ),
        ],
        dated=datetime.fromisoformat(settled["recorded_time"]),
        footer=say("payout.footer"),
    )


def _notices(settled: Facts, words: Wording) -> list[str]:
    return [words.say("memo.synthetic")] if settled["data_origin"] == "synthetic" else []


def _index_lines(settled: Facts, words: Wording) -> list[str]:
    """Which days counted, and how both rates stood beside their triggers and exits."""
    told, language = settled["statement"], words.language
    return [
        words.say(
            "payout.days",
            starts=settled["starts"],
            ends=settled["ends"],
            counted=told["days_counted"],
            planned=told["days_planned"],
            holiday=told["days_holiday"],
            unknown=told["days_unknown"],
        ),
        words.say("payout.watched", share=ratio(settled["watched_share"], language)),
        words.say("payout.own", **_side(told, "own", language)),
        words.say("payout.cluster", firms=settled["cluster_firms"], **_side(told, "cluster", language)),
        words.say("payout.lesser", share=ratio(min(told["own_shortfall"], told["cluster_shortfall"]), language)),
    ]


def _side(told: Facts, side: str, language: Language) -> dict[str, str]:
    return {name: ratio(told[f"{side}_{name}"], language) for name in ("rate", "trigger", "exit", "shortfall")}


def _rates(settled: Facts, words: Wording) -> Table:
    told = settled["statement"]
    names = {"own": words.say("payout.insured"), "cluster": words.say("payout.division")}
    rows = [[name, *_side(told, side, words.language).values()] for side, name in names.items()]
    columns = (words.say(f"payout.column.{name}") for name in ("rate", "trigger", "exit", "shortfall"))
    return Table(header=["", *columns], rows=rows, figures=4)


def _bill(settled: Facts, words: Wording) -> list[tuple[str, str]]:
    """Each line of the bill, to the minor unit: what is taken off stands with a minus."""
    told = settled["statement"]
    amounts = {name: told[name] if name in (BILL[0], BILL[-1]) else -told[name] for name in BILL}
    named = [
        (words.say(f"payout.{name}"), money(amount, settled["currency"], words.language))
        for name, amount in amounts.items()
    ]
    lost = money(told["lost_fixed_cost_minor"], settled["currency"], words.language)
    return [*named, (words.say("payout.lost_fixed_cost"), lost)]


def _meter_lines(settled: Facts, words: Wording) -> list[str]:
    """What the site's own meter says of the most suspicious standstill."""
    found = settled["standstill"]
    if found is None:
        return [words.say("payout.no_standstill")]
    return [
        words.say(
            "payout.standstill",
            first=found["first_day"],
            days=found["working_days"],
            drop=ratio(found["drop"], words.language),
            unexplained=number(found["unexplained_days"], words.language, digits=1),
            score=number(found["score"], words.language, digits=2),
            limit=number(found["limit"], words.language, digits=2),
        )
    ]


def _outcome_lines(settled: Facts, decided: Facts | None, words: Wording) -> list[str]:
    payout = money(settled["statement"]["payout_minor"], settled["currency"], words.language)
    told = [words.say(f"payout.outcome.{settled['outcome']}", payout=payout)]
    told += [words.say(f"payout.referral.{why}") for why in settled["referrals"]]
    if decided is not None:
        due = money(decided["due_minor"], decided["currency"], words.language)
        told.append(words.say("payout.decided", due=due, reason=decided["reason"]))
    return told
