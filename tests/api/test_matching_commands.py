"""Applying, screening and matching from the command line, on a small home with a model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from api.partners.repository import LOCAL
from benchmarks import small_home
from tests.api.conftest import Run

CRITERIA: dict[str, Any] = {
    **{"product": "working_capital", "currency": "CNY", "tenor_months": 12},
    **{"smallest_minor": 100, "largest_minor": 10_000_000, "takes_referred": True},
    "as_of": small_home.AS_OF.isoformat(),
}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose obligors were all scored."""
    home = small_home.build(tmp_path_factory.mktemp("matching"))
    home.engine.dispose()
    return home.root


@pytest.fixture
def criteria(small: Path, home: Path, tmp_path: Path) -> Path:
    """A criteria file beside a home of the test's own."""
    shutil.copytree(small, home)
    path = tmp_path / "criteria.json"
    path.write_text(json.dumps(CRITERIA), encoding="utf-8")
    return path


def test_screen_apply_match_withdraw(criteria: Path, run: Run) -> None:
    screened = run("prescreen", "--criteria", criteria, "--json").answer
    assert screened["screened"] == len(screened["lines"]) > 1
    assert screened["without_recent_snapshot"] == []
    firm = screened["lines"][0]["obligor_id"]
    asked = ("--obligor", firm, "--amount", "50000.00", "--tenor-months", 12, "--until", "2099-01-01")
    filed = run("application", "file", *asked, "--shown-to", LOCAL, "--json")
    assert filed.exit_code == 0, filed.err
    assert filed.answer["shown_to"] == [{"partner_id": LOCAL, "has_consent": True}]
    criteria.write_text(json.dumps({**CRITERIA, "funds_minor": 1_000_000}), encoding="utf-8")
    told = run("match", "--criteria", criteria, "--json").answer
    (line,) = told["lines"]
    assert (line["obligor_id"], line["wanted_minor"]) == (firm, 5_000_000)
    assert line["amount_minor"] <= 1_000_000
    assert line["unmet"] or line["bound_by"] == {"kind": "funds", "name": None}
    assert firm in run("match", "--criteria", criteria).out
    run("application", "withdraw", filed.answer["application_id"])
    assert run("match", "--criteria", criteria, "--json").answer["lines"] == []


def test_an_old_snapshot_is_not_screened_on(criteria: Path, run: Run) -> None:
    criteria.write_text(json.dumps(CRITERIA), encoding="utf-8")
    before = run("prescreen", "--criteria", criteria, "--json").answer
    told = run("prescreen", "--criteria", criteria, "--as-of", "2026-01-01", "--json").answer
    assert (told["screened"], len(told["without_recent_snapshot"])) == (0, before["screened"])


@pytest.mark.parametrize("text", ["{", "{}", json.dumps({**CRITERIA, "smallest_minor": 0})])
def test_a_wrong_file_says_what_is_wrong_with_it(criteria: Path, run: Run, text: str) -> None:
    criteria.write_text(text, encoding="utf-8")
    ran = run("prescreen", "--criteria", criteria)
    assert ran.exit_code == 2
    assert "Traceback" not in ran.err
    missing = run("prescreen", "--criteria", criteria.parent / "none.json")
    assert (missing.exit_code, "cannot be read" in missing.err) == (2, True)
    assert run("application", "withdraw", "none").exit_code == 2
