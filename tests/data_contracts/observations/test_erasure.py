"""Erasure: rows and salts go, leaves and roots stay, others' rows are untouched."""

from __future__ import annotations

from datetime import date

import pytest
import sqlalchemy as sa
from front_door import NOW, OBLIGOR, Door

from data_contracts.errors import StoreDamaged
from data_contracts.observations import tables
from data_contracts.observations.audit import recompute_root
from data_contracts.observations.erasure import erase_quarantined, erase_units
from data_contracts.observations.rewriting import Retirement

HEAD = "m,t,state,kw,parts\n"
ONE = f"{OBLIGOR}/m1"


def book(machines: int = 3, days: int = 3) -> str:
    return HEAD + "".join(
        f"m{machine},2026-05-{day:02d} {hour}:00,2,10,1\n"
        for machine in range(machines)
        for day in range(4, 4 + days)
        for hour in ("00", "08", "23")
    )


def leaves(door: Door) -> list[bytes]:
    return list(door.connection.scalars(sa.select(tables.chunk.c.leaf).order_by(tables.chunk.c.position)))


def test_a_machine_is_gone_and_every_root_stands(door: Door) -> None:
    result = door.text(book())
    committed, others = leaves(door), [row for row in door.rows() if row["machine_uid"] != ONE]
    erased = erase_units(door.connection, door.store, [ONE], now=NOW)
    assert (erased.chunks, erased.rows) == (3, 9)
    assert door.rows() == others
    assert leaves(door) == committed
    assert recompute_root(door.connection, door.store, result.batch_id) == result.merkle_root
    salted = door.connection.execute(sa.select(tables.chunk.c.unit).where(tables.chunk.c.salt.is_(None))).scalars()
    assert list(salted) == [ONE] * 3


def test_one_local_day_of_it(door: Door) -> None:
    result = door.text(book())
    erased = erase_units(door.connection, door.store, [ONE], periods=["2026-05-05"], now=NOW)
    assert (erased.chunks, erased.rows) == (1, 3)
    days = {row["event_time"].astimezone(tz_shanghai()).date() for row in door.rows() if row["machine_uid"] == ONE}
    assert days == {date(2026, 5, 4), date(2026, 5, 6)}
    assert recompute_root(door.connection, door.store, result.batch_id) == result.merkle_root


def tz_shanghai() -> object:
    from zoneinfo import ZoneInfo

    return ZoneInfo("Asia/Shanghai")


def test_no_byte_of_it_is_left_once_its_files_are_discarded(door: Door) -> None:
    door.text(book())
    erased = erase_units(door.connection, door.store, [ONE], now=NOW)
    retired = set(door.connection.execute(sa.select(tables.retired_file.c.path, tables.retired_file.c.why)).all())
    assert retired == {(path, Retirement.ERASED) for path in erased.files}
    door.store.discard(erased.files)
    assert not [path for path in door.store.root.rglob("*.parquet") if ONE.encode() in path.read_bytes()]


def test_erasing_again_or_what_is_not_there_does_nothing(door: Door) -> None:
    door.text(book())
    erase_units(door.connection, door.store, [ONE], now=NOW)
    for units in ([ONE], [f"{OBLIGOR}/none"], []):
        again = erase_units(door.connection, door.store, units, now=NOW)
        assert (again.chunks, again.rows, again.files) == (0, 0, ())


def test_a_damaged_file_stops_it(door: Door) -> None:
    door.text(book(machines=2, days=1))
    for path in door.store.root.rglob("*.parquet"):
        path.write_bytes(path.read_bytes() + b"?")
    with pytest.raises(StoreDamaged):
        erase_units(door.connection, door.store, [ONE], now=NOW)


def test_what_its_quarantine_held_goes_and_the_count_stays(door: Door) -> None:
    result = door.text(book(days=1) + "m1,2026-05-04 09:00,7,1,1\n")
    assert result.rows_quarantined == 1
    assert erase_quarantined(door.connection, OBLIGOR) == 1
    assert door.connection.execute(sa.select(tables.quarantined_source)).all() == []
    (fault,) = door.connection.execute(sa.select(tables.quarantined_row)).all()
    assert (fault.value, fault.reason) == (None, "unknown_word")
    assert door.connection.scalar(sa.select(tables.batch.c.rows_quarantined)) == 1
