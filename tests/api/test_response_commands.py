"""A loan in trouble from the command line: a step is told from a file, and the course is shown."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

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


@pytest.fixture
def decision(home: Path, tmp_path: Path) -> str:
    made = small_home.build(tmp_path / "small")
    made.engine.dispose()
    shutil.copytree(made.root, home)
    here = open_home(home)
    with unit_of_work(here.engine) as connection:
        firm, *_ = all_ids(connection)
    request = CreditRequest(
        obligor_id=firm, product=CreditProduct.WORKING_CAPITAL, amount_minor=10**7, currency="CNY", tenor_months=12,
        as_of=small_home.AS_OF,
    )  # fmt: skip
    return str(json.loads(credit_decisions.decide(here, request, partner=LOCAL, now=small_home.NOW))["decision_id"])


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
