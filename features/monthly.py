"""Calendar months of one obligor: sums of its machine-days first, then the ratio."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
from numpy.typing import NDArray

from data_contracts.identifiers import ObligorId
from features.daily import build_history
from features.history import Array, DailyHistory, Level, Measure, nan_sum
from features.machine_day.machine_days import MachineDays

MONTHS_SHOWN = 12
_LONGEST_MONTHS_DAYS = 31


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthlyFigures:
    """One calendar month of an obligor's site, over all its machines.

    `complete_days` of the month had ended at the `as_of` (fewer than the calendar's in a running month). Rates are
    shares of one: powered and executing seconds over observed seconds, observed seconds over those within ownership.
    `energy_kwh` and `fault_starts` are sums. None where there is nothing to divide by, or where no machine said it.
    """

    month: date
    complete_days: int
    power_on_rate: float | None
    operating_rate: float | None
    coverage: float | None
    energy_kwh: float | None
    fault_starts: int | None


def monthly_figures(
    machine_days: MachineDays, *, obligor_id: ObligorId, as_of: datetime, months: int = MONTHS_SHOWN
) -> tuple[MonthlyFigures, ...]:
    """The last `months` calendar months up to the last complete local day before `as_of`, oldest first."""
    assert months >= 1, "no month at all"
    history = build_history(
        machine_days,
        level=Level.OBLIGOR,
        as_of=as_of,
        days=months * _LONGEST_MONTHS_DAYS,
        obligor_ids=[obligor_id],
    )
    days = history.days[0]
    month_of_day = days.astype("datetime64[M]")
    last = month_of_day[-1]
    return tuple(
        _figures(history, month_of_day == month) for month in last - np.arange(months)[::-1].astype("timedelta64[M]")
    )


def _figures(history: DailyHistory, chosen: NDArray[np.bool_]) -> MonthlyFigures:
    observed = _sum(history.observed_seconds, chosen)
    starts = _sum(history.fault_starts, chosen)
    return MonthlyFigures(
        month=history.days[0][chosen][0].astype("datetime64[M]").item(),
        complete_days=int(chosen.sum()),
        power_on_rate=_ratio(_sum(history.powered_seconds, chosen), observed),
        operating_rate=_ratio(_sum(history.executing_seconds, chosen), observed),
        coverage=_ratio(_sum(history.covered_seconds, chosen), _sum(history.within_seconds, chosen)),
        energy_kwh=_sum(history.energy_kwh, chosen),
        fault_starts=None if starts is None else round(starts),
    )


def _sum(measure: Measure, chosen: NDArray[np.bool_]) -> float | None:
    total: Array = nan_sum(measure.values[:1, chosen])
    return None if np.isnan(total[0]) else float(total[0])


def _ratio(numerator: float | None, denominator: float | None) -> float | None:
    if numerator is None or not denominator:
        return None
    return numerator / denominator
