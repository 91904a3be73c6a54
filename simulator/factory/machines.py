"""Machines: what they are, what they draw, how they wear, and since when they belong to their firm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_contracts.identifiers import MachineUid, machine_uid
from simulator.firms.obligors import Firms, machine_counts
from simulator.parameter_values import MachineType, PowerParameters, WorldParameters
from simulator.streams import Streams
from simulator.world_calendar import Calendar

ENERGY_STEP_KWH = 0.01
"""All energies are whole numbers of this step, so that the parts add up to the whole exactly."""
POWER_STEP_KW = 0.04
"""The power that draws one energy step in a quarter of an hour."""
DAYS_PER_YEAR = 365.25
MAKER = "合成机床"
FOREVER = np.iinfo(np.int64).max
NO_SITE = -1

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Machines:
    """The machines of one block's firms: arrays of length m, firm by firm.

    A machine that changes hands is two rows of one uid. Powers are in steps of `POWER_STEP_KW`; `first_day` is the
    index of the first day of ownership in the world, 0 for machines that were there before; `last_day` is one past the
    last day that is reported; `owned_until` is the first day that the firm no longer owns it, FOREVER while it does.
    Of a machine sold by a firm that goes on the two are the same day.
    """

    uids: tuple[MachineUid, ...]
    firm: Ints
    kind: Ints
    """Position of the machine's type in the order of their names."""
    models: tuple[str, ...]
    first_day: Ints
    last_day: Ints
    owned_until: Ints
    site: Ints
    """0 or 1, where the machine stands first; NO_SITE for a firm that has only one site and never names it."""
    moved_day: Ints
    """The day from which it stands at the other of its firm's sites, FOREVER where it stays."""
    install_date: NDArray[np.datetime64]
    value_minor: Ints
    cycle_seconds: Floats
    executing_share: Floats
    setup_share: Floats
    proneness: Floats
    policy_month: Ints
    predecessor: Ints
    """Row of the same machine under the firm that owned it before; -1 where this row is the first."""
    tool_life_quarters: Ints
    """Executing quarter-hours that a tool lasts."""
    meter_quarters: Ints
    """Executing quarter-hours before the world, or before the machine was bought in it: 0."""
    speed_sd_ratio: float
    """Spread of a day's speed about the cycle time, the same for all."""
    load_power: Floats
    """What cutting draws on top of idle power, on average."""
    idle_power: Ints
    setup_power: Ints
    maintenance_power: Ints
    fault_power: Ints

    def __len__(self) -> int:
        return len(self.uids)

    @property
    def distinct(self) -> int:
        """How many machines there are, whoever owns them."""
        return int(((self.last_day > 0) & (self.predecessor < 0)).sum())

    def serial(self, position: int) -> str:
        """The maker's serial number of one machine."""
        return f"SYN-{self.models[position]}-{self.uids[position][10:17]}{self.uids[position][-2:]}"


def draw_machines(
    block: int, firms: Firms, *, last_days: Ints, calendar: Calendar, parameters: WorldParameters, streams: Streams
) -> Machines:
    """The machines of a block, each under its first owner, see `change_hands` and `settle_sites`. `last_days` is, by
    firm, one past the last day on which its machines report.

    A machine that would be bought after that day is never bought: its `last_day` is 0.
    """
    limits = parameters.machines
    counts = machine_counts(block, len(firms), parameters=parameters, streams=streams)
    firm = np.repeat(np.arange(len(firms)), counts)
    own = streams.of("machine.uniform", block).random((len(firm), 8))
    normal = streams.of("machine.normal", block).standard_normal((len(firm), 4))
    is_first = np.diff(firm, prepend=-1) > 0  # a firm has at least one machine from the start
    bought_later = ~is_first & (own[:, 1] < limits.bought_in_window_share)
    first_day = np.where(bought_later, 1 + np.floor(own[:, 2] * (calendar.day_count - 1)), 0).astype(np.int64)
    age = np.where(bought_later, 0.0, _within(own[:, 3], limits.age_low_years, limits.age_high_years))
    gamma = streams.of("machine.proneness", block).gamma(parameters.faults.proneness_shape, size=len(firm))
    return make_machines(
        firms,
        firm,
        _uids(firms, counts),
        first_day=first_day,
        last_day=np.where(first_day < last_days[firm], last_days[firm], 0),
        age=age,
        uniform=own,
        normal=normal,
        gamma=gamma,
        calendar=calendar,
        parameters=parameters,
    )


def make_machines(
    firms: Firms,
    firm: Ints,
    uids: Sequence[MachineUid],
    *,
    first_day: Ints,
    last_day: Ints,
    age: Floats,
    uniform: Floats,
    normal: Floats,
    gamma: Floats,
    calendar: Calendar,
    parameters: WorldParameters,
) -> Machines:
    """Machines of these firms (rows of `firms`) from their draws: `uniform` (m, 8), `normal` (m, 4), and `gamma` (m,)
    of the shape of proneness; `age` is in years on the first day."""
    limits, schedule = parameters.machines, parameters.schedule
    kind = _kinds(firms, firm, uniform[:, 0], parameters=parameters)
    types = list(limits.types.values())
    kinds = [types[position] for position in kind]
    worth = np.maximum(np.exp(-limits.depreciation_per_year * age), limits.least_value_share)
    value = _column(kinds, "value_cny") * np.exp(limits.value_sd_log * normal[:, 2]) * worth
    share = schedule.executing_share_mean + schedule.executing_share_sd * normal[:, 3]
    past = DAYS_PER_YEAR * limits.past_use_share * firms.nominal_quarters[firm]
    run = _column(kinds, "run_kw") * np.exp(limits.run_sd_log * normal[:, 0]) / POWER_STEP_KW
    return Machines(
        uids=tuple(uids),
        firm=firm,
        kind=kind,
        models=tuple(kind.model for kind in kinds),
        first_day=first_day,
        last_day=last_day,
        owned_until=np.full(len(firm), FOREVER),
        site=np.full(len(firm), NO_SITE),
        moved_day=np.full(len(firm), FOREVER),
        install_date=calendar.date_of(first_day - np.floor(age * DAYS_PER_YEAR).astype(np.int64)),
        value_minor=np.round(value / 1000.0).astype(np.int64) * 100_000,
        cycle_seconds=_column(kinds, "cycle_seconds") * np.exp(limits.cycle_sd_log * normal[:, 1]),
        executing_share=np.clip(share, 0.5, 0.97),
        setup_share=_within(uniform[:, 4], schedule.setup_share_low, schedule.setup_share_high),
        proneness=gamma / parameters.faults.proneness_shape,
        policy_month=1 + np.floor(uniform[:, 5] * 12).astype(np.int64),
        predecessor=np.full(len(firm), -1, dtype=np.int64),
        tool_life_quarters=np.round(4.0 * _column(kinds, "tool_life_hours")).astype(np.int64),
        meter_quarters=np.floor(age * past).astype(np.int64),
        speed_sd_ratio=limits.speed_sd_ratio,
        **_powers(run, uniform[:, 6], power=parameters.power),
    )


def _uids(firms: Firms, counts: Ints) -> tuple[MachineUid, ...]:
    return tuple(
        machine_uid(obligor, f"M{number:02d}")
        for obligor, count in zip(firms.obligor_ids, counts, strict=True)
        for number in range(1, count + 1)
    )


def _kinds(firms: Firms, firm: Ints, uniform: Floats, *, parameters: WorldParameters) -> Ints:
    names = list(parameters.machines.types)
    choices = [
        [names.index(name) for name in parameters.industries[division].machine_types] for division in firms.divisions
    ]
    return np.array(
        [choices[owner][int(chance * len(choices[owner]))] for owner, chance in zip(firm, uniform, strict=True)],
        dtype=np.int64,
    )


def _column(kinds: list[MachineType], name: str) -> Floats:
    return np.array([getattr(kind, name) for kind in kinds], dtype=np.float64)


def _within(uniform: Floats, low: float, high: float) -> Floats:
    return low + (high - low) * uniform


def _powers(run: Floats, uniform: Floats, *, power: PowerParameters) -> dict[str, Any]:
    """Power adds up: the controller while powered, hydraulics while ready, the setup drive, the load of cutting."""
    share = _within(uniform, power.idle_share_low, power.idle_share_high)
    controller = np.round(run * share * power.base_of_idle_share).astype(np.int64)
    hydraulics = np.round(run * share * (1.0 - power.base_of_idle_share)).astype(np.int64)
    return {
        "load_power": run - controller - hydraulics,
        "idle_power": controller + hydraulics,
        "setup_power": controller + hydraulics + np.round(run * power.setup_drive_share).astype(np.int64),
        "maintenance_power": controller + np.round(run * power.maintenance_work_share).astype(np.int64),
        "fault_power": controller,
    }
