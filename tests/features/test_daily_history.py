"""Machine-days in dense arrays: which day lies where, what belongs to whom, and what nobody saw."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from day_tables import AS_OF, FULL, LAST_DAY, back, day, history, machine_days, span
from sample_tables import MACHINE, OBLIGOR

from features.daily import build_history, day_rows, history_of_rows
from features.declaration import HISTORY_DAYS, RECENT_DAYS
from features.history import Level

BUYER = "91999999MA0000002R"
SECOND = f"{OBLIGOR}/M2"


def test_the_last_column_is_the_last_complete_local_day() -> None:
    found = history(
        [day(LAST_DAY, executing=10), day(back(1), executing=20), day(back(HISTORY_DAYS - 1), executing=30)]
    )
    assert found.days[0, -1] == np.datetime64(LAST_DAY)
    executing = found.executing_seconds.values[0]
    assert (executing[-1], executing[-2], executing[0]) == (10, 20, 30)
    assert executing.sum() == 60


def test_days_outside_the_history_are_left_out() -> None:
    found = history(
        [day(date(2026, 7, 1), executing=10), day(back(HISTORY_DAYS), executing=20), day(LAST_DAY, executing=1)]
    )
    assert found.executing_seconds.values.sum() == 1


def test_time_in_ownership_after_the_last_machine_day_is_unknown() -> None:
    found = history([day(back(10), off=FULL), day(back(3), executing=FULL)])
    within, unknown = found.within_seconds.values[0], found.unknown_seconds.values[0]
    assert (within[-11:] == FULL).all()
    assert not within[:-11].any()
    assert list(unknown[-11:] == FULL) == [False, *[True] * 6, False, *[True] * 3]


def test_a_day_is_clipped_to_ownership() -> None:
    noon = datetime(2026, 6, 30, 4, tzinfo=UTC)
    found = history(
        [day(back(2), idle=FULL), day(LAST_DAY, idle=FULL / 2, length=FULL / 2)], [span(ends=noon)], level=Level.OBLIGOR
    )
    assert found.within_seconds.values[0, -3:].tolist() == [FULL, FULL, FULL / 2]
    assert found.unknown_seconds.values[0, -3:].tolist() == [0, FULL, 0]


def test_at_the_level_of_machines_only_those_owned_now_and_only_their_owners_days() -> None:
    sold = datetime(2026, 6, 20, 16, tzinfo=UTC)
    days = [
        day(date(2026, 6, 20), executing=5),
        day(date(2026, 6, 22), obligor=BUYER, executing=7),
        day(LAST_DAY, machine=SECOND, executing=9),
    ]
    spans = [span(ends=sold), span(obligor=BUYER, starts=sold), span(machine=SECOND, ends=AS_OF - timedelta(days=0))]
    found = history(days, spans, level=Level.MACHINE)
    assert (found.units, found.obligor_ids) == ((MACHINE,), (BUYER,))
    assert found.executing_seconds.values.sum() == 7
    by_obligor = history(days, spans)
    assert by_obligor.units == (OBLIGOR, BUYER)
    assert by_obligor.executing_seconds.values.sum(axis=1).tolist() == [14, 7]
    assert by_obligor.machine_days.values[:, -1].tolist() == [1, 1]


def test_machines_are_added_up_and_what_no_machine_says_is_missing() -> None:
    days = [
        day(LAST_DAY, executing=100, energy_kwh=3.0, parts=4, fault_starts=1),
        day(LAST_DAY, machine=SECOND, executing=50, energy_kwh=None, parts=None, fault_starts=None),
        day(back(1), machine=SECOND, executing=25),
    ]
    found = history(days, [span(), span(machine=SECOND)])
    assert found.executing_seconds.values[0, -2:].tolist() == [25, 150]
    assert np.isnan(found.energy_kwh.values[0, -2])
    assert (found.energy_kwh.values[0, -1], found.parts.values[0, -1]) == (3, 4)
    assert found.metered_executing_seconds.values[0, -2:].tolist() == [0, 100]
    assert found.watched_executing_seconds.values[0, -2:].tolist() == [0, 100]
    assert found.machine_days.values[0, -2:].tolist() == [1, 2]
    assert found.active_machine_days.values[0, -2:].tolist() == [1, 2]


def test_sites_in_two_zones_end_with_the_day_that_is_complete_at_both() -> None:
    rome = span(machine=SECOND, zone="Europe/Rome")
    days = [day(LAST_DAY, executing=1), day(back(1), machine=SECOND, executing=2)]
    found = history(days, [span(), rome])
    assert found.last_days[0] == np.datetime64(back(1))
    assert found.executing_seconds.values[0, -1] == 2
    machines = history(days, [span(), rome], level=Level.MACHINE)
    assert machines.last_days.tolist() == [LAST_DAY, back(1)]
    assert machines.executing_seconds.values[:, -1].tolist() == [1, 2]


@pytest.mark.parametrize(("changed", "seconds"), [(date(2026, 3, 29), 82_800), (date(2025, 10, 26), 90_000)])
def test_a_silent_day_is_as_long_as_its_clock_says(changed: date, seconds: float) -> None:
    as_of = datetime(changed.year, changed.month, changed.day + 1, 12, tzinfo=UTC)
    first = changed - timedelta(days=1)
    found = history([day(first, executing=1)], [span(zone="Europe/Rome")], as_of=as_of)
    assert found.within_seconds.values[0, -2:].tolist() == [FULL, seconds]


def test_an_obligor_of_whom_nothing_is_known_has_empty_days() -> None:
    found = build_history(
        machine_days([day(LAST_DAY, executing=1)]),
        level=Level.OBLIGOR,
        as_of=AS_OF,
        days=180,
        obligor_ids=[BUYER, OBLIGOR],
    )
    assert found.units == (BUYER, OBLIGOR)
    assert found.within_seconds.values[0].sum() == 0
    assert found.first_observed.tolist() == [180, 179]
    assert np.isnan(found.energy_kwh.values[0]).all()
    assert found.last_days.tolist() == [back(1), LAST_DAY]


def test_the_days_of_a_silent_obligor_end_in_its_own_zone() -> None:
    rows = day_rows(machine_days([day(LAST_DAY, executing=1)]), AS_OF)
    found = history_of_rows(
        rows, level=Level.OBLIGOR, days=180, obligor_ids=[BUYER, OBLIGOR], zones={BUYER: "Asia/Shanghai"}
    )
    assert found.last_days.tolist() == [LAST_DAY, LAST_DAY]
    assert found.zones == ("Asia/Shanghai", "Asia/Shanghai")


def test_only_long_measures_reach_back_as_far_as_the_history() -> None:
    found = history([day(back(RECENT_DAYS), executing=60, idle=30, parts=4), day(LAST_DAY, executing=10, idle=5)])
    assert found.length == HISTORY_DAYS
    assert (found.executing_seconds.values.sum(), found.idle_seconds.values.sum()) == (70, 5)
    assert found.idle_seconds.values.shape == (1, RECENT_DAYS)
    assert found.parts.values[0, -RECENT_DAYS - 1] == 4


def test_what_only_a_report_says_stands_beside_the_same_machines() -> None:
    days = [
        day(LAST_DAY, executing=3_600, idle=1_800, planned_seconds=1_800, parts=9, scrap_parts=1, no_load_seconds=60),
        day(LAST_DAY, machine=SECOND, executing=7_200, parts=5),
    ]
    found = history(days, [span(), span(machine=SECOND)])
    last = {name: getattr(found, name).values[0, -1] for name in DAILY_PAIRS}
    assert last == {
        "planned_seconds": 1_800, "planned_powered_seconds": 5_400, "planned_executing_seconds": 3_600,
        "overtime_seconds": 1_800, "scrap_parts": 1, "inspected_parts": 10, "no_load_seconds": 60,
        "loaded_executing_seconds": 3_600,
    }  # fmt: skip
    assert np.isnan(found.clock_jumps.values).all()


DAILY_PAIRS = (
    "planned_seconds",
    "planned_powered_seconds",
    "planned_executing_seconds",
    "overtime_seconds",
    "scrap_parts",
    "inspected_parts",
    "no_load_seconds",
    "loaded_executing_seconds",
)


def test_faults_of_one_machine_within_three_days_are_repeats() -> None:
    faults = {9: 1, 6: 2, 2: 1, 0: 1}
    days = [day(back(n), idle=10, fault_starts=count) for n, count in faults.items()]
    days.append(day(back(7), machine=SECOND, idle=10, fault_starts=1))
    repeats = history(days, [span(), span(machine=SECOND)]).repeat_fault_starts.values[0]
    # Nine and six days back lie three days apart: both of the later day's starts repeat the first. Six and two lie four
    # apart; two and none, two. The other machine's fault repeats nothing.
    assert (repeats[-10], repeats[-8], repeats[-7], repeats[-3], repeats[-1]) == (0, 0, 2, 0, 1)


def test_a_first_start_is_reported_or_the_switching_on_where_silence_means_off() -> None:
    first = datetime(2026, 6, 30, 0, 30, tzinfo=UTC)  # 08:30 in Shanghai
    days = [
        day(LAST_DAY, executing=10, first_sample=first, coverage_basis="silence_means_off"),
        day(back(1), executing=10, first_sample=first, coverage_basis="sampled"),
        day(back(2), executing=10, first_start_seconds=28_800.0),
    ]
    found = history(days)
    assert found.start_seconds.values[0, -1] == 8.5 * 3_600
    assert np.isnan(found.start_seconds.values[0, -2])
    assert (found.start_seconds.values[0, -3], found.started_machine_days.values[0, -3]) == (28_800, 1)
