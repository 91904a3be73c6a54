"""What must add up in the factory for every machine and day, under any seed."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_contracts.vocabulary import ELEMENTS
from simulator.block import Block, BlockMonth, BlockState, Laws, build_block, opening, step
from simulator.factory.day_layout import EXECUTING, FAULT, IDLE, ITEM_CODES, MAINTENANCE, OFF, SETUP, STATES
from simulator.factory.energy import by_firm, drawn_by_firm, energy_of, made_by_firm
from simulator.factory.machine_month import MachineMonth
from simulator.factory.output import make, scrap_chance
from simulator.told.reports import report_table
from simulator.told.samples import sample_table
from simulator.world import make_laws

MONTHS = 3
seeds = st.integers(0, 2**63 - 1)


def _months(seed: int, *, firms: int = 25) -> Iterator[tuple[Block, Laws, BlockState, BlockMonth]]:
    """Each month of a small block, with the state before it."""
    laws = make_laws(MONTHS, seed)
    block = build_block(0, firms, laws)
    state = opening(block, laws).state
    for month in laws.calendar.months:
        after, told = step(block, month, state, laws)
        yield block, laws, state, told
        state = after


def _rows(month: MachineMonth) -> tuple[np.ndarray, np.ndarray]:
    machine, column = np.nonzero(month.is_reported)
    return machine, column


@settings(deadline=None, max_examples=12)
@given(seed=seeds)
def test_calendar_time_is_conserved(seed: int) -> None:
    for block, laws, _, told in _months(seed):
        month = told.machines
        assert (month.done >= 0).all()
        assert (month.done.sum(axis=0) == 96).all()
        assert (month.seen >= 0).all()
        assert (month.seen <= month.done).all()
        assert (month.seen.sum(axis=0) + month.unknown == 96).all()
        worked = month.done[SETUP] + month.done[EXECUTING] + month.done[FAULT] + month.done[IDLE]
        assert (worked + month.done[MAINTENANCE] <= month.planned).all()
        reports = report_table(month, block.machines, laws.calendar)
        total = np.sum([np.asarray(reports[element]) for element in ELEMENTS], axis=0)
        assert (total == 86_400.0).all()


@settings(deadline=None, max_examples=12)
@given(seed=seeds)
def test_what_is_laid_out_is_what_was_counted(seed: int) -> None:
    for _, _, _, told in _months(seed):
        month = told.machines
        machine, column = _rows(month)
        codes, known = month.codes(machine, column), month.known(machine, column)
        for state in range(len(STATES)):
            assert ((codes == state).sum(axis=1) == month.done[state, machine, column]).all()
            assert (((codes == state) & known).sum(axis=1) == month.seen[state, machine, column]).all()
        entries = ((codes[:, 1:] == FAULT) & (codes[:, :-1] != FAULT)).sum(axis=1)
        assert (entries == month.fault_starts[machine, column]).all()
        assert len(month.failures) == month.fault_starts.sum()


@settings(deadline=None, max_examples=8)
@given(seed=seeds)
def test_changes_of_state_are_those_between_known_quarter_hours(seed: int) -> None:
    """Counted one after the other over all months, over gaps, silent days and midnights."""
    last: dict[int, int] = {}
    for _, _, _, told in _months(seed, firms=8):
        month = told.machines
        machine, column = _rows(month)
        words, known = ITEM_CODES[month.codes(machine, column)], month.known(machine, column)
        for row, day, word, is_known in zip(machine.tolist(), column.tolist(), words, known, strict=True):
            changes = faults = 0
            for now in word[is_known].tolist():
                if row in last and last[row] != now:
                    changes += 1
                    faults += now == ITEM_CODES[FAULT]
                last[row] = now
            assert (month.state_changes[row, day], month.fault_starts_seen[row, day]) == (changes, faults)


@settings(deadline=None, max_examples=12)
@given(seed=seeds)
def test_energy_is_conserved(seed: int) -> None:
    for block, laws, _, told in _months(seed):
        month, machines = told.machines, block.machines
        for quarters in (month.done, month.seen):
            energy = energy_of(quarters, month, machines)
            assert (energy.executing + energy.idle + energy.other == energy.total).all()
            assert ((energy.total > 0) == (quarters[OFF + 1 :].sum(axis=0) > 0)).all()
        drawn = drawn_by_firm(month, machines, len(block.firms))
        assert drawn.sum() == energy_of(month.done, month, machines).total.sum()
        # samples of every machine draw what the reports say, to the step
        samples = sample_table(month, machines, laws.calendar, firms=np.arange(len(block.firms)), first_day=0)
        in_samples = round(pc.sum(samples["power_kw"]).as_py() * 25)
        in_reports = energy_of(month.seen, month, machines).total[month.is_reported].sum()
        assert in_samples == in_reports


@settings(deadline=None, max_examples=12)
@given(seed=seeds)
def test_parts_tools_and_hours_are_conserved(seed: int) -> None:
    for block, _, state, told in _months(seed):
        month, machines = told.machines, block.machines
        executed = month.done[EXECUTING]
        assert (month.parts_made >= 0).all()
        assert (month.scrap_made >= 0).all()
        attempted = month.parts_made + month.scrap_made
        assert (attempted[executed == 0] == 0).all()
        assert (month.parts_seen <= month.parts_made).all()
        assert (month.scrap_seen <= month.scrap_made).all()
        whole = (month.seen == month.done).all(axis=0)
        assert (month.parts_seen == month.parts_made)[whole].all()
        assert made_by_firm(month, machines, len(block.firms)).sum() == month.parts_made.sum()
        begun = month.hour_meter[:, :1] - executed[:, :1]
        assert (np.diff(month.hour_meter, axis=1) == executed[:, 1:]).all()
        unsold = (machines.predecessor < 0) | (machines.first_day != month.month.first_day)
        assert (begun[unsold, 0] == state.plant.meter[unsold]).all()
        life = machines.tool_life_quarters
        changes = month.hour_meter[:, -1] // life - begun[:, 0] // life
        assert (month.tool_changes.sum(axis=1) == changes).all()


@settings(deadline=None, max_examples=8)
@given(seed=seeds)
def test_failures_and_scrap_are_rare_and_the_compensator_is_near(seed: int) -> None:
    failed = expected = attempted = scrap = 0.0
    for _, _, _, told in _months(seed, firms=60):
        month = told.machines
        failed += month.fault_starts.sum()
        expected += told.fault_hazard.sum()
        scrap += month.scrap_made.sum()
        attempted += month.parts_made.sum() + month.scrap_made.sum()
    assert abs(failed - expected) < 5.5 * np.sqrt(expected)
    assert 0.003 < scrap / attempted < 0.06


def test_power_adds_up_from_its_parts() -> None:
    laws = make_laws(1, 4)
    block = build_block(0, 200, laws)
    machines, power = block.machines, laws.parameters.power
    run = machines.idle_power + machines.load_power
    idle = machines.idle_power / run
    assert (idle > power.idle_share_low - 0.02).all()
    assert (idle < power.idle_share_high + 0.02).all()
    controller = machines.fault_power
    assert (controller > 0).all()
    assert (controller < machines.maintenance_power).all()
    assert (machines.maintenance_power <= machines.idle_power).mean() > 0.9
    drive = machines.setup_power - machines.idle_power
    assert drive / run == pytest.approx(np.full(len(run), power.setup_drive_share), abs=0.02)
    assert controller / machines.idle_power == pytest.approx(np.full(len(run), power.base_of_idle_share), abs=0.07)
    _, month = step(block, laws.calendar.months[0], opening(block, laws).state, laws)
    executing = month.machines.done[EXECUTING] > 0
    assert (month.machines.run_power > machines.idle_power[:, None])[executing].all()
    assert (month.machines.peak_power > month.machines.run_power)[executing].all()


def test_sums_by_firm_keep_firms_without_machines() -> None:
    laws = make_laws(1, 4)
    machines = build_block(0, 3, laws).machines
    sums = by_firm(np.ones((len(machines), 2), dtype=np.int64), machines, 5)
    assert sums[:, 0].tolist() == [*np.bincount(machines.firm, minlength=5)]
    assert sums[3:].tolist() == [[0, 0], [0, 0]]


def test_scrap_rises_with_the_age_of_wear_parts_and_with_undone_maintenance() -> None:
    laws = make_laws(1, 4)
    block, faults = build_block(0, 50, laws), laws.parameters.faults
    machines = block.machines
    few, many = np.zeros(len(block.firms)), np.ones(len(block.firms))
    usual = np.full(len(block.firms), faults.debt_reference)
    young, old = np.zeros(len(machines)), np.full(len(machines), 2.0)
    at = partial(scrap_chance, machines, faults=faults)
    assert at(relative_age=np.ones(len(machines)), debt=usual) == pytest.approx(faults.scrap_share)
    assert (at(relative_age=old, debt=usual) > at(relative_age=young, debt=usual)).all()
    assert (at(relative_age=young, debt=many) > at(relative_age=young, debt=few)).all()
    assert (at(relative_age=np.full(len(machines), 50.0), debt=many) <= 0.5).all()
    executing = np.full((len(machines), 31), 40, dtype=np.int32)
    made = make(
        0,
        laws.calendar.months[0],
        executing,
        machines=machines,
        scrap=np.full(len(machines), 0.25),
        meter=machines.meter_quarters,
        streams=laws.streams,
    )
    parts = made.attempted.sum()
    assert abs(made.scrap.sum() - 0.25 * parts) < 4 * np.sqrt(parts * 0.25 * 0.75)
    per_hour = (made.attempted / 10.0).mean(axis=1) * machines.cycle_seconds / 3600.0
    assert per_hour == pytest.approx(np.ones(len(machines)), rel=0.05)
    changes = made.tool_changes.sum(axis=1) * machines.tool_life_quarters
    assert (np.abs(changes - 31 * 40) < machines.tool_life_quarters).all()
