"""An insurer's own tables on the command line: trained, printed, kept, and every mistake named with exit code 2."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from api.models import claims
from data_contracts.reference.dated import load_book

Run = Callable[..., Any]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """One depth and few rounds."""
    book = load_book(files("scoring") / "parameters")
    shipped = book.parameters["claims_model"]
    small = {
        day: {**values, "growths": [[2, 10]], "maximum_rounds": 20, "folds": 2, "bands": 5}
        for day, values in shipped.values.items()
    }
    quicker = replace(book, parameters={**book.parameters, "claims_model": replace(shipped, values=small)})
    monkeypatch.setattr(claims, "scoring_parameters", lambda: quicker)


@pytest.fixture
def own_book(tmp_path: Path) -> tuple[Path, Path]:
    drawn = np.random.default_rng(3)
    hours = drawn.uniform(0, 5000, 2_500).round()
    policies = pd.DataFrame(
        {
            "policy_id": [f"P{at}" for at in range(2_500)],
            "hours": hours,
            "kind": drawn.choice(["mill", "press"], 2_500),
            "years": 0.5,
        }
    )
    counts = drawn.poisson(0.5 * np.exp(-1 + hours / 4000) * drawn.gamma(1.0, 1.0, 2_500))
    ids = np.repeat(policies["policy_id"].to_numpy(), counts)
    amounts = drawn.gamma(2.0, 700.0, len(ids)).round(2) + 0.01
    policies.to_csv(tmp_path / "policies.csv", index=False)
    pd.DataFrame({"policy_id": ids, "amount": amounts}).to_csv(tmp_path / "claims.csv", index=False)
    (tmp_path / "signs.yaml").write_text("hours: 1\n", encoding="utf-8")
    return tmp_path / "policies.csv", tmp_path / "claims.csv"


def test_a_book_is_trained_and_kept(run: Run, own_book: tuple[Path, Path]) -> None:
    policies, paid = own_book
    asked = ("train", "insurance", "--policies", policies, "--claims", paid, "--exposure", "years",
             "--monotone", policies.parent / "signs.yaml")  # fmt: skip
    trained = run(*asked, "--json")
    assert trained.exit_code == 0, trained.err
    told = trained.answer
    assert told["kind"] == "claims"
    assert told["metrics"]["actual_to_expected_train"] == pytest.approx(1.0, abs=1e-6)
    assert told["metrics"]["deviance"] < told["metrics"]["deviance_of_constant"]
    assert told["statement"] == "synthetic; effect sizes are inputs, not findings"
    again = run(*asked)
    assert told["model_version"] in again.out
    assert "decile 10" in again.out


@pytest.mark.parametrize("language", ["en", "zh"])
def test_an_actuary_reads_the_pack(run: Run, own_book: tuple[Path, Path], tmp_path: Path, language: str) -> None:
    policies, paid = own_book
    trained = run("train", "insurance", "--policies", policies, "--claims", paid, "--exposure", "years", "--json")
    version, metrics = trained.answer["model_version"], trained.answer["metrics"]
    out = tmp_path / "pack.html"
    written = run("report", "actuary_pack", version, "--out", out, "--language", language)
    assert written.exit_code == 0, written.err
    page = out.read_text(encoding="utf-8")
    assert all(f"{band['ratio']['value']:.3f}" in page for band in metrics["deciles"])
    assert f"{metrics['gini']:.5f}" in page
    assert trained.answer["dispersion"] > 0.2
    for band in metrics["deciles"]:
        poisson, clustered = (
            [f"{band[told][end]:.3f}" for end in ("lower", "upper")] for told in ("ratio", "clustered")
        )
        assert clustered[1] > poisson[1]
        assert all(end in page for end in (*poisson, *clustered))
    assert "actuary." not in page


def test_mistakes_are_named(run: Run, own_book: tuple[Path, Path]) -> None:
    policies, paid = own_book
    alone = run("train", "insurance", "--policies", policies)
    assert (alone.exit_code, "--claims" in alone.err) == (2, True)
    orphan = run("train", "insurance", "--claims", paid)
    assert (orphan.exit_code, "--policies" in orphan.err) == (2, True)
    frame = pd.read_csv(paid)
    frame.loc[0, "policy_id"] = "P99999"
    frame.to_csv(paid, index=False)
    lost = run("train", "insurance", "--policies", policies, "--claims", paid, "--exposure", "years")
    assert (lost.exit_code, "P99999" in lost.err) == (2, True)


def test_a_tariff_is_filed_locked_and_priced_by(run: Run, own_book: tuple[Path, Path], tmp_path: Path) -> None:
    policies, paid = own_book
    trained = run(
        "train", "insurance", "--policies", policies, "--claims", paid, "--exposure", "years", "--json"
    ).answer
    asked = ("tariff", trained["model_version"], "--effective", "2026-01-01", "--lowest", 0.6, "--highest", 1.8)
    filed = run(*asked, "--filing-number", "F-1", "--out", tmp_path / "filed", "--json")
    assert filed.exit_code == 0, filed.err
    assert (tmp_path / "filed" / "tariff.xlsx").read_bytes()[:2] == b"PK"
    same = run(*asked, "--filing-number", "F-1", "--out", tmp_path / "filed", "--json").answer
    assert same["tariff_version"] == filed.answer["tariff_version"]
    other = run(*asked, "--filing-number", "F-2", "--out", tmp_path / "filed")
    assert (other.exit_code, "F-1" in other.err) == (2, True)
    priced = run(
        "price-table", policies, "--tariff", tmp_path / "filed" / "tariff.json", "--exposure", "years", "--json"
    )
    assert priced.exit_code == 0, priced.err
    rows = priced.answer["rows"]
    assert len(rows) == 2_500
    for row in rows:
        product = np.prod([factor["relativity"] for factor in row["factors"]])
        assert row["product"] == pytest.approx(product)
        assert row["bounded"] == pytest.approx(min(max(product, 0.6), 1.8))
        assert row["filed_rate"] == pytest.approx(row["base_rate"] * row["bounded"])
        assert row["pure_premium_minor"] == round(100 * row["filed_rate"] * row["exposure"])
        assert row["gross_premium_minor"] == row["pure_premium_minor"] + sum(row["loadings"].values())
        assert row["difference_ratio"] == pytest.approx(row["model_rate"] / row["filed_rate"] - 1)
    spread = np.abs([row["difference_ratio"] for row in rows])
    assert 0 < np.median(spread) < 0.25
    shown = run("price-table", policies, "--tariff", tmp_path / "filed" / "tariff.json")
    assert "model_rate" in shown.out
    nothing = run("price-table", policies, "--tariff", policies)
    assert (nothing.exit_code, "no filed tariff" in nothing.err) == (2, True)
