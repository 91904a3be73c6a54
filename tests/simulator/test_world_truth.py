"""What drives what in the base world, and that its rates are those that it was calibrated to."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import numpy as np
import pytest
from written_world import WrittenWorld

from data_contracts.contract import RecordKind
from simulator import simulate
from simulator.block import build_block
from simulator.firms.obligors import BLOCK_FIRMS
from simulator.summary import annual_outcomes, area_under_curve
from simulator.world import make_laws, true_pd


@pytest.fixture(scope="module")
def middle_world(tmp_path_factory: pytest.TempPathFactory) -> WrittenWorld:
    """400 firms over 24 months, without samples."""
    folder = tmp_path_factory.mktemp("worlds") / "middle"
    return WrittenWorld(folder, simulate(obligors=400, months=24, seed=2, out=folder, samples_for=0))


@pytest.fixture(scope="module")
def firm_months(middle_world: WrittenWorld) -> Iterator[duckdb.DuckDBPyConnection]:
    """A table of firm-months: latent state beside what the reports of that month say."""
    connection = duckdb.connect()
    connection.register("states", middle_world.truth("obligor_month"))
    connection.register("reports", middle_world.reports())
    connection.execute("""
        CREATE TABLE firm_months AS
        SELECT s.*, r.* EXCLUDE (obligor_id, month) FROM states s JOIN (
          SELECT split_part(machine_uid, '/', 1) AS obligor_id, date_trunc('month', day) AS month,
                 sum(executing_seconds) / sum(86400 - unknown_seconds) AS operating_rate,
                 sum(executing_seconds) / 3.6e6 AS thousand_hours, sum(fault_starts) AS faults
          FROM reports GROUP BY ALL
        ) r ON r.obligor_id = s.obligor_id AND r.month = date_trunc('month', s.as_of - INTERVAL 1 DAY)""")
    yield connection
    connection.close()


def test_rates_are_the_calibrated_ones(middle_world: WrittenWorld) -> None:
    summary = middle_world.summary
    assert 0.92 <= summary.coverage <= 0.98
    assert 3.5 <= summary.failures_per_machine_year <= 4.5
    assert 0.3 <= summary.claims_per_machine_year <= 0.6
    assert summary.one_shift_operating_rate is not None
    assert 0.21 <= summary.one_shift_operating_rate <= 0.27
    assert summary.machines / summary.obligors == pytest.approx(4.0, abs=0.5)


def test_who_has_stopped_paying_is_marked_from_ninety_days_before_its_default(middle_world: WrittenWorld) -> None:
    with duckdb.connect() as connection:
        connection.register("states", middle_world.truth("obligor_month"))
        connection.register("defaults", middle_world.truth("default"))
        told = connection.execute("""
            SELECT has_stopped_paying, d.event_time IS NOT NULL AND s.as_of > d.event_time - INTERVAL 90 DAY, count(*)
            FROM states s LEFT JOIN defaults d USING (obligor_id) GROUP BY ALL ORDER BY ALL""").fetchall()
    assert [(marked, is_close) for marked, is_close, _ in told] == [(False, False), (True, True)]
    assert told[1][2] > 10


def test_defaults_are_as_frequent_and_as_foreseeable_as_meant() -> None:
    chances, outcomes = [], []
    for seed in range(1, 6):
        laws = make_laws(48, seed)
        blocks = [build_block(number, BLOCK_FIRMS, laws) for number in range(6)]
        chance, outcome = annual_outcomes(blocks, laws, pd_at=true_pd(laws))
        assert 0.03 <= outcome.mean() <= 0.06
        chances.append(chance)
        outcomes.append(outcome)
    chance, outcome = np.concatenate(chances), np.concatenate(outcomes)
    area = area_under_curve(chance, outcome)
    assert area is not None
    assert 0.82 <= area <= 0.86
    spread = np.sqrt((chance * (1 - chance)).sum())
    # defaults of one industry move together, so the count is wider than independent outcomes would be
    assert abs(outcome.sum() - chance.sum()) < 6 * spread


def test_area_under_curve_by_hand() -> None:
    score, outcome = np.array([0.1, 0.4, 0.4, 0.8]), np.array([False, True, False, True])
    assert area_under_curve(score, outcome) == pytest.approx((1 + 0.5 + 1 + 1) / 4)
    assert area_under_curve(score, np.zeros(4, dtype=bool)) is None


def test_health_reaches_the_machines_through_orders(firm_months: duckdb.DuckDBPyConnection) -> None:
    orders, load, rate = firm_months.execute("""
        SELECT corr(health - usual_health, parts_ordered / usual_parts), corr(health, ln(load_ratio + 0.1)),
               corr(load_ratio, operating_rate)
        FROM firm_months JOIN (
          SELECT obligor_id, avg(health) AS usual_health, avg(parts_ordered) AS usual_parts
          FROM firm_months GROUP BY 1
        ) USING (obligor_id) WHERE usual_parts > 0""").fetchone() or (0, 0, 0)
    assert orders > 0.1
    assert load > 0.3
    assert rate > 0.25


def test_undone_maintenance_brings_failures(firm_months: duckdb.DuckDBPyConnection) -> None:
    rates = firm_months.execute("""
        SELECT sum(faults) / sum(thousand_hours) FROM (
          SELECT *, ntile(4) OVER (ORDER BY maintenance_debt) AS part FROM firm_months
        ) GROUP BY part ORDER BY part""").fetchall()
    levels = [rate for (rate,) in rates]
    assert levels == sorted(levels)
    assert levels[-1] > 1.8 * levels[0]


def test_failures_less_their_compensator_have_mean_zero(middle_world: WrittenWorld) -> None:
    months = middle_world.truth("machine_month").to_pandas()
    failed, expected = months["faults"].sum(), months["faults_expected"].sum()
    assert failed > 5000
    assert abs(failed - expected) < 4 * np.sqrt(expected)
    # and so in every part that was known before the failures came
    by_month = months.groupby("month")[["faults", "faults_expected"]].sum()
    assert (abs(by_month["faults"] - by_month["faults_expected"]) < 4.5 * np.sqrt(by_month["faults_expected"])).all()


def test_most_failures_are_of_parts_with_a_constant_hazard(middle_world: WrittenWorld) -> None:
    failures = middle_world.truth("failure").to_pandas()
    months = middle_world.truth("machine_month")
    assert len(failures) == sum(months["faults"].to_pylist())
    assert set(failures["severity"]) == {"minor", "moderate", "major"}
    share = failures["severity"].value_counts(normalize=True)
    assert share["minor"] > share["moderate"] > share["major"]
    hours = failures.groupby("severity")["repair_hours"].median()
    assert 2.0 < hours["minor"] < hours["moderate"] < hours["major"] < 14.0
    assert 3.0 <= failures["repair_hours"].median() <= 8.0


def test_claims_follow_failures(middle_world: WrittenWorld) -> None:
    months = middle_world.truth("machine_month").to_pandas()
    faults = months.set_index([months["machine_uid"], months["month"].astype("string").str[:7]])["faults"]
    claims = middle_world.ledger(RecordKind.INSURANCE_CLAIM).to_pandas()
    broken = claims[claims["claim_id"].str.match(r"C\d*-")]
    month = broken["event_time"].dt.tz_convert("Asia/Shanghai").dt.strftime("%Y-%m")
    counts = broken.groupby([broken["machine_uid"], month.astype("string")]).size()
    assert len(counts) > 0
    assert (faults.reindex(counts.index) >= counts).all()
    assert months["claims"].sum() >= middle_world.summary.claims > 0


def test_a_summary_repeats_what_the_reports_say(middle_world: WrittenWorld) -> None:
    reports = middle_world.reports().to_pandas()
    observed = 86_400.0 - reports["unknown_seconds"]
    summary = middle_world.summary
    assert summary.coverage == pytest.approx(observed.sum() / (86_400.0 * len(reports)))
    years = observed.sum() / (86_400.0 * 365.25)
    assert summary.failures_per_machine_year == pytest.approx(reports["fault_starts"].sum() / years)
