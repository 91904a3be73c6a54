"""Compaction: fewer files, and nothing that a read, a root or a sweep could tell apart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from front_door import NOW, Door, new_door, sample_mapping
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_contracts.contract import RecordKind
from data_contracts.errors import StoreDamaged
from data_contracts.observations import tables
from data_contracts.observations.audit import recompute_root
from data_contracts.observations.compaction import compact, crowded_folders
from data_contracts.observations.rewriting import Retirement

HEAD = "m,t,state,kw,parts\n"
LATER = NOW + timedelta(hours=2)


def minutes(door: Door, count: int, *, machine: str = "m0", power: int = 10) -> None:
    """A batch a minute, each of one row."""
    for minute in range(count):
        door.text(f"{HEAD}{machine},2026-05-04 08:{minute:02d},2,{power},1\n")


def compact_all(door: Door, *, least_files: int = 2) -> int:
    folders = crowded_folders(door.connection, least_files=least_files)
    return sum(compact(door.connection, door.store, folder, now=NOW).files for folder in folders)


def files_of(door: Door) -> list[str]:
    return list(door.connection.scalars(sa.select(tables.observation_file.c.path)))


def roots(door: Door) -> dict[str, tuple[str, str]]:
    """The root of each batch as committed, and as its files give it now."""
    batches = door.connection.execute(sa.select(tables.batch.c.batch_id, tables.batch.c.merkle_root)).all()
    return {
        row.batch_id: (row.merkle_root, recompute_root(door.connection, door.store, row.batch_id)) for row in batches
    }


def seen(door: Door) -> list[Any]:
    """What readers see at three times."""
    return [door.rows(as_of=NOW - timedelta(days=days)) for days in (0, 57, 58)]


def test_many_files_become_one_and_nobody_can_tell(door: Door) -> None:
    minutes(door, 10)
    before, committed = seen(door), roots(door)
    assert len(files_of(door)) == 10
    (folder,) = crowded_folders(door.connection)
    found = compact(door.connection, door.store, folder, now=NOW)
    assert (found.files, found.rows) == (10, 10)
    assert len(files_of(door)) == 1
    assert seen(door) == before
    assert roots(door) == committed
    assert all(kept == now for kept, now in committed.values())


def test_a_folder_with_few_files_is_left_alone(door: Door) -> None:
    minutes(door, 7)
    assert crowded_folders(door.connection) == []
    assert [folder.files for folder in crowded_folders(door.connection, least_files=7)] == [7]


def test_a_correction_still_stands_over_what_it_corrects(door: Door) -> None:
    minutes(door, 3, power=10)
    minutes(door, 1, power=12)
    assert compact_all(door) == 4
    assert [row["power_kw"] for row in door.rows()] == [12.0, 10.0, 10.0]
    assert [row["power_kw"] for row in door.rows(as_of=datetime(2026, 5, 4, tzinfo=UTC))] == [12.0]


def test_what_was_compacted_is_compacted_again(door: Door) -> None:
    minutes(door, 4)
    compact_all(door)
    minutes(door, 3, machine="m4")
    door.text(f"{HEAD}m0,2026-05-04 08:00,2,10,1\n")  # a repeat: admitted nothing, left no file
    before, committed = seen(door), roots(door)
    compact_all(door)
    assert seen(door) == before
    assert roots(door) == committed
    places = door.connection.execute(
        sa.select(tables.observation_file.c.partition, tables.observation_file.c.bucket)
    ).all()
    assert len(places) == len(set(places))


def test_old_files_stay_for_readers_until_a_sweep(door: Door) -> None:
    minutes(door, 3)
    old = files_of(door)
    compact_all(door)
    assert all((door.store.root / path).is_file() for path in old)
    retired = door.connection.execute(sa.select(tables.retired_file)).all()
    assert {(row.path, row.why) for row in retired} == {(path, Retirement.COMPACTED) for path in old}
    assert door.store.sweep(door.connection, written_before=NOW) == []
    assert door.store.sweep(door.connection, written_before=LATER) == sorted(old)
    assert door.connection.execute(sa.select(tables.retired_file)).all() == []
    assert len(door.rows()) == 3


def test_damage_is_never_copied_into_a_new_file(door: Door) -> None:
    minutes(door, 3)
    path = door.store.root / files_of(door)[1]
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    before = files_of(door)
    with pytest.raises(StoreDamaged, match="other bytes than were registered"):
        compact_all(door)
    assert files_of(door) == before


def test_files_of_an_older_contract_keep_their_shape(door: Door) -> None:
    minutes(door, 3)
    door.connection.execute(sa.update(tables.observation_file).values(contract_version="0.9.0"))
    assert crowded_folders(door.connection, least_files=2) == []


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    batches=st.lists(
        st.lists(
            st.tuples(
                st.sampled_from(["m0", "m1", "m2"]), st.integers(0, 5), st.sampled_from([None, 1, 2]), st.booleans()
            ),
            min_size=1,
            max_size=4,
        ),
        min_size=2,
        max_size=8,
    ),
    compactions=st.sets(st.integers(0, 7)),
)
def test_whatever_was_admitted_reads_the_same(
    batches: list[list[tuple[str, int, int | None, bool]]],
    compactions: set[int],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Batches that repeat, correct and complete each other, with compactions anywhere between them."""
    plain = run(tmp_path_factory.mktemp("plain"), batches, set())
    assert run(tmp_path_factory.mktemp("compacted"), batches, compactions) == plain


def run(folder: Path, batches: list[list[tuple[str, int, int | None, bool]]], compactions: set[int]) -> list[Any]:
    """What readers see in the end, and at each batch's own time."""
    engine, door = new_door(folder)
    times = []
    for number, rows in enumerate(batches):
        door.received = NOW + timedelta(minutes=number)
        times.append(door.received)
        lines = [
            f"{machine},2026-05-0{4 + hour % 2} 0{hour}:00,{state or ''},{5 if told else ''},"
            for machine, hour, state, told in rows
        ]
        door.text(HEAD + "\n".join(lines) + "\n", sample_mapping(recorded_time="now"))
        if number in compactions:
            compact_all(door)
    wanted = ("machine_uid", "event_time", "item_state", "operation_mode", "power_kw", "recorded_time", "batch_id")
    found = [door.rows(RecordKind.SAMPLE, as_of=time, columns=wanted) for time in times]
    assert all(kept == now for kept, now in roots(door).values())
    door.connection.close()
    engine.dispose()
    return found
