"""Raw text and typed columns as numbers, dates, words and instants: what is read, and what is a fault."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_contracts.errors import ContractViolated
from data_contracts.findings import Reason
from data_contracts.reference.units import conversion
from data_contracts.stamps import parse_instants
from data_contracts.values import BLOCK, Parsed, parse_dates, parse_integers, parse_numbers, parse_text, parse_words

UNREADABLE = Reason.UNREADABLE_TIME


def outcome(parsed: Parsed) -> Any:
    """The single value, or the single reason why there is none."""
    assert len(parsed.values) == 1
    reasons = [reason for reason, at in parsed.faults if at.any()]
    value = parsed.values[0].as_py()
    assert value is None or not reasons
    assert len(reasons) <= 1
    return reasons[0] if reasons else value


NUMBERS: list[tuple[Any, Any]] = [
    ("1", 1.0),
    (" 1.50 ", 1.5),
    ("+1e3", 1000.0),
    (".5", 0.5),
    ("1.", 1.0),
    ("-0.0", 0.0),
    ("", None),
    ("  ", None),
    (None, None),
    ("1,5", Reason.NOT_A_NUMBER),
    ("1_000", Reason.NOT_A_NUMBER),
    ("0x10", Reason.NOT_A_NUMBER),
    ("１", Reason.NOT_A_NUMBER),
    ("nan", Reason.NOT_FINITE),
    ("-INF", Reason.NOT_FINITE),
    (float("nan"), Reason.NOT_FINITE),
    (float("inf"), Reason.NOT_FINITE),
    (7, 7.0),
    (Decimal("1.25"), 1.25),
]


@pytest.mark.parametrize(("raw", "expected"), NUMBERS)
def test_numbers(raw: Any, expected: Any) -> None:
    assert outcome(parse_numbers(pa.array([raw], pa.string() if raw is None else None))) == expected


def test_minus_zero_has_the_bits_of_zero() -> None:
    assert str(parse_numbers(pa.array([-0.0])).values[0].as_py()) == "0.0"


def test_a_decimal_comma() -> None:
    text = pa.array(["1,5", "1.5", "1.234,5"])
    parsed = parse_numbers(text, decimal_point=",")
    assert parsed.values.to_pylist() == [1.5, None, None]


def test_a_conversion_rounds_once() -> None:
    watts = conversion(source="W", stored="kW")
    assert parse_numbers(pa.array(["7420", "0.1"]), conversion=watts).values.to_pylist() == [7.42, 0.1 / 1000]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_every_float_is_read_back_exactly(floats: list[float]) -> None:
    parsed = parse_numbers(pa.array([repr(number) for number in floats]))
    assert parsed.values.to_pylist() == floats


WHOLE: list[tuple[Any, Any]] = [
    ("12", 12),
    ("+12.0", 12),
    ("-3", -3),
    ("9007199254740993", 9007199254740993),
    ("", None),
    ("12.5", Reason.NOT_WHOLE),
    ("1e3", Reason.NOT_WHOLE),
    ("9" * 19, Reason.NOT_WHOLE),
    ("twelve", Reason.NOT_A_NUMBER),
    ("nan", Reason.NOT_FINITE),
    (5, 5),
    (5.0, 5),
    (5.5, Reason.NOT_WHOLE),
    (2.0**60, Reason.NOT_WHOLE),
    (float("inf"), Reason.NOT_FINITE),
]


@pytest.mark.parametrize(("raw", "expected"), WHOLE)
def test_whole_numbers(raw: Any, expected: Any) -> None:
    assert outcome(parse_integers(pa.array([raw]))) == expected


DATES: list[tuple[Any, str | None, Any]] = [
    ("2026-05-04", None, date(2026, 5, 4)),
    (" 2026-05-04 ", None, date(2026, 5, 4)),
    ("", None, None),
    ("2026-02-30", None, Reason.UNREADABLE_DATE),
    ("20260504", None, Reason.UNREADABLE_DATE),
    ("04/05/2026", "%d/%m/%Y", date(2026, 5, 4)),
    ("2026-05-04", "%d/%m/%Y", Reason.UNREADABLE_DATE),
    (date(2026, 5, 4), None, date(2026, 5, 4)),
    (datetime(2026, 5, 4, 23), None, date(2026, 5, 4)),  # noqa: DTZ001 a reading of a wall clock
]


@pytest.mark.parametrize(("raw", "form", "expected"), DATES)
def test_dates(raw: Any, form: str | None, expected: Any) -> None:
    assert outcome(parse_dates(pa.array([raw]), form=form)) == expected


MAY_4 = datetime(2026, 5, 4, 0, 5, tzinfo=UTC)
STAMPS: list[tuple[Any, str, str | None, Any]] = [
    # raw                                 zone             declared form           instant or fault
    ("2026-05-04T00:05:00Z",              "Asia/Shanghai", None,                   MAY_4),
    ("2026-05-04 08:05:00+08:00",         "UTC",           None,                   MAY_4),
    ("2026-05-04 08:05:00 +0800",         "UTC",           None,                   MAY_4),
    ("2026-05-04 08:05+08",               "UTC",           None,                   MAY_4),
    ("2026-05-04 08:05",                  "Asia/Shanghai", None,                   MAY_4),
    (" 2026-05-04T08:05:00 ",             "Asia/Shanghai", None,                   MAY_4),
    ("2026-05-04 00:05:00.000001Z",       "UTC",           None,                   MAY_4.replace(microsecond=1)),
    ("2026-05-04 00:05:00.0000019Z",      "UTC",           None,                   MAY_4.replace(microsecond=1)),
    ("2026-05-04",                        "UTC",           None,                   MAY_4.replace(minute=0)),
    ("",                                  "UTC",           None,                   None),
    ("2026-13-04 00:05",                  "UTC",           None,                   UNREADABLE),
    ("2026-05-04 24:05",                  "UTC",           None,                   UNREADABLE),
    ("1777853100",                        "UTC",           None,                   UNREADABLE),
    ("1777853100",                        "UTC",           "epoch_s",              MAY_4),
    (1777853100000,                       "UTC",           "epoch_ms",             MAY_4),
    (1777853100.000001,                   "UTC",           "epoch_s",              MAY_4.replace(microsecond=1)),
    ("soon",                              "UTC",           "epoch_s",              UNREADABLE),
    (1e300,                               "UTC",           "epoch_s",              UNREADABLE),
    ("04/05/2026 08:05",                  "Asia/Shanghai", "%d/%m/%Y %H:%M",       MAY_4),
    ("04/05/2026 08:05 +0800",            "UTC",           "%d/%m/%Y %H:%M %z",    MAY_4),
    ("2026-05-04 08:05",                  "UTC",           "%d/%m/%Y %H:%M",       UNREADABLE),
    ("2026-03-29 02:30",                  "Europe/Rome",   None,                   Reason.NO_SUCH_LOCAL_TIME),
    ("2026-03-29 02:30+01:00",            "Europe/Rome",   None,                   datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
    ("2025-10-26 02:30",                  "Europe/Rome",   None,                   Reason.AMBIGUOUS_LOCAL_TIME),
    ("2025-10-26 03:00",                  "Europe/Rome",   None,                   datetime(2025, 10, 26, 2, tzinfo=UTC)),
    ("29/03/2026 02:30",                  "Europe/Rome",   "%d/%m/%Y %H:%M",       Reason.NO_SUCH_LOCAL_TIME),
    (MAY_4.replace(hour=8, tzinfo=None),  "Asia/Shanghai", None,                   MAY_4),
    (datetime(2025, 10, 26, 2, 30),       "Europe/Rome",   None,                   Reason.AMBIGUOUS_LOCAL_TIME),  # noqa: DTZ001
    (date(2026, 5, 4),                    "Asia/Shanghai", None,                   datetime(2026, 5, 3, 16, tzinfo=UTC)),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "zone", "form", "expected"), STAMPS)
def test_stamps(raw: Any, zone: str, form: str | None, expected: Any) -> None:
    assert outcome(parse_instants(pa.array([raw]), zone=zone, form=form)) == expected


def test_typed_instants_of_other_zones_and_resolutions() -> None:
    column = pa.array([1777853100], pa.timestamp("s", tz="Asia/Shanghai"))
    assert parse_instants(column, zone="Europe/Rome", form=None).values.to_pylist() == [MAY_4]


def test_whether_a_stamp_is_read_does_not_depend_on_its_neighbours() -> None:
    stamps = [raw for raw, zone, form, _ in STAMPS if isinstance(raw, str) and form is None and zone == "UTC"]
    alone = [parse_instants(pa.array([stamp]), zone="UTC", form=None).values[0].as_py() for stamp in stamps]
    together = parse_instants(pa.array(stamps), zone="UTC", form=None)
    assert together.values.to_pylist() == alone


def test_one_bad_stamp_among_many_is_found() -> None:
    stamps = [f"2026-05-04 08:05:{second % 60:02d}" for second in range(3 * BLOCK)]
    stamps[BLOCK + 7] = "2026-05-04 08:05:61"
    parsed = parse_instants(pa.array(stamps), zone="UTC", form=None)
    ((_, at), *_) = [fault for fault in parsed.faults if fault[0] is UNREADABLE]
    assert np.flatnonzero(at).tolist() == [BLOCK + 7]
    assert parsed.values.null_count == 1


def test_words_match_as_text_or_as_numbers() -> None:
    words = {"1": "on", "2": "off", "x": "idle"}
    parsed = parse_words(pa.array(["1", "2.0", " x ", "3", "", None]), words)
    assert parsed.values.to_pylist() == ["on", "off", "idle", None, None, None]
    assert [np.flatnonzero(at).tolist() for _, at in parsed.faults] == [[3]]
    assert parse_words(pa.array([1, 2]), words).values.to_pylist() == ["on", "off"]
    assert parse_words(pa.array([1.0, None]), words).values.to_pylist() == ["on", None]


def test_text_is_trimmed_and_blank_is_null() -> None:
    parsed = parse_text(pa.array([" a ", "a", "", "\t", None]))
    assert parsed.values.to_pylist() == ["a", "a", None, None, None]
    assert parsed.values.dictionary.to_pylist() == ["a"]


@pytest.mark.parametrize(
    ("parse", "column"),
    [
        (parse_numbers, pa.array([True])),
        (parse_integers, pa.array([date(2026, 5, 4)])),
        (lambda raw: parse_dates(raw, form=None), pa.array([1])),
        (lambda raw: parse_instants(raw, zone="UTC", form=None), pa.array([1])),
    ],
)
def test_a_column_of_another_type_is_refused_as_a_whole(parse: Any, column: pa.Array) -> None:
    with pytest.raises(ContractViolated, match="where a"):
        parse(column)
