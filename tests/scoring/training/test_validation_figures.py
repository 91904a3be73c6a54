"""Figures of a validation pack: identities, what another library says, and that each finds what was planted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from data_contracts.reference.dated import ParameterBook
from features.as_of import CreditTrainingSet
from scoring.credit.artefact import CreditArtefact, credit_artefact
from scoring.monitoring.stability import Bins, Drift, bins_of, read_bins, stability
from scoring.training.validation.calibration import calibration_error, equal_groups, murphy
from scoring.training.validation.discrimination import area_by_firms, area_gained, captured
from scoring.training.validation.figures import validation_figures
from scoring.training.validation.held_out import Examined, examined
from scoring.training.validation.membership import membership
from scoring.training.validation.robustness import monotonicity

ALARMS = {"least_rows": 50, "psi_watch": 0.10, "psi_shifted": 0.25}


@pytest.fixture(scope="module")
def model(credit_model: CreditArtefact, credit_data: CreditTrainingSet, parameters: ParameterBook) -> Examined:
    return examined(credit_model, credit_data, parameters)


@pytest.fixture(scope="module")
def figures(credit_model: CreditArtefact, credit_data: CreditTrainingSet, parameters: ParameterBook) -> dict[str, Any]:
    half = {name: "C34" if index % 2 else "C35" for index, name in enumerate(sorted(set(credit_data.obligor_ids)))}
    return validation_figures(credit_model, credit_data, parameters, segments={"industry": half})


def test_the_pack_says_what_the_card_says(figures: dict[str, Any], credit_model: CreditArtefact) -> None:
    card = credit_model.card.metrics
    assert card.auc is not None
    assert figures["discrimination"]["auc"] == pytest.approx(card.auc.model_dump())
    assert figures["calibration"]["brier"] == pytest.approx(card.brier)
    assert figures["calibration"]["mean_pd"] == pytest.approx(card.mean_pd)
    model = figures["ladder"][-1]
    assert (model["rung"], model["auc"]) == ("model", figures["discrimination"]["auc"])
    assert figures["outage"]["auc_before"] == figures["discrimination"]["auc"]


def test_the_same_data_give_the_same_figures(
    figures: dict[str, Any], credit_model: CreditArtefact, credit_data: CreditTrainingSet, parameters: ParameterBook
) -> None:
    order = np.random.default_rng(5).permutation(len(credit_data.obligor_ids))
    again = validation_figures(credit_model, credit_data.at(order), parameters, segments={})
    assert {**again, "fairness": {}} == {**figures, "fairness": {}}


def test_groups_add_up(figures: dict[str, Any]) -> None:
    found = figures["discrimination"]
    for groups in (*figures["fairness"].values(), figures["calibration"]["groups"]):
        assert sum(group["rows"] for group in groups) == found["rows"]
        assert sum(group["defaults"] for group in groups) == found["defaults"]
    last = figures["cohorts"][-1]
    assert (last["rows"], last["defaults"]) == (found["rows"], found["defaults"])
    assert {group["group"] for group in figures["fairness"]["industry"]} == {"C34", "C35"}


def test_the_brier_score_is_the_sum_of_its_parts(figures: dict[str, Any]) -> None:
    found = figures["calibration"]
    parts = found["brier_uncertainty"] - found["brier_resolution"] + found["brier_reliability"]
    assert found["brier"] == pytest.approx(parts + found["brier_within_bins"], abs=1e-12)
    whole = murphy(np.array([0.2, 0.2, 0.6, 0.6]), np.array([False, False, True, True]), np.array([0, 0, 1, 1]))
    assert whole["brier_within_bins"] == pytest.approx(0.0, abs=1e-15)
    assert whole["brier_reliability"] == pytest.approx((0.2**2 + 0.4**2) / 2)


def test_an_area_by_firms_is_the_librarys_and_wider_where_rows_repeat() -> None:
    rng = np.random.default_rng(1)
    pd = np.round(rng.random(300), 2)
    defaulted = rng.random(300) < pd
    firms = np.array([f"F{index:03d}" for index in range(300)])
    once = area_by_firms(pd, defaulted, firms, seed=1)
    assert once.value == pytest.approx(roc_auc_score(defaulted, pd))
    four = area_by_firms(np.repeat(pd, 4), np.repeat(defaulted, 4), np.repeat(firms, 4), seed=1)
    assert (four.lower, four.upper) == pytest.approx((once.lower, once.upper))  # four months of a firm tell no more
    alone = area_by_firms(
        np.repeat(pd, 4), np.repeat(defaulted, 4), np.array([f"R{index}" for index in range(1200)]), seed=1
    )
    assert alone.upper - alone.lower < 0.6 * (four.upper - four.lower)
    nothing = area_gained(pd, pd, defaulted, firms, seed=1)
    assert (nothing.value, nothing.lower, nothing.upper) == (0, 0, 0)


def test_tenths_rise_and_bear_their_intervals(figures: dict[str, Any]) -> None:
    """Of no default among n firms the interval of Clopper and Pearson ends at 1 - 0.025 ** (1 / n)."""
    groups = figures["calibration"]["groups"]
    assert len(groups) == 10
    assert sorted(group["mean_pd"] for group in groups) == [group["mean_pd"] for group in groups]
    for group in groups:
        rate = group["default_rate"]
        assert rate["lower"] <= rate["value"] == group["defaults"] / group["rows"] <= rate["upper"]
        if not group["defaults"]:
            assert (rate["lower"], rate["upper"]) == pytest.approx((0.0, 1 - 0.025 ** (1 / group["rows"])))


def test_capture_and_calibration_error_by_hand() -> None:
    pd = np.linspace(0.01, 0.99, 20)
    defaulted = np.zeros(20, dtype=bool)
    defaulted[[0, 18, 19]] = True
    assert captured(pd, defaulted) == pytest.approx(2 / 3)
    two = equal_groups(np.array([0.1, 0.1, 0.3, 0.3]), 2)
    outcomes = np.array([[False, True, False, True], [False, False, False, False]])
    assert calibration_error(np.array([0.1, 0.1, 0.3, 0.3]), outcomes, two) == pytest.approx([0.3, 0.2])


def test_a_wrong_way_step_is_found(model: Examined) -> None:
    assert monotonicity(model, seed=1)["wrong_steps"] == 0
    turned = tuple(feature.model_copy(update={"sign": -feature.sign}) for feature in model.artefact.card.features)
    card = model.artefact.card.model_copy(update={"features": turned})
    other = credit_artefact(model.artefact.bag.members, card, reference=model.artefact.reference)
    assert monotonicity(replace(model, artefact=other), seed=1)["wrong_steps"] > 0


def test_membership_is_found_in_a_member_that_knows_its_firms_by_heart(model: Examined) -> None:
    honest = membership(model)
    assert 0.4 < honest["auc"] < 0.65
    from scoring.training.credit import drawn_obligors

    class Knowing:
        """A bag whose members are sure of what they saw, and of nothing else."""

        def margins(self, _: Any) -> Any:
            seen = drawn_obligors(model.train.obligor_ids, seed=model.artefact.card.seed) > 0
            return np.where(seen, np.where(model.train.defaulted, 5.0, -5.0), 0.0)[None]

    told = membership(replace(model, artefact=replace(model.artefact, bag=Knowing())))  # type: ignore[arg-type]
    assert told["auc"] > 0.95
    assert told["is_within"] is False


@pytest.mark.parametrize(
    ("now", "found"),
    [
        (np.linspace(0, 1, 500), Drift.STABLE),
        (np.linspace(0, 1, 500) ** 1.7, Drift.WATCH),
        (np.linspace(0, 1, 500) ** 4, Drift.SHIFTED),
        (np.where(np.arange(500) % 3 == 0, np.nan, np.linspace(0, 1, 500)), Drift.SHIFTED),
        (np.linspace(0, 1, 49) ** 4, Drift.TOO_FEW),
        (np.empty(0), Drift.TOO_FEW),
    ],
)
def test_stability(now: np.ndarray, found: Drift) -> None:
    then = bins_of(np.linspace(0, 1, 1000), count=10)
    assert stability(then, now, ALARMS).drift is found
    assert read_bins(then.plain()) == then


def test_an_index_by_hand_and_what_chance_alone_gives() -> None:
    then = Bins(edges=(0.5,), shares=(0.5, 0.5, 0.0), rows=400)
    told = stability(then, np.array([0.1] * 30 + [0.9] * 70), ALARMS)
    assert told.psi == pytest.approx(-0.2 * np.log(0.6) + 0.2 * np.log(1.4))
    assert told.expected_by_chance == pytest.approx(1 / 400 + 1 / 100)
    rng = np.random.default_rng(3)
    drawn = [stability(bins_of(rng.random(500), count=10), rng.random(500), ALARMS) for _ in range(200)]
    assert np.mean([item.psi for item in drawn]) == pytest.approx(drawn[0].expected_by_chance, rel=0.15)


def test_values_that_repeat_share_a_bin() -> None:
    bins = bins_of(np.array([0.0] * 90 + [1.0] * 10), count=10)
    assert (len(bins.edges), bins.shares) == (1, (0.9, 0.1, 0.0))
    assert bins_of(np.array([np.nan, np.nan]), count=10).shares == (0.0, 1.0)
