"""The commands of the evidence, as a bank and an operator use them one after the other."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from kept_home import Kept

from api import cli
from api.database.engine import unit_of_work
from api.database.tables import credit_decision
from benchmarks.tamper import small
from data_contracts.observations.tables import batch

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def millgrade(kept: Kept, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command on the kept home: its exit code, standard output, and standard error."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["millgrade", *map(str, arguments), "--home", str(kept.home.root)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
            raise SystemExit(0)
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return call


def decision_of(kept: Kept) -> str:
    with unit_of_work(kept.home.engine) as connection:
        return str(connection.scalars(sa.select(credit_decision.c.decision_id)).first())


def test_from_checkpoint_to_audit(kept: Kept, millgrade: Run, tmp_path: Path) -> None:
    note, key = tmp_path / "note", kept.home.evidence / "log.pub"
    assert millgrade("checkpoint", "--out", note) == (0, f"{note}\n", "")
    code, out, _ = millgrade("audit", "--checkpoint", note, "--key", key)
    assert (code, "everything is as it was logged" in out) == (0, True)
    code, out, _ = millgrade("audit", "--checkpoint", note, "--key", key, "--json")
    assert json.loads(out)["is_well"] is True
    with kept.home.engine.begin() as connection:
        before = connection.execute(sa.select(credit_decision)).mappings().all()
        connection.execute(sa.update(credit_decision).values(outcome="approve", rating_grade="R1"))
    try:
        code, out, _ = millgrade("audit", "--checkpoint", note, "--key", key)
    finally:
        with kept.home.engine.begin() as connection:
            for row in before:
                same = credit_decision.c.decision_id == row["decision_id"]
                told = {name: row[name] for name in ("outcome", "rating_grade")}
                connection.execute(sa.update(credit_decision).where(same).values(told))
    assert code == 2
    assert "does not say what was logged" in out


def test_from_receipt_to_verify(kept: Kept, millgrade: Run, tmp_path: Path) -> None:
    file = tmp_path / "receipt.json"
    assert millgrade("receipt", decision_of(kept), "--open", "consents", "--out", file)[0] == 0
    code, out, _ = millgrade("verify", file)
    assert (code, out.rstrip().endswith("Everything holds.")) == (0, True)
    file.write_text(file.read_text(encoding="utf-8").replace("10000000", "90000000"), encoding="utf-8")
    code, out, err = millgrade("verify", file, "--key", kept.home.evidence / "log.pub")
    assert (code, out) == (2, "")
    assert "is not what stands at entry" in err
    code, _, err = millgrade("audit", "--checkpoint", file, "--key", kept.home.evidence / "log.pub")
    assert code == 0, err  # its checkpoint is still a good one


def test_a_witness_by_command(kept: Kept, millgrade: Run, tmp_path: Path) -> None:
    request, state, key = tmp_path / "request", tmp_path / "w", kept.home.evidence / "log.pub"
    assert millgrade("checkpoint", "--since", 0, "--out", request)[0] == 0
    code, line, _ = millgrade("witness", request, "--key", key, "--state", state, "--name", "bank.example/w")
    assert (code, line.startswith("— bank.example/w ")) == (0, True)
    answer = tmp_path / "line"
    answer.write_text(line, encoding="utf-8")
    code, _, err = millgrade("witness", request, "--key", key, "--state", state)
    assert code == 2
    assert "NotWitnessed: The request proves from 0 entries on" in err
    code, _, err = millgrade("checkpoint", "--cosignature", answer)
    assert (code, "kept only once it is checked" in err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("receipt", "x1"), "No record 'x1' is kept here"),
        (("receipt", "d1"), "The log has no credit_decision 'd1'"),
        (("receipt", "d1", "--open", "everything"), "'everything' cannot be opened"),
        (("verify", "nowhere.json"), "cannot be read as text"),
        (("checkpoint", "--since", "999999"), "entries, not 999999"),
        (("audit", "--checkpoint", "nowhere", "--key", "nowhere"), "cannot be read as text"),
    ],
)
def test_what_cannot_be_done_is_said(millgrade: Run, arguments: tuple[Any, ...], says: str) -> None:
    code, _, err = millgrade(*arguments)
    assert code == 2
    assert says in err


def test_gateways_and_attestations_by_command(kept: Kept, millgrade: Run) -> None:
    public = base64.b64encode(Ed25519PrivateKey.generate().public_key().public_bytes_raw()).decode()
    named = ("gateway", "add", "--obligor", small.FIRST, "--gateway", "G-7", "--public-key", public)
    code, key_id, _ = millgrade(*named)
    assert code == 0
    told = json.loads(millgrade("gateway", "list", "--obligor", small.FIRST, "--json")[1])
    assert key_id.strip() in {key["key_id"] for key in told["gateway_keys"]}
    assert [fault["kind"] for fault in told["faults"]] == ["gap"]
    assert "are missing" in millgrade("gateway", "list")[1]
    code, out, _ = millgrade("gateway", "revoke", key_id.strip(), "--from", "2026-11-01")
    assert (code, "counts for nothing from 2026-10-31T16:00:00+00:00 on" in out) == (0, True)
    with unit_of_work(kept.home.engine) as connection:
        batch_id = connection.scalars(sa.select(batch.c.batch_id)).first()
    code, out, _ = millgrade("attest", batch_id, "--level", "L3", "--by", "grid", "--evidence", "0" * 64)
    assert (code, out) == (0, f"{batch_id}: L3\n")
    for arguments, says in (
        (("attest", batch_id, "--level", "L2", "--by", "x", "--evidence", "0" * 64), "not what is attested"),
        (("attest", batch_id, "--level", "L4", "--by", "x", "--evidence", "scan.pdf"), "is no SHA-256"),
        (("attest", "b0", "--level", "L4", "--by", "x", "--evidence", "0" * 64), "There is no batch"),
        (("gateway", "revoke", "0" * 16), "No gateway key"),
        ((*named[:-1], "AAAA"), "has 3 bytes, not 32"),
    ):
        code, _, err = millgrade(*arguments)
        assert (code, says in err) == (2, True), err
