"""What is wrong with rows: reasons, the rows they turned away, and the sentences that say so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

VALUE_LENGTH = 200
"""Characters of an offending value that are kept."""


class Reason(StrEnum):
    """Why a row is turned away; the codes are stable."""

    RAGGED = "ragged"
    MISSING = "missing"
    SAYS_NOTHING = "says_nothing"
    NOT_A_NUMBER = "not_a_number"
    NOT_FINITE = "not_finite"
    NOT_WHOLE = "not_whole"
    BELOW_MINIMUM = "below_minimum"
    ABOVE_MAXIMUM = "above_maximum"
    UNKNOWN_WORD = "unknown_word"
    MALFORMED = "malformed"
    UNREADABLE_TIME = "unreadable_time"
    NO_SUCH_LOCAL_TIME = "no_such_local_time"
    AMBIGUOUS_LOCAL_TIME = "ambiguous_local_time"
    UNREADABLE_DATE = "unreadable_date"
    TOO_EARLY = "too_early"
    IN_FUTURE = "in_future"
    RECORDED_IN_FUTURE = "recorded_in_future"
    RECORDED_BEFORE_EVENT = "recorded_before_event"
    INVALID_OBLIGOR = "invalid_obligor"
    OTHER_OBLIGOR = "other_obligor"
    NO_OBLIGOR = "no_obligor"
    DAY_OVERFULL = "day_overfull"
    SUM_DIFFERS = "sum_differs"
    CONFLICT = "conflict"


_WORDS: dict[Reason, tuple[str, str]] = {
    Reason.RAGGED: (
        "do not split into the header's columns",
        "A delimiter or a quotation mark is missing or too many; an export that was cut off ends like this.",
    ),
    Reason.MISSING: ("lack {column}", "The contract requires it in every row."),
    Reason.SAYS_NOTHING: ("name a machine and a time but no value", "Map at least one column that these rows fill."),
    Reason.NOT_A_NUMBER: (
        "have a value of {column} that is no number",
        "Declare words for 'no value' in csv.null_values, a decimal comma in csv.decimal_point.",
    ),
    Reason.NOT_FINITE: (
        "have a value of {column} that is not finite",
        "Leave the cell empty where the source did not measure.",
    ),
    Reason.NOT_WHOLE: ("have a value of {column} that is no whole number", "Amounts are in minor units (fen, cents)."),
    Reason.BELOW_MINIMUM: (
        "have {column} below the contract's {bound}",
        "A sensor fault or a sign error; mend the source and send the rows again.",
    ),
    Reason.ABOVE_MAXIMUM: (
        "have {column} above the contract's {bound}",
        "The source may use another unit; declare it (unit: W, for example) in the mapping.",
    ),
    Reason.UNKNOWN_WORD: (
        "have a word for {column} that the mapping does not know",
        "Add it to values in the mapping, with what it means.",
    ),
    Reason.MALFORMED: (
        "have a malformed {column}",
        "The contract gives its pattern and length; control characters are refused.",
    ),
    Reason.UNREADABLE_TIME: (
        "have a value of {column} that cannot be read as a time",
        "ISO 8601 is read as it is; for anything else set format in the mapping.",
    ),
    Reason.NO_SUCH_LOCAL_TIME: (
        "have a value of {column} that clocks skipped in the source's zone",
        "Check source_zone, or have the source send UTC.",
    ),
    Reason.AMBIGUOUS_LOCAL_TIME: (
        "have a value of {column} that clocks showed twice in the source's zone",
        "Have the source send UTC or the offset with each stamp.",
    ),
    Reason.UNREADABLE_DATE: (
        "have a value of {column} that is no date",
        "Write dates as 2026-05-04, or set format in the mapping.",
    ),
    Reason.TOO_EARLY: (
        "have {column} before the contract's {bound}",
        "The device's clock was not set, or the stamp is of another format.",
    ),
    Reason.IN_FUTURE: ("have {column} later than they were received", "Check the device's clock and source_zone."),
    Reason.RECORDED_IN_FUTURE: (
        "would be known only after they were received",
        "The declared lag or recorded column does not fit rows as new as these.",
    ),
    Reason.RECORDED_BEFORE_EVENT: ("were recorded before they happened", "Check the recorded column and its zone."),
    Reason.INVALID_OBLIGOR: (
        "have a value of {column} that is no unified social credit code",
        "18 characters with a valid check digit (GB 32100).",
    ),
    Reason.OTHER_OBLIGOR: (
        "are about another obligor than the one named",
        "Ingest them without --obligor, or under theirs.",
    ),
    Reason.NO_OBLIGOR: ("name a machine without its obligor", "Name the obligor, or write machines as USCC/id."),
    Reason.DAY_OVERFULL: ("have elements longer than their local day ({bound})", "Check their unit and the site zone."),
    Reason.SUM_DIFFERS: (
        "have a value of {column} that differs from the sum of its parts",
        "The parts must add up to it.",
    ),
    Reason.CONFLICT: (
        "say something else of the same thing than another row of this batch",
        "Send the right one in a batch of its own: a later batch corrects an earlier one.",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantinedRow:
    """One fault of one row. `value` is as the source wrote it; `row_number` 1 is the first after the header."""

    row_number: int
    column: str
    value: str | None
    reason: Reason

    @property
    def hint(self) -> str:
        """The way out, in words."""
        return _WORDS[self.reason][1]


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingCount:
    """How many rows have one fault in one column, the first of them, and the bound they broke."""

    column: str
    reason: Reason
    rows: int
    first: QuarantinedRow
    bound: str

    def message(self, rows_read: int) -> str:
        """`3 of 1,440 rows have power_kw above the contract's 2,000 kW (first: row 17, 7,420). Hint: ...`."""
        phrase, hint = _WORDS[self.reason]
        said = phrase.format(column=self.column, bound=self.bound)
        value = "" if self.first.value is None else f", {_grouped(self.first.value)}"
        return f"{self.rows:,} of {rows_read:,} rows {said} (first: row {self.first.row_number:,}{value}). Hint: {hint}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    column: str
    reason: Reason
    bound: str
    rows: NDArray[np.int64]
    values: Sequence[str | None]


class Faults:
    """Faults found so far in `rows` rows, kept by position; `mask` is true where a row has at least one."""

    def __init__(self, rows: int) -> None:
        self.mask: NDArray[np.bool_] = np.zeros(rows, dtype=np.bool_)
        self._parts: list[_Part] = []

    def add(
        self,
        column: str,
        reason: Reason,
        at: NDArray[np.bool_],
        values: pa.ChunkedArray | pa.Array | None,
        *,
        bound: str = "",
    ) -> None:
        """Note a fault of `column` wherever `at` is true (one entry per row); `values` is what the source wrote."""
        if at.any():
            self.add_rows(column, reason, np.flatnonzero(at).astype(np.int64), values, bound=bound)

    def add_rows(
        self,
        column: str,
        reason: Reason,
        rows: NDArray[np.int64],
        values: pa.ChunkedArray | pa.Array | None,
        *,
        bound: str = "",
    ) -> None:
        """The same by positions; `values` is still one entry per row of the source."""
        if len(rows):
            texts = [None] * len(rows) if values is None else _texts(values, rows)
            self._parts.append(_Part(column=column, reason=reason, bound=bound, rows=rows, values=texts))
            self.mask[rows] = True

    def mask_of(self, *columns: str) -> NDArray[np.bool_]:
        """Where one of `columns` already has a fault, so that one mistake is not told twice."""
        mask = np.zeros(len(self.mask), dtype=np.bool_)
        for part in self._parts:
            if part.column in columns:
                mask[part.rows] = True
        return mask

    def quarantined(self, row_numbers: NDArray[np.int64]) -> list[QuarantinedRow]:
        """Every fault by row number, then in the order found."""
        found = [
            QuarantinedRow(row_number=int(number), column=part.column, value=value, reason=part.reason)
            for part in self._parts
            for number, value in zip(row_numbers[part.rows], part.values, strict=True)
        ]
        return sorted(found, key=lambda row: row.row_number)

    def bounds(self) -> dict[tuple[str, Reason], str]:
        """The bound that each column and reason broke, in words."""
        return {(part.column, part.reason): part.bound for part in self._parts}


def count_findings(rows: Iterable[QuarantinedRow], bounds: dict[tuple[str, Reason], str]) -> tuple[FindingCount, ...]:
    """Faults counted by column and reason, the most frequent first; `rows` come in the order of their numbers."""
    groups: dict[tuple[str, Reason], list[QuarantinedRow]] = {}
    for row in rows:
        groups.setdefault((row.column, row.reason), []).append(row)
    counts = (
        FindingCount(
            column=column, reason=reason, rows=len(group), first=group[0], bound=bounds.get((column, reason), "")
        )
        for (column, reason), group in groups.items()
    )
    return tuple(sorted(counts, key=lambda count: (-count.rows, count.column, count.reason)))


def _texts(values: pa.ChunkedArray | pa.Array, rows: NDArray[np.int64]) -> list[str | None]:
    chosen = values.take(pa.array(rows))
    if pa.types.is_dictionary(chosen.type):
        chosen = chosen.cast(chosen.type.value_type)
    texts = chosen.to_pylist() if pa.types.is_string(chosen.type) else pc.cast(chosen, pa.string()).to_pylist()
    return [None if text is None else _printable(text[:VALUE_LENGTH]) for text in texts]


def _printable(text: str) -> str:
    return text if text.isprintable() else "".join(mark if mark.isprintable() else "�" for mark in text)


def _grouped(text: str) -> str:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return repr(text)
    return f"{number:,}" if number.is_finite() else text
