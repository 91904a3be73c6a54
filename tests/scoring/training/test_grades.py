"""Every obligor of the test months stands in one grade, and each grade says how prudent it is."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from data_contracts.reference.dated import ParameterBook
from scoring.credit.artefact import CreditArtefact
from scoring.credit.master_scale import master_scale
from scoring.credit.pluto_tasche import upper_pd
from scoring.training.grades import grade_figures

PRUDENCE = {"confidence": 0.75, "asset_correlation": 0.0}


def test_grades_by_hand() -> None:
    scale = master_scale({"R1": 0.01, "R2": 0.04, "R3": 0.16, "D": 1.0})  # bounds 0.02 and 0.08
    pd = np.array([0.02, 0.01, 0.03, 0.05, 0.05])
    first, second, third = grade_figures(pd, np.array([0, 0, 1, 0, 0], bool), scale=scale, settings=PRUDENCE)
    assert (first.rating_grade, first.obligors, first.defaults, first.mean_pd) == ("R1", 2, 0, 0.015)
    assert (second.obligors, second.defaults, second.mean_pd) == (3, 1, pytest.approx(0.13 / 3))
    assert (third.obligors, third.mean_pd, third.optimism) == (0, None, None)
    assert second.most_prudent_pd == upper_pd(3, 1, confidence=0.75)
    assert first.most_prudent_pd == upper_pd(5, 1, confidence=0.75)
    assert third.most_prudent_pd == 1.0


def test_the_card_grades_every_obligor_of_the_test_months(
    credit_model: CreditArtefact, parameters: ParameterBook
) -> None:
    card = credit_model.card
    assert sum(line.obligors for line in card.grades) == card.test.rows
    assert sum(line.defaults for line in card.grades) == card.test.events
    assert [line.rating_grade for line in card.grades] == [f"R{index}" for index in range(1, 14)]
    assert all(line.most_prudent_pd > 0 for line in card.grades)
    seen = [line for line in card.grades if line.obligors]
    for line in seen:  # Jeffreys: how likely the grade's true PD is no higher than the mean that was told
        told = scipy.stats.beta.cdf(line.mean_pd, line.defaults + 0.5, line.obligors - line.defaults + 0.5)
        assert line.optimism == pytest.approx(told)
