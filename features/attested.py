"""How much of what the machines of an obligor told of late bears which level of attestation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from data_contracts.evidence.levels import AttestationLevel
from data_contracts.identifiers import BatchId, MachineUid, ObligorId
from features.machine_day.arrow import day_numbers, encoded
from features.trust import ATTESTED_DAYS

if TYPE_CHECKING:
    from data_contracts.observations.reader import ObservationReader

LEVELS = tuple(AttestationLevel)
_PERIODS = 1 << 32
"""More than there are days or months: a machine and one of them have room in one number."""


def attested_shares(
    reader: ObservationReader, machine_days: pa.Table, machines: pa.Table, *, as_of: datetime
) -> dict[ObligorId, Mapping[AttestationLevel, float]]:
    """For each obligor the share of its machine-days that bears each level, as `DataTrust.attested` says it.

    `machine_days` are those of the obligors while they owned the machines (machine_uid, obligor_id, day); `machines`
    says until when they did. A machine counts from its first day within the last `ATTESTED_DAYS`, or from their first,
    to `as_of`, and one that was sold to its last day: a machine that fell silent counts on.
    """
    today = as_of.astimezone(UTC).date()
    first_day = today - timedelta(days=ATTESTED_DAYS)
    recent = machine_days.filter(pc.greater_equal(machine_days["day"], pa.scalar(first_day, pa.date32())))
    if not recent.num_rows:
        return {}
    uids, machine = encoded(recent["machine_uid"])
    owners, owner = encoded(recent["obligor_id"])
    days = pd.DataFrame({"machine": machine, "obligor": owner, "day": day_numbers(recent["day"])})
    told_of = [MachineUid(uid) for uid in sorted(uids)]
    periods = reader.attested_periods(as_of=as_of, machine_uids=told_of, first_day=first_day).to_pandas()
    levels = _levels(days, periods.assign(machine=pd.Index(uids).get_indexer(periods["machine_uid"])))
    of_machine, of_owner = ({word: code for code, word in enumerate(words)} for words in (uids, owners))
    sold = {(of_machine.get(uid, -1), of_owner.get(obligor, -1)) for uid, obligor in _sold(machines, as_of)}
    counted = _days_that_count(days, sold, last=int((np.datetime64(today, "D")).astype(np.int64)))
    found: dict[ObligorId, Mapping[AttestationLevel, float]] = {}
    told = days.assign(level=levels).dropna(subset="level").groupby(["obligor", "level"]).size()
    for (number, level), count in told.items():
        name = ObligorId(owners[number])
        found[name] = {**found.get(name, {}), LEVELS[int(level)]: min(float(count) / counted[number], 1.0)}
    return found


def _levels(days: pd.DataFrame, periods: pd.DataFrame) -> pd.Series:
    """The level of each machine-day, NaN where nothing was told of it: of what was told of the day or of its month the
    least."""
    months = days["day"].to_numpy().astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    keys = {False: days["day"].to_numpy(), True: months}
    ranks = []
    for is_month, key in keys.items():
        own = periods[periods["is_month"] == is_month]
        said = pd.Series(own["level"].to_numpy(), index=own["machine"].to_numpy() * _PERIODS + own["period"].to_numpy())
        ranks.append(said.reindex(days["machine"].to_numpy() * _PERIODS + key).to_numpy(dtype=np.float64))
    return pd.Series(np.fmin(*ranks), index=days.index)


def _sold(machines: pa.Table, as_of: datetime) -> set[tuple[str, str]]:
    """(machine, owner) of every ownership that had ended by `as_of`, and did not begin again."""
    rows = machines.select(["machine_uid", "obligor_id", "owned_until"]).to_pylist()
    ended: set[tuple[str, str]] = set()
    owned: set[tuple[str, str]] = set()
    for row in rows:
        has_ended = row["owned_until"] is not None and row["owned_until"] <= as_of
        (ended if has_ended else owned).add((row["machine_uid"], row["obligor_id"]))
    return ended - owned


def _days_that_count(days: pd.DataFrame, sold: set[tuple[int, int]], *, last: int) -> Mapping[int, int]:
    """How many machine-days of each obligor there are, told of or not."""
    spans = days.groupby(["obligor", "machine"])["day"].agg(["min", "max"]).reset_index()
    ends = [
        span.max_day if (span.machine, span.obligor) in sold else max(last, span.max_day)
        for span in spans.rename(columns={"min": "min_day", "max": "max_day"}).itertuples(index=False)
    ]
    spans["days"] = np.array(ends, dtype=np.int64) - spans["min"].to_numpy() + 1
    return {int(owner): int(count) for owner, count in spans.groupby("obligor")["days"].sum().items()}


def levels_of_batches(
    reader: ObservationReader, batches: Mapping[ObligorId, Sequence[BatchId]], *, as_of: datetime
) -> dict[ObligorId, dict[BatchId, AttestationLevel]]:
    """The level of each batch that an obligor's snapshot rests on, as was known at `as_of`."""
    names = sorted({name for some in batches.values() for name in some})
    known = reader.levels(names, as_of=as_of)
    return {owner: {name: known[name] for name in some} for owner, some in batches.items()}
