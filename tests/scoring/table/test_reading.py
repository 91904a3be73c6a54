"""A table says what is wrong with it, by column, row and value."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lender_book import book, written

from features.machine_types import MachineTypes
from scoring.errors import TableInvalid
from scoring.table.encoding import FEWEST_ROWS, encoded, fit_features
from scoring.training.table.reading import read_families, read_signs, read_table


@pytest.mark.parametrize("name", ["book.csv", "book.parquet"])
def test_csv_and_parquet_are_read_alike(tmp_path: Path, name: str) -> None:
    frame = book(300)
    table = read_table(
        written(tmp_path, frame, name), outcome="defaulted", time="approved", group="firm", exclude=["months_paid"]
    )
    assert list(table.frame.columns) == ["revenue", "debt", "trade", "noise"]
    assert table.outcome.tolist() == (frame["defaulted"] == 1).tolist()
    assert table.times is not None
    assert str(table.times[0])[:10] == f"{frame['approved'][0]}-01-01"
    assert table.groups == tuple(frame["firm"])
    features = fit_features(table.frame, {"debt": 1})
    assert [(item.key, item.kind, item.sign) for item in features] == [
        ("revenue", "number", 0), ("debt", "number", 1), ("trade", "category", 0), ("noise", "number", 0),
    ]  # fmt: skip
    rows = encoded(table.frame, features)
    assert np.array_equal(np.isnan(rows[:, 0]), frame["revenue"].isna())
    assert [features[2].levels[int(code)] for code in rows[:, 2]] == list(frame["trade"])


@pytest.mark.parametrize(
    ("change", "how", "message"),
    [
        ({}, {"outcome": "failed"}, "no column 'failed'"),
        ({}, {"exclude": ["salary"]}, "no column 'salary'"),
        ({"defaulted": 2}, {}, "is '2' in row 1"),
        ({"defaulted": np.nan}, {}, "is 'nan' in row 1"),
        ({"approved": "last spring"}, {"time": "approved"}, "Time approved cannot be read"),
        ({"firm": None}, {"group": "firm"}, "Column firm is empty in row 1"),
    ],
)
def test_what_is_wrong_is_named(
    tmp_path: Path, change: dict[str, object], how: dict[str, object], message: str
) -> None:
    frame = book(50).astype(object)
    for column, value in change.items():
        frame.loc[0, column] = value
    with pytest.raises(TableInvalid, match=message):
        read_table(written(tmp_path, frame), **{"outcome": "defaulted", **how})  # type: ignore[arg-type]


def test_one_outcome_only_is_nothing_to_learn(tmp_path: Path) -> None:
    with pytest.raises(TableInvalid, match="the same in all 40 rows"):
        read_table(written(tmp_path, book(40).assign(defaulted=0)), outcome="defaulted")


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"PAR1nonsense"])
def test_a_file_that_is_no_table_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / ("x.parquet" if content.startswith(b"PAR1") else "x.csv")
    path.write_bytes(content)
    with pytest.raises(TableInvalid, match="cannot be read"):
        read_table(path, outcome="y")
    with pytest.raises(TableInvalid, match="cannot be read"):
        read_table(tmp_path / "absent.csv", outcome="y")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- debt\n", "no mapping"),
        ("salary: 1\n", "names 'salary'"),
        ("debt: up\n", "the sign 'up'"),
        ("debt: true\n", "the sign True"),
        ("{", "cannot be read"),
    ],
)
def test_signs_that_cannot_be_used_are_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "signs.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TableInvalid, match=message):
        read_signs(path, ["debt"])


def test_signs_from_yaml_and_json(tmp_path: Path) -> None:
    path = tmp_path / "signs"
    for text in ("debt: 1\nrevenue: -1\n", '{"debt": 1, "revenue": -1}'):
        path.write_text(text, encoding="utf-8")
        assert read_signs(path, ["debt", "revenue", "noise"]) == {"debt": 1, "revenue": -1}


def test_families_from_yaml(tmp_path: Path) -> None:
    path = tmp_path / "families.yaml"
    path.write_text("accounts: [revenue, debt]\nsite: noise\n", encoding="utf-8")
    told = {"revenue": "accounts", "debt": "accounts", "noise": "site"}
    assert read_families(path, ["debt", "revenue", "noise", "trade"]) == told


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("accounts: [salary]\n", "names 'salary', which is no column"),
        ("a: [debt]\nb: [debt]\n", "names 'debt' in 'a' and in 'b'"),
        ("- debt\n", "no mapping"),
    ],
)
def test_families_that_cannot_be_used_are_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "families.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TableInvalid, match=message):
        read_families(path, ["debt", "revenue"])


def test_industries_are_kept_and_not_learnt_from(tmp_path: Path) -> None:
    told = book(60).assign(industry=["C33", None, "C34"] * 20)
    table = read_table(written(tmp_path, told), outcome="defaulted", group="firm", division="industry")
    assert table.divisions == ("C33", None, "C34") * 20
    assert "industry" not in table.frame.columns
    assert table.rows(np.array([2, 0])).divisions == ("C34", "C33")


def test_a_text_cannot_be_monotone() -> None:
    with pytest.raises(TableInvalid, match="holds texts"):
        fit_features(book(50), {"trade": 1})


def test_rare_and_unknown_levels_are_missing() -> None:
    frame = pd.DataFrame({"trade": ["casting"] * FEWEST_ROWS + ["smithing"] * (FEWEST_ROWS - 1)})
    (feature,) = fit_features(frame, {})
    assert feature.levels == ("casting",)
    asked = pd.DataFrame({"trade": ["casting", "smithing", "weaving", None]})
    assert np.array_equal(encoded(asked, [feature])[:, 0], [0, np.nan, np.nan, np.nan], equal_nan=True)


def test_a_table_without_a_column_of_the_model_is_named() -> None:
    features = fit_features(book(50), {})
    with pytest.raises(TableInvalid, match=r"lacks 1 of the model's 8 columns \(first: debt\)"):
        encoded(book(50).drop(columns="debt"), features)
    with pytest.raises(TableInvalid, match="Column debt is a number in the model"):
        encoded(book(50).astype({"debt": str}).assign(debt="much"), features)


def test_types_of_machines_are_kept_apart(tmp_path: Path) -> None:
    told = book(40).assign(machines=["A02050900:4 untold", None] * 20)
    table = read_table(written(tmp_path, told), outcome="defaulted", group="firm", machine_types="machines")
    types = MachineTypes(machines={"A02050900": 4}, untold=1)
    assert table.machine_types == (types, None) * 20
    assert "machines" not in table.frame.columns
    assert table.rows(np.array([1, 0])).machine_types == (None, types)


@pytest.mark.parametrize(("cell", "said"), [("lathe:4", "'lathe'"), ("A02050900:0", "'A02050900:0'")])
def test_what_tells_no_types_of_machines_is_named(tmp_path: Path, cell: str, said: str) -> None:
    told = book(40).assign(machines=[cell] * 40)
    with pytest.raises(TableInvalid, match=f"Column machines in row 1: {said}"):
        read_table(written(tmp_path, told), outcome="defaulted", group="firm", machine_types="machines")
