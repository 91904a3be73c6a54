"""Whatever bytes come in, the answer is an account of rows or a named error with a hint; and the docs' example works."""

from __future__ import annotations

import io
import random
import re
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from front_door import Door

from data_contracts.errors import InputError
from data_contracts.findings import Reason
from data_contracts.mapping import parse_mapping

GUIDE = Path(__file__).parents[2] / "docs" / "mappings.md"


def csv_source() -> bytes:
    rows = [f'm1,2026-05-04 {hour:02d}:00,2,"1.5",1\n' for hour in range(20)]
    return ("m,t,state,kw,parts\n" + "".join(rows)).encode()


def parquet_source() -> bytes:
    stamps = pa.array([datetime(2026, 5, 4, hour, tzinfo=UTC) for hour in range(20)], pa.timestamp("us", tz="UTC"))
    table = pa.table(
        {"m": ["m1", "铣床"] * 10, "t": stamps, "state": ["2"] * 20, "kw": [1.5] * 20, "parts": [1.0] * 20}
    )
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


def mutate(sound: bytes, chance: random.Random) -> bytes:
    data = bytearray(sound)
    for _ in range(chance.choice([1, 1, 2, 8])):
        place = chance.randrange(len(data))
        kind = chance.random()
        if kind < 0.6:
            data[place] ^= 1 << chance.randrange(8)
        elif kind < 0.8:
            del data[place : place + chance.randrange(1, 30)]
        else:
            data[place:place] = bytes(chance.randrange(256) for _ in range(chance.randrange(1, 6)))
    return bytes(data)


@pytest.mark.parametrize(("name", "sound"), [("s.csv", csv_source()), ("s.parquet", parquet_source())])
def test_mutated_sources_never_end_in_anything_but_an_answer(door: Door, name: str, sound: bytes) -> None:
    chance = random.Random(20260504)
    accounts, refusals = 0, []
    for _ in range(50):
        try:
            result = door.path(door.file(mutate(sound, chance), name))
        except InputError as error:
            refusals.append(error.message)
            continue
        counted = result.rows_admitted + result.rows_duplicate + result.rows_quarantined
        assert counted == result.rows_read
        assert len(result.messages()) == len(result.findings)
        accounts += 1
    assert accounts > 3
    assert len(refusals) > 3
    assert all(refusals)


def test_the_example_of_the_guide_is_a_mapping(door: Door) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", GUIDE.read_text(encoding="utf-8"), flags=re.DOTALL)
    mapping = parse_mapping(example, source="guide")
    text = "设备;时间;状态;功率;电能;产量\n1号;2026-05-04 08:00;2;7420,5;500000;NA\n"
    result = door.path(door.file(text.encode("gb18030")), mapping)
    assert result.messages() == ()
    (row,) = door.rows()
    assert (row["power_kw"], row["energy_register_kwh"], row["part_count"]) == (7.4205, 500.0, None)


def test_the_guide_names_every_reason_and_every_key() -> None:
    guide = GUIDE.read_text(encoding="utf-8")
    named = set(re.findall(r"`([a-z_.0-9]+)`", guide))
    assert set(Reason) <= named
    from data_contracts.mapping import ColumnSource, CsvOptions, Mapping

    keys = {*(Mapping.model_fields.keys() - {"csv"}), *(f"csv.{key}" for key in CsvOptions.model_fields)}
    assert keys | set(ColumnSource.model_fields) <= named


def test_every_reason_has_words() -> None:
    from data_contracts.findings import FindingCount, QuarantinedRow

    for reason in Reason:
        first = QuarantinedRow(row_number=1, column="power_kw", value="7420", reason=reason)
        count = FindingCount(column="power_kw", reason=reason, rows=1, first=first, bound="2,000 kW")
        message = count.message(10)
        assert message.startswith("1 of 10 rows ")
        assert "{" not in message
        assert first.hint in message


@pytest.mark.parametrize("column", ["energy_kwh", "event_time", "unit", "power_kw"])
def test_words_fit_every_column(column: str) -> None:
    """`a energy_kwh` would be no English: no sentence has an article before a column's name."""
    from data_contracts.findings import FindingCount, QuarantinedRow

    for reason in Reason:
        first = QuarantinedRow(row_number=1, column=column, value="x", reason=reason)
        message = FindingCount(column=column, reason=reason, rows=1, first=first, bound="").message(10)
        assert not re.search(rf"\ban? {column}\b", message)
