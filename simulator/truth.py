"""The truth behind a world: latent states, hazards and exact probabilities, month by month. No feature may read it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from simulator.block import Block, BlockMonth, Laws
from simulator.credit.reduced_form import TruePd
from simulator.factory.machine_month import EXECUTING
from simulator.firms.obligors import sum_by_firm
from simulator.insurance.claims import Claims
from simulator.told.reports import INSTANT

QUARTERS_PER_HOUR = 4.0

Ints = NDArray[np.int64]


def obligor_month_table(block: Block, month: BlockMonth, laws: Laws, *, pd_at: TruePd) -> pa.Table:
    """A row for each firm not in default at the month's end: its state then, and what the state implies.

    `pd_12m_true` is the probability of default within the next twelve months given the state at `as_of`, the month's
    end; `hazard_true` the chance of default that it had within the month.
    """
    position = month.machines.month.position
    alive = np.flatnonzero(block.lives.default_month > position)
    health = block.health.health[alive, position + 1]
    industry = block.health.industry_state[alive, position + 1]
    count = len(block.firms)
    ordered = sum_by_firm(month.orders.parts, month.orders.firm, count=count)
    made = sum_by_firm(month.machines.parts_made.sum(axis=1), block.machines.firm, count=count)
    as_of = laws.calendar.midnight(month.machines.month.first_day + month.machines.month.length)
    return pa.table(
        {
            "obligor_id": pa.array(block.firms.obligor_ids).take(pa.array(alive)),
            "as_of": pa.array(np.full(len(alive), as_of), type=INSTANT),
            "health": health,
            "quality": block.firms.quality[alive],
            "industry_state": industry,
            "hazard_true": block.lives.hazard[alive, position],
            "pd_12m_true": pd_at(block.lives.static_log_odds[alive], health, industry),
            "load_ratio": month.load[alive],
            "maintenance_debt": month.maintenance_debt[alive],
            "parts_ordered": ordered[alive],
            "parts_made": made[alive],
        }
    )


def machine_month_table(block: Block, month: BlockMonth, claims: Claims, laws: Laws) -> pa.Table:
    """A row for each machine that its firm owned and ran: executing hours, failures expected and drawn, claims."""
    machines, done = block.machines, month.machines
    rows = np.flatnonzero(done.is_reported.any(axis=1))
    hours = done.done[EXECUTING].sum(axis=1) / QUARTERS_PER_HOUR
    days = laws.calendar.date_of(np.full(len(rows), done.month.first_day))
    return pa.table(
        {
            "machine_uid": pa.array(machines.uids).take(pa.array(rows)),
            "month": pa.array(days, type=pa.date32()),
            "executing_hours": hours[rows],
            "fault_hazard_per_hour": month.fault_hazard[rows],
            "faults": done.fault_starts.sum(axis=1, dtype=np.int64)[rows],
            "claims": np.bincount(claims.machine, minlength=len(machines))[rows],
            "parts_made": done.parts_made.sum(axis=1)[rows],
        }
    )


def obligor_table(block: Block, opening_stock: Ints) -> pa.Table:
    """A row a firm: what does not change, and the finished parts with which it began."""
    return pa.table(
        {
            "obligor_id": pa.array(block.firms.obligor_ids),
            "shifts": block.firms.shifts + 1,
            "quality": block.firms.quality,
            "static_log_odds": block.lives.static_log_odds,
            "opening_stock_parts": opening_stock,
        }
    )


def default_table(block: Block, laws: Laws) -> pa.Table:
    """Every default of the world, also those that no lender's file shows yet."""
    firm = np.flatnonzero(block.lives.default_day < laws.calendar.day_count)
    return pa.table(
        {
            "obligor_id": pa.array(block.firms.obligor_ids).take(pa.array(firm)),
            "event_time": pa.array(laws.calendar.midnight(block.lives.default_day[firm]), type=INSTANT),
        }
    )
