"""Computing what is known about an obligor as of a time, and keeping it."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path

import sqlalchemy as sa

from api.consents import repository as consents
from api.errors import DataNotForLive
from api.home import Home, write_once
from api.obligors import repository as obligors
from api.snapshots import repository as snapshots
from api.snapshots.clones import latest_clone_sweep
from api.snapshots.peers import latest_peer_reference
from data_contracts.errors import ConsentMissing, NotFound
from data_contracts.identifiers import ObligorId
from data_contracts.observations.reader import ObservationReader
from data_contracts.observations.store import ObservationStore
from data_contracts.observations.tables import batch
from data_contracts.reference.dated import ParameterBook, load_book, parse_book
from data_contracts.vocabulary import DataOrigin
from features import compute
from features.catalogue import catalogue_version
from features.snapshot import FeatureSnapshot
from features.trade import QUANTITIES

TELEMETRY_KINDS = ("sample", "machine_day_report")
END_OF_TIME = datetime(9999, 1, 1, tzinfo=UTC)


def reader(connection: sa.Connection, home: Home) -> ObservationReader:
    """A reader of this home's observations within the caller's transaction."""
    return ObservationReader(connection, ObservationStore(home.observations))


@cache
def feature_parameters() -> ParameterBook:
    """The feature room's dated parameters as shipped."""
    return load_book(files("features") / "parameters")


def take_snapshot(
    connection: sa.Connection,
    home: Home,
    obligor_id: ObligorId,
    *,
    as_of: datetime,
    now: datetime,
    livemode: bool = False,
) -> FeatureSnapshot:
    """Compute and store the snapshot of one consenting obligor.

    Raises NotFound for an unknown obligor and ConsentMissing without its `platform` consent.
    """
    _require_platform(connection, obligor_id, now=now, livemode=livemode)
    (snapshot,) = compute.snapshots(
        reader(connection, home),
        obligor_ids=[obligor_id],
        as_of=as_of,
        parameters=feature_parameters(),
        peers=latest_peer_reference(home, as_of=as_of),
        clones=latest_clone_sweep(home, as_of=as_of),
    )
    snapshots.save(connection, home, snapshot, now=now)
    return snapshot


def latest_snapshot(
    connection: sa.Connection,
    home: Home,
    obligor_id: ObligorId,
    *,
    now: datetime,
    with_machines: bool = False,
    livemode: bool = False,
) -> FeatureSnapshot:
    """The stored snapshot of the latest `as_of`; taken now where there is none.

    Taken anew at the same `as_of` where the stored one is of another feature catalogue or tells other quantities, or
    lacks the machines that are asked for. Raises NotFound for an unknown obligor and ConsentMissing without its
    `platform` consent.
    """
    _require_platform(connection, obligor_id, now=now, livemode=livemode)
    stored = snapshots.latest(connection, home, obligor_id, now=now, with_machines=with_machines)
    if stored is None:
        return take_snapshot(connection, home, obligor_id, as_of=now, now=now, livemode=livemode)
    is_old = stored.catalogue_version != catalogue_version() or stored.quantities.keys() != QUANTITIES.keys()
    if is_old or (with_machines and not stored.machines):
        return take_snapshot(connection, home, obligor_id, as_of=stored.as_of, now=now, livemode=livemode)
    return stored


def _require_platform(connection: sa.Connection, obligor_id: ObligorId, *, now: datetime, livemode: bool) -> None:
    """Raises NotFound, and ConsentMissing (for live: unless the obligor itself gave it)."""
    to, purpose = consents.PLATFORM, consents.Purpose.PLATFORM
    try:
        consents.require(connection, obligor_id, recipient=to, purpose=purpose, now=now, livemode=livemode)
    except ConsentMissing:
        obligors.require(connection, obligor_id)  # nobody whom we do not know can have given one
        raise


def require_live(snapshot: FeatureSnapshot) -> None:
    """Raises DataNotForLive where any row behind the snapshot is synthetic."""
    if snapshot.data_origin is not DataOrigin.REAL:
        raise DataNotForLive(
            f"What is known of {snapshot.obligor_id} is {snapshot.data_origin.value}.",
            hint="Ask with a test key; a live key is answered from real data only.",
        )


def site_zone(connection: sa.Connection, home: Home, obligor_id: ObligorId) -> str:
    """The IANA zone of the obligor's site: of its newest telemetry source, UTC where nothing came in yet."""
    source = reader(connection, home)
    seen = source.batches(as_of=END_OF_TIME, obligor_ids=[obligor_id])
    newest = (
        sa.select(batch.c.profile_id)
        .where(batch.c.batch_id.in_(seen), batch.c.kind.in_(TELEMETRY_KINDS))
        .order_by(batch.c.sequence.desc())
        .limit(1)
    )
    profile_id = connection.scalar(newest)
    return source.profiles()[profile_id].site_zone if profile_id else "UTC"


def keep_parameters(home: Home, book: ParameterBook) -> ParameterBook:
    """Keep the parameter book that an answer is made with, so that the answer can be recomputed for ever."""
    path = home.parameters / f"{book.version}.json"
    if not path.exists():  # it is kept already with the first answer, and its text is long
        write_once(path, book.canonical().encode())
    return book


def stored_parameters(home: Home, version: str) -> ParameterBook:
    """The kept book of that version. Raises NotFound."""
    path = home.parameters / f"{version}.json"
    if not path.exists():
        raise NotFound(f"No parameter book {version} is stored here.")
    return _book_in(path)


@lru_cache(maxsize=64)
def _book_in(path: Path) -> ParameterBook:
    """A version names its bytes, so that one that was read once can be kept."""
    return parse_book(path.read_text(encoding="utf-8"))
