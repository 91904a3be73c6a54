"""The course of a world: month after month for all blocks, and the ledgers at its end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from data_contracts.contract import RecordKind
from simulator import truth
from simulator.block import Block, BlockState, Laws, opening, step
from simulator.credit.reduced_form import TruePd
from simulator.insurance.claims import draw_claims, write_policies
from simulator.summary import Tally, insured_years, tally
from simulator.told import ledgers
from simulator.told.reports import report_table
from simulator.told.samples import sample_table
from simulator.trade.deliveries import deliver
from simulator.trade.orders import Orders, joined
from simulator.world_calendar import Month
from simulator.write import WorldFolder

SAMPLES_FILE = "samples"

Ints = NDArray[np.int64]
Progress = Callable[[str, int, int], None]
"""Told after each step: its name, how many are done, and their total."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """Which firms' machines are also written as samples: positions by block, and from which day of the world."""

    firms: Mapping[int, Sequence[int]]
    first_day: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockRun:
    """A block on its way: its state, its orders, and the parts made by firm and day so far."""

    block: Block
    state: BlockState
    orders: tuple[Orders, ...]
    opening_stock: Ints
    made: tuple[Ints, ...] = ()
    """By month, (firms, days)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a block's month adds to the world, and the run after it."""

    run: BlockRun
    reports: pa.Table
    samples: pa.Table
    claims: pa.Table
    obligor_truth: pa.Table
    machine_truth: pa.Table
    tally: Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """A world after its last month."""

    runs: tuple[BlockRun, ...]
    claims: pa.Table
    tally: Tally


def chronicle(
    blocks: Sequence[Block],
    laws: Laws,
    *,
    pd_at: TruePd,
    sampling: Sampling,
    folder: WorldFolder,
    pool: Executor,
    progress: Progress,
) -> Course:
    """Run all months, writing reports, samples and truth on the way; the next month runs while one is written."""
    months = laws.calendar.months
    turn = partial(_turn, laws=laws, pd_at=pd_at, sampling=sampling)
    pending = [pool.submit(turn, _start(block, laws), months[0]) for block in blocks]
    claims: list[pa.Table] = []
    total = Tally()
    for position, month in enumerate(months):
        pages = [page.result() for page in pending]
        if position + 1 < len(months):
            pending = [pool.submit(turn, page.run, months[position + 1]) for page in pages]
        _write(pages, month, folder)
        if position + 1 == len(months) or _file_of(months[position + 1]) != _file_of(month):
            folder.finish(RecordKind.MACHINE_DAY_REPORT, _file_of(month))
        claims += [page.claims for page in pages]
        total = sum((page.tally for page in pages), total)
        progress("machine_days", position + 1, len(months))
    if folder.is_open(RecordKind.SAMPLE, SAMPLES_FILE):
        folder.finish(RecordKind.SAMPLE, SAMPLES_FILE)
    return Course(runs=tuple(page.run for page in pages), claims=pa.concat_tables(claims), tally=total)


def books(course: Course, laws: Laws, *, folder: WorldFolder, progress: Progress) -> float:
    """Write the ledgers, and the truth that does not change with the months; the insured machine-years of the world."""
    written: dict[RecordKind, list[pa.Table]] = {}
    insured = 0.0
    for done, run in enumerate(course.runs):
        block = run.block
        policies = write_policies(block, calendar=laws.calendar, insurance=laws.parameters.insurance)
        insured += insured_years(block, policies, laws.calendar)
        tables = {
            RecordKind.OBLIGOR_PROFILE: ledgers.profile_table(block, laws),
            RecordKind.MACHINE_OWNERSHIP: ledgers.ownership_table(block, laws),
            **_trade_tables(run, laws),
            RecordKind.INSURANCE_POLICY: ledgers.policy_table(block, policies, laws),
            RecordKind.DEFAULT_EVENT: ledgers.default_table(block, laws),
        }
        for kind, table in tables.items():
            written.setdefault(kind, []).append(table)
        folder.append_truth("obligor", truth.obligor_table(block, run.opening_stock))
        folder.append_truth("default", truth.default_table(block, laws))
        progress("ledgers", done + 1, len(course.runs))
    whole = {kind: pa.concat_tables(tables) for kind, tables in written.items()}
    whole[RecordKind.INSURANCE_CLAIM] = course.claims.sort_by(
        [("machine_uid", "ascending"), ("event_time", "ascending")]
    )
    for kind, table in whole.items():
        folder.ledger(kind, table)
    return insured


def _start(block: Block, laws: Laws) -> BlockRun:
    state, orders, stock = opening(block, laws)
    return BlockRun(block=block, state=state, orders=(orders,), opening_stock=stock)


def _turn(run: BlockRun, month: Month, *, laws: Laws, pd_at: TruePd, sampling: Sampling) -> Page:
    """One month of one block, as tables; runs in the pool."""
    block = run.block
    state, told = step(block, month, run.state, laws)
    claims = draw_claims(block, told, laws)
    samples = sample_table(
        told.machines,
        block.machines,
        laws.calendar,
        firms=np.array(sampling.firms[block.number], dtype=np.int64),
        first_day=sampling.first_day,
    )
    by_day = np.add.reduceat(told.machines.parts_made, np.unique(block.machines.firm, return_index=True)[1], axis=0)
    after = replace(run, state=state, orders=(*run.orders, told.orders), made=(*run.made, by_day))
    return Page(
        run=after,
        reports=report_table(told.machines, block.machines, laws.calendar),
        samples=samples,
        claims=ledgers.claim_table(block, claims, laws),
        obligor_truth=truth.obligor_month_table(block, told, laws, pd_at=pd_at),
        machine_truth=truth.machine_month_table(block, told, claims, laws),
        tally=replace(tally(block, told.machines), claims=len(claims.machine)),
    )


def _write(pages: Sequence[Page], month: Month, folder: WorldFolder) -> None:
    folder.append(RecordKind.MACHINE_DAY_REPORT, _file_of(month), pa.concat_tables([page.reports for page in pages]))
    samples = pa.concat_tables([page.samples for page in pages])
    if len(samples):
        folder.append(RecordKind.SAMPLE, SAMPLES_FILE, samples)
    folder.append_truth("obligor_month", pa.concat_tables([page.obligor_truth for page in pages]))
    folder.append_truth("machine_month", pa.concat_tables([page.machine_truth for page in pages]))


def _file_of(month: Month) -> str:
    """A file holds half a calendar year."""
    return f"{month.first.year}-H{1 if month.first.month <= 6 else 2}"


def _trade_tables(run: BlockRun, laws: Laws) -> dict[RecordKind, pa.Table]:
    orders = joined(list(run.orders))
    deliveries = deliver(
        orders,
        np.concatenate(run.made, axis=1),
        opening_stock=run.opening_stock,
        two_shipments_from_lead_days=laws.parameters.trade.two_shipments_from_lead_days,
        last_day=run.block.lives.last_day,
    )
    return {
        RecordKind.PURCHASE_ORDER: ledgers.order_table(run.block, orders, laws),
        RecordKind.DELIVERY: ledgers.delivery_table(run.block, orders, deliveries, laws),
    }
