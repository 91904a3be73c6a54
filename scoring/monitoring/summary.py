"""What a night needs to know of each unit, in a few hundred bytes: so that days are read block by block, and peers are
everybody nevertheless."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scoring.monitoring.vocabulary import WarningCode
from scoring.monitoring.watched import Floats, Ints, Watched
from scoring.monitoring.weakness import signals

LEVELS: Mapping[WarningCode, str] = {
    WarningCode.LOW_HOURS: "executing_seconds",
    WarningCode.LOW_OUTPUT: "parts",
    WarningCode.LOW_ENERGY: "energy_kwh",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Summary:
    """Of each unit: `levels` by measure, (unit, window) means a day over windows that end today, earliest first;
    `fault_share` (unit, window) of working time; `coverage` (unit,) of owned time lately; whether it executed nothing
    on the last days, all observed; whether it ever worked before; whether it worked at all lately; and the signals of
    weakness (empty for machines)."""

    units: Sequence[str]
    owners: Sequence[str]
    industry: Ints
    today: date
    levels: Mapping[str, Floats]
    fault_share: Floats
    coverage: Floats
    stands_still: NDArray[np.bool_]
    worked_before: NDArray[np.bool_]
    works: NDArray[np.bool_]
    weak: Mapping[str, Floats]


def summarise(watched: Watched, values: Mapping[str, Any], *, dues: pd.DataFrame | None) -> Summary:
    """The summary of these units, with their weakness where `dues` are told: the instalments of obligors as known.
    `values` are the parameters of monitoring in force."""
    terms = values["monitoring"]["warnings"]
    recent, reference, still = (int(terms[name]) for name in ("recent_days", "reference_days", "stopped_days"))
    count = 1 + reference // recent
    executed = watched.measures["executing_seconds"]
    worked = window_means(executed, recent, count)
    faults = window_means(watched.measures["fault_seconds"], recent, count)
    with np.errstate(invalid="ignore", divide="ignore"):
        fault_share = np.where(worked + faults > 0, faults / (worked + faults), np.nan)
    return Summary(
        units=watched.units,
        owners=watched.owners,
        industry=watched.industry,
        today=watched.today,
        levels={name: window_means(watched.measures[name], recent, count) for name in LEVELS.values()},
        fault_share=fault_share,
        coverage=recent_coverage(watched, recent),
        stands_still=(np.nan_to_num(executed[:, -still:], nan=1.0) == 0).all(axis=1),
        worked_before=np.nansum(executed[:, :-still], axis=1) > 0,
        works=np.nansum(executed[:, -still:], axis=1) > 0,
        weak={} if dues is None else signals(watched, values["monitoring"]["weakness"], dues),
    )


def joined(parts: Sequence[Summary]) -> Summary:
    """Several blocks' summaries of one day as one."""
    first = parts[0]

    def rows(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
        return np.concatenate(arrays)

    return Summary(
        units=[unit for part in parts for unit in part.units],
        owners=[owner for part in parts for owner in part.owners],
        industry=rows([part.industry for part in parts]),
        today=first.today,
        levels={name: rows([part.levels[name] for part in parts]) for name in first.levels},
        fault_share=rows([part.fault_share for part in parts]),
        coverage=rows([part.coverage for part in parts]),
        stands_still=rows([part.stands_still for part in parts]),
        worked_before=rows([part.worked_before for part in parts]),
        works=rows([part.works for part in parts]),
        weak={name: rows([part.weak[name] for part in parts]) for name in first.weak},
    )


def recent_coverage(watched: Watched, days: int) -> Floats:
    """(unit,): the share of owned time that was observed lately; 1 where nothing was owned."""
    observed = np.nansum(watched.measures["observed_seconds"][:, -days:], axis=1)
    owned = np.nansum(watched.measures["owned_seconds"][:, -days:], axis=1)
    return np.asarray(np.divide(observed, owned, out=np.ones(len(owned)), where=owned > 0))


def window_means(values: Floats, days: int, count: int) -> Floats:
    """(unit, window): means over windows that end today, the earliest first; NaN where nothing was told in one."""
    count = min(count, values.shape[1] // days)
    shaped = values[:, values.shape[1] - count * days :].reshape(len(values), count, days)
    told = ~np.isnan(shaped)
    total = np.where(told, shaped, 0.0).sum(axis=2)
    return np.asarray(np.divide(total, told.sum(axis=2), out=np.full(total.shape, np.nan), where=told.any(axis=2)))
