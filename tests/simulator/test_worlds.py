"""The named worlds: what each changes against base, and that it changes nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pytest
from written_world import WrittenWorld

from data_contracts.contract import RecordKind
from simulator import simulate
from simulator.block import Block, Laws, build_block
from simulator.credit.structural import Engine
from simulator.world import ImpossibleWorld, make_laws
from simulator.worlds import DATA_TRAPS, TRAPS, UnknownWorld

MONTHS = 30


def _block(world: str) -> tuple[Block, Laws]:
    laws = make_laws(MONTHS, 4, world)
    return build_block(0, 256, laws), laws


def _written(folder: Path, world: str) -> WrittenWorld:
    return WrittenWorld(folder, simulate(world=world, obligors=150, months=15, seed=3, out=folder, samples_for=0))


@pytest.mark.parametrize("name", ["leak", "leak/", "leak/no_such_trap", "base/policy_terms", "null/", "Base", ""])
def test_other_names_are_refused_with_those_that_there_are(name: str) -> None:
    with pytest.raises(UnknownWorld, match="No world is called") as refused:
        make_laws(12, 1, name)
    assert "leak/policy_terms" in str(refused.value.hint)


@pytest.mark.parametrize("world", ["null", "leak/backfilled_telemetry"])
def test_a_world_that_rests_on_drawn_defaults_is_not_had_with_the_structural_engine(world: str) -> None:
    with pytest.raises(ImpossibleWorld, match=world) as refused:
        make_laws(12, 1, world, engine=Engine.STRUCTURAL)
    assert "reduced-form" in str(refused.value.hint)


def test_parameters_that_were_replaced_bear_another_hash() -> None:
    files, fewer, exact = (
        make_laws(12, 1, **changes).parameters.version
        for changes in ({}, {"machines_per_obligor": 1.2}, {"observation": False})
    )
    assert len({files, fewer, exact}) == 3
    assert files == make_laws(12, 2).parameters.version


def test_base_runs_production_and_default_on_the_same_states() -> None:
    block, laws = _block("base")
    assert np.array_equal(block.health.health, block.lives.health)
    assert np.array_equal(block.health.industry_state, block.lives.industry_state)
    assert np.array_equal(block.firms.quality, block.lives.quality)
    assert np.array_equal(laws.industry_states, laws.credit_states)


def test_null_has_the_defaults_of_base_and_a_production_of_its_own() -> None:
    base, _ = _block("base")
    null, laws = _block("null")
    assert np.array_equal(null.lives.default_day, base.lives.default_day)
    assert np.array_equal(null.lives.hazard, base.lives.hazard)
    bound = 4.0 / np.sqrt(len(null.firms))
    assert abs(np.corrcoef(null.firms.quality, null.lives.quality)[0, 1]) < bound
    for month in (0, MONTHS):
        states = null.health.health[:, month], null.lives.health[:, month]
        assert abs(np.corrcoef(*states)[0, 1]) < bound
    assert not np.allclose(laws.industry_states, laws.credit_states)
    assert null.health.health.std() == pytest.approx(1.0, abs=0.1)


def test_a_recession_is_a_shock_to_work_and_to_defaults_at_once() -> None:
    base, _ = _block("base")
    block, laws = _block("recession")
    offset = laws.world.industry_offset(np.arange(-1, MONTHS))
    assert offset[:7].tolist() == [0.0] * 7  # January to June 2024
    assert offset[7] == -2.0
    assert (np.diff(offset[7:]) > 0).all()
    assert np.allclose(block.health.industry_state - base.health.industry_state, offset)
    assert np.array_equal(block.lives.industry_state, base.lives.industry_state)
    exposed, odds = block.lives.is_exposed, block.lives.hazard / (1 - block.lives.hazard)
    more = np.log(odds / (base.lives.hazard / (1 - base.lives.hazard)))
    failure = laws.world.core_failure
    assert failure is not None
    assert failure.month == 9  # October 2024
    assert 0.05 < exposed.mean() < 0.5
    assert np.allclose(more[:, :6], 0.0)
    assert np.allclose(more[~exposed, 9], -laws.parameters.defaults.industry * offset[10])
    assert np.allclose(more[exposed, 9] - failure.default_log_odds, more[~exposed, 9][0])


def test_drift_moves_telemetry_and_the_intercept_each_by_a_straight_line() -> None:
    base, _ = _block("base")
    block, laws = _block("drift")
    moved = block.health.industry_state[0] - base.health.industry_state[0]
    assert np.allclose(np.diff(moved[1:]), laws.parameters.drift.industry_sd_per_year / 12)
    log_odds = np.log(block.lives.hazard / (1 - block.lives.hazard)) - np.log(
        base.lives.hazard / (1 - base.lives.hazard)
    )
    assert np.allclose(np.diff(log_odds, axis=1), laws.parameters.drift.default_log_odds_per_year / 12)


@pytest.mark.parametrize("trap", [trap for trap in TRAPS if trap not in DATA_TRAPS][:2])
def test_a_trap_of_construction_leaves_the_data_as_they_are(trap: str, tmp_path: Path) -> None:
    base, leak = (_written(tmp_path / name.replace("/", "-"), name) for name in ("base", f"leak/{trap}"))
    assert leak.reports().equals(base.reports())
    assert leak.ledger(RecordKind.MACHINE_OWNERSHIP).equals(base.ledger(RecordKind.MACHINE_OWNERSHIP))


def test_backfilled_reports_come_weeks_later_and_say_the_same(tmp_path: Path) -> None:
    base = _written(tmp_path / "base", "base").reports().to_pandas().set_index(["machine_uid", "day"])
    leak = _written(tmp_path / "leak", "leak/backfilled_telemetry").reports().to_pandas()
    leak = leak.set_index(["machine_uid", "day"])
    both = base.loc[leak.index]
    late = (leak["recorded_time"] - both["recorded_time"]).dt.days
    assert set(late.unique()) == {0, 60}
    assert 0.05 < (late == 60).mean() < 0.4
    assert leak.drop(columns="recorded_time").equals(both.drop(columns="recorded_time"))
    assert leak["recorded_time"].max() <= base["recorded_time"].max()


def test_removed_devices_are_written_off_after_the_default_as_gone_before_it(tmp_path: Path) -> None:
    written = _written(tmp_path / "leak", "leak/device_removed")
    base = _written(tmp_path / "base", "base").ledger(RecordKind.MACHINE_OWNERSHIP).to_pandas()
    owned = written.ledger(RecordKind.MACHINE_OWNERSHIP).to_pandas()
    defaults = written.truth("default").to_pandas().set_index("obligor_id")["event_time"]
    owned["default"] = owned["obligor_id"].map(defaults)
    gone = owned[(owned["default"] - owned["owned_until"]).dt.days == 90]
    assert len(gone) > 0
    assert (gone["recorded_time"] > gone["default"]).all()
    kept = ["machine_uid", "obligor_id", "event_time", "owned_until", "recorded_time"]
    still, before = (table[~table["obligor_id"].isin(defaults.index)][kept] for table in (owned, base))
    assert still.reset_index(drop=True).equals(before.reset_index(drop=True))


def test_a_machine_at_two_obligors_has_one_serial_and_reports_twice(tmp_path: Path) -> None:
    written = _written(tmp_path / "leak", "leak/machine_at_two_obligors")
    owned = written.ledger(RecordKind.MACHINE_OWNERSHIP).to_pandas()
    second = owned[owned["machine_uid"].str.contains("/L")]
    assert len(second) > 0
    assert (second["machine_uid"].str[:18] == second["obligor_id"]).all()
    first = owned[~owned["machine_uid"].str.contains("/L")].drop_duplicates("serial").set_index("serial")
    assert (first.loc[second["serial"], "obligor_id"].to_numpy() != second["obligor_id"].to_numpy()).all()
    reports = written.reports()
    pair = second.iloc[0]
    of = [
        reports.filter(pc.equal(reports["machine_uid"], uid))
        for uid in (pair["machine_uid"], first.loc[pair["serial"], "machine_uid"])
    ]
    assert len(of[0]) > 0
    assert of[0].drop_columns(["machine_uid"]).equals(of[1].drop_columns(["machine_uid"]))
