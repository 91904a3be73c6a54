"""The order of a machine-day: in which quarter-hours it did what, and which changes of state that makes.

Off until the shift begins; then one job after the other, each with its setup, its execution and its waiting; then
maintenance; then off. A failure interrupts the execution and lasts as long as its repair.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_contracts.vocabulary import ITEM_STATE_CODES, ItemState, OperationMode
from simulator.factory.faults import FailureLog
from simulator.factory.schedule import WHOLE_DAY, Quarters
from simulator.world_calendar import QUARTERS_PER_DAY

STATES = ("off", "setup", "executing", "fault", "idle", "maintenance")
"""What a machine may do, in the order in which the arrays of a month hold it."""
OFF, SETUP, EXECUTING, FAULT, IDLE, MAINTENANCE = range(len(STATES))
NOT_KNOWN = -1

ITEM_STATES = {
    OFF: ItemState.NOT_AVAILABLE,
    SETUP: ItemState.EXECUTING,
    EXECUTING: ItemState.EXECUTING,
    FAULT: ItemState.OUT_OF_SERVICE,
    IDLE: ItemState.NOT_EXECUTING,
    MAINTENANCE: ItemState.NOT_EXECUTING,
}
MODES = {
    OFF: OperationMode.NONE,
    SETUP: OperationMode.SETUP,
    EXECUTING: OperationMode.PROCESSING,
    FAULT: OperationMode.NONE,
    IDLE: OperationMode.NONE,
    MAINTENANCE: OperationMode.MAINTENANCE,
}
ITEM_CODES = np.array([ITEM_STATE_CODES[ITEM_STATES[state]] for state in range(len(STATES))], dtype=np.int8)
"""By state of the month: the code of its item state."""
_NA, _EX, _OOS, _NE = (int(ITEM_CODES[state]) for state in (OFF, EXECUTING, FAULT, IDLE))

Bools = NDArray[np.bool_]
Codes = NDArray[np.int8]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaks:
    """The failures of some machine-days: arrays (rows, most a day), 0 quarter-hours where there is none."""

    after: Ints
    """Executing quarter-hours of the day before each."""
    quarters: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is told of item states, arrays of the shape of the machine-days."""

    first: Codes
    """Code of the first known item state, NOT_KNOWN where nothing is."""
    last: Codes
    changes: Quarters
    """Changes between consecutive known item states of the day."""
    fault_starts: Quarters
    """Those of them that enter OutOfService."""

    @property
    def arrays(self) -> tuple[NDArray[np.signedinteger], ...]:
        """First and last state, changes, entries into OutOfService."""
        return self.first, self.last, self.changes, self.fault_starts


def breaks_of(log: FailureLog, machine: Ints, column: Ints, *, days: int) -> Breaks:
    """The failures of these machine-days, in the order of time."""
    keys = log.machine * days + log.column
    first = np.searchsorted(keys, machine * days + column, side="left")
    count = np.searchsorted(keys, machine * days + column, side="right") - first
    turn = np.arange(int(count.max(initial=0)))
    there = turn[None, :] < count[:, None]
    entry = np.where(there, first[:, None] + turn, 0)
    if not len(log):
        return Breaks(after=entry, quarters=entry)
    return Breaks(after=np.where(there, log.after_quarters[entry], 0), quarters=np.where(there, log.quarters[entry], 0))


def lay_out(done: Quarters, cuts: Quarters, start_quarter: Ints, breaks: Breaks) -> Codes:
    """(rows, 96): the state in each quarter-hour of machine-days; `done` is (states, rows), `cuts` (jobs - 1, rows)."""
    codes = _job_by_job(done, cuts, start_quarter)
    row = np.flatnonzero(done[FAULT] > 0)
    # failures were left for the end of the day; each moves what comes after it
    undisturbed = codes[row]
    executes = undisturbed == EXECUTING
    before = np.cumsum(executes, axis=1) - executes
    moved = np.zeros(undisturbed.shape, dtype=np.int64)
    for after, quarters in zip(breaks.after[row].T, breaks.quarters[row].T, strict=True):
        moved += quarters[:, None] * (before >= after[:, None])
    fault, place = np.nonzero(undisturbed != FAULT)
    codes[row] = FAULT
    codes[row[fault], place + moved[fault, place]] = undisturbed[fault, place]
    return codes


def _job_by_job(done: Quarters, cuts: Quarters, start_quarter: Ints) -> Codes:
    """(rows, 96): the states of machine-days in order, but the failures last."""
    before = np.minimum(start_quarter, done[OFF])
    states, lengths = [OFF], [before]
    for job in _jobs(done, cuts):
        states += [SETUP, EXECUTING, IDLE]
        lengths += [job[SETUP], job[EXECUTING], job[IDLE]]
    states += [MAINTENANCE, OFF, FAULT]
    lengths += [done[MAINTENANCE], done[OFF] - before, done[FAULT]]
    rows = done.shape[1]
    codes = np.repeat(np.tile(np.array(states, dtype=np.int8), rows), np.stack(lengths, axis=1).ravel())
    return codes.reshape(rows, QUARTERS_PER_DAY)


def _jobs(done: Quarters, cuts: Quarters) -> Iterator[dict[int, Quarters]]:
    """The quarter-hours of setup, execution and waiting in each job: what lies between the cuts, in whole ones."""
    worked = {state: done[state] for state in (SETUP, EXECUTING, IDLE)}
    passed = dict.fromkeys(worked, np.zeros_like(done[SETUP]))
    for cut in (*cuts, np.full_like(done[SETUP], WHOLE_DAY)):
        reached = {state: quarters * cut // WHOLE_DAY for state, quarters in worked.items()}
        yield {state: reached[state] - passed[state] for state in worked}
        passed = reached


def told_plainly(done: Quarters, cuts: Quarters, start_quarter: Ints) -> Told:
    """What whole days without failures tell of item states, stretch by stretch; `done` is (states, m, days).

    Setup and execution are one item state, and so are waiting and maintenance.
    """
    before = np.minimum(start_quarter[:, None], done[OFF])
    first = np.where(before > 0, _NA, NOT_KNOWN).astype(np.int8)
    last, changes = first.copy(), np.zeros(first.shape, dtype=np.int32)

    def note(code: int, quarters: Quarters) -> None:
        is_new = (quarters > 0) & (last != code)
        changes[...] += is_new & (last != NOT_KNOWN)
        first[is_new & (first == NOT_KNOWN)] = code
        last[is_new] = code

    for job in _jobs(done, cuts):
        note(_EX, job[SETUP] + job[EXECUTING])
        note(_NE, job[IDLE])
    note(_NE, done[MAINTENANCE])
    note(_NA, done[OFF] - before)
    return Told(first=first, last=last, changes=changes, fault_starts=np.zeros_like(changes))


def told_by(codes: Codes, known: Bools) -> Told:
    """What machine-days (rows, 96) tell of item states in the quarter-hours that are known."""
    words = np.where(known, ITEM_CODES[codes], NOT_KNOWN).astype(np.int8)
    place = np.where(known, np.arange(QUARTERS_PER_DAY), -1)
    latest = np.maximum.accumulate(place, axis=1)
    row = np.arange(len(codes))[:, None]
    before = np.where(latest[:, :-1] >= 0, words[row, latest[:, :-1]], NOT_KNOWN)
    changes = known[:, 1:] & (before != NOT_KNOWN) & (before != words[:, 1:])
    last = latest[:, -1]
    any_known = last >= 0
    return Told(
        first=np.where(any_known, words[row[:, 0], known.argmax(axis=1)], NOT_KNOWN).astype(np.int8),
        last=np.where(any_known, words[row[:, 0], last], NOT_KNOWN).astype(np.int8),
        changes=changes.sum(axis=1, dtype=np.int32),
        fault_starts=(changes & (words[:, 1:] == _OOS)).sum(axis=1, dtype=np.int32),
    )


def across_days(told: Told, previous: Codes) -> tuple[Told, Codes]:
    """What days tell (m, days) with the change from the last known state before each day; and the last state known.

    `previous` is (m,): the last known state before the first day, NOT_KNOWN where there is none.
    """
    days = np.arange(told.last.shape[1])
    place = np.maximum.accumulate(np.where(told.last != NOT_KNOWN, days, -1), axis=1)
    carried = np.where(place >= 0, np.take_along_axis(told.last, np.maximum(place, 0), axis=1), previous[:, None])
    before = np.concatenate([previous[:, None], carried[:, :-1]], axis=1)
    is_change = (told.first != NOT_KNOWN) & (before != NOT_KNOWN) & (told.first != before)
    whole = Told(
        first=told.first,
        last=told.last,
        changes=told.changes + is_change,
        fault_starts=told.fault_starts + (is_change & (told.first == _OOS)),
    )
    return whole, carried[:, -1].astype(np.int8)
