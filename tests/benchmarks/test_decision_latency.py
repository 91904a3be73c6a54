"""The benchmark of latency asks a real server each kind of question and prints a figure for each."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import decision_latency


def test_every_kind_of_question_is_answered_and_timed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decision_latency, "ROUNDS", 1)
    monkeypatch.setattr(decision_latency, "REQUESTS_PER_ROUND", 8)
    monkeypatch.setattr(decision_latency, "WARM_UP", 2)
    monkeypatch.setattr(decision_latency, "COLD", 2)
    found = decision_latency.measure(tmp_path, lender="BANK-SYNTHETIC")
    for kind in ("", "bare_", "with_receipt_", "quote_", "look_through_"):
        assert 0 < found[f"{kind}p50_ms"] <= found[f"{kind}p99_ms"]
    assert min(found[name] for name in ("cold_snapshot_p50_ms", "whole_book_ms", "after_news_p50_ms")) > 0
    assert (found["requests"], found["obligors"], found["database"]) == (8, 6, "sqlite")
    assert found["times_bare"] == pytest.approx(found["p50_ms"] / found["bare_p50_ms"], abs=0.01)
