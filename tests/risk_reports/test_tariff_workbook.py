"""A tariff's workbook: every band with its relativity, names that stay names, the same bytes twice."""

from __future__ import annotations

import zipfile
from datetime import date
from io import BytesIO

from risk_reports.tariff_workbook import tariff_text, tariff_workbook
from scoring.insurance.linear import Banding, Factor, LinearPredictor
from scoring.insurance.tariff import distilled

TARIFF = distilled(
    LinearPredictor(
        intercept=0.0,
        factors=(
            Factor(banding=Banding(key="=cmd()", kind="number", edges=(2000.0,)), coefficients=(0.0, 0.5, 0.1)),
            Factor(banding=Banding(key="kind", kind="category", levels=("mill", "+press")), coefficients=(0.0, -0.2, 0.0)),
        ),
    ),
    product="equipment_ubi", filing_number="F-1", effective=date(2026, 1, 1), bounds=(0.5, 2.0), model_version="m",
)  # fmt: skip


def test_every_band_is_told_and_nothing_is_a_formula() -> None:
    content = tariff_workbook(TARIFF)
    with zipfile.ZipFile(BytesIO(content)) as parts:
        texts = parts.read("xl/sharedStrings.xml").decode()
        sheets = [parts.read(name).decode() for name in parts.namelist() if name.startswith("xl/worksheets/sheet")]
    for expected in ("=cmd()", "below 2000", "2000 and above", "missing", "+press", "F-1", TARIFF.version):
        assert expected in texts
    assert not any("<f>" in sheet for sheet in sheets)
    assert any("1.6487" in sheet for sheet in sheets)
    assert tariff_workbook(TARIFF) == content


def test_the_cover_in_a_terminal() -> None:
    told = tariff_text(TARIFF)
    assert "F-1" in told
    assert "0.8187 to 1.0000" in told
