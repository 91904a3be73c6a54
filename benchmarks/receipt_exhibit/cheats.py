"""Three ways of cheating with a decision, each done for real, and what is said to it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from api.database.engine import unit_of_work
from api.database.tables import credit_decision
from api.evidence.claims import Kind
from api.evidence.keys import log_signers
from api.home import Home, open_home
from api.operations import evidence, witness
from api.receipts.service import receipt, receipt_bytes
from benchmarks.small_home import NOW
from benchmarks.tamper import mutations
from data_contracts.evidence import checkpoint, verify
from data_contracts.evidence.tables import log_checkpoint
from scoring.canonical import canonical_bytes

VERIFY = ("python", "data_contracts/evidence/verify.py")


@dataclass(frozen=True, kw_only=True)
class Said:
    """A command as it was typed, what it printed, and its exit code."""

    command: str
    printed: str
    exit_code: int


def verified(file: Path, key: Path, *more: str | Path) -> Said:
    """The verifier on a file, in a process of its own and in isolated mode."""
    arguments = [file, "--key", key, *more]
    command = [sys.executable, "-I", verify.__file__, *map(str, arguments)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, encoding="utf-8")
    typed = " ".join([*VERIFY, *(item.name if isinstance(item, Path) else item for item in arguments)])
    return Said(command=typed, printed=ran.stdout.rstrip(), exit_code=ran.returncode)


def edited_statement(folder: Path, made: Mapping[str, Any], key: Path) -> Said:
    """A borrower makes its limit ten times as high."""
    statement = json.loads(made["statement"])
    statement["limit_minor"] = (statement["limit_minor"] or 1_000_000) * 10
    return _written(folder, "edited.json", {**made, "statement": canonical_bytes(statement).decode()}, key)


def better_feature(folder: Path, made: Mapping[str, Any], key: Path) -> Said:
    """A borrower opens its power-on rate as a better one than was logged."""
    changed = json.loads(json.dumps(made))
    item = changed["opened"]["features"][0]
    content = json.loads(item["content"])
    content["value"] = 0.97
    item["content"] = canonical_bytes(content).decode()
    return _written(folder, "better.json", changed, key)


def rewritten_history(home: Home, folder: Path, made: Mapping[str, Any], key: Path) -> dict[str, Said]:
    """The operator, who holds the log's private key, makes the decision another one, computes the whole log anew and
    signs it anew. The forged receipt verifies; the witness, the old checkpoint and the old answer tell."""
    state, requests = folder / "witness", folder / "request.txt"
    evidence.write(requests, evidence.sign(home, since=0, now=NOW)["text"])
    size = witness.witness(state, requests, key, name="bank.example/witness", now=NOW)["size"]
    kept = folder / "kept.checkpoint"
    shutil.copy(state / "last.checkpoint", kept)
    name = json.loads(made["statement"])["decision_id"]
    forged = _forged(home, folder / "forged", name)
    file = folder / "forged.json"
    with unit_of_work(forged.engine) as connection:
        file.write_bytes(receipt_bytes(receipt(connection, forged, Kind.CREDIT_DECISION, name, now=NOW)))
        note = checkpoint.latest(connection)
        assert note is not None
        evidence.write(requests, checkpoint.witness_request(connection, size, note))
    told = {
        "forged": verified(file, key),
        "witness": _witnessed(state, requests, key),
        "audit": _audited(forged, kept, key),
    }
    forged.engine.dispose()
    return told


def _forged(home: Home, folder: Path, name: str) -> Home:
    """A copy of the home in which the decision was always an approval."""
    shutil.copytree(home.root, folder)
    forged = open_home(folder)
    raw = sa.create_engine(f"sqlite:///{folder / 'millgrade.db'}")
    with raw.begin() as connection:
        which = credit_decision.c.decision_id == name
        body = json.loads(connection.scalar(sa.select(credit_decision.c.body).where(which)) or b"")
        body["rating_grade"], body["pd_12m"] = "R1", 0.0003
        values = {"rating_grade": "R1", "body": canonical_bytes(body)}
        connection.execute(sa.update(credit_decision).where(which).values(values))
        mutations.make_log_agree(connection)
        connection.execute(sa.delete(log_checkpoint))
        checkpoint.keep_head(connection, log_signers(forged), now=NOW + timedelta(hours=1))
    raw.dispose()
    return forged


def _witnessed(state: Path, request: Path, key: Path) -> Said:
    command = f"millgrade witness {request.name} --key {key.name} --state witness"
    try:
        printed, code = witness.witness(state, request, key, name="bank.example/witness", now=NOW)["cosignature"], 0
    except witness.NotWitnessed as error:
        printed, code = f"{type(error).__name__}: {error}", 2
    return Said(command=command, printed=printed, exit_code=code)


def _audited(home: Home, kept: Path, key: Path) -> Said:
    found = evidence.audit_home(home, kept, key).discrepancies
    lines = [f"{item.verdict:12}{item.kind} {item.subject}: {item.message}" for item in found]
    command = f"millgrade audit --checkpoint {kept.name} --key {key.name}"
    return Said(command=command, printed="\n".join(lines), exit_code=2 if found else 0)


def _written(folder: Path, name: str, made: Mapping[str, Any], key: Path) -> Said:
    file = folder / name
    file.write_bytes(canonical_bytes(made) + b"\n")
    return verified(file, key)
