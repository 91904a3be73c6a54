"""What snapshots must know of all obligors at an instant, whomever they are about: read once for a whole book."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from data_contracts.contract import RecordKind
from data_contracts.identifiers import ObligorId

if TYPE_CHECKING:
    from data_contracts.observations.reader import ObservationReader

Found = TypeVar("Found")

_SILENCE_COLUMNS = ("obligor_id", "until_time", "heartbeat", "event_time")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Everybody:
    """As known at `as_of`: the register of machines (as `ObservationReader.machines`), the profile of each obligor by
    its columns, and the silences of all gateways."""

    as_of: datetime
    machines: pa.Table
    profiles: Mapping[str, Mapping[str, Any]]
    silences: pd.DataFrame
    _found: dict[Hashable, Any] = field(init=False, repr=False, default_factory=dict)

    def machines_of(self, obligor_ids: Sequence[ObligorId]) -> pa.Table:
        """The rows of the register that name these obligors (as `ObservationReader.machines` of them)."""
        wanted = pa.array(list(obligor_ids), pa.string())
        return self.machines.filter(pc.is_in(self.machines["obligor_id"], value_set=wanted))

    def once(self, key: Hashable, compute: Callable[[], Found]) -> Found:
        """What the snapshots of several blocks need of everybody, computed for the first of them."""
        if key not in self._found:
            self._found[key] = compute()
        found: Found = self._found[key]
        return found

    @property
    def listened(self) -> int:
        """How many obligors have machines that are listened to."""
        return len(self.machines["obligor_id"].unique())


def load_everybody(reader: ObservationReader, *, as_of: datetime) -> Everybody:
    """What the reader tells of everybody."""
    return Everybody(
        as_of=as_of,
        machines=reader.machines(as_of=as_of),
        profiles={row["obligor_id"]: row for row in reader.obligor_profiles(as_of=as_of).to_pylist()},
        silences=reader.rows(RecordKind.GATEWAY_SILENCE, as_of=as_of, columns=_SILENCE_COLUMNS).to_pandas(),
    )
