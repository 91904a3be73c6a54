"""Why nothing was observed, held against the world's own truth: which cause each hour of a gap has, and which it is given.

`python -m benchmarks.trust.gaps` prints the table alone; `benchmarks.data_trust` has it among its figures.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import sqlalchemy as sa
from numpy.typing import NDArray

from benchmarks.trust.worlds import laws_of, simulate_into
from data_contracts.admission import admit
from data_contracts.contract import RecordKind
from data_contracts.identifiers import ObligorId
from data_contracts.mapping import load_mapping
from data_contracts.observations.reader import ObservationReader
from data_contracts.observations.store import ObservationStore
from data_contracts.observations.tables import metadata
from features.bounds import completions
from features.data_trust.gap_evidence import TAKES, gap_evidence
from features.data_trust.gaps import CAUSES, EXTERNAL, classify_gaps
from features.data_trust.settings import gap_rules_at
from features.declaration import HISTORY_DAYS, RECENT_DAYS
from features.everybody import load_everybody
from features.feature_history import feature_history
from features.ledger_reading import read_ledgers
from features.ledgers import load_ledgers
from features.loading import ZONE_MARGIN, load_machine_days
from features.register import registered_time
from features.settings import shipped_parameters
from simulator.block import Block, Laws
from simulator.frauds.plan import Code
from simulator.gateway.outages import draw_outages
from simulator.told.arrival import connect, known_days
from simulator.world import PARAMETERS_AS_OF
from simulator.world_calendar import QUARTER_SECONDS

OBLIGORS, MONTHS_AGO = 64, (0, 6)
"""Firms of a world, and when a lender looks: at the world's end, and half a year before."""
DAY_SECONDS = 86_400.0
TRUTHS = ("not_connected", "wound_down", "machine_gone", "arrives_late", "hidden_by_the_firm", "gateway_outage")
OTHER = "other"
"""What the truths do not explain: machines that the register has and the world does not run."""
NEEDED = (
    RecordKind.OBLIGOR_PROFILE,
    RecordKind.MACHINE_OWNERSHIP,
    RecordKind.MACHINE_SALE,
    RecordKind.GATEWAY_SILENCE,
    RecordKind.POWER_NOTICE,
    RecordKind.ENERGY_BILL,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Gaps:
    """Unobserved seconds and the position in `CAUSES` of what they were put down to, (obligor, day) in the world's order
    of firms; `days` are the world's, known up to `as_of_day`."""

    unobserved: Floats
    cause: NDArray[np.int8]
    days: Ints
    as_of_day: int

    def of(self, firms: slice) -> Gaps:
        """Those of some firms."""
        return replace(self, unobserved=self.unobserved[firms], cause=self.cause[firms], days=self.days[firms])


def confusion(seed: int, *, obligors: int = OBLIGORS) -> pd.DataFrame:
    """Machine hours by true cause (rows) and cause given (columns), of a world in which every firm hides days before
    inspections, over the year before each look."""
    laws = laws_of(seed, 1.0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "world"
        blocks = simulate_into(laws, (Code.OFFLINE_BEFORE_INSPECTION,), obligors, folder)
        labels = pq.read_table(folder / "truth" / "fraud.parquet").to_pandas()
        with _book(folder, Path(name)) as reader:
            seen = [_gaps(reader, blocks, laws, months_ago=months) for months in MONTHS_AGO]
    table = pd.DataFrame(0.0, index=[*TRUTHS, OTHER], columns=list(CAUSES))
    for gaps in seen:
        ends = np.cumsum([len(block.firms) for block in blocks]).tolist()
        own = [gaps.of(slice(end - len(block.firms), end)) for block, end in zip(blocks, ends, strict=True)]
        parts = [_truth(block, laws, labels, one) for block, one in zip(blocks, own, strict=True)]
        truth = np.concatenate(parts, axis=1)
        for number, cause in enumerate(CAUSES):
            given = gaps.cause == number
            explained = truth[:, given].sum(axis=1)
            table.loc[list(TRUTHS), cause] += explained / 3600.0
            table.loc[OTHER, cause] += (gaps.unobserved[given].sum() - explained.sum()) / 3600.0
    return table


def figures(tables: Sequence[pd.DataFrame]) -> dict[str, Any]:
    """Of each true cause the machine hours, the shares of the causes given, and the share that is excused."""
    table = sum(tables[1:], tables[0])
    external = [cause for cause in CAUSES if cause in EXTERNAL]
    found = {}
    for truth, row in table.iterrows():
        hours = float(row.sum())
        if abs(hours) >= 1.0:
            shares = {cause.value: float(row.get(cause, 0.0) / hours) for cause in CAUSES}
            excused = sum(shares[cause] for cause in external)
            found[str(truth)] = {"machine_hours": hours, "given": shares, "excused": excused}
    return found


@contextmanager
def _book(folder: Path, beside: Path) -> Iterator[ObservationReader]:
    """The reports of a world, and of its ledgers those that speak of gaps, admitted as a lender would."""
    engine = sa.create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.connect() as connection:
        store = ObservationStore(beside / "observations")
        received = datetime.fromisoformat("2026-12-01T00:00:00+00:00")
        for kind in (*NEEDED, RecordKind.MACHINE_DAY_REPORT):
            for path in sorted(
                [*folder.glob(f"{kind}.csv"), *folder.glob(f"{kind}_[0-9].csv"), *folder.glob(f"{kind}/*")]
            ):
                admit(connection, store, path, load_mapping(f"canonical_{kind}"), obligor=None, received_time=received)
        yield ObservationReader(connection, store)
    engine.dispose()


def _gaps(reader: ObservationReader, blocks: Sequence[Block], laws: Laws, *, months_ago: int) -> Gaps:
    """What a snapshot of every firm would make of its gaps, so many months before the world's end."""
    end = pd.Timestamp(laws.calendar.date_of(np.array(laws.calendar.day_count)), tz=laws.calendar.zone)
    as_of = (end - pd.DateOffset(months=months_ago)).to_pydatetime()
    owners = [ObligorId(name) for block in blocks for name in block.firms.obligor_ids]
    everybody = load_everybody(reader, as_of=as_of)
    first = as_of.date() - timedelta(days=HISTORY_DAYS) - ZONE_MARGIN
    days, _ = load_machine_days(reader, as_of=as_of, obligor_ids=owners, first_day=first)
    ledgers = load_ledgers(reader, as_of=as_of, machine_uids=days.machine_uids, obligor_ids=owners)
    history = feature_history(days, ledgers, as_of=as_of, obligor_ids=owners)
    possible = completions(history, registered_time(everybody.machines, history, RECENT_DAYS))
    told = read_ledgers(reader, as_of=as_of, obligor_ids=owners, takes=TAKES)
    evidence = gap_evidence(told, possible, everybody, days)
    cause = classify_gaps(evidence, gap_rules_at(shipped_parameters(), PARAMETERS_AS_OF))
    back = np.arange(RECENT_DAYS - 1, -1, -1)
    return Gaps(
        unobserved=possible.unobserved,
        cause=cause,
        days=laws.calendar.index_of(history.last_days)[:, None] - back,
        as_of_day=int(laws.calendar.index_of(np.array(as_of.date(), dtype="datetime64[D]"))),
    )


def _truth(block: Block, laws: Laws, labels: pd.DataFrame, gaps: Gaps) -> Floats:
    """(truth, firm, day): unobserved machine seconds by why nothing was observed, the first reason that holds."""
    machines, firm, days = block.machines, block.machines.firm, gaps.days
    day = days[firm]
    owned = (machines.first_day[:, None] <= day) & (day < machines.owned_until[:, None])
    left = owned & (machines.last_day > 0)[:, None]

    def on_days(values: NDArray[Any]) -> NDArray[Any]:
        """(machine, day): of a firm's values by day of the world."""
        return np.take_along_axis(values, days, axis=1)[firm]

    reasons: Mapping[str, NDArray[np.bool_]] = {
        "not_connected": (days < connect(block, laws).first_day[:, None])[firm],
        "wound_down": (days >= block.lives.last_day[:, None])[firm],
        "machine_gone": day >= machines.last_day[:, None],
        "arrives_late": on_days(_known(block, laws)) > gaps.as_of_day,
        "hidden_by_the_firm": on_days(_hidden(block, laws, labels)),
    }
    seconds = np.zeros((len(TRUTHS), *days.shape))
    for place, name in enumerate(TRUTHS[:-1]):
        np.add.at(seconds[place], firm, np.where(left & reasons[name], DAY_SECONDS, 0.0))
        left = left & ~reasons[name]
    np.add.at(seconds[-1], firm, np.where(left, on_days(_outage_quarters(block, laws)) * QUARTER_SECONDS, 0.0))
    return seconds


def _known(block: Block, laws: Laws) -> Ints:
    parts = [
        known_days(block.number, len(block.firms), month, observation=laws.parameters.observation, streams=laws.streams)
        for month in laws.calendar.months
    ]
    return np.concatenate(parts, axis=1)


def _hidden(block: Block, laws: Laws, labels: pd.DataFrame) -> NDArray[np.bool_]:
    """(firm, day): the firm has cut its gateways off."""
    hidden = np.zeros((len(block.firms), laws.calendar.day_count), dtype=np.bool_)
    place = {name: number for number, name in enumerate(block.firms.obligor_ids)}
    for row in labels[labels["obligor_id"].isin(place)].itertuples():
        first, last = laws.calendar.index_of(np.array([row.from_day, row.to_day], dtype="datetime64[D]"))
        hidden[place[row.obligor_id], first : last + 1] = True
    return hidden


def _outage_quarters(block: Block, laws: Laws) -> Ints:
    """(firm, day): quarter-hours in which the gateway itself failed."""
    until = np.zeros(len(block.firms), dtype=np.int64)
    parts = []
    for month in laws.calendar.months:
        outages = draw_outages(
            block.number, month, silent_until=until, gateway=laws.parameters.gateway, streams=laws.streams
        )
        until = outages.silent_until
        parts.append(outages.quarters)
    return np.concatenate(parts, axis=1)


if __name__ == "__main__":
    print(json.dumps(figures([confusion(int(seed)) for seed in sys.argv[1:] or ["101"]]), indent=1))
