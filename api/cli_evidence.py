"""Commands of the evidence: checkpoint, audit."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from api.console import HomeOption, JsonOption, opened, show
from api.errors import EXIT_BAD_INPUT
from api.operations import evidence
from api.operations.audit.discrepancy import Discrepancy

SHOWN = 20

KeyOption = Annotated[Path, typer.Option("--key", help="File with the log's public keys, one a line.")]


def mount(app: typer.Typer) -> None:
    """Give `app` these commands."""
    for command in (checkpoint, audit):
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


def _line(found: Discrepancy) -> str:
    return f"{found.verdict:12}{found.kind} {found.subject}: {found.message}"
