"""A peer reference from what is stored: blocks of firms reduced to their months, and all blocks to the reference."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from data_contracts.identifiers import ObligorId
from data_contracts.observations.reader import ObservationReader
from data_contracts.observations.remembered import Observations
from data_contracts.reference.dated import ParameterBook
from features.blocks import Block, Processes, Work, blocks_of, over_blocks
from features.daily import build_history
from features.declaration import HISTORY_DAYS
from features.history import Level
from features.loading import history_begins, load_machine_days
from features.peer_reference import FirmMonths, PeerReference, complete_months, firm_months, peer_reference
from features.settings import settings_at

FIRMS_PER_BLOCK = 250


def load_peer_reference(
    reader: ObservationReader,
    *,
    as_of: datetime,
    obligor_ids: Sequence[ObligorId],
    parameters: ParameterBook,
    firms_per_block: int = FIRMS_PER_BLOCK,
    processes: Processes | None = None,
) -> PeerReference:
    """What these firms and their industries did up to `as_of`, as known then. Only firms that consented to peer
    statistics (purpose `platform`) may be among them."""
    blocks = blocks_of(sorted(obligor_ids), firms_per_block, processes)
    months = over_blocks(partial(_months_of_blocks, as_of=as_of), blocks, reader=reader, processes=processes)
    least = settings_at(parameters, as_of).peer_firms
    return peer_reference(list(months), divisions_at(reader, as_of), as_of=as_of, least_firms=least)


def _months_of_blocks(reader: ObservationReader, *, as_of: datetime) -> Work[FirmMonths]:
    machines, begins, months = (
        reader.machines(as_of=as_of),
        history_begins(as_of, HISTORY_DAYS),
        complete_months(as_of),
    )

    def months_of(block: Block) -> FirmMonths:
        """The months of a block of firms, read for it alone."""
        machine_days, _ = load_machine_days(reader, as_of=as_of, obligor_ids=block, first_day=begins, machines=machines)
        history = build_history(
            machine_days, level=Level.OBLIGOR, as_of=as_of, days=HISTORY_DAYS, recent_days=1, obligor_ids=block
        )
        return firm_months(history, months)

    return months_of


def divisions_at(reader: Observations, as_of: datetime) -> dict[str, str]:
    """The industry of each obligor whose profile was known at `as_of`."""
    profiles = reader.obligor_profiles(as_of=as_of)
    return dict(zip(profiles["obligor_id"].to_pylist(), profiles["industry_division"].to_pylist(), strict=True))
