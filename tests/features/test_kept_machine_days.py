"""What was rolled once and kept never shows: any read as of any instant is what its samples alone give, to the byte."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from observed_book import OTHER, Book, new_book
from sample_tables import OBLIGOR

import features.rolling
from data_contracts.contract import RecordKind
from data_contracts.observations import rolled
from data_contracts.observations.compaction import compact, crowded_folders
from data_contracts.observations.erasure import erase_units
from data_contracts.observations.tables import machine_day_file
from features.incremental import rolled_versions, work_to_do
from features.machine_day.machine_days import ENERGIES, MachineDays
from features.machine_day.roll_up import roll_up
from features.machine_day.samples import SAMPLE_COLUMNS
from features.rolling import sampled_days

START = datetime(2026, 3, 27, 22, tzinfo=UTC)
MACHINES = tuple(f"{OBLIGOR}/M{number}" for number in range(3))
Action = tuple[str, Any]


def roll(book: Book, now: datetime) -> int:
    """A completed run, as the service does it; how many versions it kept."""
    works, sequence = work_to_do(book.reader, as_of=now)
    kept = 0
    for work in works:
        table = rolled_versions(work)
        file = (
            rolled.write_versions(book.store, table, month=work.month, bucket=work.bucket) if table.num_rows else None
        )
        assert rolled.save_versions(book.connection, file, work.places, now=now)
        kept += table.num_rows
    rolled.save_run(book.connection, sequence, now=now)
    return kept


def seen(book: Book, as_of: datetime, uids: list[str] | None = None, *, alone: bool = False) -> MachineDays:
    machines = book.reader.machines(as_of=as_of)
    return sampled_days(book.reader, as_of=as_of, machines=machines, machine_uids=uids, from_samples_alone=alone)


def assert_same(found: MachineDays, expected: MachineDays) -> None:
    assert found.table.equals(expected.table)
    assert found.spans.equals(expected.spans)
    assert found.findings == expected.findings


def assert_defined(book: Book, as_of: datetime, found: MachineDays) -> None:
    """The one-table roll-up of what the reader gives says the same, energies up to rounding."""
    samples = book.reader.rows(RecordKind.SAMPLE, as_of=as_of, columns=SAMPLE_COLUMNS)
    machines, profiles = book.reader.machines(as_of=as_of), book.reader.profiles()
    whole = roll_up(samples, profiles=profiles, machines=machines, as_of=as_of)
    exact = [name for name in whole.table.column_names if name not in ENERGIES]
    assert found.table.select(exact).equals(whole.table.select(exact))
    assert found.spans.equals(whole.spans)
    assert found.findings == whole.findings
    for name in ENERGIES:
        mine, other = (np.nan_to_num(days.table[name].to_numpy(), nan=-1.0) for days in (found, whole))
        np.testing.assert_allclose(mine, other, rtol=1e-9, atol=1e-12)


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


SOURCES = [
    {"hold_seconds": hold, "silence": silence, "site_zone": zone}
    for hold, silence, zone in (
        (600, "off", "Asia/Shanghai"),
        (40_000, "unknown", "Asia/Shanghai"),
        (600, "off", "Europe/Rome"),
    )
]


@st.composite
def batches(draw: st.DrawFn, *, first_hour: int = 0) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Rows of some machines over some days, known soon, late, or (backfilled) long before they come in."""
    lag = draw(st.sampled_from([0, 0, 60, 90_000, 300_000]))
    rows: dict[tuple[str, datetime], dict[str, Any]] = {}
    for _ in range(draw(st.integers(1, 8))):
        uid = draw(st.sampled_from(MACHINES))
        instant = START + timedelta(hours=first_hour, minutes=draw(st.integers(0, 5 * 24 * 6)) * 10)
        rows[uid, instant] = {
            "machine_uid": uid,
            "event_time": instant,
            "recorded_time": instant + timedelta(seconds=lag),
            "item_state": draw(maybe(st.sampled_from(["Executing", "OutOfService", "NotExecuting"]))),
            "operation_mode": draw(maybe(st.sampled_from(["Setup", "Processing"]))),
            "power_kw": draw(maybe(st.integers(1, 50).map(lambda tenths: tenths / 10))),
            "energy_register_kwh": draw(maybe(st.integers(0, 99).map(float))),
            "part_count": draw(maybe(st.integers(0, 99).map(float))),
            "part_delta": draw(st.integers(0, 9).map(float)),
        }
    return list(rows.values()), draw(st.sampled_from([SOURCES[0]] * 8 + SOURCES[1:]))


hours = st.integers(0, 12 * 24).map(lambda count: START + timedelta(hours=count))
late_hours = st.integers(4 * 24, 12 * 24).map(lambda count: START + timedelta(hours=count))
sales = st.tuples(st.sampled_from(MACHINES), st.sampled_from([OBLIGOR, OTHER]), hours, st.integers(0, 200))
samples, rolls = st.tuples(st.just("samples"), batches()), st.tuples(st.just("roll"), late_hours)
later = st.tuples(st.just("samples"), batches(first_hour=72))
rare = st.one_of(
    st.tuples(st.just("sale"), sales),
    st.tuples(st.just("compact"), st.none()),
    st.tuples(st.just("erase"), st.sampled_from(MACHINES)),
)
stories = st.tuples(
    st.lists(samples, min_size=1, max_size=3), rolls, st.lists(st.one_of(samples, later, rolls, rare), max_size=5)
).map(lambda parts: [*parts[0], parts[1], *parts[2]])


def act(book: Book, action: Action) -> None:
    name, about = action
    if name == "samples":
        rows, source = about
        book.say(RecordKind.SAMPLE, rows, **source)
    elif name == "roll":
        roll(book, about)
    elif name == "sale":
        machine, obligor, start, lag = about
        known = start + timedelta(hours=lag)
        row = {"machine_uid": machine, "obligor_id": obligor, "event_time": start, "recorded_time": known}
        book.say(RecordKind.MACHINE_OWNERSHIP, [row])
    elif name == "compact":
        for folder in crowded_folders(book.connection, least_files=2):
            compact(book.connection, book.store, folder, now=START)
    else:
        erase_units(book.connection, book.store, [about], now=START)


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(story=stories, as_ofs=st.lists(late_hours, min_size=1, max_size=2), one=st.sampled_from(MACHINES))
def test_no_read_can_tell_what_was_kept(
    story: list[Action], as_ofs: list[datetime], one: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with new_book(tmp_path_factory.mktemp("book")) as book:
        for action in story:
            act(book, action)
        for as_of in [*as_ofs, START + timedelta(days=60)]:
            alone = seen(book, as_of, alone=True)
            assert_same(seen(book, as_of), alone)
            assert_same(seen(book, as_of, [one]), seen(book, as_of, [one], alone=True))
            assert_defined(book, as_of, alone)


@pytest.fixture
def three_days(tmp_path: Path) -> Iterator[Book]:
    """A book of three machines that each said something every ten minutes of three days."""
    with new_book(tmp_path) as book:
        steps = range(3 * 24 * 6)
        book.say(RecordKind.SAMPLE, [minute_row(uid, step) for uid in MACHINES for step in steps], **SOURCES[0])
        yield book


def minute_row(uid: str, step: int, **values: Any) -> dict[str, Any]:
    instant = datetime(2026, 5, 4, tzinfo=UTC) + timedelta(minutes=10 * step)
    said = {"item_state": ("Executing", "NotExecuting")[step % 3 % 2], "power_kw": 1.0 + step % 5, "part_count": step}
    return {"machine_uid": uid, "event_time": instant, "recorded_time": instant} | said | values


AFTERWARDS = datetime(2026, 5, 10, tzinfo=UTC)


def kept_files(book: Book) -> dict[str, bytes]:
    paths = book.connection.scalars(sa.select(machine_day_file.c.path))
    return {path: (book.store.root / path).read_bytes() for path in paths}


def test_a_late_row_makes_one_new_version_of_its_machine_and_day(
    three_days: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert roll(three_days, AFTERWARDS) == 9
    assert roll(three_days, AFTERWARDS) == 0
    before = kept_files(three_days)
    late = minute_row(MACHINES[0], 150, item_state="OutOfService", recorded_time=AFTERWARDS)
    three_days.say(RecordKind.SAMPLE, [late], **SOURCES[0])
    assert_same(seen(three_days, AFTERWARDS), seen(three_days, AFTERWARDS, alone=True))
    assert roll(three_days, AFTERWARDS + timedelta(hours=1)) == 1
    after = kept_files(three_days)
    assert {path: after[path] for path in before} == before
    for as_of, fault_seconds in ((AFTERWARDS - timedelta(hours=1), 0.0), (AFTERWARDS + timedelta(hours=2), 600.0)):
        expected = seen(three_days, as_of, alone=True)
        assert sum(expected.table["fault_seconds"].to_pylist()) == fault_seconds
        with monkeypatch.context() as patched:
            patched.setattr(features.rolling, "roll_task", lambda *_: pytest.fail("a sample was read"))
            assert_same(seen(three_days, as_of), expected)


def test_what_is_kept_spares_the_samples(three_days: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = seen(three_days, AFTERWARDS)
    roll(three_days, AFTERWARDS)
    monkeypatch.setattr(features.rolling, "roll_task", lambda *_: pytest.fail("a sample was read"))
    assert_same(seen(three_days, AFTERWARDS), expected)
    assert_same(seen(three_days, AFTERWARDS, [MACHINES[1]]), seen_of(expected, MACHINES[1]))


def seen_of(days: MachineDays, uid: str) -> MachineDays:
    own = [table.filter(pc.equal(table["machine_uid"], uid)) for table in (days.table, days.spans)]
    return MachineDays(own[0], own[1], ())


def test_what_came_in_later_is_in_the_files_of_today_only(three_days: Book) -> None:
    """A day that is not over is not kept; once it is, it is, and nothing else is rolled again."""
    noon = datetime(2026, 5, 6, 12, tzinfo=UTC)
    assert roll(three_days, noon) == 6
    assert_same(seen(three_days, noon), seen(three_days, noon, alone=True))
    assert roll(three_days, AFTERWARDS) == 3


def test_erasure_empties_every_version_of_the_machine(three_days: Book) -> None:
    roll(three_days, AFTERWARDS)
    erase_units(three_days.connection, three_days.store, [MACHINES[0]], now=AFTERWARDS)
    kept = [pq.read_table(three_days.store.root / path) for path in kept_files(three_days)]
    rows = [row for table in kept for row in table.to_pylist()]
    assert {row["machine_uid"] for row in rows if row["head"]} == set(MACHINES[1:])
    assert_same(seen(three_days, AFTERWARDS), seen(three_days, AFTERWARDS, alone=True))
    assert set(seen(three_days, AFTERWARDS).table["machine_uid"].to_pylist()) == set(MACHINES[1:])


def test_versions_of_samples_that_are_gone_meanwhile_are_not_kept(three_days: Book) -> None:
    works, _ = work_to_do(three_days.reader, as_of=AFTERWARDS)
    table = rolled_versions(works[0])
    file = rolled.write_versions(three_days.store, table, month=works[0].month, bucket=works[0].bucket)
    erase_units(three_days.connection, three_days.store, MACHINES, now=AFTERWARDS)
    assert not rolled.save_versions(three_days.connection, file, works[0].places, now=AFTERWARDS)
    assert kept_files(three_days) == {}
    assert three_days.store.sweep(three_days.connection) != []


def test_every_instant_of_a_history_that_was_rolled_in_between(tmp_path: Path) -> None:
    """On time, late, corrected, backfilled, sold, of a second source with a longer hold, and moved to another zone."""
    on_time, late, sold = MACHINES
    day = 24 * 6
    with new_book(tmp_path) as book:
        book.say(
            RecordKind.SAMPLE,
            [minute_row(uid, step) for uid in (on_time, sold) for step in range(3 * day)],
            **SOURCES[0],
        )
        lagging = [minute_row(late, step) for step in range(3 * day)]
        lagging = [row | {"recorded_time": row["event_time"] + timedelta(hours=30)} for row in lagging]
        book.say(RecordKind.SAMPLE, lagging, **SOURCES[0])
        at_noon = {"event_time": instant_of(day + 72), "recorded_time": instant_of(2 * day)}
        book.say(RecordKind.MACHINE_OWNERSHIP, [{"machine_uid": sold, "obligor_id": OTHER, **at_noon}])
        assert roll(book, instant_of(5 * day)) == 9
        corrected = minute_row(on_time, 100, power_kw=9.0, recorded_time=instant_of(4 * day))
        backfilled = minute_row(on_time, 2 * day, item_state="OutOfService", recorded_time=instant_of(2 * day + 3))
        backfilled["event_time"] += timedelta(minutes=5)
        book.say(RecordKind.SAMPLE, [corrected, backfilled], **SOURCES[0])
        check_every_instant(book)
        assert roll(book, instant_of(5 * day)) == 2
        check_every_instant(book)
        setting_up = {"machine_uid": on_time, "operation_mode": "Setup", "recorded_time": instant_of(3 * day)}
        setting_up["event_time"] = instant_of(day - 1) + timedelta(minutes=5)  # holds far into the next day
        book.say(RecordKind.SAMPLE, [setting_up], **SOURCES[1])
        book.say(RecordKind.SAMPLE, [minute_row(sold, 3 * day)], **SOURCES[2])
        check_every_instant(book)
        roll(book, instant_of(9 * day))
        check_every_instant(book)


def instant_of(step: int) -> datetime:
    instant: datetime = minute_row(MACHINES[0], step)["event_time"]
    return instant


def check_every_instant(book: Book) -> None:
    ends_of_days = (143, 287, 431)  # what the last row of the day holds is cut off
    for step in (*range(30, 6 * 24 * 6, 67), *ends_of_days):
        as_of = instant_of(step)
        assert_same(seen(book, as_of), seen(book, as_of, alone=True))
