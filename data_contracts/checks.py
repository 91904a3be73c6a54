"""Checks of canonical rows, generated from the contract: presence, ranges, words, patterns, sums, and the two times."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import assert_never

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_contracts.adapters.source import RawTable
from data_contracts.canonical import Canonical
from data_contracts.columns import contiguous
from data_contracts.contract import Column, Contract, SetBy, SumAtMost, SumEquals
from data_contracts.findings import Reason
from data_contracts.mapping import MACHINE, STATE, Mapping
from data_contracts.reference.calendars import SECOND_US, day_lengths_us
from data_contracts.values import Mask, validity

CLOCK_SKEW_SECONDS = 300
"""How far ahead of us a device's clock may run before its rows are turned away."""

CONTROL_CHARACTERS = r"[\x00-\x1f\x7f]"


def check(
    canonical: Canonical, raw: RawTable, mapping: Mapping, contract: Contract, *, received_time: datetime
) -> None:
    """Note every breach of the contract in `canonical.faults`.

    A column that already has a fault in a row is not examined again there. `received_time` bounds what may have
    happened, and what could be known, by now.
    """
    for column in contract.columns:
        # A recorded_time that follows from event_time or from the clock has no faults of its own.
        derived = column.set_by is SetBy.RECORDED_TIME_RULE and column.name not in raw.targets
        if column.name != "batch_id" and not derived:
            _check_column(canonical, raw, column)
    _check_speaks(canonical, contract)
    _check_times(canonical, raw, contract, received_time)
    for row_check in contract.row_checks:
        match row_check:
            case SumAtMost():
                _check_sum_at_most(canonical, row_check, mapping)
            case SumEquals():
                _check_sum_equals(canonical, row_check)
            case _:
                assert_never(row_check)


def _written(raw: RawTable, name: str) -> pa.ChunkedArray | None:
    """What the source wrote for a canonical column, if it wrote it."""
    special = {"machine_uid": MACHINE, "item_state": STATE, "operation_mode": STATE}
    for target in (name, special.get(name, name)):
        if target in raw.targets:
            return raw.table[raw.targets[target].column]
    return None


def _check_column(canonical: Canonical, raw: RawTable, column: Column) -> None:
    values = contiguous(canonical.table[column.name])
    written = _written(raw, column.name)
    if column.required and values.null_count and column.set_by is not SetBy.ADMISSION:
        unexplained = ~validity(values) & ~canonical.faults.mask_of(*_names(column.name))
        canonical.faults.add(column.name, Reason.MISSING, unexplained, None)
    if pa.types.is_dictionary(values.type):
        _check_words(canonical, values, column, written)
    elif column.minimum is not None or column.maximum is not None:
        _check_range(canonical, values, column, written)


def _names(name: str) -> tuple[str, ...]:
    """Names under which a fault of the column may have been noted."""
    return (name, MACHINE) if name == "machine_uid" else (name, "day") if name == "event_time" else (name,)


def _check_words(
    canonical: Canonical, values: pa.DictionaryArray, column: Column, written: pa.ChunkedArray | None
) -> None:
    words = values.dictionary
    if not len(words):
        return
    if column.allowed:
        unknown = ~pc.is_in(words, value_set=pa.array(column.allowed)).to_numpy(zero_copy_only=False)
        canonical.faults.add(column.name, Reason.UNKNOWN_WORD, _spread(unknown, values), written)
        return
    lengths = pc.utf8_length(words).to_numpy(zero_copy_only=False)
    bad = pc.match_substring_regex(words, CONTROL_CHARACTERS).to_numpy(zero_copy_only=False)
    bad = bad | (lengths < column.min_length)
    if column.max_length is not None:
        bad = bad | (lengths > column.max_length)
    if column.pattern is not None:
        bad = bad | ~pc.match_substring_regex(words, column.pattern).to_numpy(zero_copy_only=False)
    canonical.faults.add(column.name, Reason.MALFORMED, _spread(bad, values), written)


def _spread(of_word: Mask, values: pa.DictionaryArray) -> Mask:
    """A verdict on distinct words, for every row that bears them; null rows are cleared."""
    if not of_word.any():
        return np.zeros(len(values), dtype=np.bool_)
    codes = pc.fill_null(values.indices, len(of_word)).to_numpy(zero_copy_only=False)
    verdict: Mask = np.append(of_word, False)[codes]
    return verdict


def _check_range(canonical: Canonical, values: pa.Array, column: Column, written: pa.ChunkedArray | None) -> None:
    is_time = isinstance(column.minimum, date)
    ends = pc.min_max(values)
    for bound, end, broken, reason in (
        (column.minimum, ends["min"], pc.less, Reason.TOO_EARLY if is_time else Reason.BELOW_MINIMUM),
        (column.maximum, ends["max"], pc.greater, Reason.ABOVE_MAXIMUM),
    ):
        if bound is not None and broken(end, pa.scalar(bound, column.type)).as_py():
            at = _true(broken(values, pa.scalar(bound, column.type)))
            canonical.faults.add(column.name, reason, at, written, bound=_bound_words(bound, column.unit))


def _bound_words(bound: float | date | datetime, unit: str | None) -> str:
    if isinstance(bound, datetime):
        return bound.astimezone(UTC).date().isoformat()
    if isinstance(bound, date):
        return bound.isoformat()
    return f"{bound:,.10g}" if unit in {None, "1"} else f"{bound:,.10g} {unit}"


def _check_speaks(canonical: Canonical, contract: Contract) -> None:
    if not contract.identity_per_value:
        return
    if any(canonical.table[name].null_count == 0 for name in contract.value_names):
        return  # every row says at least this
    silent = np.ones(canonical.table.num_rows, dtype=np.bool_)
    for name in contract.value_names:
        silent &= ~validity(contiguous(canonical.table[name]))
    canonical.faults.add("row", Reason.SAYS_NOTHING, silent & ~canonical.faults.mask, None)


def _check_times(canonical: Canonical, raw: RawTable, contract: Contract, received_time: datetime) -> None:
    event = contiguous(canonical.table["event_time"])
    recorded = contiguous(canonical.table["recorded_time"])
    skew = pa.scalar(CLOCK_SKEW_SECONDS * SECOND_US, pa.duration("us"))
    latest = pc.add(pa.scalar(received_time, event.type), skew)
    written = _written(raw, "event_time")
    future = np.zeros(len(event), dtype=np.bool_)
    if not contract.future_events:
        if pc.greater(pc.max(event), latest).as_py():
            future = _true(pc.greater(event, latest))
            canonical.faults.add("event_time", Reason.IN_FUTURE, future, event if written is None else written)
        early = _true(pc.less(recorded, pc.subtract(event, skew))) & ~future
        canonical.faults.add("recorded_time", Reason.RECORDED_BEFORE_EVENT, early, recorded)
    if pc.greater(pc.max(recorded), latest).as_py():
        unknowable = _true(pc.greater(recorded, latest)) & ~future
        canonical.faults.add("recorded_time", Reason.RECORDED_IN_FUTURE, unknowable, recorded)


def _true(answer: pa.Array) -> Mask:
    mask: Mask = pc.fill_null(answer, False).to_numpy(zero_copy_only=False)
    return mask


def _numbers(canonical: Canonical, name: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """The column as float64, NaN where null."""
    numbers: np.ndarray[tuple[int], np.dtype[np.float64]] = canonical.table[name].to_numpy()
    return numbers


def _check_sum_at_most(canonical: Canonical, row_check: SumAtMost, mapping: Mapping) -> None:
    assert row_check.limit == "localDaySeconds", "the one limit that contracts use"
    days = contiguous(canonical.table["day"])
    numbers = pc.fill_null(days.cast(pa.int32()), 0).to_numpy(zero_copy_only=False)
    distinct, places = np.unique(numbers, return_inverse=True)
    limits = day_lengths_us(distinct, mapping.site_zone)[places] / SECOND_US
    total = sum(_numbers(canonical, name) for name in row_check.columns)
    above = (total > limits + row_check.tolerance) & validity(days)
    if above.any():
        bound = f"{limits[above][0]:,.0f} s"
        canonical.faults.add("day", Reason.DAY_OVERFULL, above, pa.array(total), bound=bound)


def _check_sum_equals(canonical: Canonical, row_check: SumEquals) -> None:
    parts = sum(_numbers(canonical, name) for name in row_check.columns)
    total = _numbers(canonical, row_check.total)
    # Unequal only where all are given: a comparison with NaN is false.
    differs = np.abs(parts - total) > row_check.tolerance * np.maximum(np.abs(total), 1.0)
    canonical.faults.add(row_check.total, Reason.SUM_DIFFERS, differs, pa.array(total))
