"""What takes too long or is too large: a browser is told with a page, a program with a problem."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import httpx
import pytest
from portal_world import NOW, Visitor
from test_portal_pages import LANGUAGES, POLICY

from api.home import Home, open_home
from api.http.limits import Limits
from api.http.problem import PROBLEM_JSON
from api.main import create_app
from risk_reports.wording.catalogue import Language, wording

LIMITS = Limits(body_bytes=100, telemetry_bytes=100, seconds=0.05)
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    opened = open_home(tmp_path / "home")
    yield opened
    opened.engine.dispose()


def slow_clock() -> datetime:
    """A clock that takes longer to read than a request may last."""
    time.sleep(10 * LIMITS.seconds)
    return NOW


def visitor_of(home: Home) -> Visitor:
    return Visitor(create_app(home, clock=slow_clock, limits=LIMITS, log_stream=io.StringIO()))


def assert_page(answer: httpx.Response, *, status: int, told: str) -> None:
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["millgrade-request-id"]
    assert told in answer.text


@pytest.mark.parametrize(("path", "language"), LANGUAGES)
def test_a_page_that_takes_too_long_is_a_page(home: Home, path: str, language: Language) -> None:
    answer = visitor_of(home).get(f"/portal/{path}/")
    assert_page(answer, status=503, told=wording(language).say("page.error.slow"))
    assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize(("path", "language"), LANGUAGES)
@pytest.mark.parametrize("where", ["sign-in", "consents/grant"])
def test_a_form_that_is_too_large_is_answered_with_a_page(
    home: Home, path: str, language: Language, where: str
) -> None:
    answer = visitor_of(home).send("POST", f"/portal/{path}/{where}", content=b"name=" + 200 * b"x", headers=FORM)
    assert_page(answer, status=413, told=wording(language).say("page.error.too_large"))


def test_a_program_is_answered_with_a_problem_as_ever(home: Home) -> None:
    visitor = visitor_of(home)
    for path in ("/v1/consents", "/portalx", "/v1/portal"):
        answer = visitor.send("POST", path, content=200 * b"x")
        assert (answer.status_code, answer.headers["content-type"]) == (413, PROBLEM_JSON)
        assert answer.json()["code"] == "body_too_large"
