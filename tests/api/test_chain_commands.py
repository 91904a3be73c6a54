"""Watching and stressing a small simulated book from the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import simulator

Run = Callable[..., Any]

AS_OF = "2026-07-01"


@pytest.fixture
def book(tmp_path: Path, run: Run) -> Path:
    """Eight firms of nine months, in the test's home."""
    world = tmp_path / "world"
    simulator.simulate(out=world, obligors=8, months=9, seed=7)
    assert run("ingest", world).exit_code == 0
    return world


def test_watch_and_stress(book: Path, run: Run) -> None:
    told = run("watch", "--as-of", AS_OF, "--json").answer
    assert (told["day"], told["obligors"], told["obligors_watched_now"]) == ("2026-06-30", 8, 8)
    again = run("watch", "--as-of", AS_OF, "--json").answer
    assert (again["obligors_watched_now"], again["news"]) == (0, [])
    assert again["cases"] == told["cases"] == run("case", "list", "--json").answer["cases"]
    invoices = pd.read_csv(book / "invoice.csv")
    sold = invoices[~invoices["buyer_id"].isin(invoices["obligor_id"])].groupby("buyer_id")["obligor_id"].nunique()
    core = sold.idxmax()
    struck = run("stress", "--core-enterprise", core, "--orders", "-0.4", "--as-of", AS_OF, "--json").answer
    assert len(struck["suppliers"]) >= sold[core]
    assert all(0.6 <= item["output_level"] < 1.0 for item in struck["suppliers"])
    assert struck["rests_on"]["invoices"] == invoices["obligor_id"].nunique()
    assert struck["obligors_without_score"] == 8  # nobody was scored: said, and no loss made up
    assert struck["expected_loss_after_minor"] is struck["loss_distribution"] is None
    assert all(item["bridge_minor"] is None and item["bridge_at_most_minor"] > 0 for item in struck["suppliers"])
    said = run("stress", "--core-enterprise", core, "--orders", "-0.4", "--as-of", AS_OF).out
    assert "expected loss unknown" in said
    assert "8 of 8 without a score" in said


def test_a_stranger_and_a_rise_are_no_shock(book: Path, run: Run) -> None:
    del book
    assert run("stress", "--core-enterprise", "NOBODY", "--orders", "-0.4", "--as-of", AS_OF).exit_code == 2
    assert run("stress", "--core-enterprise", "NOBODY", "--orders", "0.4", "--as-of", AS_OF).exit_code == 2
    assert run("case", "act", "case_x", "close", "--reason", "done").exit_code == 2
