"""Worlds for the benchmark: every firm commits one of the frauds, or none does, in the strength asked for."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from benchmarks.trust.mislabels import SWITCHED, Habit, mislabelled
from data_contracts.contract import RecordKind, load_contract
from data_contracts.mapping import load_mapping
from features.data_trust.told import Told, told_of
from features.declaration import HISTORY_DAYS
from features.machine_day.arrow import day_numbers
from features.machine_day.days import local_days
from features.machine_day.reports import REPORT_COLUMNS, report_days
from simulator import chronicle
from simulator.block import Block, Laws, build_block
from simulator.firms.obligors import BLOCK_FIRMS
from simulator.frauds.plan import Code
from simulator.summary import STATEMENT
from simulator.telling import Sampling
from simulator.world import VERSION, make_laws, true_pd
from simulator.write import WorldFolder

ZONE = "Asia/Shanghai"
MONTHS = 36
OBLIGORS = 64
EXAMINED = tuple(datetime.fromisoformat(f"{day}T00:00:00+08:00") for day in ("2025-07-01", "2026-07-01"))
"""A lender looks twice: after two years of the world, and at its end."""
COPYING = (Code.REPLAYED_TELEMETRY, Code.MOVED_GATEWAY)
FIRMS_TOGETHER = 16
"""Firms of a block: the simulator's time for frauds grows with the square of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustWorld:
    """What was told of a world by each of `EXAMINED`, and who told what falsely (columns obligor_id, machine_uid, fraud,
    from_day, to_day)."""

    told: tuple[Told, ...]
    labels: pd.DataFrame


def build(*, seed: int, codes: Sequence[Code] = (), strength: float = 1.0, obligors: int = OBLIGORS) -> TrustWorld:
    """A world in which every firm that can commits one of `codes` (in turns), `strength` times as strongly as moderate.

    Without codes everybody is honest. What is told is admitted as it stands: the daily reports and ledgers that were
    recorded by the world's end.
    """
    with simulated(seed=seed, codes=codes, strength=strength, obligors=obligors) as folder:
        return told_in(folder)


@contextmanager
def simulated(
    *, seed: int, codes: Sequence[Code] = (), strength: float = 1.0, obligors: int = OBLIGORS
) -> Iterator[Path]:
    """The folder of such a world, forgotten afterwards."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "world"
        simulate_into(laws_of(seed, strength), codes, obligors, folder)
        yield folder


def told_in(folder: Path, *, habit: Habit = SWITCHED, seed: int = 0) -> TrustWorld:
    """What is told of a world by firms whose operators have this habit, but for those whose fraud is to copy days: a copy
    would have to bear the modes of what it copies."""
    labels = _labels(folder)
    copies = labels.loc[labels["fraud"].isin(COPYING), "obligor_id"].unique()
    reports = ds.dataset(folder / "machine_day_report").to_table()
    owned = _rows(folder, RecordKind.MACHINE_OWNERSHIP)
    theirs = owned.filter(pc.is_in(owned["obligor_id"], pa.array(copies, pa.string())))["machine_uid"]
    is_copied = pc.is_in(reports["machine_uid"], theirs.combine_chunks())
    honest = mislabelled(reports.filter(pc.invert(is_copied)), habit, seed=seed)
    reports = pa.concat_tables([honest, reports.filter(is_copied)])
    return TrustWorld(told=tuple(_told(folder, reports, as_of) for as_of in EXAMINED), labels=labels)


def laws_of(seed: int, strength: float) -> Laws:
    """The laws of a world in which every firm that can commits a fraud, so many times as strongly as moderate."""
    laws = make_laws(MONTHS, seed)
    frauds = replace(
        laws.parameters.frauds,
        prevalence=1.0,
        strengths={code: scaled(numbers, strength) for code, numbers in laws.parameters.frauds.strengths.items()},
    )
    return replace(laws, parameters=replace(laws.parameters, frauds=frauds))


def scaled(numbers: Mapping[str, float], strength: float) -> dict[str, float]:
    """A fraud's parameters that many times as strong: its first number, which is the one its label bears.

    Days stay whole and at least one; shares stay under 0.9. At strength 0 a fraud is moderate and copies without jitter.
    """
    if strength == 0.0:  # the same, without the jitter that hides it
        return {name: 0.0 if name.endswith("_jitter") else value for name, value in numbers.items()}
    first, value = next(iter(numbers.items()))
    times = value * strength
    if first.endswith("_days"):
        times = max(round(times), 1)
    if first == "rolled_back_share":
        times = min(times, 0.9)
    return {**numbers, first: times}


def simulate_into(laws: Laws, codes: Sequence[Code], obligors: int, root: Path) -> Sequence[Block]:
    """Write the world into a folder; its blocks of firms."""
    about = {"version": VERSION, "statement": STATEMENT}
    with WorldFolder(root, laws.calendar.zone, about=about) as folder, ThreadPoolExecutor(1) as pool:
        together = min(FIRMS_TOGETHER, BLOCK_FIRMS)
        sizes = [min(together, obligors - first) for first in range(0, obligors, together)]
        blocks = list(pool.map(lambda number: build_block(number, sizes[number], laws), range(len(sizes))))
        sampling = Sampling(wanted=0, first_day=laws.calendar.day_count, frauds=tuple(codes))
        course = chronicle.chronicle(
            blocks, laws, pd_at=true_pd(laws), sampling=sampling, folder=folder, pool=pool, progress=_quiet
        )
        chronicle.books(course, laws, frauds=tuple(codes), folder=folder, progress=_quiet)
    return blocks


def _quiet(step: str, done: int, total: int) -> None:
    """Nobody watches."""


def _told(root: Path, reports: pa.Table, as_of: datetime) -> Told:
    owned = _ledger(root, as_of, RecordKind.MACHINE_OWNERSHIP).rename_columns({"event_time": "owned_from"})
    machines = _latest(owned, ["machine_uid", "owned_from"])
    profile = load_mapping("canonical_machine_day_report").profile()
    reports = reports.filter(pc.less_equal(reports["recorded_time"], pa.scalar(as_of, reports["recorded_time"].type)))
    day = day_numbers(reports["day"])
    midnight = local_days(ZONE, int(day.min()), int(day.max())).starts(day)
    reports = reports.append_column("event_time", pa.array(midnight).cast(pa.timestamp("us", tz="UTC")))
    reports = reports.append_column("profile_id", pa.array([profile.profile_id] * len(reports)))
    unsaid = [name for name in REPORT_COLUMNS if name not in reports.column_names]
    schema = load_contract(RecordKind.MACHINE_DAY_REPORT).schema
    for name in unsaid:
        reports = reports.append_column(name, pa.nulls(len(reports), schema.field(name).type))
    found = report_days(
        reports.select(REPORT_COLUMNS), profiles={profile.profile_id: profile}, machines=machines, as_of=as_of
    )
    return told_of(
        found,
        bills=_ledger(root, as_of, RecordKind.ENERGY_BILL),
        deliveries=_ledger(root, as_of, RecordKind.DELIVERY),
        invoices=_ledger(root, as_of, RecordKind.INVOICE),
        inspections=_ledger(root, as_of, RecordKind.SITE_INSPECTION),
        obligor_ids=tuple(_ledger(root, as_of, RecordKind.OBLIGOR_PROFILE)["obligor_id"].unique().sort().to_pylist()),
        as_of=as_of,
        days=HISTORY_DAYS,
    )


def _ledger(root: Path, as_of: datetime, kind: RecordKind) -> pa.Table:
    """The rows of a ledger that were known then."""
    rows = _rows(root, kind)
    return rows.filter(pc.less_equal(rows["recorded_time"], pa.scalar(as_of, rows["recorded_time"].type)))


def _rows(root: Path, kind: RecordKind) -> pa.Table:
    """The rows of a ledger, as its contract types them."""
    contract = load_contract(kind)
    types = {name: contract.schema.field(name).type for name in contract.names}
    options = pa_csv.ConvertOptions(column_types=types, strings_can_be_null=True, quoted_strings_can_be_null=False)
    files = sorted(root.glob(f"{kind}.csv")) + sorted(root.glob(f"{kind}_[0-9].csv"))
    return pa.concat_tables([pa_csv.read_csv(file, convert_options=options) for file in files])


def _latest(rows: pa.Table, identity: Sequence[str]) -> pa.Table:
    frame = rows.to_pandas(types_mapper=pd.ArrowDtype).sort_values("recorded_time", kind="stable")
    kept = frame.drop_duplicates(list(identity), keep="last").index.to_numpy()
    return rows.take(pa.array(sorted(kept)))


def _labels(root: Path) -> pd.DataFrame:
    path = root / "truth" / "fraud.parquet"
    if not path.exists():
        return pd.DataFrame(columns=["obligor_id", "machine_uid", "fraud", "from_day", "to_day", "strength"])
    return pq.read_table(path).to_pandas()
