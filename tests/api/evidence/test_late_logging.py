"""A home older than its log: what it kept is logged late, and receipts say so."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa
from kept_home import SIGNED, Kept

from api.database.engine import unit_of_work
from api.database.tables import credit_decision
from api.evidence.claims import Kind
from api.home import Home, open_home
from api.operations import evidence
from api.operations.audit.discrepancy import Verdict
from api.operations.audit.examine import audit
from api.operations.late_logging import log_late
from api.receipts.opening import SEALED
from data_contracts.evidence import verify
from data_contracts.evidence.tables import log_checkpoint, log_entry, log_node

LATER = SIGNED + timedelta(days=400)


def older_than_its_log(kept: Kept, folder: Path) -> Home:
    """The same home as if it had never had a log."""
    shutil.copytree(kept.home.root, folder / "old")
    home = open_home(folder / "old")
    with unit_of_work(home.engine) as connection:
        for table in (log_entry, log_node, log_checkpoint):
            connection.execute(sa.delete(table))
    return home


def test_what_was_kept_before_the_log_is_logged_late_and_audits_clean(kept: Kept, tmp_path: Path) -> None:
    home = older_than_its_log(kept, tmp_path)
    done = log_late(home, now=LATER)
    assert done.unreadable == []
    assert done.kinds[Kind.CREDIT_DECISION] > 0
    assert done.kinds[Kind.INGEST_BATCH] > 0
    again = log_late(home, now=LATER)
    assert (again.entries, again.kinds) == (0, {})
    signed = evidence.sign(home, since=None, now=LATER)
    with unit_of_work(home.engine) as connection:
        keys = verify.parse_keys("\n".join(signed["keys"]))
        found = audit(connection, home, checkpoint=verify.parse_checkpoint(signed["text"]), keys=keys)
    # Erasures are known by the log alone: what was erased before cannot be told from what was taken away.
    assert {item.verdict for item in found.discrepancies} <= {Verdict.CHANGED}
    assert all("no erasure was logged" in item.message for item in found.discrepancies)
    assert found.covered == done.entries + 1
    home.engine.dispose()


def test_a_receipt_of_a_late_record_opens_the_run_that_logged_it(kept: Kept, tmp_path: Path) -> None:
    home = older_than_its_log(kept, tmp_path)
    done = log_late(home, now=LATER)
    with home.engine.connect() as connection:
        name = connection.scalars(sa.select(credit_decision.c.decision_id)).first()
    text = json.dumps(evidence.receipt_of(home, str(name), SEALED, now=LATER))
    keys = verify.parse_keys((home.root / "evidence" / "log.pub").read_text(encoding="utf-8"))
    (late,) = verify.check_receipt(text, keys)["entries"]
    assert late["kind"] == "late_logging"
    assert late["statement"]["until"] - late["statement"]["first"] == done.entries
    assert late["statement"]["logged_us"] == int(LATER.timestamp() * 1e6)
    home.engine.dispose()


def test_what_is_logged_in_time_says_nothing_of_it(kept: Kept) -> None:
    with kept.home.engine.connect() as connection:
        name = connection.scalars(sa.select(credit_decision.c.decision_id)).first()
    made = evidence.receipt_of(kept.home, str(name), SEALED, now=LATER)
    assert made["opened"] == {}
