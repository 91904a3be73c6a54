"""The catalogue of features, as the command line and machines read it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from features.catalogue import CATALOGUE, catalogue_version
from features.declaration import FeatureDefinition
from features.settings import FeatureSettings

_SIGNS = {-1: "-", 0: "0", 1: "+"}


def catalogue_answer(settings: FeatureSettings) -> dict[str, Any]:
    """Every feature with all that its definition says, and the coverage that it needs by `settings`."""
    return {
        "catalogue_version": catalogue_version(),
        "features": [_plain(item, settings) for item in CATALOGUE.values()],
    }


def catalogue_text(answer: Mapping[str, Any]) -> str:
    """A line a feature: key, unit, signs for credit and insurance, label; families as headings."""
    lines: list[str] = []
    family = None
    for item in answer["features"]:
        if item["family"] != family:
            family = item["family"]
            lines.append(f"{family}  (credit sign, insurance sign)")
        signs = f"{_SIGNS[item['credit_risk']]} {_SIGNS[item['insurance_risk']]}"
        lines.append(f"  {item['key']:42} {item['unit']:8} {signs}  {item['label_en']}")
    return "\n".join(lines)


def _plain(item: FeatureDefinition, settings: FeatureSettings) -> dict[str, Any]:
    return {
        "key": item.key,
        "name": item.name,
        "family": item.family,
        "unit": item.unit,
        "window_days": item.window_days,
        "credit_risk": item.credit_risk,
        "credit_reason": item.credit_reason,
        "insurance_risk": item.insurance_risk,
        "insurance_reason": item.insurance_reason,
        "actionable": item.actionable,
        "label_zh": item.label_zh,
        "label_en": item.label_en,
        "formula": item.formula,
        "description": item.description,
        "iso_22400": item.iso_22400,
        "levels": [level.value for level in item.levels],
        "across_machines": item.across.value if item.across else None,
        "rests_on_ledgers": item.rests_on_ledgers,
        "needs_peers": item.needs_peers,
        "minimum_coverage": settings.minimum_coverage.get(item.name, 0.0),
    }
