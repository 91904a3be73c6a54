"""Trees on machine-months find what telemetry adds to hours; failure times are found through censoring."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from scoring.errors import InvalidRequest, NotEnoughEvents
from scoring.insurance.warranty.power_law import PowerLaw
from scoring.training.warranty import RECORD, MachineMonths, fit_hazard, fit_life, own_record

LAW = PowerLaw(shape=1.4, scale_hours=4000.0)
SETTINGS = {
    "max_depth": 2, "eta": 0.2, "min_child_weight": 5, "subsample": 1.0, "colsample_bytree": 1.0, "reg_lambda": 2,
    "folds": 3, "maximum_rounds": 40, "distribution": "normal", "distribution_scale": 0.5,
}  # fmt: skip


def months(n: int, seed: int) -> tuple[MachineMonths, np.ndarray]:
    """Machine-months whose hazard is the law's, times three where it runs hot; a second column says nothing."""
    generator = np.random.default_rng(seed)
    start = generator.uniform(0, 10_000, n)
    end = start + generator.uniform(20, 500, n)
    rows = np.column_stack([generator.uniform(20, 90, n), generator.standard_normal(n)])
    true = LAW.expected(start, end) * np.where(rows[:, 0] > 70, 3.0, 1.0)
    made = MachineMonths(
        rows=rows, start_hours=start, end_hours=end, failures=generator.poisson(true).astype(float),
        machines=[f"m{at % (n // 12)}" for at in range(n)],
    )  # fmt: skip
    return made, true


def test_telemetry_adds_to_the_power_law() -> None:
    train, _ = months(6_000, 1)
    found = fit_hazard(train, LAW, signs=(1, 0), settings=SETTINGS, seed=2)
    assert found.expected(train).sum() == pytest.approx(train.failures.sum(), rel=1e-6)
    fresh, true = months(4_000, 8)
    expected = found.expected(fresh)
    for usage in range(3):
        rank = np.argsort(np.argsort(fresh.end_hours - fresh.start_hours)) * 3 // 4_000
        share = rank == usage
        error = np.sqrt(true[share].sum())
        assert abs(expected[share].sum() - true[share].sum()) < 4 * error
    hot = fresh.rows[:, 0] > 70
    ratio = (expected / LAW.expected(fresh.start_hours, fresh.end_hours))[hot].mean() / (
        expected / LAW.expected(fresh.start_hours, fresh.end_hours)
    )[~hot].mean()
    assert ratio == pytest.approx(3.0, rel=0.15)
    hotter = replace(fresh, rows=fresh.rows + np.array([5.0, 0.0]))
    assert (found.expected(hotter) >= found.expected(fresh) - 1e-9).all()


def test_months_without_hours_and_without_failures_are_refused() -> None:
    made, _ = months(120, 3)
    with pytest.raises(InvalidRequest, match="Month 0 of 120"):
        fit_hazard(replace(made, end_hours=made.start_hours), LAW, signs=(1, 0), settings=SETTINGS, seed=0)
    with pytest.raises(NotEnoughEvents):
        fit_hazard(replace(made, failures=np.zeros(120)), LAW, signs=(1, 0), settings=SETTINGS, seed=0)


def test_lives_are_found_through_censoring() -> None:
    generator = np.random.default_rng(5)
    rows = generator.uniform(0, 1, (2_000, 2))
    lives = np.exp(4 - 2 * rows[:, 0] + 0.2 * generator.standard_normal(2_000))
    censored = generator.uniform(0, 80, 2_000)
    lower, upper = np.minimum(lives, censored), np.where(lives <= censored, lives, np.inf)
    found = fit_life(rows, lower, upper, [str(at) for at in range(2_000)], settings=SETTINGS, seed=1)
    told = np.log(found.medians(rows))
    assert np.polyfit(4 - 2 * rows[:, 0], told, 1)[0] == pytest.approx(1.0, abs=0.15)
    with pytest.raises(InvalidRequest, match="between bounds"):
        fit_life(rows, upper, lower, [""] * 2_000, settings=SETTINGS, seed=1)


def test_a_machines_own_record_knows_nothing_of_the_month_itself() -> None:
    machines = ["a"] * 14 + ["b"] * 2
    hours, failures = np.arange(1.0, 17.0), np.r_[np.zeros(12), 3.0, 0.0, 1.0, 0.0]
    found = own_record(machines, hours, failures, np.full(16, 0.5))
    assert np.isnan(found[[0, 14]]).all()
    assert found[1].tolist() == [1.0, 1.0, 1 / 1.5, 1 / 1.5, 1.0]
    assert found[13].tolist() == [12.0, 7.5, 4 / 7, 4 / 7.5, 12.0]
    assert found[15].tolist() == [15.0, 15.0, 2 / 1.5, 2 / 1.5, 1.0]
    moved = own_record(machines, np.r_[hours[:-1], 900.0], np.r_[failures[:-1], 9.0], np.full(16, 0.5))
    assert np.array_equal(moved, found, equal_nan=True)


def test_prone_machines_that_stand_still_are_found_by_their_record() -> None:
    """Machines prone to fail work less, as repairs take their hours: the law alone misses both ends, its trees do not."""
    generator = np.random.default_rng(12)
    machines, length = 400, 30
    prone = np.repeat(generator.gamma(1.5, 1 / 1.5, machines), length)
    hours = 300 / (0.5 + prone) * generator.uniform(0.8, 1.2, machines * length)
    end = np.cumsum(hours.reshape(machines, length), axis=1).ravel()
    true = LAW.expected(end - hours, end) * prone
    failures = generator.poisson(true).astype(float)
    names = [f"m{at:03d}" for at in np.repeat(np.arange(machines), length)]
    by_law = LAW.expected(end - hours, end)
    made = MachineMonths(
        rows=own_record(names, hours, failures, by_law), start_hours=end - hours, end_hours=end, failures=failures,
        machines=names,
    )  # fmt: skip
    late = np.tile(np.arange(length) >= 20, machines)
    settings = {**SETTINGS, "max_depth": 3, "min_child_weight": 20}
    found = fit_hazard(made.part(~late), LAW, signs=tuple(RECORD.values()), settings=settings, seed=3)
    gaps = []
    for expected in (by_law[late], found.expected(made.part(late))):
        place = np.digitize(made.rows[late, 0], np.quantile(made.rows[late, 0], (1 / 3, 2 / 3)))
        sums = [np.bincount(place, weights=column) for column in (expected, true[late])]
        gaps.append(float((np.abs(sums[0] - sums[1]) / sums[1] ** 0.5).max()))
    assert gaps[0] > 8
    assert gaps[1] < 4


def test_trees_do_not_learn_the_calendar() -> None:
    """All machines were connected at once and failures grew rarer for nothing that a record tells: what is expected of
    machines whose last year was alike is alike, however long they have been watched."""
    machines, length = 300, 36
    generator = np.random.default_rng(7)
    hours = generator.uniform(200, 300, machines * length)
    end = np.cumsum(hours.reshape(machines, length), axis=1).ravel()
    month = np.tile(np.arange(length), machines)
    true = hours / 500 * np.where(month < 24, 1.5, 0.75)
    failures = generator.poisson(true).astype(float)
    names = [f"m{at:03d}" for at in np.repeat(np.arange(machines), length)]
    rows = own_record(names, hours, failures, hours / 500)
    made = MachineMonths(rows=rows, start_hours=end - hours, end_hours=end, failures=failures, machines=names)
    flat = PowerLaw(shape=1.0, scale_hours=500.0)
    found = fit_hazard(made, flat, signs=tuple(RECORD.values()), settings=SETTINGS, seed=3)
    short, long = (replace(made, rows=own_record(
        names, np.full(len(names), 250.0), np.full(len(names), 0.5), np.full(len(names), 0.5)
    )).part(month == at) for at in (13, 35))  # fmt: skip
    law = [flat.expected(part.start_hours, part.end_hours) for part in (short, long)]
    assert np.allclose(found.expected(short) / law[0], found.expected(long) / law[1], rtol=0.02)
