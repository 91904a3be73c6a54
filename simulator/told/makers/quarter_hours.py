"""What lies under a gateway's readings: a machine's quarter-hours, told or silent, with what its controller counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from data_contracts.identifiers import MachineUid
from simulator.factory.machine_month import EXECUTING, IDLE, MAINTENANCE, SETUP, STATES, MachineMonth
from simulator.parameter_values import ObservationParameters
from simulator.streams import Streams
from simulator.told.samples import ITEM_STATES, MODES
from simulator.world_calendar import MICROSECONDS, QUARTER_SECONDS, QUARTERS_PER_DAY

QUARTER = QUARTER_SECONDS * MICROSECONDS
WATTS_PER_KW = 1000
MISTAKEN = {SETUP: EXECUTING, MAINTENANCE: IDLE}
"""What a machine seems to do when its operator forgets to switch the mode."""

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarterHours:
    """One machine's quarter-hours in order, gaps and all; arrays of one length.

    `parts` are counted by the controller whether or not the gateway speaks; those of a silent stretch of a day stand
    at its last quarter-hour. `state` is a position in `STATES`, as told; `counter_resets` marks where the controller's
    counter begins again at 0; `known` is the instant before which the uplink lets nothing through.
    """

    uid: MachineUid
    machine: int
    """Its row among the block's machines."""
    begins: Ints
    day: Ints
    state: Ints
    power_w: Ints
    parts: Ints
    is_told: Bools
    counter_resets: Bools
    known: Ints


def without_gaps(month: MachineMonth) -> MachineMonth:
    """The month as a gateway that is never silent would see it."""
    nothing = np.zeros_like(month.gap_front)
    return replace(
        month,
        seen=month.done,
        parts_seen=month.parts_made,
        gap_front=nothing,
        gap_start=nothing,
        gap_stop=nothing,
    )


def quarter_hours(
    told: pa.Table, whole: pa.Table, *, rows: Sequence[tuple[MachineUid, int]], first_midnight: int, known: Ints
) -> list[QuarterHours]:
    """The quarter-hours of a month, machine by machine, from its samples as told and as they would be without gaps.

    `rows` names the machines with their rows in the block, `first_midnight` is the instant at which the month begins
    and `known` (days) the instant at which each of its days is known.
    """
    found = []
    for uid, machine in rows:
        mine, everything = _of(told, uid), _of(whole, uid)
        if not len(everything):
            continue
        column = (_begins(everything) - first_midnight) // (QUARTER * QUARTERS_PER_DAY)
        place = np.searchsorted(_begins(everything), _begins(mine))
        is_told = np.zeros(len(everything), dtype=np.bool_)
        is_told[place] = True
        state, power, parts = (values.copy() for values in _measures(everything))
        for values, spoken in zip((state, power, parts), _measures(mine), strict=True):
            values[place] = spoken
        made = np.bincount(column, weights=_measures(everything)[2])
        spoken = np.bincount(column, weights=parts * is_told, minlength=len(made))
        parts[~is_told] = 0
        last_silent = _last_of_each(column, ~is_told)
        parts[last_silent] = np.maximum(made - spoken, 0.0)[column[last_silent]].astype(np.int64)
        found.append(
            QuarterHours(
                uid=uid,
                machine=machine,
                begins=_begins(everything),
                day=column,
                state=state,
                power_w=power,
                parts=parts,
                is_told=is_told,
                counter_resets=np.zeros(len(everything), dtype=np.bool_),
                known=known[column],
            )
        )
    return found


def mistaken(
    month: QuarterHours, *, block: int, position: int, observation: ObservationParameters, streams: Streams
) -> QuarterHours:
    """A month with what gateways get wrong about it: modes that nobody switched, counters that begin again."""
    days = int(month.day.max()) + 1
    uniform = streams.of("gateway.mistakes", block, position, month.machine).random((days, 3))
    forgotten = (uniform[:, 0] < observation.mislabels_per_day)[month.day]
    state = month.state.copy()
    for right, wrong in MISTAKEN.items():
        state[forgotten & (month.state == right)] = wrong
    quarter = np.floor(uniform[:, 2] * QUARTERS_PER_DAY).astype(np.int64)
    of_day = month.begins // QUARTER % QUARTERS_PER_DAY
    resets = (uniform[:, 1] < observation.counter_resets_per_day)[month.day] & (of_day == quarter[month.day])
    return replace(month, state=state, counter_resets=resets)


def join(months: Sequence[QuarterHours]) -> QuarterHours:
    """One machine's months, one after the other."""
    arrays: dict[str, Any] = {
        field.name: np.concatenate([getattr(month, field.name) for month in months])
        for field in fields(QuarterHours)
        if field.name not in {"uid", "machine"}
    }
    return replace(months[0], **arrays)


def _of(samples: pa.Table, uid: MachineUid) -> pa.Table:
    return samples.filter(pc.equal(samples["machine_uid"], uid)).sort_by("event_time")


def _begins(samples: pa.Table) -> Ints:
    return np.asarray(samples["event_time"].cast(pa.int64()))


def _measures(samples: pa.Table) -> tuple[Ints, Ints, Ints]:
    """State (position in `STATES`), watts and parts of each sample."""
    pairs = pa.array([f"{ITEM_STATES[code].value}/{MODES[code].value}" for code in range(len(STATES))])
    words = pc.binary_join_element_wise(samples["item_state"], samples["operation_mode"], "/")
    state = np.asarray(pc.index_in(words, pairs), dtype=np.int64)
    power = np.rint(np.asarray(samples["power_kw"]) * WATTS_PER_KW).astype(np.int64)
    return state, power, np.asarray(samples["part_delta"]).astype(np.int64)


def _last_of_each(group: Ints, chosen: Bools) -> Ints:
    """Position of the last chosen element of each run of equal groups that has one."""
    positions = np.flatnonzero(chosen)
    last = np.r_[np.diff(group[positions]) != 0, True] if len(positions) else np.array([], dtype=np.bool_)
    return positions[last]
