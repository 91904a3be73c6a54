"""Bounds hold for every completion of what nobody observed, and taking rows away only widens them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from day_tables import AS_OF, FULL, SETTINGS, back, day, machine_days, span
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_tables import MACHINE, OBLIGOR

from features.bounded import evaluate_bounds, is_bounded
from features.bounds import IGNORED_SECONDS, completions
from features.catalogue import CATALOGUE, Evaluation
from features.daily import build_history
from features.declaration import HISTORY_DAYS, RECENT_DAYS
from features.history import Array, DailyHistory, Level, Window
from features.register import registered_time

SECOND = f"{OBLIGOR}/M2"
OWNED_SINCE = datetime(2020, 1, 1, tzinfo=UTC)
STATES = ("off", "fault", "maintenance", "setup", "executing", "idle")
BOUNDED = [
    key
    for key, definition in CATALOGUE.items()
    if definition.credit_risk != 0 and is_bounded(definition) and not definition.rests_on_ledgers
]
WORSE = np.array([definition.credit_risk for definition in CATALOGUE.values()], dtype=np.float64)
ROUNDING = 1e-9
DAYS = 360

Row = dict[str, Any]


def register(machines: Sequence[str] = (MACHINE, SECOND)) -> pa.Table:
    instant = pa.timestamp("us", tz="UTC")
    return pa.table(
        {
            "machine_uid": pa.array(list(machines)),
            "obligor_id": pa.array([OBLIGOR] * len(machines)),
            "owned_from": pa.array([OWNED_SINCE] * len(machines), instant),
            "owned_until": pa.array([None] * len(machines), instant),
        }
    )


def history_of(rows: Sequence[Row]) -> DailyHistory:
    heard = sorted({row["machine_uid"] for row in rows})
    return build_history(
        machine_days(rows, [span(machine=uid, starts=OWNED_SINCE) for uid in heard]),
        level=Level.OBLIGOR,
        as_of=AS_OF,
        days=HISTORY_DAYS,
        recent_days=RECENT_DAYS,
        obligor_ids=[OBLIGOR],
    )


def bounds_of(rows: Sequence[Row], machines: Sequence[str] = (MACHINE, SECOND)) -> tuple[Array, Array]:
    """The worst and the best of each feature, where the obligor owns these machines."""
    history = history_of(rows)
    possible = completions(history, registered_time(register(machines), history, RECENT_DAYS))
    adverse, favourable = evaluate_bounds(evaluated(history), SETTINGS, possible)
    return adverse[0], favourable[0]


def evaluated(history: DailyHistory) -> Evaluation:
    """The bounded features of a history that is long enough; the others are left out."""
    values = np.full((len(history.units), len(CATALOGUE)), np.nan)
    for at, (key, definition) in enumerate(CATALOGUE.items()):
        if key in BOUNDED:
            compute: Any = definition.compute
            values[:, at] = compute(history, Window(days=definition.window_days, settings=SETTINGS)).values
    return Evaluation(values, np.zeros(values.shape, dtype=np.int8))


def values_of(rows: Sequence[Row]) -> Array:
    return evaluated(history_of(rows)).values[0]


def worked_day(random: np.random.Generator, when: int, machine: str, *, hidden: float) -> Row:
    """A machine-day of which a share `hidden` was not observed."""
    shares = random.dirichlet(np.full(len(STATES), 0.5)) * FULL * (1 - hidden)
    executing = float(shares[STATES.index("executing")])
    energy = {"energy_executing_kwh": executing / 360, "energy_idle_kwh": float(shares[5]) / 900, "energy_other_kwh": 1}
    return day(
        back(when),
        machine=machine,
        **dict(zip(STATES, map(float, shares), strict=True)),
        **energy,
        energy_kwh=sum(energy.values()),
        peak_kw=float(random.uniform(10, 20)),
        parts=float(random.integers(0, 90)),
        fault_starts=int(random.integers(0, 3)),
    )


def gappy(random: np.random.Generator) -> list[Row]:
    """Two machines over all days: some days in part unobserved, some never heard of."""
    share = random.choice([0.0, 0.02, 0.3])
    return [
        worked_day(random, when, machine, hidden=float(random.uniform(0, 1)) * (random.random() < share))
        for when in range(DAYS)
        for machine in (MACHINE, SECOND)
        if random.random() >= share / 4
    ]


def completed(rows: Sequence[Row], random: np.random.Generator) -> list[Row]:
    """The same days as they may have been: every unobserved second in some state."""
    by_place = {(row["machine_uid"], row["day"]): row for row in rows}
    mode = str(random.choice(["vertex", "day", "mix"]))
    one = int(random.integers(len(STATES)))
    full = []
    for when in range(DAYS):
        for machine in (MACHINE, SECOND):
            row = by_place.get((machine, back(when))) or day(back(when), machine=machine, parts=0, fault_starts=0)
            full.append(_filled(row, random, mode=mode, state=one))
    return full


def _filled(row: Row, random: np.random.Generator, *, mode: str, state: int) -> Row:
    hidden = row["unknown_seconds"]
    if mode == "mix":
        split = random.dirichlet(np.full(len(STATES), 0.3))
    else:
        split = np.eye(len(STATES))[state if mode == "vertex" else int(random.integers(len(STATES)))]
    filled = dict(row) | {"unknown_seconds": 0.0}
    for name, share in zip(STATES, split, strict=True):
        filled[f"{name}_seconds"] += float(share) * hidden
    filled["observed_seconds"] = filled["sampled_seconds"] = row["observed_seconds"] + hidden
    filled["powered_seconds"] = filled["observed_seconds"] - filled["off_seconds"]
    if hidden > IGNORED_SECONDS and filled["fault_starts"] is not None:
        filled["fault_starts"] += int(random.integers(0, 20))
        filled["energy_idle_kwh"] = (filled["energy_idle_kwh"] or 0.0) + float(random.uniform(0, 50))
        filled["energy_kwh"] = (filled["energy_kwh"] or 0.0) + 50.0
    return filled


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_bounds_hold_for_every_completion(seed: int) -> None:
    random = np.random.default_rng(seed)
    rows = gappy(random)
    adverse, favourable = bounds_of(rows)
    for _ in range(3):
        values = values_of(completed(rows, random))
        for at, key in enumerate(CATALOGUE):
            if key.startswith("coverage_"):
                continue  # of a completion it is 1: it tells of the observing, not of the machines
            for end, side in ((adverse, 1.0), (favourable, -1.0)):
                beyond = (values[at] - end[at]) * WORSE[at] * side
                assert not beyond > ROUNDING, (key, side, values[at], end[at])


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_taking_rows_away_only_widens_bounds(seed: int) -> None:
    random = np.random.default_rng(seed)
    rows = gappy(random)
    if random.random() < 0.3:
        kept = [row for row in rows if row["machine_uid"] == MACHINE]
    else:
        kept = [row for row in rows if random.random() < random.choice([0.5, 0.9, 0.99])]
    fuller, poorer = (bounds_of(some) for some in (rows, kept))
    for at, key in enumerate(CATALOGUE):
        for end, side in ((0, 1.0), (1, -1.0)):
            was, became = fuller[end][at], poorer[end][at]
            assert np.isnan(became) or (not np.isnan(was) and (became - was) * WORSE[at] * side >= -ROUNDING), key


def test_what_was_wholly_observed_is_bounded_by_itself() -> None:
    random = np.random.default_rng(3)
    rows = [worked_day(random, when, machine, hidden=0) for when in range(RECENT_DAYS) for machine in (MACHINE, SECOND)]
    adverse, favourable = bounds_of(rows)
    values = values_of(rows)
    for at, key in enumerate(CATALOGUE):
        if key in BOUNDED:
            assert adverse[at] == pytest.approx(values[at], abs=1e-12), key
            assert favourable[at] == pytest.approx(values[at], abs=1e-12), key
        elif not CATALOGUE[key].rests_on_ledgers:
            assert np.isnan([adverse[at], favourable[at]]).all(), key


def test_the_worst_and_the_best_of_a_week_with_a_silent_day() -> None:
    hour = 3_600.0
    rows = [day(back(n), executing=6 * hour, idle=6 * hour, off=12 * hour) for n in range(DAYS) if n != 1]
    adverse, favourable = bounds_of(rows, [MACHINE])
    bounds = {key: (adverse[at], favourable[at]) for at, key in enumerate(CATALOGUE)}
    assert bounds["operating_rate_7d"] == pytest.approx((36 / 168, 60 / 168))
    assert bounds["utilisation_7d"] == pytest.approx((36 / (72 + 24), (36 + 24) / (72 + 24)))
    assert bounds["fault_time_share_7d"] == pytest.approx((24 / (72 + 24), 0.0))
    assert bounds["active_day_share_7d"] == pytest.approx((6 / 7, 1.0))
    assert bounds["coverage_7d"] == pytest.approx((6 / 7, 1.0))
    assert np.isnan(bounds["failure_rate_7d"]).all()


def test_a_silent_month_may_be_a_peak_or_idle() -> None:
    hour, month = 3_600.0, 30
    rows = [
        day(
            back(n),
            executing=(12 if n >= 6 * month else 6) * hour,
            off=12 * hour,
            idle=(0 if n >= 6 * month else 6) * hour,
        )
        for n in range(12 * month)
        if not month <= n < 2 * month
    ]
    adverse, favourable = bounds_of(rows, [MACHINE])
    bounds = {key: (adverse[at], favourable[at]) for at, key in enumerate(CATALOGUE)}
    assert bounds["months_below_peak_365d"] == (12, 5)  # beside a month of 24 hours a day, those of 12 are below too
    worst, best = bounds["idle_workday_share_90d"]
    assert best == 0.0
    assert worst == pytest.approx(bounds["longest_idle_run_90d"][0] / 60, abs=0.05)


def test_a_gap_that_only_silence_calls_off_is_unobserved() -> None:
    hour = 3_600.0
    rows = [day(back(n), executing=6 * hour, off=18 * hour, sampled=6 * hour if n == 0 else FULL) for n in range(DAYS)]
    adverse, favourable = bounds_of(rows, [MACHINE])
    at = list(CATALOGUE).index("operating_rate_7d")
    assert (adverse[at], favourable[at]) == pytest.approx((42 / 168, 60 / 168))


def test_a_machine_that_was_never_heard_of_counts_by_the_register() -> None:
    hour = 3_600.0
    rows = [day(back(n), executing=12 * hour, off=12 * hour) for n in range(DAYS)]
    at = list(CATALOGUE).index("operating_rate_90d")
    alone, registered = (bounds_of(rows, owned)[0][at] for owned in ([MACHINE], [MACHINE, SECOND]))
    assert (alone, registered) == pytest.approx((0.5, 0.25))


def test_a_report_that_is_rounded_is_no_gap() -> None:
    at = list(CATALOGUE).index("operating_rate_90d")
    for rest, is_exact in ((IGNORED_SECONDS / 2, True), (IGNORED_SECONDS, False)):
        rows = [day(back(n), executing=FULL - rest) for n in range(DAYS)]
        adverse, favourable = bounds_of(rows, [MACHINE])
        assert (adverse[at] == favourable[at]) is np.bool_(is_exact)
