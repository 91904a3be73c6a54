"""Whether a model is as right about some firms as about others: by size, region and industry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.credit.master_scale import master_scale
from scoring.credit.promised import promised_and_seen
from scoring.decision.case import CutOffs
from scoring.records import Outcome
from scoring.training.metrics import area_under_curve
from scoring.training.validation.held_out import Examined, HeldOut

LEAST_EVENTS = 5
UNKNOWN = "unknown"
SIZES = ("small", "middle", "large")

Segments = Mapping[str, Mapping[str, str]]
"""For each way to part firms (region, industry), the part of each obligor."""


def fairness(model: Examined, segments: Segments, sizes: NDArray[np.float64] | None) -> dict[str, list[dict[str, Any]]]:
    """For each way to part firms a line a part of the test months: what was promised and seen, the area where there are
    five defaults and others, and the share that its grade alone would approve. `sizes` (test rows) part firms into
    thirds."""
    ways = {name: _named(model.test, parts) for name, parts in segments.items()}
    if sizes is not None:
        ways = {"size": _thirds(sizes), **ways}
    return {name: _lines(model, labels) for name, labels in ways.items()}


def _lines(model: Examined, labels: NDArray[np.str_]) -> list[dict[str, Any]]:
    present = [name for name in (*SIZES, *sorted(set(labels) - {*SIZES, UNKNOWN}), UNKNOWN) if (labels == name).any()]
    approved = _approved(model)
    rows = []
    for name in present:
        chosen = labels == name
        pd, defaulted = model.test.pd[chosen], model.test.defaulted[chosen]
        is_telling = LEAST_EVENTS <= defaulted.sum() <= len(defaulted) - LEAST_EVENTS
        rows.append(
            {
                "group": name,
                **promised_and_seen(pd, defaulted),
                "auc": area_under_curve(pd, defaulted).model_dump() if is_telling else None,
                "approved_share": float(approved[chosen].mean()),
                "approved_share_of_good": _share(approved[chosen & ~model.test.defaulted]),
            }
        )
    return rows


def _share(approved: NDArray[np.bool_]) -> float | None:
    return float(approved.mean()) if len(approved) else None


def _approved(model: Examined) -> NDArray[np.bool_]:
    scale = master_scale(model.parameters["master_scale"])
    cut_offs = CutOffs(**model.parameters["grade_cut_offs"])
    return np.array([cut_offs.outcome(scale.grade(float(pd)), scale) is Outcome.APPROVE for pd in model.test.pd])


def _named(test: HeldOut, parts: Mapping[str, str]) -> NDArray[np.str_]:
    return np.array([parts.get(name, UNKNOWN) for name in test.obligor_ids.tolist()])


def _thirds(sizes: NDArray[np.float64]) -> NDArray[np.str_]:
    known = ~np.isnan(sizes)
    if not known.any():
        return np.full(len(sizes), UNKNOWN)
    third = np.searchsorted(np.quantile(sizes[known], [1 / 3, 2 / 3]), np.nan_to_num(sizes), side="left")
    return np.where(known, np.array(SIZES)[third], UNKNOWN)
