"""Any order of rows and any split into consecutive partitions gives the machine-days of the reference."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reference_roll_up import reference_days
from sample_tables import MACHINE, OBLIGOR, SAMPLES, machines, profile

from data_contracts.vocabulary import ELEMENTS, Silence
from features.machine_day.machine_days import ENERGIES, MachineDays
from features.machine_day.roll_up import roll_up, roll_up_partitions

ZONES = ("Asia/Shanghai", "Europe/Rome", "America/Sao_Paulo")
PROFILES = {
    source.profile_id: source
    for zone in ZONES
    for hold in (60, 600, 40_000)
    for silence in Silence
    for modulus in (None, 1_000.0)
    for source in [profile(hold=hold, silence=silence, zone=zone, count_modulus=modulus, register_modulus=modulus)]
}
IDS = sorted(PROFILES)
OTHER_MACHINE = f"{OBLIGOR}/M2"
BUYER = "91999999MA0000002R"
START = datetime(2026, 3, 28, 20, tzinfo=UTC)
thorough = settings(max_examples=120, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
COUNTS = ("parts", "fault_starts", "state_changes")


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


@st.composite
def worlds(draw: st.DrawFn) -> dict[str, Any]:
    """A few machines' samples over some days around a change of clocks, a sale, and an instant that cuts the end off."""
    ids = draw(st.lists(st.sampled_from(IDS), min_size=1, max_size=2))
    steps = draw(
        st.lists(st.sampled_from([30, 60, 600, 3_600, 50_000]) | st.integers(1, 400_000), min_size=1, max_size=40)
    )
    rows, clock = [], START + timedelta(microseconds=draw(st.integers(0, 10**10)))
    for step in steps:
        clock += timedelta(seconds=step, microseconds=draw(st.sampled_from([0, 0, 1, 250_000])))
        rows.append(
            {
                "machine_uid": draw(st.sampled_from([MACHINE, OTHER_MACHINE])),
                "event_time": clock,
                "item_state": draw(maybe(st.sampled_from(["Unknown", "NotAvailable", "OutOfService", "NotExecuting", "Executing"]))),
                "operation_mode": draw(maybe(st.sampled_from(["None", "Maintenance", "Setup", "Processing"]))),
                "power_kw": draw(maybe(st.integers(0, 50).map(lambda tenths: tenths / 10))),
                "energy_register_kwh": draw(maybe(st.integers(0, 999).map(float))),
                "part_count": draw(maybe(st.integers(0, 999).map(float))),
                "part_delta": draw(maybe(st.integers(0, 9).map(float))),
                "profile_id": draw(st.sampled_from(ids)),
                "recorded_time": clock,
                "batch_id": "b0",
            }
        )  # fmt: skip
    spread = (clock - START) / timedelta(seconds=1)
    sold = START + timedelta(seconds=draw(st.integers(1, max(2, int(spread)))))
    owned = draw(st.sampled_from([None, START - timedelta(days=40)]))
    first = (
        [(MACHINE, OBLIGOR, owned, None)]
        if owned is None
        else [(MACHINE, OBLIGOR, owned, sold), (MACHINE, BUYER, sold, None)]
    )
    return {
        "rows": rows,
        "profiles": {name: PROFILES[name] for name in ids},
        "intervals": [*first, (OTHER_MACHINE, OBLIGOR, None, None)],
        "as_of": clock - timedelta(seconds=draw(st.sampled_from([-(10**7), 0, 100, 200_000]))),
        "cuts": sorted(draw(st.lists(st.integers(0, len(rows)), max_size=5))),
        "order": draw(st.permutations(range(len(rows)))),
    }


def by_day(found: MachineDays) -> dict[Any, dict[str, Any]]:
    return {(row["machine_uid"], row["obligor_id"], row["day"]): row for row in found.table.to_pylist()}


def close(mine: float | None, other: float | None) -> bool:
    if mine is None or other is None:
        return mine is None and other is None
    return math.isclose(mine, other, rel_tol=1e-9, abs_tol=1e-9)


@thorough
@given(world=worlds())
def test_the_kernel_gives_the_machine_days_of_the_reference(world: dict[str, Any]) -> None:
    table = pa.Table.from_pylist(world["rows"], schema=SAMPLES)
    owners = machines(world["intervals"])
    found = roll_up(table, profiles=world["profiles"], machines=owners, as_of=world["as_of"])
    expected = reference_days(
        world["rows"], profiles=world["profiles"], intervals=world["intervals"], as_of=world["as_of"]
    )
    mine = by_day(found)
    assert mine.keys() == expected.keys()
    for key, row in mine.items():
        for name in (*ELEMENTS, "sampled_seconds"):
            assert abs(row[name] - expected[key].get(name, 0.0)) < 1e-6, (key, name)
        for name in (*ENERGIES, *COUNTS, "peak_kw"):
            assert close(row[name], expected[key][name]), (key, name)
        for name in ("first_sample", "last_sample"):
            assert row[name] == expected[key][name], (key, name)


@thorough
@given(world=worlds())
def test_order_and_partitions_do_not_matter(world: dict[str, Any]) -> None:
    table = pa.Table.from_pylist(world["rows"], schema=SAMPLES)
    arguments = {"profiles": world["profiles"], "machines": machines(world["intervals"]), "as_of": world["as_of"]}
    whole = roll_up(table, **arguments)
    shuffled = roll_up(table.take(world["order"]), **arguments)
    assert shuffled.table.equals(whole.table)
    assert shuffled.findings == whole.findings
    bounds = [0, *world["cuts"], len(world["rows"])]
    parts = [table.slice(lower, upper - lower) for lower, upper in pairwise(bounds)]
    split = roll_up_partitions(parts, **arguments)
    assert split.spans.equals(whole.spans)
    assert split.findings == whole.findings
    exact = [name for name in whole.table.column_names if name not in ENERGIES]
    assert split.table.select(exact).equals(whole.table.select(exact))
    for name in ENERGIES:
        mine, other = (np.nan_to_num(days.table[name].to_numpy(), nan=-1.0) for days in (split, whole))
        np.testing.assert_allclose(mine, other, rtol=1e-9, atol=1e-12)


@thorough
@given(world=worlds())
def test_elements_of_a_day_sum_to_the_day_within_ownership(world: dict[str, Any]) -> None:
    table = pa.Table.from_pylist(world["rows"], schema=SAMPLES)
    found = roll_up(table, profiles=world["profiles"], machines=machines(world["intervals"]), as_of=world["as_of"])
    expected = reference_days(
        world["rows"], profiles=world["profiles"], intervals=world["intervals"], as_of=world["as_of"]
    )
    for key, row in by_day(found).items():
        micros = sum(round(row[name] * 1_000_000) for name in ELEMENTS)
        assert micros == round(expected[key]["within"] * 1_000_000)
        assert close(row["observed_seconds"] + row["unknown_seconds"], expected[key]["within"])
        if row["energy_kwh"] is not None:
            assert close(row["energy_kwh"], sum(row[name] for name in ENERGIES[1:]))


def test_every_split_of_a_series_whose_columns_hold_across_it() -> None:
    source = profile(hold=3_600, silence=Silence.OFF)
    said: list[tuple[int, dict[str, Any]]] = [
        (0, {"item_state": "Executing", "energy_register_kwh": 10.0, "part_count": 5.0}),
        (1, {"power_kw": 4.0}),
        (2, {"power_kw": 5.0}),
        (30, {"operation_mode": "Setup"}),
        (59, {"power_kw": 6.0}),
        (62, {"part_count": 9.0}),
        (140, {"item_state": "OutOfService"}),
        (300, {"energy_register_kwh": 30.0, "item_state": "OutOfService"}),
        (301, {"power_kw": 1.0}),
        (420, {"item_state": "Executing", "part_count": 2.0}),
    ]
    unsaid = dict.fromkeys(SAMPLES.names)
    rows = [
        unsaid
        | {"machine_uid": MACHINE, "event_time": START + timedelta(minutes=minute), "profile_id": source.profile_id}
        | values
        for minute, values in said
    ]
    table = pa.Table.from_pylist(rows, schema=SAMPLES)
    arguments = {
        "profiles": {source.profile_id: source},
        "machines": machines([(MACHINE, OBLIGOR, None, None)]),
        "as_of": START + timedelta(days=2),
    }
    whole = roll_up(table, **arguments)
    (row,) = (row for row in whole.table.to_pylist() if row["fault_starts"])
    assert (row["setup_seconds"], row["parts"], row["fault_starts"], row["energy_kwh"]) == (1_800, 6, 1, 20)
    for chosen in range(2 ** (len(rows) - 1)):
        bounds = [0, *(cut for cut in range(1, len(rows)) if chosen >> (cut - 1) & 1), len(rows)]
        parts = [table.slice(lower, upper - lower) for lower, upper in pairwise(bounds)]
        split = roll_up_partitions(parts, **arguments).table
        exact = [name for name in split.column_names if name not in ENERGIES]
        assert split.select(exact).equals(whole.table.select(exact)), bounds
        for name in ENERGIES:
            assert np.allclose(split[name].to_numpy(), whole.table[name].to_numpy(), rtol=1e-9), bounds


def test_partitions_rolled_side_by_side_give_the_same() -> None:
    source = profile(hold=600, silence=Silence.OFF)
    rows = [
        dict.fromkeys(SAMPLES.names)
        | {"machine_uid": uid, "event_time": START + timedelta(minutes=5 * step), "profile_id": source.profile_id}
        | {"item_state": ("Executing", "NotExecuting", "OutOfService")[step % 7 % 3], "power_kw": 1.0 + step % 5}
        for uid in (MACHINE, OTHER_MACHINE)
        for step in range(1_000)
        if step % 50 > 10
    ]
    ordered = pa.Table.from_pylist(rows, schema=SAMPLES).sort_by("event_time")
    parts = [ordered.slice(start, 100) for start in range(0, ordered.num_rows, 100)]
    arguments = {
        "profiles": {source.profile_id: source},
        "machines": machines([(uid, OBLIGOR, None, None) for uid in (MACHINE, OTHER_MACHINE)]),
        "as_of": START + timedelta(days=30),
    }
    alone = roll_up_partitions(parts, **arguments)
    with ThreadPoolExecutor(2) as pool:
        together = roll_up_partitions(parts, executor=pool, **arguments)
    assert together.table.equals(alone.table)
    assert alone.table.num_rows > 2
