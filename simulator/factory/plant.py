"""The plant: all machines of a block through a month, from the plan to what their gateways show of it."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from simulator.factory.components import Components, ComponentState, components_of, draw_components, maintained
from simulator.factory.day_layout import EXECUTING, MAINTENANCE, NOT_KNOWN, Codes
from simulator.factory.faults import hazard_ratio, planned_maintenance, strike
from simulator.factory.machine_month import MachineMonth, Work, assemble, put_together
from simulator.factory.machines import Machines
from simulator.factory.output import make, scrap_chance
from simulator.factory.schedule import job_cuts, owned_days, planned_quarters, split_work
from simulator.firms.obligors import Firms
from simulator.gateway.outages import Outages
from simulator.parameter_values import WorldParameters
from simulator.streams import Streams
from simulator.world_calendar import Month

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantState:
    """What machines carry from month to month: arrays whose first axis is the block's machines."""

    components: ComponentState
    meter: Ints
    """Executing quarter-hours since the machine was new."""
    locked_until: Ints
    """Last day of waiting for repair."""
    last_known: Codes
    """Item state that the gateway told last, NOT_KNOWN before the first."""

    def of(self, machines: Ints) -> PlantState:
        """The state of the machines at these rows, which may repeat."""
        components = ComponentState(age=self.components.age[machines], left=self.components.left[machines])
        rest = [entry.name for entry in fields(self) if entry.name != "components"]
        return PlantState(components=components, **{name: getattr(self, name)[machines] for name in rest})


@dataclass(frozen=True, slots=True, kw_only=True)
class Plant:
    """A block's firms and machines, and the laws that they run under."""

    block: int
    firms: Firms
    machines: Machines
    parameters: WorldParameters
    streams: Streams

    @property
    def components(self) -> Components:
        """The components of the machines."""
        return components_of(self.machines.kind, components=self.parameters.components, faults=self.parameters.faults)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drive:
    """What moves a block's machines in a month: arrays by firm, or (firms, days)."""

    load: Floats
    """Work planned, as a ratio to nominal capacity."""
    effort: Floats
    """Share of due maintenance that is done."""
    debt: Floats
    """Maintenance left undone."""
    activity: Floats
    """(firms, days): 1 in ordinary life, falling to 0 after default."""
    supply: Floats
    """(firms, days): share of the working time for which there is power."""


def new_state(plant: Plant) -> PlantState:
    """The machines as the world finds them; one that is bought later is new."""
    machines = plant.machines
    return PlantState(
        components=draw_components(
            plant.block, plant.components, is_new=machines.meter_quarters == 0, streams=plant.streams
        ),
        meter=machines.meter_quarters,
        locked_until=np.full(len(machines), -1, dtype=np.int64),
        last_known=np.full(len(machines), NOT_KNOWN, dtype=np.int8),
    )


def handed_over(state: PlantState, machines: Machines, month: Month) -> PlantState:
    """The state in which machines that change hands with this month begin it: as their last owner left them.

    What the gateway told belongs to the last owner's series, so that nothing is known of a machine's state before.
    """
    taken = np.flatnonzero((machines.predecessor >= 0) & (machines.first_day == month.first_day))
    source = machines.predecessor[taken]
    meter, locked = state.meter.copy(), state.locked_until.copy()
    meter[taken], locked[taken] = state.meter[source], state.locked_until[source]
    components = state.components.handed_over(taken, source)
    return PlantState(components=components, meter=meter, locked_until=locked, last_known=state.last_known)


def run_month(
    plant: Plant, month: Month, state: PlantState, drive: Drive, outages: Outages
) -> tuple[PlantState, MachineMonth]:
    """One month of all machines, planned, worked, broken and seen; and the state after it."""
    parameters, machines = plant.parameters, plant.machines
    place, streams = (plant.block, month), plant.streams
    state = handed_over(state, machines, month)
    work = _work(plant, month, state, drive)
    components = plant.components
    age = components.relative_age(state.components.age)
    scrap = scrap_chance(machines, relative_age=age, debt=drive.debt, faults=parameters.faults)
    executed = work.done[EXECUTING]
    output = make(*place, executed, machines=machines, scrap=scrap, meter=state.meter, streams=streams)
    told = assemble(
        *place,
        work,
        output,
        machines=machines,
        is_reported=owned_days(machines, month),
        outages=outages,
        start_quarter=plant.firms.start_quarter[machines.firm],
        last_known=state.last_known,
        power=parameters.power,
        streams=streams,
    )
    after = PlantState(
        components=maintained(
            work.failures.components,
            (work.done[MAINTENANCE] > 0).sum(axis=1),
            share=parameters.components.maintenance_takes_off_age_share,
        ),
        meter=output.meter[:, -1],
        locked_until=work.failures.locked_until,
        last_known=told.last_known,
    )
    return after, told


def _work(plant: Plant, month: Month, state: PlantState, drive: Drive) -> Work:
    """Plan, preventive maintenance, setup and execution, and the failures that break in."""
    parameters, machines = plant.parameters, plant.machines
    place, streams, schedule, faults = (plant.block, month), plant.streams, parameters.schedule, parameters.faults
    planned = planned_quarters(
        *place,
        firms=plant.firms,
        machines=machines,
        load=drive.load,
        activity=drive.activity,
        supply=drive.supply,
        schedule=schedule,
        streams=streams,
    )
    maintenance = planned_maintenance(
        *place, planned, machines=machines, effort=drive.effort, faults=faults, streams=streams
    )
    setup, executing = split_work(
        *place,
        planned,
        machines=machines,
        load=drive.load,
        maintenance=maintenance,
        schedule=schedule,
        streams=streams,
    )
    failures = strike(
        *place,
        executing,
        components=plant.components,
        state=state.components,
        ratio=hazard_ratio(machines, drive.debt, faults=faults),
        nominal_quarters=plant.firms.nominal_quarters[machines.firm],
        locked_until=state.locked_until,
        faults=faults,
        streams=streams,
    )
    return put_together(
        planned,
        setup=setup,
        maintenance=maintenance,
        executing=executing,
        failures=failures,
        cuts=job_cuts(*place, machines=machines, schedule=schedule, streams=streams),
    )
