"""Receipts: what they bind, what they open, what a verifier says to every cheat; with the one file that runs alone."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from kept_home import SIGNED, Kept

from api.database.engine import unit_of_work
from api.database.tables import credit_decision, premium_quote, score_record, snapshot
from api.errors import EvidenceErased
from api.evidence.claims import Kind
from api.home import Home, open_home
from api.operations import evidence, witness
from api.receipts.opening import SEALED, Opening, parse_opening
from api.receipts.service import ingest_receipt, logged, receipt, receipt_bytes
from api.snapshots import repository as snapshots
from benchmarks.tamper import small
from data_contracts.errors import InputError, LogDamaged, NotFound
from data_contracts.evidence import log, verify
from data_contracts.evidence.verify import Invalid, check_receipt
from data_contracts.identifiers import BatchId
from data_contracts.observations.tables import batch, chunk

VERIFIER = Path(verify.__file__)
LATER = SIGNED + timedelta(hours=1)


def names(connection: sa.Connection) -> dict[Kind, str]:
    """A record of each kind that has receipts."""
    return {
        Kind.CREDIT_DECISION: connection.scalars(sa.select(credit_decision.c.decision_id)).first() or "",
        Kind.PREMIUM_QUOTE: connection.scalars(sa.select(premium_quote.c.quote_id)).first() or "",
        Kind.SCORE_RECORD: connection.scalars(sa.select(score_record.c.score_id)).first() or "",
        Kind.INGEST_BATCH: connection.scalars(sa.select(batch.c.batch_id).where(batch.c.kind == "sample")).first()
        or "",
    }


@pytest.fixture
def told(kept: Kept) -> dict[str, Any]:
    """The receipt of a decision with everything opened."""
    opening = parse_opening(["features", "batches", "consents"], quantities=True)
    with unit_of_work(kept.home.engine) as connection:
        return receipt(
            connection,
            kept.home,
            Kind.CREDIT_DECISION,
            names(connection)[Kind.CREDIT_DECISION],
            opening=opening,
            now=LATER,
        )


@pytest.mark.parametrize("kind", [Kind.CREDIT_DECISION, Kind.PREMIUM_QUOTE, Kind.SCORE_RECORD, Kind.INGEST_BATCH])
def test_a_receipt_is_small_and_proves_its_record(kept: Kept, kind: Kind) -> None:
    with unit_of_work(kept.home.engine) as connection:
        made = receipt_bytes(receipt(connection, kept.home, kind, names(connection)[kind], now=LATER))
    assert len(made) < 8 * 1024
    report = check_receipt(made.decode(), kept.keys)
    assert report["kind"] == kind
    assert len(report["signed_by"]) == 2


def test_a_decisions_receipt_binds_what_it_rests_on(kept: Kept, told: dict[str, Any]) -> None:
    report = check_receipt(json.dumps(told), kept.keys)
    said = report["statement"]
    with unit_of_work(kept.home.engine) as connection:
        row = connection.execute(
            sa.select(credit_decision).where(credit_decision.c.decision_id == said["decision_id"])
        ).one()
        roots = dict(connection.execute(sa.select(batch.c.batch_id, batch.c.merkle_root)).all())
    body, taken = json.loads(row.body), snapshots.load(kept.home, row.snapshot_id)
    assert said["snapshot_id"] == row.snapshot_id
    assert said["model_version"] == body["model_version"]
    assert said["parameters_version"] == row.parameters_version
    assert len(said["consent_ids"]) == 2
    assert said["outcome"] == body["outcome"]
    assert said["reasons"] == [f"{item['code']} {item['direction']} {item['feature']}" for item in body["reasons"]]
    assert {item["feature"] for item in report["features"]} == {*taken.values, *taken.quantities}
    assert {item["batch_id"]: item["merkle_root"] for item in report["batches"]} == {
        name: roots[name] for name in taken.batches
    }
    assert [item["statement"]["purpose"] for item in report["entries"]] == ["platform", "credit"]


def test_only_what_was_chosen_is_opened(kept: Kept) -> None:
    with unit_of_work(kept.home.engine) as connection:
        name = names(connection)[Kind.CREDIT_DECISION]
        chosen = parse_opening(["feature:power_on_rate_90d"])
        made = receipt(connection, kept.home, Kind.CREDIT_DECISION, name, opening=chosen, now=LATER)
        taken = snapshots.load(kept.home, json.loads(made["statement"])["snapshot_id"])
    report = check_receipt(json.dumps(made), kept.keys)
    assert [item["feature"] for item in report["features"]] == ["power_on_rate_90d"]
    assert report["features"][0]["value"] == taken.values["power_on_rate_90d"].value
    others = {*taken.values, *taken.batches} - {"power_on_rate_90d"}
    reasons = " ".join(json.loads(made["statement"])["reasons"])
    assert not [other for other in others if other in json.dumps(made) and other not in reasons]


def test_a_chunk_opens_the_rows_of_a_machine_and_day(kept: Kept) -> None:
    with unit_of_work(kept.home.engine) as connection:
        name = names(connection)[Kind.INGEST_BATCH]
        opening = Opening(chunks=[(name, 1)])
        made = receipt(connection, kept.home, Kind.INGEST_BATCH, name, opening=opening, now=LATER)
    report = check_receipt(json.dumps(made), kept.keys)
    assert report["chunks"] == [{"index": 1, "merkle_root": report["statement"]["merkle_root"], "is_erased": False}]
    rows = base64.b64decode(made["opened"]["chunks"][0]["bytes"])
    assert b"run" not in rows  # the contract's words, not the source's
    assert b"Executing" in rows
    made["opened"]["chunks"][0]["bytes"] = base64.b64encode(rows[:-1] + b"X").decode()
    with pytest.raises(Invalid, match="not of a batch"):
        check_receipt(json.dumps(made), kept.keys)


def test_an_erased_chunk_leaves_the_other_parts_valid(kept: Kept, insider: sa.Connection) -> None:
    row = insider.execute(sa.select(credit_decision)).first()
    assert row is not None
    decision, rests_on = row.decision_id, snapshots.load(kept.home, row.snapshot_id).batches
    samples = sa.select(batch.c.batch_id).where(batch.c.kind == "sample", batch.c.batch_id.in_(rests_on))
    name = insider.scalars(samples).one()
    opening = Opening(batches=[name], chunks=[(name, 0), (name, 1)])
    before = receipt(insider, kept.home, Kind.CREDIT_DECISION, decision, opening=opening, now=LATER)
    insider.execute(sa.update(chunk).where(chunk.c.batch_id == name, chunk.c.position == 0).values(salt=None))
    after = receipt(insider, kept.home, Kind.CREDIT_DECISION, decision, opening=opening, now=LATER)
    assert check_receipt(json.dumps(before), kept.keys)["chunks"][0]["is_erased"] is False
    report = check_receipt(json.dumps(after), kept.keys)
    assert [item["is_erased"] for item in report["chunks"]] == [True, False]
    assert after["statement"] == before["statement"]


def test_an_erased_record_has_no_receipt(kept: Kept, insider: sa.Connection) -> None:
    name = names(insider)[Kind.SCORE_RECORD]
    log.erase(insider, Kind.SCORE_RECORD.value, name)
    with pytest.raises(EvidenceErased):
        receipt(insider, kept.home, Kind.SCORE_RECORD, name, now=LATER)


def test_a_snapshot_without_its_seed_opens_nothing(kept: Kept, insider: sa.Connection) -> None:
    insider.execute(sa.update(snapshot).values(disclosure_seed=None))
    with pytest.raises(EvidenceErased, match="no seed"):
        receipt(
            insider,
            kept.home,
            Kind.CREDIT_DECISION,
            names(insider)[Kind.CREDIT_DECISION],
            opening=parse_opening(["features"]),
            now=LATER,
        )


def test_a_changed_record_gets_no_receipt(kept: Kept, insider: sa.Connection) -> None:
    insider.execute(sa.update(credit_decision).values(outcome="approve", rating_grade="R1"))
    with pytest.raises(LogDamaged, match="does not say any more"):
        receipt(insider, kept.home, Kind.CREDIT_DECISION, names(insider)[Kind.CREDIT_DECISION], now=LATER)


def test_the_answer_is_compared_to_the_last_byte(kept: Kept, told: dict[str, Any]) -> None:
    with unit_of_work(kept.home.engine) as connection:
        body = json.loads(
            connection.scalar(
                sa.select(credit_decision.c.body).where(
                    credit_decision.c.decision_id == json.loads(told["statement"])["decision_id"]
                )
            )
            or b""
        )
    wrapped = json.dumps({"decision": body, "livemode": False}, indent=1)
    assert check_receipt(json.dumps(told), kept.keys, answer=wrapped)["answer_matches"] is True
    assert check_receipt(json.dumps(told), kept.keys, answer=json.dumps(body))["answer_matches"] is True
    body["annual_rate_ratio"] += 0.0001
    with pytest.raises(Invalid, match="not the one that was logged"):
        check_receipt(json.dumps(told), kept.keys, answer=json.dumps(body))


def leaves_of(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where every text and number of a receipt stands."""
    if isinstance(value, dict | list):
        for name, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves_of(item, (*path, name))
    else:
        yield path


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_no_changed_receipt_convinces(kept: Kept, data: st.DataObject) -> None:
    """Whatever text, number or list is changed, the verifier says Invalid, and never breaks."""
    opening = parse_opening(["feature:power_on_rate_90d", "consents"])
    with unit_of_work(kept.home.engine) as connection:
        decision = names(connection)[Kind.CREDIT_DECISION]
        made = receipt(connection, kept.home, Kind.CREDIT_DECISION, decision, opening=opening, now=LATER)
    path = data.draw(st.sampled_from(sorted(leaves_of(made), key=repr)))
    place = made
    for name in path[:-1]:
        place = place[name]
    old = place[path[-1]]
    if isinstance(old, str) and data.draw(st.booleans()):
        at = data.draw(st.integers(0, len(old) - 1))
        new: Any = (
            old[:at] + data.draw(st.characters(codec="utf-8").filter(lambda mark: mark != old[at])) + old[at + 1 :]
        )
    else:
        new = data.draw(st.one_of(st.none(), st.integers(), st.text(max_size=5), st.lists(st.integers(), max_size=2)))
    if new == old:
        return
    place[path[-1]] = new
    with pytest.raises(Invalid):
        check_receipt(json.dumps(made), kept.keys)


@settings(deadline=None)
@given(st.text(max_size=300))
def test_no_text_breaks_the_verifier(kept: Kept, text: str) -> None:
    with pytest.raises(Invalid):
        check_receipt(text, kept.keys)


def alone(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the verifier, copied elsewhere, in isolated mode: no path of this project, no environment."""
    copy = folder / "verify.py"
    shutil.copy(VERIFIER, copy)
    command = [sys.executable, "-I", str(copy), *map(str, arguments)]
    return subprocess.run(command, cwd=folder, env={}, capture_output=True, text=True, check=False, encoding="utf-8")


def test_the_verifier_runs_alone(kept: Kept, told: dict[str, Any], tmp_path: Path) -> None:
    source = VERIFIER.read_text(encoding="utf-8")
    assert "data_contracts" not in source
    file, key = tmp_path / "receipt.json", kept.home.evidence / "log.pub"
    file.write_bytes(receipt_bytes(told))
    good = alone(tmp_path, file, "--key", key)
    assert good.returncode == 0, good.stderr
    assert "Everything holds." in good.stdout
    file.write_text(json.dumps({"receipt": told, "livemode": False}))
    assert json.loads(alone(tmp_path, file, "--key", key, "--json").stdout)["valid"] is True
    told["statement"] = told["statement"].replace('"outcome":"', '"outcome":"x')
    file.write_bytes(receipt_bytes(told))
    bad = alone(tmp_path, file, "--key", key)
    assert (bad.returncode, bad.stderr) == (1, "")
    assert "INVALID: The credit_decision is not what stands at entry" in bad.stdout
    assert alone(tmp_path, file, "--key", tmp_path / "none").returncode == 1
    for words in (
        [],
        [file],
        [file, "--key"],
        [file, "--key", key, "--quickly"],
        [file, file, "--key", key],
        ["--help"],
    ):
        asked = alone(tmp_path, *words)
        assert (asked.returncode, "verify.py RECEIPT --key KEY" in asked.stderr) == (2, True)
    assert alone(tmp_path, f"--key={key}", "--json", file).returncode == 1


def test_a_gateway_keeps_a_small_receipt_of_its_batch(kept: Kept) -> None:
    with unit_of_work(kept.home.engine) as connection:
        name = BatchId(names(connection)[Kind.INGEST_BATCH])
        made = ingest_receipt(connection, kept.home, logged(connection, Kind.INGEST_BATCH, name), now=LATER)
    assert len(receipt_bytes(made)) < 3 * 1024
    report = check_receipt(json.dumps(made), kept.keys[:1])
    assert report["statement"]["batch_id"] == name
    both = check_receipt(json.dumps(made), kept.keys)
    assert [both["signed_by"], both["not_signed_by"]] == [[told] for told in labels(kept.keys)]
    with pytest.raises(Invalid, match=r"no signature of .* \(ML-DSA-44\)"):
        check_receipt(json.dumps(made), kept.keys[1:])
    with pytest.raises(Invalid, match="no signed note"):
        check_receipt(json.dumps(without(made, kept.keys[0])), kept.keys)


def test_no_other_receipt_does_without_a_key(kept: Kept, told: dict[str, Any]) -> None:
    for key in kept.keys:
        with pytest.raises(Invalid, match=f"no signature of .*{key.key_id.hex()}"):
            check_receipt(json.dumps(without(told, key)), kept.keys)


def labels(keys: list[verify.Key]) -> list[str]:
    return [f"{key.label} {key.key_id.hex()}" for key in keys]


def without(made: dict[str, Any], key: verify.Key) -> dict[str, Any]:
    """A receipt without the signature of a key."""
    lines = made["proof"].splitlines(keepends=True)
    kept = [
        line for line in lines if not line.startswith("—") or base64.b64decode(line.split(" ")[2])[:4] != key.key_id
    ]
    assert len(kept) == len(lines) - 1
    return {**made, "proof": "".join(kept)}


def test_a_receipt_with_a_few_parts_opened_is_small(kept: Kept) -> None:
    """A feature, a batch and both consents: what a lender asks for."""
    with unit_of_work(kept.home.engine) as connection:
        name = names(connection)[Kind.CREDIT_DECISION]
        sealed = receipt(connection, kept.home, Kind.CREDIT_DECISION, name, now=LATER)
        rests_on = snapshots.load(kept.home, json.loads(sealed["statement"])["snapshot_id"]).batches
        opening = parse_opening(["feature:power_on_rate_90d", f"batch:{min(rests_on)}", "consents"])
        made = receipt(connection, kept.home, Kind.CREDIT_DECISION, name, opening=opening, now=LATER)
    assert len(receipt_bytes(made)) < 8 * 1024
    assert [len(check_receipt(json.dumps(made), kept.keys)[part]) for part in ("features", "batches", "entries")] == [
        *(1, 1, 2)
    ]


def test_a_receipt_of_the_format_before_still_holds(kept: Kept, told: dict[str, Any]) -> None:
    """As they were handed out: every path spells out its hashes, in hexadecimal below a snapshot or a batch."""
    old = {name: value for name, value in told.items() if name != "hashes"} | {"format": "millgrade-receipt/1"}
    with pytest.raises(Invalid, match="path names a hash"):
        check_receipt(json.dumps(old), kept.keys)
    raw, old["salt"] = base64.b64decode(told["hashes"]), base64.b64decode(told["salt"]).hex()
    for part, items in old["opened"].items():
        for item in items:
            item["salt"] = base64.b64decode(item["salt"]).hex()
            path = [raw[32 * place : 32 * place + 32] for place in item["path"]]
            item["path"] = [base64.b64encode(step).decode() if part == "entries" else step.hex() for step in path]
    report = check_receipt(json.dumps(old), kept.keys)
    assert [len(report[part]) > 1 for part in ("features", "batches", "entries")] == [True, True, True]
    with pytest.raises(Invalid, match="no receipt of the format"):
        check_receipt(json.dumps({**old, "hashes": ""}), kept.keys)


@pytest.mark.parametrize("word", ["feature", "feature:", "rows", "chunk:b1", "chunk:b1/x", "", "features "])
def test_what_cannot_be_opened_is_said(word: str) -> None:
    with pytest.raises(InputError, match="cannot be opened"):
        parse_opening([word])


def test_an_unknown_part_is_not_found(kept: Kept) -> None:
    with unit_of_work(kept.home.engine) as connection:
        decision = names(connection)[Kind.CREDIT_DECISION]
        quantity = next(iter(snapshots.latest(connection, kept.home, small.FIRST, now=LATER).quantities))  # type: ignore[union-attr]
        for word in ("feature:luck", "batch:b0", f"feature:{quantity}"):
            with pytest.raises(NotFound):
                receipt(connection, kept.home, Kind.CREDIT_DECISION, decision, opening=parse_opening([word]), now=LATER)


# --- Witnesses ------------------------------------------------------------------------------------------------------


@pytest.fixture
def grown(kept: Kept, tmp_path: Path) -> Iterator[Home]:
    """A copy of the home, to grow and to roll back."""
    shutil.copytree(kept.home.root, tmp_path / "home")
    home = open_home(tmp_path / "home")
    yield home
    home.engine.dispose()


def request(home: Home, folder: Path, since: int) -> Path:
    path = folder / f"since-{since}.txt"
    path.write_text(evidence.sign(home, since=since, now=LATER)["text"], encoding="utf-8")
    return path


def test_a_witness_cosigns_a_log_that_only_grows(kept: Kept, grown: Home, tmp_path: Path) -> None:
    state, key = tmp_path / "witness", grown.evidence / "log.pub"
    first = witness.witness(state, request(grown, tmp_path, 0), key, name="bank.example/w", now=LATER)
    with unit_of_work(grown.engine) as connection:
        assert (first["was_known"], first["size"]) == (False, log.tree_size(connection))
    small.decide(grown, small.FIRST, now=LATER, amount_minor=30_000_000)
    second = witness.witness(state, request(grown, tmp_path, first["size"]), key, name="bank.example/w", now=LATER)
    assert second["was_known"]
    line = tmp_path / "line"
    line.write_text(second["cosignature"], encoding="utf-8")
    evidence.add_cosignature(grown, line, state / "witness.pub")
    with unit_of_work(grown.engine) as connection:
        made = receipt(connection, grown, Kind.CREDIT_DECISION, names(connection)[Kind.CREDIT_DECISION], now=LATER)
    assert len(receipt_bytes(made)) < 8 * 1024
    report = check_receipt(json.dumps(made), kept.keys, witnesses=[verify.parse_key(second["key"])])
    assert report["witnesses"] == [f"bank.example/w (Ed25519) at {LATER.isoformat()}"]
    other = verify.parse_key(
        witness.witness(tmp_path / "other", request(grown, tmp_path, 0), key, name="other", now=LATER)["key"]
    )
    with pytest.raises(Invalid, match="None of the given witnesses"):
        check_receipt(json.dumps(made), kept.keys, witnesses=[other])


def test_a_witness_refuses_a_rollback_and_a_fork(kept: Kept, grown: Home, tmp_path: Path) -> None:
    state, key = tmp_path / "witness", grown.evidence / "log.pub"
    small.decide(grown, small.FIRST, now=LATER, amount_minor=30_000_000)
    witnessed = witness.witness(state, request(grown, tmp_path, 0), key, name="w", now=LATER)["size"]
    remembered = (state / "last.checkpoint").read_text(encoding="utf-8")
    old = kept.home  # the state before, as a restored backup would be
    with pytest.raises(witness.NotWitnessed, match=f"rolled back: {witnessed} entries were witnessed"):
        witness.witness(state, request(old, tmp_path, kept.checkpoint.size), key, name="w", now=LATER)
    shutil.copytree(old.root, tmp_path / "fork")
    fork = open_home(tmp_path / "fork")
    for amount in (40_000_000, 50_000_000):
        small.decide(fork, small.SECOND, now=LATER, amount_minor=amount)
    with pytest.raises(witness.NotWitnessed, match=r"does not continue|different roots"):
        witness.witness(state, request(fork, tmp_path, witnessed), key, name="w", now=LATER)
    fork.engine.dispose()
    with pytest.raises(witness.NotWitnessed, match="proves from 0 entries on"):
        witness.witness(state, request(grown, tmp_path, 0), key, name="w", now=LATER)
    assert (state / "last.checkpoint").read_text(encoding="utf-8") == remembered


def test_who_asks_to_open_nothing_gets_what_is_sealed() -> None:
    assert parse_opening([]) == SEALED  # else a sealed receipt would look up all that it does not open
