"""When firms connect, which days arrive late, and who tells no plans; and that it can be switched off."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from written_world import WrittenWorld

from data_contracts.contract import RecordKind
from simulator import simulate
from simulator.block import Block, Laws, build_block
from simulator.parameter_values import EXACT_OBSERVATION
from simulator.told.arrival import LONGEST_UPLINK_OUTAGE, connect, known_days
from simulator.world import make_laws


@pytest.fixture(scope="module")
def laws() -> Laws:
    """Four years."""
    return make_laws(48, 11)


@pytest.fixture(scope="module")
def blocks(laws: Laws) -> list[Block]:
    """Three full blocks."""
    return [build_block(number, 256, laws) for number in range(3)]


def test_healthier_and_larger_firms_connect_first(laws: Laws, blocks: list[Block]) -> None:
    first = np.concatenate([connect(block, laws).first_day for block in blocks])
    health = np.concatenate([block.health.health[:, 0] for block in blocks])
    size = np.concatenate([np.bincount(block.machines.firm, minlength=256) for block in blocks])
    from_start = first == 0
    assert abs(from_start.mean() - laws.parameters.observation.adoption_share_from_start) < 0.06
    assert health[from_start].mean() - health[~from_start].mean() > 0.2
    assert np.log(size[from_start]).mean() - np.log(size[~from_start]).mean() > 0.05


def test_most_firms_have_two_years_of_history(laws: Laws, blocks: list[Block]) -> None:
    first = np.concatenate([connect(block, laws).first_day for block in blocks])
    days = laws.calendar.day_count - first
    assert (days >= 730).mean() > 0.9
    assert (days <= 0).mean() < 0.05


def test_who_connects_does_not_depend_on_who_follows(laws: Laws, blocks: list[Block]) -> None:
    whole, fewer = connect(blocks[0], laws), connect(build_block(0, 40, laws), laws)
    assert (whole.first_day[:40] == fewer.first_day).all()
    assert (whole.tells_plans[:40] == fewer.tells_plans).all()


def test_days_arrive_in_order_and_late_ones_together(laws: Laws) -> None:
    observation = laws.parameters.observation
    known = np.concatenate(
        [known_days(0, 256, month, observation=observation, streams=laws.streams) for month in laws.calendar.months],
        axis=1,
    )
    days = np.arange(laws.calendar.day_count)
    waits = known - days
    assert waits.min() == 1
    assert waits.max() <= LONGEST_UPLINK_OUTAGE
    assert (np.diff(known, axis=1) >= 0).all()
    expected = observation.uplink_outages_per_day * (observation.uplink_outage_mean_days - 1)
    assert 0.8 * expected < (waits > 1).mean() < 1.2 * expected


def test_late_reports_are_known_late_and_never_after_the_end(small_world: WrittenWorld) -> None:
    reports = small_world.reports().to_pandas()
    wait = reports["recorded_time"].dt.tz_convert("Asia/Shanghai").dt.tz_localize(None) - pd.to_datetime(reports["day"])
    assert wait.dt.days.min() == 1
    assert (wait.dt.days > 1).mean() > 0.002
    assert reports["recorded_time"].max() == pd.Timestamp("2026-07-01", tz="Asia/Shanghai")
    by_firm = wait.groupby([reports["machine_uid"].str[:18], reports["day"]]).nunique()
    assert (by_firm == 1).all()


def test_unconnected_firms_are_known_as_owners_only(small_world: WrittenWorld) -> None:
    owners = set(small_world.ledger(RecordKind.MACHINE_OWNERSHIP)["obligor_id"].to_pylist())
    reports = small_world.reports().to_pandas()
    first = reports.groupby(reports["machine_uid"].str[:18])["day"].min()
    assert len(owners) == 60
    assert (first > reports["day"].min()).sum() > 3


def test_some_firms_tell_no_plans(small_world: WrittenWorld) -> None:
    reports = small_world.reports().to_pandas()
    heard = reports[reports["energy_kwh"].notna()]
    told = heard.groupby(heard["machine_uid"].str[:18])["planned_seconds"].agg(lambda plan: plan.notna().mean())
    assert told.isin([0.0, 1.0]).mean() > 0.85  # the others have machines that changed hands
    assert 0.1 < (told < 0.5).mean() < 0.5


def test_without_observation_everything_is_told_at_once(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("exact") / "world"
    world = WrittenWorld(folder, simulate(obligors=20, months=3, seed=3, samples_for=0, observation=False, out=folder))
    reports = world.reports().to_pandas()
    assert world.summary.version.endswith("+exact")
    assert (reports["unknown_seconds"] == 0).all()
    assert reports["planned_seconds"].notna().all()
    wait = reports["recorded_time"].dt.tz_convert("Asia/Shanghai").dt.tz_localize(None) - pd.to_datetime(reports["day"])
    assert (wait == pd.Timedelta(days=1)).all()
    assert reports["machine_uid"].str[:18].nunique() == 20
    assert world.summary.coverage == 1.0


def test_exact_observation_is_neutral(laws: Laws, blocks: list[Block]) -> None:
    exact = replace(laws, parameters=replace(laws.parameters, observation=EXACT_OBSERVATION))
    assert (connect(blocks[0], exact).first_day == 0).all()
    assert connect(blocks[0], exact).tells_plans.all()
