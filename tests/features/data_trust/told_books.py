"""What is told of a few machines, made by hand: honest days, and days that a fraud changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.data_trust.told import MEASURES, Ledgers, Told

Floats = NDArray[np.float64]

DAYS = 364
FIRST_DAY = 20_000
RUN_KW, IDLE_KW, PARTS_PER_HOUR = 10.0, 3.0, 60.0
QUARTER = 900.0


def honest(machines: int = 2, obligors: int = 1, *, days: int = DAYS, seed: int = 7) -> Told:
    """`machines` of each obligor, six days a week, eight to ten hours: power, parts and hours agree with each other and
    with the bills, delivery notes and invoices."""
    random = np.random.default_rng(seed)
    shape = (machines * obligors, days)
    works = np.broadcast_to((FIRST_DAY + np.arange(days)) % 7 != 3, shape)
    executing = works * QUARTER * random.integers(32, 41, shape)
    idle, setup = works * QUARTER * random.integers(3, 7, shape), works * QUARTER * random.integers(2, 5, shape)
    run = RUN_KW * (1.0 + 0.06 * random.standard_normal(shape))
    pace = PARTS_PER_HOUR * (1.0 + 0.03 * random.standard_normal(shape))
    zeros = np.zeros(shape)
    hours = np.cumsum(executing, axis=1) / 3600
    energy = {
        "energy_executing_kwh": run * executing / 3600,
        "energy_idle_kwh": IDLE_KW * idle / 3600,
        "energy_other_kwh": 4.0 * setup / 3600,
    }
    measures = {
        **dict.fromkeys(MEASURES, zeros),
        "executing_seconds": executing,
        "idle_seconds": idle,
        "setup_seconds": setup,
        "off_seconds": 86_400.0 - executing - idle - setup,
        **energy,
        "energy_kwh": sum(energy.values()),
        "peak_kw": 1.3 * run * works,
        "parts": np.round(pace * executing / 3600),
        "hour_meter_hours": 5_000.0 + hours,
        "state_changes": 6.0 * works,
        "first_start_seconds": np.where(works, 8 * 3600.0, np.nan),
        "tool_changes": np.diff(hours // 10.0, axis=1, prepend=0.0),
    }
    told = Told(
        obligor_ids=tuple(f"O{number}" for number in range(obligors)),
        machine_uids=tuple(f"O{row // machines}/M{row % machines}" for row in range(shape[0])),
        owner=np.repeat(np.arange(obligors), machines),
        first_day=FIRST_DAY,
        measures={name: np.array(values, dtype=np.float64) for name, values in measures.items()},
        ledgers=Ledgers(**dict.fromkeys(Ledgers.__dataclass_fields__, np.zeros((obligors, days)))),
    )
    return replace(told, ledgers=papers(told))


def papers(told: Told) -> Ledgers:
    """Bills, delivery notes and invoices as they follow from what was told."""
    parts, kwh = told.by_obligor(told.measures["parts"]), told.by_obligor(told.measures["energy_kwh"])
    days = (told.first_day + np.arange(told.days)).astype("datetime64[D]")
    months = days.astype("datetime64[M]")
    last = np.append(months[1:] != months[:-1], True)
    billed = np.zeros_like(kwh)
    for column in np.flatnonzero(last):
        billed[:, column] = kwh[:, months == months[column]].sum(axis=1)
    shipped = np.concatenate([np.zeros((len(parts), 1)), parts[:, :-1]], axis=1)
    return Ledgers(
        delivered_parts=shipped,
        delivered_minor=shipped * 500,
        invoiced_minor=shipped * 500,
        invoiced_unmatched_minor=np.zeros_like(shipped),
        billed_kwh=billed * 1.02,
        inspections=np.zeros_like(shipped),
    )


def changed(told: Told, row: int, days: slice, **values: Any) -> Told:
    """The same with other measures of a row on some days; papers stay as they were."""
    measures: Mapping[str, Floats] = {name: array.copy() for name, array in told.measures.items()}
    for name, value in values.items():
        measures[name][row, days] = value
    return replace(told, measures=measures)
