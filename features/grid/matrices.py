"""Feature matrices of a whole book at many instants, from one reading of everything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

import numpy as np
from numpy.typing import NDArray

from data_contracts.contract import RecordKind, load_contract
from data_contracts.identifiers import ObligorId
from data_contracts.observations.reader import ObservationReader
from data_contracts.observations.remembered import Observations, RememberedObservations
from data_contracts.reference.dated import ParameterBook
from features.blocks import Block, Processes, Work, blocks_of, over_blocks
from features.bookings import Book
from features.catalogue import CATALOGUE, evaluate
from features.declaration import HISTORY_DAYS, MACHINE_DAYS, RECENT_DAYS
from features.feature_history import fleet_of
from features.grid.known_days import HistoryDays, KnownDays, KnownHistories
from features.grid.ledger_log import LedgerLog, UpkeepLog
from features.grid.peers import PeerPart, peer_part, with_peers
from features.history import DailyHistory, Level
from features.ledgers import COLUMNS, MACHINE_KINDS, Ledgers, load_ledgers, with_placed, with_upkeep
from features.machine_day.reports import REPORT_COLUMNS
from features.matrix import FeatureMatrix
from features.peer_loading import divisions_at
from features.peer_reference import complete_months, peer_reference
from features.settings import settings_at

OBLIGORS_PER_BLOCK = 200

DAYS = HistoryDays(obligor=HISTORY_DAYS, recent=RECENT_DAYS, machine=MACHINE_DAYS)


_Seen = tuple[FeatureMatrix, PeerPart | None]
"""A block at one instant: its matrix and, of obligors, what they bring to their peers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What a grid is asked for."""

    instants: Sequence[datetime]
    level: Level
    parameters: ParameterBook


def feature_grid(
    reader: ObservationReader,
    *,
    as_ofs: Sequence[datetime],
    level: Level,
    parameters: ParameterBook,
    obligors_per_block: int = OBLIGORS_PER_BLOCK,
    processes: Processes | None = None,
) -> dict[datetime, FeatureMatrix]:
    """`matrix.feature_matrix` at each of `as_ofs`, compared with the peers of that instant, but read once: blocks of
    obligors walk through time, in `processes` where there are several. Memory is bounded by the blocks at work, beside
    the matrices themselves."""
    instants = sorted(set(as_ofs))
    if not instants:
        return {}
    asked = _Asked(instants=instants, level=level, parameters=parameters)
    everything = RememberedObservations(reader, until=instants[-1])
    owners = blocks_of(_owners(everything), obligors_per_block, processes)
    blocks = list(over_blocks(partial(_walks, asked=asked), owners, reader=reader, processes=processes))
    return {
        instant: _joined(_compared([block[at] for block in blocks], everything, instant, asked))
        for at, instant in enumerate(instants)
    }


def _compared(seen: Sequence[_Seen], everything: Observations, as_of: datetime, asked: _Asked) -> list[FeatureMatrix]:
    """The matrices of all blocks at one instant, obligors compared with their peers as known then."""
    parts = [part for _, part in seen if part is not None]
    if not parts:
        return [matrix for matrix, _ in seen]
    divisions = divisions_at(everything, as_of)
    least = settings_at(asked.parameters, as_of).peer_firms
    peers = peer_reference([part.firms for part in parts], divisions, as_of=as_of, least_firms=least)
    return [matrix if part is None else with_peers(matrix, part, divisions, peers) for matrix, part in seen]


def _owners(everything: RememberedObservations) -> list[ObligorId]:
    """Everybody who ever owned a machine or brought one in, in order."""
    told = [everything.versions(RecordKind.MACHINE_OWNERSHIP).table, everything.observed]
    return sorted({ObligorId(owner) for table in told for owner in table["obligor_id"].to_pylist()})


def _walks(reader: ObservationReader, *, asked: _Asked) -> Work[list[_Seen]]:
    return lambda block: _walk(_remembered(reader, block, asked), block, asked)


def _remembered(reader: ObservationReader, block: Block, asked: _Asked) -> RememberedObservations:
    """All that the matrices of a block are made of."""
    kinds = tuple(COLUMNS) if asked.level is Level.OBLIGOR else MACHINE_KINDS
    columns = {kind: _columns(kind) for kind in (*kinds, RecordKind.MACHINE_DAY_REPORT)}
    return RememberedObservations(reader, until=asked.instants[-1], obligor_ids=block, columns=columns)


def _columns(kind: RecordKind) -> tuple[str, ...]:
    """What is taken of a kind: with the identity, which orders the rows."""
    if kind is RecordKind.MACHINE_DAY_REPORT:
        return REPORT_COLUMNS
    contract = load_contract(kind)
    unit = "machine_uid" if kind is RecordKind.LOCATION else "obligor_id"
    return tuple(dict.fromkeys((unit, "event_time", *COLUMNS[kind], *contract.identity)))


def _walk(memory: RememberedObservations, block: Block, asked: _Asked) -> list[_Seen]:
    days = KnownDays(memory, block, DAYS)
    upkeep = UpkeepLog(memory, days.pairs, days.zones)
    log = LedgerLog(memory, block, days.zones) if asked.level is Level.OBLIGOR else None
    found = []
    for as_of in asked.instants:
        known = days.at(as_of)
        history, units = (
            machine_history(known, memory, upkeep, as_of)
            if log is None
            else obligor_history(known, memory, upkeep, log, as_of)
        )
        settings = settings_at(asked.parameters, as_of)
        matrix = FeatureMatrix(
            units=[history.units[at] for at in units],
            obligor_ids=[history.obligor_ids[at] for at in units],
            names=tuple(CATALOGUE),
            values=evaluate(history, settings).values[units],
            history_days=(history.length - history.first_observed)[units],
        )
        found.append((matrix, peer_part(history, units, settings, complete_months(as_of)) if log is not None else None))
    return found


def obligor_history(
    known: KnownHistories, memory: RememberedObservations, upkeep: UpkeepLog, log: LedgerLog, as_of: datetime
) -> tuple[DailyHistory, NDArray[np.int64]]:
    """The history of the block's obligors, and which of them are known."""
    ledgers = load_ledgers(memory, as_of=as_of, machine_uids=known.machine_uids, kinds=(RecordKind.LOCATION,))
    fleet = fleet_of(_with_upkeep(known, upkeep, ledgers, as_of), known.obligors.units)
    fleet = replace(fleet, owner=np.where(known.fleet_known, fleet.owner, -1))
    book = Book.of(known.obligors)
    placed = log.placed(book, as_of) | ledgers.placed(book, [RecordKind.LOCATION])
    history = replace(with_placed(known.obligors, placed, ledgers.owners), fleet=fleet)
    return history, np.flatnonzero(known.obligors_known)


def machine_history(
    known: KnownHistories, memory: RememberedObservations, upkeep: UpkeepLog, as_of: datetime
) -> tuple[DailyHistory, NDArray[np.int64]]:
    """The history of the block's machines, and which of them are owned and known."""
    uids = known.recent_machine_uids
    ledgers = load_ledgers(memory, as_of=as_of, machine_uids=uids, kinds=(RecordKind.LOCATION,))
    return _with_upkeep(known, upkeep, ledgers, as_of), np.flatnonzero(known.machines_known)


def _with_upkeep(known: KnownHistories, upkeep: UpkeepLog, ledgers: Ledgers, as_of: datetime) -> DailyHistory:
    placed = upkeep.placed(Book.of(known.machines), as_of, known.fleet_known)
    return with_upkeep(known.machines, placed, ledgers)


def _joined(blocks: Sequence[FeatureMatrix]) -> FeatureMatrix:
    """The blocks as one matrix, sorted by unit."""
    units = [unit for block in blocks for unit in block.units]
    owners = [owner for block in blocks for owner in block.obligor_ids]
    order = sorted(range(len(units)), key=units.__getitem__)
    return FeatureMatrix(
        units=tuple(units[at] for at in order),
        obligor_ids=tuple(owners[at] for at in order),
        names=tuple(CATALOGUE),
        values=np.concatenate([np.empty((0, len(CATALOGUE))), *(block.values for block in blocks)])[order],
        history_days=np.concatenate([np.empty(0, np.int64), *(block.history_days for block in blocks)])[order],
    )
