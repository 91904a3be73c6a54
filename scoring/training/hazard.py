"""Fitting when defaults come: a logistic regression over months at risk, on the PD's log-odds and the month.

An obligor whose outcome is not known to the end (the data ended) counts for the months in which it was seen: what is
censored is not thrown away, as a fixed horizon must.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.labels import LIFETIME_MONTHS, Lives
from scoring.credit.calibration import fit_logistic
from scoring.credit.term_structure import ALONG, HazardShape
from scoring.errors import NotEnoughEvents

Matrix = NDArray[np.float64]
Mask = NDArray[np.bool_]
Months = NDArray[np.int64]


def fit_hazard_shape(pd_log_odds: Matrix, lives: Lives) -> HazardShape:
    """The shape of obligors (n) with these log-odds of their 12-month PD and what became of them.

    The PDs must not be of the data that their model was grown on, or the first months would look too sharp.
    Raises NotEnoughEvents without a default, or where every month ends in one.
    """
    firm, month, struck = person_months(lives)
    if not struck.any() or struck.all():
        raise NotEnoughEvents(f"{int(struck.sum())} defaults in {len(struck)} months of {len(lives.months)} lives.")
    along = np.array(ALONG)[month - 1]
    risk = pd_log_odds[firm]
    columns = np.column_stack([along, risk * (1 - along), risk * along])
    intercept, month_slope, first, last = fit_logistic(columns, struck, lower_slope=(None, 0.0, 0.0))
    return HazardShape(
        intercept=intercept,
        month_slope=month_slope,
        first_slope=first,
        last_slope=last,
        observed_months=int(month.max()),
    )


def person_months(lives: Lives) -> tuple[Months, Months, Mask]:
    """For each month in which an obligor was at risk: the obligor's position, the month from 1 on, and whether it ended
    in default."""
    followed = np.minimum(lives.months, LIFETIME_MONTHS)
    firm = np.repeat(np.arange(len(followed)), followed)
    month = np.arange(len(firm)) - np.repeat(np.cumsum(followed) - followed, followed) + 1
    return firm, month, lives.defaulted[firm] & (month == lives.months[firm])
