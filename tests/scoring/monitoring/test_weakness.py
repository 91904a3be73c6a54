"""Weak production on made-up firms, and blocks that are read apart."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from importlib.resources import files

import numpy as np
import pandas as pd
import pytest

from data_contracts.reference.dated import load_book
from scoring.monitoring.summary import joined, summarise
from scoring.monitoring.vocabulary import EarlyWarning, Severity, WarningCode
from scoring.monitoring.warnings import early_warnings, warnings_of
from scoring.monitoring.watched import Watched
from scoring.monitoring.weakness import late_instalments

VALUES = load_book(files("scoring") / "monitoring" / "parameters").at(date(2018, 1, 1))
FIRMS, DAYS = 50, 200
DAY = 86_400.0


DUES = pd.DataFrame(columns=["obligor_id", "due_date", "amount_due_minor", "amount_paid_minor", "paid_date"])
"""Nobody has a loan."""


def firms() -> Watched:
    """Fifty firms of two industries that work alike but for chance."""
    rng = np.random.default_rng(3)
    shape = (FIRMS, DAYS)
    measures = {
        "executing_seconds": 20_000 * rng.lognormal(0, 0.3, shape),
        "parts": 500 * rng.lognormal(0, 0.3, shape),
        "scrap_parts": 5 * rng.lognormal(0, 0.3, shape),
        "energy_kwh": 80 * rng.lognormal(0, 0.2, shape),
        "fault_seconds": 600 * rng.lognormal(0, 0.5, shape),
        "fault_starts": rng.poisson(0.05, shape).astype(np.float64),
        "maintenance_seconds": 900 * rng.lognormal(0, 0.3, shape),
        "observed_seconds": np.full(shape, DAY),
        "owned_seconds": np.full(shape, DAY),
    }
    units = [f"F{number:02}" for number in range(FIRMS)]
    return Watched(units=units, owners=units, industry=np.arange(FIRMS) % 2, today=date(2026, 6, 30), measures=measures)


def with_row(watched: Watched, row: int, **factors: float) -> Watched:
    """One firm's measures times these."""
    changed = {name: values.copy() for name, values in watched.measures.items()}
    for name, factor in factors.items():
        changed[name][row] *= factor
    return replace(watched, measures=changed)


def weak(watched: Watched) -> dict[str, EarlyWarning]:
    found = early_warnings(watched, VALUES, dues=DUES)
    return {item.unit: item for item in found if item.code is WarningCode.WEAK_PRODUCTION}


def test_who_has_always_been_weak_is_seen_though_nothing_fell() -> None:
    poor = {"executing_seconds": 0.2, "parts": 0.2, "scrap_parts": 0.8, "maintenance_seconds": 0.02, "fault_starts": 3}
    found = weak(with_row(firms(), 7, **poor))
    assert set(found) == {"F07"}
    assert found["F07"].severity >= Severity.SERIOUS
    parts = found["F07"].evidence
    assert found["F07"].strength == pytest.approx(sum(float(part) for part in parts.values()), abs=1e-3)
    codes = {item.code for item in early_warnings(with_row(firms(), 7, **poor), VALUES) if item.unit == "F07"}
    assert not codes & {WarningCode.LOW_HOURS, WarningCode.LOW_OUTPUT}


def test_a_weak_industry_is_nobodys_weakness() -> None:
    slump = firms()
    for row in range(0, FIRMS, 2):
        slump = with_row(slump, row, executing_seconds=0.3, parts=0.3)
    assert weak(slump) == {}


@pytest.mark.parametrize(
    ("measure", "worse"),
    [("executing_seconds", 0.5), ("scrap_parts", 2.0), ("fault_starts", 4.0), ("maintenance_seconds", 0.1)],
)
def test_each_signal_weighs_the_right_way(measure: str, worse: float) -> None:
    everybody = {**VALUES, "monitoring": {**VALUES["monitoring"]}}
    everybody["monitoring"]["weakness"] = {**VALUES["monitoring"]["weakness"], "watch": -99.0}

    def strength(watched: Watched) -> float:
        return next(
            item.strength
            for item in early_warnings(watched, everybody, dues=DUES)
            if item.unit == "F07" and item.code is WarningCode.WEAK_PRODUCTION
        )

    assert strength(with_row(firms(), 7, **{measure: worse})) > strength(firms())


def test_who_was_hardly_seen_is_not_called_weak() -> None:
    unseen = firms()
    gone = {name: values.copy() for name, values in unseen.measures.items()}
    gone["observed_seconds"][7, :150] = 0.0
    for name in set(gone) - {"observed_seconds", "owned_seconds"}:
        gone[name][7, :150] = np.nan
    poor = with_row(replace(unseen, measures=gone), 7, executing_seconds=0.2)
    assert "F07" not in weak(poor)


def test_blocks_read_apart_warn_as_one() -> None:
    whole = with_row(firms(), 7, executing_seconds=0.2, parts=0.2, fault_starts=4)
    cut = [slice(0, 11), slice(11, 12), slice(12, FIRMS)]
    blocks = [
        summarise(
            replace(
                whole,
                units=whole.units[rows],
                owners=whole.owners[rows],
                industry=whole.industry[rows],
                measures={name: values[rows] for name, values in whole.measures.items()},
            ),
            VALUES,
            dues=DUES,
        )
        for rows in cut
    ]
    assert warnings_of(joined(blocks), VALUES) == early_warnings(whole, VALUES, dues=DUES)


TODAY = date(2026, 6, 30)
# due, paid on (None: not yet), paid of 100     days late, at most 10
INSTALMENTS = [
    ([(date(2026, 6, 1), date(2026, 6, 1), 100)],                                           [0]),
    ([(date(2026, 6, 1), date(2026, 5, 20), 100)],                                          [0]),  # early is not late
    ([(date(2026, 6, 1), date(2026, 6, 4), 100)],                                           [3]),
    ([(date(2026, 6, 1), date(2026, 6, 29), 100)],                                          [10]),
    ([(date(2026, 6, 28), None, 0)],                                                        [2]),
    ([(date(2026, 6, 26), date(2026, 6, 26), 99)],                                          [4]),  # a part is no payment
    ([(date(2026, 6, 1), date(2026, 6, 2), 100), (date(2026, 5, 1), date(2026, 5, 1), 100)], [1, 0]),
    ([(date(2026, 1, 13), date(2026, 3, 1), 100)],                                          []),  # half a year ago
    ([(date(2026, 7, 1), None, 0)],                                                         []),  # not due yet
]  # fmt: skip


@pytest.mark.parametrize(("told", "days"), INSTALMENTS)
def test_how_late_instalments_are_paid(told: list[tuple[date, date | None, int]], days: list[int]) -> None:
    rows = [("F07", due, 100, paid, on) for due, on, paid in told]
    dues = pd.DataFrame(rows, columns=["obligor_id", "due_date", "amount_due_minor", "amount_paid_minor", "paid_date"])
    terms = VALUES["monitoring"]["weakness"]
    found = late_instalments(dues, ["F06", "F07"], today=TODAY, days=168, terms=terms)
    assert np.isnan(found[0])
    expected = np.mean(np.log1p(days)) if days else np.nan
    np.testing.assert_allclose(found[1], expected)


def test_who_pays_late_is_weaker_and_the_evidence_says_so() -> None:
    rows = [(unit, TODAY - timedelta(days=40), 100, 100, TODAY - timedelta(days=40)) for unit in firms().units]
    late = [("F07", TODAY - timedelta(days=days), 100, 0, None) for days in (10, 40)]
    prompt, unpaid = (pd.DataFrame(told, columns=DUES.columns) for told in (rows, [*rows, *late]))
    everybody = {**VALUES, "monitoring": {**VALUES["monitoring"]}}
    everybody["monitoring"]["weakness"] = {**VALUES["monitoring"]["weakness"], "watch": -99.0}
    before, after = (
        next(
            item
            for item in early_warnings(firms(), everybody, dues=dues)
            if item.unit == "F07" and item.code is WarningCode.WEAK_PRODUCTION
        )
        for dues in (prompt, unpaid)
    )
    assert before.evidence["late_instalments"] == 0.0
    part = float(after.evidence["late_instalments"])
    assert part > 0
    assert after.strength - before.strength == pytest.approx(part, abs=1e-3)
