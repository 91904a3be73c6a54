"""The ledgers of some obligors as of an instant: each read once, whoever takes which part of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from data_contracts.contract import RecordKind
from data_contracts.identifiers import ObligorId
from features.machine_day.arrow import rows_where

if TYPE_CHECKING:
    from data_contracts.observations.remembered import Observations


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """What somebody takes of a ledger: columns, beside whose row it is and its `event_time`, of rows from so many days
    before the instant on (None: however old)."""

    kind: RecordKind
    columns: tuple[str, ...]
    days: int | None

    @property
    def names(self) -> list[str]:
        """All its columns."""
        return list(dict.fromkeys(("obligor_id", "event_time", *self.columns)))

    def begins(self, as_of: datetime) -> datetime | None:
        """The first event time that it takes."""
        return None if self.days is None else as_of - timedelta(days=self.days)

    def joined(self, other: Take) -> Take:
        """What holds both."""
        days = None if self.days is None or other.days is None else max(self.days, other.days)
        return replace(self, columns=tuple(dict.fromkeys((*self.columns, *other.columns))), days=days)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LedgerReading:
    """Rows of the ledgers of some obligors that stood at `as_of`, by kind, as far as `read` says."""

    as_of: datetime
    read: Mapping[RecordKind, Take]
    tables: Mapping[RecordKind, pa.Table]

    def take(self, take: Take) -> pa.Table:
        """A part of what was read: what `Observations.rows` would answer."""
        whole = self.read[take.kind]
        assert whole.joined(take) == whole, f"{take.kind} was not read as far as that"
        rows, begins = self.tables[take.kind].select(take.names), take.begins(self.as_of)
        if begins is None or take.days == whole.days:
            return rows
        first = pa.scalar(begins.astimezone(UTC), rows.schema.field("event_time").type)
        return rows.filter(pc.greater_equal(rows["event_time"], first))

    def of(self, obligor_ids: Sequence[ObligorId]) -> LedgerReading:
        """What it says of some of them."""
        wanted = pa.array(list(obligor_ids), pa.string())
        tables = {
            kind: rows_where(rows, pc.is_in(rows["obligor_id"], value_set=wanted)) for kind, rows in self.tables.items()
        }
        return replace(self, tables=tables)


def read_ledgers(
    reader: Observations, *, as_of: datetime, obligor_ids: Sequence[ObligorId] | None, takes: Iterable[Take]
) -> LedgerReading:
    """Read of each ledger all that `takes` take of it, for these obligors (all, if None)."""
    read: dict[RecordKind, Take] = {}
    for take in takes:
        read[take.kind] = read[take.kind].joined(take) if take.kind in read else take
    tables = {
        kind: reader.rows(kind, as_of=as_of, obligor_ids=obligor_ids, event_from=take.begins(as_of), columns=take.names)
        for kind, take in read.items()
    }
    return LedgerReading(as_of=as_of, read=read, tables=tables)
