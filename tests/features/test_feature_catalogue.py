"""The catalogue says everything that matrices, constraints, reasons and pages ask of it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from features import catalogue, documentation
from features.catalogue import CATALOGUE, FEATURES
from features.declaration import FeatureDefinition
from features.trade import QUANTITIES

LEADING = {
    "power_on_rate": (-1, +1),
    "operating_rate": (-1, +1),
    "utilisation": (-1, +1),
    "active_day_share": (-1, +1),
    "executing_hours_per_day": (-1, +1),
    "coverage": (-1, -1),
    "operating_rate_slope": (-1, 0),
    "operating_rate_volatility": (+1, 0),
    "failure_rate": (+1, +1),
    "fault_time_share": (+1, +1),
    "kwh_per_executing_hour": (0, 0),
    "idle_energy_share": (+1, 0),
    "load_factor": (-1, 0),
}


@pytest.mark.parametrize("definition", CATALOGUE.values(), ids=list(CATALOGUE))
def test_a_definition_is_complete(definition: FeatureDefinition) -> None:
    base = definition.name.removesuffix(f"_{definition.across.value}") if definition.across else definition.name
    ending = f"_{definition.across.value}" if definition.across else ""
    assert definition.key == f"{base}_{definition.window_days}d{ending}"
    assert re.fullmatch(r"[a-z0-9_]+", definition.key)
    assert definition.window_days in (7, 30, 90, 180, 365)
    for text in ("unit", "credit_reason", "insurance_reason", "formula", "description", "iso_22400", "label_en"):
        assert getattr(definition, text).strip(), text
    assert re.search(r"[\u4e00-\u9fff]", definition.label_zh)
    assert "conforms" not in definition.iso_22400


def test_at_least_fourteen_features_each_under_one_name() -> None:
    names = [declared.name for declared in FEATURES]
    assert len(set(names)) == len(names) >= 14
    assert len(CATALOGUE) == sum(len(declared.definitions) for declared in FEATURES)


@pytest.mark.parametrize(("name", "signs"), LEADING.items())
def test_signs(name: str, signs: tuple[int, int]) -> None:
    found = {(item.credit_risk, item.insurance_risk) for item in CATALOGUE.values() if item.name == name}
    assert found == {signs}


def test_the_version_changes_with_what_a_definition_says(monkeypatch: pytest.MonkeyPatch) -> None:
    before = catalogue.catalogue_version()
    changed = dict(CATALOGUE)
    changed["coverage_7d"] = replace(changed["coverage_7d"], credit_risk=0)
    monkeypatch.setattr(catalogue, "CATALOGUE", changed)
    catalogue.catalogue_version.cache_clear()
    after = catalogue.catalogue_version()
    catalogue.catalogue_version.cache_clear()
    assert after != before
    assert re.fullmatch(r"[0-9a-f]{64}", after)


def test_the_page_is_what_the_catalogue_says() -> None:
    written = documentation.PAGE.read_text(encoding="utf-8")
    assert written == documentation.page(), "run make docs"
    for name in (*(declared.name for declared in FEATURES), *QUANTITIES):
        assert f"`{name}`" in written
