"""Checks follow from the contract: change a bound there and another row is turned away."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from front_door import NOW, OBLIGOR, Door, sample_mapping

from data_contracts.adapters.read import read_source
from data_contracts.adapters.source import open_source
from data_contracts.canonical import canonicalise
from data_contracts.checks import check
from data_contracts.contract import Contract, RecordKind, load_contract
from data_contracts.findings import Reason

SAMPLE = load_contract(RecordKind.SAMPLE)
LINES = "m,t,state,kw,parts\nm1,2026-05-04 08:00,2,10,2\n"


def with_column(name: str, **changes: Any) -> Contract:
    columns = tuple(replace(column, **changes) if column.name == name else column for column in SAMPLE.columns)
    return replace(SAMPLE, columns=columns)


CASES: list[tuple[str, dict[str, Any], Reason | None]] = [
    # column          what the contract says      what becomes of m1, Executing, 10 kW, 2 parts
    ("power_kw",      {},                         None),
    ("power_kw",      {"minimum": 10.0},          None),
    ("power_kw",      {"minimum": 10.5},          Reason.BELOW_MINIMUM),
    ("power_kw",      {"maximum": 10.0},          None),
    ("power_kw",      {"maximum": 9.5},           Reason.ABOVE_MAXIMUM),
    ("machine_uid",   {"max_length": 21},         None),
    ("machine_uid",   {"max_length": 20},         Reason.MALFORMED),
    ("machine_uid",   {"min_length": 21},         None),
    ("machine_uid",   {"min_length": 22},         Reason.MALFORMED),
    ("machine_uid",   {"pattern": "/m[0-9]$"},    None),
    ("machine_uid",   {"pattern": "/k[0-9]$"},    Reason.MALFORMED),
    ("item_state",    {"allowed": ("Unknown",)},  Reason.UNKNOWN_WORD),
    ("part_count",    {"required": True},         Reason.MISSING),
    ("part_delta",    {"required": True},         None),
]  # fmt: skip


@pytest.mark.parametrize(("column", "changes", "reason"), CASES)
def test_the_contract_decides(door: Door, column: str, changes: dict[str, Any], reason: Reason | None) -> None:
    contract, mapping = with_column(column, **changes), sample_mapping()
    raw = read_source(open_source(door.file(LINES)), mapping)
    canonical = canonicalise(raw, mapping, contract, obligor=OBLIGOR, received_time=NOW)
    check(canonical, raw, mapping, contract, received_time=NOW)
    found = [(row.column, row.reason) for row in canonical.faults.quarantined(raw.row_numbers)]
    assert found == ([] if reason is None else [(column, reason)])
