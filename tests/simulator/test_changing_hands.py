"""Machines that change hands and sites: who owns what when, and that nothing about a machine is lost on the way."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from written_world import WrittenWorld

from data_contracts.contract import RecordKind
from simulator import simulate
from simulator.block import Block, Laws, build_block, opening, step
from simulator.factory.machines import FOREVER, NO_SITE
from simulator.factory.plant import handed_over
from simulator.told.ledgers import ownership_table
from simulator.world import make_laws


@pytest.fixture(scope="module")
def laws() -> Laws:
    """Two years."""
    return make_laws(24, 6)


@pytest.fixture(scope="module")
def block(laws: Laws) -> Block:
    """A whole block."""
    return build_block(0, 256, laws)


def test_a_machine_that_is_sold_is_two_rows_that_meet(block: Block, laws: Laws) -> None:
    machines, lives = block.machines, block.lives
    bought = np.flatnonzero(machines.predecessor >= 0)
    sold = machines.predecessor[bought]
    assert len(bought) > 20
    assert [machines.uids[row] for row in bought] == [machines.uids[row] for row in sold]
    assert [machines.serial(int(row)) for row in bought] == [machines.serial(int(row)) for row in sold]
    assert (machines.install_date[bought] == machines.install_date[sold]).all()
    assert (machines.firm[bought] > machines.firm[sold]).all()
    assert (machines.owned_until[sold] == machines.first_day[bought]).all()
    firsts = [month.first_day for month in laws.calendar.months]
    assert set(machines.first_day[bought].tolist()) <= set(firsts)
    assert (lives.default_day[machines.firm[bought]] > machines.first_day[bought]).all()
    in_life = lives.default_day[machines.firm[sold]] > machines.first_day[bought]
    assert (machines.last_day[sold] == machines.first_day[bought])[in_life].all()
    assert (machines.last_day[sold] <= machines.first_day[bought]).all()
    assert 0 < in_life.sum() < len(sold)
    assert (machines.value_minor[bought] <= machines.value_minor[sold]).all()
    assert (np.diff(machines.firm) >= 0).all()


def test_what_a_firm_sells_does_not_depend_on_the_firms_after_it(block: Block, laws: Laws) -> None:
    few, many = build_block(0, 40, laws).machines, block.machines
    own = np.flatnonzero(many.firm < 40)
    sold_on = np.flatnonzero(many.predecessor >= 0)
    assert ((many.firm[many.predecessor[sold_on]] < 40) & (many.firm[sold_on] >= 40)).any()
    assert few.uids == tuple(many.uids[row] for row in own)
    for name in ("firm", "first_day", "last_day", "owned_until", "value_minor", "site", "moved_day", "predecessor"):
        assert (getattr(few, name) == getattr(many, name)[own]).all()


def test_a_living_firm_keeps_its_first_machine(block: Block) -> None:
    machines = block.machines
    first = np.flatnonzero(np.diff(machines.firm, prepend=-1) > 0)
    default = block.lives.default_day[machines.firm[first]]
    assert (machines.owned_until[first] > default)[machines.owned_until[first] < FOREVER].all()
    assert len(first) == len(block.firms)


def test_the_state_of_its_parts_goes_with_the_machine(block: Block, laws: Laws) -> None:
    machines = block.machines
    state = opening(block, laws).state
    checked = 0
    for month in laws.calendar.months[:12]:
        taken = np.flatnonzero((machines.predecessor >= 0) & (machines.first_day == month.first_day))
        source = machines.predecessor[taken]
        before = handed_over(state.plant, machines, month)
        for array in (before.meter, before.locked_until, before.components.age, before.components.left):
            assert (array[taken] == array[source]).all()
        assert (before.last_known[taken] == -1).all()
        state, told = step(block, month, state, laws)
        worn = told.machines.hour_meter[taken, -1] - before.meter[taken]
        assert (worn == told.machines.done[2, taken].sum(axis=1)).all()
        assert (told.machines.done[2, source].sum(axis=1) == 0).all()
        checked += len(taken)
    assert checked > 5


def test_that_ownership_has_ended_is_told_when_it_ends(block: Block, laws: Laws) -> None:
    rows = ownership_table(block, laws).to_pandas()
    ended = rows[rows["owned_until"].notna()]
    identity = ["machine_uid", "obligor_id", "event_time"]
    assert len(ended) > 20
    assert not ended.duplicated(identity).any()
    assert not rows[rows["owned_until"].isna()].duplicated(identity).any()
    lag = ended["recorded_time"] - ended["owned_until"]
    assert (lag == pd.Timedelta(days=1)).all()
    assert (rows["recorded_time"] - rows["event_time"])[rows["owned_until"].isna()].eq(pd.Timedelta(days=1)).all()


def test_at_any_time_a_machine_stands_in_one_place_and_belongs_to_one_firm(block: Block, laws: Laws) -> None:
    rows = ownership_table(block, laws).to_pandas().sort_values("recorded_time")
    current = rows.drop_duplicates(["machine_uid", "obligor_id", "event_time"], keep="last")
    current = current.sort_values(["machine_uid", "event_time"])
    after = current.groupby("machine_uid")["event_time"].shift(-1)
    assert (current["owned_until"] <= after)[after.notna()].all()
    moves = current[current.duplicated(["machine_uid", "obligor_id"], keep=False)]
    assert len(moves) > 10
    assert moves.groupby(["machine_uid", "obligor_id"])["site"].nunique().eq(2).all()
    has_two = current.groupby("obligor_id")["site"].apply(lambda site: site.notna().all() or site.isna().all())
    assert has_two.all()
    assert 0.05 < (current["site"].notna()).mean() < 0.3
    assert ((block.machines.site == NO_SITE) | (block.machines.site <= 1)).all()


def test_what_a_machine_meant_for_its_new_owner_is_admitted_and_attributed(tmp_path: Path) -> None:
    """Through the door of real data: machine-days of both owners, each of its own time."""
    import sqlalchemy as sa

    from data_contracts.adapters.folder import check_file, mapping_of, read_manifest
    from data_contracts.admission import admit
    from data_contracts.observations.reader import ObservationReader
    from data_contracts.observations.store import ObservationStore
    from data_contracts.observations.tables import metadata
    from features.as_of import load_machine_days

    world = WrittenWorld(tmp_path / "w", simulate(obligors=60, months=12, seed=8, out=tmp_path / "w", samples_for=0))
    store = ObservationStore(tmp_path / "home")
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'register.sqlite'}")
    metadata.create_all(engine)
    end = datetime(2026, 6, 30, 16, tzinfo=UTC)
    with engine.connect() as connection:
        manifest = read_manifest(world.folder)
        for file in manifest.files:
            if file.kind in {RecordKind.MACHINE_OWNERSHIP, RecordKind.MACHINE_DAY_REPORT}:
                path, mapping = check_file(world.folder, file), mapping_of(world.folder, manifest, file)
                result = admit(connection, store, path, mapping, obligor=None, received_time=end)
                assert (result.rows_admitted, result.rows_quarantined) == (file.rows, 0)
        days, findings = load_machine_days(ObservationReader(connection, store), as_of=end)
    engine.dispose()
    assert list(findings) == []
    assert len(days.table) == len(world.reports())
    owners = world.current(RecordKind.MACHINE_OWNERSHIP).to_pandas().groupby("machine_uid")["obligor_id"].unique()
    two = {uid: set(names) for uid, names in owners.items() if len(names) > 1}
    assert len(two) >= 2
    table = days.table.select(["machine_uid", "obligor_id"]).to_pandas()
    seen = table.groupby("machine_uid")["obligor_id"].unique()
    sold_in_life = {uid: names for uid, names in two.items() if set(seen.get(uid, ())) == names}
    assert len(sold_in_life) == len(two)


def test_reports_bear_scrap_tools_plan_and_meter(small_world: WrittenWorld) -> None:
    reports = small_world.reports().to_pandas()
    told = reports["unknown_seconds"] < 86_400
    for name in ("scrap_parts", "tool_changes", "hour_meter_hours", "state_changes"):
        assert (reports[name].notna() == told).all()
    planned = reports["planned_seconds"].notna()  # some firms send no plan
    assert told[planned].all()
    assert 0.5 < planned.mean() < 1.0
    assert (reports["planned_seconds"] % 900 == 0)[planned].all()
    powered = 86_400 - reports["unknown_seconds"] - reports["off_seconds"]
    assert (powered <= reports["planned_seconds"])[planned].all()
    meter = reports[told].sort_values(["machine_uid", "day"]).groupby("machine_uid")["hour_meter_hours"]
    assert (meter.diff().dropna() >= 0).all()
    quiet = reports["unknown_seconds"] == 0
    both = quiet & quiet.groupby(reports["machine_uid"]).shift(fill_value=False)
    gained = reports.groupby("machine_uid")["hour_meter_hours"].diff()
    assert (gained == reports["executing_seconds"] / 3600)[both & gained.notna()].all()


def test_no_truth_of_the_next_owner_is_told_before_the_sale(small_world: WrittenWorld) -> None:
    ownership = pa.table(small_world.ledger(RecordKind.MACHINE_OWNERSHIP)).to_pandas()
    assert (ownership["recorded_time"] > ownership["event_time"]).all()
    ended = ownership[ownership["owned_until"].notna()]
    assert (ended["recorded_time"] > ended["owned_until"]).all()
    assert pq.read_table(small_world.folder / "truth" / "failure.parquet").num_rows > 0
