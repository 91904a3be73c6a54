"""The warranty as filed from 2027 on, from the hazard of repairs: what is charged never falls with hours or failures."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from data_contracts.reference.dated import ParameterBook
from scoring.insurance.filed import FiledCover, filed_cover
from scoring.records import InsuranceProduct

BEFORE, SINCE = date(2026, 12, 31), date(2027, 1, 1)
HOURS, FAILURES, MONTHS = (500.0, 1500.0, 2500.0, 4000.0, 5000.0), (0.2, 0.7, 1.5, 3.0, 6.0), (12.0, 24.0, 60.0)


def filed(parameters: ParameterBook, day: date) -> FiledCover:
    return filed_cover(InsuranceProduct.EXTENDED_WARRANTY, parameters.at(day))


def test_the_filing_that_counts_is_that_of_the_day(parameters: ParameterBook) -> None:
    then, now = filed(parameters, BEFORE), filed(parameters, SINCE)
    assert (then.filing_number, now.filing_number) == ("TRIAL-EW-1", "TRIAL-EW-2")
    assert now.effective == SINCE
    assert [factor.factor.banding.edges for factor in now.factors] == [
        factor.factor.banding.edges for factor in then.factors
    ]


def test_more_hours_and_more_failures_are_never_cheaper_and_no_machine_meets_a_bound(parameters: ParameterBook) -> None:
    now = filed(parameters, SINCE)
    grid = np.array([[[[hours, rate, months] for months in MONTHS] for rate in FAILURES] for hours in HOURS])
    rates = now.rates(grid.reshape(-1, 3)).reshape(grid.shape[:3])
    assert all((np.diff(rates, axis=axis) > 0).all() for axis in range(3))
    assert now.lowest * now.base_rate < rates.min()
    assert rates.max() < now.highest * now.base_rate


def test_hours_weigh_less_than_in_proportion(parameters: ParameterBook) -> None:
    """By the hazard who works much looks after machines better; the first filing went by the hours alone."""
    spreads = []
    for day in (BEFORE, SINCE):
        rates = filed(parameters, day).rates(np.array([[hours, 1.5, 12.0] for hours in HOURS]))
        spreads.append(rates[-1] / rates[0])
    assert spreads == pytest.approx([11.0, 1.62 / 0.57])
