"""Artefacts of older releases load, score and explain as they did then."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data_contracts.identifiers import ModelVersion
from scoring import registry
from scoring.boosters import mean_of_members
from scoring.credit.artefact import CreditArtefact
from scoring.credit.calibration import PdScale

RELEASED = Path(__file__).parent / "released"
FORMATS = {
    1: "a66e7991d0c999db7b2dd34a27b62971fae7c8837578da2e1a6781ec89fa1a11",
    5: "3b620b2f2f61bde7d6e3471695040da72002a9b22f74d272c40b62321b1155d4",
}
"""The version of one released artefact of each format of the credit card."""


def released(version: str) -> tuple[CreditArtefact, dict[str, Any]]:
    """The artefact, and what was said with it when it was released."""
    artefact = registry.load_artefact(RELEASED, "credit", ModelVersion(version))
    assert isinstance(artefact, CreditArtefact)
    return artefact, json.loads((RELEASED / "credit" / version / "scored.json").read_bytes())


@pytest.mark.parametrize(("written", "version"), FORMATS.items())
def test_it_scores_and_explains_the_same(written: int, version: str) -> None:
    artefact, told = released(version)
    assert artefact.card.format == written
    assert artefact.version == told["model_version"] == version
    assert [feature.key for feature in artefact.card.features] == told["features"]
    rows = np.array(told["rows"], dtype=float)
    margins = mean_of_members(list(artefact.bag.margins(rows)))
    assert margins.tolist() == told["margins"]  # the trees say the same to the bit
    scale = PdScale(
        calibrator=artefact.card.calibrator.calibrator(),
        reference_rate=artefact.card.reference_rate,
        central_tendency=None,
        floor=0.0,
    )
    assert [scale.pd_12m(margin) for margin in margins] == told["pd"]
    explained = artefact.explain_portfolio(rows)
    assert np.abs(explained.contributions - np.array(told["contributions"])).max() < 1e-6  # then in single precision
    assert explained.base[0] == pytest.approx(told["base"], abs=1e-6)


def test_format_1_had_no_reference_group() -> None:
    artefact, told = released(FORMATS[1])
    assert artefact.reference is None
    assert artefact.cloud is None  # K06 does not bite
    rows = np.array(told["rows"], dtype=float)
    assert np.array_equal(artefact.explain(rows).contributions, artefact.explain_portfolio(rows).contributions)


def test_format_5_knew_where_its_rows_lay_but_no_industries() -> None:
    artefact, told = released(FORMATS[5])
    assert artefact.cloud is not None
    assert artefact.cloud.divisions is None
    for row, is_familiar in zip(np.array(told["rows"], dtype=float), told["familiar"], strict=True):
        for division in (None, "C34", "C99"):  # K06 bites as it did then
            assert artefact.cloud.judge(row, division=division).is_familiar is is_familiar


@pytest.mark.parametrize("version", FORMATS.values())
def test_an_old_card_keeps_its_bytes_when_saved_again(version: str, tmp_path: Path) -> None:
    artefact, _ = released(version)
    registry.save_artefact(tmp_path, artefact)
    again = registry.load_artefact(tmp_path, "credit", artefact.version)
    assert again.card_bytes == artefact.card_bytes
