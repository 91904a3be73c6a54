"""Worlds by name: what each one changes against `base`. All share the parameters and, seed by seed, their luck."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from data_contracts.errors import InputError
from simulator.parameter_values import DriftParameters, RecessionParameters, WorldParameters
from simulator.world_calendar import Calendar

MONTHS_PER_YEAR = 12
NAMES = ("base", "null", "leak", "recession", "drift")
TRAPS = (
    "post_default_telemetry",
    "device_removed",
    "backfilled_telemetry",
    "future_peers",
    "encoder_outside_fold",
    "policy_terms",
    "machine_at_two_obligors",
    "group_members",
    "duplicate_rows",
    "revised_macro",
)
"""The ten traps of joining telemetry to defaults, in the order of the modelling brief (1.2)."""
DATA_TRAPS = frozenset({"device_removed", "backfilled_telemetry", "machine_at_two_obligors"})
"""Traps that lie in the data. The others lie in how a training table is made of data like base's."""

Floats = NDArray[np.float64]


class UnknownWorld(InputError):
    """No world has that name."""

    code = "unknown_world"


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreFailure:
    """A core enterprise that fails for certain in a known month, and what that does to those who live on its orders."""

    buyer: int
    """Its number; 0 is the largest buyer."""
    month: int
    """Position of the month in the world, as `Month.position`; negative when the world begins later."""
    default_log_odds: float
    """Added to the monthly default log-odds of its regular suppliers from that month on, for `lasts_months`."""
    lasts_months: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldSpec:
    """A world by name, and what it does differently.

    `industry_offsets` and `default_offsets` are by month position -1, 0, 1, ... (column position + 1), and hold their
    last value for ever: standard deviations added to the industry states that drive production, and log-odds added to
    the monthly default hazard.
    """

    name: str
    trap: str | None = None
    telemetry_is_independent: bool = False
    """Production and claims run on states of their own, independent of those behind defaults."""
    core_failure: CoreFailure | None = None
    industry_offsets: tuple[float, ...] = (0.0,)
    default_offsets: tuple[float, ...] = (0.0,)

    @property
    def needs_known_defaults(self) -> bool:
        """Whether its promise rests on defaults that are drawn beforehand."""
        return self.telemetry_is_independent or self.trap == "backfilled_telemetry"

    @property
    def full_name(self) -> str:
        """The name under which the world is asked for, with its trap."""
        return self.name if self.trap is None else f"{self.name}/{self.trap}"

    def industry_offset(self, positions: NDArray[np.int64]) -> Floats:
        """What is added to the production's industry states at these month positions (from -1)."""
        return _held(self.industry_offsets, positions)

    def default_log_odds(self, positions: NDArray[np.int64], *, exposed: bool) -> Floats:
        """What is added to the default log-odds in these months, for suppliers of the failed core enterprise or not."""
        offsets = _held(self.default_offsets, positions)
        if exposed and self.core_failure is not None:
            since = positions - self.core_failure.month
            offsets = offsets + self.core_failure.default_log_odds * (
                (since >= 0) & (since < self.core_failure.lasts_months)
            )
        return offsets


BASE = WorldSpec(name="base")


def world_spec(name: str, *, calendar: Calendar, parameters: WorldParameters) -> WorldSpec:
    """The world called `name`; a leak world is `leak/<trap>`. Raises UnknownWorld."""
    word, _, trap = name.partition("/")
    is_known = word in NAMES and (trap in TRAPS if word == "leak" else "/" not in name)
    if not is_known:
        known = [*(other for other in NAMES if other != "leak"), *(f"leak/{other}" for other in TRAPS)]
        raise UnknownWorld(f"No world is called {name!r}.", hint=f"There is {', '.join(known)}.")
    if word == "null":
        return WorldSpec(name=word, telemetry_is_independent=True)
    if word == "recession":
        return _recession(calendar, parameters.recession, industry_slope=parameters.defaults.industry)
    if word == "drift":
        return _drift(calendar, parameters.drift)
    return WorldSpec(name=word, trap=trap or None)


def _recession(calendar: Calendar, recession: RecessionParameters, *, industry_slope: float) -> WorldSpec:
    """All industries fall at once and recover; in a later month the failing core enterprise's suppliers suffer too."""
    since = _positions(calendar) - _position_of(recession.shock_month, calendar)
    lasting = (since >= 0) & (since < recession.shock_lasts_months)
    depth = np.where(lasting, -recession.shock_depth_sd * recession.shock_persistence ** np.maximum(since, 0), 0.0)
    return WorldSpec(
        name="recession",
        core_failure=CoreFailure(
            buyer=recession.core_buyer,
            month=_position_of(recession.core_failure_month, calendar),
            default_log_odds=recession.core_default_log_odds,
            lasts_months=recession.core_lasts_months,
        ),
        industry_offsets=(*depth.tolist(), 0.0),
        default_offsets=(*(-industry_slope * depth).tolist(), 0.0),
    )


def _drift(calendar: Calendar, drift: DriftParameters) -> WorldSpec:
    """Telemetry levels and the default intercept each move by a straight line that stops at the world's end."""
    years = np.maximum(_positions(calendar)[: len(calendar.months) + 1], 0) / MONTHS_PER_YEAR
    return WorldSpec(
        name="drift",
        industry_offsets=tuple((drift.industry_sd_per_year * years).tolist()),
        default_offsets=tuple((drift.default_log_odds_per_year * years).tolist()),
    )


def _positions(calendar: Calendar) -> NDArray[np.int64]:
    """Month positions from -1 to some years beyond the world's end, so that a shock near it is told whole."""
    return np.arange(-1, len(calendar.months) + 10 * MONTHS_PER_YEAR)


def _position_of(month: str, calendar: Calendar) -> int:
    day = date.fromisoformat(f"{month}-01")
    first = calendar.months[0].first
    return (day.year - first.year) * MONTHS_PER_YEAR + day.month - first.month


def _held(values: tuple[float, ...], positions: NDArray[np.int64]) -> Floats:
    return np.array(values)[np.clip(positions + 1, 0, len(values) - 1)]
