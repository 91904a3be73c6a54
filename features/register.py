"""What obligors and machines own by the register of ownership, whether it was ever heard of or not."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from features.daily import OwnedTime, owned_time
from features.history import DailyHistory, Level
from features.machine_day.ownership import ownership_of


def registered_time(register: pa.Table, history: DailyHistory, days: int) -> OwnedTime:
    """Seconds in ownership, and machines owned, of each unit of `history` on each of its last `days` days.

    `register` is in the layout of `ObservationReader.machines`, with every owner of each machine: a later one ends an
    earlier. A machine that telemetry spoke of and no row names counts on every day. Days are those of the unit's zone.
    """
    owned = ownership_of(register)
    if history.level is Level.OBLIGOR:
        by_name = {name: number for number, name in enumerate(history.units)}
        unit = [by_name.get(owner, -1) for owner in owned.obligor_ids]
    else:
        places = zip(history.units, history.obligor_ids, strict=True)
        by_pair = {place: number for number, place in enumerate(places)}
        unit = [by_pair.get(place, -1) for place in zip(owned.machine_uids, owned.obligor_ids, strict=True)]
    return owned_time(
        unit=np.array(unit, dtype=np.int64),
        first_column=np.zeros(len(owned), dtype=np.int64),
        starts=owned.starts,
        ends=owned.ends,
        zones=[history.zones[number] if number >= 0 else "UTC" for number in unit],
        last_days=np.append(history.last_days.astype(np.int64), 0),
        shape=(len(history.units), days),
    )
