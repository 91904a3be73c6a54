"""The benchmark of data trust in small: a world of fraudsters is told, examined, and counted."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy.stats import binom

from benchmarks.data_trust import CODES, SETTINGS, seen_of
from benchmarks.trust.air import air_cut, air_figures
from benchmarks.trust.calibrate import nulls
from benchmarks.trust.clones import swept
from benchmarks.trust.figures import page_part
from benchmarks.trust.gaps import confusion
from benchmarks.trust.gaps import figures as gap_figures
from benchmarks.trust.mislabels import SWITCHED, Habit, mislabelled
from benchmarks.trust.shares import share_of
from benchmarks.trust.unobserved import figures as figures_of_unobserved
from benchmarks.trust.unobserved import unobserved
from benchmarks.trust.worlds import build, scaled
from data_contracts.vocabulary import ELEMENTS
from features.data_trust.engine import BETWEEN, examine
from features.data_trust.gaps import EXTERNAL
from features.data_trust.nulls import Null
from simulator.frauds.plan import Code


def test_fraudsters_are_told_and_examined() -> None:
    world = build(seed=101, codes=[Code.HOUR_METER_ROLLBACK], obligors=4)
    assert set(world.labels["fraud"]) == {"F11"}
    seen = seen_of(world, [examine(told, SETTINGS) for told in world.told])
    who = set(world.labels["obligor_id"])
    assert who == {obligor for obligor in who if seen.by_check["hour_meter_back_of_machine"][obligor] > 3}
    assert seen.frauds.keys() == who


def test_an_honest_world_has_no_labels() -> None:
    world = build(seed=101, obligors=2)
    assert world.labels.empty
    assert [told.days for told in world.told] == [730, 730]
    sweep = swept(world.told[-1], SETTINGS, seed=1)
    assert (sweep.planted > 2.0).tolist() == [True], "one of two obligors tells the days of the other's machine"
    assert (sweep.honest < 1.0).all()


@pytest.mark.parametrize(
    ("numbers", "strength", "expected"),
    [
        ({"hidden_days": 5.0}, 0.25, {"hidden_days": 1}),
        ({"rolled_back_share": 0.35}, 4.0, {"rolled_back_share": 0.9}),
        ({"replayed_days": 84.0, "power_jitter": 0.01}, 0.0, {"replayed_days": 84.0, "power_jitter": 0.0}),
        ({"power_jitter": 0.01}, 2.0, {"power_jitter": 0.02}),
    ],
)
def test_strengths_scale_the_number_that_labels_bear(
    numbers: dict[str, float], strength: float, expected: dict[str, float]
) -> None:
    assert scaled(numbers, strength) == expected


def test_nulls_name_only_what_enough_units_show() -> None:
    found = nulls([{"some": 1.0 + 0.001 * np.arange(1000)}])
    assert found["some"]["strength"] == [1.0, 2.0]
    assert found["some"]["statistic"] == pytest.approx([1.9, 1.99], abs=0.001)


def test_figures_stand_between_their_marks() -> None:
    recall = {"0.25": 0.1, "0.5": 0.5, "1.0": 0.9, "2.0": 1.0}
    fraud = {
        "recall_at_1pct": 0.9,
        "smallest_detectable": 1.0,
        "smallest_detectable_is_lowest_swept": False,
        "recall_by_strength": recall,
        "interval_by_strength": dict.fromkeys(recall, (0.05, 0.95)),
        "frauds_by_strength": dict.fromkeys(recall, 40),
        "found_by": {"replayed_days_of_machine": 0.9},
    }
    figures = {
        "world": "base-3",
        "statement": "synthetic",
        "honest_obligors": 1000,
        "threshold_strength": 1.5,
        "mislabels_per_machine_day": 0.03,
        "false_alarm_rate": 0.01,
        "false_alarm_rate_interval": (0.005, 0.02),
        "false_alarms_by_habit": {"never": {"false_alarm_rate": 0.01, "interval": (0.005, 0.02), "obligors": 1000}},
        "honest_with_findings": {"note": 0.02, "moderate": 0.01, "severe": 0.0},
        "frauds": {code.value: fraud for code in CODES}
        | {"F5": {**fraud, "smallest_detectable": 0.25, "smallest_detectable_is_lowest_swept": True}},
        "exact": {"F2": 1.0, "F5": 1.0},
        "exact_intervals": {"F2": (0.8, 1.0), "F5": (0.7, 1.0)},
        "clones_threshold_strength": 1.98,
        "clones_between_obligors": 1.0,
        "clones_between_obligors_interval": (0.95, 1.0),
        "clones_planted": 80,
        "clones_false_alarm_rate": 0.002,
        "clones_false_alarm_rate_interval": (0.001, 0.01),
        "air_cutting_with_effect": air_figures({0.25: [], 0.5: [], 1.0: [], 2.0: []}, wanted_recall=0.9),
        "gaps": gap_figures([pd.DataFrame({"gateway": [30.0], "network": [10.0]}, index=["gateway_outage"])]),
    }
    page = page_part("before\n<!-- figures -->\nstale words\n<!-- end of figures -->\nafter\n", figures)
    assert page.startswith("before\n<!-- figures -->\n")
    assert page.endswith("<!-- end of figures -->\nafter\n")
    assert "stale words" not in page
    assert "| F2 replayed days | 0.100 of 40 (0.05 to 0.95) | 0.500 of 40 (0.05 to 0.95) |" in page
    assert "| 1 | replayed_days_of_machine 0.90 |" in page
    assert "| <= 0.25 | replayed_days_of_machine 0.90 |" in page, "nothing weaker was swept"
    assert "| gateway outage | 40 | 0.250 | 0.750 | 0.250 |" in page, "causes in their order, the external ones excused"


def test_shares_of_few_bear_their_interval() -> None:
    """20 of 22: the ends of Clopper and Pearson are where chance gives so many, or so few, once in forty times."""
    share = share_of([True] * 20 + [False] * 2)
    low, high = share.interval
    assert (share.found, share.of) == (20, 22)
    assert (binom.sf(19, 22, low), binom.cdf(20, 22, high)) == pytest.approx((0.025, 0.025))
    assert share_of([]).interval == (0.0, 1.0)


def test_forgotten_modes_move_time_and_its_energy() -> None:
    """An hour of setup and one of maintenance, of 3 kWh with an hour of faults: each takes its kWh along."""
    day = {"machine_uid": "O/M", "day": date(2025, 7, 1), "fault_seconds": 3600.0, "maintenance_seconds": 3600.0}
    day |= {"setup_seconds": 3600.0, "executing_seconds": 7200.0, "idle_seconds": 0.0}
    day |= {"energy_executing_kwh": 10.0, "energy_idle_kwh": 0.0, "energy_other_kwh": 3.0}
    reports = pa.Table.from_pylist([day, {**day, "machine_uid": "O/N"}, {**day, "day": date(2025, 6, 30)}])
    always = Habit(per_day=1.0, since=date(2025, 7, 1))
    forgotten, _, before = mislabelled(reports, always, seed=1).to_pylist()
    moved = {"executing_seconds": 10_800.0, "idle_seconds": 3600.0, "setup_seconds": 0.0, "maintenance_seconds": 0.0}
    moved |= {"energy_executing_kwh": 11.0, "energy_idle_kwh": 1.0, "energy_other_kwh": 1.0}
    assert forgotten == day | moved
    assert before == {**day, "day": date(2025, 6, 30)}


def test_which_modes_are_forgotten_is_no_matter_of_order() -> None:
    rows = [
        {"machine_uid": f"O/M{at % 5}", "day": date(2025, 1, 1) + timedelta(days=at // 5), "setup_seconds": 60.0}
        | dict.fromkeys(("fault_seconds", "maintenance_seconds", "executing_seconds", "idle_seconds"), 0.0)
        | dict.fromkeys(("energy_executing_kwh", "energy_idle_kwh", "energy_other_kwh"), 0.0)
        for at in range(1000)
    ]
    habit = Habit(per_day=0.3)
    found = mislabelled(pa.Table.from_pylist(rows), habit, seed=7).to_pylist()
    assert mislabelled(pa.Table.from_pylist(rows[::-1]), habit, seed=7).to_pylist()[::-1] == found
    assert 0.25 < np.mean([row["executing_seconds"] > 0 for row in found]) < 0.35
    assert mislabelled(pa.Table.from_pylist(rows), SWITCHED, seed=7).to_pylist() == rows


def test_an_air_cutter_without_room_or_past_has_no_effect() -> None:
    works = np.full(100, 16.0)
    cuts = np.concatenate([works[:40], works[40:] + 2.0])
    assert air_cut(works, cuts, True).has_effect
    assert not air_cut(works, works, False).has_effect, "round the clock"
    assert not air_cut(works, works + 2.0, False).has_effect, "from the first report on"
    found = {0.5: [air_cut(works, cuts, False)], 1.0: [air_cut(works, cuts, True), air_cut(works, works, False)]}
    told = air_figures(found, wanted_recall=0.9)
    assert told["recall_by_strength"] == {"0.5": 0.0, "1.0": 1.0}
    assert told["smallest_detectable"] == 1.0
    assert (told["missed"], told["missed_with_effect"], told["missed_without_days"]) == (2, 1, 1)
    # Two hours of eighteen are air, in both; the one that had no room has no share.
    assert told["recall_by_share"] == {"from 10%": 0.5}
    assert told["frauds_by_share"] == {"from 10%": 2}
    assert told["smallest_detectable_share"] is None


def test_a_null_in_steps_calls_nothing_rarer_than_it_is() -> None:
    """Of two thousand units 8 in ten share nothing, most others a day, and 20 two; nobody lies between a day and two."""
    shared = np.concatenate([np.zeros(1600), np.linspace(1.0, 1.2, 380), np.full(20, 6.0)])
    found = nulls([{BETWEEN.name: shared}])[BETWEEN.name]
    null = Null(statistic=tuple(found["statistic"]), strength=tuple(found["strength"]))
    for value in (1.1, 1.2, 6.0):
        rarity = -np.log10((shared >= value).mean())
        assert rarity - 0.1 < float(null.strengths(np.array([value]))[0]) < rarity + 0.05
    just_more, rarity = np.array([5.9]), -np.log10(20 / 2000)
    assert float(null.strengths(just_more)[0]) <= rarity
    assert null.strengths(np.array([20.0]))[0] < 12.0, "no edge of a step is the slope beyond the last"


def test_time_that_nobody_observed_is_counted_within_a_machines_days() -> None:
    told = build(seed=101, obligors=2).told[-1]
    seconds = {name: np.full((1, 10), np.nan) for name in ELEMENTS}
    for name, values in seconds.items():
        values[0, 2:8] = {"executing_seconds": 43_200.0, "unknown_seconds": 43_200.0}.get(name, 0.0)
    for values in seconds.values():
        values[0, 5] = np.nan  # a day between its first and its last of which there is no word at all
    alone = replace(told, obligor_ids=("O",), machine_uids=("O/M",), owner=np.zeros(1, np.int64), measures=seconds)
    share, days = unobserved(alone)
    assert (share.tolist(), days.tolist()) == ([(5 * 0.5 + 1) / 6], [1.0])
    assert figures_of_unobserved([(share, days)])["more_than_0.1_unobserved"] == 1.0


def test_every_hour_of_a_gap_has_a_true_cause() -> None:
    """What the world did explains what a lender could not observe, and no hidden hour is excused."""
    table = confusion(101, obligors=3)
    hours = table.sum(axis=1)
    assert hours["gateway_outage"] > 0
    assert hours["hidden_by_the_firm"] > 0
    assert abs(hours["other"]) < 0.01 * hours.sum()
    assert table.loc["hidden_by_the_firm", sorted(EXTERNAL)].sum() == 0
