"""One request from facts to findings to limit to price to recourse, then the same a month later, and why it changed.

`python -m benchmarks.one_decision --write` prints docs/exhibits/one-decision.md on a small home made for the run.
synthetic; effect sizes are inputs, not findings.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from api.credit_decisions import service
from api.credit_decisions.changes import since_then
from api.database.engine import unit_of_work
from api.home import Home
from api.obligors.repository import all_ids
from api.partners.repository import LOCAL
from api.recourse import service as recourse
from benchmarks import small_home
from data_contracts.identifiers import DecisionId, ObligorId
from data_contracts.reference.calendars import add_months
from risk_reports.credit_memo import limit_line, terms_lines
from risk_reports.numbers import money, ratio
from risk_reports.wording.catalogue import Language, wording
from scoring.facts import AmountFact, BureauFact, FactSource, LenderFacts, SanctionsFact
from scoring.records import CreditProduct, CreditRequest, FinancedAsset
from simulator.summary import STATEMENT

PAGE = Path(__file__).parents[1] / "docs" / "exhibits" / "one-decision.md"
ENGLISH = Language.EN
MOVED = 8
"""Features told of that moved the score most."""

Answer = Mapping[str, Any]
Rows = Sequence[Sequence[str]]


def main() -> None:
    """Print the page, or write it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", action="store_true", help=f"write docs/exhibits/{PAGE.name}")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = small_home.build(Path(folder), obligors=4, months=16)
        text = "\n".join(page(home)) + "\n"
        home.engine.dispose()
    if arguments.write:
        PAGE.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)


def page(home: Home) -> Iterator[str]:
    """The lines of the page."""
    with unit_of_work(home.engine) as connection:
        obligor = all_ids(connection)[0]
    later = small_home.AS_OF
    first, second = (_decided(home, obligor, as_of) for as_of in (add_months(later, -1), later))
    yield from _opening(first)
    yield from _walk(first)
    yield from _recourse(home, first)
    yield from _later(first, second)
    yield from _replayed(since_then(home, DecisionId(first["decision_id"]), now=small_home.NOW), first)


def _decided(home: Home, obligor: ObligorId, as_of: datetime) -> dict[str, Any]:
    told: dict[str, Any] = {"source": FactSource.CREDIT_BUREAU, "dated": date(2026, 5, 20)}
    request = CreditRequest(
        obligor_id=obligor,
        product=CreditProduct.USAGE_INSTALMENT,
        amount_minor=30_000_000,
        currency="CNY",
        tenor_months=36,
        as_of=as_of,
        asset=FinancedAsset(value_new_minor=50_000_000, price_minor=48_000_000, age_years=0.0, hours=0.0),
        facts=LenderFacts(
            debt_service=AmountFact(**told, amount_minor=26_000_000),
            bureau=BureauFact(**told, days_past_due=0, is_enforced=False),
            sanctions=SanctionsFact(**{**told, "source": FactSource.SANCTIONS_LIST}, is_listed=False),
        ),
    )
    found: dict[str, Any] = json.loads(service.decide(home, request, partner=LOCAL, now=small_home.NOW))
    return found


def _opening(answer: Answer) -> Iterator[str]:
    yield "# One decision, step by step"
    yield ""
    yield (
        "Printed by `python -m benchmarks.one_decision --write`: every figure below. The obligor is simulated and the model "
        f"fitted on a made-up book: {STATEMENT}."
    )
    yield ""
    yield "## The question, and what the lender brings"
    yield ""
    yield (
        f"Obligor `{answer['obligor_id']}`, as of {answer['as_of']}: {_money(answer['amount_minor'], answer)} as "
        f"`{answer['product']}` over {answer['requested_tenor_months']} months, for a new machine of "
        f"{_money(answer['asset']['price_minor'], answer)}."
    )
    yield ""
    facts = [(name, fact) for name, fact in answer["facts"].items() if fact is not None]
    rows = [[f"`{name}`", fact["source"], fact["dated"], _fact(fact, answer)] for name, fact in facts]
    yield from _table(["fact", "source", "dated", "says"], rows)


def _fact(fact: Answer, answer: Answer) -> str:
    said = {name: value for name, value in fact.items() if name not in {"source", "dated"}}
    return ", ".join(
        f"{name} {_money(value, answer) if name.endswith('_minor') else value}" for name, value in said.items()
    )


def _walk(answer: Answer) -> Iterator[str]:
    say = wording(ENGLISH).say
    yield "## What was found"
    yield ""
    yield (
        f"Probability of default {ratio(answer['pd_12m'], ENGLISH)} (from {ratio(answer['pd_12m_lower'], ENGLISH)} to "
        f"{ratio(answer['pd_12m_upper'], ENGLISH)}), grade {answer['rating_grade']}. The reasons:"
    )
    yield ""
    yield from (f"* {sentence}" for sentence in answer["narrative"]["en"]["reasons"])
    yield ""
    sentences = answer["narrative"]["en"]["findings"]
    rows = [
        [sentence.split(": ", 1)[0], finding["layer"], finding["outcome"], sentence.split(": ", 1)[1]]
        for finding, sentence in zip(answer["findings"], sentences, strict=True)
    ]
    yield from _table(["rule", "layer", "asks for", "because"], rows)
    yield f"The most severe wins: **{answer['outcome']}**."
    yield ""
    yield "## The limit"
    yield ""
    rows = [[say(f"capacity.{item['name']}"), _capacity(item, answer)] for item in answer["capacities"]]
    yield from _table(["capacity", "carries"], rows)
    yield f"{limit_line(answer, ENGLISH)}; what binds is {say('capacity.' + answer['binding_capacity'])}."
    yield ""
    yield "## The price and the terms"
    yield ""
    rows = [
        [
            say(f"price.{line['name']}"),
            ratio(line["annual_rate_ratio"], ENGLISH, digits=4),
            _money(line["amount_minor"], answer),
        ]
        for line in answer["price_lines"]
    ]
    total = sum(line["amount_minor"] for line in answer["price_lines"])
    rows.append(["rate", ratio(answer["annual_rate_ratio"], ENGLISH, digits=4), _money(total, answer)])
    yield from _table(["line", "a year", "interest of a year on the amount"], rows)
    yield from (f"* {line}" for line in terms_lines(answer, ENGLISH))
    yield from (f"* Covenant: {sentence}" for sentence in answer["narrative"]["en"]["covenants"])
    provision = answer["provision"]
    yield (
        f"* IFRS 9: {provision['stage_hint']}; expected credit loss {_money(provision['expected_credit_loss_12m_minor'], answer)} "
        f"in twelve months, {_money(provision['expected_credit_loss_lifetime_minor'], answer)} in its life"
    )
    yield ""


def _recourse(home: Home, answer: Answer) -> Iterator[str]:
    offer = recourse.offer(
        home,
        ObligorId(answer["obligor_id"]),
        partner=LOCAL,
        as_of=datetime.fromisoformat(answer["as_of"]),
        now=small_home.NOW,
    )
    yield "## What the manufacturer can do"
    yield ""
    yield (
        f"`millgrade recourse {answer['obligor_id']} --as-of {answer['as_of'][:10]}` searched a grid of {offer['searched']['grid']} plans "
        f"({offer['searched']['pruned']} cut off by their best corner, {offer['searched']['asked']} asked) and signed the answer "
        f"([recourse.md](../recourse.md)):"
    )
    yield ""
    words = offer["narrative"]["en"]
    yield from (f"* {sentence}" for sentence in [*words["answer"], *words["plans"]])
    yield ""


def _later(first: Answer, second: Answer) -> Iterator[str]:
    yield "## The same a month later"
    yield ""
    say = wording(ENGLISH).say
    rows = [[name, _figure(first, key), _figure(second, key)] for name, key in FIGURES]
    carried = {item["name"]: item for item in second["capacities"]}
    rows += [
        [say(f"capacity.{item['name']}"), _capacity(item, first), _capacity(carried[item["name"]], second)]
        for item in first["capacities"]
    ]
    yield from _table(["", first["as_of"][:10], second["as_of"][:10]], rows)
    before = {item["feature"]: item for item in first["contributions"]}
    moved = sorted(
        ((item["contribution"] - before[item["feature"]]["contribution"], item) for item in second["contributions"]),
        key=lambda pair: -abs(pair[0]),
    )
    yield (
        "Nothing but time has passed: model, parameters and policy are the same. Between the two the margin moved by "
        f"{second['margin'] - first['margin']:+.4f} log-odds; most of it by these features:"
    )
    yield ""
    rows = [
        [f"`{item['feature']}`", _plain(before[item["feature"]]["value"]), _plain(item["value"]), f"{change:+.4f}"]
        for change, item in moved[:MOVED]
    ]
    yield from _table(["feature", "then", "a month later", "log-odds"], rows)


FIGURES = (
    ("outcome", "outcome"),
    ("grade", "rating_grade"),
    ("probability of default", "pd_12m"),
    ("rate", "annual_rate_ratio"),
    ("loss given default", "lgd_ratio"),
    ("expected loss of a year", "expected_loss_minor"),
)


def _replayed(answer: Answer, first: Answer) -> Iterator[str]:
    yield "## Replayed"
    yield ""
    yield (
        f"`millgrade replay {answer['decision_id']} --today` gives the first decision again, byte for byte, and takes the causes of "
        "a change one after the other:"
    )
    yield ""
    rows = [["as it was", "", *_told(answer["then"], first)]]
    rows += [[step["cause"], "yes" if step["changed"] else "no", *_told(step, first)] for step in answer["steps"]]
    yield from _table(["cause", "moved anything", "probability of default", "rate", "limit"], rows)
    yield "`late_data` is what became known after that day about the time before it: receipts, repayments, readings."


def _told(figures: Answer, first: Answer) -> list[str]:
    rates = [ratio(figures[name], ENGLISH) for name in ("pd_12m", "annual_rate_ratio")]
    return [*rates, _money(figures["limit_minor"], first)]


def _figure(answer: Answer, key: str) -> str:
    value = answer[key]
    if key.endswith("_minor"):
        return _money(value, answer)
    return value if isinstance(value, str) else ratio(value, ENGLISH)


def _capacity(item: Answer, answer: Answer) -> str:
    return f"not known ({item['missing']})" if item["missing"] else _money(item["amount_minor"], answer)


def _money(amount_minor: int | None, answer: Answer) -> str:
    return money(amount_minor, answer["currency"], ENGLISH)


def _plain(value: float | None) -> str:
    return "not known" if value is None else f"{value:.4g}"


def _table(header: Sequence[str], rows: Rows) -> Iterator[str]:
    yield f"| {' | '.join(header)} |"
    yield f"|{'---|' * len(header)}"
    yield from (f"| {' | '.join(row)} |" for row in rows)
    yield ""


if __name__ == "__main__":
    main()
