"""Mappings: what they must say, how they fail, and the profile that remains when column names are taken away."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from front_door import SAMPLES

from data_contracts.contract import RecordKind
from data_contracts.errors import InvalidMapping, UnknownMapping
from data_contracts.mapping import load_mapping, parse_mapping, parse_profile, shipped_mappings
from data_contracts.vocabulary import DataOrigin, Silence


@pytest.mark.parametrize("name", shipped_mappings())
def test_shipped_mappings_load_under_their_own_name(name: str) -> None:
    assert load_mapping(name).name == name


def test_every_kind_has_a_canonical_mapping() -> None:
    assert {f"canonical_{kind}" for kind in RecordKind} <= set(shipped_mappings())
    for kind in RecordKind:
        mapping = load_mapping(f"canonical_{kind}")
        assert (mapping.kind, mapping.columns, mapping.recorded_rule) == (kind, "canonical", "column")


def test_a_mapping_can_lie_anywhere(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(json.dumps(SAMPLES), encoding="utf-8")
    assert load_mapping(str(path)).name == "gateway"


def test_an_unknown_mapping_names_those_that_are_near() -> None:
    with pytest.raises(UnknownMapping, match="Did you mean unipi_sme"):
        load_mapping("unipi-sme")
    with pytest.raises(UnknownMapping, match="Shipped: canonical_balance_sheet"):
        load_mapping("zzz")


def columns(**changes: Any) -> dict[str, Any]:
    return {"columns": {**SAMPLES["columns"], **changes}}  # type: ignore[dict-item]


INVALID: list[tuple[str, dict[str, Any], str]] = [
    # what is wrong               changed keys                                                        words of the message
    ("a key too many",            {"colour": "red"},                                                  "colour: Extra inputs"),
    ("no hold",                   {"hold_seconds": None},                                             "needs hold_seconds"),
    ("a hold of nothing",         {"hold_seconds": 0},                                                "hold_seconds: Input should be greater than 0"),
    ("no silence",                {"silence": None},                                                  "needs silence"),
    ("another silence",           {"silence": "golden"},                                              "silence: Input should be"),
    ("no such zone",              {"site_zone": "Asia/Peking"},                                       "'Asia/Peking' is no IANA time zone"),
    ("no such kind",              {"kind": "gossip"},                                                 "kind: Input should be"),
    ("a unit for a name",         columns(machine={"column": "m", "unit": "s"}),                      "columns.machine bears no unit"),
    ("no text encoding",          {"csv": {"encoding": "hex"}},                                       "'hex' is no text encoding"),
    ("no such encoding",          {"csv": {"encoding": "utf-9"}},                                     "'utf-9' is no text encoding"),
    ("unknown unit",              columns(power_kw={"column": "kw", "unit": "hp"}),                   "Known for kW: kW, W, MW, mW"),
    ("a unit where none belongs", columns(event_time={"column": "t", "unit": "s"}),                  "bears no unit"),
    ("unknown target",            columns(speed={"column": "v"}),                                     "speed are not of the contract of sample; it has"),
    ("no machine",                {"columns": {"event_time": {"column": "t"}}},                       "must also name machine_uid"),
    ("state without words",       columns(state={"column": "s"}),                                     "columns.state needs values"),
    ("no such state",             columns(state={"column": "s", "values": {"1": "Running"}}),         "'Running' is no State/Mode"),
    ("no such mode",              columns(state={"column": "s", "values": {"1": "Executing/Fast"}}),  "'Executing/Fast' is no State/Mode"),
    ("state said twice",          columns(item_state={"column": "s"}),                                "name either it or them"),
    ("words for a number",        columns(part_delta={"column": "p", "values": {"a": "b"}}),          "values are for text columns"),
    ("no such word",              {"columns": {"machine": {"column": "m"}, "event_time": {"column": "t"},
                                   "item_state": {"column": "s", "values": {"1": "Asleep"}}}},        "knows no Asleep"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "changes", "words"), INVALID, ids=[case[0] for case in INVALID])
def test_a_mapping_that_does_not_say_what_it_must(what: str, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidMapping) as caught:
        parse_mapping(json.dumps({**SAMPLES, **changes}), source="bad")
    assert words in str(caught.value), what
    assert str(caught.value).startswith("Mapping bad: ")


@pytest.mark.parametrize(
    ("text", "words"),
    [("columns: [", "is no YAML"), ("- a list", "must be a YAML object"), ("name: x", "kind: Field required")],
)
def test_a_text_that_is_no_mapping(text: str, words: str) -> None:
    with pytest.raises(InvalidMapping, match=words):
        parse_mapping(text, source="bad")


def test_a_mapping_that_is_no_utf8(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_bytes("name: 铣床".encode("gbk"))
    with pytest.raises(InvalidMapping, match=r"bad\.yaml is no UTF-8 text"):
        load_mapping(str(path))


def test_bare_yaml_words() -> None:
    text = json.dumps({**SAMPLES, "silence": "S"}).replace('"S"', "off")
    assert parse_mapping(text, source="test").silence is Silence.OFF
    numbers = parse_mapping(json.dumps(SAMPLES).replace('"1":', "1:").replace('"2":', "2.0:"), source="test")
    assert set(numbers.columns["state"].values) == {"1", "2.0", "3", "0"}  # type: ignore[index, arg-type]
    with pytest.raises(InvalidMapping, match="ambiguous in YAML; put it in quotes"):
        parse_mapping(json.dumps(SAMPLES).replace('"1":', "yes:"), source="test")


def test_the_profile_does_not_know_column_names(mapping_with: Callable[..., Any]) -> None:
    named = json.loads(json.dumps(SAMPLES["columns"]).replace('"column": "kw"', '"column": "power"'))
    assert mapping_with(columns=named, name="other").profile() == mapping_with().profile()


PROFILE_CHANGES: list[dict[str, Any]] = [
    {"hold_seconds": 300},
    {"silence": "unknown"},
    {"source_zone": "UTC"},
    {"site_zone": "Europe/Rome"},
    {"site_zone_assumed": True},
    {"part_count_modulus": 10000},
    {"energy_register_modulus": 1000},
    {"data_origin": "synthetic"},
    {"recorded_time": "now"},
    {"recorded_time": {"lag_seconds": 60}},
    {"recorded_time": {"column": "r"}},
    columns(power_kw={"column": "kw", "unit": "W"}),
    columns(state={"column": "state", "values": {"1": "Executing"}}),
]


def test_all_else_changes_the_profile(mapping_with: Callable[..., Any]) -> None:
    ids = {mapping_with(**changes).profile().profile_id for changes in [{}, *PROFILE_CHANGES]}
    assert len(ids) == len(PROFILE_CHANGES) + 1


@pytest.mark.parametrize("changes", [{}, *PROFILE_CHANGES])
def test_a_profile_is_read_back_from_its_canonical_text(
    mapping_with: Callable[..., Any], changes: dict[str, Any]
) -> None:
    profile = mapping_with(**changes).profile()
    again = parse_profile(profile.canonical())
    assert (again, again.profile_id) == (profile, profile.profile_id)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": 2}'])
def test_a_stored_text_that_is_no_profile(text: str) -> None:
    with pytest.raises(InvalidMapping, match="stored source profile"):
        parse_profile(text)


def test_the_real_source(mapping_with: Callable[..., Any]) -> None:
    profile = load_mapping("unipi_sme").profile()
    assert (profile.hold_seconds, profile.silence, profile.coverage_basis) == (600, Silence.OFF, "silence_means_off")
    assert (profile.site_zone, profile.site_zone_assumed, profile.data_origin) == ("Europe/Rome", True, DataOrigin.REAL)
    assert profile.recorded_time == "event_time+0.0"
    assert mapping_with(silence="unknown").profile().coverage_basis == "observed"


def test_moduli_are_kept_in_stored_units(mapping_with: Callable[..., Any]) -> None:
    register = columns(energy_register_kwh={"column": "wh", "unit": "Wh"})
    assert mapping_with(energy_register_modulus=1_000_000, **register).profile().energy_register_modulus_kwh == 1000
