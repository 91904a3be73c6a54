"""A lender's own table on the command line: trained, printed, scored; served at once where its columns are the
catalogue's; and every mistake named with exit code 2."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from api.models import tables
from api.models.training_sets import METADATA
from data_contracts.reference.dated import load_book
from features.catalogue import CATALOGUE

Run = Callable[..., Any]
SCORING_TESTS = Path(__file__).parents[1] / "scoring"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two members and few rounds."""
    book = load_book(files("scoring") / "parameters")
    shipped = book.parameters["table_model"]
    small = {day: {**values, "members": 2, "maximum_rounds": 25, "folds": 2} for day, values in shipped.values.items()}
    quicker = replace(book, parameters={**book.parameters, "table_model": replace(shipped, values=small)})
    monkeypatch.setattr(tables, "scoring_parameters", lambda: quicker)


@pytest.fixture
def own_book(tmp_path: Path) -> Path:
    drawn = np.random.default_rng(2)
    revenue = drawn.normal(size=500)
    frame = pd.DataFrame({"revenue": revenue, "trade": drawn.choice(["casting", "milling"], size=500)})
    frame["failed"] = (drawn.random(500) < 1 / (1 + np.exp(1 + 1.5 * revenue))).astype(int)
    frame.loc[::9, "revenue"] = np.nan
    frame.to_csv(tmp_path / "own.csv", index=False)
    (tmp_path / "signs.yaml").write_text("revenue: -1\n", encoding="utf-8")
    return tmp_path / "own.csv"


def test_a_table_is_trained_and_then_scored(run: Run, own_book: Path) -> None:
    trained = run(
        "train", "credit", "--features", own_book, "--outcome", "failed", "--monotone", own_book.parent / "signs.yaml",
        "--folds", 3, "--json",
    )  # fmt: skip
    assert trained.exit_code == 0, trained.err
    told = trained.answer
    assert {"auc", "auc_interval", "calibration_slope", "brier", "ladder", "folds", "suspected_leaks"} <= told.keys()
    assert told["auc_interval"][0] < told["auc"] < told["auc_interval"][1]
    assert told["auc"] > 0.7
    assert len(told["folds"]) == 3
    assert told["serving"] is None
    assert told["card"]["statement"] == "synthetic; effect sizes are inputs, not findings"  # nobody vouched for it
    asked = own_book.parent / "asked.csv"
    pd.DataFrame({"revenue": [-2.0, 2.0], "trade": ["milling", "weaving"]}).to_csv(asked, index=False)
    scored = run("score-table", asked, "--model", told["model_version"], "--json").answer["rows"]
    assert scored[0]["pd"] > scored[1]["pd"]
    assert scored[0]["reasons"][0]["column"] == "revenue"
    assert "revenue -2.0" in run("score-table", asked, "--model", told["model_version"]).out
    assert [row["is_referred"] for row in scored] == [False, True]  # nobody weaves in the book
    assert scored[1]["familiarity"]["unknown_categories"] == [{"name": "trade", "value": "weaving"}]


def test_rows_unlike_the_book_are_referred_with_the_reason(run: Run, own_book: Path) -> None:
    families = own_book.parent / "families.yaml"
    families.write_text("accounts: [revenue]\n", encoding="utf-8")
    trained = run(
        "train", "credit", "--features", own_book, "--outcome", "failed", "--families", families, "--folds", 3
    )
    assert trained.exit_code == 0, trained.err
    assert "would be referred to a person:" in trained.out
    (version,) = [
        path.name for path in (own_book.parent / "home" / "models" / "table").iterdir() if len(path.name) == 64
    ]
    asked = own_book.parent / "asked.csv"
    pd.DataFrame({"revenue": [0.1, 0.1, 60.0], "trade": ["milling", "weaving", "milling"]}).to_csv(asked, index=False)
    lines = run("score-table", asked, "--model", version).out.splitlines()
    assert "trade 'weaving' is unknown" in lines[2]
    assert "revenue 60 is far out (usually -2." in lines[3]
    assert not any(word in lines[1] for word in ("unknown", "far out", "missing"))
    asked.write_text("revenue\n0.1\n", encoding="utf-8")
    without = run("score-table", asked, "--model", version)
    assert without.exit_code == 0
    assert "trade is missing" in without.out
    asked.write_text("salary\n0.1\n", encoding="utf-8")
    other = run("score-table", asked, "--model", version)
    assert (other.exit_code, "none of the model's 2 columns" in other.err) == (2, True)


def test_a_table_of_the_catalogues_features_serves_at_once(
    run: Run, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(SCORING_TESTS))
    import scoring_book

    data = scoring_book.credit_training_set(scoring_book.make_world(obligors=300, seed=4), range(3, 36, 4))
    names = [name for name in CATALOGUE if name.endswith("_90d")]
    frame = pd.DataFrame(data.values, columns=list(data.names))[names]
    frame = frame.assign(
        firm=data.obligor_ids, seen=pd.Series(data.as_of).dt.strftime("%Y-%m-%d"), failed=data.defaulted
    )
    frame = frame.assign(
        censored=np.arange(len(frame)) % 10 == 0, default_time=np.where(data.defaulted, "2024-01-01", None)
    )
    frame["industry_division"] = list(data.industry_divisions or ())
    looms = {f"OBLIGOR{index:04d}" for index in range(4)}  # too few to be known
    frame["machine_types"] = ["A02280100 untold" if firm in looms else "A02050901:3" for firm in frame["firm"]]
    about = {"purpose": "credit", "features": names, "data_origin": "synthetic"}
    table = pa.Table.from_pandas(frame).replace_schema_metadata({METADATA: json.dumps(about).encode()})
    pq.write_table(table, tmp_path / "book.parquet")
    trained = run(
        "train", "credit", "--features", tmp_path / "book.parquet", "--outcome", "failed", "--time", "seen", "--group",
        "firm", "--folds", 2, "--data-origin", "real", "--json",
    )  # fmt: skip
    assert trained.exit_code == 0, trained.err
    serving = trained.answer["serving"]
    assert (serving["kind"], serving["data_origin"]) == ("credit", "synthetic")
    assert {item["key"] for item in serving["features"]} <= set(names)
    assert trained.answer["rows"] == int((~frame["censored"]).sum())
    assert trained.answer["card"]["excluded"] == ["default_time", "industry_division", "machine_types"]
    assert list(serving["familiarity"]["divisions"]) == ["C33", "C34", "C35"]  # of C43 there are two firms
    types = serving["familiarity"]["machine_types"]
    assert (list(types["firms"]), types["share"]) == (["A020509"], 0.2)
    assert 0.95 < types["told"] < 1
    assert trained.answer["card"]["data_origin"] == "synthetic"  # whoever vouches: the file says otherwise
    assert all(fold["tested"] for fold in trained.answer["folds"])
    from scoring import registry

    pointer = registry.pointer_of(home / "models", "credit")
    assert pointer == registry.Pointer(version=serving["model_version"], expires_time=None)
    del sys.modules["scoring_book"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--outcome", "failed"], "--outcome goes with --features"),
        (["--features", "{book}"], "--features needs --outcome"),
        (["--features", "{book}", "--outcome", "gone"], "no column 'gone'"),
        (["--features", "{book}", "--outcome", "trade"], "Outcome trade is"),
        (["--features", "{book}", "--outcome", "failed", "--monotone", "{book}"], "cannot be read|no mapping"),
        (["--features", "{book}", "--outcome", "failed", "--families", "{book}"], "cannot be read|no mapping"),
        (["--features", "{book}", "--outcome", "failed", "--division", "gone"], "no column 'gone'"),
        (["--division", "industry"], "--division goes with --features"),
        (["--features", "/nowhere.csv", "--outcome", "failed"], "cannot be read"),
    ],
)
def test_mistakes_are_named(run: Run, own_book: Path, arguments: list[str], message: str) -> None:
    ran = run("train", "credit", *(argument.format(book=own_book) for argument in arguments))
    assert ran.exit_code == 2
    assert ran.out == ""
    import re

    assert re.search(message, ran.err), ran.err


def test_an_unknown_model_is_named(run: Run, own_book: Path) -> None:
    ran = run("score-table", own_book, "--model", "0" * 64)
    assert ran.exit_code == 2
    assert "No table model" in ran.err
