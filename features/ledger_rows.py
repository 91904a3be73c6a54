"""Rows of ledgers as columns of numbers: words are numbers that sort as they do, so that booking is arithmetic."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.machine_day.arrow import micros

Ints = NDArray[np.int64]

NO_WORD = -1
"""Stands for a word that is not there: as a position it is the last, where what holds of nothing stands."""

THINGS: Mapping[str, str] = {
    "obligor_id": "obligor",
    "machine_uid": "machine",
    "collateral_id": "machine",
    "order_id": "order",
    "delivery_id": "delivery",
    "invoice_id": "invoice",
    "corrected_invoice_id": "invoice",
    "supplier_invoice_id": "supplier_invoice",
    "facility_id": "facility",
    "buyer_id": "party",
    "supplier_id": "party",
    "counterparty_id": "party",
    "currency": "currency",
    "status": "status",
    "maintenance_kind": "maintenance_kind",
}
"""Columns of words, and what they name."""

Words = Mapping[str, pa.StringArray]
"""For each thing that words name, every word of it once, sorted: its number is its place."""


class Rows:
    """Some rows of a ledger: columns of one length by name, taken from those of a larger ledger when first asked for.

    Words are numbers (`words` tells of which; `NO_WORD` where there is none), instants UTC microseconds, dates
    datetime64[D].
    """

    __slots__ = ("_chosen", "_columns", "_of", "words")

    def __init__(
        self,
        columns: Mapping[str, NDArray[Any]],
        words: Words,
        *,
        of: Rows | None = None,
        chosen: Ints | None = None,
    ) -> None:
        self._columns, self.words = dict(columns), words
        self._of, self._chosen = of, chosen

    def __len__(self) -> int:
        return len(self._chosen) if self._chosen is not None else len(next(iter(self._columns.values()), ()))

    def __getitem__(self, name: str) -> NDArray[Any]:
        if name not in self._columns and self._of is not None:
            self._columns[name] = self._of[name][self._chosen]
        return self._columns[name]

    def of(self, chosen: NDArray[Any], **columns: NDArray[Any]) -> Rows:
        """The rows at these positions, or that a mask marks; with columns of their own beside."""
        places = np.flatnonzero(chosen) if chosen.dtype == np.bool_ else chosen
        return Rows(columns, self.words, of=self, chosen=places)

    def having(self, **columns: NDArray[Any]) -> Rows:
        """The same rows with further columns, or others."""
        return self.of(np.arange(len(self)), **columns)

    def says(self, name: str, word: str) -> NDArray[np.bool_]:
        """Which rows have this word in a column."""
        place = self.words[THINGS[name]].index(word).as_py()
        return np.asarray((self[name] == place) & (place >= 0))

    def word(self, name: str, number: int) -> str:
        """The word that a number of a column stands for."""
        return str(self.words[THINGS[name]][number].as_py())


def words_of(tables: Iterable[pa.Table]) -> dict[str, pa.StringArray]:
    """Every word of these tables by what it names."""
    found: dict[str, list[pa.Array]] = {thing: [] for thing in THINGS.values()}
    for table in tables:
        for name in THINGS.keys() & set(table.column_names):
            found[THINGS[name]].append(table[name].unique().cast(pa.string()))
    return {thing: _sorted(pa.chunked_array(parts, pa.string())) for thing, parts in found.items()}


def numbered(table: pa.Table, words: Words) -> Rows:
    """The rows of a table, its words as their places among `words`, which know them all."""
    return Rows({name: _column(table[name], name, words) for name in table.column_names}, words)


def _sorted(words: pa.ChunkedArray) -> pa.StringArray:
    distinct = words.unique().drop_null()
    return distinct.take(pc.array_sort_indices(distinct))


def _column(column: pa.ChunkedArray, name: str, words: Words) -> NDArray[Any]:
    if name in THINGS:
        places = pc.index_in(column.cast(pa.string()), value_set=words[THINGS[name]])
        return np.asarray(places.fill_null(NO_WORD).to_numpy(), dtype=np.int64)
    if pa.types.is_timestamp(column.type):
        return micros(column)
    if pa.types.is_date(column.type):
        return np.asarray(column.to_numpy(), dtype="datetime64[D]")
    return np.asarray(column.to_numpy())
