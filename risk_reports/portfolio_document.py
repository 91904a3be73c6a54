"""The report of a lender's book on paper: from an answer as it was given, so that every figure is the answer's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from risk_reports.document import Document, Section, Table
from risk_reports.numbers import money, number, ratio
from risk_reports.wording.catalogue import Language, Wording, wording

Told = Mapping[str, Any]

MOST_LIMITS = 20
QUARTERS = (1, 2, 3, 4, 6, 8, 12, 16)
"""On book, of which a page has room; the answer holds every one."""

WORDED = {"others", "unknown", "all"}


def document(answer: Told, language: Language) -> Document:
    """The report in one language."""
    words = wording(language)
    say = words.say
    return Document(
        language=language,
        title=say("book.title", day=answer["day"]),
        subtitle=say("book.subtitle", partner=answer["partner_id"], currency=answer["currency"]),
        notices=[say("book.synthetic")] if answer["data_origin"] == "synthetic" else [],
        sections=[
            _summary(answer, words),
            _lines(answer, "by_product", words),
            _lines(answer, "by_grade", words),
            _lines(answer, "by_industry", words),
            _concentration(answer, "core_enterprises", words),
            _concentration(answer, "obligors", words),
            _months(answer, words),
            _rolls(answer, words),
            _vintages(answer, words),
            _limits(answer, words),
            *_clusters(answer, words),
        ],
        dated=datetime.fromisoformat(answer["as_of"]),
        footer=say("book.footer"),
    )


def _summary(answer: Told, words: Wording) -> Section:
    whole, say = answer["whole"], words.say
    amount = _money(answer, words)
    rests = answer["rests_on"]
    points = [
        say(
            "book.whole",
            facilities=whole["facilities"],
            obligors=whole["obligors"],
            amount=amount(whole["outstanding_minor"]),
        ),
        say("book.overdue", amount=amount(whole["overdue_minor"])),
        say(
            "book.loss",
            amount=amount(whole["expected_loss_minor"]),
            mean=ratio(whole["mean_pd"], words.language),
            unrated=amount(whole["unrated_minor"]),
        ),
        say(
            "book.rests",
            obligors=rests["obligors"],
            facilities=rests["with_a_facility"],
            scores=rests["with_a_score"],
            buyers=rests["with_a_buyer"],
            machines=rests["with_machine_days"],
        ),
        say("book.since", limits=rests["limits_decided_since"], consents=rests["consented_since"]),
    ]
    if answer["facilities_in_other_currencies"]:
        points.append(say("book.other_currencies", count=answer["facilities_in_other_currencies"]))
    return Section(heading=say("book.summary"), points=points)


def _lines(answer: Told, name: str, words: Wording) -> Section:
    amount = _money(answer, words)
    lines = [*answer[name], answer["whole"]]
    rows = [
        [
            _key(line["key"], name, words),
            str(line["facilities"]),
            amount(line["outstanding_minor"]),
            ratio(line["share"], words.language, digits=1),
            amount(line["overdue_minor"]),
            ratio(line["mean_pd"], words.language),
            amount(line["expected_loss_minor"]),
        ]
        for line in lines
    ]
    return _section(
        f"book.{name}", rows, ("key", "loans", "outstanding", "share", "overdue_amount", "pd", "loss_amount"), words
    )


def _concentration(answer: Told, name: str, words: Wording) -> Section:
    told = answer[name]
    amount = _money(answer, words)
    rows = [
        [
            words.say(f"book.{item['name']}") if item["name"] in WORDED else item["name"],
            amount(item["outstanding_minor"]),
            ratio(item["share"], words.language, digits=1),
        ]
        for item in told["largest"]
    ]
    rows.append(
        [words.say("book.all"), amount(answer["whole"]["outstanding_minor"]), ratio(1.0, words.language, digits=1)]
    )
    spoken = []
    if told["hhi"] is not None:
        figures = {
            "hhi": number(told["hhi"], words.language),
            "equal": number(told["equal_names"], words.language, digits=1),
        }
        spoken = [words.say("book.hhi", names=told["names"], **figures)]
    return _section(f"book.{name}", rows, ("name", "outstanding", "share"), words, spoken)


def _months(answer: Told, words: Wording) -> Section:
    amount = _money(answer, words)
    rows = [
        [
            month["day"],
            amount(month["outstanding_minor"]),
            *(amount(stage) for stage in month["stage_minor"]),
            amount(month["expected_loss_minor"]),
            amount(month["unrated_minor"]),
        ]
        for month in answer["months"]
    ]
    columns = ("day", "outstanding", "stage_1", "stage_2", "stage_3", "loss_amount", "unrated")
    return _section("book.months", rows, columns, words, [words.say("book.hints")])


def _rolls(answer: Told, words: Wording) -> Section:
    header = [words.say("book.from"), words.say("book.loans"), *(words.say(f"book.{to}") for to in answer["roll_to"])]
    rows = [
        [
            words.say(f"book.{roll['stage']}"),
            str(roll["loans"]),
            *(ratio(rate, words.language, digits=1) for rate in roll["to_rates"]),
        ]
        for roll in answer["rolls"]
    ]
    table = Table(header=header, rows=rows, figures=len(header) - 1)
    return Section(heading=words.say("book.rolls"), paragraphs=[words.say("book.rolls.how")], table=table)


def _vintages(answer: Told, words: Wording) -> Section:
    amount = _money(answer, words)
    longest = max((len(line["cumulative_rates"]) for line in answer["vintages"]), default=0)
    quarters = [at for at in QUARTERS if at <= longest]
    header = [words.say("book.quarter"), words.say("book.loans"), words.say("book.granted")]
    header += [words.say("book.on_book", quarters=at) for at in quarters]
    rows = [
        [
            line["quarter"],
            str(line["loans"]),
            amount(line["amount_minor"]),
            *(_after(line["cumulative_rates"], at, words) for at in quarters),
        ]
        for line in answer["vintages"]
    ]
    table = Table(header=header, rows=rows, figures=len(header) - 1)
    return Section(heading=words.say("book.vintages"), paragraphs=[words.say("book.vintages.how")], table=table)


def _after(rates: Sequence[float], quarters: int, words: Wording) -> str:
    """The rate after so many quarters; nothing where the vintage is younger."""
    return ratio(rates[quarters - 1], words.language, digits=1) if quarters <= len(rates) else ""


def _limits(answer: Told, words: Wording) -> Section:
    amount = _money(answer, words)
    known = [line for line in answer["limits"] if line["limit_minor"] is not None]
    rows = [
        [
            line["obligor_id"],
            words.say(f"book.{line['product']}"),
            amount(line["limit_minor"]),
            amount(line["outstanding_minor"]),
            ratio(line["limit_utilization_ratio"], words.language, digits=1),
            amount(line["over_minor"]),
        ]
        for line in known[:MOST_LIMITS]
    ]
    spoken = [
        words.say("book.limits.how", known=len(known), shown=len(rows), unknown=len(answer["limits"]) - len(known))
    ]
    if not rows:
        return Section(heading=words.say("book.limits"), paragraphs=spoken)
    return _section("book.limits", rows, ("obligor", "product", "limit", "outstanding", "used", "over"), words, spoken)


def _clusters(answer: Told, words: Wording) -> list[Section]:
    """The operating course of every cluster, by name; months in which nothing was observed are said as unknown."""
    sections = []
    for name, months in answer["clusters"].items():
        rows = [
            [
                month["month"],
                str(month["firms"]),
                str(month["machines"]),
                number(month["observed_hours"], words.language, digits=0),
                ratio(month["operating_rate"], words.language, digits=1),
                words.say("unknown")
                if month["index"] is None
                else number(month["index"], words.language, digits=1, fixed=True),
            ]
            for month in months
        ]
        heading = words.say("book.cluster", name=_key(name, "by_industry", words))
        header = [words.say(f"book.{column}") for column in ("month", "firms", "machines", "capacity", "rate", "index")]
        sections.append(
            Section(
                heading=heading,
                paragraphs=[words.say("book.cluster.how")],
                table=Table(header=header, rows=rows, figures=len(header) - 1),
            )
        )
    return sections


def _section(
    name: str, rows: Sequence[Sequence[str]], columns: Sequence[str], words: Wording, spoken: Sequence[str] = ()
) -> Section:
    header = [words.say(f"book.{column}") for column in columns]
    return Section(
        heading=words.say(name), paragraphs=spoken, table=Table(header=header, rows=rows, figures=len(header) - 1)
    )


def _key(key: str, table: str, words: Wording) -> str:
    if key in WORDED or table == "by_product":
        return words.say(f"book.{key}")
    return words.say("book.division", division=key) if table == "by_industry" else key


def _money(answer: Told, words: Wording) -> Any:
    return lambda amount_minor: money(amount_minor, answer["currency"], words.language)
