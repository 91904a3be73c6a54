"""The ends of a PD's interval: how far the members of the bag reach, and what their spread cannot show, joined.

The lower end rests on what was observed, the upper end on the worst that it could have been. Each is a function of its
own rows' margins alone and falls nowhere as they rise, so that where rows only get worse (docs/withholding.md) an upper
end never gets better.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from scoring.boosters import mean_of_members
from scoring.cards import within_reach
from scoring.credit.calibration import PdScale
from scoring.credit.card import CreditCard, Widened

Matrix = NDArray[np.float64]


class Side(IntEnum):
    """Which end: the factor of a distance in log-odds."""

    LOWER = -1
    UPPER = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What one end of an obligor's interval rests on: the mean margin of the members, and the percentile of their
    margins on the end's side of it."""

    side: Side
    mean: float
    percentile: float

    def pd_12m(self, scale: PdScale, card: CreditCard, *, apart: float = 0.0) -> float:
        """The PD at this end, `apart` log-odds farther out than the model by itself puts it.

        What the bag shows and what it cannot are independent errors of one log-odds: their squares add up. Older models
        (`card.widened`) add the two distances."""
        if card.widened == Widened.ENDS:
            return scale.pd_12m(self.percentile, widened_by=self.side * (card.interval_widening + apart))
        shown = scale.calibrator.log_odds(self.percentile) - scale.calibrator.log_odds(self.mean)
        return scale.pd_12m(self.mean, widened_by=self.side * (math.hypot(shown, card.interval_widening) + apart))


def reaches(members: Matrix, card: CreditCard, side: Side) -> list[Reach]:
    """One for each row of the members' margins (members x rows); no percentile lies on the mean's other side."""
    means = mean_of_members(list(members))
    percentiles = np.percentile(members, card.interval_percentiles[side is Side.UPPER], axis=0)
    outer = np.maximum(percentiles, means) if side is Side.UPPER else np.minimum(percentiles, means)
    return [
        Reach(side=side, mean=mean, percentile=percentile)
        for mean, percentile in zip(means.tolist(), outer.tolist(), strict=True)
    ]


def at_upper_end(worst: Matrix, card: CreditCard) -> Matrix:
    """Rows (n, k) as the upper end reads them, given each feature's worst value, NaN where nothing is ruled out: that
    feature at the peers' adverse P90, none beyond it, and unbounded ones where they stand for everyone."""
    fills = np.array([np.nan if feature.adverse_value is None else feature.adverse_value for feature in card.features])
    rows = within_reach(np.where(np.isnan(worst), fills, worst), card.features)
    for column, feature in enumerate(card.features):
        rows[:, column] = card.standing.get(feature.key, rows[:, column])
    return rows
