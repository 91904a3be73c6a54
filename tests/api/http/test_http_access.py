"""Who may do what to whom: every operation of docs/openapi.json, anonymous first, then every role against its own,
another's and an absent object. A route without a rule here fails."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_world import ABSENT, NOW, World, consent_to, cover, grant, loan, samples
from test_http_openapi import OPERATIONS

from api.consents.repository import Purpose
from api.database.tables import access_log
from api.http.documents import example
from api.jobs import service as queue
from api.keys.principal import Role
from api.recourse import repository as offers
from api.watch import service as watching
from data_contracts.identifiers import DecisionId
from scoring.canonical import canonical_bytes
from scoring.monitoring.cases import Opening
from scoring.monitoring.vocabulary import EarlyWarning, Severity, WarningCode

ROLES = [role.value for role in Role]
OBJECTS = ("own", "other", "absent")
FIRMS: dict[str, Callable[[World], str]] = {
    "own": lambda world: world.own,
    "other": lambda world: world.other,
    "absent": lambda _: ABSENT,
}


@dataclass(frozen=True)
class Rule:
    """Who may use an operation, who sees everybody's objects, and how it is asked about a firm.

    `makes` is the object in the path, `names` a quote in the body, and `tells` makes a body of objects by what made them. `ask` gives the arguments of the request about the own, another's or an absent object; None where there is no
    object, so that the role alone decides.
    """

    roles: str
    all_seeing: str = ""
    status: int = 200
    body: Callable[[str], dict[str, Any]] | None = None
    parameters: Callable[[str], dict[str, str]] = lambda _: {}
    makes: str | None = None
    names: str | None = None
    tells: Callable[[Callable[[str], str]], dict[str, Any]] | None = None
    has_object: bool = True
    is_looked_at: str | None = None
    is_paper: bool = False


def consent_to_nobody_here(firm: str) -> dict[str, Any]:
    """A consent that opens nothing to the keys of side a."""
    return consent_to(firm, "insurer-b", purpose="insurance")


def a_gateway_key(firm: str) -> dict[str, Any]:
    """A gateway's key to register, another for each call."""
    public = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    return {"obligor_id": firm, "gateway": "G1", "public_key": base64.b64encode(public).decode()}


def a_pledge(firm: str) -> dict[str, Any]:
    """A machine to pledge, another for each call."""
    return {"obligor_id": firm, "items": [{"kind": "machine", "maker": "M", "serial_number": uuid4().hex}]}


HARDSHIP = {
    **{"kind": "hardship", "first_day": "2026-12-01", "last_day": "2026-12-31"},
    **{"reason": "the plant was flooded", "by": "Li Wei"},
}
CRITERIA = {
    **{"product": "working_capital", "currency": "CNY", "tenor_months": 12},
    **{"smallest_minor": 10_000, "largest_minor": 100_000_000, "takes_referred": True},
}


def funds_of(firm: str) -> dict[str, Any]:
    """A loan that was paid to somebody nobody agreed on."""
    paid = {"payment_id": "P1", "payee": "somebody", "paid_on": "2026-06-01", "amount_minor": 100}
    agreed = {"payee": "a maker", "purpose": "material", "amount_minor": 100}
    return {"obligor_id": firm, "currency": "CNY", "agreed": [agreed], "payments": [paid]}


def an_application(firm: str) -> dict[str, Any]:
    """A loan that is looked for, shown to a bank that this firm consents to."""
    lent = {"product": "working_capital", "amount_minor": 50_000_000, "currency": "CNY", "tenor_months": 12}
    return {"obligor_id": firm, **lent, "shown_to": ["bank-a", "bank-b"], "expires_time": "2027-06-01T00:00:00Z"}


def an_override() -> dict[str, Any]:
    """Another outcome, by another person for each call."""
    return {"outcome": "approve", "reason_code": "new_contract", "reason_text": "seen", "by": uuid4().hex}


def a_loss(firm: str) -> dict[str, Any]:
    """First notice of a loss of today, of a machine that is covered."""
    return {
        "record": {
            "step": "claim",
            "day": NOW.date().isoformat(),
            "machine_uid": f"{firm}/M01",
            "amount_minor": 1,
            "currency": "CNY",
        }
    }


def an_exposure(firm: str) -> dict[str, Any]:
    """A loan and four covers of a firm."""
    asked = {"amount_minor": 50_000_000, "tenor_months": 12, "sum_insured_minor": 80_000_000, "currency": "CNY"}
    days = {"from": "2026-07-01", "to": "2027-06-30", "as_of": "2026-06-30T16:00:00Z"}
    return {"obligor_id": firm, "fixed_cost_minor": 30_000_000, **asked, **days}


A_WEEK_AT_THE_MINE = {"site": "mine", "from": "2027-01-04", "to": "2027-01-10"}

RULES = {
    "createCreditDecision": Rule("bank", status=201, body=loan, is_looked_at="credit_decision"),
    "getCreditDecision": Rule("bank obligor", makes="createCreditDecision", is_looked_at="credit_decision"),
    "tellResponse": Rule(
        "bank obligor",
        status=201,
        body=lambda _: {"event": HARDSHIP},
        makes="createCreditDecision",
        is_looked_at="response",
    ),
    "getResponses": Rule("bank obligor", makes="createCreditDecision", is_looked_at="response"),
    "getCovenants": Rule("bank obligor", makes="createCreditDecision", is_looked_at="covenants"),
    "createUsageStatement": Rule(
        "bank obligor",
        status=201,
        body=lambda firm: {"first_month": "2026-05", "machines": [f"{firm}/M01"], "as_of": "2026-06-30T16:00:00Z"},
        makes="usage_decision",
        is_looked_at="usage_statement",
    ),
    "getCreditDecisionReceipt": Rule(
        "bank obligor",
        makes="createCreditDecision",
        parameters=lambda _: {"open": "features"},
        is_looked_at="receipt",
    ),
    "getCreditMemo": Rule("bank obligor", makes="createCreditDecision", is_looked_at="credit_decision", is_paper=True),
    "proposeOverride": Rule("bank", status=201, body=lambda _: an_override(), makes="createCreditDecision"),
    "getOverrides": Rule("bank obligor", makes="createCreditDecision", is_looked_at="override"),
    "confirmOverride": Rule("bank", status=201, body=lambda _: {"by": "Zhang Min"}, makes="override"),
    "reportDecisionEvent": Rule(
        "bank obligor",
        status=201,
        body=lambda _: {"kind": "disputed", "happened_on": "2026-11-20", "note": "the meter was replaced"},
        makes="createCreditDecision",
    ),
    "getOutcomeRegister": Rule("bank", has_object=False),
    "createDryRun": Rule("bank", status=201, body=lambda _: {"approve_to": "R1", "refer_to": "R1"}, has_object=False),
    "getModelCard": Rule("bank insurer operator", has_object=False, is_paper=True),
    "getValidationPack": Rule("bank insurer operator", has_object=False, is_paper=True),
    "getRecourse": Rule("bank obligor", makes="createCreditDecision", is_looked_at="recourse"),
    "createRecourseSearch": Rule(
        "bank obligor", status=201, body=lambda _: {}, makes="createCreditDecision", is_looked_at="recourse"
    ),
    "createRecourseCompletion": Rule(
        "bank obligor", status=201, body=lambda _: {"plan": 1}, makes="offer", is_looked_at="recourse"
    ),
    "createPremiumQuote": Rule("insurer", status=201, body=cover, is_looked_at="premium_quote"),
    "getPremiumQuote": Rule("insurer obligor", makes="createPremiumQuote", is_looked_at="premium_quote"),
    "getPremiumQuoteReceipt": Rule("insurer obligor", makes="createPremiumQuote", is_looked_at="receipt"),
    "createInsurancePolicy": Rule("insurer", status=201, names="fresh_quote", is_looked_at="insurance_policy"),
    "getInsurancePolicy": Rule("insurer obligor", makes="policy", is_looked_at="insurance_policy"),
    "appendPolicyRecord": Rule("insurer", status=201, body=a_loss, makes="policy", is_looked_at="insurance_policy"),
    "createRenewalRound": Rule(
        "insurer",
        status=201,
        tells=lambda of: {"renewals": [{"policy_id": of("policy"), "quote_id": of("following_quote")}]},
        is_looked_at="insurance_policy",
    ),
    "createOnDemandPremium": Rule(
        "insurer",
        status=201,
        tells=lambda of: {"quote_id": of("fresh_quote"), "periods": [A_WEEK_AT_THE_MINE]},
        is_looked_at="premium_quote",
    ),
    "getPremiumStatement": Rule(
        "insurer obligor", makes="createPremiumQuote", is_looked_at="premium_quote", is_paper=True
    ),
    "listObligors": Rule("bank insurer obligor operator", has_object=False, is_looked_at="obligor"),
    "getObligor": Rule("bank insurer obligor operator", all_seeing="operator", is_looked_at="obligor"),
    "listAccessLog": Rule("obligor operator", all_seeing="operator"),  # an operator's look is in the log itself
    "getScore": Rule("bank obligor", is_looked_at="score"),
    "getExplanation": Rule("bank obligor", is_looked_at="explanation"),
    "listMachines": Rule("bank insurer obligor operator", all_seeing="operator", is_looked_at="machines"),
    "getMonths": Rule("bank insurer obligor operator", all_seeing="operator", is_looked_at="months"),
    "createTelemetry": Rule(
        "gateway operator",
        all_seeing="operator",
        status=201,
        body=lambda _: samples(),
        parameters=lambda firm: {"mapping": "canonical_sample", "obligor_id": firm},
    ),
    "createGatewayKey": Rule("obligor operator", all_seeing="operator", status=201, body=a_gateway_key),
    "listGatewayKeys": Rule("obligor operator", has_object=False),
    "revokeGatewayKey": Rule(
        "obligor operator", all_seeing="operator", status=201, body=lambda _: {}, makes="createGatewayKey"
    ),
    "createConsent": Rule("obligor operator", all_seeing="operator", status=201, body=consent_to_nobody_here),
    "listConsents": Rule("bank insurer obligor operator", has_object=False),
    "getConsent": Rule("bank insurer obligor operator", all_seeing="operator", makes="createConsent"),
    "withdrawConsent": Rule("obligor operator", all_seeing="operator", makes="createConsent"),
    "createPledge": Rule("bank", status=201, body=a_pledge, is_looked_at="pledge"),
    "listPledges": Rule("bank obligor", has_object=False),
    "getPledge": Rule("bank obligor", makes="createPledge", is_looked_at="pledge"),
    "confirmPledge": Rule("bank", status=201, body=lambda _: {}, makes="createPledge"),
    "releasePledge": Rule("bank", makes="createPledge"),
    "createStress": Rule("bank", status=201, body=lambda firm: {"core_enterprise": firm, "orders": -0.4}),
    "createApplication": Rule("obligor", status=201, body=an_application),
    "listApplications": Rule("bank obligor", has_object=False),
    "withdrawApplication": Rule("obligor", makes="createApplication"),
    "createPrescreen": Rule("bank", status=201, body=lambda _: CRITERIA, has_object=False),
    "createMatch": Rule("bank", status=201, body=lambda _: {**CRITERIA, "funds_minor": 10**9}, has_object=False),
    "createUseOfFunds": Rule("bank", status=201, body=funds_of, is_looked_at="use_of_funds"),
    "getLeases": Rule("bank obligor", is_looked_at="leases"),
    "createPortfolioReport": Rule("bank", status=201, body=lambda _: {"months": 2}, has_object=False),
    "createExposurePrices": Rule("bank insurer", status=201, body=an_exposure, is_looked_at="premium_quote"),
    "createInsurancePortfolioReport": Rule("insurer", status=201, body=lambda _: {"months": 2}, has_object=False),
    "getInsurancePortfolioPaper": Rule("insurer", has_object=False, is_paper=True),
    "createWatchRun": Rule("operator", status=201, body=lambda _: {}, has_object=False),
    "getJob": Rule("operator", all_seeing="operator", makes="job"),
    "listCases": Rule("bank obligor operator", has_object=False),
    "getCase": Rule("bank obligor operator", all_seeing="operator", makes="case", is_looked_at="case"),
    "actOnCase": Rule(
        "operator",
        all_seeing="operator",
        status=201,
        body=lambda _: {"act": "acknowledge", "reason": "seen"},
        makes="case",
    ),
    "getLiveness": Rule("open"),
    "getReadiness": Rule("open"),
    "getMetrics": Rule("open"),
}

GUARDED = [name for name, rule in RULES.items() if rule.roles != "open"]
MAKERS = {
    "createCreditDecision": ("bank", "decision", "decision_id", loan),
    "createPremiumQuote": ("insurer", "quote", "quote_id", cover),
    "createGatewayKey": ("obligor", "gateway_key", "key_id", a_gateway_key),
    "createConsent": ("obligor", "consent", "consent_id", consent_to),
    "createPledge": ("bank", "pledge", "pledge_id", a_pledge),
    "createApplication": ("obligor", "application", "application_id", an_application),
}


@pytest.fixture(scope="module")
def made(world: World) -> dict[tuple[str, str], str]:
    """A decision, a quote and a consent of each side, by maker and object."""
    found = {}
    for maker, (role, member, name, body) in MAKERS.items():
        path = OPERATIONS[maker][1]
        for which, suffix in (("own", "a"), ("other", "b")):
            asked = body(FIRMS[which](world))
            if maker == "createConsent":
                asked["recipient"] = f"bank-{suffix}"
            answer = world.ask("POST", path, key=f"{role}-{suffix}", json=asked)
            assert answer.status_code == 201, answer.text
            found[maker, which] = answer.json()[member][name]
        found[maker, "absent"] = "".join(reversed(found[maker, "own"]))
    found |= (
        planned(world)
        | insured(world)
        | watched(world)
        | queued(world)
        | overridden(world, found)
        | offered(world, found)
    )
    return found


def planned(world: World) -> dict[tuple[str, str], str]:
    """A decision of each side that plans instalments by use."""
    found = {("usage_decision", "absent"): "d_none"}
    for which, suffix in (("own", "a"), ("other", "b")):
        asked = loan(FIRMS[which](world), product="usage_instalment")
        answer = world.ask("POST", "/v1/credit-decisions", key=f"bank-{suffix}", json=asked)
        assert answer.status_code == 201, answer.text
        found["usage_decision", which] = answer.json()["decision"]["decision_id"]
    return found


def insured(world: World) -> dict[tuple[str, str], str]:
    """Partners that may see credit and machines; a quote that still holds, the policy that it became, and the quote of what follows, of each side."""
    found = {
        ("fresh_quote", "absent"): "q_none",
        ("policy", "absent"): "p_none",
        ("following_quote", "absent"): "q_none",
    }
    with world.home.engine.begin() as connection:
        grant(connection, world.own, "bank-a", Purpose.INSURANCE)
        grant(connection, world.own, "insurer-a", Purpose.CREDIT)
    after = {"from": "2027-11-21", "to": "2028-11-19", "snapshot": "fresh"}
    today = {"from": NOW.date().isoformat(), "to": "2027-11-20", "snapshot": "fresh"}
    for which, suffix in (("own", "a"), ("other", "b")):
        asked = cover(FIRMS[which](world), **today)
        quote = world.ask("POST", "/v1/premium-quotes", key=f"insurer-{suffix}", json=asked).json()["quote"]
        body = {"quote_id": quote["quote_id"]}
        answer = world.ask("POST", "/v1/insurance-policies", key=f"insurer-{suffix}", json=body)
        assert answer.status_code == 201, answer.text
        found["fresh_quote", which] = quote["quote_id"]
        found["policy", which] = answer.json()["policy"]["policy_id"]
        asked = cover(FIRMS[which](world), **after)
        following = world.ask("POST", "/v1/premium-quotes", key=f"insurer-{suffix}", json=asked).json()["quote"]
        found["following_quote", which] = following["quote_id"]
    return found


def overridden(world: World, made: dict[tuple[str, str], str]) -> dict[tuple[str, str], str]:
    """A proposal of each side."""
    found = {("override", "absent"): "o_none"}
    for which, suffix in (("own", "a"), ("other", "b")):
        path = f"/v1/credit-decisions/{made['createCreditDecision', which]}/overrides"
        answer = world.ask("POST", path, key=f"bank-{suffix}", json=an_override())
        assert answer.status_code == 201, answer.text
        found["override", which] = answer.json()["override"]["override_id"]
    return found


def watched(world: World) -> dict[tuple[str, str], str]:
    """A case of each side."""
    found = {
        firm: [
            EarlyWarning(
                unit=firm,
                day=NOW.date(),
                code=WarningCode.WEAK_PRODUCTION,
                severity=Severity.SERIOUS,
                strength=2.0,
                evidence={},
            )
        ]
        for firm in (world.own, world.other)
    }
    opens = Opening(severity=Severity.SERIOUS)
    news, _ = watching.keep(
        world.home, found, sorted(found), day=NOW.date(), opens=opens, parameters_version="v", now=NOW
    )
    ids = {item["obligor_id"]: item["case_id"] for item in news}
    return {("case", "own"): ids[world.own], ("case", "other"): ids[world.other], ("case", "absent"): "case_none"}


def offered(world: World, made: dict[tuple[str, str], str]) -> dict[tuple[str, str], str]:
    """An offer of recourse about the decision of each side, as the documented example says it."""
    body = example("getRecourse")["offer"]
    plain = {name: value for name, value in body.items() if name not in {"note", "rescores"}}
    found = {("offer", "absent"): "r0"}
    with world.home.engine.begin() as connection:
        for which in ("own", "other"):
            found["offer", which] = f"{body['offer_id'][:-5]}{which}"
            offers.append_offer(
                connection,
                found["offer", which],
                DecisionId(made["createCreditDecision", which]),
                good_until=None,
                plans=len(body["plans"]),
                note=body["note"],
                body=canonical_bytes(plain),
                now=NOW,
            )
    return found


def queued(world: World) -> dict[tuple[str, str], str]:
    """A night; jobs are nobody's."""
    with world.home.engine.begin() as connection:
        job = queue.queue_watch(connection, as_of=NOW, now=NOW)["job_id"]
    return {("job", "own"): job, ("job", "other"): job, ("job", "absent"): "job_none"}


def ask(world: World, made: dict[tuple[str, str], str], name: str, which: str, key: str | None) -> httpx.Response:
    """The operation about an object, with the role's key of side a."""
    method, path, _ = OPERATIONS[name]
    rule, firm = RULES[name], FIRMS[which](world)
    target = made[rule.makes, which] if rule.makes else firm
    path = path.replace("{obligor_id}", firm)
    path = re.sub(r"\{\w+\}", target, path)
    body = {} if rule.body is None else {"json": rule.body(firm)}
    if rule.names:
        body = {"json": {"quote_id": made[rule.names, which]}}
    if rule.tells:
        body = {"json": rule.tells(lambda maker: made[maker, which])}
    return world.ask(method, path, key=key, params=rule.parameters(firm), **body)


def test_every_operation_has_a_rule() -> None:
    assert RULES.keys() == OPERATIONS.keys()


@pytest.mark.parametrize("name", GUARDED)
def test_the_document_says_who_may(name: str) -> None:
    assert OPERATIONS[name][2]["x-roles"] == sorted(RULES[name].roles.split())


@pytest.mark.parametrize("name", GUARDED)
def test_anonymous(world: World, made: dict[tuple[str, str], str], name: str) -> None:
    answer = ask(world, made, name, "own", None)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("name", [name for name, rule in RULES.items() if rule.roles == "open"])
def test_open(world: World, name: str) -> None:
    assert world.ask("GET", OPERATIONS[name][1]).status_code == 200


@pytest.mark.parametrize("name", GUARDED)
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("which", OBJECTS)
def test_role(world: World, made: dict[tuple[str, str], str], name: str, role: str, which: str) -> None:
    rule = RULES[name]
    answer = ask(world, made, name, which, f"{role}-a")
    if role not in rule.roles.split():
        assert (answer.status_code, answer.json()["code"]) == (403, "role_not_allowed")
    elif not rule.has_object or which == "own" or (which == "other" and role in rule.all_seeing.split()):
        if name in {"getConsent"} and role == "insurer":
            assert answer.status_code == 404  # the consents made here name the banks
        else:
            assert answer.status_code == rule.status, answer.text
            assert answer.content.startswith(b"%PDF-") if rule.is_paper else answer.json()["livemode"] is False
    else:
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("name", [name for name in GUARDED if RULES[name].has_object])
@pytest.mark.parametrize("role", ROLES)
def test_another_and_absent_are_the_same(world: World, made: dict[tuple[str, str], str], name: str, role: str) -> None:
    if role in RULES[name].all_seeing.split():
        role = "obligor" if "obligor" in RULES[name].roles else "gateway"
    other, absent = (ask(world, made, name, which, f"{role}-a") for which in ("other", "absent"))
    assert other.status_code == absent.status_code
    assert _less_id(other) == _less_id(absent)


@pytest.mark.parametrize("name", ["listObligors", "listConsents"])
@pytest.mark.parametrize("role", ROLES)
def test_lists_hold_nobody_elses(world: World, name: str, role: str) -> None:
    if role not in RULES[name].roles.split() or role == "operator":
        return
    answer = world.ask("GET", OPERATIONS[name][1], key=f"{role}-a", params={"limit": 100})
    assert {item["obligor_id"] for item in answer.json()["data"]} == {world.own}
    assert world.other not in answer.text


@pytest.mark.parametrize("name", [name for name, rule in RULES.items() if rule.is_looked_at])
def test_every_look_is_noted_in_the_same_transaction(world: World, made: dict[tuple[str, str], str], name: str) -> None:
    rule = RULES[name]
    role = rule.roles.split()[0]
    with world.home.engine.begin() as connection:
        connection.execute(access_log.delete())
    refused = ask(world, made, name, "absent" if rule.has_object else "own", f"{role}-b" if rule.has_object else None)
    assert refused.status_code in {401, 404}
    assert _looks(world) == []
    assert ask(world, made, name, "own", f"{role}-a").status_code == rule.status
    viewer = f"{role}-a"
    assert _looks(world) == [(world.own, viewer, role, rule.is_looked_at, NOW)]


@pytest.mark.parametrize(
    "key", ["x", "mg_test_aaaaaaaaaaaa_" + "a" * 52, "mg_live_" + "a" * 65, "mg_test_\u00e4".encode().hex()]
)
def test_a_wrong_key_is_no_key(world: World, key: str) -> None:
    answer = world.ask("GET", "/v1/obligors", headers={"Authorization": f"Bearer {key}"})
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


@pytest.mark.parametrize("scheme", ["Basic", "Digest", "mg_test"])
def test_another_scheme_is_no_key(world: World, scheme: str) -> None:
    answer = world.ask("GET", "/v1/obligors", headers={"Authorization": f"{scheme} {world.keys['bank-a']}"})
    assert answer.status_code == 401


def _less_id(answer: httpx.Response) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(answer.content)
    body.pop("request_id")
    return body


def _looks(world: World) -> list[tuple[Any, ...]]:
    columns = (access_log.c.obligor_id, access_log.c.viewer, access_log.c.role, access_log.c.what, access_log.c.time)
    with world.home.engine.begin() as connection:
        return [tuple(row) for row in connection.execute(sa.select(*columns).order_by(access_log.c.sequence))]
