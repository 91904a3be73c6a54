"""What never changes while a server runs is read once: no answer parses a parameter file or a model again."""

from __future__ import annotations

from typing import Any, NoReturn

import pytest
from http_world import World, cover, loan

from data_contracts.reference import dated
from scoring import registry


def answers(world: World, amount_minor: int) -> list[int]:
    """The statuses of a decision on each kind of terms, of a quote, and of a score."""
    asked: list[tuple[str, str, dict[str, Any]]] = [
        ("/v1/credit-decisions", "bank-a", loan(world.own, product=product, amount_minor=amount_minor, tenor_months=6))
        for product in ("working_capital", "receivables", "finance_lease")
    ]
    asked.append(("/v1/premium-quotes", "insurer-a", cover(world.own, sum_insured_minor=amount_minor)))
    return [world.ask("POST", path, key=key, json=body).status_code for path, key, body in asked]


def test_no_answer_reads_parameters_or_models_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert answers(world, 50_000_000) == [201] * 4

    def read_again(*arguments: Any, **named: Any) -> NoReturn:
        raise AssertionError(f"read again: {arguments}")

    monkeypatch.setattr(dated, "_yaml", read_again)
    monkeypatch.setattr(registry, "load_artefact", read_again)
    assert answers(world, 60_000_000) == [201] * 4
