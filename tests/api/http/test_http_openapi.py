"""The document in docs/ is the app's, and what it shows by example is true to its own schemas."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from api.errors import PLACES, code_of
from api.main import openapi_document

DOCS = Path(__file__).parents[3] / "docs"
DOCUMENT: dict[str, Any] = json.loads((DOCS / "openapi.json").read_text(encoding="utf-8"))
OPERATIONS = {
    operation["operationId"]: (method, path, operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
}
ANSWERS = [name for name, (_, path, _) in OPERATIONS.items() if path.startswith("/v1/")]
PAPERS = ["getCreditMemo", "getInsurancePortfolioPaper", "getPremiumStatement", "getModelCard", "getValidationPack"]


def check(schema: dict[str, Any], value: Any) -> None:
    jsonschema.Draft202012Validator({**schema, "components": DOCUMENT["components"]}).validate(value)


def test_the_document_is_current() -> None:
    """`millgrade openapi` writes it."""
    assert openapi_document() == DOCUMENT


def test_operation_ids_are_stable() -> None:
    assert sorted(OPERATIONS) == [
        "actOnCase", "appendPolicyRecord", "confirmOverride", "confirmPledge", "createApplication", "createConsent",
        "createCreditDecision", "createDryRun", "createExposurePrices", "createGatewayKey", "createInsurancePolicy", "createInsurancePortfolioReport",
        "createMatch", "createOnDemandPremium",
        "createPledge", "createPortfolioReport", "createPremiumQuote", "createPrescreen", "createRecourseCompletion",
        "createRecourseSearch", "createRenewalRound", "createStress", "createTelemetry", "createUsageStatement", "createUseOfFunds",
        "createWatchRun", "getCase", "getConsent",
        "getCovenants", "getCreditDecision", "getCreditDecisionReceipt", "getCreditMemo", "getExplanation",
        "getInsurancePolicy", "getInsurancePortfolioPaper", "getJob", "getLeases", "getLiveness", "getMetrics",
        "getModelCard", "getMonths", "getObligor",
        "getOutcomeRegister", "getOverrides", "getPledge", "getPremiumQuote", "getPremiumQuoteReceipt",
        "getPremiumStatement", "getReadiness", "getRecourse", "getResponses", "getScore", "getValidationPack",
        "listAccessLog", "listApplications", "listCases", "listConsents", "listGatewayKeys", "listMachines",
        "listObligors", "listPledges", "proposeOverride", "releasePledge", "reportDecisionEvent", "revokeGatewayKey",
        "tellResponse", "withdrawApplication", "withdrawConsent",
    ]  # fmt: skip


@pytest.mark.parametrize("name", PAPERS)
def test_a_paper_comes_as_pdf_or_html(name: str) -> None:
    assert list(OPERATIONS[name][2]["responses"]["200"]["content"]) == ["application/pdf", "text/html"]


@pytest.mark.parametrize("name", [name for name in ANSWERS if name not in PAPERS])
def test_an_answers_example_is_of_its_schema(name: str) -> None:
    responses = OPERATIONS[name][2]["responses"]
    (content,) = [response["content"]["application/json"] for code, response in responses.items() if code < "300"]
    check(content["schema"], content["example"])
    assert content["example"]["livemode"] is False


@pytest.mark.parametrize("name", [name for name in ANSWERS if "requestBody" in OPERATIONS[name][2]])
def test_a_requests_example_is_of_its_schema(name: str) -> None:
    for content in OPERATIONS[name][2]["requestBody"]["content"].values():
        check(content["schema"], content["example"])


@pytest.mark.parametrize("name", ANSWERS)
def test_every_operation_names_its_key_and_its_problems(name: str) -> None:
    operation = OPERATIONS[name][2]
    assert operation["security"] == [{"api_key": []}]
    assert {"401", "403", "422", "500", "503"} <= operation["responses"].keys()
    for code, response in operation["responses"].items():
        if code >= "400":
            assert list(response["content"]) == ["application/problem+json"]


def test_the_page_about_the_api_lists_every_error() -> None:
    page = (DOCS / "api.md").read_text(encoding="utf-8")
    listed = {(int(status), code) for status, code in re.findall(r"^\| (\d{3}) \| `(\w+)` \|", page, re.MULTILINE)}
    assert listed == {(place.status, code_of(kind)) for kind, place in PLACES.items()} | {
        (422, "invalid_request"), (422, "invalid_cursor"), (422, "invalid_consent"), (422, "invalid_instant"),
        (422, "unknown_mapping"), (422, "foreign_machine"), (422, "contract_violated"), (422, "unreadable_source"),
        (422, "no_parameter_yet"), (422, "product_not_offered"), (422, "currency_not_supported"),
    }  # fmt: skip
