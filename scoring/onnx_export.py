"""A model of default as ONNX, for whoever runs models and not rules; needs the extra `onnx`.

Inputs are singles in the order of `features` (in the metadata), NaN where missing; outputs are the bag's mean `margin`
and `pd_model`. Trees compare singles, as the model itself does, so that every row goes the very same way; leaves are
added up in single precision, so that margins are the model's to about 1e-6.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.cards import ModelFeature, statement_of
from scoring.credit.artefact import CreditArtefact
from scoring.credit.calibration import Calibrator
from scoring.errors import ExtraMissing
from scoring.explanation.trees import Forest, read_forest

OPSET, ML_OPSET, IR_VERSION = 18, 3, 8
"""Old enough for runtimes of 2023 on."""

ML = "ai.onnx.ml"


def onnx_bytes(artefact: CreditArtefact) -> bytes:
    """The model as one ONNX graph; the same model gives the same bytes on the same onnx.

    Raises ExtraMissing where onnx is not installed.
    """
    if importlib.util.find_spec("onnx") is None:
        raise ExtraMissing("onnx is not installed.", hint="Run: pip install millgrade[onnx]")
    from onnx import TensorProto, checker, helper  # noqa: PLC0415 (an extra)

    card = artefact.card
    graph = _Graph()
    _cut(graph, card.features)
    _margin(graph, read_forest(artefact.bag.boosters))
    _probability(graph, card.calibrator.calibrator())
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "pd_model",
            [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["rows", len(card.features)])],
            [helper.make_tensor_value_info(name, TensorProto.DOUBLE, ["rows", 1]) for name in ("margin", "pd_model")],
            initializer=graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(ML, ML_OPSET)],
        producer_name="millgrade",
        ir_version=IR_VERSION,
    )
    told = {"model_version": artefact.version, "features": json.dumps([feature.key for feature in card.features])}
    helper.set_model_props(model, told | {"statement": statement_of(card.data_origin) or ""})
    checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


class _Graph:
    """Nodes and constants in the order in which they are added."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def add(self, operator: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        """A node; returns the name of its output."""
        from onnx import helper  # noqa: PLC0415

        self.nodes.append(helper.make_node(operator, list(inputs), [output], name=output, **attributes))
        return output

    def constant(self, name: str, values: NDArray[Any]) -> str:
        """A constant; returns its name."""
        from onnx import numpy_helper  # noqa: PLC0415

        self.constants.append(numpy_helper.from_array(values, name))
        return name

    def number(self, name: str, value: float) -> str:
        """A double."""
        return self.constant(name, np.array(value, dtype=np.float64))


def _cut(graph: _Graph, features: Sequence[ModelFeature]) -> None:
    """Features within the model's reach: a comparison with what is missing is false, so that it stays missing."""
    most = [item.adverse_value if item.sign > 0 and item.adverse_value is not None else np.inf for item in features]
    least = [item.adverse_value if item.sign < 0 and item.adverse_value is not None else -np.inf for item in features]
    graph.constant("most", np.array([most], dtype=np.float32))
    graph.constant("least", np.array([least], dtype=np.float32))
    graph.add("Greater", ["features", "most"], "is_above")
    graph.add("Where", ["is_above", "most", "features"], "cut_above")
    graph.add("Less", ["cut_above", "least"], "is_below")
    graph.add("Where", ["is_below", "least", "cut_above"], "cut")


def _margin(graph: _Graph, forest: Forest) -> None:
    """The bag's mean margin: all trees in one ensemble, as leaf values are shares of the mean already."""
    from onnx import TensorProto  # noqa: PLC0415

    split: dict[str, list[Any]] = {name: [] for name in _SPLIT}
    leaf: dict[str, list[Any]] = {name: [] for name in _LEAF}
    for number, tree in enumerate(forest.trees):
        assert not tree.goes_right, "a credit model has no categories"
        for node in range(len(tree.left)):
            is_leaf = tree.is_leaf(node)
            told = (
                number,
                node,
                0 if is_leaf else tree.feature[node],
                0.0 if is_leaf else float(np.float32(tree.threshold[node])),
                "LEAF" if is_leaf else "BRANCH_LT",
                0 if is_leaf else tree.left[node],
                0 if is_leaf else tree.right[node],
                int(not is_leaf and tree.missing_left[node]),
            )
            for name, value in zip(_SPLIT, told, strict=True):
                split[name].append(value)
            if is_leaf:
                for name, value in zip(_LEAF, (number, node, 0, tree.value[node]), strict=True):
                    leaf[name].append(value)
    graph.add(
        "TreeEnsembleRegressor",
        ["cut"],
        "single_margin",
        domain=ML,
        n_targets=1,
        aggregate_function="SUM",
        post_transform="NONE",
        **split,
        **leaf,
    )
    graph.add("Cast", ["single_margin"], "leaves", to=TensorProto.DOUBLE)
    graph.add("Add", ["leaves", graph.number("intercept", forest.intercept)], "margin")


_SPLIT = (
    *("nodes_treeids", "nodes_nodeids", "nodes_featureids", "nodes_values", "nodes_modes"),
    *("nodes_truenodeids", "nodes_falsenodeids", "nodes_missing_value_tracks_true"),
)
_LEAF = ("target_treeids", "target_nodeids", "target_ids", "target_weights")


def _probability(graph: _Graph, calibrator: Calibrator) -> None:
    """The calibrated PD, in double precision: 1 / (1 + exp(-log_odds))."""
    graph.number("one", 1.0)
    log_odds = _between(graph, calibrator.knots) if calibrator.knots else _beta(graph, calibrator)
    graph.add("Neg", [log_odds], "against")
    graph.add("Exp", ["against"], "odds_against")
    graph.add("Add", ["odds_against", "one"], "all_odds")
    graph.add("Reciprocal", ["all_odds"], "pd_model")


def _beta(graph: _Graph, calibrator: Calibrator) -> str:
    """intercept - slope_default ln(1 + exp(-margin)) + slope_survival ln(1 + exp(margin))."""
    graph.add("Neg", ["margin"], "minus_margin")
    for name, source, slope in (
        ("default", "minus_margin", -calibrator.slope_default),
        ("survival", "margin", calibrator.slope_survival),
    ):
        graph.add("Exp", [source], f"{name}_exp")
        graph.add("Add", [f"{name}_exp", "one"], f"{name}_sum")
        graph.add("Log", [f"{name}_sum"], f"{name}_log")
        graph.add("Mul", [f"{name}_log", graph.number(f"{name}_slope", slope)], f"{name}_part")
    graph.add("Add", ["default_part", "survival_part"], "both_parts")
    return graph.add("Add", ["both_parts", graph.number("calibrated_intercept", calibrator.intercept)], "log_odds")


def _between(graph: _Graph, knots: Sequence[tuple[float, float]]) -> str:
    """Straight lines between knots, level beyond them: each piece adds its slope times how far the margin is in it."""
    total = graph.number("first_knot", knots[0][1])
    for number, ((start, low), (end, high)) in enumerate(pairwise(knots)):
        begin, finish = graph.number(f"start_{number}", start), graph.number(f"end_{number}", end)
        graph.add("Max", ["margin", begin], f"after_{number}")
        graph.add("Min", [f"after_{number}", finish], f"within_{number}")
        graph.add("Sub", [f"within_{number}", begin], f"into_{number}")
        slope = graph.number(f"slope_{number}", (high - low) / (end - start))
        graph.add("Mul", [f"into_{number}", slope], f"rise_{number}")
        total = graph.add("Add", [f"rise_{number}", total], f"risen_{number}")
    return total
