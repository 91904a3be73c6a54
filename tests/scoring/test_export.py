"""What leaves the room says the same: rules walked alone, SQL run by a database, against the model itself."""

from __future__ import annotations

import json
import math
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_contracts.identifiers import ModelVersion
from scoring import registry
from scoring.cards import within_reach
from scoring.credit.artefact import CreditArtefact, credit_artefact
from scoring.credit.calibration import CalibrationMethod, probability
from scoring.credit.card import CalibratorCard
from scoring.explanation.trees import read_forest, row_margins
from scoring.export import as_double, plain_pd, quoted, rules, scorecard_sql, sql
from scoring.onnx_export import onnx_bytes
from scoring.training.scorecard import fit_scorecard

RELEASED = Path(__file__).parent / "released"
VERSION = ModelVersion("a66e7991d0c999db7b2dd34a27b62971fae7c8837578da2e1a6781ec89fa1a11")


@pytest.fixture(scope="module")
def model() -> CreditArtefact:
    found = registry.load_artefact(RELEASED, "credit", VERSION)
    assert isinstance(found, CreditArtefact)
    return found


@pytest.fixture(scope="module")
def rows(model: CreditArtefact) -> np.ndarray:
    """Rows around every threshold: singles, their neighbours, values between, values beyond reach, and missing ones."""
    random = np.random.default_rng(3)
    forest = read_forest(model.bag.boosters)
    seen: dict[int, list[float]] = {column: [0.0] for column in range(forest.features)}
    for tree in forest.trees:
        for node in range(len(tree.left)):
            if not tree.is_leaf(node):
                seen[tree.feature[node]].append(float(np.float32(tree.threshold[node])))
    made = np.empty((400, forest.features))
    for column, thresholds in seen.items():
        chosen = random.choice(thresholds, 400)
        nudge = random.choice([0.0, 1e-12, -1e-12, 3e-8, -3e-8, 0.1, -0.1], 400)
        made[:, column] = chosen * (1 + nudge)
    made[random.random(made.shape) < 0.15] = np.nan
    made[random.random(made.shape) < 0.03] *= 1e6
    return made


def pds(model: CreditArtefact, rows: np.ndarray) -> np.ndarray:
    """The model's own calibrated PDs."""
    margins = row_margins(read_forest(model.bag.boosters), within_reach(rows, model.card.features))
    calibrator = model.card.calibrator.calibrator()
    return np.array([probability(calibrator.log_odds(float(margin))) for margin in margins])


def with_knots(model: CreditArtefact) -> CreditArtefact:
    knots = ((-4.0, -5.0), (-2.0, -3.5), (0.0, -0.5), (1.0, 0.5))
    calibrator = CalibratorCard(
        method=CalibrationMethod.ISOTONIC, intercept=0.0, slope_default=1.0, slope_survival=1.0, knots=knots
    )
    card = model.card.model_copy(update={"calibrator": calibrator})
    return credit_artefact(model.bag.members, card, reference=model.reference)


def as_table(model: CreditArtefact, rows: np.ndarray) -> pa.Table:
    return pa.table(
        {feature.key: pa.array(rows[:, at], from_pandas=True) for at, feature in enumerate(model.card.features)}
    )


@pytest.mark.parametrize("isotonic", [False, True])
def test_json_rules_walked_alone_are_the_model(model: CreditArtefact, rows: np.ndarray, isotonic: bool) -> None:
    own = with_knots(model) if isotonic else model
    told = json.loads(json.dumps(rules(own), allow_nan=False))
    keys = [feature.key for feature in own.card.features]
    found = [
        plain_pd(told, {key: None if math.isnan(value) else value for key, value in zip(keys, row, strict=True)})
        for row in rows.tolist()
    ]
    assert found == pytest.approx(pds(own, rows), rel=1e-12)


@pytest.mark.parametrize("isotonic", [False, True])
def test_sql_run_by_a_database_is_the_model(model: CreditArtefact, rows: np.ndarray, isotonic: bool) -> None:
    own = with_knots(model) if isotonic else model
    connection = duckdb.connect()
    connection.register("firms", as_table(own, rows))
    found = connection.execute(f"SELECT pd_model FROM ({sql(own, table='firms')})").fetchnumpy()["pd_model"]
    assert found == pytest.approx(pds(own, rows), rel=1e-9)


def test_the_model_itself_is_what_xgboost_says(model: CreditArtefact, rows: np.ndarray) -> None:
    cut = within_reach(rows, model.card.features)
    mean = model.bag.margins(cut).mean(axis=0)
    assert row_margins(read_forest(model.bag.boosters), cut) == pytest.approx(mean, abs=1e-5)


@given(st.floats(min_value=-(2.0**100), max_value=2.0**100, width=32), st.integers(-3, 3), st.floats(-1, 1))
def test_a_double_threshold_parts_doubles_as_singles_do(threshold: float, steps: int, share: float) -> None:
    exact = as_double(threshold)
    near = np.float32(threshold)
    for _ in range(abs(steps)):
        near = np.nextafter(near, np.float32(np.sign(steps) * np.inf))
    values = [float(near), exact, math.nextafter(exact, -math.inf), math.nextafter(exact, math.inf)]
    values += [float(near) + share * abs(float(np.spacing(np.float32(threshold))))]
    for value in values:
        assert (np.float32(value) < np.float32(threshold)) == (value < exact)


def test_a_scorecard_in_sql_is_the_scorecard() -> None:
    random = np.random.default_rng(11)
    rows = random.normal(size=(600, 4))
    rows[random.random(rows.shape) < 0.1] = np.nan
    defaulted = random.random(600) < 1 / (1 + np.exp(2 - np.nan_to_num(rows[:, 0]) + np.nan_to_num(rows[:, 2])))
    card = fit_scorecard(rows, defaulted)
    assert len(card.features) >= 2
    names = ["power on", 'quoted "name"', "c", "d"]
    on_edges = np.array([[feature.edges[0]] * 4 for feature in card.features])
    asked = np.vstack([rows, on_edges])
    connection = duckdb.connect()
    connection.register(
        "firms", pa.table({name: pa.array(asked[:, at], from_pandas=True) for at, name in enumerate(names)})
    )
    found = connection.execute(f"SELECT pd FROM ({scorecard_sql(card, names, table='firms')})").fetchnumpy()["pd"]
    assert found == pytest.approx(card.pd(asked), rel=1e-12)


def test_names_cannot_leave_their_quotes() -> None:
    assert quoted('a"; DROP TABLE b; --') == '"a""; DROP TABLE b; --"'


KNOTS = ((-3.0, -4.0), (-1.0, -2.5), (0.5, -1.0))


@pytest.mark.parametrize("knots", [(), KNOTS])
def test_onnx_says_the_same_on_and_beside_every_threshold(
    model: CreditArtefact, rows: np.ndarray, knots: tuple[tuple[float, float], ...]
) -> None:
    pytest.importorskip("onnx", reason="the extra onnx is not installed")
    runtime = pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")
    calibrator = model.card.calibrator
    if knots:
        calibrator = CalibratorCard(
            method=CalibrationMethod.ISOTONIC, intercept=0, slope_default=0, slope_survival=0, knots=knots
        )
    other = credit_artefact(
        model.bag.members, model.card.model_copy(update={"calibrator": calibrator}), reference=model.reference
    )
    content = onnx_bytes(other)
    assert content == onnx_bytes(other)
    session = runtime.InferenceSession(content, providers=["CPUExecutionProvider"])
    margin, pd = (found.ravel() for found in session.run(None, {"features": rows.astype(np.float32)}))
    forest = read_forest(model.bag.boosters)
    assert margin == pytest.approx(row_margins(forest, within_reach(rows, model.card.features)), abs=5e-6)
    assert pd == pytest.approx(pds(other, rows), abs=2e-6)
    told = session.get_modelmeta().custom_metadata_map
    assert told["model_version"] == other.version
    assert json.loads(told["features"]) == [feature.key for feature in model.card.features]
