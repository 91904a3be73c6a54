"""The actuary's pack shows the intervals of claims that come in clusters where the card knows of any."""

from __future__ import annotations

from typing import Any

import pytest

from risk_reports.actuary_pack import _Pack
from risk_reports.wording.catalogue import Language, wording

POISSON = {"value": 1.2, "lower": 1.05, "upper": 1.37}
CLUSTERED = {"value": 1.2, "lower": 0.83, "upper": 1.71}


def section(language: Language, *, dispersion: float, **more: Any) -> Any:
    band = {"name": "1", "exposure": 100.0, "claims": 24, "expected": 20.0, "ratio": POISSON, **more}
    pack = _Pack(card={"dispersion": dispersion}, figures={}, words=wording(language))
    return pack.bands("actuary.deciles", [band, band])


@pytest.mark.parametrize("language", list(Language))
def test_claims_in_clusters_have_both_intervals(language: Language) -> None:
    found = section(language, dispersion=0.73, clustered=CLUSTERED)
    assert len(found.paragraphs) == 2
    assert "0.7300" in found.paragraphs[1]
    row = found.table.rows[0]
    assert len(row) == len(found.table.header) == 7
    assert ("1.050" in row[5], "0.830" in row[6]) == (True, True)
    assert found.pictures != section(language, dispersion=0.0, clustered=CLUSTERED).pictures


@pytest.mark.parametrize("more", [{"clustered": POISSON}, {"clustered": None}, {}])
def test_without_clusters_and_on_older_cards_there_is_the_exact_one_alone(more: dict[str, Any]) -> None:
    found = section(Language.EN, dispersion=0.0 if more.get("clustered") else 0.73, **more)
    assert len(found.paragraphs) == 1
    assert len(found.table.rows[0]) == len(found.table.header) == 6
