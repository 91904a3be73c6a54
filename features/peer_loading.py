"""A peer reference from what is stored: blocks of firms reduced to their months, and all blocks to the reference."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from data_contracts.identifiers import ObligorId
from data_contracts.observations.remembered import Observations
from data_contracts.reference.dated import ParameterBook
from features.daily import build_history
from features.declaration import HISTORY_DAYS
from features.history import Level
from features.loading import history_begins, load_machine_days
from features.peer_reference import PeerReference, complete_months, firm_months, peer_reference
from features.settings import settings_at

FIRMS_PER_BLOCK = 500


def load_peer_reference(
    reader: Observations, *, as_of: datetime, obligor_ids: Sequence[ObligorId], parameters: ParameterBook
) -> PeerReference:
    """What these firms and their industries did up to `as_of`, as known then. Only firms that consented to peer
    statistics (purpose `platform`) may be among them."""
    firms = sorted(obligor_ids)
    months = complete_months(as_of)
    blocks = []
    for start in range(0, len(firms), FIRMS_PER_BLOCK):
        block = firms[start : start + FIRMS_PER_BLOCK]
        begins = history_begins(as_of, HISTORY_DAYS)
        machine_days, _ = load_machine_days(reader, as_of=as_of, obligor_ids=block, first_day=begins)
        history = build_history(
            machine_days, level=Level.OBLIGOR, as_of=as_of, days=HISTORY_DAYS, recent_days=1, obligor_ids=block
        )
        blocks.append(firm_months(history, months))
    least = settings_at(parameters, as_of).peer_firms
    return peer_reference(blocks, divisions_at(reader, as_of), as_of=as_of, least_firms=least)


def divisions_at(reader: Observations, as_of: datetime) -> dict[str, str]:
    """The industry of each obligor whose profile was known at `as_of`."""
    profiles = reader.obligor_profiles(as_of=as_of)
    return dict(zip(profiles["obligor_id"].to_pylist(), profiles["industry_division"].to_pylist(), strict=True))
