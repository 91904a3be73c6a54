"""Covenants from what machines tell: thresholds, which product asks for which, and what keeps them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from scoring_book import NAMES, make_snapshot

from data_contracts.reference.dated import ParameterBook
from features.snapshot import FeatureSnapshot, Missing
from scoring.credit.covenants import covenants, is_kept
from scoring.records import CreditProduct

TODAY = date(2026, 7, 1)


def snapshot(operating_rate: float | None) -> FeatureSnapshot:
    base = make_snapshot(np.full(len(NAMES), 0.5))
    missing = Missing.NOT_OBSERVED if operating_rate is None else None
    rate = replace(base.values["operating_rate_90d"], value=operating_rate, missing=missing)
    return replace(base, values={**base.values, "operating_rate_90d": rate})


def test_thresholds_follow_what_is_observed_or_are_numbers(parameters: ParameterBook) -> None:
    found = {item.name: item for item in covenants(snapshot(0.42), CreditProduct.EQUIPMENT_LOAN, parameters.at(TODAY))}
    assert (found["operating_rate"].threshold, found["operating_rate"].observed) == (0.294, 0.42)
    assert (found["coverage"].threshold, found["coverage"].comparison) == (0.6, "at_least")
    assert (found["machines_stay"].threshold, found["machines_stay"].comparison) == (1.0, "at_most")
    assert set(found) == {"operating_rate", "coverage", "offline_spell", "machines_stay", "maintenance"}


def test_only_what_machines_secure_binds_machines(parameters: ParameterBook) -> None:
    found = [item.name for item in covenants(snapshot(0.42), CreditProduct.WORKING_CAPITAL, parameters.at(TODAY))]
    assert found == ["coverage", "offline_spell", "operating_rate"]


def test_no_promise_is_made_of_what_nobody_sees(parameters: ParameterBook) -> None:
    found = [item.name for item in covenants(snapshot(None), CreditProduct.WORKING_CAPITAL, parameters.at(TODAY))]
    assert found == ["coverage", "offline_spell"]


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("operating_rate", 0.294, True),
        ("operating_rate", 0.2939, False),
        ("operating_rate", None, None),
        ("offline_spell", 7.0, True),
        ("offline_spell", 7.1, False),
    ],
)
def test_a_promise_kept(parameters: ParameterBook, name: str, value: float | None, kept: bool | None) -> None:
    found = {item.name: item for item in covenants(snapshot(0.42), CreditProduct.EQUIPMENT_LOAN, parameters.at(TODAY))}
    assert is_kept(found[name], value) is kept
