"""The exhibit about receipts: three cheats are done for real, and each is told by whom it must be."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.database.engine import unit_of_work
from api.evidence.claims import Kind
from api.home import Home
from api.receipts.opening import parse_opening
from api.receipts.service import receipt
from benchmarks.receipt_exhibit import cheats
from benchmarks.tamper import small
from data_contracts.evidence import verify

PAGE = Path(__file__).parents[2] / "docs" / "exhibits" / "receipt.md"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A small home with a decision in it."""
    home = small.build(tmp_path_factory.mktemp("cheats"))
    yield home
    home.engine.dispose()


def test_each_cheat_is_told(home: Home, tmp_path: Path) -> None:
    name = json.loads(small.decide(home, small.FIRST))["decision_id"]
    opening = parse_opening(["feature:power_on_rate_90d"])
    with unit_of_work(home.engine) as connection:
        made = receipt(connection, home, Kind.CREDIT_DECISION, name, opening=opening, now=small.SIGNED)
    key = tmp_path / "log.pub"
    shutil.copy(home.evidence / "log.pub", key)
    assert "is not what stands at entry" in cheats.edited_statement(tmp_path, made, key).printed
    assert "is not what the statement committed to" in cheats.better_feature(tmp_path, made, key).printed
    told = cheats.rewritten_history(home, tmp_path, made, key)
    assert told["forged"].exit_code == 0, "nothing in a forged receipt alone can tell"
    assert "the log was forked" in told["witness"].printed
    assert told["audit"].exit_code == 2
    assert "not those that were signed for" in told["audit"].printed


def test_the_page_shows_them() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text.count("(exit code 1)") == 2
    assert text.count("(exit code 2)") == 2
    assert "synthetic; effect sizes are inputs, not findings" in text
    assert verify.PROOF_HEADER in text
