"""The report of an insurer's book on paper: from an answer as it was given, so that every figure is the answer's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from risk_reports.document import Document, Picture, Section, Table
from risk_reports.numbers import money, number, ratio
from risk_reports.paper_charts import Point, bars, intervals
from risk_reports.wording.catalogue import Language, Wording, wording

Told = Mapping[str, Any]

TABLES = ("by_product", "by_industry", "by_region")
MOST_ROOMS = 20
NAMED = {"all", "unknown"}
LEAST_EDGE = 5.0
"""A/E up to which a chart reaches at least: intervals are cut there, or at the largest ratio, since one of a line that
expects next to nothing would dwarf all others."""


def document(answer: Told, language: Language) -> Document:
    """The report in one language."""
    page = _Page(answer, wording(language))
    return Document(
        language=language,
        title=page.say("title", day=answer["day"]),
        subtitle=page.say(
            "subtitle",
            partner=answer["partner_id"],
            currency=answer["currency"],
            begins=answer["begins"],
            day=answer["day"],
        ),
        notices=[page.say("synthetic")] if answer["data_origin"] == "synthetic" else [],
        sections=[
            _summary(page),
            _findings(page),
            *(_held(name, page) for name in TABLES),
            *(_experience(name, page) for name in TABLES),
            *_idle(page),
            _rooms("regions", page, "rooms.how"),
            _obligors(page),
            _largest(page),
            _guarantees("guarantee_core_enterprises", page, "guarantee_core_enterprises.how"),
            _guarantees("guarantee_industries", page, "rooms.how"),
        ],
        dated=datetime.fromisoformat(answer["as_of"]),
        footer=page.say("footer"),
    )


class _Page:
    """An answer and the words of a language: figures and names as they are written on this page."""

    def __init__(self, answer: Told, words: Wording) -> None:
        self.answer, self.words = answer, words

    def say(self, code: str, /, **values: object) -> str:
        return self.words.say(f"insured.{code}", **values)

    def money(self, amount_minor: float | None) -> str:
        whole = None if amount_minor is None else round(amount_minor)
        return money(whole, self.answer["currency"], self.words.language)

    def limit(self, amount_minor: int | None) -> str:
        return self.say("no_limit") if amount_minor is None else self.money(amount_minor)

    def share(self, value: float | None) -> str:
        return ratio(value, self.words.language, digits=1)

    def number(self, value: float | None, digits: int = 2) -> str:
        if value is None:
            return self.words.say("unknown")
        return number(value, self.words.language, digits=digits, fixed=True)

    def key(self, name: str, of: str) -> str:
        """What a line of a table, or a name under a limit, is called."""
        if name in NAMED:
            return self.words.say(f"book.{name}")
        if of == "by_product":
            return self.words.say(f"product.{name}")
        if of in {"by_region", "region"}:
            return self.say("area", code=name)
        if of in {"by_industry", "idle_industry", "guarantee_industry"}:
            return self.words.say("book.division", division=name)
        return self.say("kind.idle_tail") if of == "idle_tail" else name

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]], *, texts: int = 1) -> Table:
        header = [self.say(f"column.{column}") for column in columns]
        return Table(header=header, rows=rows, figures=len(header) - texts)


def _summary(page: _Page) -> Section:
    answer, whole, rests = page.answer, page.answer["whole"], page.answer["rests_on"]
    points = [
        page.say(
            "whole",
            policies=whole["policies"],
            obligors=whole["obligors"],
            amount=page.money(whole["sum_insured_minor"]),
            not_begun=answer["not_begun"],
        ),
        page.say("premium", **{name: page.money(whole[f"{name}_minor"]) for name in ("written", "earned", "unearned")}),
        page.say(
            "experience",
            claims=whole["claims"],
            claimed=page.money(whole["claimed_minor"]),
            ratio=page.share(whole["loss_ratio"]),
        ),
        page.say("expected", filed=_value(whole["to_filed"], page), model=_value(whole["to_model"], page)),
        page.say(
            "rests",
            policies=rests["policies"],
            obligors=rests["obligors"],
            hidden=rests["policies_without_consent"],
            amount=page.money(rests["sum_insured_without_consent_minor"]),
        ),
    ]
    if rests["idle_covers_not_simulated"]:
        points.append(page.say("not_simulated", count=rests["idle_covers_not_simulated"]))
    if answer["policies_in_other_currencies"]:
        points.append(page.say("other_currencies", count=answer["policies_in_other_currencies"]))
    return Section(heading=page.say("summary"), points=points)


def _findings(page: _Page) -> Section:
    found = page.answer["findings"]
    if not found:
        return Section(heading=page.say("findings"), paragraphs=[page.say("findings.none")])
    rows = [
        [
            page.say(f"kind.{line['kind']}"),
            page.key(line["name"], line["kind"]),
            page.money(line["used_minor"]),
            page.money(line["limit_minor"]),
            page.money(line["over_minor"]),
        ]
        for line in found
    ]
    return Section(
        heading=page.say("findings"),
        paragraphs=[page.say("findings.some", count=len(found))],
        table=page.table(("what", "name", "used", "limit", "over"), rows, texts=2),
    )


def _held(name: str, page: _Page) -> Section:
    rows = [
        [
            page.key(line["key"], name),
            str(line["policies"]),
            page.money(line["sum_insured_minor"]),
            page.share(line["share"]),
            page.number(line["exposure_years"]),
            *(page.money(line[f"{of}_minor"]) for of in ("written", "earned")),
        ]
        for line in [*page.answer[name], page.answer["whole"]]
    ]
    columns = ("key", "policies", "sum", "share", "exposure", "written", "earned")
    return Section(heading=page.say(name), table=page.table(columns, rows))


def _experience(name: str, page: _Page) -> Section:
    lines = [*page.answer[name], page.answer["whole"]]
    rows = [
        [
            page.key(line["key"], name),
            str(line["claims"]),
            page.number(line["expected_claims"]),
            _value(line["to_filed"], page),
            _interval(line["to_filed"], page),
            _value(line["to_model"], page),
            page.money(line["claimed_minor"]),
            page.share(line["loss_ratio"]),
        ]
        for line in lines
    ]
    columns = ("key", "claims", "expected", "ratio", "interval", "model", "claimed", "loss_ratio")
    return Section(
        heading=page.say(f"claims.{name}"),
        paragraphs=[page.say("claims.how")],
        pictures=_claims_chart(lines, name, page) if name == "by_industry" else [],
        table=page.table(columns, rows),
    )


def _claims_chart(lines: Sequence[Told], name: str, page: _Page) -> list[Picture]:
    found = {page.key(line["key"], name): line["to_filed"] for line in lines if line["to_filed"] is not None}
    edge = max([LEAST_EDGE, *(told["value"] for told in found.values())])
    points = [
        Point(label=label, value=told["value"], lower=told["lower"], upper=min(told["upper"], edge), expected=1.0)
        for label, told in found.items()
    ]
    if len(points) < 2:
        return []
    up = page.say("column.ratio")
    return [intervals(points, across=page.say("column.industry"), up=up, told=page.say("chart.claims"))]


def _idle(page: _Page) -> list[Section]:
    """What the covers lose together, and how much of the limit of each cluster is used."""
    slump = page.answer["slump"]
    if slump is None:
        return [Section(heading=page.say("idle"), paragraphs=[page.say("idle.none")])]
    rows = [
        [
            page.key(line["industry"], "by_industry"),
            str(line["policies"]),
            *(page.money(line[f"{of}_minor"]) for of in ("sum_insured", "expected", "value_at_risk", "in_tail")),
        ]
        for line in slump["clusters"]
    ]
    how = page.say("idle.how", paths=f"{slump['paths']:,}", common=page.share(slump["common_share"]))
    columns = ("cluster", "policies", "rest", "payout", "tail", "part")
    losses = Section(
        heading=page.say("idle"),
        paragraphs=[how],
        points=_idle_points(slump, page),
        table=page.table(columns, rows),
    )
    return [losses, replace(_rooms("idle_industries", page, "rooms.how"), pictures=_idle_chart(page))]


def _idle_points(slump: Told, page: _Page) -> list[str]:
    points = [
        page.say(
            "idle.book",
            expected=page.money(slump["expected_minor"]),
            tail=page.money(slump["value_at_risk_minor"]),
            mean=page.money(slump["tail_value_at_risk_minor"]),
        )
    ]
    points += [
        page.say("idle.limit", limit=page.money(line["limit_minor"]), left=page.money(line["left_minor"]))
        for line in page.answer["idle_tail"]
        if line["limit_minor"] is not None
    ]
    return points


def _idle_chart(page: _Page) -> list[Picture]:
    lines = [line for line in page.answer["idle_industries"] if line["limit_utilization_ratio"] is not None]
    if len(lines) < 2:
        return []
    shares = {page.key(line["name"], "by_industry"): line["limit_utilization_ratio"] for line in lines}
    return [bars(shares, across=page.say("column.utilization"), limit=1.0, told=page.say("chart.idle"))]


def _room_cells(line: Told, page: _Page) -> list[str]:
    """Used, limit, left, the share that is used, and what lies above."""
    return [
        page.money(line["used_minor"]),
        page.limit(line["limit_minor"]),
        page.limit(line["left_minor"]),
        page.share(line["limit_utilization_ratio"]),
        page.money(line["over_minor"]),
    ]


def _rooms(name: str, page: _Page, how: str) -> Section:
    rows = [[page.key(line["name"], line["kind"]), *_room_cells(line, page)] for line in page.answer[name][:MOST_ROOMS]]
    columns = ("name", "used", "limit", "left", "utilization", "over")
    return Section(heading=page.say(name), paragraphs=[page.say(how)], table=page.table(columns, rows))


def _guarantees(name: str, page: _Page, how: str) -> Section:
    if not page.answer[name]:
        return Section(heading=page.say(name), paragraphs=[page.say("guarantee.none")])
    return _rooms(name, page, how)


def _obligors(page: _Page) -> Section:
    rooms = {line["name"]: line for line in page.answer["obligors"]}
    rows = [
        [
            f"{line['obligor_id']}: {'; '.join(_products(line, page))}",
            page.money(line["sum_insured_minor"]),
            page.share(line["share"]),
            page.limit(rooms[line["obligor_id"]]["left_minor"]),
        ]
        for line in page.answer["largest_obligors"]
    ]
    columns = ("obligor", "sum", "share", "left")
    how, drawn = page.say("obligors.how"), page.table(columns, rows)
    return Section(heading=page.say("obligors"), paragraphs=[how], table=drawn)


def _products(line: Told, page: _Page) -> list[str]:
    return [f"{page.key(name, 'by_product')} {page.money(amount)}" for name, amount in line["products"].items()]


def _largest(page: _Page) -> Section:
    rows = [
        [
            line["policy_id"],
            line["obligor_id"],
            page.key(line["product"], "by_product"),
            page.money(line["sum_insured_minor"]),
            page.share(line["share"]),
        ]
        for line in page.answer["largest_policies"]
    ]
    table = page.table(("policy", "obligor", "product", "sum", "share"), rows, texts=3)
    return Section(heading=page.say("policies_largest"), table=table)


def _value(found: Told | None, page: _Page) -> str:
    return page.number(None if found is None else found["value"])


def _interval(found: Told | None, page: _Page) -> str:
    if found is None:
        return ""
    return page.words.say("interval", lower=page.number(found["lower"]), upper=page.number(found["upper"]))
