"""What is kept is logged with it, and an audit by key and checkpoint finds every change of what was logged."""

from __future__ import annotations

import json
import random
import shutil
import stat
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from kept_home import SIGNED, Kept

from api.database.engine import unit_of_work
from api.database.tables import (
    consent,
    credit_decision,
    decision_event,
    decision_terms,
    model_appointment,
    model_check,
    model_validation,
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
from api.evidence import columns
from api.evidence.claims import Kind
from api.evidence.keys import PRIVATE_FILE, log_signers
from api.home import Home, open_home
from api.operations import evidence, keeping
from api.operations.audit.discrepancy import Verdict
from api.operations.audit.examine import audit
from api.operations.doctor.examine import examine
from api.operations.doctor.finding import Level
from benchmarks.tamper import mutations, small
from data_contracts.errors import InvalidEvidence, LogDamaged
from data_contracts.evidence import log, verify
from data_contracts.evidence.checkpoint import keep_head
from data_contracts.evidence.tables import (
    batch_attestation,
    gateway_fault,
    gateway_key,
    gateway_key_end,
    gateway_seal,
    log_entry,
    refused_seal,
)
from data_contracts.identifiers import BatchId
from data_contracts.mapping import parse_mapping
from data_contracts.observations.tables import batch, observation_file, quarantined_row

MUTATIONS = 90


def test_everything_that_is_kept_is_logged_and_audits_clean(kept: Kept) -> None:
    with unit_of_work(kept.home.engine) as connection:
        kinds = set(connection.scalars(sa.select(log_entry.c.kind).distinct()))
        audited = audit(connection, kept.home, checkpoint=kept.checkpoint, keys=kept.keys)
    nothing_of = {Kind.READMISSION, Kind.LATE_LOGGING}
    assert kinds == {kind.value for kind in Kind} - nothing_of
    assert audited.discrepancies == []
    assert audited.covered == audited.entries == kept.checkpoint.size


@pytest.mark.parametrize("seed", range(3))
def test_every_mutation_is_found(kept: Kept, insider: sa.Connection, seed: int) -> None:
    """A short version of `python -m benchmarks.tamper`."""
    draw, missed, done = random.Random(seed), [], 0
    while done < MUTATIONS // 3:
        try:
            target = draw.choice(("database", "log", "files"))
            if target == "files":
                with mutations.tampered_file(kept.home, draw) as change:
                    found = kept.audited(insider)
            else:
                tamper = mutations.tamper_with_records if target == "database" else mutations.tamper_with_log
                change = tamper(insider, draw)
                found = kept.audited(insider)
        except (mutations.Impossible, sa.exc.IntegrityError):
            insider.rollback()
            continue
        insider.rollback()
        done += 1
        if not found:
            missed.append(change)
    assert missed == []
    assert kept.audited(insider) == []


def test_a_new_record_is_no_mutation_but_a_backdated_one_is(kept: Kept, insider: sa.Connection) -> None:
    (row,) = insider.execute(sa.select(consent).limit(1)).mappings()
    later = SIGNED + timedelta(hours=1)
    for name, time, verdicts in (("new", later, set()), ("old", small.NOW, {Verdict.BACKDATED})):
        insider.execute(sa.insert(consent), {**row, "consent_id": name, "granted_time": time, "withdrawn_time": None})
        mutations.make_log_agree(insider)
        assert {found.verdict for found in kept.audited(insider)} == verdicts
    insider.rollback()


def test_an_erasure_is_told_from_a_lost_salt(kept: Kept, insider: sa.Connection) -> None:
    name = insider.scalar(sa.select(consent.c.consent_id))
    assert name is not None
    insider.execute(sa.update(log_entry).where(log_entry.c.subject == name).values(salt=None))
    assert {found.verdict for found in kept.audited(insider)} == {Verdict.CHANGED}
    insider.rollback()
    for kind in (Kind.CONSENT, Kind.CONSENT_WITHDRAWAL):
        if insider.scalar(sa.select(log_entry.c.leaf).where(log_entry.c.kind == kind, log_entry.c.subject == name)):
            log.erase(insider, kind.value, name)
    insider.execute(sa.delete(consent).where(consent.c.consent_id == name))
    assert kept.audited(insider) == []


def test_claims_of_no_pledge_and_words_on_an_unconfirmed_one_are_found(kept: Kept, insider: sa.Connection) -> None:
    row = insider.execute(sa.select(pledge_claim)).first()
    assert row is not None
    insider.execute(sa.insert(pledge_claim), {**row._mapping, "pledge_id": "of nobody"})
    assert [found.subject for found in kept.audited(insider)] == ["of nobody"]
    insider.execute(sa.delete(pledge_claim).where(pledge_claim.c.pledge_id == "of nobody"))
    assert kept.audited(insider) == []
    unconfirmed = insider.scalar(sa.select(pledge.c.pledge_id).where(pledge.c.confirmed_time.is_(None)))
    assert unconfirmed is not None
    insider.execute(sa.update(pledge).where(pledge.c.pledge_id == unconfirmed).values(review="nothing like it"))
    assert [found.kind for found in kept.audited(insider)] == [Kind.PLEDGE_CONFIRMATION]


def test_a_case_without_a_word_and_one_reopened_in_silence_are_found(kept: Kept, insider: sa.Connection) -> None:
    row = insider.execute(sa.select(watch_case).where(watch_case.c.outcome.is_not(None))).mappings().one()
    insider.execute(sa.insert(watch_case), {**row, "case_id": "of nothing", "outcome": None, "state": "open"})
    assert [(found.verdict, found.subject) for found in kept.audited(insider)] == [(Verdict.NOT_LOGGED, "of nothing")]
    insider.execute(sa.delete(watch_case).where(watch_case.c.case_id == "of nothing"))
    assert kept.audited(insider) == []
    insider.execute(sa.update(watch_case).values(outcome=None, state="open", open_for=row["obligor_id"]))
    assert [(found.verdict, found.kind) for found in kept.audited(insider)] == [(Verdict.MISSING, Kind.CASE_END)]


def test_an_appeal_that_is_put_aside_is_found(kept: Kept, insider: sa.Connection) -> None:
    insider.execute(sa.delete(response_event).where(response_event.c.kind == "appeal"))
    assert [(found.verdict, found.kind) for found in kept.audited(insider)] == [(Verdict.MISSING, Kind.RESPONSE_EVENT)]


def test_an_unreadable_row_stops_no_audit(kept: Kept, insider: sa.Connection) -> None:
    insider.execute(sa.text("UPDATE score_record SET body = X'7B', scored_time = 9999999999999999"))
    insider.execute(sa.text("UPDATE consent SET streams = '['"))
    insider.execute(sa.text("UPDATE batch SET kind = 'dreams', received_time = 9223372036854775807"))
    assert {Verdict.UNREADABLE, Verdict.CHANGED} <= {item.verdict for item in kept.audited(insider)}


@pytest.mark.parametrize(
    ("table", "names", "elsewhere"),
    [
        (batch, columns.BATCH_COLUMNS, set()),
        (observation_file, columns.FILE_COLUMNS, set()),
        (consent, columns.CONSENT_COLUMNS, {"withdrawn_time"}),
        (snapshot, (*columns.SNAPSHOT_COLUMNS, *columns.BASIS_COLUMNS), {"disclosure_seed"}),
        (batch_attestation, columns.ATTESTATION_COLUMNS, set()),
        (gateway_key, columns.GATEWAY_KEY_COLUMNS, set()),
        (gateway_key_end, columns.KEY_END_COLUMNS, {"position"}),
        (refused_seal, columns.REFUSAL_COLUMNS, set()),
        (gateway_seal, columns.SEAL_COLUMNS, set()),
        (gateway_fault, columns.FAULT_COLUMNS, set()),
        (score_record, columns.SCORE_COLUMNS, {"body"}),
        (credit_decision, (*columns.DECISION_COLUMNS, *columns.MANDATE_COLUMNS), {"body"}),
        (premium_quote, columns.QUOTE_COLUMNS, {"body"}),
        (policy_record, columns.POLICY_COLUMNS, set()),
        (decision_event, columns.EVENT_COLUMNS, set()),
        (decision_terms, columns.TERMS_COLUMNS, set()),
        (response_event, columns.RESPONSE_COLUMNS, set()),
        (watch_case, columns.CASE_COLUMNS, set()),
        (watch_event, columns.CASE_EVENT_COLUMNS, set()),
        (recourse_offer, columns.OFFER_COLUMNS, set()),
        (recourse_rescore, columns.RESCORE_COLUMNS, set()),
        (model_validation, columns.VALIDATION_COLUMNS, set()),
        (model_check, columns.CHECK_COLUMNS, set()),
        (model_appointment, columns.APPOINTMENT_COLUMNS, set()),
        (pledge, columns.PLEDGE_COLUMNS, {"confirmed_time", "review", "ended_time", "end_reason"}),
        (pledge_claim, columns.PLEDGE_CLAIM_COLUMNS, set()),
        (pledge_trace, columns.PLEDGE_TRACE_COLUMNS, set()),
    ],
)
def test_a_claim_says_every_column(table: sa.Table, names: tuple[str, ...], elsewhere: set[str]) -> None:
    """A column that no claim says could be changed unseen; those said elsewhere are named here."""
    assert set(names) | elsewhere == {column.name for column in table.columns}
    assert len(names) == len(set(names))


def test_what_is_not_committed_is_not_logged(kept: Kept) -> None:
    with unit_of_work(kept.home.engine) as connection:
        before = log.tree_size(connection)
    with pytest.raises(KeyboardInterrupt), unit_of_work(kept.home.engine) as connection:
        row = connection.execute(sa.select(consent).limit(1)).mappings().one()
        connection.execute(sa.insert(consent), {**row, "consent_id": "never"})
        log.append(connection, [log.new_entry("consent", "never", b"{}")])
        raise KeyboardInterrupt
    with unit_of_work(kept.home.engine) as connection:
        assert log.tree_size(connection) == before


def copied(kept: Kept, folder: Path) -> Home:
    """The home, restored from a backup elsewhere."""
    shutil.copytree(kept.home.root, folder / "home")
    return open_home(folder / "home")


def test_compaction_readmission_and_erasure_are_by_the_book(kept: Kept, tmp_path: Path) -> None:
    home = copied(kept, tmp_path)
    later = SIGNED + timedelta(hours=2)
    for hour in range(8):
        start = small.MONDAY + timedelta(days=7, hours=hour)
        small.ingest(home, tmp_path, small.FIRST, days=1, start=start, last=1, now=later)

    def verdicts() -> list[object]:
        signed = verify.parse_checkpoint(evidence.sign(home, since=None, now=later)["text"])
        with unit_of_work(home.engine) as connection:
            old = audit(connection, home, checkpoint=kept.checkpoint, keys=kept.keys).discrepancies
            return [*old, *audit(connection, home, checkpoint=signed, keys=kept.keys).discrepancies]

    done = keeping.compact(home, least_files=2, now=later, progress=lambda *_: None)
    assert done.files_before > done.files_after > 0
    assert verdicts() == []
    with unit_of_work(home.engine) as connection:
        held = connection.scalars(sa.select(quarantined_row.c.batch_id)).all()
    words = {**small.MAPPING["columns"]["state"]["values"], "dancing": "Executing/Processing"}  # type: ignore[index]
    columns = {**small.MAPPING["columns"], "state": {"column": "state", "values": words}}  # type: ignore[dict-item]
    mended = parse_mapping(json.dumps({**small.MAPPING, "columns": columns}), source="mended")
    keeping.readmit(home, BatchId(held[0]), mended, now=later)
    assert verdicts() == []
    erased = keeping.erase(home, small.FIRST, periods=None, now=later)
    assert erased["chunks"] > 3
    assert erased["quarantined_rows"] > 3
    assert verdicts() == []
    with unit_of_work(home.engine) as connection:
        assert log.counted_erasures(connection, Kind.QUARANTINE)
    home.engine.dispose()


def test_a_later_rollback_shows_by_a_newer_checkpoint_only(kept: Kept, tmp_path: Path) -> None:
    home = copied(kept, tmp_path)
    small.decide(home, small.FIRST, now=small.NOW + timedelta(hours=2), amount_minor=20_000_000)
    newer = verify.parse_checkpoint(evidence.sign(home, since=None, now=small.NOW + timedelta(hours=3))["text"])
    with unit_of_work(home.engine) as connection:
        assert audit(connection, home, checkpoint=newer, keys=kept.keys).discrepancies == []
    home.engine.dispose()
    with unit_of_work(kept.home.engine) as connection:  # the state before: the decision never happened
        assert audit(connection, kept.home, checkpoint=kept.checkpoint, keys=kept.keys).discrepancies == []
        found = audit(connection, kept.home, checkpoint=newer, keys=kept.keys).discrepancies
    assert {item.verdict for item in found} == {Verdict.ROLLED_BACK}


def test_a_restored_home_does_not_sign_over_what_it_lost(kept: Kept, insider: sa.Connection) -> None:
    insider.execute(sa.delete(log_entry).where(log_entry.c.position == kept.checkpoint.size - 1))
    with pytest.raises(LogDamaged, match="rolled back"):
        keep_head(insider, log_signers(kept.home), now=small.NOW)


def test_a_checkpoint_of_another_key_is_no_checkpoint(kept: Kept, tmp_path: Path) -> None:
    other = open_home(tmp_path / "other")
    signed = evidence.sign(other, since=None, now=small.NOW)
    note, key = tmp_path / "note", kept.home.evidence / "log.pub"
    note.write_text(signed["text"])
    with pytest.raises(InvalidEvidence, match="no signature of"):
        evidence.audit_home(kept.home, note, key)
    other.engine.dispose()


def test_the_key_is_the_owners_alone_and_the_doctor_looks(kept: Kept, tmp_path: Path) -> None:
    home = copied(kept, tmp_path)
    private = home.evidence / PRIVATE_FILE
    assert stat.S_IMODE(private.stat().st_mode) == 0o600

    def found() -> dict[Level, str]:
        told = examine(home.root, database_url=None, now=small.NOW, sample=100)
        return {item.level: item.message for item in told if item.check == "evidence"}

    assert "entries of the log hold together" in found()[Level.OK]
    private.chmod(0o644)
    assert "can be read by others" in found()[Level.WRONG]
    private.chmod(0o600)
    with home.engine.begin() as connection:
        connection.execute(sa.update(consent).values(mark="obligor_granted"))
    assert "things are not as logged: consent" in found()[Level.WRONG]
    home.engine.dispose()
