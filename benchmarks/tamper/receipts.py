"""How large receipts are, and how long a verifier takes with them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from statistics import median

import sqlalchemy as sa

from api.database.engine import unit_of_work
from api.database.tables import credit_decision
from api.evidence.claims import Kind
from api.home import Home
from api.receipts.service import ingest_receipt, logged, receipt, receipt_bytes
from benchmarks.tamper import small
from data_contracts.evidence import verify
from data_contracts.identifiers import BatchId
from data_contracts.observations.tables import batch

REPEATS = 200
PROCESSES = 10


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A decision's receipt with both signatures, a batch's with one; the median time to verify the former within a
    process, and of a whole process of `verify.py` from its start to its end."""

    receipt_bytes: int
    ingest_receipt_bytes: int
    verify_ms: float
    verify_process_ms: float


def measure(home: Home) -> Measured:
    """Receipts of one decision and one batch of the home."""
    with unit_of_work(home.engine) as connection:
        decision = connection.scalars(sa.select(credit_decision.c.decision_id)).first() or ""
        batch_id = BatchId(connection.scalars(sa.select(batch.c.batch_id)).first() or "")
        made = receipt_bytes(receipt(connection, home, Kind.CREDIT_DECISION, decision, now=small.SIGNED))
        admission = logged(connection, Kind.INGEST_BATCH, batch_id)
        small_one = receipt_bytes(ingest_receipt(connection, home, admission, now=small.SIGNED))
    key = home.evidence / "log.pub"
    keys, text = verify.parse_keys(key.read_text(encoding="utf-8")), made.decode()
    file = home.root / "receipt.json"
    file.write_bytes(made)
    command = [sys.executable, "-I", verify.__file__, str(file), "--key", str(key), "--json"]
    within, alone = [], []
    for _ in range(REPEATS):
        began = time.perf_counter()
        verify.check_receipt(text, keys)
        within.append(time.perf_counter() - began)
    for _ in range(PROCESSES):
        began = time.perf_counter()
        told = subprocess.run(command, capture_output=True, check=True)
        alone.append(time.perf_counter() - began)
        assert json.loads(told.stdout)["valid"] is True
    file.unlink()
    return Measured(
        receipt_bytes=len(made),
        ingest_receipt_bytes=len(small_one),
        verify_ms=round(median(within) * 1000, 2),
        verify_process_ms=round(median(alone) * 1000, 1),
    )
