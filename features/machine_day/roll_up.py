"""Samples to machine-days: prepare, roll each partition, merge, and write the table that `docs/machine-days.md`
names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from datetime import datetime
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from data_contracts.identifiers import ProfileId
from data_contracts.profile import SourceProfile
from data_contracts.vocabulary import ELEMENTS, DataOrigin
from features.machine_day.arrow import dates, names_at, null_where, table_of
from features.machine_day.booking import SILENT, Cells
from features.machine_day.days import MICROS_PER_HOUR, MICROS_PER_SECOND, Micros, to_micros
from features.machine_day.findings import AFTER_AS_OF, OUTSIDE_OWNERSHIP, left_out
from features.machine_day.machine_days import (
    COVERAGE_SAMPLED,
    COVERAGE_SILENCE_MEANS_OFF,
    ENERGIES,
    ONLY_REPORTED,
    SCHEMA,
    SOURCE_SAMPLES,
    SPAN_SCHEMA,
    MachineDays,
    empty_machine_days,
)
from features.machine_day.ownership import FIRST_SAMPLE, FOREVER, ownership_of
from features.machine_day.partial import Partial, finish, roll_partition
from features.machine_day.partition import Partition
from features.machine_day.plan import RollUpPlan
from features.machine_day.samples import (
    SAID_COUNT,
    SAID_DELTA,
    SAID_POWER,
    SAID_REGISTER,
    SAID_STATE,
    SILENCE_MEANS_OFF,
    SYNTHETIC,
    Ints,
    profile_codes,
)
from features.machine_day.stretch import Stretches
from features.machine_day.survey import plan_of
from features.trust import TrustFinding

_OFF = ELEMENTS.index("off_seconds")
_UNKNOWN = ELEMENTS.index("unknown_seconds")


def roll_up(
    samples: pa.Table, *, profiles: Mapping[ProfileId, SourceProfile], machines: pa.Table, as_of: datetime
) -> MachineDays:
    """Machine-days of samples, by the definitions of `docs/machine-days.md`.

    `samples` and `machines` have the layouts of `ObservationReader.rows` and `.machines`; the order of rows does not
    matter. Samples that nobody owned, or that are later than `as_of`, are left out and counted in a finding.
    """
    return roll_up_partitions([samples], profiles=profiles, machines=machines, as_of=as_of)


def roll_up_partitions(
    partitions: Sequence[Partition],
    *,
    profiles: Mapping[ProfileId, SourceProfile],
    machines: pa.Table,
    as_of: datetime,
    span: tuple[datetime, datetime] | None = None,
    executor: Executor | None = None,
) -> MachineDays:
    """`roll_up` of samples in one or more consecutive partitions (tables, or paths of files): in each machine the rows
    of one lie before those of the next. `span` bounds the event times of the files. With an executor (threads,
    processes or a cluster's) the partitions are rolled side by side."""
    codes = profile_codes(profiles)
    plan = plan_of(
        partitions,
        ownership=ownership_of(machines),
        profiles=codes,
        as_of=to_micros(as_of),
        span=None if span is None else (to_micros(span[0]), to_micros(span[1])),
        executor=executor,
    )
    roll = partial(roll_partition, plan=plan)
    partials = list(executor.map(roll, partitions) if executor else map(roll, partitions))
    return machine_days_of_partials(partials, plan)


def machine_days_of_partials(partials: Sequence[Partial], plan: RollUpPlan) -> MachineDays:
    """Machine-days of consecutive partials that nothing precedes and nothing follows."""
    if not partials:
        return empty_machine_days()
    return machine_days_of(finish(partials, plan), plan, findings=_findings(partials))


def machine_days_of(whole: Stretches, plan: RollUpPlan, *, findings: Sequence[TrustFinding] = ()) -> MachineDays:
    """A finished stretch as machine-days and their spans, sorted by machine and day."""
    starts = _starts(whole, plan)
    return MachineDays(_table(whole, plan, starts), _spans(whole, plan, starts), tuple(findings))


def _table(whole: Stretches, plan: RollUpPlan, starts: Micros) -> pa.Table:
    cells = whole.cells
    position = whole.owner
    said = _said_by_machine(whole, plan)[position]
    basis = whole.readings["said"][position] & SILENCE_MEANS_OFF
    elements = _elements(cells, plan, starts[position])
    sampled = elements.sum(axis=1) - elements[:, _UNKNOWN] - cells.booked[:, SILENT]
    observed = elements.sum(axis=1) - elements[:, _UNKNOWN]
    within = elements.sum(axis=1)
    columns: dict[str, Any] = {
        "machine_uid": names_at(plan.ownership.machine_uids, cells.series),
        "obligor_id": names_at(plan.ownership.obligor_ids, cells.series),
        "day": dates(cells.day),
        **{name: elements[:, code] / MICROS_PER_SECOND for code, name in enumerate(ELEMENTS)},
        "powered_seconds": (observed - elements[:, _OFF]) / MICROS_PER_SECOND,
        "observed_seconds": observed / MICROS_PER_SECOND,
        "sampled_seconds": sampled / MICROS_PER_SECOND,
        "coverage": null_where(within == 0, observed / np.maximum(within, 1)),
        "coverage_basis": pa.array(np.where(basis, COVERAGE_SILENCE_MEANS_OFF, COVERAGE_SAMPLED)),
        **_energies(cells, said),
        "peak_kw": null_where(np.isnan(cells.peak_kw), cells.peak_kw),
        "parts": _parts(cells, said),
        "fault_starts": null_where(said & SAID_STATE == 0, cells.fault_starts),
        "state_changes": null_where(said & SAID_STATE == 0, cells.state_changes),
        **dict.fromkeys(ONLY_REPORTED, pa.nulls(len(cells.series))),
        "first_sample": null_where(cells.last_row < cells.first_row, cells.first_row),
        "last_sample": null_where(cells.last_row < cells.first_row, cells.last_row),
        "source": pa.array(np.full(len(cells.series), SOURCE_SAMPLES)),
    }
    return table_of(columns, SCHEMA)


def _elements(cells: Cells, plan: RollUpPlan, starts: Micros) -> Ints:
    """Microseconds of each element, (cell, element): what was booked, and unknown for the rest of the day in
    ownership."""
    midnight, next_midnight = plan.day_bounds(cells.series, cells.day)
    within = np.minimum(next_midnight, plan.ownership.ends[cells.series]) - np.maximum(midnight, starts)
    elements = cells.booked[:, : len(ELEMENTS)].copy()
    elements[:, _OFF] += cells.booked[:, SILENT]
    elements[:, _UNKNOWN] = 0
    elements[:, _UNKNOWN] = within - elements.sum(axis=1)
    assert (elements >= 0).all(), "more time was booked to a day than it has"
    return elements


def _energies(cells: Cells, said: Ints) -> dict[str, pa.Array]:
    """Energy by the register where the machine ever said one in this read, otherwise by power."""
    by_register = (said & SAID_REGISTER != 0)[:, None]
    kwh = np.where(by_register, cells.register_kwh, cells.kw_micros / MICROS_PER_HOUR)
    never = said & (SAID_REGISTER | SAID_POWER) == 0
    total = kwh.sum(axis=1)
    return {name: null_where(never, values) for name, values in zip(ENERGIES, [total, *kwh.T], strict=True)}


def _parts(cells: Cells, said: Ints) -> pa.Array:
    """Parts by the counter where the machine ever said one in this read (it misses nothing), otherwise by deltas."""
    by_count = said & SAID_COUNT != 0
    return null_where(said & (SAID_COUNT | SAID_DELTA) == 0, np.where(by_count, cells.counted, cells.deltas))


def _said_by_machine(whole: Stretches, plan: RollUpPlan) -> Ints:
    """For each series, what its machine said under any of its owners."""
    uids = np.array([plan.ownership.machine_uids[series] for series in whole.series], dtype=np.str_)
    machine = np.unique(uids, return_inverse=True)[1]
    said = np.zeros(len(whole.series), dtype=np.int64)
    np.bitwise_or.at(said, machine, whole.readings["said"])
    return np.asarray(said[machine])


def _starts(whole: Stretches, plan: RollUpPlan) -> Micros:
    """Where the ownership of each series begins: as its ownership row says, or with its first sample."""
    first_cells = np.searchsorted(whole.owner, np.arange(len(whole.series)))
    stated = plan.ownership.starts[whole.series]
    return np.where(stated == FIRST_SAMPLE, whole.cells.first_row[first_cells], stated)


def _spans(whole: Stretches, plan: RollUpPlan, starts: Micros) -> pa.Table:
    ends = plan.ownership.ends[whole.series]
    said = whole.readings["said"]
    first_cells = np.searchsorted(whole.owner, np.arange(len(whole.series)))
    columns: dict[str, Any] = {
        "machine_uid": names_at(plan.ownership.machine_uids, whole.series),
        "obligor_id": names_at(plan.ownership.obligor_ids, whole.series),
        "starts": starts,
        "ends": null_where(ends == FOREVER, ends),
        "first_day": dates(whole.cells.day[first_cells]),
        "site_zone": names_at(plan.zones, plan.zone_of[whole.series]),
        "coverage_basis": pa.array(np.where(said & SILENCE_MEANS_OFF, COVERAGE_SILENCE_MEANS_OFF, COVERAGE_SAMPLED)),
        "data_origin": pa.array(np.where(said & SYNTHETIC, DataOrigin.SYNTHETIC.value, DataOrigin.REAL.value)),
    }
    return table_of(columns, SPAN_SCHEMA)


def _findings(partials: Sequence[Partial]) -> list[TrustFinding]:
    """How many samples of which machine were left out, and why."""
    return [
        *left_out(OUTSIDE_OWNERSHIP, "samples", [partial.outside_ownership for partial in partials]),
        *left_out(AFTER_AS_OF, "samples", [partial.after_as_of for partial in partials]),
    ]
