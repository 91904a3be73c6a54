"""After the loan from the command line: steps are told from a file and the course is shown, use is billed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from api.credit_decisions import service as credit_decisions
from api.database.engine import unit_of_work
from api.home import open_home
from api.obligors.repository import all_ids
from api.partners.repository import LOCAL
from benchmarks import small_home
from scoring.records import CreditProduct, CreditRequest
from tests.api.conftest import Run

STEP = {"kind": "step", "step": "notice", "reason": "two weeks without data", "evidence": ["case_1"], "by": "Zhang Min"}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home to be copied."""
    made = small_home.build(tmp_path_factory.mktemp("small"))
    made.engine.dispose()
    return made.root


@pytest.fixture
def decide(home: Path, small: Path) -> Iterator[Callable[[CreditProduct], dict[str, Any]]]:
    """Decides about a loan of the first firm of a copy of its own."""
    shutil.copytree(small, home)
    here = open_home(home)
    with unit_of_work(here.engine) as connection:
        firm, *_ = all_ids(connection)

    def made(product: CreditProduct) -> dict[str, Any]:
        request = CreditRequest(
            obligor_id=firm, product=product, amount_minor=10**7, currency="CNY", tenor_months=12,
            as_of=small_home.AS_OF,
        )  # fmt: skip
        answer = credit_decisions.decide(here, request, partner=LOCAL, now=small_home.NOW)
        found: dict[str, Any] = json.loads(answer)
        return found

    yield made
    here.engine.dispose()


@pytest.fixture
def decision(decide: Callable[[CreditProduct], dict[str, Any]]) -> str:
    return str(decide(CreditProduct.WORKING_CAPITAL)["decision_id"])


def test_a_step_is_told_and_shown(decision: str, run: Run, tmp_path: Path) -> None:
    assert "Next: notice" in run("response", "show", decision).out
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"event": STEP}), encoding="utf-8")
    told = run("response", "tell", decision, "--event", event, "--as", "bank", "--json")
    assert told.exit_code == 0, told.err
    assert told.answer["next"]["step"] == "cure_plan"
    assert run("response", "show", decision, "--json").answer["events"] == told.answer["events"]
    again = run("response", "tell", decision, "--event", event, "--as", "bank")
    assert (again.exit_code, "cure_plan from" in again.err) == (2, True)
    theirs = run("response", "tell", decision, "--event", event, "--as", "obligor")
    assert (theirs.exit_code, "bank's" in theirs.err) == (2, True)


def test_instalments_by_use_are_billed(
    decide: Callable[[CreditProduct], dict[str, Any]], run: Run, tmp_path: Path
) -> None:
    made, file = decide(CreditProduct.USAGE_INSTALMENT), tmp_path / "asked.json"
    asked = {"first_month": "2026-04", "machines": [f"{made['obligor_id']}/M01"], "as_of": "2026-06-30T16:00:00Z"}
    file.write_text(json.dumps(asked), encoding="utf-8")
    told = run("usage-statement", made["decision_id"], "--file", file, "--json")
    assert told.exit_code == 0, told.err
    assert [line["month"] for line in told.answer["months"]] == ["2026-04", "2026-05", "2026-06"]
    assert "2026-06" in run("usage-statement", made["decision_id"], "--file", file).out
    level = run("usage-statement", decide(CreditProduct.WORKING_CAPITAL)["decision_id"], "--file", file)
    assert (level.exit_code, "plans no instalments by use" in level.err) == (2, True)
