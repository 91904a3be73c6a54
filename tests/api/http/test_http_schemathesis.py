"""Schemathesis over every operation and role: no 5xx, no status that is not documented, every answer of its schema.

MILLGRADE_SCHEMATHESIS_EXAMPLES raises the examples of each pair (300 for a release).
"""

from __future__ import annotations

import base64
import os
from copy import deepcopy
from typing import Any

import pytest
import schemathesis
from http_world import World, consent_to, cover, loan
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from test_http_access import an_application, insured, offered, queued, watched
from test_http_openapi import DOCUMENT, OPERATIONS

from api.keys.principal import Role

EXAMPLES = int(os.environ.get("MILLGRADE_SCHEMATHESIS_EXAMPLES", "4"))
SCHEMA = schemathesis.openapi.from_dict(deepcopy(DOCUMENT))  # the cases are filled in within it
_refusal = SCHEMA.config.checks.negative_data_rejection
_refusal.expected_statuses = [*_refusal.expected_statuses, "413"]  # a list that is too long may be too long a body
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
HARDLY_DRAWN = {
    *("createTelemetry", "withdrawConsent", "reportDecisionEvent", "createStress", "createDryRun", "actOnCase"),
    *("createApplication", "createPrescreen", "createMatch", "createPortfolioReport", "tellResponse"),
    *("createInsurancePolicy", "appendPolicyRecord", "createUseOfFunds", "createUsageStatement"),
    *("createInsurancePortfolioReport", "createRenewalRound", "createOnDemandPremium"),
    "createExposurePrices",
}
"""Whose bodies hang together in ways that a schema does not say; `test_http_access` has them answered."""
ROLES = [role.value for role in Role]
PAIRS = [
    (name, role)
    for name, (_, path, _) in OPERATIONS.items()
    for role in (ROLES if path.startswith("/v1/") else ["operator"])
]


@pytest.fixture(scope="module")
def ids(world: World) -> dict[str, str]:
    """Objects that exist, to be asked for now and then."""
    decision = world.ask("POST", "/v1/credit-decisions", key="bank-a", json=loan(world.own)).json()
    quote = world.ask("POST", "/v1/premium-quotes", key="insurer-a", json=cover(world.own)).json()
    consent = world.ask("POST", "/v1/consents", key="obligor-a", json=consent_to(world.own)).json()
    key = {"obligor_id": world.own, "gateway": "G1", "public_key": base64.b64encode(b"k" * 32).decode()}
    gateway = world.ask("POST", "/v1/gateway-keys", key="obligor-a", json=key).json()
    machine = {"kind": "machine", "maker": "M", "serial_number": "1"}
    pledge = world.ask("POST", "/v1/pledges", key="bank-a", json={"obligor_id": world.own, "items": [machine]}).json()
    pledge_id = pledge["pledge"]["pledge_id"]
    assert world.ask("POST", f"/v1/pledges/{pledge_id}/confirmation", key="bank-a", json={}).status_code == 201
    decision_id = decision["decision"]["decision_id"]
    override = {"outcome": "approve", "reason_code": "new_contract", "reason_text": "seen", "by": "Li Wei"}
    proposed = world.ask("POST", f"/v1/credit-decisions/{decision_id}/overrides", key="bank-a", json=override).json()
    others = world.ask("POST", "/v1/credit-decisions", key="bank-b", json=loan(world.other)).json()
    sides = {"own": decision_id, "other": others["decision"]["decision_id"]}
    offers = offered(world, {("createCreditDecision", side): name for side, name in sides.items()})
    filed = world.ask("POST", "/v1/applications", key="obligor-a", json=an_application(world.own)).json()
    return {
        "application_id": filed["application"]["application_id"],
        "offer_id": offers["offer", "own"],
        "policy_id": insured(world)["policy", "own"],
        "case_id": watched(world)["case", "own"],
        "job_id": queued(world)["job", "own"],
        "override_id": proposed["override"]["override_id"],
        "pledge_id": pledge_id,
        "key_id": gateway["gateway_key"]["key_id"],
        "obligor_id": world.own,
        "decision_id": decision_id,
        "quote_id": quote["quote"]["quote_id"],
        "consent_id": consent["consent"]["consent_id"],
        "recipient": "bank-a",
    }


def strategy(name: str, mode: GenerationMode) -> st.SearchStrategy[Any]:
    method, path, _ = OPERATIONS[name]
    drawn: st.SearchStrategy[Any] = SCHEMA[path][method.upper()].as_strategy(generation_mode=mode)
    return drawn


def aimed(case: Any, ids: dict[str, str]) -> None:
    """Have the case speak of objects that exist."""
    for name in case.path_parameters or {}:
        case.path_parameters[name] = ids[name]
    if "mapping" in (case.query or {}):
        case.query["mapping"] = "canonical_sample"
    if isinstance(case.body, dict):
        case.body.update({name: value for name, value in ids.items() if name in case.body})


@pytest.mark.parametrize(("name", "role"), PAIRS)
def test_what_the_document_allows(world: World, ids: dict[str, str], name: str, role: str) -> None:
    @settings(
        max_examples=max(1, EXAMPLES // 2),
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy(name, GenerationMode.POSITIVE))
    def ask(is_aimed: bool, case: Any) -> None:
        if is_aimed:
            aimed(case, ids)
        headers = {"Authorization": f"Bearer {world.keys[f'{role}-a']}"}
        answer = case.call(base_url=world.server.url, headers=headers)
        case.validate_response(answer, checks=CHECKS, headers=headers)

    ask(True)  # half of the cases each, so that no operation is left out by chance
    ask(False)


@pytest.mark.parametrize(
    ("name", "role"), [pair for pair in PAIRS if pair[1] in OPERATIONS[pair[0]][2].get("x-roles", [])]
)
def test_what_the_document_forbids(world: World, name: str, role: str) -> None:
    @given(case=strategy(name, GenerationMode.NEGATIVE))
    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    def ask(case: Any) -> None:
        header = case.meta.components.get(ParameterLocation.HEADER)
        is_header_wrong = header is not None and header.mode is GenerationMode.NEGATIVE
        headers = {} if is_header_wrong else {"Authorization": f"Bearer {world.keys[f'{role}-a']}"}
        answer = case.call(base_url=world.server.url, headers=headers)
        case.validate_response(answer, checks=[*CHECKS, negative_data_rejection], headers=headers)

    ask()


def test_it_came_inside(world: World, ids: dict[str, str]) -> None:
    """The runs above did not only bounce off the door: most operations were answered, by one role at least."""
    counted = world.ask("GET", "/metrics").text
    assert ids["obligor_id"] == world.own
    answered = {
        name for name in OPERATIONS if any(f'{{operation="{name}",status="{code}"}}' in counted for code in (200, 201))
    }
    assert answered >= set(OPERATIONS) - HARDLY_DRAWN
