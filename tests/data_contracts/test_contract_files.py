"""The ODCS files are what the standard's own schema accepts, and say what the rest of the house relies on."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import jsonschema
import pyarrow as pa
import pytest
import yaml

from data_contracts.contract import RecordKind, SumAtMost, load_contract
from data_contracts.errors import NotFound
from data_contracts.reference.units import CONVERSIONS
from data_contracts.vocabulary import ELEMENTS, ItemState, OperationMode, SubjectKind

KINDS = list(RecordKind)


def body(kind: RecordKind) -> Any:
    source = resources.files("data_contracts").joinpath("contracts", f"{kind}.odcs.yaml")
    return yaml.safe_load(source.read_text(encoding="utf-8"))


@pytest.mark.parametrize("kind", KINDS)
def test_the_file_is_valid_odcs(kind: RecordKind) -> None:
    schema = json.loads(resources.files("open_data_contract_standard").joinpath("schema.json").read_text("utf-8"))
    validator = jsonschema.validators.validator_for(schema)(schema)
    assert [error.message for error in validator.iter_errors(body(kind))] == []


def test_the_schema_does_refuse_a_broken_contract() -> None:
    schema = json.loads(resources.files("open_data_contract_standard").joinpath("schema.json").read_text("utf-8"))
    broken = body(RecordKind.SAMPLE)
    broken["schema"][0]["properties"][0]["logicalType"] = "text"
    assert not jsonschema.validators.validator_for(schema)(schema).is_valid(broken)


@pytest.mark.parametrize("kind", KINDS)
def test_every_file_is_of_version_3_1(kind: RecordKind) -> None:
    assert body(kind)["apiVersion"] == "v3.1.0"


def test_every_contract_file_is_of_a_kind() -> None:
    folder = resources.files("data_contracts").joinpath("contracts")
    assert {file.name for file in folder.iterdir()} == {f"{kind}.odcs.yaml" for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_contracts_hang_together(kind: RecordKind) -> None:
    contract = load_contract(kind)
    names = set(contract.names)
    assert len(names) == len(contract.names)
    assert {"event_time", "recorded_time", "batch_id", contract.unit_column, *contract.identity} <= names
    assert contract.unit_column in contract.identity
    assert contract.identity[: len(contract.identity)] == tuple(
        item["name"]
        for item in sorted(
            (item for item in body(kind)["schema"][0]["properties"] if item.get("primaryKey")),
            key=lambda item: item["primaryKeyPosition"],
        )
    )
    for column in contract.columns:
        assert column.unit is None or column.unit in CONVERSIONS
        assert column.required or column.name not in contract.identity
        if column.name.endswith("_minor"):
            assert (column.type, column.unit) == (pa.int64(), "minor")
            assert "currency" in names
    for check in contract.row_checks:
        assert set(check.columns) <= names


def test_words_are_those_of_the_vocabulary() -> None:
    sample = load_contract(RecordKind.SAMPLE)
    assert sample.column("item_state").allowed == tuple(ItemState)
    assert sample.column("operation_mode").allowed == tuple(OperationMode)
    assert load_contract(RecordKind.OBLIGOR_PROFILE).column("subject_kind").allowed == tuple(SubjectKind)


def test_a_report_has_the_elements_and_their_sum_is_checked() -> None:
    report = load_contract(RecordKind.MACHINE_DAY_REPORT)
    (within_day,) = [check for check in report.row_checks if isinstance(check, SumAtMost)]
    assert within_day.columns == ELEMENTS
    assert all(report.column(name).required and report.column(name).unit == "s" for name in ELEMENTS)


def test_instants_are_utc_microseconds() -> None:
    for kind in KINDS:
        for column in load_contract(kind).columns:
            if pa.types.is_timestamp(column.type):
                assert column.type == pa.timestamp("us", tz="UTC")


def test_an_unknown_column_is_a_named_error() -> None:
    with pytest.raises(NotFound, match=r"no column 'watts'.*power_kw"):
        load_contract(RecordKind.SAMPLE).column("watts")
