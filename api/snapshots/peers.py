"""Peer references of this home: made when a whole book is scored, kept, and found again by single snapshots."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from api.home import Home, write_once
from data_contracts.identifiers import ObligorId
from data_contracts.observations.reader import ObservationReader
from data_contracts.reference.dated import ParameterBook
from features.blocks import Processes
from features.peer_loading import load_peer_reference
from features.peer_reference import PeerReference, parse_peer_reference

STALE_AFTER = timedelta(days=62)
"""An older reference no longer tells what peers do now."""

_STAMP = "%Y%m%dT%H%M%S%fZ"


def make_peer_reference(
    source: ObservationReader,
    home: Home,
    *,
    as_of: datetime,
    obligor_ids: Sequence[ObligorId],
    parameters: ParameterBook,
    processes: Processes | None = None,
) -> PeerReference:
    """What these consenting firms did up to `as_of`, computed and kept under its hash."""
    made = load_peer_reference(source, as_of=as_of, obligor_ids=obligor_ids, parameters=parameters, processes=processes)
    stamp = made.as_of.astimezone(UTC).strftime(_STAMP)
    write_once(home.peers / f"{stamp}-{made.peer_reference_id}.json", made.canonical())
    return made


def latest_peer_reference(home: Home, *, as_of: datetime) -> PeerReference | None:
    """The kept reference of the latest instant up to `as_of`; None where there is none, or only stale ones."""
    if not home.peers.is_dir():
        return None
    first, last = ((as_of - age).astimezone(UTC).strftime(_STAMP) for age in (STALE_AFTER, timedelta()))
    kept = sorted(file for file in home.peers.glob("*.json") if first <= file.name.split("-")[0] <= last)
    return parse_peer_reference(kept[-1].read_bytes()) if kept else None
