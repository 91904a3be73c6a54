"""Commands that run an installation: serve, migrate, doctor, openapi."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from api.console import HomeOption, JsonOption, opened, settled_home, show, usable
from api.errors import EXIT_BAD_INPUT
from api.main import create_app, openapi_document
from api.models.service import warm_up
from api.operations import migrations, serving
from api.operations import sweep as sweeping
from api.operations.doctor.examine import examine
from api.operations.doctor.finding import Finding, Level
from api.operations.recovery import at_work
from data_contracts.errors import InputError
from scoring.errors import ArtefactDamaged, UnknownModel

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
OPENAPI_FILE = Path("docs/openapi.json")


def mount(app: typer.Typer) -> None:
    """Give `app` these commands."""
    for command in (serve, migrate, doctor, sweep, openapi):
        app.command()(command)


def serve(
    *,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes any that is free.")] = 8000,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Answer the API and the manufacturer's pages over HTTP, in one process, until SIGTERM or SIGINT. The promoted
    models are read, and their explanations compiled, before the address is told."""
    with opened(home) as here, at_work(here):
        try:
            warm_up(here)
        except (ArtefactDamaged, UnknownModel) as error:
            sys.stderr.write(f"{error}\nWhoever asks for its answers is told the same; all else is served.\n")
        app = create_app(here)
        listening = serving.listen(host, port)
        url = serving.url_of(listening)
        if host not in LOOPBACK:
            sys.stderr.write(
                f"{host} is reached from outside: put a proxy with TLS before it, and keep /metrics private.\n"
            )
        show({"url": url, "home": str(here.root)}, as_json, f"Millgrade answers at {url}")
        sys.stdout.flush()
        serving.serve(app, listening)


def migrate(
    *,
    to: Annotated[str, typer.Option("--to", help="A revision, head, or base; downwards drops what is newer.")] = "head",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring the home's database to a revision, up or down. Back it up first."""
    root, database_url = settled_home(home)
    with usable(root):
        answer = migrations.move(root, database_url=database_url, revision=to)
    show(answer, as_json, f"from {answer['from'] or 'nothing'} to {answer['to'] or 'nothing'}")


def doctor(
    *,
    sample: Annotated[int, typer.Option("--sample", min=0, help="Files of each kind to read and hash.")] = 100,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Examine the home and the software that serves it, changing nothing. Exit code 2 when something is wrong."""
    root, database_url = settled_home(home)
    with usable(root):
        findings = examine(root, database_url=database_url, now=datetime.now(UTC), sample=sample)
    is_well = all(finding.level is not Level.WRONG for finding in findings)
    answer = {"is_well": is_well, "findings": [asdict(finding) for finding in findings]}
    show(answer, as_json, "\n".join(map(_line, findings)))
    if not is_well:
        raise typer.Exit(EXIT_BAD_INPUT)


def sweep(*, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Clear away leftovers of unfinished admissions, Idempotency-Keys of over 30 days, and sessions that expired."""
    with opened(home) as here:
        swept = asdict(sweeping.sweep(here, now=datetime.now(UTC)))
    show(swept, as_json, "\n".join(f"{name.replace('_', ' ')}: {count}" for name, count in swept.items()))


def openapi(
    *,
    out: Annotated[Path, typer.Option("--out", help="File to write.")] = OPENAPI_FILE,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Write the OpenAPI document of the API; with --json print it instead. It is the same for every home."""
    del home  # every command takes it
    text = json.dumps(openapi_document(), ensure_ascii=False, indent=2) + "\n"
    if as_json:
        sys.stdout.write(text)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{out} cannot be written: {error.strerror}.", hint="Name a file with --out.") from error
    sys.stdout.write(f"{out}\n")


def _line(finding: Finding) -> str:
    text = f"{finding.level:8}{finding.check:14}{finding.message}"
    return f"{text} Hint: {finding.hint}" if finding.hint else text
