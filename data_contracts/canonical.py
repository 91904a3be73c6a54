"""A mapping applied: a raw table becomes rows under the contract's columns; what cannot be read is a fault."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_contracts.adapters.source import RawTable
from data_contracts.contract import Column, Contract, Identifier, RecordKind, SetBy
from data_contracts.errors import ContractViolated, InvalidIdentifier
from data_contracts.findings import Faults, Reason
from data_contracts.identifiers import ObligorId, obligor_id
from data_contracts.mapping import MACHINE, STATE, ColumnSource, Lag, Mapping, RecordedColumn, split_state
from data_contracts.reference import units
from data_contracts.reference.calendars import day_starts
from data_contracts.stamps import INSTANT, parse_instants
from data_contracts.values import (
    Parsed,
    encoded,
    parse_dates,
    parse_integers,
    parse_numbers,
    parse_text,
    parse_words,
    plain,
    validity,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Canonical:
    """Rows under the contract's columns (all but batch_id), as many as the raw table has, and their faults so far.

    Text columns are dictionary-encoded; a value that could not be read is null.
    """

    table: pa.Table
    faults: Faults


def canonicalise(
    raw: RawTable, mapping: Mapping, contract: Contract, *, obligor: ObligorId | None, received_time: datetime
) -> Canonical:
    """Apply `mapping` to every row of `raw`.

    `obligor` is the one for whom the source came in; rows about another are a fault. Raises ContractViolated when a
    column's type cannot give what it is mapped to, or when machines are named without any obligor.
    """
    reader = _Reader(raw, mapping, contract, obligor, received_time)
    return Canonical(table=reader.table(), faults=reader.faults)


class _Reader:
    """One pass over the contract's columns; later columns may rest on earlier ones."""

    def __init__(
        self,
        raw: RawTable,
        mapping: Mapping,
        contract: Contract,
        obligor: ObligorId | None,
        received_time: datetime,
    ) -> None:
        self.raw, self.mapping, self.contract = raw, mapping, contract
        self.obligor, self.received_time = obligor, received_time
        self.rows = int(raw.table.num_rows)
        self.faults = Faults(self.rows)
        self.done: dict[str, pa.Array] = {}

    def table(self) -> pa.Table:
        """All columns of the contract but batch_id, in its order."""
        columns = [column for column in self.contract.columns if column.name != "batch_id"]
        # Machines of a ledger are named under the row's obligor, so obligors are read first.
        for column in sorted(columns, key=lambda column: column.identifier is not Identifier.USCC):
            if column.name not in self.done:
                self._read(column)
        return pa.table({column.name: self.done[column.name] for column in columns})

    def _read(self, column: Column) -> None:
        if column.name == "profile_id":
            self.done[column.name] = self._constant(self.mapping.profile().profile_id)
        elif column.set_by is SetBy.RECORDED_TIME_RULE:
            self.done[column.name] = self._recorded_time()
        elif self.contract.kind is RecordKind.MACHINE_DAY_REPORT and column.name == "event_time":
            self.done[column.name] = self._day_starts()
        elif column.identifier is Identifier.MACHINE_UID:
            self.done[column.name] = self._machines()
        elif column.identifier is Identifier.USCC:
            self.done[column.name] = self._obligors(column.name)
        elif column.name in {"item_state", "operation_mode"} and STATE in self.raw.targets:
            self.done.update(self._states())
        else:
            self.done[column.name] = self._value(column)

    def _source(self, target: str) -> pa.Array | None:
        source = self.raw.targets.get(target)
        return None if source is None else plain(self.raw.table[source.column])

    def _text(self, target: str) -> pa.Array | None:
        """The same where it is to be text: left encoded."""
        source = self.raw.targets.get(target)
        return None if source is None else encoded(self.raw.table[source.column])

    def _note(self, target: str, raw: pa.Array, parsed: Parsed) -> pa.Array:
        for reason, at in parsed.faults:
            self.faults.add(target, reason, at, raw)
        return parsed.values

    def _constant(self, text: str) -> pa.DictionaryArray:
        codes = np.zeros(self.rows, dtype=np.int32)
        return pa.DictionaryArray.from_arrays(pa.array(codes), pa.array([text], pa.string()))

    def _value(self, column: Column) -> pa.Array:
        raw = self._text(column.name) if pa.types.is_string(column.type) else self._source(column.name)
        if raw is None:
            missing = pa.nulls(self.rows, column.type)
            return missing.dictionary_encode() if pa.types.is_string(column.type) else missing
        try:
            return self._note(column.name, raw, self._parse(column, raw, self.raw.targets[column.name]))
        except ContractViolated as error:
            source = self.raw.targets[column.name].column
            raise ContractViolated(f"Column {source!r}: {error.message}", hint=error.hint) from error

    def _parse(self, column: Column, raw: pa.Array, source: ColumnSource) -> Parsed:
        if pa.types.is_null(raw.type):
            raw = raw.cast(pa.string())
        if pa.types.is_timestamp(column.type):
            return parse_instants(raw, zone=self.mapping.source_zone, form=source.format)
        if pa.types.is_date(column.type):
            return parse_dates(raw, form=source.format)
        if pa.types.is_integer(column.type):
            return parse_integers(raw)
        if pa.types.is_floating(column.type):
            stored = column.unit or "1"
            factor = units.conversion(source=source.unit or stored, stored=stored)
            return parse_numbers(raw, decimal_point=self.mapping.csv.decimal_point, conversion=factor)
        return parse_text(raw) if source.values is None else parse_words(raw, source.values)

    def _states(self) -> dict[str, pa.Array]:
        raw = self._text(STATE)
        words = self.raw.targets[STATE].values
        assert raw is not None, "a mapping's state names its column"
        assert words is not None, "a mapping's state names its words"
        pairs = self._note(STATE, raw, parse_words(raw, words))
        split = [split_state(word) for word in pairs.dictionary.to_pylist()]
        states = pa.array([state.value for state, _ in split], pa.string())
        modes = pa.array([mode.value for _, mode in split], pa.string())
        return {
            "item_state": states.take(pairs.indices).dictionary_encode(),
            "operation_mode": modes.take(pairs.indices).dictionary_encode(),
        }

    def _obligors(self, target: str) -> pa.Array:
        raw = self._text(target)
        if raw is None:
            if self.obligor is None:
                raise ContractViolated(
                    f"{self.raw.source.name} does not say whose rows these are.",
                    hint="Name the obligor, or map a column to obligor_id.",
                )
            return self._constant(self.obligor)
        text = parse_text(raw).values
        valid = _through(text, _valid_obligor)
        self.faults.add(target, Reason.INVALID_OBLIGOR, validity(text) & ~validity(valid), raw)
        if self.obligor is not None:
            other = _through(valid, lambda code: code if code == self.obligor else None)
            self.faults.add(target, Reason.OTHER_OBLIGOR, validity(valid) & ~validity(other), raw)
            return other
        return valid

    def _machines(self) -> pa.Array:
        """`<USCC>/<id>`: kept where a canonical source says so, otherwise made of the obligor and the source's id."""
        target = MACHINE if MACHINE in self.raw.targets else "machine_uid"
        raw = self._text(target)
        assert raw is not None, "resolve_columns demands a machine"
        source = self.raw.targets[target]
        named = parse_words(raw, source.values) if source.values is not None else parse_text(raw)
        ids = self._note(target, raw, named)
        whole = _through(ids, lambda text: text if target != MACHINE and _is_machine_uid(text) else None)
        if validity(whole).all():
            return whole
        owner = self.done.get("obligor_id", None if self.obligor is None else self._constant(self.obligor))
        if owner is None and target == MACHINE:
            raise ContractViolated(
                f"{self.raw.source.name} names machines by the source's own ids, without their obligor.",
                hint="Name the obligor whose machines these are.",
            )
        if owner is None:
            self.faults.add(target, Reason.NO_OBLIGOR, validity(ids) & ~validity(whole), raw)
            return whole
        joined = pc.binary_join_element_wise(plain(owner), plain(ids), "/")
        return pc.coalesce(plain(whole), joined).dictionary_encode()

    def _day_starts(self) -> pa.Array:
        """The instant at which each report's local day begins; null where the day is."""
        if "day" not in self.done:
            self.done["day"] = self._value(self.contract.column("day"))
        days = self.done["day"]
        numbers = pc.fill_null(days.cast(pa.int32()), 0).to_numpy(zero_copy_only=False)
        starts = day_starts(numbers, self.mapping.site_zone)
        return pa.array(starts, mask=~validity(days)).cast(INSTANT)

    def _recorded_time(self) -> pa.Array:
        match self.mapping.recorded_time:
            case "now":
                return pa.repeat(pa.scalar(self.received_time, INSTANT), self.rows)
            case "event_time":
                return self.done["event_time"]
            case Lag(lag_seconds=lag):
                microseconds = round(lag * 1_000_000)
                shifted = pc.add(self.done["event_time"].cast(pa.int64()), microseconds)
                return shifted.cast(INSTANT)
            case RecordedColumn():
                return self._value(self.contract.column("recorded_time"))


def _through(texts: pa.DictionaryArray, meaning: Callable[[str], str | None]) -> pa.DictionaryArray:
    """Each distinct text through `meaning`; null where that is None."""
    words = texts.dictionary.to_pylist()
    meanings = [None if word is None else meaning(word) for word in words]
    if meanings == words:
        return texts
    return pa.array(meanings, pa.string()).take(texts.indices).dictionary_encode()


@lru_cache(maxsize=65_536)
def _valid_obligor(text: str) -> str | None:
    try:
        return obligor_id(text)
    except InvalidIdentifier:
        return None


def _is_machine_uid(text: str) -> bool:
    owner, slash, name = text.partition("/")
    return bool(slash and name.strip()) and _valid_obligor(owner) == owner
