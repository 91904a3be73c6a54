"""Every kept record against its entry in the log, and every entry against its record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

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
from api.evidence import claims
from api.evidence.claims import READERS, Claim, Kind
from api.home import Home
from api.operations.audit.discrepancy import Discrepancy, Verdict
from api.operations.audit.tree import LogEntries
from api.premium_quotes.repository import MODEL_KINDS
from data_contracts.evidence import log
from data_contracts.evidence.log import entry_leaf
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
    chunk,
    observation_file,
    observation_file_batch,
    quarantined_row,
    quarantined_source,
    readmission,
)
from scoring.records import InsuranceProduct

MALFORMED = (ValueError, KeyError, TypeError, ArithmeticError)
"""What reading a row raises that somebody has tampered with."""

LEEWAY = timedelta(minutes=10)
"""A transaction that began before a checkpoint may end after it; its records then bear a time before."""

Named = tuple[str, str]
"""Kind and subject."""

Said = Mapping[Named, Claim | str]
"""What every record says, or why it cannot be read."""


def all_claims(connection: sa.Connection, home: Home) -> Said:
    """What every record of the home says now."""
    said: dict[Named, Claim | str] = {}
    for kind, reader in READERS.items():
        try:
            said.update({(claim.kind.value, claim.subject): claim for claim in reader(connection, None)})
        except MALFORMED:
            said.update(_one_by_one(connection, kind))
    for claim in _named_by_answers(connection, home):
        said[claim.kind.value, claim.subject] = claim
    return said


def examine_records(
    entries: LogEntries, said: Said, *, size: int, signed_time: datetime | None
) -> Iterator[Discrepancy]:
    """Records that say something else than was logged, that are gone, that were never logged, or logged too late."""
    logged = {(row.kind, row.subject): row for row in entries}
    erased = {row.subject for row in entries if row.kind == log.ERASURE}
    for name in sorted(said.keys() - logged.keys()):
        yield _found(Verdict.NOT_LOGGED, name, "It is kept, but the log has no entry of it: it was inserted.")
    for name, row in logged.items():
        if row.salt is None:
            if f"{row.kind}/{row.subject}" not in erased:
                yield _found(Verdict.CHANGED, name, "Its salt is gone, and no erasure was logged.")
            continue
        if row.kind in log.ENDINGS:
            if entry_leaf(row.salt, row.kind, log.ending_bytes(row.kind, row.subject)) != row.leaf:
                yield _found(Verdict.CHANGED, name, "It is not of what it names.")
            continue
        claim: Claim | str | None = said.get(name)
        if claim is None and row.kind == Kind.OBSERVATION_FILE and (log.RETIREMENT, row.subject) in logged:
            continue  # another file stands for it, or rows of it were erased; roots tell whether all rows are there
        if claim is None:
            yield _found(Verdict.MISSING, name, "It was logged and is not kept any more.")
        elif isinstance(claim, str):
            yield _found(Verdict.UNREADABLE, name, claim)
        elif entry_leaf(row.salt, row.kind, claim.canonical) != row.leaf:
            yield _found(Verdict.CHANGED, name, "It does not say what was logged.")
        elif _is_backdated(claim, row.position, size, signed_time):
            yield _found(
                Verdict.BACKDATED,
                name,
                f"It says that it was kept at {claim.kept_time}, but a checkpoint signed at {signed_time} lacks it.",
            )


def examine_orphans(connection: sa.Connection) -> Iterator[Discrepancy]:
    """Rows of the register that belong to no admission, claims that belong to no pledge, cases in which nothing was
    told."""
    admitted = sa.select(batch.c.batch_id)
    for table in (chunk, quarantined_row, quarantined_source, observation_file_batch):
        strangers = sa.select(table.c.batch_id).where(table.c.batch_id.not_in(admitted)).distinct()
        for name in connection.scalars(strangers):
            yield _found(Verdict.NOT_LOGGED, (table.name, name), "Its batch is not registered: it was inserted.")
    for table in (pledge_claim, pledge_trace):
        unpledged = sa.select(table.c.pledge_id).where(table.c.pledge_id.not_in(sa.select(pledge.c.pledge_id)))
        for name in connection.scalars(unpledged.distinct()):
            yield _found(Verdict.NOT_LOGGED, (table.name, name), "There is no such pledge: it was inserted.")
    told = sa.select(watch_event.c.case_id)
    for name in connection.scalars(sa.select(watch_case.c.case_id).where(watch_case.c.case_id.not_in(told))):
        yield _found(Verdict.NOT_LOGGED, (watch_case.name, name), "Nothing was told in this case: it was inserted.")
    shared = sa.select(observation_file_batch.c.sha256)
    for path in connection.scalars(sa.select(observation_file.c.path).where(observation_file.c.sha256.not_in(shared))):
        yield _found(Verdict.NOT_LOGGED, (observation_file.name, path), "It belongs to no batch: it was inserted.")


def examine_chunk_salts(connection: sa.Connection, entries: LogEntries) -> Iterator[Discrepancy]:
    """Chunks without a salt must have been erased by the book."""
    erased = {row.subject for row in entries if row.kind == log.ERASURE}
    for row in connection.execute(sa.select(chunk.c.batch_id, chunk.c.position).where(chunk.c.salt.is_(None))):
        subject = f"{row.batch_id}/{row.position}"
        if f"{chunk.name}/{subject}" not in erased:
            yield _found(Verdict.CHANGED, (chunk.name, subject), "Its salt is gone, and no erasure was logged.")


def _is_backdated(claim: Claim, position: int, size: int, signed_time: datetime | None) -> bool:
    if signed_time is None or claim.kept_time is None or position < size:
        return False
    return claim.kept_time < signed_time - LEEWAY


def _one_by_one(connection: sa.Connection, kind: Kind) -> Iterator[tuple[Named, Claim | str]]:
    """Claims of a kind of which some cannot be read."""
    for subject in connection.scalars(sa.select(_KEYS[kind])).all():
        try:
            for claim in READERS[kind](connection, [subject]):
                yield (claim.kind.value, claim.subject), claim
        except MALFORMED as error:
            yield (kind.value, subject), f"It cannot be read any more: {type(error).__name__}."


_KEYS = {
    Kind.INGEST_BATCH: batch.c.batch_id,
    Kind.OBSERVATION_FILE: observation_file.c.sha256,
    Kind.QUARANTINE: batch.c.batch_id,
    Kind.READMISSION: readmission.c.readmitted_in,
    Kind.ATTESTATION: batch_attestation.c.batch_id,
    Kind.GATEWAY_KEY: gateway_key.c.key_id,
    Kind.GATEWAY_KEY_REVOCATION: gateway_key_end.c.key_id,
    Kind.GATEWAY_SEAL: gateway_seal.c.digest,
    Kind.GATEWAY_FAULT: gateway_fault.c.fault_id,
    Kind.GATEWAY_REFUSAL: refused_seal.c.refusal_id,
    Kind.CONSENT: consent.c.consent_id,
    Kind.CONSENT_WITHDRAWAL: consent.c.consent_id,
    Kind.SNAPSHOT: snapshot.c.snapshot_id,
    Kind.SCORE_RECORD: score_record.c.score_id,
    Kind.CREDIT_DECISION: credit_decision.c.decision_id,
    Kind.OVERRIDE: decision_override.c.override_id,
    Kind.OVERRIDE_CONFIRMATION: override_confirmation.c.override_id,
    Kind.DECISION_EVENT: decision_event.c.event_id,
    Kind.DECISION_TERMS: decision_terms.c.terms_id,
    Kind.RESPONSE_EVENT: response_event.c.event_id,
    Kind.RECOURSE_OFFER: recourse_offer.c.offer_id,
    Kind.RECOURSE_RESCORE: recourse_rescore.c.rescore_id,
    Kind.PREMIUM_QUOTE: premium_quote.c.quote_id,
    Kind.POLICY_RECORD: policy_record.c.record_id,
    Kind.CASE_EVENT: watch_event.c.case_id,
    Kind.CASE_END: watch_case.c.case_id,
    Kind.PLEDGE: pledge.c.pledge_id,
    Kind.PLEDGE_CONFIRMATION: pledge.c.pledge_id,
    Kind.PLEDGE_END: pledge.c.pledge_id,
    Kind.MODEL_VALIDATION: model_validation.c.validation_id,
    Kind.MODEL_CHECK: model_check.c.check_id,
    Kind.MODEL_APPOINTMENT: model_appointment.c.appointment_id,
    Kind.LATE_LOGGING: late_logging.c.run,
}


def _named_by_answers(connection: sa.Connection, home: Home) -> Iterable[Claim]:
    """Models and parameter books: those that answers name, and models that lie in their folders."""
    for table in (score_record, credit_decision):
        for version in connection.scalars(sa.select(table.c.model_version).distinct()):
            if version is not None:
                yield claims.model("credit", version)
    product = premium_quote.c.request["product"].as_string()
    for asked, version in connection.execute(sa.select(product, premium_quote.c.model_version).distinct()):
        if (kind := MODEL_KINDS[InsuranceProduct(asked)]) is not None:
            yield claims.model(kind, version)
    for table in (score_record, credit_decision, premium_quote):
        for version in connection.scalars(sa.select(table.c.parameters_version).distinct()):
            yield claims.parameters(version)
    for version in connection.scalars(sa.select(pledge.c.parameters_version).distinct()):
        yield claims.parameters(version)
    for card in sorted(home.models.glob("*/*/card.json")):
        yield claims.model(card.parent.parent.name, card.parent.name)


def _found(verdict: Verdict, name: Named, message: str) -> Discrepancy:
    return Discrepancy(verdict=verdict, kind=name[0], subject=name[1], message=message)
