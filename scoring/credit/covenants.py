"""Promises that machines can check while a facility runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from features.catalogue import CATALOGUE
from features.snapshot import FeatureSnapshot
from scoring.credit.collateral import secures
from scoring.money import RATE_STEP, exact, rounded
from scoring.records import Covenant, CreditProduct

AT_LEAST, AT_MOST = "at_least", "at_most"


def covenants(snapshot: FeatureSnapshot, product: CreditProduct, values: Mapping[str, Any]) -> tuple[Covenant, ...]:
    """The covenants of parameter `covenants` for a product, with the values observed now.

    A threshold is a number, or a share of what is observed now; a relative one is left out where nothing is observed.
    Those `of_machines` are asked for only where machines secure the product.
    """
    found = (
        _covenant(name, terms, snapshot)
        for name, terms in sorted(values["covenants"].items())
        if secures(product, values) or not terms["of_machines"]
    )
    return tuple(covenant for covenant in found if covenant is not None)


def _covenant(name: str, terms: Mapping[str, Any], snapshot: FeatureSnapshot) -> Covenant | None:
    feature = str(terms["feature"])
    known = snapshot.values.get(feature)
    observed = None if known is None else known.value
    threshold = terms.get("threshold")
    if threshold is None:
        if observed is None:
            return None
        threshold = float(rounded(exact(terms["share_of_observed"]) * exact(observed), step=RATE_STEP))
    return Covenant(
        name=name,
        feature=feature,
        comparison=AT_LEAST if terms["at_least"] else AT_MOST,
        threshold=float(threshold),
        observed=observed,
        unit=CATALOGUE[feature].unit,
    )


def is_kept(covenant: Covenant, value: float | None) -> bool | None:
    """Whether a later value keeps the promise; None where it is not known."""
    if value is None:
        return None
    return value >= covenant.threshold if covenant.comparison == AT_LEAST else value <= covenant.threshold
