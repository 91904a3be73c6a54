"""The meter of a site counts what is really drawn: air-cutting and dummy loads stand in the energy bill."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from data_contracts.contract import RecordKind
from simulator.block import Block, Laws
from simulator.factory.machines import ENERGY_STEP_KWH
from simulator.finance.costs import energy_cost
from simulator.frauds.forge import Drawn
from simulator.told.money import Tables


def with_drawn(tables: Tables, drawn: Sequence[Drawn], block: Block, laws: Laws) -> Tables:
    """The ledgers with what a block's fraudsters drew on their energy bills, at the tariff of their shifts.

    The firm's account does not pay for it: a fraud never changes the truth.
    """
    steps: Counter[tuple[str, object]] = Counter()
    shifts = {}
    for entry in drawn:
        first = laws.calendar.date_of(np.array([laws.calendar.months[entry.position].first_day]))[0].item()
        obligor = block.firms.obligor_ids[entry.firm]
        steps[obligor, first] += entry.steps
        shifts[obligor] = int(block.firms.shifts[entry.firm])
    bills = tables[RecordKind.ENERGY_BILL]
    if not steps:
        return tables
    rows = bills.to_pylist()
    for row in rows:
        if more := steps[row["obligor_id"], row["month"]]:
            row["energy_kwh"] += more * ENERGY_STEP_KWH
            shift = np.array([shifts[row["obligor_id"]]])
            row["amount_minor"] += int(energy_cost(np.array([more]), shift, laws.parameters.finance)[0])
    return {**tables, RecordKind.ENERGY_BILL: pa.Table.from_pylist(rows, schema=bills.schema)}
