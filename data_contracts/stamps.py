"""Stamps become instants: UTC microseconds; readings that a zone's clocks skipped or showed twice are set apart."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from data_contracts.errors import ContractViolated
from data_contracts.findings import Reason
from data_contracts.reference.calendars import zone_offsets
from data_contracts.values import Mask, Parsed, cast_where_possible, matches, parse_numbers, validity, walls_of_form

INSTANT = pa.timestamp("us", tz="UTC")
_WALL = pa.timestamp("us")
_ZONED = r"[T ].*(Z|[+-]\d{2}(:?\d{2})?)$"
_FINE_FRACTION = r"(\.\d{6})\d+"
_SPACE_BEFORE_OFFSET = r"\s+([+-]\d{2}(?::?\d{2})?|Z)$"
EPOCH_FORMS = {"epoch_s": 1_000_000, "epoch_ms": 1_000, "epoch_us": 1}
"""Declared forms of stamps that are numbers since 1970: how many microseconds one of each is."""


def parse_instants(raw: pa.Array, *, zone: str, form: str | None) -> Parsed:
    """timestamp[us, UTC] of stamps as text, numbers (with a declared epoch form) or typed timestamps and dates.

    A stamp without offset is a reading of the clocks of `zone`. Fractions finer than a microsecond are cut off.
    Faults: unreadable_time, no_such_local_time, ambiguous_local_time. Raises ContractViolated for other types.
    """
    if form in EPOCH_FORMS:
        return _of_epoch(raw, EPOCH_FORMS[form])
    if pa.types.is_timestamp(raw.type):
        if raw.type.tz is not None:
            return Parsed(values=pc.cast(raw, INSTANT, safe=False))
        return _of_walls(pc.cast(raw, _WALL, safe=False), zone)
    if pa.types.is_date(raw.type):
        return _of_walls(pc.cast(raw, _WALL), zone)
    if not pa.types.is_string(raw.type):
        raise ContractViolated(
            f"A column of {raw.type} stands where a time must be.",
            hint=f"If it counts from 1970, set format to one of {', '.join(EPOCH_FORMS)}.",
        )
    return _of_form(raw, zone, form) if form is not None else _of_iso(raw, zone)


def _of_epoch(raw: pa.Array, microseconds: int) -> Parsed:
    numbers = parse_numbers(raw)
    floats = pc.fill_null(numbers.values, 0.0).to_numpy(zero_copy_only=False) * microseconds
    fits = np.abs(floats) < 2.0**62
    instants = np.rint(np.where(fits, floats, 0.0)).astype(np.int64)
    values = _instants(instants, validity(numbers.values) & fits)
    unreadable = validity(raw) & ~validity(values)
    return Parsed(values=values, faults=((Reason.UNREADABLE_TIME, unreadable),))


def _of_iso(raw: pa.Array, zone: str) -> Parsed:
    """All stamps with offset are read at once; otherwise those with and those without each on their own."""
    try:
        return Parsed(values=pc.cast(raw, INSTANT))
    except pa.ArrowInvalid:
        text = pc.replace_substring_regex(pc.utf8_trim_whitespace(raw), _FINE_FRACTION, r"\1")
    text = pc.replace_substring_regex(text, _SPACE_BEFORE_OFFSET, r"\1")
    text = pc.if_else(pc.equal(text, ""), None, text)
    zoned = matches(text, _ZONED)
    with_offset = cast_where_possible(pc.if_else(pa.array(zoned), text, None), INSTANT)
    walls = cast_where_possible(pc.if_else(pa.array(zoned), None, text), _WALL)
    local = _of_walls(walls, zone)
    explained = validity(with_offset) | validity(walls)
    return Parsed(
        values=pc.coalesce(with_offset, local.values),
        faults=((Reason.UNREADABLE_TIME, validity(text) & ~explained), *local.faults),
    )


def _of_form(raw: pa.Array, zone: str, form: str) -> Parsed:
    text = pc.utf8_trim_whitespace(raw)
    read = pa.array(walls_of_form(text, form), _WALL)
    unreadable = validity(text) & ~validity(read)
    if "%z" in form:
        return Parsed(values=read.cast(INSTANT), faults=((Reason.UNREADABLE_TIME, unreadable),))
    local = _of_walls(read, zone)
    return Parsed(values=local.values, faults=((Reason.UNREADABLE_TIME, unreadable), *local.faults))


def _of_walls(walls: pa.Array, zone: str) -> Parsed:
    """Readings of the clocks of `zone`; those that never were, or were twice, are faults."""
    given = validity(walls)
    readings = pc.fill_null(walls.cast(pa.int64()), 0).to_numpy(zero_copy_only=False)
    instants, missing, twice = zone_offsets(zone).to_utc(readings)
    missing, twice = missing & given, twice & given
    return Parsed(
        values=_instants(instants, given & ~missing & ~twice),
        faults=((Reason.NO_SUCH_LOCAL_TIME, missing), (Reason.AMBIGUOUS_LOCAL_TIME, twice)),
    )


def _instants(microseconds: NDArray[np.int64], given: Mask) -> pa.Array:
    return pa.array(microseconds, mask=~given).cast(INSTANT)
