"""What the manufacturer can do about a lender's answer, on its page: asked for by a form, searched for by a worker, and
shown with every figure of the offer, in both languages."""

from __future__ import annotations

import json
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from portal_world import AS_OF, NOW, Clock, PortalWorld, Visitor, visit

from api.consents.repository import Purpose, declare
from api.credit_decisions import service as credit_decisions
from api.database.engine import unit_of_work
from api.http.documents import example
from api.jobs import service as jobs
from api.portal.pages import PATHS
from api.recourse import repository as offers
from api.snapshots.service import take_snapshot
from benchmarks.page_parts import Page
from data_contracts.identifiers import DecisionId, ObligorId, PartnerId
from features.catalogue import CATALOGUE
from risk_reports.numbers import money, quantity, ratio
from risk_reports.sme_statement import day_text
from risk_reports.wording.catalogue import Language, wording
from scoring.canonical import canonical_bytes
from scoring.records import CreditProduct, CreditRequest

BANK = PartnerId("bank-a")
LANGUAGES = sorted(PATHS.items())


@pytest.fixture
def answered(world: PortalWorld, visitor: Visitor, request: pytest.FixtureRequest) -> DecisionId:
    """A firm that the bank answered otherwise than asked, and whose visitor is signed in."""
    firm = world.others[request.param]
    with unit_of_work(world.home.engine) as connection:
        declare(connection, [firm], recipient=BANK, purpose=Purpose.CREDIT, now=NOW)
        take_snapshot(connection, world.home, firm, as_of=AS_OF, now=NOW)
    told = json.loads(credit_decisions.decide(world.home, loan(firm), partner=BANK, now=NOW))
    assert told["outcome"] != "approve"
    name = uuid4().hex
    world.add_user(firm, name)
    visitor.sign_in(name)
    return DecisionId(told["decision_id"])


def loan(firm: ObligorId) -> CreditRequest:
    """More than any of these firms is lent."""
    return CreditRequest(
        obligor_id=firm,
        product=CreditProduct.WORKING_CAPITAL,
        amount_minor=900_000_000_000,
        currency="CNY",
        tenor_months=12,
        as_of=AS_OF,
    )


@pytest.mark.parametrize("answered", [0], indirect=True)
def test_a_search_is_asked_for_by_a_form_and_found_queued(
    world: PortalWorld, visitor: Visitor, answered: DecisionId
) -> None:
    say = wording(Language.EN).say
    assert say("page.recourse.known.not_asked") in visitor.get("/portal/en/").text
    fields = {"csrf_token": visitor.csrf_token(), "decision_id": answered}
    assert visitor.post("/portal/en/recourse", fields).headers["location"] == "/portal/en/#recourse"
    with unit_of_work(world.home.engine) as connection:
        search = jobs.recourse_search(connection, answered)
    assert search is not None
    assert search["state"] == "queued"
    page = visitor.get("/portal/en/").text
    assert say("page.recourse.seek") not in page
    assert "has not begun" in page


@pytest.mark.parametrize("answered", [1], indirect=True)
def test_nobody_elses_answer_and_no_forged_form(world: PortalWorld, visitor: Visitor, answered: DecisionId) -> None:
    other = world.others[2]
    with unit_of_work(world.home.engine) as connection:
        declare(connection, [other], recipient=BANK, purpose=Purpose.CREDIT, now=NOW)
    theirs = json.loads(credit_decisions.decide(world.home, loan(other), partner=BANK, now=NOW))["decision_id"]
    token = visitor.csrf_token()
    for decision_id in (theirs, "d0", "", "\x00"):
        asked = visitor.post("/portal/en/recourse", {"csrf_token": token, "decision_id": decision_id})
        assert asked.status_code == 422
    forged = visitor.post("/portal/en/recourse", {"csrf_token": "guessed", "decision_id": answered})
    assert forged.status_code == 403
    with unit_of_work(world.home.engine) as connection:
        assert jobs.recourse_search(connection, theirs) is None
        assert jobs.recourse_search(connection, answered) is None


@pytest.mark.parametrize("answered", [3], indirect=True)
def test_every_figure_of_an_offer_stands_on_the_page(
    world: PortalWorld, visitor: Visitor, answered: DecisionId
) -> None:
    body = offered(world, answered)
    for path, language in LANGUAGES:
        page = Page(visitor.get(f"/portal/{path}/").text)
        shown = page.figures()
        for plan in body["plans"]:
            assert (str(plan["pd_12m"]), ratio(plan["pd_12m"], language)) in shown
            assert (str(plan["limit_minor"]), money(plan["limit_minor"], body["currency"], language)) in shown
            days = [plan["shows_by"], plan["good_until"], *(step["begins"] for step in plan["steps"])]
            assert all(day_text(date.fromisoformat(day), language) in page.html for day in days)
            for step in plan["steps"]:
                unit = CATALOGUE[step["gauge"]].unit
                for name in ("gauge_from", "gauge_to", "gauge_peers"):
                    value = step[name]
                    assert ("" if value is None else str(value), quantity(value, unit, language)) in shown
        assert wording(language).say(f"recourse.outcome.{body['plans'][0]['outcome']}") in page.html
        assert wording(language).say("page.recourse.seek") not in page.html


@pytest.mark.parametrize("answered", [4], indirect=True)
def test_a_plan_is_reported_done_and_what_was_concluded_stands_there(
    world: PortalWorld, visitor: Visitor, answered: DecisionId, clock: Clock
) -> None:
    """Nothing was done, so that it is said what is missing; a lapsed plan is no longer asked about."""
    body = offered(world, answered)
    say = wording(Language.EN).say
    fields = {"csrf_token": visitor.csrf_token(), "offer_id": body["offer_id"], "plan": "1"}
    assert visitor.get("/portal/en/").text.count(say("page.recourse.report")) == len(body["plans"])
    for wrong in ({"plan": "9"}, {"plan": "x"}, {"offer_id": "r_of_nobody"}, {"offer_id": "\x00"}):
        assert visitor.post("/portal/en/recourse/done", {**fields, **wrong}).status_code == 422
    assert visitor.post("/portal/en/recourse/done", fields).headers["location"] == "/portal/en/#recourse"
    with unit_of_work(world.home.engine) as connection:
        (again,) = (json.loads(kept) for kept in offers.rescores(connection, body["offer_id"]))
    assert (again["plan"], again["is_kept"]) == (1, False)
    for path, language in LANGUAGES:
        page = visitor.get(f"/portal/{path}/").text
        named = [CATALOGUE[name] for name in again["missed"] if name in CATALOGUE]
        assert named
        assert all((own.label_zh if language is Language.ZH else own.label_en) in page for own in named)
    clock.forward(days=400)
    late = visit(world.home, clock=clock)
    name = uuid4().hex
    world.add_user(world.others[4], name)
    late.sign_in(name)
    assert say("page.recourse.report") not in late.get("/portal/en/").text
    lapsed = {**fields, "csrf_token": late.csrf_token()}
    assert late.post("/portal/en/recourse/done", lapsed).status_code == 422


def offered(world: PortalWorld, decision_id: DecisionId) -> dict[str, Any]:
    """The documented example of an offer, kept about a decision."""
    told = example("getRecourse")["offer"]
    body: dict[str, Any] = {name: value for name, value in told.items() if name not in {"note", "rescores"}}
    body |= {"offer_id": f"r_{decision_id}", "decision_id": decision_id}
    with unit_of_work(world.home.engine) as connection:
        offers.append_offer(
            connection,
            body["offer_id"],
            decision_id,
            good_until=None,
            plans=len(body["plans"]),
            note=told["note"],
            body=canonical_bytes(body),
            now=NOW,
        )
    return dict(json.loads(canonical_bytes(body)))
