"""Real machines: the engine raises no severe finding about a manufacturer's three machines or a steel plant's meter."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from sample_tables import OBLIGOR, machines, profile, samples

from data_contracts.contract import RecordKind, load_contract
from data_contracts.profile import SourceProfile
from data_contracts.vocabulary import Silence
from features.data_trust.engine import Examination, examine
from features.data_trust.loading import TAKES
from features.data_trust.settings import trust_settings_at
from features.data_trust.told import told_of
from features.declaration import HISTORY_DAYS
from features.machine_day.roll_up import roll_up
from features.settings import shipped_parameters
from features.trust import CheckState, Severity

pytestmark = pytest.mark.real_data
SETTINGS = trust_settings_at(shipped_parameters(), date(2026, 7, 1))
STATES = {1: ("Executing", "Setup"), 2: ("Executing", "Processing"), 3: ("OutOfService", "None")}


def read(*path: str) -> pd.DataFrame:
    folder = os.environ.get("MILLGRADE_DATA")
    if not folder:
        pytest.skip("MILLGRADE_DATA is not set: the real files are not here")
    return pd.read_csv(Path(folder, *path), encoding="utf-8-sig")


def examined(
    rows: list[dict[str, Any]], source: SourceProfile, as_of: datetime, bills: list[Mapping[str, Any]]
) -> Examination:
    days = roll_up(samples(rows), profiles={source.profile_id: source}, machines=owners(rows), as_of=as_of)
    ledgers = {
        take.kind: pa.Table.from_pylist(
            bills if take.kind is RecordKind.ENERGY_BILL else [],
            schema=pa.schema([load_contract(take.kind).schema.field(name).with_nullable(True) for name in take.names]),
        )
        for take in TAKES
    }
    told = told_of(
        days,
        bills=ledgers[RecordKind.ENERGY_BILL],
        deliveries=ledgers[RecordKind.DELIVERY],
        invoices=ledgers[RecordKind.INVOICE],
        inspections=ledgers[RecordKind.SITE_INSPECTION],
        obligor_ids=(OBLIGOR,),
        as_of=as_of,
        days=HISTORY_DAYS,
    )
    return examine(told, SETTINGS)


def owners(rows: list[dict[str, Any]]) -> pa.Table:
    return machines([(uid, OBLIGOR, None, None) for uid in sorted({row["machine_uid"] for row in rows})])


def row(
    uid: str, at: datetime, state: str, mode: str, kw: float, parts: float | None, source: SourceProfile
) -> dict[str, Any]:
    return {
        "machine_uid": uid,
        "event_time": at,
        "item_state": state,
        "operation_mode": mode,
        "power_kw": kw,
        "energy_register_kwh": None,
        "part_count": None,
        "part_delta": parts,
        "profile_id": source.profile_id,
        "recorded_time": at,
        "batch_id": "b0",
    }


def test_three_machines_of_a_manufacturer() -> None:
    source = profile(hold=600, silence=Silence.OFF, zone="Europe/Rome")
    frame = read("sme_manufacturing_unipi", "company_A_labelled_subset.csv")
    stamps = pd.to_datetime(frame["ts"], utc=True)
    rows = [
        row(f"{OBLIGOR}/{asset}", stamp.to_pydatetime(), *STATES[int(status)], kw, items, source)
        for asset, stamp, status, kw, items in zip(
            frame["asset"], stamps, frame["status"], frame["power_avg"], frame["items"], strict=True
        )
    ]
    seen = examined(rows, source, datetime(2022, 9, 22, tzinfo=UTC), [])
    findings = seen.findings.get(OBLIGOR, ())
    assert [item for item in findings if item.severity is Severity.SEVERE] == []
    assert seen.checks[OBLIGOR]["replayed_days"] is CheckState.AGREES, "there was something to compare"
    assert [item.evidence for item in findings if item.code == "impossible_days"] == []


def test_a_steel_plants_year_against_its_own_bills() -> None:
    """The plant as one machine, executing while its load is not light (assumed), billed for what its meter counted."""
    source = profile(hold=900, silence=Silence.UNKNOWN, zone="Asia/Seoul")
    frame = read("steel_energy", "Steel_industry_data.csv")
    ends = pd.to_datetime(frame["date"], format="%d/%m/%Y %H:%M")
    ends = ends.where(ends.dt.strftime("%H:%M") != "00:00", ends + pd.Timedelta(days=1))
    begins = (ends - pd.Timedelta(minutes=15)).dt.tz_localize("Asia/Seoul")
    rows = [
        row(
            f"{OBLIGOR}/plant",
            begin.tz_convert("UTC").to_pydatetime(),
            "NotExecuting" if load == "Light_Load" else "Executing",
            "None" if load == "Light_Load" else "Processing",
            4.0 * kwh,
            None,
            source,
        )
        for begin, load, kwh in zip(begins, frame["Load_Type"], frame["Usage_kWh"], strict=True)
    ]
    months = frame["Usage_kWh"].groupby(begins.dt.tz_localize(None).dt.to_period("M")).sum()
    bills = [
        {
            "obligor_id": OBLIGOR,
            "event_time": (month + 1).start_time.tz_localize("Asia/Seoul").tz_convert("UTC").to_pydatetime(),
            "energy_kwh": kwh,
        }
        for month, kwh in months.items()
    ]
    seen = examined(rows, source, datetime(2019, 1, 2, tzinfo=UTC), bills)
    findings = seen.findings.get(OBLIGOR, ())
    assert [item for item in findings if item.severity is Severity.SEVERE] == []
    assert seen.checks[OBLIGOR]["energy_above_meter"] is CheckState.AGREES
