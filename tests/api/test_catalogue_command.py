"""`millgrade catalogue`: every feature, for people and for machines."""

from __future__ import annotations

import json
import sys

import pytest

from api import cli
from features.catalogue import CATALOGUE, catalogue_version


def printed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str:
    monkeypatch.setattr(sys, "argv", ["millgrade", "catalogue", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 0
    return capsys.readouterr().out


def test_json_lists_every_feature(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    answer = json.loads(printed(capsys, monkeypatch, "--json"))
    assert answer["catalogue_version"] == catalogue_version()
    assert [item["key"] for item in answer["features"]] == list(CATALOGUE)
    assert len({item["name"] for item in answer["features"] if item["across_machines"] is None}) >= 80
    assert len({item["family"] for item in answer["features"]}) == 9
    yoy = next(item for item in answer["features"] if item["key"] == "operating_rate_yoy_90d")
    assert (yoy["credit_risk"], yoy["levels"], yoy["minimum_coverage"]) == (-1, ["obligor"], 0.5)


def test_text_has_a_line_for_every_feature(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    text = printed(capsys, monkeypatch)
    assert all(f"  {key} " in text for key in CATALOGUE)
