"""An insurer's own tables: what is refused by name, what is a documented rule, and a model that prices."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from claims_world import frame, true_logs

from data_contracts.reference.dated import ParameterBook
from data_contracts.vocabulary import DataOrigin
from scoring import registry
from scoring.errors import NotEnoughEvents, TableInvalid
from scoring.training.claims.book import ClaimsQuestion, read_book
from scoring.training.claims.train import ClaimsTraining, train_claims

HOW = ClaimsTraining(signs={"hours": 1}, data_origin=DataOrigin.SYNTHETIC, exposure_unit="year", seed=1)


def tables(folder: Path, n: int = 40) -> tuple[pd.DataFrame, pd.DataFrame, ClaimsQuestion]:
    """A small book as an insurer keeps it, every policy half a year."""
    policies = frame(n, 3)
    policies.insert(0, "policy_id", [f"P{at}" for at in range(n)])
    policies["machine"] = [f"M{at}" for at in range(n)]
    policies["starts"], policies["ends"], policies["currency"] = "2025-01-01", "2025-07-02", "CNY"
    counts = np.random.default_rng(4).poisson(0.5 * np.exp(true_logs(policies)))
    ids = np.repeat(policies["policy_id"], counts).reset_index(drop=True)
    amounts = np.random.default_rng(5).gamma(2.0, 500.0, len(ids)) + 0.01
    claims = pd.DataFrame({"policy_id": ids, "amount": amounts})
    asked = ClaimsQuestion(
        policies=folder / "policies.csv", claims=folder / "claims.csv", machine="machine", currency="currency"
    )
    return policies, claims, asked


def written(policies: pd.DataFrame, claims: pd.DataFrame, asked: ClaimsQuestion) -> ClaimsQuestion:
    policies.to_csv(asked.policies, index=False)
    claims.to_csv(asked.claims, index=False)
    return asked


def test_a_book_is_read(tmp_path: Path) -> None:
    policies, claims, asked = tables(tmp_path)
    book = read_book(written(policies, claims, asked))
    assert book.exposure == pytest.approx(np.full(40, 183 / 365))
    assert list(book.factors.columns) == ["hours", "age", "kind"]
    assert (book.counts.sum(), book.costs.sum()) == (len(claims), pytest.approx(claims["amount"].sum()))
    assert (book.currency, book.groups[7]) == ("CNY", "M7")


WRONG = [
    # table      column      row  value           what is said
    ("claims",   "amount",     0, -5.0,           "an amount of -5.0 in row 1"),
    ("claims",   "amount",     1, None,           "an amount of nan in row 2"),
    ("claims",   "policy_id",  0, "P999",         "policy 'P999', which is no policy"),
    ("policies", "ends",       3, "2024-12-31",   "Policy 'P3' has an exposure of 0"),
    ("policies", "machine",    5, "M4",           "Machine M4 is covered by 'P4' until 2025-07-02 and by 'P5'"),
    ("policies", "currency",   2, "EUR",          "Amounts are in CNY, EUR"),
    ("policies", "policy_id",  1, "P0",           "names policy 'P0' twice"),
    ("policies", "starts",     1, "spring",       "cannot be read as days"),
]  # fmt: skip


@pytest.mark.parametrize(("table", "column", "row", "value", "said"), WRONG)
def test_contradictions_are_refused_by_name(
    tmp_path: Path, table: str, column: str, row: int, value: object, said: str
) -> None:
    policies, claims, asked = tables(tmp_path)
    broken = {"policies": policies, "claims": claims}[table]
    broken[column] = broken[column].astype(object)
    broken.loc[row, column] = value
    with pytest.raises(TableInvalid, match=said):
        read_book(written(policies, claims, asked))


def test_a_missing_hour_meter_is_refused(tmp_path: Path) -> None:
    policies, claims, asked = tables(tmp_path)
    policies["meter_hours"] = 100.0
    policies.loc[[6, 7], "meter_hours"] = np.nan
    with pytest.raises(TableInvalid, match=r"meter_hours of policy 'P6' is missing or no number \(2 rows\)"):
        read_book(written(policies, claims, replace(asked, exposure="meter_hours", exposure_unit="hour")))


def test_a_machine_sold_in_mid_term_counts_until_then(tmp_path: Path) -> None:
    policies, claims, asked = tables(tmp_path)
    policies["sold"] = pd.Series([None] * 40, dtype=object)
    policies.loc[0, "sold"], policies.loc[1, "sold"] = "2025-01-31", "2026-01-01"
    book = read_book(written(policies, claims, replace(asked, ended="sold")))
    assert book.exposure[:3] == pytest.approx(np.array([31, 183, 183]) / 365)
    assert book.rules["policies_ended_early"] == 1


def test_a_claim_without_payment_is_no_claim(tmp_path: Path) -> None:
    policies, claims, asked = tables(tmp_path)
    claims.loc[0, "amount"] = 0.0
    book = read_book(written(policies, claims, asked))
    assert (book.counts.sum(), book.rules["claims_without_payment"]) == (len(claims) - 1, 1)


def test_a_model_is_trained_kept_and_prices(tmp_path: Path, parameters: ParameterBook) -> None:
    policies, claims, asked = tables(tmp_path, 4_000)
    book = read_book(written(policies, claims, asked))
    quick = _quick(parameters)
    model = train_claims(book, HOW, parameters=quick, as_of=date(2026, 1, 1))
    metrics = model.card.metrics
    assert metrics.actual_to_expected_train == pytest.approx(1.0, abs=1e-6)
    assert metrics.actual_to_expected_test.lower < 1 < metrics.actual_to_expected_test.upper
    assert metrics.deviance < metrics.deviance_of_constant
    assert len(metrics.deciles) == 10
    registry.save_artefact(tmp_path / "models", model)
    registry.point_to(tmp_path / "models", "claims", registry.Pointer(version=model.version, expires_time=None))
    loaded = registry.promoted(tmp_path / "models", "claims")
    assert loaded is not None
    assert loaded.version == model.version
    pure = model.pure_premiums(policies)
    assert pure == pytest.approx(model.frequencies(policies) * model.severities(policies))
    assert np.corrcoef(np.log(pure), true_logs(policies))[0, 1] > 0.8
    with pytest.raises(NotEnoughEvents, match="paid claims"):
        train_claims(read_book(written(*tables(tmp_path))), HOW, parameters=quick, as_of=date(2026, 1, 1))


def _quick(parameters: ParameterBook) -> ParameterBook:
    model = parameters.parameters["claims_model"]
    values = {
        day: {**value, "growths": [[2, 10]], "maximum_rounds": 30, "folds": 2, "bands": 6}
        for day, value in model.values.items()
    }
    return replace(parameters, parameters={**parameters.parameters, "claims_model": replace(model, values=values)})
