"""What every kept record says, as the bytes that the log commits to: made of its rows, when it is kept and when it is
audited. A record that says something else than its rows did is found by its leaf.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from typing import Any

import sqlalchemy as sa

from api.database.tables import (
    consent,
    credit_decision,
    decision_event,
    decision_override,
    decision_terms,
    model_appointment,
    model_check,
    model_validation,
    override_confirmation,
    pledge,
    pledge_claim,
    pledge_trace,
    policy_record,
    premium_quote,
    recourse_offer,
    recourse_rescore,
    response_event,
    score_record,
    snapshot,
    watch_case,
    watch_event,
)
from api.evidence.columns import (
    APPOINTMENT_COLUMNS,
    ATTESTATION_COLUMNS,
    BASIS_COLUMNS,
    BATCH_COLUMNS,
    CASE_COLUMNS,
    CASE_EVENT_COLUMNS,
    CHECK_COLUMNS,
    CONFIRMATION_COLUMNS,
    CONSENT_COLUMNS,
    DECISION_COLUMNS,
    DECISION_TOLD,
    EVENT_COLUMNS,
    FAULT_COLUMNS,
    FILE_COLUMNS,
    GATEWAY_KEY_COLUMNS,
    KEY_END_COLUMNS,
    MANDATE_COLUMNS,
    OFFER_COLUMNS,
    OVERRIDE_COLUMNS,
    PLEDGE_CLAIM_COLUMNS,
    PLEDGE_COLUMNS,
    PLEDGE_TRACE_COLUMNS,
    POLICY_COLUMNS,
    QUOTE_COLUMNS,
    QUOTE_TOLD,
    REFUSAL_COLUMNS,
    RESCORE_COLUMNS,
    RESPONSE_COLUMNS,
    SCORE_COLUMNS,
    SCORE_TOLD,
    SEAL_COLUMNS,
    SNAPSHOT_COLUMNS,
    TERMS_COLUMNS,
    VALIDATION_COLUMNS,
)
from api.evidence.rows import ADMISSIONS, CASE_EVENTS, CHUNKS, READMITTED, rows_of, selected
from data_contracts.evidence import log
from data_contracts.evidence.tables import (
    batch_attestation,
    gateway_fault,
    gateway_key,
    gateway_key_end,
    gateway_seal,
    late_logging,
    refused_seal,
)
from data_contracts.observations.tables import (
    batch,
    from_microseconds,
    observation_file,
    observation_file_batch,
    quarantined_row,
    quarantined_source,
    readmission,
)


class Kind(StrEnum):
    """What is logged."""

    INGEST_BATCH = "ingest_batch"
    OBSERVATION_FILE = "observation_file"
    QUARANTINE = "quarantine"
    READMISSION = "readmission"
    ATTESTATION = "attestation"
    GATEWAY_KEY = "gateway_key"
    GATEWAY_KEY_REVOCATION = "gateway_key_revocation"
    GATEWAY_SEAL = "gateway_seal"
    GATEWAY_FAULT = "gateway_fault"
    GATEWAY_REFUSAL = "gateway_refusal"
    CONSENT = "consent"
    CONSENT_WITHDRAWAL = "consent_withdrawal"
    SNAPSHOT = "snapshot"
    SCORE_RECORD = "score_record"
    CREDIT_DECISION = "credit_decision"
    OVERRIDE = "override"
    OVERRIDE_CONFIRMATION = "override_confirmation"
    DECISION_EVENT = "decision_event"
    DECISION_TERMS = "decision_terms"
    RESPONSE_EVENT = "response_event"
    RECOURSE_OFFER = "recourse_offer"
    RECOURSE_RESCORE = "recourse_rescore"
    PREMIUM_QUOTE = "premium_quote"
    POLICY_RECORD = "policy_record"
    CASE_EVENT = "case_event"
    CASE_END = "case_end"
    PLEDGE = "pledge"
    PLEDGE_CONFIRMATION = "pledge_confirmation"
    PLEDGE_END = "pledge_end"
    MODEL = "model"
    MODEL_VALIDATION = "model_validation"
    MODEL_CHECK = "model_check"
    MODEL_APPOINTMENT = "model_appointment"
    PARAMETERS = "parameters"
    LATE_LOGGING = "late_logging"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What one record says, and when it says that it was kept (None where it bears no time)."""

    kind: Kind
    subject: str
    canonical: bytes
    kept_time: datetime | None = None


Reader = Callable[[sa.Connection, Sequence[str] | None], Iterator[Claim]]
"""Claims about some subjects, or about all."""


def ingest_batches(connection: sa.Connection, subjects: Sequence[str] | None) -> Iterator[Claim]:
    """Admissions: the register's row, and a digest of what it says of each chunk but its salt."""
    for row in selected(connection, ADMISSIONS, batch.c.batch_id, subjects):
        said = {
            **_columns(row, BATCH_COLUMNS),
            "chunks_sha256": _chunks_digest(connection, row.batch_id),
            "attestation": None if row.level is None else _columns(row, ("level", "seal_digest")),
        }
        yield Claim(kind=Kind.INGEST_BATCH, subject=row.batch_id, canonical=_json(said), kept_time=row.received_time)


def observation_files(connection: sa.Connection, subjects: Sequence[str] | None) -> Iterator[Claim]:
    """Files that count, as the register describes them, and how many rows of which batch each holds.

    Compaction and erasure put files in the place of others, so that they bear no time of their own.
    """
    shares: defaultdict[str, list[list[Any]]] = defaultdict(list)
    for share in rows_of(connection, observation_file_batch, observation_file_batch.c.sha256, subjects):
        shares[share.sha256].append([share.batch_id, share.rows])
    for row in rows_of(connection, observation_file, observation_file.c.sha256, subjects):
        said = {**_columns(row, FILE_COLUMNS), "shares": sorted(shares[row.sha256])}
        yield Claim(kind=Kind.OBSERVATION_FILE, subject=row.sha256, canonical=_json(said))


def quarantines(connection: sa.Connection, subjects: Sequence[str] | None) -> Iterator[Claim]:
    """What was turned away of an admission and why, row by row; an entry of its own, so that it can be erased alone.

    What an erasure leaves of it is said anew, under the batch's name and the number of erasures.
    """
    erased = log.counted_erasures(connection, Kind.QUARANTINE)
    for row in rows_of(connection, batch, batch.c.batch_id, subjects):
        faults, sources = (
            [
                _plain_row(line)
                for line in connection.execute(
                    sa.select(table).where(table.c.batch_id == row.batch_id).order_by(*table.primary_key.columns)
                )
            ]
            for table in (quarantined_row, quarantined_source)
        )
        if faults or sources or row.rows_quarantined:
            said = {"batch_id": row.batch_id, "faults": faults, "sources": sources}
            times = erased.get(row.batch_id, 0)
            yield Claim(
                kind=Kind.QUARANTINE,
                subject=f"{row.batch_id}.{times}" if times else row.batch_id,
                canonical=_json(said),
                kept_time=None if times else row.received_time,
            )


def readmissions(connection: sa.Connection, subjects: Sequence[str] | None) -> Iterator[Claim]:
    """Which rows in quarantine came in again with which batch."""
    table = readmission.c
    for row in selected(connection, READMITTED, readmission.c.readmitted_in, subjects):
        rows = sa.select(table.batch_id, table.row_number, table.readmitted_row)
        of_batch = rows.where(table.readmitted_in == row.readmitted_in).order_by(table.batch_id, table.row_number)
        said = {"readmitted_in": row.readmitted_in, "rows": [list(line) for line in connection.execute(of_batch)]}
        yield Claim(kind=Kind.READMISSION, subject=row.readmitted_in, canonical=_json(said))


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    """Records that say no more than some columns of one table: how they are named (by their key, unless `subject`
    says otherwise), and when they were kept.

    With `since` only rows speak that have one of these columns (a consent says that it was withdrawn once it was).
    """

    kind: Kind
    table: sa.Table
    columns: Sequence[str]
    kept: str
    subject: Callable[[sa.Row[Any]], str] | None = None
    since: Sequence[str] = ()

    @property
    def key(self) -> sa.Column[str]:
        """By which records are asked for: the first column of the table's key."""
        return next(iter(self.table.primary_key.columns))

    def __call__(self, connection: sa.Connection, subjects: Sequence[str] | None) -> Iterator[Claim]:
        """What the rows of some keys, or all, say."""
        for row in rows_of(connection, self.table, self.key, subjects):
            if not self.since or any(row._mapping[name] is not None for name in self.since):
                kept = row._mapping[self.kept]
                yield Claim(
                    kind=self.kind,
                    subject=self.subject(row) if self.subject else str(row._mapping[self.key.name]),
                    canonical=_json(_columns(row, self.columns)),
                    kept_time=from_microseconds(kept) if isinstance(kept, int) else kept,
                )


CONSENTS = Plain(kind=Kind.CONSENT, table=consent, columns=CONSENT_COLUMNS, kept="granted_time")
WITHDRAWALS = Plain(
    kind=Kind.CONSENT_WITHDRAWAL,
    table=consent,
    columns=("consent_id", "withdrawn_time"),
    kept="withdrawn_time",
    since=("withdrawn_time",),
)
ATTESTATIONS = Plain(
    kind=Kind.ATTESTATION,
    table=batch_attestation,
    columns=ATTESTATION_COLUMNS,
    kept="attested_us",
    subject=lambda row: f"{row.batch_id}/{row.position}",
)
GATEWAY_KEYS = Plain(kind=Kind.GATEWAY_KEY, table=gateway_key, columns=GATEWAY_KEY_COLUMNS, kept="registered_us")
GATEWAY_KEY_REVOCATIONS = Plain(
    kind=Kind.GATEWAY_KEY_REVOCATION,
    table=gateway_key_end,
    columns=KEY_END_COLUMNS,
    kept="revoked_us",
    subject=lambda row: f"{row.key_id}/{row.position}" if row.position else str(row.key_id),
)
GATEWAY_SEALS = Plain(kind=Kind.GATEWAY_SEAL, table=gateway_seal, columns=SEAL_COLUMNS, kept="received_us")
GATEWAY_FAULTS = Plain(kind=Kind.GATEWAY_FAULT, table=gateway_fault, columns=FAULT_COLUMNS, kept="found_us")
GATEWAY_REFUSALS = Plain(kind=Kind.GATEWAY_REFUSAL, table=refused_seal, columns=REFUSAL_COLUMNS, kept="refused_us")
LATE_LOGGINGS = Plain(
    kind=Kind.LATE_LOGGING, table=late_logging, columns=("run", "first", "until", "logged_us"), kept="logged_us"
)
OVERRIDES = Plain(kind=Kind.OVERRIDE, table=decision_override, columns=OVERRIDE_COLUMNS, kept="proposed_time")
OVERRIDE_CONFIRMATIONS = Plain(
    kind=Kind.OVERRIDE_CONFIRMATION, table=override_confirmation, columns=CONFIRMATION_COLUMNS, kept="confirmed_time"
)
POLICY_RECORDS = Plain(kind=Kind.POLICY_RECORD, table=policy_record, columns=POLICY_COLUMNS, kept="recorded_time")
DECISION_EVENTS = Plain(kind=Kind.DECISION_EVENT, table=decision_event, columns=EVENT_COLUMNS, kept="reported_time")
DECISION_TERMS = Plain(kind=Kind.DECISION_TERMS, table=decision_terms, columns=TERMS_COLUMNS, kept="told_time")
RESPONSE_EVENTS = Plain(kind=Kind.RESPONSE_EVENT, table=response_event, columns=RESPONSE_COLUMNS, kept="told_time")
CASE_ENDS = Plain(kind=Kind.CASE_END, table=watch_case, columns=CASE_COLUMNS, kept="changed_time", since=("outcome",))
OFFERS = Plain(kind=Kind.RECOURSE_OFFER, table=recourse_offer, columns=OFFER_COLUMNS, kept="made_time")
RESCORES = Plain(kind=Kind.RECOURSE_RESCORE, table=recourse_rescore, columns=RESCORE_COLUMNS, kept="reported_time")
MODEL_VALIDATIONS = Plain(
    kind=Kind.MODEL_VALIDATION, table=model_validation, columns=VALIDATION_COLUMNS, kept="validated_time"
)
MODEL_CHECKS = Plain(kind=Kind.MODEL_CHECK, table=model_check, columns=CHECK_COLUMNS, kept="checked_time")
MODEL_APPOINTMENTS = Plain(
    kind=Kind.MODEL_APPOINTMENT, table=model_appointment, columns=APPOINTMENT_COLUMNS, kept="appointed_time"
)

PLEDGE_CONFIRMATIONS = Plain(
    kind=Kind.PLEDGE_CONFIRMATION,
    table=pledge,
    columns=("pledge_id", "confirmed_time", "review"),
    kept="confirmed_time",
    since=("confirmed_time", "review"),
)
PLEDGE_ENDS = Plain(
    kind=Kind.PLEDGE_END,
    table=pledge,
    columns=("pledge_id", "ended_time", "end_reason"),
    kept="ended_time",
    since=("ended_time", "end_reason"),
)


def pledges(connection: sa.Connection, subjects: Sequence[str] | None) -> Iterator[Claim]:
    """Pledges as they were reserved or refused, with a digest of what they claim and leave."""
    for row in rows_of(connection, pledge, pledge.c.pledge_id, subjects):
        digest = hashlib.sha256()
        for table, names in ((pledge_claim, PLEDGE_CLAIM_COLUMNS), (pledge_trace, PLEDGE_TRACE_COLUMNS)):
            columns = [table.c[name] for name in names]
            of_pledge = sa.select(*columns).where(table.c.pledge_id == row.pledge_id).order_by(*columns)
            for line in connection.execute(of_pledge):
                digest.update(_json(_columns(line, names)) + b"\n")
        said = {**_columns(row, PLEDGE_COLUMNS), "claims_sha256": digest.hexdigest()}
        yield Claim(kind=Kind.PLEDGE, subject=row.pledge_id, canonical=_json(said), kept_time=row.reserved_time)


def case_events(connection: sa.Connection, subjects: Sequence[str] | None) -> Iterator[Claim]:
    """What became known in cases (by their ids) and was done in them, each with whose case it is and since when.

    How an open case stands changes with every night and is not said; how it ended is, once it did.
    """
    for row in selected(connection, CASE_EVENTS, watch_event.c.case_id, subjects):
        said = _columns(row, (*CASE_EVENT_COLUMNS, "obligor_id", "opened_on"))
        subject = f"{row.case_id}/{row.position}"
        yield Claim(kind=Kind.CASE_EVENT, subject=subject, canonical=_json(said), kept_time=row.time)


def snapshots(connection: sa.Connection, subjects: Sequence[str] | None) -> Iterator[Claim]:
    """Snapshots: whose, as of when, the hash of the file that holds it, and the roots of what it can be opened to."""
    for row in rows_of(connection, snapshot, snapshot.c.snapshot_id, subjects):
        said = {**_columns(row, SNAPSHOT_COLUMNS), "basis": _columns(row, BASIS_COLUMNS)}
        yield Claim(kind=Kind.SNAPSHOT, subject=row.snapshot_id, canonical=_json(said), kept_time=row.taken_time)


def score_records(connection: sa.Connection, subjects: Sequence[str] | None) -> Iterator[Claim]:
    """Scores, with the hash of the whole record and its reasons."""
    for row in _answers(connection, score_record, score_record.c.score_id, subjects):
        canonical = _answer(row, SCORE_COLUMNS, SCORE_TOLD)
        yield Claim(kind=Kind.SCORE_RECORD, subject=row.score_id, canonical=canonical, kept_time=row.scored_time)


def credit_decisions(connection: sa.Connection, subjects: Sequence[str] | None) -> Iterator[Claim]:
    """Lending recommendations, with the hash of the whole answer, its terms and reasons; and how far people answered
    for the model, since that is asked."""
    for row in _answers(connection, credit_decision, credit_decision.c.decision_id, subjects):
        columns = DECISION_COLUMNS if row.model_mandate is None else (*DECISION_COLUMNS, *MANDATE_COLUMNS)
        canonical = _answer(row, columns, DECISION_TOLD)
        yield Claim(kind=Kind.CREDIT_DECISION, subject=row.decision_id, canonical=canonical, kept_time=row.decided_time)


def premium_quotes(connection: sa.Connection, subjects: Sequence[str] | None) -> Iterator[Claim]:
    """Quotes, with the hash of the whole answer, its premium and reasons."""
    for row in _answers(connection, premium_quote, premium_quote.c.quote_id, subjects):
        canonical = _answer(row, QUOTE_COLUMNS, QUOTE_TOLD)
        yield Claim(kind=Kind.PREMIUM_QUOTE, subject=row.quote_id, canonical=canonical, kept_time=row.quoted_time)


def model(model_kind: str, version: str) -> Claim:
    """A model, whose version is the hash of its files."""
    said = {"model_kind": model_kind, "model_version": version}
    return Claim(kind=Kind.MODEL, subject=f"{model_kind}/{version}", canonical=_json(said))


def parameters(version: str) -> Claim:
    """A book of business parameters, whose version is the hash of its content."""
    return Claim(kind=Kind.PARAMETERS, subject=version, canonical=_json({"parameters_version": version}))


READERS: Mapping[Kind, Reader] = {
    Kind.INGEST_BATCH: ingest_batches,
    Kind.OBSERVATION_FILE: observation_files,
    Kind.QUARANTINE: quarantines,
    Kind.READMISSION: readmissions,
    Kind.ATTESTATION: ATTESTATIONS,
    Kind.GATEWAY_KEY: GATEWAY_KEYS,
    Kind.GATEWAY_KEY_REVOCATION: GATEWAY_KEY_REVOCATIONS,
    Kind.GATEWAY_SEAL: GATEWAY_SEALS,
    Kind.GATEWAY_FAULT: GATEWAY_FAULTS,
    Kind.GATEWAY_REFUSAL: GATEWAY_REFUSALS,
    Kind.CONSENT: CONSENTS,
    Kind.CONSENT_WITHDRAWAL: WITHDRAWALS,
    Kind.SNAPSHOT: snapshots,
    Kind.SCORE_RECORD: score_records,
    Kind.CREDIT_DECISION: credit_decisions,
    Kind.OVERRIDE: OVERRIDES,
    Kind.OVERRIDE_CONFIRMATION: OVERRIDE_CONFIRMATIONS,
    Kind.DECISION_EVENT: DECISION_EVENTS,
    Kind.DECISION_TERMS: DECISION_TERMS,
    Kind.RESPONSE_EVENT: RESPONSE_EVENTS,
    Kind.RECOURSE_OFFER: OFFERS,
    Kind.RECOURSE_RESCORE: RESCORES,
    Kind.PREMIUM_QUOTE: premium_quotes,
    Kind.POLICY_RECORD: POLICY_RECORDS,
    Kind.CASE_EVENT: case_events,
    Kind.CASE_END: CASE_ENDS,
    Kind.PLEDGE: pledges,
    Kind.PLEDGE_CONFIRMATION: PLEDGE_CONFIRMATIONS,
    Kind.PLEDGE_END: PLEDGE_ENDS,
    Kind.MODEL_VALIDATION: MODEL_VALIDATIONS,
    Kind.MODEL_CHECK: MODEL_CHECKS,
    Kind.MODEL_APPOINTMENT: MODEL_APPOINTMENTS,
    Kind.LATE_LOGGING: LATE_LOGGINGS,
}
"""How the claims of each kind that the database holds are read; models and parameters are files."""


def _answers(
    connection: sa.Connection, table: sa.Table, key: sa.Column[str], subjects: Sequence[str] | None
) -> Iterator[sa.Row[Any]]:
    """Rows of a table of answers, with what their snapshots commit to."""
    yield from selected(connection, _with_basis(table), key, subjects)


@cache
def _with_basis(table: sa.Table) -> sa.Select[*tuple[Any, ...]]:
    joined = table.join(snapshot, snapshot.c.snapshot_id == table.c.snapshot_id, isouter=True)
    columns = [*table.c, *(snapshot.c[name] for name in BASIS_COLUMNS)]
    return sa.select(*columns).select_from(joined)


def _answer(row: sa.Row[Any], columns: Sequence[str], told: Sequence[str]) -> bytes:
    """An answer: its columns, what it tells in brief, its reasons (code, direction, feature), and its body's hash."""
    body = json.loads(row.body)
    return _json(
        {
            **_columns(row, columns),
            **{name: body[name] for name in told if name not in columns},
            "reasons": [f"{item['code']} {item['direction']} {item['feature']}" for item in body["reasons"]],
            "body_sha256": hashlib.sha256(row.body).hexdigest(),
            "basis": _columns(row, BASIS_COLUMNS),
        }
    )


def _columns(row: sa.Row[Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: _plain(row._mapping[name]) for name in names}


def _plain_row(row: sa.Row[*tuple[Any, ...]]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in row._mapping.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, date):  # an instant is one too
        return value.isoformat()
    return value.hex() if isinstance(value, bytes) else value


def _chunks_digest(connection: sa.Connection, batch_id: str) -> str:
    """SHA-256 over what the register says of a batch's chunks, in order. Salts may go, so they are not part of it."""
    rows = connection.execute(CHUNKS, {"batch_id": batch_id})
    said = [[*values, leaf.hex()] for *values, leaf in rows]
    return hashlib.sha256(json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()


def _json(plain: Mapping[str, Any]) -> bytes:
    return json.dumps(plain, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
