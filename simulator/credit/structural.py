"""The structural engine: a default is what the account makes of a firm, not a draw."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from simulator.credit.reduced_form import Lives
from simulator.world_calendar import Calendar

Ints = NDArray[np.int64]


class Engine(StrEnum):
    """Where defaults come from."""

    REDUCED_FORM = "reduced-form"
    """A monthly hazard of latent states, so that the probability of default is exact."""
    STRUCTURAL = "structural"
    """The cash account: ninety days past due come when the money is gone."""


def without_hazard(lives: Lives, calendar: Calendar) -> Lives:
    """Lives whose end is not written: no hazard (not a number) and no default so far."""
    never = np.full(len(lives.default_day), calendar.day_count)
    return as_known(replace(lives, hazard=np.full_like(lives.hazard, np.nan)), never, calendar, wind_down_days=0)


def as_known(lives: Lives, default_day: Ints, calendar: Calendar, *, wind_down_days: int) -> Lives:
    """Lives that end as `default_day` says (the number of days of the world for a firm that lives)."""
    starts = np.array([month.first_day for month in calendar.months])
    month = np.searchsorted(starts, default_day, side="right") - 1
    return replace(
        lives,
        default_day=default_day,
        default_month=np.where(default_day < calendar.day_count, month, len(calendar.months)),
        last_day=np.minimum(default_day + wind_down_days, calendar.day_count),
    )
