"""What one part takes in energy and hours: of the part itself where runs tell it, drawn towards all the firm makes."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

WITNESSES = ["kwh", "hours"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Norms:
    """kWh and hours of executing for one part, None where nobody knows; on how many days the part's own were told, and
    how much these weigh."""

    kwh: float | None
    hours: float | None
    own_days: int
    own_weight: float


def norms(whole: pd.DataFrame, own: pd.DataFrame | None, *, worth_days: float) -> Norms:
    """Of days (`units`, `kwh`, `hours`; NaN where nothing was told) of all that was made and of the part itself: the
    mean of all is worth `worth_days` days of the part's own (Buhlmann's weight n / (n + k))."""
    pooled, _ = _mean(whole)
    part, days = (None, 0) if own is None else _mean(own)
    if part is None or pooled is None:
        known = part or pooled or (None, None)
        return Norms(kwh=known[0], hours=known[1], own_days=days, own_weight=1.0 if part else 0.0)
    weight = days / (days + worth_days)
    kwh, hours = (weight * mine + (1.0 - weight) * every for mine, every in zip(part, pooled, strict=True))
    return Norms(kwh=kwh, hours=hours, own_days=days, own_weight=weight)


def _mean(days: pd.DataFrame) -> tuple[tuple[float, float] | None, int]:
    """What a part took over days that tell all three, sums first; and how many of them made any."""
    told = days.dropna(subset=["units", *WITNESSES])
    units = float(told["units"].sum())
    if not units:
        return None, 0
    kwh, hours = (float(told[name].sum()) / units for name in WITNESSES)
    return (kwh, hours), int((told["units"] > 0).sum())
