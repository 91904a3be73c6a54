"""The business parameters of this room as one typed value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from importlib.resources import files

from data_contracts.reference.dated import ParameterBook, load_book


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureSettings:
    """What formulas take from `features/parameters`, as in force at an `as_of`.

    `minimum_history_share`: the share of a window that must lie after a unit's first observed day.
    `minimum_coverage`: by feature, the share of the time within ownership that must be observed (0 where not named).
    `failure_prior_per_1000_hours`, `failure_prior_hours`: mean of the Gamma prior of the failure rate, and the
    executing hours that it weighs as much as. `repair_prior_hours`, `repair_prior_starts` and `repeat_prior_share`,
    `repeat_prior_starts`: the same for the length of a fault and for the share of repeats, weighed in fault starts.
    `decay_per_year`, `decay_per_1000_hours`: how fast a machine loses value. `service_interval_hours`: executing hours
    between planned services. `wear_parts`: characteristic hours and shape of each wear part's Weibull hazard.
    `rationing`: first and last days of spells in which power was rationed. `peer_firms`: how many firms peer figures
    must rest on. `lean_month_quantile`: which of a year's months, from the leanest, its output counts by.
    """

    minimum_history_share: float
    minimum_coverage: Mapping[str, float]
    failure_prior_per_1000_hours: float
    failure_prior_hours: float
    repair_prior_hours: float
    repair_prior_starts: float
    repeat_prior_share: float
    repeat_prior_starts: float
    decay_per_year: float
    decay_per_1000_hours: float
    service_interval_hours: float
    wear_parts: tuple[tuple[float, float], ...]
    rationing: tuple[tuple[date, date], ...]
    peer_firms: int
    lean_month_quantile: float


@cache
def shipped_parameters() -> ParameterBook:
    """The parameter files that come with the package."""
    return load_book(files("features") / "parameters")


def settings_at(parameters: ParameterBook, as_of: datetime) -> FeatureSettings:
    """The settings in force at `as_of`. Raises NoParameterYet before a parameter's first entry."""
    values = parameters.at(as_of)
    failures, repairs, repeats = (values[f"{name}_prior"] for name in ("failure_rate", "fault_hours", "fault_repeat"))
    decay = values["value_decay"]
    return FeatureSettings(
        minimum_history_share=float(values["minimum_history_share"]),
        minimum_coverage={name: float(share) for name, share in values["minimum_coverage"].items()},
        failure_prior_per_1000_hours=float(failures["mean_per_1000_hours"]),
        failure_prior_hours=float(failures["weight_hours"]),
        repair_prior_hours=float(repairs["mean_hours"]),
        repair_prior_starts=float(repairs["weight_starts"]),
        repeat_prior_share=float(repeats["mean_share"]),
        repeat_prior_starts=float(repeats["weight_starts"]),
        decay_per_year=float(decay["per_year"]),
        decay_per_1000_hours=float(decay["per_1000_hours"]),
        service_interval_hours=float(values["service_interval_hours"]),
        wear_parts=tuple((float(part["eta_hours"]), float(part["beta"])) for part in values["wear_parts"].values()),
        rationing=tuple((date.fromisoformat(first), date.fromisoformat(last)) for first, last in values["rationing"]),
        peer_firms=int(values["peer_firms"]),
        lean_month_quantile=float(values["lean_month_quantile"]),
    )
