"""The truth behind a world: latent states, hazards and exact probabilities, month by month. No feature may read it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from simulator.block import Block, BlockMonth, Laws
from simulator.credit.reduced_form import Lives
from simulator.credit.structural import Engine
from simulator.credit.true_pd import LIFETIME_MONTHS, TruePd
from simulator.factory.energy import energy_of
from simulator.factory.machine_month import EXECUTING
from simulator.factory.machines import ENERGY_STEP_KWH
from simulator.factory.rationing import draw_episodes
from simulator.finance.debt import PAST_DUE_DAYS
from simulator.firms.obligors import sum_by_firm
from simulator.insurance.claims import Claims, pure_premium
from simulator.told.reports import INSTANT
from simulator.world_calendar import Month

QUARTERS_PER_HOUR = 4.0

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def obligor_month_table(block: Block, month: BlockMonth, laws: Laws, *, pd_at: TruePd) -> pa.Table:
    """A row for each firm not in default at the month's end: its state then, and what the state implies.

    `pd_12m_true` and `pd_lifetime_true` are the exact probabilities of default within the next twelve and sixty months
    given the state at `as_of`, the month's end; `hazard_true` is the chance of default that it had within the month.
    All three are null in the structural engine, where a default is what the account makes of a firm. They are given
    the hidden state alone: `has_stopped_paying` marks a firm that has not paid its lenders since ninety days before a
    default to come, which its ledger of repayments gives away and its state does not.
    """
    position = month.machines.month.position
    alive = np.flatnonzero(block.lives.default_month > position)
    lives, column = block.lives, position + 1
    count = len(block.firms)
    ordered = sum_by_firm(month.orders.parts, month.orders.firm, count=count)
    made = sum_by_firm(month.machines.parts_made.sum(axis=1), block.machines.firm, count=count)
    as_of = laws.calendar.midnight(month.machines.month.first_day + month.machines.month.length)
    return pa.table(
        {
            "obligor_id": pa.array(block.firms.obligor_ids).take(pa.array(alive)),
            "as_of": pa.array(np.full(len(alive), as_of), type=INSTANT),
            "health": lives.health[alive, column],
            "quality": lives.quality[alive],
            "industry_state": lives.industry_state[alive, column],
            **_chances(lives, alive, position, laws, pd_at),
            "has_stopped_paying": _has_stopped_paying(lives, alive, month.machines.month, laws),
            "load_ratio": month.load[alive],
            "maintenance_debt": month.maintenance_debt[alive],
            "parts_ordered": ordered[alive],
            "parts_made": made[alive],
        }
    )


def _chances(lives: Lives, alive: Ints, position: int, laws: Laws, pd_at: TruePd) -> dict[str, Floats | pa.Array]:
    if laws.engine is Engine.STRUCTURAL:
        unknown = pa.nulls(len(alive), type=pa.float64())
        return dict.fromkeys(("hazard_true", "pd_12m_true", "pd_lifetime_true"), unknown)
    return {
        "hazard_true": lives.hazard[alive, position],
        "pd_12m_true": pd_at.of(lives, alive, position=position),
        "pd_lifetime_true": pd_at.of(lives, alive, position=position, months=LIFETIME_MONTHS),
    }


def _has_stopped_paying(lives: Lives, alive: Ints, month: Month, laws: Laws) -> pa.Array:
    """Whether the days without a payment before the default have begun at the month's end; null where nobody knows."""
    if laws.engine is Engine.STRUCTURAL:
        return pa.nulls(len(alive), type=pa.bool_())
    day = lives.default_day[alive]
    return pa.array((day < laws.calendar.day_count) & (day - PAST_DUE_DAYS < month.first_day + month.length))


def machine_month_table(block: Block, month: BlockMonth, claims: Claims, laws: Laws) -> pa.Table:
    """A row for each machine that its firm owned and ran: executing hours, failures expected and drawn, claims,
    parts and energy."""
    machines, done = block.machines, month.machines
    rows = np.flatnonzero(done.is_reported.any(axis=1))
    hours = done.done[EXECUTING].sum(axis=1) / QUARTERS_PER_HOUR
    days = laws.calendar.date_of(np.full(len(rows), done.month.first_day))
    return pa.table(
        {
            "machine_uid": pa.array(machines.uids).take(pa.array(rows)),
            "month": pa.array(days, type=pa.date32()),
            "executing_hours": hours[rows],
            "faults_expected": month.fault_hazard[rows],
            "faults": done.fault_starts.sum(axis=1, dtype=np.int64)[rows],
            "claims": np.bincount(claims.machine, minlength=len(machines))[rows],
            "claims_minor": sum_by_firm(claims.amount_minor, claims.machine, count=len(machines))[rows],
            "pure_premium_minor": pure_premium(block, month, laws)[rows],
            "parts_made": done.parts_made.sum(axis=1)[rows],
            "energy_kwh": energy_of(done.done, done, machines).total.sum(axis=1)[rows] * ENERGY_STEP_KWH,
        }
    )


def failure_table(block: Block, month: BlockMonth, laws: Laws) -> pa.Table:
    """A row for each failure of the month: which component of which machine failed, how gravely, for how long."""
    machines, log = block.machines, month.machines.failures
    types = [list(parts.items()) for parts in laws.parameters.components.types.values()]
    failed = [
        types[kind][position]
        for kind, position in zip(machines.kind[log.machine].tolist(), log.component.tolist(), strict=True)
    ]
    day = laws.calendar.date_of(month.machines.month.days[log.column])
    return pa.table(
        {
            "machine_uid": pa.array(machines.uids).take(pa.array(log.machine)),
            "obligor_id": pa.array(block.firms.obligor_ids).take(pa.array(machines.firm[log.machine])),
            "day": pa.array(day, type=pa.date32()),
            "component": pa.array([code for code, _ in failed], type=pa.string()),
            "severity": pa.array([part.severity for _, part in failed], type=pa.string()),
            "repair_hours": log.repair_quarters / QUARTERS_PER_HOUR,
        }
    )


def rationing_table(laws: Laws) -> pa.Table:
    """A row for each episode of power rationing in the world and each division that it may reach.

    `lost_share` is the share of its working time that a reached firm of the division loses.
    """
    rationing = laws.parameters.rationing
    episodes = draw_episodes(laws.calendar, rationing=rationing, streams=laws.streams)
    divisions = sorted(division for division, intensity in rationing.intensity.items() if intensity > 0.0)
    intensity = np.array([rationing.intensity[division] for division in divisions])
    episode = np.repeat(np.arange(len(episodes)), len(divisions))
    days = {"first_day": episodes.first_day, "until_day": episodes.until_day}
    dates = {name: pa.array(laws.calendar.date_of(day[episode]), type=pa.date32()) for name, day in days.items()}
    return pa.table(
        {
            "episode": episode,
            "division": pa.array(divisions * len(episodes), type=pa.string()),
            **dates,
            "lost_share": episodes.depth[episode] * np.tile(intensity, len(episodes)),
        }
    )


def obligor_table(block: Block, opening_stock: Ints) -> pa.Table:
    """A row a firm: what does not change, and the finished parts with which it began."""
    return pa.table(
        {
            "obligor_id": pa.array(block.firms.obligor_ids),
            "shifts": block.firms.shifts + 1,
            "quality": block.lives.quality,
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
