"""Worlds whose gateways' files went through the door of real data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
from door import admitted_with_reader

from data_contracts.admission import AdmissionResult
from data_contracts.contract import RecordKind
from features.as_of import load_machine_days
from features.trust import TrustFinding
from simulator import SampleRequest, simulate
from simulator.block import Laws, build_block
from simulator.told.arrival import connect
from simulator.told.makers.catalogue import MAKERS
from simulator.told.makers.files import maker_of
from simulator.world import make_laws

END = datetime(2026, 6, 30, 16, tzinfo=UTC)
OBLIGORS, MONTHS, SEED = 14, 3, 5
FROM, TO = date(2026, 4, 20), date(2026, 6, 20)
SECONDS = [f"{name}_seconds" for name in ("off", "fault", "maintenance", "setup", "executing", "idle")]
ENERGIES = ["energy_kwh", "energy_executing_kwh", "energy_idle_kwh", "energy_other_kwh"]


@dataclass(frozen=True)
class GatewayWorld:
    """Machine-days rolled up from the files beside the reports of the same days, row by row, and what was found."""

    folder: Path
    laws: Laws
    results: dict[str, AdmissionResult]
    days: pd.DataFrame
    reports: pd.DataFrame
    makers: pd.Series
    findings: list[TrustFinding]


def gateway_world(home: Path, *, observation: bool) -> GatewayWorld:
    """The files of all firms that are connected, over two months; only these and what they need are admitted."""
    laws = make_laws(MONTHS, SEED, observation=observation)
    block = build_block(0, OBLIGORS, laws)
    connected = connect(block, laws).first_day < int(laws.calendar.index_of(pd.array([FROM]).to_numpy("M8[D]"))[0])
    firms = [firm for firm, is_connected in zip(block.firms.obligor_ids, connected, strict=True) if is_connected]
    requests = [SampleRequest(obligor=firm, from_date=FROM, to_date=TO) for firm in firms]
    folder = home / "world"
    simulate(
        obligors=OBLIGORS,
        months=MONTHS,
        seed=SEED,
        samples_for=0,
        samples=requests,
        observation=observation,
        out=folder,
    )
    kinds = (RecordKind.MACHINE_OWNERSHIP, RecordKind.MACHINE_DAY_REPORT, RecordKind.SAMPLE)
    results, reader = admitted_with_reader(folder, home, received_time=END, kinds=kinds)
    rolled, findings = load_machine_days(reader, as_of=END, obligor_ids=firms)
    days = rolled.table.to_pandas().set_index(["machine_uid", "day"]).sort_index()
    days = days[days["source"] == "samples"]
    reports = reports_of(folder).set_index(["machine_uid", "day"]).loc[days.index]
    makers = maker_of(block, laws)
    named = {uid: MAKERS[maker].name for uid, maker in zip(block.machines.uids, makers, strict=True)}
    column = pd.Series([named[uid] for uid, _ in days.index], index=days.index)
    return GatewayWorld(folder, laws, results, days, reports, column, list(findings))


def reports_of(folder: Path) -> pd.DataFrame:
    """All daily reports of a world."""
    files: Sequence[Path] = sorted((folder / "machine_day_report").iterdir())
    return pd.concat([pq.read_table(file).to_pandas() for file in files])
