"""The exhibit of the three doors on a small home: what the command prints is what the doors answered. Synthetic."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from api.database.engine import unit_of_work
from api.obligors.repository import all_ids
from benchmarks import small_home
from benchmarks.three_doors import __main__ as command
from benchmarks.three_doors.checks import FiguresDiffer, checks, is_rounded
from benchmarks.three_doors.page import page
from benchmarks.three_doors.shortened import laid_out, shortened
from benchmarks.three_doors.visit import Visit

COMMITTED = Path(__file__).parents[2] / "docs" / "exhibits" / "three-doors.md"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visit]:
    """One visit, over HTTP, of a home of six firms."""
    home = small_home.build(tmp_path_factory.mktemp("doors"))
    with unit_of_work(home.engine) as connection:
        obligor = all_ids(connection)[0]
    yield command.tell(home, obligor, clock=small_home.NOW)
    home.engine.dispose()


def test_every_figure_is_equal_and_none_is_left_out(told: Visit) -> None:
    found = checks(told)
    assert all(check.is_equal for check in found)
    assert {"grade", "reasons", "twelve months", "coverage and history", "all features"} == {
        check.wanted.part for check in found
    }
    assert "**no**" not in page(told)


@pytest.mark.parametrize(
    "path",
    [
        ("score", "score", "pd_12m"),
        ("score", "score", "score_points"),
        ("score", "snapshot", "history_days"),
        ("explanation", "features", "power_on_rate_90d", "value"),
        ("explanation", "explanation", "reasons", 0, "reference_value"),
        ("months", "months", 3, "energy_kwh"),
    ],
)
def test_another_figure_in_the_api_ends_it(told: Visit, path: tuple[Any, ...]) -> None:
    name, *steps, last = path
    exchange = getattr(told, name)
    answer = deepcopy(exchange.json)
    place = answer
    for step in steps:
        place = place[step]
    place[last] += 1e-9
    changed = replace(told, **{name: replace(exchange, json=answer)})
    with pytest.raises(FiguresDiffer):
        page(changed)


def test_who_is_kept_out_learns_nothing(told: Visit) -> None:
    assert {knock.hidden.status for knock in told.knocks} == {401, 403, 404}
    assert all(knock.is_alike for knock in told.knocks)
    assert told.unsigned == (303, "/portal/en/sign-in")
    one = told.knocks[0]
    other = replace(one, absent=replace(one.absent, content=one.absent.content + b" "))
    assert not other.is_alike


def test_no_secret_is_printed(told: Visit) -> None:
    text = page(told)
    assert set(re.findall(r"mg_\w+", text)) == {"mg_test_"}
    assert "password" not in text.replace("a name and a password", "")
    assert "req_" not in text


def test_looks_are_those_of_the_visit(told: Visit) -> None:
    rows = page(told).split("## Who looked")[1]
    for what in ("portal_sign_in", "machines", "months", "explanation", "score", "premium_quote", "credit_decision"):
        assert rows.count(f"`{what}` |") == 1


def test_the_committed_page_is_of_this_command(told: Visit) -> None:
    """Same headings, same tables; its figures are the demonstration's."""

    def frame(text: str) -> list[str]:
        return [
            line for line in text.splitlines() if line.startswith("#") or re.match(r"\| (who|zh|in the|part|\|) ", line)
        ]

    assert frame(COMMITTED.read_text(encoding="utf-8")) == frame(page(told))
    assert "**no**" not in COMMITTED.read_text(encoding="utf-8")


ROUNDED = [
    # value, text, decimals, whether the text is the value
    (2.9894, "2.99 %", 2, True),
    (2.9894, "2.98 %", 2, False),
    (4.1031, "每千加工小时4.1次", 2, True),
    (-5.1212, "每30天-5.12个百分点", 2, True),
    (5.1212, "-5.12 percentage points in 30 days", 2, False),
    (1461, "1,461 days", 0, True),
    (1, "not known", 0, False),
]  # fmt: skip


@pytest.mark.parametrize(("value", "text", "digits", "expected"), ROUNDED)
def test_a_text_is_a_number_rounded(value: float, text: str, digits: int, expected: bool) -> None:
    assert is_rounded(value, text, digits=digits) is expected


def test_what_is_cut_is_counted() -> None:
    answer = {"reasons": [1, 2], "contributions": [1, 2, 3], "features": {"a": 1, "b": 2}, "id": "f" * 64, "empty": []}
    assert shortened(answer, keep=frozenset({"a"})) == {
        "reasons": [1, 2],
        "contributions": [1, "… 2 more"],
        "features": {"a": 1, "…": "1 more"},
        "id": "f" * 12 + "…",
        "empty": [],
    }


def test_laid_out_is_the_same_json() -> None:
    answer = {"long": ["x" * 80, "y" * 80, {"z": [1.5, None, True]}], "short": {}, "名": "值"}
    text = laid_out(answer)
    assert json.loads(text) == answer
    assert text.splitlines()[0] == "{"
