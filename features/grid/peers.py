"""Peers of a grid: the months of its firms, kept while blocks walk by, and filled in when all have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from features.catalogue import CATALOGUE, ruled
from features.columns import column
from features.feature_value import SAID, Missing
from features.history import DailyHistory
from features.matrix import FeatureMatrix
from features.peer_figures import FIGURES
from features.peer_reference import FirmMonths, PeerReference, firm_months
from features.settings import FeatureSettings

POSITIONS = {key: at for at, (key, item) in enumerate(CATALOGUE.items()) if item.needs_peers}
"""Where the features that compare with peers stand in a matrix."""


@dataclass(frozen=True, slots=True, eq=False)
class PeerPart:
    """What the known obligors of a block bring to their peers at one instant: their months, and where the rules on
    history and observation let each feature of `POSITIONS` be told: (unit, feature)."""

    firms: FirmMonths
    told: NDArray[np.bool_]


def peer_part(
    history: DailyHistory, units: NDArray[np.int64], settings: FeatureSettings, months: NDArray[np.datetime64]
) -> PeerPart:
    """The part of the obligors `units` of a history."""
    nothing = column(np.zeros(len(history.units)), missing=Missing.NO_PEERS)
    told = [ruled(CATALOGUE[key], history, settings, nothing).reasons == SAID for key in POSITIONS]
    firms = firm_months(history, months)
    return PeerPart(
        FirmMonths(
            tuple(history.units[at] for at in units),
            months,
            firms.executing[units],
            firms.observed[units],
            firms.shutdown[units],
            firms.restart[units],
        ),
        np.stack(told, axis=1)[units],
    )


def with_peers(
    matrix: FeatureMatrix, part: PeerPart, divisions: Mapping[str, str], peers: PeerReference
) -> FeatureMatrix:
    """The matrix with what sets its obligors apart from their peers."""
    industries: Sequence[str | None] = [divisions.get(obligor) for obligor in matrix.obligor_ids]
    values = matrix.values.copy()
    for number, (key, position) in enumerate(POSITIONS.items()):
        figure = FIGURES[CATALOGUE[key].name](part.firms, industries, peers)
        values[:, position] = np.where(part.told[:, number], figure, np.nan)
    return replace(matrix, values=values)
