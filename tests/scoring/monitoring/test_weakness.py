"""Weak production on made-up firms, and blocks that are read apart."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from importlib.resources import files

import numpy as np
import pytest

from data_contracts.reference.dated import load_book
from scoring.monitoring.summary import joined, summarise
from scoring.monitoring.vocabulary import EarlyWarning, Severity, WarningCode
from scoring.monitoring.warnings import early_warnings, warnings_of
from scoring.monitoring.watched import Watched

VALUES = load_book(files("scoring") / "monitoring" / "parameters").at(date(2018, 1, 1))
FIRMS, DAYS = 50, 200
DAY = 86_400.0


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
    found = early_warnings(watched, VALUES, with_weakness=True)
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
            for item in early_warnings(watched, everybody, with_weakness=True)
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
            with_weakness=True,
        )
        for rows in cut
    ]
    assert warnings_of(joined(blocks), VALUES) == early_warnings(whole, VALUES, with_weakness=True)
