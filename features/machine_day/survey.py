"""The plan of a roll-up: what must be known of all its partitions before the first one is rolled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial

import numpy as np
import pyarrow as pa

from features.machine_day.days import MICROS_PER_DAY
from features.machine_day.ownership import Ownership
from features.machine_day.partition import OutOfOrder, Partition, group_of, in_order, span_of, tables_of
from features.machine_day.plan import RollUpPlan
from features.machine_day.samples import SAMPLE_COLUMNS, ProfileCodes

Latest = Mapping[int, tuple[int, int]]
"""By series, the instant of its latest row and the number of that row's profile."""


def plan_of(
    partitions: Sequence[Partition],
    *,
    ownership: Ownership,
    profiles: ProfileCodes,
    as_of: int,
    span: tuple[int, int] | None,
    executor: Executor | None,
) -> RollUpPlan:
    """The plan for some partitions; `span` bounds the event times of those that are files.

    A series' days are those of the site zone that its latest row's profile names. Where all profiles name one zone the
    rows need not be asked.
    """
    spans = [] if span is None else [span]
    tables = [partition for partition in partitions if isinstance(partition, pa.Table) and partition.num_rows]
    spans += [span_of(tables)] if tables else []
    zones = tuple(sorted(set(profiles.site_zones)))
    plan = RollUpPlan(
        ownership=ownership,
        profile_codes=profiles,
        zones=zones,
        zone_of=np.zeros(len(ownership), dtype=np.int16),
        holds=np.full(len(ownership), profiles.longest_hold),
        first_day=min((first for first, _ in spans), default=0) // MICROS_PER_DAY - 2,
        last_day=max((last for _, last in spans), default=0) // MICROS_PER_DAY + 2,
        as_of=as_of,
    )
    if len(zones) == 1:
        return plan
    ask = partial(latest_rows, plan=plan)
    return with_zones(plan, executor.map(ask, partitions) if executor else map(ask, partitions))


def with_zones(plan: RollUpPlan, surveys: Iterable[Latest]) -> RollUpPlan:
    """The plan with the zones of those series that surveys found rows of."""
    found: dict[int, tuple[int, int]] = {}
    for latest in surveys:
        found |= {series: row for series, row in latest.items() if series not in found or row > found[series]}
    zone_of = plan.zone_of.copy()
    for series, (_, profile) in found.items():
        zone_of[series] = plan.zones.index(plan.profile_codes.site_zones[profile])
    return replace(plan, zone_of=zone_of)


def latest_rows(partition: Partition, plan: RollUpPlan) -> Latest:
    """The latest row of each series in a partition."""
    try:
        return _latest_in(partition, plan)
    except OutOfOrder:
        return _latest_in(in_order(partition), plan)


def _latest_in(partition: Partition, plan: RollUpPlan) -> Latest:
    latest: dict[int, tuple[int, int]] = {}
    for table in tables_of(partition, SAMPLE_COLUMNS):
        group = group_of(table, plan)
        rows = group.turns.ends - 1
        profile = group.columns.profile
        numbers = profile.codes[profile.positions[rows]]
        for row in zip(group.turns.series.tolist(), group.columns.time[rows].tolist(), numbers.tolist(), strict=True):
            latest[row[0]] = row[1:]
    return latest
