"""Reading a past as it is known today: what had happened by an instant, with every row that came later."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from data_contracts.contract import RecordKind, load_contract
from data_contracts.identifiers import BatchId, ObligorId
from data_contracts.observations.reader import ObservationReader
from data_contracts.observations.register import Connection
from data_contracts.observations.store import ObservationStore

NEXT = timedelta(microseconds=1)


class HindsightReader(ObservationReader):
    """Answers "as of a time" with the events up to that time, in the versions known by `known`.

    Kinds of which rows may speak of later days (ownership, policies, notices) are read whole: what they say of later
    days concerns nobody at the earlier time.
    """

    def __init__(self, connection: Connection, store: ObservationStore, *, known: datetime) -> None:
        super().__init__(connection, store)
        self.known = known

    def known_by(self, as_of: datetime) -> datetime:
        """The later of both."""
        return max(as_of, self.known)

    def rows(self, kind: RecordKind, *, as_of: datetime, event_until: datetime | None = None, **asked: Any) -> pa.Table:
        """As `ObservationReader.rows`, of events up to `as_of`."""
        if not load_contract(kind).future_events:
            event_until = min(as_of + NEXT, event_until or as_of + NEXT)
        return super().rows(kind, as_of=self.known_by(as_of), event_until=event_until, **asked)

    def batches_by_obligor(
        self, *, as_of: datetime, obligor_ids: Iterable[ObligorId], machines: pa.Table | None = None
    ) -> dict[ObligorId, tuple[BatchId, ...]]:
        """Every batch known by then about these obligors."""
        return super().batches_by_obligor(as_of=self.known_by(as_of), obligor_ids=obligor_ids, machines=machines)

    def _observed(self, as_of: datetime, owners: Sequence[ObligorId] | None) -> pa.Table:
        return super()._observed(self.known_by(as_of), owners)
