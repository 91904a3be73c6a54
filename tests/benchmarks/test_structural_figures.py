"""The figures of the structural engine, on a small scale."""

from __future__ import annotations

from benchmarks.structural import default_rates, nested_agreement


def test_default_rate_is_as_meant_and_a_share_of_firms() -> None:
    figures = default_rates(range(1, 5))
    assert isinstance(figures["default_rate_12m"], float)
    assert 0.03 <= figures["default_rate_12m"] <= 0.06
    assert isinstance(figures["default_rate_by_seed"], list)
    assert len(figures["default_rate_by_seed"]) == 4
    assert isinstance(figures["receivable_days"], float)
    assert 45 <= figures["receivable_days"] <= 90


def test_nested_figures_are_of_the_firms_asked_for() -> None:
    figures = nested_agreement(firms=4, paths=8)
    assert (figures["nested_firms"], figures["nested_paths"]) == (4, 8)
    expected, realised = figures["nested_expected_defaults"], figures["realised_defaults"]
    assert isinstance(expected, float)
    assert isinstance(realised, int)
    assert 0 <= expected <= 4
    assert 0 <= realised <= 4
