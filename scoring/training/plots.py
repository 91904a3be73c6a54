"""A model card's pictures, drawn by shap from our own exact contributions: what each feature does over the calibration
months. They lie beside the artefact and are no part of its identity; without matplotlib there are none.
"""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.as_of import CreditTrainingSet
from scoring.cards import within_reach
from scoring.credit.artefact import CreditArtefact
from scoring.training.split import rows_at

MOST_ROWS = 200
SHOWN = 20
DEPENDENCE_OF = 4
MISSING = "matplotlib is not installed (extra [benchmarks])"

Matrix = NDArray[np.float64]


def can_draw() -> bool:
    """Whether what draws is installed."""
    return importlib.util.find_spec("matplotlib") is not None


def credit_plots(artefact: CreditArtefact, data: CreditTrainingSet) -> dict[str, bytes]:
    """SVG by file name: `beeswarm.svg` of the features that pull most, and `dependence-<feature>.svg` of the first few.

    Of at most `MOST_ROWS` rows of the calibration months, evenly chosen; path-dependent contributions in log-odds. The
    same model and data give the same bytes on the same libraries. Empty where `can_draw` is not.
    """
    if not can_draw():
        return {}
    rows = rows_at(data.as_of, data.obligor_ids, artefact.card.calibrate.as_ofs)
    rows = rows[np.linspace(0, len(rows) - 1, min(len(rows), MOST_ROWS)).astype(np.int64)]
    columns = [data.names.index(feature.key) for feature in artefact.card.features]
    values = within_reach(np.ascontiguousarray(data.values[np.ix_(rows, np.array(columns))]), artefact.card.features)
    return _drawn(artefact, values)


def _drawn(artefact: CreditArtefact, values: Matrix) -> dict[str, bytes]:
    import shap  # noqa: PLC0415 (slow to import, and only training draws)

    said = artefact.explain_portfolio(values)
    told = shap.Explanation(
        values=said.contributions,
        base_values=said.base,
        data=values,
        feature_names=[feature.key for feature in artefact.card.features],
    )
    plots = {"beeswarm.svg": _svg(partial(shap.plots.beeswarm, told, max_display=SHOWN, show=False))}
    strongest = np.argsort(-np.abs(said.contributions).mean(axis=0), kind="stable")[:DEPENDENCE_OF]
    for column in strongest.tolist():
        key = artefact.card.features[column].key
        plots[f"dependence-{key}.svg"] = _svg(partial(shap.plots.scatter, told[:, column], show=False))
    return plots


def _svg(draw: Callable[[], Any]) -> bytes:
    """What `draw` leaves on matplotlib's current figure."""
    import matplotlib as mpl  # noqa: PLC0415 (an extra)

    mpl.use("agg")
    from matplotlib import pyplot  # noqa: PLC0415

    out = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "millgrade"}):
        np.random.seed(0)  # shap spreads the points of a beeswarm with the global generator
        draw()
        pyplot.savefig(out, format="svg", bbox_inches="tight", metadata={"Date": None})
        pyplot.close("all")
    return out.getvalue()
