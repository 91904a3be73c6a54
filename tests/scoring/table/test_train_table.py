"""A model of any table: the ladder finds what was put in, leaks are named, and the artefact scores with reasons."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from lender_book import TRADES, book, written
from scipy.special import expit

from data_contracts.reference.dated import ParameterBook
from data_contracts.vocabulary import DataOrigin
from scoring import registry
from scoring.errors import NotEnoughEvents
from scoring.table.artefact import TableArtefact
from scoring.training.table.folds import folds_of
from scoring.training.table.reading import Table, read_table
from scoring.training.table.train import TableTraining, train_table

AS_OF = date(2026, 1, 1)
HOW = TableTraining(
    names={"outcome": "defaulted", "time": None, "group": "firm"},
    excluded=("months_paid", "approved"),
    signs={"revenue": -1, "debt": 1},
    folds=3,
    population_rate=None,
    data_origin=DataOrigin.REAL,
    seed=1,
)


def table_of(folder: Path, frame: pd.DataFrame, **how: Any) -> Table:
    told = {"outcome": "defaulted", "group": "firm", "exclude": ["months_paid", "approved"], **how}
    return read_table(written(folder, frame), **told)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    return table_of(tmp_path_factory.mktemp("book"), book())


@pytest.fixture(scope="module")
def model(table: Table, quick: ParameterBook) -> TableArtefact:
    return train_table(table, HOW, parameters=quick, as_of=AS_OF)


def test_the_ladder_rises_from_chance(model: TableArtefact) -> None:
    rungs = {rung.rung: rung for rung in model.card.ladder}
    assert next(iter(rungs)) == "intercept"
    assert {"scorecard", "free_trees", "model", "power_points"} <= rungs.keys()
    areas = {name: rung.auc.value for name, rung in rungs.items() if rung.auc is not None}
    assert areas["intercept"] == pytest.approx(0.5, abs=1e-12)
    assert min(areas[name] for name in ("scorecard", "free_trees", "model")) > 0.74  # the truth reaches about 0.80
    assert rungs["power_points"].note == "no columns kwh_month_01 to kwh_month_24"
    slope = rungs["model"].calibration_slope
    assert slope is not None
    assert 0.7 < slope.value < 1.3
    assert sum(fold.rows for fold in model.card.folds) == model.card.rows == 1_200


def test_it_is_monotone_and_takes_missing_values_and_texts(model: TableArtefact) -> None:
    rows = pd.DataFrame({"revenue": np.linspace(-3, 3, 40), "debt": 0.0, "trade": "milling", "noise": 0.0})
    said = [score["pd"] for score in model.score(rows)]
    assert all(later <= earlier + 1e-9 for earlier, later in pairwise(said))
    assert said[0] > 2 * said[-1]
    by_trade = [model.score(rows[:1].assign(trade=trade, revenue=0.0))[0]["pd"] for trade in TRADES]
    assert by_trade == sorted(by_trade)
    unknown = model.score(rows[:1].assign(trade="smithing", revenue=np.nan))[0]
    assert 0 < unknown["pd"] < 1


def test_reasons_add_up_and_quote_peers(model: TableArtefact) -> None:
    worst = pd.DataFrame({"revenue": [-2.5], "debt": [2.0], "trade": ["moulding"], "noise": [0.0]})
    (score,) = model.score(worst)
    reasons = {reason["column"]: reason for reason in score["reasons"]}
    assert {"revenue", "debt"} <= reasons.keys()
    assert reasons["revenue"]["value"] == -2.5
    assert reasons["revenue"]["peers"] > -2.5
    pulls = [reason["contribution"] for reason in score["reasons"]]
    assert pulls == sorted(pulls, reverse=True)
    assert min(pulls) >= 0.03
    assert score["base_log_odds"] == model.card.reference.base_log_odds


def test_what_tells_the_outcome_is_suspected(tmp_path: Path, quick: ParameterBook) -> None:
    leaky = table_of(tmp_path, book(600), exclude=["approved"])
    card = train_table(leaky, replace(HOW, excluded=("approved",)), parameters=quick, as_of=AS_OF).card
    assert [(leak.detector, leak.column) for leak in card.suspected_leaks] == [("single_feature", "months_paid")]


def test_an_honest_table_is_not_suspected(model: TableArtefact) -> None:
    assert model.card.suspected_leaks == ()


def test_a_value_that_is_there_only_after_default_is_suspected(tmp_path: Path, quick: ParameterBook) -> None:
    frame = book(600)
    days = [f"2021-05-{1 + row % 30:02d} {row}" for row in range(len(frame))]  # no day is learnt: each is too rare
    frame["charged_off_on"] = np.where(frame["defaulted"] == 1, days, None)
    table = table_of(tmp_path, frame)
    assert "charged_off_on is missing" in {
        leak.column for leak in train_table(table, HOW, parameters=quick, as_of=AS_OF).card.suspected_leaks
    }


def test_a_table_sampled_by_outcome_is_moved_to_the_populations_rate(tmp_path: Path, quick: ParameterBook) -> None:
    frame = book(4_000, seed=5)
    struck, others = frame[frame["defaulted"] == 1], frame[frame["defaulted"] == 0]
    balanced = pd.concat([struck, others[: len(struck)]])
    rate = len(struck) / len(frame)
    how = replace(HOW, population_rate=rate)
    model = train_table(table_of(tmp_path, balanced), how, parameters=quick, as_of=AS_OF)
    said = np.array([score["pd"] for score in model.score(others[len(struck) :])])
    unsampled = np.array([score["pd"] for score in model.score(frame)])
    assert unsampled.mean() == pytest.approx(rate, rel=0.1)
    assert said.mean() < rate
    assert model.card.log_odds_shift == pytest.approx(np.log(rate / (1 - rate)), abs=1e-9)
    assert expit(model.card.log_odds_shift) == pytest.approx(rate)


def test_later_folds_never_learn_from_later_rows_or_the_same_firm(tmp_path: Path) -> None:
    table = table_of(tmp_path, book(), time="approved", exclude=["months_paid"])
    assert table.times is not None
    folds = folds_of(table, 3, embargo_months=12, seed=1)
    for fold in folds:
        assert table.times[fold.train].max() + np.timedelta64(365, "D") <= table.times[fold.test].min()
        assert not {table.groups[row] for row in fold.train} & {table.groups[row] for row in fold.test}
    tested = np.concatenate([fold.test for fold in folds])
    assert len(tested) == len(set(tested.tolist()))
    assert [fold.tested for fold in folds] == [(f"{year}-01-01",) * 2 for year in (2020, 2021, 2022)]


def test_where_every_row_is_its_own_all_later_rows_are_tested(tmp_path: Path) -> None:
    table = table_of(tmp_path, book(), time="approved", group=None, exclude=["months_paid", "firm"])
    folds = folds_of(table, 3, embargo_months=12, seed=1)
    assert table.times is not None
    assert sum(len(fold.test) for fold in folds) == int((table.times >= np.datetime64("2020-01-01")).sum())


def test_a_table_of_one_year_has_no_later_rows(tmp_path: Path) -> None:
    table = table_of(tmp_path, book().assign(approved=2021), time="approved", exclude=["months_paid"])
    with pytest.raises(NotEnoughEvents, match="no time is left for a test"):
        folds_of(table, 3, embargo_months=12, seed=1)


def test_groups_stand_on_one_side(table: Table) -> None:
    for fold in folds_of(table, 4, embargo_months=12, seed=1):
        assert not {table.groups[row] for row in fold.train} & {table.groups[row] for row in fold.test}


def test_too_small_a_fold_is_named(tmp_path: Path) -> None:
    few = table_of(tmp_path, book(40).assign(defaulted=[1] * 3 + [0] * 37))
    with pytest.raises(NotEnoughEvents, match=r"Fold \d would (train|test) on .* Take fewer folds"):
        folds_of(few, 10, embargo_months=12, seed=1)


def test_the_same_table_gives_the_same_artefact_and_it_comes_back(
    table: Table, model: TableArtefact, quick: ParameterBook, tmp_path: Path
) -> None:
    assert train_table(table, HOW, parameters=quick, as_of=AS_OF).version == model.version
    registry.save_artefact(tmp_path, model)
    again = registry.load_artefact(tmp_path, "table", model.version)
    assert isinstance(again, TableArtefact)
    assert again.card == model.card
    assert again.score(table.frame[:5]) == model.score(table.frame[:5])


def fading(rows: int = 3_000) -> pd.DataFrame:
    """Loans of firms seen once, of which revenue tells less year by year while defaults become more."""
    drawn = np.random.default_rng(5)
    revenue, year = drawn.normal(size=rows), drawn.integers(4, size=rows)
    log_odds = -1.0 + 0.3 * year - (2.0 - 0.5 * year) * revenue
    return pd.DataFrame(
        {
            "revenue": revenue,
            "approved": 2019 + year,
            "firm": [f"F{index}" for index in range(rows)],
            "defaulted": (drawn.random(rows) < expit(log_odds)).astype(int),
        }
    )


def test_a_model_is_as_sure_as_it_was_right_to_be_of_later_rows(tmp_path: Path, quick: ParameterBook) -> None:
    how = replace(HOW, names={"outcome": "defaulted", "time": "approved", "group": "firm"}, excluded=())
    frame = fading()
    timed = read_table(written(tmp_path, frame), outcome="defaulted", group="firm", time="approved", exclude=())
    timeless = replace(timed, times=None)
    later, own = (train_table(table, how, parameters=quick, as_of=AS_OF) for table in (timed, timeless))
    assert later.bag.members == own.bag.members
    assert own.card.later_slope == 1.0
    assert 0.2 < later.card.later_slope < 0.8  # it faded from 2 over 1.5 and 1 to 0.5
    margins = np.linspace(-2, 2, 5)
    told = [
        np.array([model.card.calibrator.calibrator().log_odds(margin) for margin in margins]) for model in (later, own)
    ]
    assert np.diff(told[0]) == pytest.approx(later.card.later_slope * np.diff(told[1]))
    since = frame[frame["approved"] >= 2021]
    means = [np.mean([row["pd"] for row in model.score(since)]) for model in (later, own)]
    assert means[0] == pytest.approx(since["defaulted"].mean(), abs=0.02)
    assert means[1] < means[0]
