"""Can one tell from a model's answers whose history it was trained on?

Each member of the bag was grown on firms drawn with replacement and has never seen the others. Who could ask one member
alone would guess that a firm whose outcome surprises it little was among those drawn (Yeom and others 2018). The bag,
which is all that answers, tells less than any member.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.training.credit import drawn_obligors
from scoring.training.metrics import area_under_curve
from scoring.training.validation.held_out import Examined

LIMIT = 0.55

Matrix = NDArray[np.float64]


def membership(model: Examined) -> dict[str, Any]:
    """The mean over members of the area under the curve of that guess, firm by firm over the training months; 0.5 tells
    nothing."""
    card, train = model.artefact.card, model.train
    names, place = np.unique(train.obligor_ids, return_inverse=True)
    counts = np.bincount(place)
    areas = []
    for index, margins in enumerate(model.artefact.bag.margins(train.values)):
        loss = np.logaddexp(0.0, np.where(train.defaulted, -margins, margins))
        surprise = np.bincount(place, weights=loss, minlength=len(names)) / counts
        drawn = drawn_obligors(train.obligor_ids, seed=card.seed + index)
        was_drawn = np.bincount(place, weights=drawn, minlength=len(names)) > 0
        if 0 < was_drawn.mean() < 1:
            areas.append(area_under_curve(-surprise, was_drawn))
    mean = float(np.mean([area.value for area in areas])) if areas else None
    return {
        "attack": "loss of one member",
        "members": len(areas),
        "firms": len(names),
        "auc": mean,
        "highest_auc": max((area.value for area in areas), default=None),
        "limit": LIMIT,
        "is_within": None if mean is None else mean <= LIMIT,
    }
