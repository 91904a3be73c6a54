"""Machines: what they are, what they draw, how they wear, and since when they belong to their firm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_contracts.identifiers import MachineUid, machine_uid
from simulator.firms.obligors import Firms
from simulator.parameter_values import MachineType, PowerParameters, WorldParameters
from simulator.streams import Streams
from simulator.world_calendar import Calendar

ENERGY_STEP_KWH = 0.01
"""All energies are whole numbers of this step, so that the parts add up to the whole exactly."""
POWER_STEP_KW = 0.04
"""The power that draws one energy step in a quarter of an hour."""
DAYS_PER_YEAR = 365.25
MAKER = "合成机床"

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Machines:
    """The machines of one block's firms: arrays of length m, firm by firm.

    Powers are in steps of `POWER_STEP_KW`; `first_day` is the index of the first day of ownership in the world, 0 for
    machines that were there before; `last_day` is one past the last day that is reported.
    """

    uids: tuple[MachineUid, ...]
    firm: Ints
    models: tuple[str, ...]
    first_day: Ints
    last_day: Ints
    install_date: NDArray[np.datetime64]
    value_minor: Ints
    cycle_seconds: Floats
    executing_share: Floats
    setup_share: Floats
    proneness: Floats
    policy_month: Ints
    speed_sd_ratio: float
    """Spread of a day's speed about the cycle time, the same for all."""
    run_power: Floats
    idle_power: Ints
    setup_power: Ints
    maintenance_power: Ints
    fault_power: Ints

    def __len__(self) -> int:
        return len(self.uids)

    def serial(self, position: int) -> str:
        """The maker's serial number of one machine."""
        return f"SYN-{self.models[position]}-{self.uids[position][10:17]}{self.uids[position][-2:]}"


def draw_machines(
    block: int, firms: Firms, *, last_days: Ints, calendar: Calendar, parameters: WorldParameters, streams: Streams
) -> Machines:
    """The machines of a block. `last_days` is, by firm, one past the last day on which its machines report.

    A machine that would be bought after that day is never bought: its `last_day` is 0.
    """
    limits = parameters.machines
    counts = _counts(block, len(firms), parameters=parameters, streams=streams)
    firm = np.repeat(np.arange(len(firms)), counts)
    own = streams.of("machine.uniform", block).random((len(firm), 8))
    normal = streams.of("machine.normal", block).standard_normal((len(firm), 4))
    kinds = _kinds(firms, firm, own[:, 0], parameters=parameters)
    is_first = np.diff(firm, prepend=-1) > 0  # a firm has at least one machine from the start
    bought_later = ~is_first & (own[:, 1] < limits.bought_in_window_share)
    first_day = np.where(bought_later, 1 + np.floor(own[:, 2] * (calendar.day_count - 1)), 0).astype(np.int64)
    age = np.where(bought_later, 0.0, _within(own[:, 3], limits.age_low_years, limits.age_high_years))
    worth = np.maximum(np.exp(-limits.depreciation_per_year * age), limits.least_value_share)
    value = _column(kinds, "value_cny") * np.exp(limits.value_sd_log * normal[:, 2]) * worth
    schedule = parameters.schedule
    share = schedule.executing_share_mean + schedule.executing_share_sd * normal[:, 3]
    gamma = streams.of("machine.proneness", block).gamma(parameters.faults.proneness_shape, size=len(firm))
    run = _column(kinds, "run_kw") * np.exp(limits.run_sd_log * normal[:, 0]) / POWER_STEP_KW
    return Machines(
        uids=_uids(firms, counts),
        firm=firm,
        models=tuple(kind.model for kind in kinds),
        first_day=first_day,
        last_day=np.where(first_day < last_days[firm], last_days[firm], 0),
        install_date=calendar.date_of(first_day - np.floor(age * DAYS_PER_YEAR).astype(np.int64)),
        value_minor=np.round(value / 1000.0).astype(np.int64) * 100_000,
        cycle_seconds=_column(kinds, "cycle_seconds") * np.exp(limits.cycle_sd_log * normal[:, 1]),
        executing_share=np.clip(share, 0.5, 0.97),
        setup_share=_within(own[:, 4], schedule.setup_share_low, schedule.setup_share_high),
        proneness=gamma / parameters.faults.proneness_shape,
        policy_month=1 + np.floor(own[:, 5] * 12).astype(np.int64),
        speed_sd_ratio=limits.speed_sd_ratio,
        run_power=run,
        **_other_powers(run, own[:, 6], power=parameters.power),
    )


def _counts(block: int, firms: int, *, parameters: WorldParameters, streams: Streams) -> Ints:
    limits = parameters.machines
    chance = limits.count_shape / (limits.count_shape + limits.mean_count - 1.0)
    more = streams.of("machine.count", block).negative_binomial(limits.count_shape, chance, size=firms)
    return np.minimum(1 + more, limits.largest_count)


def _uids(firms: Firms, counts: Ints) -> tuple[MachineUid, ...]:
    return tuple(
        machine_uid(obligor, f"M{number:02d}")
        for obligor, count in zip(firms.obligor_ids, counts, strict=True)
        for number in range(1, count + 1)
    )


def _kinds(firms: Firms, firm: Ints, uniform: Floats, *, parameters: WorldParameters) -> list[MachineType]:
    choices = [parameters.industries[division].machine_types for division in firms.divisions]
    types = parameters.machines.types
    return [
        types[choices[owner][int(chance * len(choices[owner]))]] for owner, chance in zip(firm, uniform, strict=True)
    ]


def _column(kinds: list[MachineType], name: str) -> Floats:
    return np.array([getattr(kind, name) for kind in kinds], dtype=np.float64)


def _within(uniform: Floats, low: float, high: float) -> Floats:
    return low + (high - low) * uniform


def _other_powers(run: Floats, uniform: Floats, *, power: PowerParameters) -> dict[str, Any]:
    idle = _within(uniform, power.idle_share_low, power.idle_share_high)
    shares: dict[str, float | Floats] = {
        "idle_power": idle,
        "setup_power": power.setup_share,
        "maintenance_power": power.maintenance_share,
        "fault_power": power.fault_share,
    }
    return {name: np.round(run * share).astype(np.int64) for name, share in shares.items()}
