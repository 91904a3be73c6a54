"""Bad sources, one a row: what is wrong, what the file is, what comes of it, and the words that must say so."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_contracts.errors import ContractViolated, InputError, UnreadableSource
from data_contracts.findings import Reason

HEAD = "m,t,state,kw,parts\n"
GOOD = "m1,2026-05-04 08:00,2,10,2\n"


def _parquet() -> bytes:
    sink = io.BytesIO()
    table = {"m": ["m1"], "t": ["2026-05-04 08:00"], "state": ["2"], "kw": [10.0], "parts": [2.0]}
    pq.write_table(pa.table(table), sink)
    return sink.getvalue()


def _corrupt_parquet() -> bytes:
    data = bytearray(_parquet())
    middle = len(data) // 2
    data[middle : middle + 40] = b"\xff" * 40
    return bytes(data)


UNREADABLE: list[tuple[str, str, bytes, type[InputError], str]] = [
    # what is wrong          file             content                                            error             a word of the message
    ("empty",                "s.csv",         b"",                                               UnreadableSource, "empty"),
    ("header only",          "s.csv",         HEAD.encode(),                                     UnreadableSource, "no rows"),
    ("blank lines only",     "s.csv",         b"\n\n\n",                                         UnreadableSource, "no header"),
    ("zero bytes inside",    "s.csv",         HEAD.encode() + b"m1,\x00\x00,2,10,2\n",           UnreadableSource, "binary"),
    ("an image",             "s.csv",         b"\x89PNG\r\n\x1a\n" + bytes(range(256)),          UnreadableSource, "0x89 at offset 0"),
    ("Parquet as CSV",       "s.csv",         _parquet(),                                        UnreadableSource, "Parquet"),
    ("CSV as Parquet",       "s.parquet",     (HEAD + GOOD).encode(),                            UnreadableSource, "no Parquet"),
    ("a workbook",           "s.csv",         b"PK\x03\x04rest",                                 UnreadableSource, "Excel"),
    ("gzip",                 "s.csv",         b"\x1f\x8b\x08\x00rest",                           UnreadableSource, "gzip"),
    ("truncated Parquet",    "s.parquet",     _parquet()[:-20],                                  UnreadableSource, "truncated"),
    ("corrupt Parquet",      "s.parquet",     _corrupt_parquet(),                                UnreadableSource, "corrupt"),
    ("GBK, not UTF-8",       "s.csv",         (HEAD + "铣床,2026-05-04,2,1,2\n").encode("gbk"),   UnreadableSource, "line 2"),
    ("UTF-16",               "s.csv",         (HEAD + GOOD).encode("utf-16"),                    UnreadableSource, "utf-16"),
    ("unknown suffix",       "s.dat",         (HEAD + GOOD).encode(),                            UnreadableSource, "does not say what it is"),
    ("semicolons",           "s.csv",         (HEAD + GOOD).replace(",", ";").encode(),          ContractViolated, "delimiter: ';'"),
    ("tabs",                 "s.csv",         (HEAD + GOOD).replace(",", "\t").encode(),         ContractViolated, "a tab"),
    ("missing column",       "s.csv",         (HEAD + GOOD).replace("kw", "kW").encode(),        ContractViolated, "Was 'kW' for 'kw' meant?"),
    ("two columns missing",  "s.csv",         (HEAD + GOOD).replace("kw,parts", "x,y").encode(), ContractViolated, "'kw', 'parts'"),
    ("duplicate header",     "s.csv",         (HEAD + GOOD).replace("parts", "kw").encode(),     ContractViolated, "more than one column named 'kw'"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("what", "name", "content", "error", "words"), UNREADABLE, ids=[case[0] for case in UNREADABLE]
)
def test_a_source_that_cannot_be_used(
    door: Any, what: str, name: str, content: bytes, error: type[InputError], words: str
) -> None:
    with pytest.raises(error) as caught:
        door.path(door.file(content, name))
    assert words in str(caught.value)
    assert caught.value.hint or what == "blank lines only" or "hint" in str(caught.value).lower()


ROWS: list[tuple[str, str, str, Reason, str | None]] = [
    # what is wrong           the row                                  column           reason                         the value shown
    ("cut off mid-row",       "m1,2026-05-04 0",                       "line",          Reason.RAGGED,                 "m1,2026-05-04 0"),
    ("a cell too many",       "m1,2026-05-04 08:05,2,10,2,9",          "line",          Reason.RAGGED,                 "m1,2026-05-04 08:05,2,10,2,9"),
    ("an open quotation",     'm1,2026-05-04 08:05,2,"10,2',           "line",          Reason.RAGGED,                 'm1,2026-05-04 08:05,2,"10,2'),
    ("unknown state",         "m1,2026-05-04 08:05,7,10,2",            "state",         Reason.UNKNOWN_WORD,           "7"),
    ("state in words",        "m1,2026-05-04 08:05,run,10,2",          "state",         Reason.UNKNOWN_WORD,           "run"),
    ("no number",             "m1,2026-05-04 08:05,2,ten,2",           "power_kw",      Reason.NOT_A_NUMBER,           "ten"),
    ("thousands mark",        'm1,2026-05-04 08:05,2,"1,000",2',       "power_kw",      Reason.NOT_A_NUMBER,           "1,000"),
    ("NaN",                   "m1,2026-05-04 08:05,2,NaN,2",           "power_kw",      Reason.NOT_FINITE,             "NaN"),
    ("infinite",              "m1,2026-05-04 08:05,2,inf,2",           "power_kw",      Reason.NOT_FINITE,             "inf"),
    ("minus infinite",        "m1,2026-05-04 08:05,2,-Infinity,2",     "power_kw",      Reason.NOT_FINITE,             "-Infinity"),
    ("too large for a float", "m1,2026-05-04 08:05,2,1e999,2",         "power_kw",      Reason.NOT_FINITE,             "1e999"),
    ("negative power",        "m1,2026-05-04 08:05,2,-0.5,2",          "power_kw",      Reason.BELOW_MINIMUM,          "-0.5"),
    ("watts",                 "m1,2026-05-04 08:05,2,7420,2",          "power_kw",      Reason.ABOVE_MAXIMUM,          "7420"),
    ("negative parts",        "m1,2026-05-04 08:05,2,10,-1",           "part_delta",    Reason.BELOW_MINIMUM,          "-1"),
    ("no machine",            ",2026-05-04 08:05,2,10,2",              "machine_uid",   Reason.MISSING,                None),
    ("a blank machine",       "  ,2026-05-04 08:05,2,10,2",            "machine_uid",   Reason.MISSING,                None),
    ("control characters",    "m\x07,2026-05-04 08:05,2,10,2",         "machine_uid",   Reason.MALFORMED,              "m�"),
    ("no stamp",              "m1,,2,10,2",                            "event_time",    Reason.MISSING,                None),
    ("no date at all",        "m1,yesterday,2,10,2",                   "event_time",    Reason.UNREADABLE_TIME,        "yesterday"),
    ("day before month",      "m1,04/05/2026 08:05,2,10,2",            "event_time",    Reason.UNREADABLE_TIME,        "04/05/2026 08:05"),
    ("30 February",           "m1,2026-02-30 08:05,2,10,2",            "event_time",    Reason.UNREADABLE_TIME,        "2026-02-30 08:05"),
    ("year 0001",             "m1,0001-01-01 00:00,2,10,2",            "event_time",    Reason.TOO_EARLY,              "0001-01-01 00:00"),
    ("year 0001, zoned",      "m1,0001-01-01T00:00:00Z,2,10,2",        "event_time",    Reason.TOO_EARLY,              "0001-01-01T00:00:00Z"),
    ("1970",                  "m1,1970-01-01 08:00,2,10,2",            "event_time",    Reason.TOO_EARLY,              "1970-01-01 08:00"),
    ("the future",            "m1,2222-05-04 08:05,2,10,2",            "event_time",    Reason.IN_FUTURE,              "2222-05-04 08:05"),
    ("says nothing",          "m1,2026-05-04 08:05,,,",                "row",           Reason.SAYS_NOTHING,           None),
]  # fmt: skip


@pytest.mark.parametrize(("what", "row", "column", "reason", "value"), ROWS, ids=[case[0] for case in ROWS])
def test_a_row_that_breaks_the_contract(
    door: Any, what: str, row: str, column: str, reason: Reason, value: str | None
) -> None:
    result = door.text(f"{HEAD}{GOOD}{row}\n{GOOD.replace('08:00', '08:10')}")
    assert (result.rows_read, result.rows_admitted, result.rows_quarantined) == (3, 2, 1), what
    (found,) = result.quarantined_examples
    assert (found.row_number, found.column, found.value, found.reason) == (2, column, value, reason)
    (message,) = result.messages()
    assert message.startswith("1 of 3 rows ")
    assert "first: row 2" in message
    assert "Hint: " in message
    assert len(door.rows()) == 2


def test_the_message_says_how_many_which_and_the_way_out(door: Any) -> None:
    rows = "".join(f"m1,2026-05-04 08:{minute:02d},2,{power},2\n" for minute, power in enumerate([9, 7420, 9, 8000]))
    result = door.text(HEAD + rows)
    assert result.messages() == (
        "2 of 4 rows have power_kw above the contract's 2,000 kW (first: row 2, 7,420). "
        "Hint: The source may use another unit; declare it (unit: W, for example) in the mapping.",
    )


def test_every_fault_of_a_row_is_told_but_the_row_counts_once(door: Any) -> None:
    result = door.text(f"{HEAD}{GOOD}m1,2026-05-04 08:05,7,-3,x\n")
    assert result.rows_quarantined == 1
    assert [(row.column, row.reason) for row in result.quarantined_examples] == [
        ("state", Reason.UNKNOWN_WORD),
        ("part_delta", Reason.NOT_A_NUMBER),
        ("power_kw", Reason.BELOW_MINIMUM),
    ]


def test_all_rows_bad_is_an_answer_not_an_error(door: Any) -> None:
    result = door.text(f"{HEAD}{GOOD.replace('10', 'x')}")
    assert (result.rows_admitted, result.rows_quarantined, result.obligor_ids) == (0, 1, ())
    assert door.rows() == []


def test_a_folder_given_for_a_file(door: Any) -> None:
    with pytest.raises(UnreadableSource, match=r"is a folder.*manifest\.json"):
        door.path(door.folder)


def test_a_file_that_is_not_there(door: Any) -> None:
    with pytest.raises(UnreadableSource, match=r"There is no file gone\.csv"):
        door.path(door.folder / "gone.csv")


def test_a_declared_encoding_and_a_declared_delimiter_are_read(door: Any, mapping_with: Callable[..., Any]) -> None:
    text = "m;t;state;kw;parts\n铣床;2026-05-04 08:00;2;10,5;2\n"
    mapping = mapping_with(csv={"delimiter": ";", "encoding": "gb18030", "decimal_point": ","})
    result = door.path(door.file(text.encode("gb18030")), mapping)
    assert result.rows_admitted == 1
    assert [(row["machine_uid"], row["power_kw"]) for row in door.rows()] == [("91999999MA0000001N/铣床", 10.5)]


def test_byte_order_mark_carriage_returns_blank_lines_and_no_last_newline(door: Any) -> None:
    text = "\ufeff" + HEAD.replace("\n", "\r\n") + GOOD.replace("\n", "\r\n") + "\r\n" + "m1,2026-05-04 08:05,7,1,1"
    result = door.text(text)
    assert (result.rows_read, result.rows_admitted) == (2, 1)
    assert result.quarantined_examples[0].row_number == 3  # the blank line is counted, so that an editor finds it


def test_words_for_no_value_can_be_declared(door: Any, mapping_with: Callable[..., Any]) -> None:
    mapping = mapping_with(csv={"null_values": ["", "NA", "--"]})
    result = door.text(f"{HEAD}m1,2026-05-04 08:00,2,NA,--\n", mapping)
    assert result.rows_quarantined == 0
    assert [(row["power_kw"], row["part_delta"]) for row in door.rows()] == [(None, None)]


NO_OBLIGOR = r"without their obligor.*Name the obligor"


def test_machines_need_an_obligor(door: Any) -> None:
    with pytest.raises(ContractViolated, match=NO_OBLIGOR):
        door.text(HEAD + GOOD, obligor=None)
