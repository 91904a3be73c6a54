"""Raw columns, text or typed, become numbers, dates, words and instants; what cannot is a fault, never a guess.

Every function takes one column of a source and gives a column of the same length. Rows that are null in the source
stay null without a fault; rows with a fault are null.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from data_contracts.columns import contiguous
from data_contracts.errors import ContractViolated
from data_contracts.findings import Reason
from data_contracts.reference.units import SAME, Conversion

Mask = NDArray[np.bool_]

_NUMBER = r"^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?$"
_NOT_FINITE = r"(?i)^[+-]?(nan|inf|infinity)$"
_WHOLE = r"^[+-]?\d{1,18}(\.0*)?$"
_DATE = r"^\d{4}-\d{2}-\d{2}$"
_EXACT_IN_A_DOUBLE = 2**53
BLOCK = 4096
"""Values that are tried together; only a block with an unreadable value is read one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """A column of values, and where and why values of the source could not be read."""

    values: pa.Array
    faults: tuple[tuple[Reason, Mask], ...] = ()


def plain(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    """One contiguous array without dictionary encoding and with 32-bit string offsets."""
    array = contiguous(column) if isinstance(column, pa.ChunkedArray) else column
    if pa.types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    if pa.types.is_large_string(array.type) or pa.types.is_string_view(array.type):
        array = array.cast(pa.string())
    return array


def encoded(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    """One contiguous array; text is dictionary-encoded, what is no text stays as it is."""
    array = contiguous(column) if isinstance(column, pa.ChunkedArray) else column
    if _is_encoded(array):
        return array
    array = plain(array)
    return array.dictionary_encode() if pa.types.is_string(array.type) else array


def validity(array: pa.Array) -> Mask:
    """True where the array has a value."""
    mask: Mask = pc.is_valid(array).to_numpy(zero_copy_only=False)
    return mask


def matches(array: pa.Array, pattern: str) -> Mask:
    """True where the text matches; null counts as no match."""
    mask: Mask = pc.fill_null(pc.match_substring_regex(array, pattern), False).to_numpy(zero_copy_only=False)
    return mask


def parse_numbers(raw: pa.Array, *, decimal_point: str = ".", conversion: Conversion = SAME) -> Parsed:
    """float64 in the stored unit. Faults: not_a_number, not_finite. Raises ContractViolated for other types."""
    faults: list[tuple[Reason, Mask]] = []
    if pa.types.is_string(raw.type):
        floats, faults = _floats_of_text(raw, decimal_point)
    elif _is_numeric(raw.type):
        floats = pc.cast(raw, pa.float64(), safe=False)
    else:
        raise ContractViolated(f"A column of {raw.type} stands where a number must be.", hint="Check the mapping.")
    given = validity(floats)
    values = pc.fill_null(floats, 0.0).to_numpy(zero_copy_only=False)
    finite = np.isfinite(values)
    if not finite.all():
        faults.append((Reason.NOT_FINITE, ~finite))
        given = given & finite
        values = np.where(finite, values, 0.0)
    if conversion != SAME:
        values = values * conversion.multiply / conversion.divide
    # Adding zero turns -0.0 into 0.0, so that equal contents have equal bytes.
    mask = None if given.all() else ~given
    return Parsed(values=pa.array(values + 0.0, mask=mask), faults=tuple(faults))


def _floats_of_text(raw: pa.Array, decimal_point: str) -> tuple[pa.Array, list[tuple[Reason, Mask]]]:
    text = raw if decimal_point == "." else _with_points(raw)
    try:
        return pc.cast(text, pa.float64()), []
    except pa.ArrowInvalid:
        text = _trimmed(text)
    readable = matches(text, _NUMBER)
    not_finite = matches(text, _NOT_FINITE)
    unreadable = validity(text) & ~readable & ~not_finite
    floats = pc.cast(pc.if_else(pa.array(readable), text, None), pa.float64())
    return floats, [(Reason.NOT_A_NUMBER, unreadable), (Reason.NOT_FINITE, not_finite)]


def _with_points(text: pa.Array) -> pa.Array:
    """Decimal commas as points; a point (perhaps a thousands mark) makes the text unreadable rather than wrong."""
    return pc.replace_substring(pc.replace_substring(text, ".", "?"), ",", ".")


def _trimmed(text: pa.Array) -> pa.Array:
    text = pc.utf8_trim_whitespace(text)
    return pc.if_else(pc.equal(text, ""), None, text)


def _is_numeric(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def parse_integers(raw: pa.Array) -> Parsed:
    """int64. Faults: not_a_number, not_finite, not_whole. Raises ContractViolated for other types."""
    if pa.types.is_string(raw.type):
        text = _trimmed(raw)
        whole = matches(text, _WHOLE)
        digits = pc.replace_substring_regex(text, r"^\+|\.0*$", "")
        values = pc.cast(pc.if_else(pa.array(whole), digits, None), pa.int64())
        not_finite = matches(text, _NOT_FINITE)
        fraction = matches(text, _NUMBER) & ~whole
        unreadable = validity(text) & ~whole & ~fraction & ~not_finite
        faults = (
            (Reason.NOT_A_NUMBER, unreadable),
            (Reason.NOT_FINITE, not_finite),
            (Reason.NOT_WHOLE, fraction),
        )
        return Parsed(values=values, faults=faults)
    if pa.types.is_integer(raw.type) and raw.type != pa.uint64():
        return Parsed(values=pc.cast(raw, pa.int64()))
    numbers = parse_numbers(raw)
    floats = pc.fill_null(numbers.values, 0.0).to_numpy(zero_copy_only=False)
    whole = (floats == np.floor(floats)) & (np.abs(floats) <= _EXACT_IN_A_DOUBLE)
    kept = validity(numbers.values) & whole
    values = pa.array(np.where(kept, floats, 0.0).astype(np.int64), mask=~kept)
    return Parsed(values=values, faults=(*numbers.faults, (Reason.NOT_WHOLE, ~whole)))


def parse_text(raw: pa.Array) -> Parsed:
    """Text, trimmed, dictionary-encoded; blank is null. Numbers and truth values become their text."""
    text = raw if _is_encoded(raw) or pa.types.is_string(raw.type) else pc.cast(raw, pa.string())
    return Parsed(values=_mapped(encoded(text), lambda word: word.strip() or None))


def _is_encoded(array: pa.Array) -> bool:
    return bool(pa.types.is_dictionary(array.type) and pa.types.is_string(array.type.value_type))


def parse_words(raw: pa.Array, words: Mapping[str, str]) -> Parsed:
    """The source's words through a vocabulary; numbers match as numbers (2.0 is 2). Fault: unknown_word."""
    text = parse_text(raw).values
    numeric = {number: word for key, word in words.items() if (number := _number(key)) is not None}

    def meaning(word: str) -> str | None:
        """Our word for the source's, spelt alike or the same number."""
        found = words.get(word)
        number = _number(word)
        return numeric.get(number) if found is None and number is not None else found

    known = _mapped(text, meaning)
    return Parsed(values=known, faults=((Reason.UNKNOWN_WORD, validity(text) & ~validity(known)),))


def _number(word: str) -> float | None:
    try:
        return float(word)
    except ValueError:
        return None


def _mapped(encoded: pa.DictionaryArray, meaning: Callable[[str], str | None]) -> pa.DictionaryArray:
    """Each distinct text through `meaning`, and encoded anew (two texts may mean the same)."""
    meanings = pa.array([meaning(word) for word in encoded.dictionary.to_pylist()], pa.string())
    if meanings.equals(encoded.dictionary):
        return encoded
    distinct = pc.unique(pc.drop_null(meanings))
    places = pc.index_in(meanings, value_set=distinct)
    return pa.DictionaryArray.from_arrays(places.take(encoded.indices), distinct)


def parse_dates(raw: pa.Array, *, form: str | None) -> Parsed:
    """date32. ISO dates, or text of the declared form; a typed timestamp gives the date that it shows.

    Fault: unreadable_date. Raises ContractViolated for other types.
    """
    if pa.types.is_date(raw.type) or (pa.types.is_timestamp(raw.type) and raw.type.tz is None):
        return Parsed(values=pc.cast(raw, pa.date32(), safe=False))
    if not pa.types.is_string(raw.type):
        raise ContractViolated(f"A column of {raw.type} stands where a date must be.", hint="Check the mapping.")
    text = _trimmed(raw)
    if form is not None:
        walls = walls_of_form(text, form)
        dates = pc.cast(pa.array(walls.astype("datetime64[D]")), pa.date32())
    else:
        dates = cast_where_possible(pc.if_else(pa.array(matches(text, _DATE)), text, None), pa.date32())
    return Parsed(values=dates, faults=((Reason.UNREADABLE_DATE, validity(text) & ~validity(dates)),))


def walls_of_form(text: pa.Array, form: str) -> NDArray[np.datetime64]:
    """Readings of stamps of a declared strptime form in microseconds, in UTC where it has %z; NaT where unreadable."""
    read = pd.to_datetime(text.to_pandas(), format=form, errors="coerce", utc=True)
    return np.asarray(read.dt.tz_localize(None), dtype="datetime64[us]")


def cast_where_possible(text: pa.Array, kind: pa.DataType) -> pa.Array:
    """Text cast to `kind`; null where a text cannot be. Whole blocks are tried first."""
    try:
        return pc.cast(text, kind)
    except pa.ArrowInvalid:
        if len(text) == 1:
            return pa.nulls(1, kind)
    size = max(1, BLOCK if len(text) > BLOCK else len(text) // 8)
    parts = [cast_where_possible(text.slice(start, size), kind) for start in range(0, len(text), size)]
    return pa.concat_arrays(parts)
