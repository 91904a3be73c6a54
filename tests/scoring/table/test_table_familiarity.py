"""A row unlike those that a model of a table was trained on is referred, with what makes it so."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from lender_book import book

from data_contracts.reference.dated import ParameterBook
from data_contracts.vocabulary import DataOrigin
from scoring.errors import TableInvalid
from scoring.table.artefact import TableArtefact, table_artefact
from scoring.table.card import TableCard, TableFamiliarityCard
from scoring.table.encoding import encoded, fit_features
from scoring.table.familiarity import judge_of
from scoring.training.table.familiarity import fit_table_familiarity
from scoring.training.table.reading import Table
from scoring.training.table.train import TableTraining, train_table

ROWS = 2_000
SETTINGS = {"familiar_percentile": 99, "familiar_missing_share": 0.01, "folds": 4}
FAMILIES = {"turnover_1": "turnover", "turnover_2": "turnover"}
USUAL = {"debt": 0.1, "turnover_1": 0.2, "turnover_2": 0.2, "trade": "milling", "note": 1.0}


def frame(seed: int = 1, *, rows: int = ROWS) -> pd.DataFrame:
    """Numbers of which two go together and are missing by turns, never both; one often missing; and a trade."""
    drawn = np.random.default_rng(seed)
    turnover = drawn.normal(size=rows)
    first, second = (turnover + 0.1 * drawn.normal(size=rows) for _ in range(2))
    gap = drawn.random(rows)
    return pd.DataFrame(
        {
            "debt": drawn.exponential(size=rows),
            "turnover_1": np.where(gap < 0.1, np.nan, first),
            "turnover_2": np.where(gap > 0.9, np.nan, second),
            "trade": drawn.choice(["casting", "milling"], size=rows),
            "note": np.where(drawn.random(rows) < 0.3, np.nan, 1.0),
        }
    )


def card_of(told: pd.DataFrame, families: dict[str, str] = FAMILIES) -> TableFamiliarityCard:
    features = fit_features(told, {})
    groups = [f"F{at}" for at in range(len(told))]
    return fit_table_familiarity(
        told, encoded(told, features), features, groups=groups, families=families, settings=SETTINGS, seed=1
    )


CARD = card_of(frame())
FEATURES = fit_features(frame(), {})


def judged(**told: Any) -> Any:
    """The row `USUAL` with these values instead."""
    asked = pd.DataFrame([{**USUAL, **told}])
    (found,) = judge_of(CARD, FEATURES).judge(asked, encoded(asked, FEATURES))
    return found


def test_the_card_tells_what_it_would_refer_of_such_rows() -> None:
    assert CARD.always_told == ("debt", "trade", "turnover")
    assert CARD.families == {**{key: key for key in ("debt", "trade", "note")}, **FAMILIES}
    assert CARD.numbers == ("debt", "turnover_1", "turnover_2", "note")
    assert CARD.too_far_out == pytest.approx(0.01, abs=1e-3)
    assert (CARD.missing_a_family, CARD.of_an_unknown_category) == (0, 0)
    fresh = frame(2)
    told = judge_of(CARD, FEATURES).judge(fresh, encoded(fresh, FEATURES))
    assert np.mean([not one.is_familiar for one in told]) == pytest.approx(CARD.referred, abs=0.008)


def test_a_usual_row_is_not_referred_whatever_is_often_missing() -> None:
    assert judged().is_familiar
    assert judged(note=np.nan).is_familiar
    assert judged(turnover_1=np.nan).is_familiar


def test_a_number_beyond_everything_seen_is_referred_and_named() -> None:
    found = judged(debt=900.0)
    assert not found.is_familiar
    assert (found.furthest[0].feature, found.furthest[0].value) == ("debt", 900.0)
    assert found.furthest[0].usual_upper < 10


def test_numbers_that_never_go_together_are_referred() -> None:
    found = judged(turnover_1=1.5, turnover_2=-1.5)
    assert not found.is_familiar
    assert {far.feature for far in found.furthest[:2]} == set(FAMILIES)


def test_a_text_that_training_did_not_know_is_referred_and_named() -> None:
    found = judged(trade="weaving")
    assert [(new.name, new.value) for new in found.unknown_categories] == [("trade", "weaving")]
    assert found.missing_families == ()  # it is told
    assert not found.is_familiar


def test_a_family_that_hardly_a_row_lacked_is_referred_where_it_is_missing() -> None:
    assert judged(turnover_1=np.nan, turnover_2=np.nan).missing_families == ("turnover",)
    assert judged(trade=None).missing_families == ("trade",)
    assert judged(debt=np.nan, trade=None).missing_families == ("debt", "trade")


def test_families_that_are_lacked_now_and_then_are_together_lacked_by_less_than_a_hundredth() -> None:
    """Twenty columns of which each is missing in one row of three hundred."""
    drawn = np.random.default_rng(3)
    values = drawn.normal(size=(ROWS, 20))
    values[drawn.random(values.shape) < 1 / 300] = np.nan
    card = card_of(pd.DataFrame(values).rename(columns=lambda at: f"c{at}"), {})
    assert 1 <= len(card.always_told) < 6
    assert 0 < card.missing_a_family < 0.01


def test_rare_texts_count_as_unknown_and_the_card_says_how_many() -> None:
    told = frame()
    told.loc[:18, "trade"] = [f"trade {at}" for at in range(19)]
    card = card_of(told)
    assert card.of_an_unknown_category == pytest.approx(19 / ROWS)
    assert card.referred == pytest.approx(card.too_far_out + 19 / ROWS, abs=2e-3)


@pytest.mark.parametrize("columns", [["trade"], ["note"], ["trade", "note"]])
def test_without_a_number_that_differs_nothing_is_far_out(columns: list[str]) -> None:
    told = frame()[columns]
    card = card_of(told, {})
    assert (card.cloud, card.numbers, card.too_far_out) == (None, (), 0)
    features = fit_features(told, {})
    found = judge_of(card, features).judge(told, encoded(told, features))
    assert all(one.is_familiar for one in found)


HOW = TableTraining(
    names={"outcome": "defaulted", "time": None, "group": "firm"},
    excluded=(),
    signs={},
    folds=2,
    population_rate=None,
    data_origin=DataOrigin.REAL,
    seed=1,
)


@pytest.fixture(scope="module")
def model(quick: ParameterBook) -> TableArtefact:
    told = book(600)
    table = Table(
        frame=told[["revenue", "debt", "trade", "noise"]],
        outcome=told["defaulted"].to_numpy() == 1,
        times=None,
        groups=tuple(told["firm"]),
        sha256="0" * 64,
    )
    return train_table(table, replace(HOW, families={"debt": "loans"}), parameters=quick, as_of=date(2026, 1, 1))


ASKED = pd.DataFrame({"revenue": [0.0], "debt": [0.0], "trade": ["milling"], "noise": [0.0]})


def test_a_scored_row_says_whether_a_person_must_decide(model: TableArtefact) -> None:
    asked = pd.concat([ASKED, ASKED.assign(trade="weaving"), ASKED.assign(debt=np.nan), ASKED.assign(debt=400.0)])
    scored = model.score(asked)
    assert [row["is_referred"] for row in scored] == [False, True, True, True]
    assert scored[1]["familiarity"]["unknown_categories"] == ({"name": "trade", "value": "weaving"},)
    assert scored[2]["familiarity"]["missing_families"] == ("loans",)
    assert scored[3]["familiarity"]["furthest"][0]["feature"] == "debt"
    assert all(0 < row["pd"] < 1 for row in scored)


@pytest.mark.parametrize(("column", "family"), [("debt", "loans"), ("trade", "trade")])
def test_a_column_that_the_table_has_not_is_missing_in_every_row(
    model: TableArtefact, column: str, family: str
) -> None:
    (without,) = model.score(ASKED.drop(columns=column))
    assert without == model.score(ASKED.assign(**{column: None}))[0]
    assert without["is_referred"]
    assert without["familiarity"]["missing_families"] == (family,)


def test_another_table_altogether_is_refused(model: TableArtefact) -> None:
    with pytest.raises(TableInvalid, match=r"none of the model's 4 columns \(first: revenue\)"):
        model.score(pd.DataFrame({"salary": [1.0]}))


def test_a_card_of_an_older_format_refers_nothing(model: TableArtefact) -> None:
    plain = model.card.model_dump(mode="json")
    del plain["familiarity"]
    older = TableCard.model_validate({**plain, "format": 2})
    artefact = table_artefact(model.bag.members, older, reference=model.reference)
    (scored,) = artefact.score(ASKED.assign(trade="weaving"))
    assert (scored["is_referred"], scored["familiarity"]) == (False, None)
