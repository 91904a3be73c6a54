"""Scoring: one obligor from what is known of it, or everybody who consented to the platform, as of one instant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from api.consents import repository as consents
from api.database.engine import reading, unit_of_work
from api.home import Home
from api.models import service as models
from api.processes import processes_of
from api.scores import repository as scores
from api.snapshots import repository as snapshots
from api.snapshots.clones import latest_clone_sweep
from api.snapshots.peers import make_peer_reference
from api.snapshots.service import feature_parameters, keep_parameters, latest_snapshot, reader, require_live
from data_contracts.identifiers import ObligorId
from features.snapshot import FeatureSnapshot
from features.snapshot_book import snapshot_book
from scoring.credit.score import score, score_many
from scoring.records import ScoreRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentScore:
    """What is concluded about an obligor from the snapshot that knows most of it."""

    record: ScoreRecord
    snapshot: FeatureSnapshot


def current_score(
    connection: sa.Connection, home: Home, obligor_id: ObligorId, *, now: datetime, livemode: bool = False
) -> CurrentScore:
    """Score the obligor's latest snapshot with the promoted model, and keep the record.

    Raises NotFound, ConsentMissing (platform), NoModel; for live also ModelNotForLive and DataNotForLive.
    """
    artefact, mandate = models.answering_credit(home, now=now)
    if livemode:
        models.require_live(artefact, mandate, may_have_lapsed=True)
    snapshot = latest_snapshot(connection, home, obligor_id, now=now, livemode=livemode)
    if livemode:
        require_live(snapshot)
    record = score(snapshot, artefact, keep_parameters(home, models.scoring_parameters()))
    given = consents.in_force(
        connection,
        obligor_id,
        recipient=consents.PLATFORM,
        purpose=consents.Purpose.PLATFORM,
        now=now,
        livemode=livemode,
    )
    scores.append(connection, [record], consent_ids={obligor_id: given}, now=now)
    return CurrentScore(record=record, snapshot=snapshot)


def score_all(home: Home, *, as_of: datetime, now: datetime) -> list[ScoreRecord]:
    """Take and keep a snapshot and a score of every consenting obligor that has any data at `as_of`.

    Nobody who writes waits while the book is read; records are written block by block afterwards. Of an obligor whose
    consent is withdrawn meanwhile nothing is kept.
    """
    artefact = models.promoted_credit(home)
    parameters = keep_parameters(home, models.scoring_parameters())
    with reading(home.engine) as connection:
        source = reader(connection, home)
        firms = sorted(_consenting(connection, now))
        processes = processes_of(home)
        peers = make_peer_reference(
            source, home, as_of=as_of, obligor_ids=firms, parameters=feature_parameters(), processes=processes
        )
        taken = snapshot_book(
            source,
            obligor_ids=firms,
            as_of=as_of,
            parameters=feature_parameters(),
            processes=processes,
            with_machines=False,
            peers=peers,
            clones=latest_clone_sweep(home, as_of=as_of),
        )
        known = [snapshot for snapshot in taken if snapshot.first_day is not None]
    with unit_of_work(home.engine) as connection:
        consents_now = _consenting(connection, now)
        known = [snapshot for snapshot in known if snapshot.obligor_id in consents_now]
        snapshots.save_all(connection, home, known, now=now)
        records = score_many(known, artefact, parameters)
        scores.append(connection, records, consent_ids=consents_now, now=now)
        return list(records)


def _consenting(connection: sa.Connection, now: datetime) -> dict[ObligorId, list[str]]:
    """The obligors that may be looked at for the platform, each with its consents."""
    return consents.all_in_force(connection, recipient=consents.PLATFORM, purpose=consents.Purpose.PLATFORM, now=now)
