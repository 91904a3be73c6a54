"""The business parameters of this room as one typed value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files

from data_contracts.reference.dated import ParameterBook, load_book


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureSettings:
    """What formulas take from `features/parameters`, as in force at an `as_of`.

    `minimum_history_share`: the share of a window that must lie after a unit's first observed day.
    `failure_prior_per_1000_hours`, `failure_prior_hours`: mean of the Gamma prior of the failure rate, and the
    executing hours that it weighs as much as.
    """

    minimum_history_share: float
    failure_prior_per_1000_hours: float
    failure_prior_hours: float


def shipped_parameters() -> ParameterBook:
    """The parameter files that come with the package."""
    return load_book(files("features") / "parameters")


def settings_at(parameters: ParameterBook, as_of: datetime) -> FeatureSettings:
    """The settings in force at `as_of`. Raises NoParameterYet before a parameter's first entry."""
    values = parameters.at(as_of)
    prior = values["failure_rate_prior"]
    return FeatureSettings(
        minimum_history_share=float(values["minimum_history_share"]),
        failure_prior_per_1000_hours=float(prior["mean_per_1000_hours"]),
        failure_prior_hours=float(prior["weight_hours"]),
    )
