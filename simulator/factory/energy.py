"""Energy: what machines drew, in whole steps, by state and by firm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.factory.day_layout import EXECUTING, FAULT, IDLE, MAINTENANCE, SETUP
from simulator.factory.machine_month import MachineMonth
from simulator.factory.machines import Machines
from simulator.factory.schedule import Quarters

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Energy:
    """Energy in steps of `ENERGY_STEP_KWH`, arrays (m, days). The three add up to the total exactly."""

    executing: Ints
    idle: Ints
    other: Ints
    peak_power: Ints

    @property
    def total(self) -> Ints:
        """All energy of the day."""
        return self.executing + self.idle + self.other


def energy_of(quarters: Quarters, month: MachineMonth, machines: Machines) -> Energy:
    """Energy and peak power of (states, m, days) quarter-hours: of what a machine did, or of what was seen of it.

    One executing quarter-hour of a day draws the peak, the others draw the day's run power.
    """
    constant = {
        SETUP: machines.setup_power[:, None],
        FAULT: machines.fault_power[:, None],
        IDLE: machines.idle_power[:, None],
        MAINTENANCE: machines.maintenance_power[:, None],
    }
    has_executed = quarters[EXECUTING] > 0
    resting = [np.where(quarters[state] > 0, level, 0) for state, level in constant.items()]
    other = sum((quarters[state] * constant[state] for state in (SETUP, FAULT, MAINTENANCE)), np.int64(0))
    return Energy(
        executing=quarters[EXECUTING] * month.run_power + has_executed * (month.peak_power - month.run_power),
        idle=quarters[IDLE] * constant[IDLE],
        other=np.asarray(other, dtype=np.int64),
        peak_power=np.maximum(np.maximum.reduce(resting), has_executed * month.peak_power),
    )


def drawn_by_firm(month: MachineMonth, machines: Machines, count: int) -> Ints:
    """(firms, days): true energy in steps of `ENERGY_STEP_KWH`, of all that `count` firms' machines did."""
    return by_firm(energy_of(month.done, month, machines).total, machines, count)


def made_by_firm(month: MachineMonth, machines: Machines, count: int) -> Ints:
    """(firms, days): good parts made by `count` firms."""
    return by_firm(month.parts_made, machines, count)


def by_firm(amounts: Ints, machines: Machines, count: int) -> Ints:
    """Whole amounts (m, days) added up to (firms, days); a firm without machines has zeros."""
    sums = np.zeros((count, amounts.shape[1]), dtype=np.int64)
    owners, first = np.unique(machines.firm, return_index=True)
    sums[owners] = np.add.reduceat(amounts, first, axis=0)
    return sums
