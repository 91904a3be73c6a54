"""An insurer's book over HTTP: its own policies, of a past date too, on paper as answered; and the room for idle cover."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from http_world import World, cover, grant, withdraw_all
from pypdf import PdfReader

from api.consents.repository import Purpose
from api.database.engine import unit_of_work
from api.insurance_policies import service
from api.premium_quotes import repository as quotes
from data_contracts.identifiers import MachineUid, QuoteId
from risk_reports import insurance_book_document
from risk_reports.numbers import money, ratio
from risk_reports.rendering.html import html, unbroken
from risk_reports.rendering.pdf import pdf
from risk_reports.wording.catalogue import Language
from scoring.errors import AccumulationExceeded

BEGAN = datetime(2026, 6, 30, 16, tzinfo=UTC)
TERM = {"as_of": BEGAN.isoformat(), "from": "2026-07-01", "to": "2027-06-30"}
SUMS = {"equipment_ubi": 80_000_000, "extended_warranty": 60_000_000, "idle_cover": 40_000_000, "guarantee": 90_000_000}
AFTER = {"from": "2027-07-01", "to": "2027-12-31"}
MID = "2026-09-01T00:00:00+08:00"


@pytest.fixture(scope="module")
def insured(world: World) -> World:
    """The world, in which insurer-a has a policy of each product on `own`, bound in July, and a claim of August."""
    with unit_of_work(world.home.engine) as connection:
        for purpose in (Purpose.CREDIT, Purpose.INSURANCE):
            grant(connection, world.own, "insurer-a", purpose, now=BEGAN - timedelta(days=1))
        grant(connection, world.own, "platform", Purpose.PLATFORM, now=BEGAN - timedelta(days=1))
    for product, amount in SUMS.items():
        asked = cover(world.own, product=product, sum_insured_minor=amount, **TERM)
        answer = world.ask("POST", "/v1/premium-quotes", key="insurer-a", json=asked)
        assert answer.status_code == 201, answer.text
        bind(world, answer.json()["quote"]["quote_id"], is_claimed=product == "equipment_ubi")
    return world


def bind(world: World, quote_id: str, *, is_claimed: bool = False) -> None:
    """Bound when the quote was given, as telemetry's own days are months before the clock of these doors."""
    with unit_of_work(world.home.engine) as connection:
        row = quotes.load(connection, QuoteId(quote_id))
        kept = service.bind_quote(connection, world.home, row, by="test", now=BEGAN)
        if is_claimed:
            loss: dict[str, Any] = {"machine": MachineUid(str(kept.state.covers[0][0])), "day": date(2026, 8, 3)}
            told = {"amount_minor": 654_321, "currency": "CNY", "by": "test", "now": BEGAN + timedelta(days=40)}
            service.claim(connection, world.home, kept, **loss, **told)


def report(world: World, key: str = "insurer-a", **asked: Any) -> dict[str, Any]:
    answer = world.ask("POST", "/v1/insurance-portfolio-reports", key=key, json=asked)
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()["portfolio"]
    return told


def test_an_insurer_reads_its_book(insured: World) -> None:
    told = report(insured, as_of=MID)
    whole = told["whole"]
    assert (whole["policies"], whole["obligors"], whole["claims"], whole["claimed_minor"]) == (4, 1, 1, 654_321)
    assert {line["key"] for line in told["by_product"]} == SUMS.keys()
    for name in ("by_product", "by_industry", "by_region"):
        for of in ("sum_insured_minor", "written_minor", "earned_minor", "unearned_minor", "claims", "cover_days"):
            assert sum(line[of] for line in told[name]) == whole[of]
    (exposure,) = told["largest_obligors"]
    assert exposure["products"]["guarantee"] == 90_000_000 * 11 // 12 * 8 // 10
    assert sum(exposure["products"].values()) == exposure["sum_insured_minor"] == whole["sum_insured_minor"]
    assert told["idle_industries"][0]["used_minor"] == SUMS["idle_cover"]
    assert told["slump"]["clusters"][0]["policies"] == 1
    assert told["findings"] == []
    looks = insured.ask("GET", f"/v1/obligors/{insured.own}/access-log", key="obligor-a").json()["data"]
    assert any((look["viewer"], look["what"]) == ("insurer-a", "insurance_policy") for look in looks)


def test_a_book_of_a_past_date_knows_no_later_record(insured: World) -> None:
    early = report(insured, as_of="2026-07-15T00:00:00+08:00")
    assert (early["whole"]["policies"], early["whole"]["claims"]) == (4, 0)
    before = report(insured, as_of=(BEGAN - timedelta(days=1)).isoformat())
    assert (before["whole"]["policies"], before["by_product"], before["slump"]) == (0, [], None)
    first = report(insured, as_of=(BEGAN + timedelta(hours=1)).isoformat())
    assert (first["whole"]["policies"], first["not_begun"]) == (0, 4)
    assert first["idle_industries"][0]["used_minor"] == SUMS["idle_cover"]


def test_another_insurer_sees_nothing_of_it(insured: World) -> None:
    told = report(insured, key="insurer-b", as_of=MID)
    assert (told["whole"]["policies"], told["obligors"], told["rests_on"]["policies"]) == (0, [], 0)


def test_the_paper_is_the_answer(insured: World) -> None:
    told = report(insured, as_of=MID)
    for language in Language:
        document = insurance_book_document.document(told, language)
        printed = "".join("".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(pdf(document))).pages)
        shown = html(document).decode()
        lines = [*told["by_product"], *told["by_industry"], *told["by_region"], told["whole"]]
        figures = [money(line[f"{of}_minor"], "CNY", language) for line in lines for of in AMOUNTS]
        figures += [ratio(line["loss_ratio"], language, digits=1) for line in lines]
        slump = told["slump"]
        figures += [money(round(slump[of]), "CNY", language) for of in ("expected_minor", "value_at_risk_minor")]
        rooms = [*told["idle_industries"], *told["regions"], *told["guarantee_industries"]]
        figures += [money(room[f"{of}_minor"], "CNY", language) for room in rooms for of in ("used", "limit", "left")]
        assert [figure for figure in figures if "".join(figure.split()) not in printed] == []
        assert [figure for figure in figures if unbroken(figure) not in shown] == []


AMOUNTS = ("sum_insured", "written", "earned", "claimed")


def test_the_paper_comes_over_http_too(insured: World) -> None:
    asked = {"as_of": MID, "format": "html", "language": "en"}
    answer = insured.ask("GET", "/v1/insurance-portfolio-reports/paper", key="insurer-a", params=asked)
    assert answer.status_code == 200, answer.text
    earned = report(insured, as_of=MID)["whole"]["earned_minor"]
    assert money(earned, "CNY", Language.EN) in answer.text


def test_a_live_key_and_the_future_see_no_book(insured: World) -> None:
    assert report(insured, key="live-insurer-a", as_of=MID)["rests_on"]["policies"] == 0
    ahead = {"as_of": "2031-01-01T00:00:00Z"}
    answer = insured.ask("POST", "/v1/insurance-portfolio-reports", key="insurer-a", json=ahead)
    assert answer.status_code == 422


def test_an_industry_that_is_full_takes_no_more_idle_cover(insured: World) -> None:
    asked = cover(insured.own, product="idle_cover", sum_insured_minor=1_960_000_001, **TERM)
    quote = insured.ask("POST", "/v1/premium-quotes", key="insurer-a", json=asked).json()["quote"]
    with pytest.raises(AccumulationExceeded, match="above the limit of 2000000000"):
        bind(insured, quote["quote_id"])
    assert report(insured, as_of=MID)["idle_industries"][0]["used_minor"] == SUMS["idle_cover"]
    after = cover(insured.own, product="idle_cover", sum_insured_minor=1_960_000_001, **{**TERM, **AFTER})
    bind(insured, insured.ask("POST", "/v1/premium-quotes", key="insurer-a", json=after).json()["quote"]["quote_id"])
    assert report(insured, as_of=MID)["idle_industries"][0]["used_minor"] == 1_960_000_001


def test_what_no_longer_consents_is_counted_and_not_told(insured: World) -> None:
    before = report(insured, as_of=MID)
    withdraw_all(insured, recipient="insurer-a")
    told = report(insured, as_of=MID)
    assert (told["whole"]["policies"], told["obligors"], told["largest_policies"]) == (0, [], [])
    assert told["rests_on"]["policies_without_consent"] == before["rests_on"]["policies"]
    assert told["rests_on"]["sum_insured_without_consent_minor"] == before["whole"]["sum_insured_minor"]
