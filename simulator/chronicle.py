"""The course of a world: month after month for all blocks, and the ledgers at its end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from data_contracts.contract import RecordKind
from simulator import account, leaks, truth
from simulator.block import Block, BlockState, Laws, as_known, opening, step
from simulator.credit.true_pd import TruePd
from simulator.frauds.forge import hidden_spells
from simulator.frauds.honest import told_lessors
from simulator.frauds.labels import label_table
from simulator.frauds.meter import with_drawn
from simulator.frauds.numbers import renumbered
from simulator.frauds.papers import false_papers, is_on_papers
from simulator.frauds.plan import Code
from simulator.insurance.claims import draw_claims, write_policies
from simulator.summary import Tally, insured_years, tally
from simulator.telling import Sampling, Teller, begin, tell
from simulator.told import ledgers
from simulator.told.makers.collect import Reading
from simulator.told.makers.files import gateway_files, maker_of, mapping_text
from simulator.told.makers.quarter_hours import QuarterHours, join
from simulator.told.money import Tables, month_tables, opening_tables
from simulator.told.monitor import inspection_table, notice_table, silence_table
from simulator.trade.deliveries import Shipments, joined_shipments
from simulator.trade.orders import Orders, joined
from simulator.world_calendar import Month
from simulator.write import WorldFolder

SAMPLES_FILE = "samples"
_BY_OBLIGOR = [("obligor_id", "ascending"), ("event_time", "ascending"), ("recorded_time", "ascending")]

Ints = NDArray[np.int64]
Progress = Callable[[str, int, int], None]
"""Told after each step: its name, how many are done, and their total."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockRun:
    """A block on its way: its state, and the orders and shipments so far."""

    block: Block
    state: BlockState
    teller: Teller
    orders: tuple[Orders, ...]
    opening_stock: Ints
    shipped: tuple[Shipments, ...] = ()
    """By month."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a block's month adds to the world, and the run after it."""

    run: BlockRun
    reports: pa.Table
    samples: pa.Table
    gathered: tuple[tuple[Reading, tuple[QuarterHours, ...]], ...]
    claims: pa.Table
    money: Tables
    obligor_truth: pa.Table
    machine_truth: pa.Table
    failure_truth: pa.Table
    account_truth: pa.Table
    sale_truth: pa.Table
    tally: Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """A world after its last month."""

    runs: tuple[BlockRun, ...]
    claims: pa.Table
    money: Tables
    """The ledgers of money and upkeep."""
    tally: Tally
    gathered: Mapping[Reading, Sequence[QuarterHours]]
    """By request, its machines' quarter-hours from first to last."""


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
    turn = partial(_turn, laws=laws, pd_at=pd_at)
    starts = [_start(block, laws, sampling) for block in blocks]
    sampling = _chosen(sampling, [run for run, _ in starts], months[0])
    pending = [pool.submit(turn, run, months[0], sampling=sampling) for run, _ in starts]
    claims: list[pa.Table] = []
    money: dict[RecordKind, list[pa.Table]] = defaultdict(list)
    _gather(money, [papers for _, papers in starts])
    total = Tally()
    gathered: dict[Reading, list[QuarterHours]] = defaultdict(list)
    for position, month in enumerate(months):
        pages = [page.result() for page in pending]
        if position + 1 < len(months):
            sampling = _chosen(sampling, [page.run for page in pages], months[position + 1])
            pending = [pool.submit(turn, page.run, months[position + 1], sampling=sampling) for page in pages]
        _write(pages, month, folder)
        if position + 1 == len(months) or _file_of(months[position + 1]) != _file_of(month):
            folder.finish(RecordKind.MACHINE_DAY_REPORT, _file_of(month))
        claims += [page.claims for page in pages]
        _gather(money, [page.money for page in pages])
        for reading, machines in (found for page in pages for found in page.gathered):
            gathered[reading] += machines
        total = sum((page.tally for page in pages), total)
        progress("machine_days", position + 1, len(months))
    if folder.is_open(RecordKind.SAMPLE, SAMPLES_FILE):
        folder.finish(RecordKind.SAMPLE, SAMPLES_FILE)
    return Course(
        runs=tuple(page.run for page in pages),
        claims=pa.concat_tables(claims),
        money={kind: pa.concat_tables(tables).sort_by(_BY_OBLIGOR) for kind, tables in money.items()},
        tally=total,
        gathered=gathered,
    )


def books(course: Course, laws: Laws, *, frauds: Sequence[Code], folder: WorldFolder, progress: Progress) -> float:
    """Write the ledgers, and the truth that does not change with the months; the insured machine-years of the world."""
    written: dict[RecordKind, list[pa.Table]] = {}
    insured = 0.0
    for done, run in enumerate(course.runs):
        block = as_known(run.block, run.state.default_day, laws)
        policies = write_policies(block, calendar=laws.calendar, insurance=laws.parameters.insurance)
        insured += insured_years(block, policies, laws.calendar)
        tables = {
            RecordKind.OBLIGOR_PROFILE: ledgers.profile_table(block, laws),
            RecordKind.MACHINE_OWNERSHIP: leaks.told_ownership(ledgers.ownership_table(block, laws), block, laws),
            **_trade_tables(block, run, laws),
            RecordKind.GATEWAY_SILENCE: silence_table(
                block, laws, connection=run.teller.connection, hidden=hidden_spells(run.teller.forger)
            ),
            RecordKind.POWER_NOTICE: notice_table(block, laws),
            RecordKind.SITE_INSPECTION: inspection_table(block, laws),
            RecordKind.INSURANCE_POLICY: ledgers.policy_table(block, policies, laws),
            RecordKind.DEFAULT_EVENT: ledgers.default_table(block, laws),
        }
        for kind, table in tables.items():
            written.setdefault(kind, []).append(table)
        folder.append_truth("obligor", truth.obligor_table(block, run.opening_stock))
        folder.append_truth("default", truth.default_table(block, laws))
        progress("ledgers", done + 1, len(course.runs))
    whole = {kind: pa.concat_tables(tables) for kind, tables in written.items()}
    whole.update(course.money)
    whole[RecordKind.INSURANCE_CLAIM] = course.claims.sort_by(
        [("machine_uid", "ascending"), ("event_time", "ascending")]
    )
    if frauds:
        whole = _with_false_papers(whole, course, laws, frauds=frauds, folder=folder)
    for kind, table in whole.items():
        folder.ledger(kind, table)
    folder.append_truth("buyer", account.buyer_table(laws))
    folder.append_truth("rationing", truth.rationing_table(laws))
    return insured


def _with_false_papers(
    whole: Tables, course: Course, laws: Laws, *, frauds: Sequence[Code], folder: WorldFolder
) -> dict[RecordKind, pa.Table]:
    """The ledgers with what fraudsters add to them; the labels of all frauds go to the truth.

    With frauds on papers all firms' papers are numbered anew by date: a number may not say what was added later.
    """
    for run in course.runs:
        whole = with_drawn(whole, run.teller.forger.drawn, run.block, laws)
        if Code.LEASED_TWICE in frauds:
            whole = told_lessors(whole, run.block, laws)
    told = dict(whole)
    for run in course.runs:
        forger, block = run.teller.forger, as_known(run.block, run.state.default_day, laws)
        added, spells = false_papers(block, forger.frauds, frauds, whole, laws)
        for kind, rows in added.items():
            told[kind] = pa.concat_tables([told[kind], rows]).sort_by(_BY_OBLIGOR)
        folder.append_truth("fraud", label_table(block, (*forger.spells, *spells), laws))
    return dict(renumbered(told)) if any(is_on_papers(code) for code in frauds) else told


def gateways(course: Course, laws: Laws, *, folder: WorldFolder, progress: Progress) -> None:
    """Write the files that the gateways of the firms asked for would send, each maker's with its mapping."""
    blocks = {run.block.number: run.block for run in course.runs}
    for done, (reading, months) in enumerate(course.gathered.items()):
        machines: dict[int, list[QuarterHours]] = defaultdict(list)
        for hours in months:
            machines[hours.machine].append(hours)
        makers = maker_of(blocks[reading.block], laws)
        whole = [join(parts) for _, parts in sorted(machines.items())]
        for file in gateway_files(reading, whole, makers=makers):
            first = laws.calendar.date_of(np.array(reading.first_day))
            folder.raw_samples(
                f"{reading.obligor}-{file.maker.name}-{first}",
                file.text(laws),
                mapping_name=file.maker.name,
                mapping=mapping_text(file.maker, site_zone=laws.calendar.zone),
                obligor=reading.obligor,
            )
        progress("gateways", done + 1, len(course.gathered))


def _chosen(sampling: Sampling, runs: Sequence[BlockRun], month: Month) -> Sampling:
    return sampling.chosen({run.block.number: run.state.default_day.copy() for run in runs}, month)


def _start(block: Block, laws: Laws, sampling: Sampling) -> tuple[BlockRun, Tables]:
    start = opening(block, laws)
    run = BlockRun(
        block=block,
        state=start.state,
        teller=begin(block, laws, frauds=sampling.frauds),
        orders=(start.orders,),
        opening_stock=start.stock,
    )
    return run, opening_tables(block, start.papers, laws)


def _gather(money: dict[RecordKind, list[pa.Table]], pages: Sequence[Tables]) -> None:
    for page in pages:
        for kind, table in page.items():
            money[kind].append(table)


def _turn(run: BlockRun, month: Month, *, laws: Laws, pd_at: TruePd, sampling: Sampling) -> Page:
    """One month of one block, as tables; runs in the pool."""
    block = as_known(run.block, run.state.default_day, laws)
    state, told = step(block, month, run.state, laws)
    known = tell(told.machines, block=block, teller=run.teller, sampling=sampling, laws=laws)
    claims = draw_claims(block, told, laws)
    after = replace(
        run, state=state, teller=known.teller, orders=(*run.orders, told.orders), shipped=(*run.shipped, told.shipped)
    )
    return Page(
        run=after,
        reports=leaks.told_reports(known.reports, block, laws, position=month.position),
        samples=known.samples,
        gathered=known.gathered,
        claims=ledgers.claim_table(block, claims, laws),
        money=month_tables(block, told, laws),
        obligor_truth=truth.obligor_month_table(block, told, laws, pd_at=pd_at),
        machine_truth=truth.machine_month_table(block, told, claims, laws),
        failure_truth=truth.failure_table(block, told, laws),
        account_truth=account.account_table(block, state, told, laws),
        sale_truth=account.sale_table(block, told, laws),
        tally=replace(tally(block, known.month), claims=len(claims.machine)),
    )


def _write(pages: Sequence[Page], month: Month, folder: WorldFolder) -> None:
    folder.append(RecordKind.MACHINE_DAY_REPORT, _file_of(month), pa.concat_tables([page.reports for page in pages]))
    samples = pa.concat_tables([page.samples for page in pages])
    if len(samples):
        folder.append(RecordKind.SAMPLE, SAMPLES_FILE, samples)
    folder.append_truth("obligor_month", pa.concat_tables([page.obligor_truth for page in pages]))
    folder.append_truth("machine_month", pa.concat_tables([page.machine_truth for page in pages]))
    folder.append_truth("failure", pa.concat_tables([page.failure_truth for page in pages]))
    folder.append_truth("account", pa.concat_tables([page.account_truth for page in pages]))
    folder.append_truth("machine_sale", pa.concat_tables([page.sale_truth for page in pages]))


def _file_of(month: Month) -> str:
    """A file holds half a calendar year."""
    return f"{month.first.year}-H{1 if month.first.month <= 6 else 2}"


def _trade_tables(block: Block, run: BlockRun, laws: Laws) -> Tables:
    shipped = joined_shipments(list(run.shipped))
    in_order = np.lexsort((shipped.number, shipped.order, shipped.firm))
    return {
        RecordKind.PURCHASE_ORDER: ledgers.order_table(block, joined(list(run.orders)), laws),
        RecordKind.DELIVERY: ledgers.delivery_table(block, shipped.where(in_order), laws),
    }
