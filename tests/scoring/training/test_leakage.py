"""Each detector finds the trace that it is for, and keeps silent where there is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from features.catalogue import CATALOGUE
from scoring.training import leakage
from scoring.training.features import fold_of
from scoring.training.leakage import CHECKS, Detector, TrainingTable

FIRMS = 1200
MONTHS = 12
NEVER = np.datetime64("NaT", "us")
FIRST = np.datetime64("2024-01-01T00:00:00", "us")


def _month(index: np.ndarray) -> np.ndarray:
    return FIRST + (np.asarray(index) * 30.4375 * 86_400 * 1e6).astype("timedelta64[us]")


@pytest.fixture
def table() -> TrainingTable:
    """Firms whose first two columns fall slowly as their default nears; the other eight are noise."""
    drawn = np.random.default_rng(5)
    default = np.where(drawn.random(FIRMS) < 0.3, drawn.uniform(0.5, 18, FIRMS), np.inf)
    firm, month = np.repeat(np.arange(FIRMS), MONTHS), np.tile(np.arange(MONTHS), FIRMS)
    alive = default[firm] > month
    firm, month = firm[alive], month[alive]
    nearness = np.exp(-(np.minimum(default[firm], 100) - month) / 8.0)
    values = drawn.normal(size=(len(firm), 10))
    values[:, :2] -= nearness[:, None]
    values[drawn.random(values.shape) < 0.02] = np.nan
    times = np.full(FIRMS, NEVER)
    times[np.isfinite(default)] = _month(default[np.isfinite(default)])
    return TrainingTable(
        obligor_ids=[f"FIRM{number:04d}" for number in firm],
        as_of=_month(month),
        names=[f"feature_{number}" for number in range(10)],
        values=values,
        defaulted=default[firm] <= month + 6,
        default_times=times[firm],
    )


def _with(table: TrainingTable, column: np.ndarray) -> TrainingTable:
    return replace(table, names=[*table.names, "planted"], values=np.column_stack([table.values, column]))


def test_every_trap_has_a_detector() -> None:
    from simulator.worlds import TRAPS

    assert set(CHECKS) == set(TRAPS)
    assert len(TRAPS) == 10


def test_nothing_is_found_where_nothing_was_planted(table: TrainingTable) -> None:
    assert leakage.single_feature_auc(table) == []
    assert leakage.event_study(table) == []
    assert leakage.duplicates(table) == []
    assert leakage.undeclared_columns(table.names, declared=table.names) == []
    assert leakage.group_overlap(table.obligor_ids, fold_of(table.obligor_ids, 4, seed=1)) == []


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_a_column_that_knows_the_outcome_is_found(table: TrainingTable, sign: float) -> None:
    noise = np.random.default_rng(1).normal(size=len(table.defaulted))
    (finding,) = leakage.single_feature_auc(_with(table, sign * (3.0 * table.defaulted + noise)))
    assert finding.subject == "planted"
    assert finding.value > 0.85


def test_an_outcome_that_lies_on_both_sides_is_found_by_the_tree(table: TrainingTable) -> None:
    drawn = np.random.default_rng(1)
    around = np.where(table.defaulted, drawn.choice([-3.0, 3.0], len(table.defaulted)), 0.0)
    (finding,) = leakage.single_feature_auc(_with(table, around + 0.3 * drawn.normal(size=len(around))))
    assert finding.subject == "planted"


def test_missing_values_that_tell_the_outcome_are_found(table: TrainingTable) -> None:
    column = np.where(table.defaulted, np.nan, np.random.default_rng(1).normal(size=len(table.defaulted)))
    assert [finding.subject for finding in leakage.single_feature_auc(_with(table, column))] == ["planted"]


def test_a_step_at_the_default_is_found_and_a_slope_is_not(table: TrainingTable) -> None:
    after = (table.as_of + np.timedelta64(20, "D")) > table.default_times
    noise = np.random.default_rng(1).normal(size=len(after))
    (finding,) = leakage.event_study(_with(table, noise - 2.0 * after))
    assert finding.subject == "planted"
    assert finding.value < -0.5


def test_obligors_kept_after_their_default_are_found(table: TrainingTable) -> None:
    known = ~np.isnat(table.default_times)
    late = np.flatnonzero(known)[::5]
    values = table.values[late].copy()
    values[:, 0] -= 4.0
    planted = replace(
        table,
        obligor_ids=[*table.obligor_ids, *(table.obligor_ids[row] for row in late)],
        as_of=np.concatenate([table.as_of, table.default_times[late] + np.timedelta64(10, "D")]),
        values=np.concatenate([table.values, values]),
        defaulted=np.concatenate([table.defaulted, table.defaulted[late]]),
        default_times=np.concatenate([table.default_times, table.default_times[late]]),
    )
    # values are taken against others seen at the same instant, of which these instants have none
    assert leakage.event_study(planted) == []
    aligned = replace(planted, as_of=_month(np.floor((planted.as_of - FIRST) / np.timedelta64(1, "D") / 30.4375) + 1))
    assert "feature_0" in [finding.subject for finding in leakage.event_study(aligned)]


TWO_YEARS = np.array(["2024-07-01", "2025-07-01"], dtype="datetime64[us]")


def a_year_apart(table: TrainingTable, moved: str | None, *, by: float = 1.0) -> TrainingTable:
    """Firms seen once in each of two years, by columns of the catalogue; in the later year one column has moved."""
    names = ["energy_per_part_drift_90d", "power_on_rate_90d", "power_on_rate_30d", "industry_yoy_90d", "unknown"]
    values = table.values[:6000, : len(names)].copy()
    values[3000:] += by * np.array([name == moved for name in names])
    return TrainingTable(
        obligor_ids=table.obligor_ids[:6000],
        as_of=np.repeat(TWO_YEARS, 3000),
        names=names,
        values=values,
        defaulted=table.defaulted[:6000],
        default_times=table.default_times[:6000],
    )


@pytest.mark.parametrize(
    ("moved", "is_found"),
    [
        (None, False),
        ("energy_per_part_drift_90d", True),
        ("power_on_rate_90d", True),
        ("power_on_rate_30d", False),  # how many weekends the month had
        ("industry_yoy_90d", False),  # the industry's cycle, which no leak makes
        ("unknown", True),
    ],
)
def test_drift_is_told_from_no_drift(table: TrainingTable, moved: str | None, is_found: bool) -> None:
    found = leakage.drift(a_year_apart(table, moved), earlier=TWO_YEARS[0], later=TWO_YEARS[1], declared=CATALOGUE)
    assert [finding.detector for finding in found] == [Detector.ADVERSARIAL] * is_found


def test_the_same_firm_in_both_months_is_no_drift(table: TrainingTable) -> None:
    habits = np.random.default_rng(2).normal(size=(800, 6))
    ids = [f"FIRM{number:04d}" for number in range(800)]
    area = leakage.adversarial_auc(habits, habits + 1e-3, earlier_ids=ids, later_ids=ids)
    assert area == pytest.approx(0.5, abs=0.05)


def test_rows_that_stand_twice_are_counted(table: TrainingTable) -> None:
    again = np.arange(0, 70, 10)
    planted = replace(table, values=np.concatenate([table.values, table.values[again]]))
    (finding,) = leakage.duplicates(planted)
    assert finding.value == 7


def test_rows_in_which_nothing_happened_are_no_duplicates(table: TrainingTable) -> None:
    assert leakage.duplicates(replace(table, values=np.zeros_like(table.values))) == []


def test_a_group_in_two_folds_is_found() -> None:
    (finding,) = leakage.group_overlap(["A", "A", "B", "C", "C"], np.array([0, 1, 1, 2, 2]))
    assert (finding.subject, finding.value) == ("A", 2)


OWNERS = """
serial  obligor  from        until       overlap
S1      A        2024-01-01  2024-06-01  no
S1      B        2024-06-01  NaT         no
S2      A        2024-01-01  NaT         yes
S2      B        2024-06-01  NaT         yes
S3      A        2024-01-01  NaT         yes
S3      A        2024-02-01  2024-03-01  yes
S3      C        2025-01-01  2025-02-01  yes
S4      A        2024-01-01  NaT         no
S4      A        2024-03-01  NaT         no
"""


def test_machines_of_two_owners_at_once_are_found_by_serial() -> None:
    rows = [line.split() for line in OWNERS.strip().splitlines()[1:]]
    serials, obligors, starts, ends, overlaps = zip(*rows, strict=True)
    found = leakage.ownership_overlap(
        serials, obligors, np.array(starts, "datetime64[us]"), np.array(ends, "datetime64[us]")
    )
    wanted = {serial for serial, overlap in zip(serials, overlaps, strict=True) if overlap == "yes"}
    assert {finding.subject for finding in found} == wanted


@pytest.mark.parametrize("compare", [leakage.as_known_then, leakage.encoder_outside_fold])
def test_values_that_are_not_the_ones_of_then_are_found_by_column(compare: object) -> None:
    offered = np.array([[1.0, np.nan, 3.0], [1.0, np.nan, 3.0]])
    known = np.array([[1.0, np.nan, 3.0], [1.0, 2.0, 3.5]])
    found = compare(offered, known, ["same", "missing", "moved"])  # type: ignore[operator]
    assert [(finding.subject, finding.value) for finding in found] == [("missing", 0.5), ("moved", 0.5)]


def test_a_column_nobody_declared_is_found() -> None:
    found = leakage.undeclared_columns(["operating_rate_30d", "charge_off_date"], declared={"operating_rate_30d"})
    assert [finding.subject for finding in found] == ["charge_off_date"]
