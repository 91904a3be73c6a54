"""Components: the hazard that each runs through, the hour at which it fails, and what repair and maintenance renew."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest, weibull_min

from simulator.factory.components import (
    Components,
    ComponentState,
    components_of,
    draw_components,
    maintained,
)
from simulator.factory.faults import Failures, strike
from simulator.parameter_values import FaultParameters, WorldParameters, load_parameters
from simulator.streams import Streams
from simulator.world_calendar import Month

SHAPE = 2.0
SCALE = 400.0


@pytest.fixture(scope="module")
def parameters() -> WorldParameters:
    """The shipped parameters."""
    return load_parameters(date(2026, 7, 1))


@pytest.fixture(scope="module")
def quick(parameters: WorldParameters) -> FaultParameters:
    """Repairs that take a quarter of an hour, so that the machine hardly stops."""
    return replace(parameters.faults, repair_median_quarters=0.5, repair_sd_log=0.01)


def _month(position: int) -> Month:
    return Month(position=position, first=date(2026, 1, 1), first_day=30 * position, length=30)


def _two(machines: int) -> Components:
    """A wear part and a part of constant hazard, for each machine."""
    return Components(
        codes=(("wear", "electrical"),),
        kind=np.zeros(machines, dtype=np.int64),
        shape=np.tile([SHAPE, 1.0], (machines, 1)),
        scale=np.tile([SCALE, SCALE], (machines, 1)),
        repair_ratio=np.ones((machines, 2)),
    )


def _strike(
    components: Components,
    state: ComponentState,
    executing: np.ndarray,
    faults: FaultParameters,
    *,
    month: Month,
    ratio: float = 1.0,
    locked_until: np.ndarray | None = None,
    seed: int = 1,
) -> Failures:
    count = len(executing)
    return strike(
        0,
        month,
        executing.astype(np.int32),
        components=components,
        state=state,
        ratio=np.full(count, ratio),
        nominal_quarters=np.full(count, 40),
        locked_until=np.full(count, -1) if locked_until is None else locked_until,
        faults=faults,
        streams=Streams(seed),
    )


def test_a_failure_comes_in_the_hour_in_which_its_hazard_is_run_through(quick: FaultParameters) -> None:
    # 42 quarter-hours a day of which 40 are exposed: 10 hours. Age 300 h; sqrt(300^2 + 400^2 * 0.29) = 369.3...
    # so the wear part fails after 69.3 h, on the seventh day; the other part has hazard for 1,000 h left.
    state = ComponentState(age=np.array([[300.0, 0.0]]), left=np.array([[0.29, 2.5]]))
    found = _strike(_two(1), state, np.full((1, 30), 42), quick, month=_month(0))
    hours = np.sqrt(300.0**2 + 400.0**2 * 0.29) - 300.0
    assert found.log.column.tolist() == [int(hours // 10)]
    assert found.log.after_quarters.tolist() == [int(np.ceil(hours * 4)) - 40 * int(hours // 10)]
    assert found.log.component.tolist() == [0]
    assert found.log.after_quarters.tolist() == [38]
    assert found.starts.sum() == 1
    # 29 days with 40 exposed quarter-hours, and the day of the failure with the quarter-hour of repair less
    exposed = (40 * 30 - 1) / 4
    assert found.expected[0] == pytest.approx(0.29 + exposed / SCALE)
    assert found.components.left[0, 1] == pytest.approx(2.5 - exposed / SCALE)
    assert found.components.age[0].tolist() == pytest.approx([exposed - np.ceil(hours * 4) / 4, exposed])


def test_a_raised_hazard_brings_the_failure_nearer(quick: FaultParameters) -> None:
    state = ComponentState(age=np.array([[0.0, 0.0]]), left=np.array([[9.0, 0.5]]))
    plain, doubled = (
        _strike(_two(1), state, np.full((1, 30), 42), quick, month=_month(0), ratio=ratio) for ratio in (1.0, 2.0)
    )
    assert (plain.log.column.tolist(), doubled.log.column.tolist()) == ([19], [9])  # after 200 and after 100 hours


def test_the_age_at_failure_of_a_wear_part_is_weibull_and_of_the_others_exponential(quick: FaultParameters) -> None:
    machines, months = 400, 60
    components = _two(machines)
    state = ComponentState(age=np.zeros((machines, 2)), left=Streams(5).of("left").standard_exponential((machines, 2)))
    born = np.zeros((machines, 2))
    clock = 0.0
    ages: tuple[list[float], list[float]] = ([], [])
    for position in range(months):
        found = _strike(components, state, np.full((machines, 30), 12), quick, month=_month(position), seed=9)
        day_hours = 10 / 4
        for machine, column, component, after in zip(
            found.log.machine, found.log.column, found.log.component, found.log.after_quarters, strict=True
        ):
            now = clock + column * day_hours + after / 4
            if born[machine, component] > 0.0:  # the first part of each began with the world
                ages[component].append(now - born[machine, component])
            born[machine, component] = now
        clock += 30 * day_hours
        state = found.components
    # an hour of repair here and there and one failure a month at most leave the law almost untouched
    for component, shape in ((0, SHAPE), (1, 1.0)):
        found_ages = np.array(ages[component])
        assert len(found_ages) > 2000
        cut = found_ages[found_ages > 80.0]  # beyond the month of a failure, in which a part holds
        law = weibull_min(shape, scale=SCALE)
        share = law.cdf(80.0)
        assert kstest(cut, lambda age, law=law, share=share: (law.cdf(age) - share) / (1 - share)).statistic < 0.06


def test_failures_less_the_hazard_run_through_have_mean_zero_month_by_month(parameters: WorldParameters) -> None:
    kind = np.arange(4000) % len(parameters.components.types)
    components = components_of(kind, components=parameters.components, faults=parameters.faults)
    chance = np.random.default_rng(3)
    state = draw_components(0, components, is_new=np.zeros(len(kind), dtype=bool), streams=Streams(2))
    locked = np.full(len(kind), -1)
    total = expected = 0.0
    for position in range(12):
        executing = chance.integers(0, 60, (len(kind), 30)) * (chance.random((len(kind), 30)) < 0.8)
        found = _strike(
            components, state, executing, parameters.faults, month=_month(position), ratio=3.0, locked_until=locked
        )
        failed, meant = float(found.starts.sum()), float(found.expected.sum())
        assert abs(failed - meant) < 4 * np.sqrt(meant)
        total, expected = total + failed, expected + meant
        state, locked = found.components, found.locked_until
    assert expected > 10_000
    assert abs(total - expected) < 4 * np.sqrt(expected)


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**32), ratio=st.floats(0.01, 2000.0), longest=st.integers(0, 96))
def test_failures_keep_their_place_whatever_the_hazard(seed: int, ratio: float, longest: int) -> None:
    parameters = load_parameters(date(2026, 7, 1))
    chance = np.random.default_rng(seed)
    kind = np.arange(30) % len(parameters.components.types)
    components = components_of(kind, components=parameters.components, faults=parameters.faults)
    state = draw_components(0, components, is_new=kind == 3, streams=Streams(seed))
    executing = chance.integers(0, longest + 1, (30, 30))
    locked = chance.integers(-1, 20, 30)
    found = _strike(
        components, state, executing, parameters.faults, month=_month(0), ratio=ratio, locked_until=locked, seed=seed
    )
    log, place = found.log, (found.log.machine, found.log.column)
    left = executing * ~found.is_locked - found.quarters
    assert (left >= 0).all()
    counted = np.zeros_like(found.starts)
    np.add.at(counted, place, 1)
    assert (counted == found.starts).all()
    repaired = np.zeros_like(found.quarters)
    np.add.at(repaired, place, log.quarters)
    assert (repaired == found.quarters).all()
    assert (log.quarters >= 1).all()
    assert (log.quarters <= log.repair_quarters).all()
    # executing before, between and after the failures of a day
    assert (log.after_quarters >= 1).all()
    assert (log.after_quarters < left[place]).all()
    again = (np.diff(log.machine) == 0) & (np.diff(log.column) == 0)
    assert (np.diff(log.after_quarters)[again] > 0).all()
    assert not found.is_locked[place].any()
    # once a month and component; hazard is only spent
    keys = log.machine * 10 + log.component
    assert len(set(keys.tolist())) == len(keys)
    assert (found.components.left >= 0).all()
    assert (found.expected >= 0).all()
    assert (found.components.age[np.isfinite(components.scale)] >= 0).all()


def test_a_failed_machine_stands_still_until_its_repair_is_done(parameters: WorldParameters) -> None:
    slow = replace(parameters.faults, repair_median_quarters=100.5, repair_sd_log=1e-9)
    state = ComponentState(age=np.zeros((1, 2)), left=np.array([[9.0, 0.05]]))
    # due after 20 hours: the last exposed quarter-hour of the second day
    found = _strike(_two(1), state, np.full((1, 30), 42), slow, month=_month(0))
    assert (found.log.column[0], found.log.after_quarters[0], found.log.quarters[0]) == (1, 40, 1)
    assert found.log.repair_quarters[0] == 101  # rounded up
    # 100 quarter-hours are left at 40 a day: three days
    assert np.flatnonzero(found.is_locked[0]).tolist() == [2, 3, 4]
    assert found.locked_until.tolist() == [4]
    assert found.components.age[0, 1] == pytest.approx((40 * 27) / 4)


def test_maintenance_takes_age_off_and_repair_renews_only_what_wears(quick: FaultParameters) -> None:
    state = ComponentState(age=np.array([[200.0, 50.0]]), left=np.array([[1.0, 1.0]]))
    after = maintained(state, np.array([2]), share=0.1)
    assert after.age[0].tolist() == pytest.approx([162.0, 40.5])
    assert after.left.tolist() == state.left.tolist()
    broken = ComponentState(age=np.array([[200.0, 50.0]]), left=np.array([[0.001, 0.001]]))
    found = _strike(_two(1), broken, np.full((1, 30), 42), quick, month=_month(0))
    assert found.starts.sum() == 2
    assert found.components.age[0, 0] < 300.0  # new on the first day
    assert found.components.age[0, 1] > 340.0


def test_the_world_finds_wear_parts_of_the_ages_that_renewal_makes(parameters: WorldParameters) -> None:
    components = _two(20_000)
    state = draw_components(0, components, is_new=np.arange(20_000) < 100, streams=Streams(4))
    assert (state.age[:100] == 0.0).all()
    ages = state.age[100:, 0]
    # mean of the stationary age: E[life^2] / (2 E[life])
    law = weibull_min(SHAPE, scale=SCALE)
    assert ages.mean() == pytest.approx((law.var() + law.mean() ** 2) / (2 * law.mean()), rel=0.02)


def test_every_type_has_three_to_six_components_and_one_or_two_that_wear(parameters: WorldParameters) -> None:
    assert list(parameters.components.types) == list(parameters.machines.types)
    for parts in parameters.components.types.values():
        assert 3 <= len(parts) <= 6
        wear = [part.shape for part in parts.values() if part.shape != 1.0]
        assert 1 <= len(wear) <= 2
        assert all(1.5 <= shape <= 3.0 for shape in wear)
        assert {part.severity for part in parts.values()} <= set(parameters.components.repair_ratio)
