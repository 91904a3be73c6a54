"""Dense daily arrays of many obligors or machines at once: what every feature is computed from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from features.settings import FeatureSettings

Array = NDArray[np.float64]
Found = TypeVar("Found")


class Level(StrEnum):
    """What a unit of a history is."""

    OBLIGOR = "obligor"
    MACHINE = "machine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The last `days` complete local days of a history, and the settings in force at its `as_of`."""

    days: int
    settings: FeatureSettings


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure as (unit, day) float64; NaN where nobody said it of the unit on that day.

    The last column is the unit's last complete local day. Measures of one history may reach back to different days.
    """

    values: Array
    _sums: dict[int, Array] = field(init=False, repr=False, compare=False, default_factory=dict)

    def over(self, window: Window) -> Array:
        """The window's part: (unit, window.days)."""
        return self.last(window.days)

    def last(self, days: int) -> Array:
        """The last `days` columns."""
        assert days <= self.values.shape[1], "a window longer than the history"
        return self.values[:, self.values.shape[1] - days :]

    def sum_over(self, window: Window) -> Array:
        """Sum over the window for each unit; NaN where it was said on no day of it."""
        if window.days not in self._sums:
            # Many features ask for the same sums; nobody may change what others will read.
            self._sums[window.days] = nan_sum(self.over(window))
            self._sums[window.days].flags.writeable = False
        return self._sums[window.days]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What ledgers and registers say of each unit at the `as_of` itself: (unit,) float64, NaN where they do not.

    Of a machine: `value_minor` at the start of its ownership, and the `owned_days` since. Of an obligor: its last
    `equity_minor`; `buyer_hhi`, the sum of squared shares of its buyers in what is receivable; `buyer_pd`, the same
    shares' mean of the buyers' probabilities of default; `buyer_vulnerability`, what its buyers' expected defaults
    would take from its equity; `supplier_pd`, by shares of a year's purchases; `buyer_tenure_days`, since the first
    known order of its largest buyer; `secured_debt_minor`, outstanding on facilities secured by machines;
    `part_price_minor`, of the orders of a year.
    """

    value_minor: Array
    owned_days: Array
    equity_minor: Array
    buyer_hhi: Array
    buyer_pd: Array
    buyer_vulnerability: Array
    supplier_pd: Array
    buyer_tenure_days: Array
    secured_debt_minor: Array
    part_price_minor: Array

    @classmethod
    def unknown(cls, units: int) -> Standing:
        """Nothing is known of any unit."""
        return cls(**{field.name: np.full(units, np.nan) for field in fields(cls)})


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyHistory:
    """Measures of each unit on each of the last complete local days before an `as_of`: sums over the unit's machines.

    Column -1 of a unit is its local day `last_days`; sites in different zones may have different last complete days.
    The long measures (`LONG_MEASURES`) reach back as far as the history, the others as far as its recent part. Seconds
    are 0 on days outside ownership or before the unit's first day; everything else is NaN where no machine or ledger
    said it. `within_seconds` is the time in ownership from the first day on, also after the last sample.
    `covered_seconds` is what the coverage counts: the observed seconds, or the sampled ones when adverse.

    Pairs keep a ratio's two sides on the same machines: `metered_`, `watched_`, `counted_`, `planned_`, `inspected_`,
    `reworked_`, `loaded_`, `factored_`, `alarmed_` and `clocked_` measures are of the machine-days that said energy,
    fault starts, parts, a plan, scrap, rework, no-load time, the power factor, alarms and clock jumps.
    `peak_energy_kwh` is what powered machines would have drawn at their day's peak, `peaked_energy_kwh` what those
    with a peak did draw. `repeat_fault_starts` are the fault starts of a machine within three days of an earlier one;
    `start_seconds` is the local time of the first start, summed over `started_machine_days`.

    Measures of ledgers: flows on the local day on which they happened; `open_order_parts`, `receivable_minor`,
    `overdue_minor` and `payable_minor` at the end of the day, of what is not older than a year. `due_parts` and
    `on_time_parts` stand on the day on which an order was due; `billed_kwh` is spread over the billed month.
    """

    level: Level
    units: tuple[str, ...]
    obligor_ids: tuple[str, ...]
    last_days: NDArray[np.datetime64]
    zones: tuple[str, ...]
    """IANA zone of each unit's site; of several, the first."""
    industries: tuple[str | None, ...]
    """Division of GB/T 4754 of each unit's owner, where it is known."""

    within_seconds: Measure
    unknown_seconds: Measure
    off_seconds: Measure
    fault_seconds: Measure
    maintenance_seconds: Measure
    setup_seconds: Measure
    executing_seconds: Measure
    idle_seconds: Measure
    powered_seconds: Measure
    observed_seconds: Measure
    sampled_seconds: Measure
    covered_seconds: Measure

    energy_kwh: Measure
    energy_executing_kwh: Measure
    energy_idle_kwh: Measure
    energy_other_kwh: Measure
    peak_energy_kwh: Measure
    peaked_energy_kwh: Measure
    parts: Measure
    fault_starts: Measure
    repeat_fault_starts: Measure
    metered_executing_seconds: Measure
    watched_executing_seconds: Measure
    counted_executing_seconds: Measure
    counted_executing_kwh: Measure
    counted_kwh: Measure

    planned_seconds: Measure
    planned_powered_seconds: Measure
    planned_executing_seconds: Measure
    planned_fault_seconds: Measure
    overtime_seconds: Measure
    scrap_parts: Measure
    inspected_parts: Measure
    rework_parts: Measure
    reworked_of_parts: Measure
    tool_changes: Measure
    hour_meter_hours: Measure
    no_load_seconds: Measure
    loaded_executing_seconds: Measure
    low_power_factor_seconds: Measure
    factored_powered_seconds: Measure
    load_entropy: Measure
    load_entropy_days: Measure
    alarm_severity: Measure
    alarmed_executing_seconds: Measure
    clock_jumps: Measure
    clocked_machine_days: Measure
    start_seconds: Measure
    started_machine_days: Measure

    machine_days: Measure
    observed_machine_days: Measure
    active_machine_days: Measure

    open_order_parts: Measure
    due_parts: Measure
    on_time_parts: Measure
    invoiced_parts: Measure
    invoiced_minor: Measure
    credited_minor: Measure
    received_minor: Measure
    receivable_minor: Measure
    overdue_minor: Measure
    purchased_minor: Measure
    payable_minor: Measure
    debt_service_minor: Measure
    billed_kwh: Measure
    planned_work_seconds: Measure
    corrective_work_seconds: Measure
    planned_services: Measure
    moved_km: Measure

    first_observed: NDArray[np.int64]
    """Column of the unit's first observed day within the history; the number of days where there is none."""

    standing: Standing
    fleet: Fleet | None = None
    """At the obligor level: the machines that the units owned at the `as_of`."""

    _found: dict[Any, Any] = field(init=False, repr=False, compare=False, default_factory=dict)

    def once(self, key: tuple[str, int], compute: Callable[[], Found]) -> Found:
        """What several features need of this history, computed for the first of them."""
        if key not in self._found:
            self._found[key] = compute()
        found: Found = self._found[key]
        return found

    @property
    def length(self) -> int:
        """Days that the long measures reach back."""
        return int(self.observed_seconds.values.shape[1])

    @property
    def days(self) -> NDArray[np.datetime64]:
        """Local calendar day of each cell: (unit, day) datetime64[D]."""
        back = np.arange(self.length - 1, -1, -1).astype("timedelta64[D]")
        return np.asarray(self.last_days[:, None] - back[None, :])


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """The machines of an obligor history's units: a history of their own, and the position of each one's owner."""

    history: DailyHistory
    owner: NDArray[np.int64]


LONG_MEASURES = ("within_seconds", "executing_seconds", "observed_seconds", "energy_kwh", "parts")
"""What is compared with the year before, and so reaches back as far as the history itself."""

LEDGER_MEASURES = (
    "open_order_parts",
    "due_parts",
    "on_time_parts",
    "invoiced_parts",
    "invoiced_minor",
    "credited_minor",
    "received_minor",
    "receivable_minor",
    "overdue_minor",
    "purchased_minor",
    "payable_minor",
    "debt_service_minor",
    "billed_kwh",
    "planned_work_seconds",
    "corrective_work_seconds",
    "planned_services",
    "moved_km",
)
"""What `features.ledgers` fills in."""


def unsaid(units: int, days: int) -> Measure:
    """A measure that nobody said of any unit on any day; it takes no room."""
    return Measure(np.broadcast_to(np.float64(np.nan), (units, days)))


def nan_sum(values: Array) -> Array:
    """Row sums that skip NaN; NaN where a row is NaN throughout."""
    said = ~np.isnan(values)
    if said.all():
        return np.asarray(values.sum(axis=1))
    return np.where(said.any(axis=1), np.where(said, values, 0.0).sum(axis=1), np.nan)
