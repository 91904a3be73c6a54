"""A model of default as plain rules that need nothing of ours: JSON that any language walks, SQL that any database
runs.

What leaves the room is the calibrated PD (`pd_model`): central tendency, floor and interval are parameters and policy.

Trees compare in single precision. A value x goes left where float32(x) < t; with the midpoint m of t and the single
below it, that is x < m in double precision, or x <= m where the tie would round down, which is x < the next double. So
the rules compare plain doubles and still go the very same way.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from scoring.cards import ModelFeature, statement_of
from scoring.credit.artefact import CreditArtefact
from scoring.credit.calibration import Calibrator
from scoring.explanation.trees import Forest, Tree, read_forest
from scoring.training.scorecard import BinnedFeature, Scorecard

FORMAT = 1


def rules(artefact: CreditArtefact) -> dict[str, Any]:
    """The model as plain JSON.

    `features`: name, and `most` or `least`, at which a known value is cut (by the sign of its risk). `trees`: nodes
    by position, the root first; a node has a `value`, or sends a row to `below` where its `feature` is less than
    `threshold`, else to `not_below`, and to `missing` where it is not known. The margin is `intercept` and the values
    of the leaves reached, added up; `calibrator` leads from it to the PD: log-odds = intercept + slope_default ln s -
    slope_survival ln(1 - s) with s = 1 / (1 + exp(-margin)), or straight lines between `knots` where there are any.
    """
    card, forest = artefact.card, read_forest(artefact.bag.boosters)
    return {
        "format": FORMAT,
        "model_version": artefact.version,
        "told": "pd_model: the probability of default within 12 months, calibrated",
        "statement": statement_of(card.data_origin),
        "features": [_plain_feature(feature) for feature in card.features],
        "intercept": forest.intercept,
        "trees": [_plain_tree(tree, card.features) for tree in forest.trees],
        "calibrator": card.calibrator.model_dump(mode="json"),
    }


def sql(artefact: CreditArtefact, *, table: str) -> str:
    """The model as one query: every row of `table`, whose columns are the features, with `margin` and `pd_model`.

    Standard SQL with LN and EXP; an unknown value is NULL.
    """
    card, forest = artefact.card, read_forest(artefact.bag.boosters)
    cut = ",\n  ".join(_cut_column(feature) for feature in card.features)
    return (
        f"-- {artefact.version}\n"
        f"WITH cut AS (SELECT *,\n  {cut}\nFROM {quoted(table)}),\n"
        f"scored AS (SELECT *,\n  {_margin(forest, card.features)} AS margin\nFROM cut)\n"
        f"SELECT *,\n  1 / (1 + EXP(-({_calibrated(card.calibrator.calibrator())}))) AS pd_model\nFROM scored\n"
    )


def scorecard_sql(card: Scorecard, names: Sequence[str], *, table: str) -> str:
    """A scorecard as one query: every row of `table`, whose columns are `names`, with `log_odds` and `pd`."""
    terms = [
        f"{slope!r} * {_weight(feature, names[feature.column])}"
        for slope, feature in zip(card.slopes, card.features, strict=True)
    ]
    log_odds = "\n  + ".join([repr(card.intercept), *terms])
    return (
        f"WITH scored AS (SELECT *,\n  {log_odds} AS log_odds\nFROM {quoted(table)})\n"
        "SELECT *, 1 / (1 + EXP(-log_odds)) AS pd FROM scored\n"
    )


def as_double(threshold: float) -> float:
    """The double below which are exactly the doubles whose nearest single is less than `threshold`."""
    single = np.float32(threshold)
    below = np.nextafter(single, np.float32(-np.inf))
    middle = (float(single) + float(below)) / 2
    return middle if np.float32(middle) == single else math.nextafter(middle, math.inf)


def quoted(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def _plain_feature(feature: ModelFeature) -> dict[str, Any]:
    bound = feature.adverse_value
    return {
        "name": feature.key,
        "unit": feature.unit,
        "most": bound if feature.sign > 0 else None,
        "least": None if feature.sign > 0 else bound,
    }


def _plain_tree(tree: Tree, features: Sequence[ModelFeature]) -> list[dict[str, Any]]:
    assert not tree.goes_right, "a credit model has no categories"
    return [
        {"value": tree.value[node]}
        if tree.is_leaf(node)
        else {
            "feature": features[tree.feature[node]].key,
            "threshold": as_double(tree.threshold[node]),
            "below": tree.left[node],
            "not_below": tree.right[node],
            "missing": tree.left[node] if tree.missing_left[node] else tree.right[node],
        }
        for node in range(len(tree.left))
    ]


def _cut_column(feature: ModelFeature) -> str:
    """A feature within the model's reach, under its name with a prefix."""
    name, bound = quoted(feature.key), feature.adverse_value
    if bound is None:
        return f"{name} AS {_inner(feature.key)}"
    beyond = ">" if feature.sign > 0 else "<"
    return f"CASE WHEN {name} {beyond} {_number(bound)} THEN {_number(bound)} ELSE {name} END AS {_inner(feature.key)}"


def _inner(key: str) -> str:
    return quoted(f"cut_{key}")


def _margin(forest: Forest, features: Sequence[ModelFeature]) -> str:
    trees = [_case(tree, 0, features) for tree in forest.trees]
    return "\n  + ".join([_number(forest.intercept), *trees])


def _case(tree: Tree, node: int, features: Sequence[ModelFeature]) -> str:
    if tree.is_leaf(node):
        return _number(tree.value[node])
    name = _inner(features[tree.feature[node]].key)
    left, right = (_case(tree, child, features) for child in (tree.left[node], tree.right[node]))
    test = f"{name} < {_number(as_double(tree.threshold[node]))}"
    if tree.missing_left[node]:
        test = f"{name} IS NULL OR {test}"
    return f"CASE WHEN {test} THEN {left} ELSE {right} END"


def _calibrated(calibrator: Calibrator) -> str:
    if calibrator.knots:
        return _between(calibrator.knots)
    # ln s = -ln(1 + exp(-margin)), ln(1 - s) = -ln(1 + exp(margin))
    default, survival = _number(calibrator.slope_default), _number(calibrator.slope_survival)
    return f"{_number(calibrator.intercept)} - {default} * LN(1 + EXP(-margin)) + {survival} * LN(1 + EXP(margin))"


def _between(knots: Sequence[tuple[float, float]]) -> str:
    """Straight lines between knots, level beyond them."""
    pieces = [f"WHEN margin <= {_number(knots[0][0])} THEN {_number(knots[0][1])}"]
    for (start, low), (end, high) in pairwise(knots):
        slope = (high - low) / (end - start)
        line = f"{_number(low)} + {_number(slope)} * (margin - {_number(start)})"
        pieces.append(f"WHEN margin <= {_number(end)} THEN {line}")
    return f"CASE {' '.join(pieces)} ELSE {_number(knots[-1][1])} END"


def _weight(feature: BinnedFeature, name: str) -> str:
    column = quoted(name)
    cases = [f"WHEN {column} IS NULL THEN {_number(feature.missing_weight)}"]
    cases += [
        f"WHEN {column} < {_number(edge)} THEN {_number(weight)}"
        for edge, weight in zip(feature.edges, feature.weights, strict=False)
    ]
    return f"CASE {' '.join(cases)} ELSE {_number(feature.weights[-1])} END"


def _number(value: float) -> str:
    """A double with all its digits, negative ones in brackets; with an exponent, so that no database reads a
    decimal."""
    text = f"{float(value)!r}"
    text = text if "e" in text else f"{text}e0"
    return f"({text})" if text.startswith("-") else text


def plain_pd(model: Mapping[str, Any], row: Mapping[str, float | None]) -> float:
    """What the rules say of one row (feature to value), by themselves: how a reader of the JSON is meant to walk it."""
    cut = {feature["name"]: _cut(row.get(feature["name"]), feature) for feature in model["features"]}
    margin = model["intercept"] + math.fsum(_reached(tree, cut) for tree in model["trees"])
    return 1 / (1 + math.exp(-_log_odds(model["calibrator"], margin)))


def _cut(value: float | None, feature: Mapping[str, Any]) -> float | None:
    if value is None:
        return None
    most, least = feature["most"], feature["least"]
    return min(value, most) if most is not None else value if least is None else max(value, least)


def _reached(tree: Sequence[Mapping[str, Any]], row: Mapping[str, float | None]) -> float:
    node = tree[0]
    while "value" not in node:
        value = row[node["feature"]]
        way = "missing" if value is None else "below" if value < node["threshold"] else "not_below"
        node = tree[node[way]]
    return float(node["value"])


def _log_odds(calibrator: Mapping[str, Any], margin: float) -> float:
    if calibrator["knots"]:
        margins, log_odds = zip(*calibrator["knots"], strict=True)
        return float(np.interp(margin, margins, log_odds))
    default, survival = (math.log1p(math.exp(value)) for value in (-margin, margin))
    return float(
        calibrator["intercept"] - calibrator["slope_default"] * default + calibrator["slope_survival"] * survival
    )
