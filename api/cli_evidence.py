"""Commands of the evidence: checkpoint, receipt, verify, audit, witness."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from api.console import HomeOption, JsonOption, opened, settled_home, show
from api.errors import EXIT_BAD_INPUT
from api.operations import evidence, late_logging
from api.operations import witness as witnesses
from api.operations.audit.discrepancy import Discrepancy
from api.receipts.opening import parse_opening
from api.receipts.service import receipt_bytes
from data_contracts.evidence.verify import lines_of

SHOWN = 20

KeyOption = Annotated[Path, typer.Option("--key", help="File with the log's public keys, one a line.")]


def mount(app: typer.Typer) -> None:
    """Give `app` these commands."""
    for command in (checkpoint, receipt, verify, audit, witness, log_late):
        app.command()(command)


def checkpoint(
    *,
    since: Annotated[
        int | None, typer.Option("--since", min=0, help="Add the proof that a witness of this size needs.")
    ] = None,
    cosignature: Annotated[
        Path | None, typer.Option("--cosignature", help="Keep a witness's answer, checked by --witness, instead.")
    ] = None,
    witness: Annotated[Path | None, typer.Option("--witness", help="The witness's public key file.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="File to write in place of standard output.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Sign the log as it stands (Ed25519 and ML-DSA-44). The key to check it with is evidence/log.pub of the home."""
    with opened(home) as here:
        if cosignature is not None:
            answer = evidence.add_cosignature(here, cosignature, witness)
        else:
            answer = evidence.sign(here, since=since, now=datetime.now(UTC))
    if out is not None:
        evidence.write(out, answer["text"])
    show(answer, as_json, str(out) if out else answer["text"].rstrip("\n"))


def receipt(
    record: Annotated[str, typer.Argument(help="The id of a decision, quote, score or batch.")],
    *,
    opened_parts: Annotated[
        list[str] | None,
        typer.Option("--open", help="features, feature:NAME, batches, batch:ID, consents or chunk:BATCH/POSITION."),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="File to write in place of standard output.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Proof of a record that anybody can check offline. Nothing of its basis is opened but what --open names."""
    with opened(home) as here:
        opening = parse_opening(opened_parts or (), quantities=True)
        told = evidence.receipt_of(here, record, opening, now=datetime.now(UTC))
    text = receipt_bytes(told).decode()
    if out is not None:
        evidence.write(out, text)
    show(told, as_json, str(out) if out else text.rstrip("\n"))


def verify(
    path: Annotated[Path, typer.Argument(help="A receipt.")],
    *,
    key: Annotated[Path | None, typer.Option("--key", help="The log's public keys; default this home's.")] = None,
    witness: Annotated[list[Path] | None, typer.Option("--witness", help="A witness's public key file.")] = None,
    answer: Annotated[Path | None, typer.Option("--answer", help="The answer that the receipt belongs to.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a receipt as data_contracts/evidence/verify.py does, the file to hand to a bank. Exit code 2: invalid."""
    told = evidence.verified(path, key or evidence.own_key(settled_home(home)[0]), witness or [], answer)
    show(told, as_json, "\n".join(lines_of(told)))


def witness(
    request: Annotated[Path, typer.Argument(help="What millgrade checkpoint --since SIZE printed.")],
    *,
    key: KeyOption,
    state: Annotated[Path, typer.Option("--state", help="Folder of the witness: its key, the last checkpoint.")],
    name: Annotated[str, typer.Option("--name", help="The witness's name, used when its key is made.")] = "witness",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Cosign a checkpoint that continues the last one seen, and remember it. For banks and insurers; needs no home."""
    del home  # every command takes it
    answer = witnesses.witness(state, request, key, name=name, now=datetime.now(UTC))
    show(answer, as_json, answer["cosignature"].rstrip("\n"))


def audit(
    *,
    checkpoint: Annotated[Path, typer.Option("--checkpoint", help="A checkpoint, or a receipt that bears one.")],
    key: KeyOption,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Examine everything that was logged against a checkpoint. Exit code 2 when anything is not as it was logged."""
    with opened(home) as here:
        audited = evidence.audit_home(here, checkpoint, key)
    found = audited.discrepancies
    answer = {**asdict(audited), "is_well": not found}
    lines = [*map(_line, found[:SHOWN]), *([f"... and {len(found) - SHOWN:,} more"] if len(found) > SHOWN else [])]
    told = f"{audited.covered:,} of {audited.entries:,} entries are covered by the checkpoint, "
    told += "and everything is as it was logged." if not found else f"{len(found):,} things are not as logged."
    show(answer, as_json, "\n".join([*lines, told]))
    if found:
        raise typer.Exit(EXIT_BAD_INPUT)


def log_late(*, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Log what was kept before the home had a log; receipts of it say that it was logged late."""
    with opened(home) as here:
        answer = asdict(late_logging.log_late(here, now=datetime.now(UTC)))
    lines = [f"{kind}: {count}" for kind, count in answer["kinds"].items()]
    lines += [f"cannot be read: {name}" for name in answer["unreadable"]]
    show(answer, as_json, "\n".join([*lines, f"{answer['entries']:,} records were logged late."]))


def _line(found: Discrepancy) -> str:
    return f"{found.verdict:12}{found.kind} {found.subject}: {found.message}"
