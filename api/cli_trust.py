"""The command that looks for machines which tell the same days at several obligors."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from api.console import HomeOption, JsonOption, opened, show
from api.database.engine import reading
from api.instants import parse_instant, require_past
from api.models.service import book_zone
from api.snapshots.clones import sweep_book
from api.snapshots.service import reader
from features.data_trust.clone_sweep import CloneSweep
from features.trust import plain_finding


def mount(app: typer.Typer) -> None:
    """Give `app` this command."""
    app.command("find-clones")(find_clones)


def find_clones(
    *,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="Instant or date in the book's zone; default now.")
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Hold the machines of everybody who consented against each other's by keyed fingerprints of their days, never by
    name, and keep what is found: snapshots as of later instants read it, for two months."""
    now = datetime.now(UTC)
    with opened(home) as here:
        instant = now
        if as_of is not None:
            with reading(here.engine) as connection:
                zone = book_zone(reader(connection, here), as_of=now)
            instant = parse_instant(as_of, zone=zone)
            require_past(instant, now=now)
        sweep = sweep_book(here, as_of=instant, now=now)
    answer = _answer(sweep)
    show(answer, as_json, "\n".join([_head(sweep), *map(_line, answer["findings"])]))


def _answer(sweep: CloneSweep) -> dict[str, Any]:
    return {
        "as_of": sweep.as_of.isoformat(),
        "sweep_id": sweep.sweep_id,
        "obligors": len(sweep.states),
        "findings": [
            {"obligor_id": who, **plain_finding(item)}
            for who, found in sorted(sweep.findings.items())
            for item in found
        ],
    }


def _head(sweep: CloneSweep) -> str:
    findings = sum(len(found) for found in sweep.findings.values())
    return f"{len(sweep.states)} obligors as of {sweep.as_of.isoformat()}: {findings} findings (sweep {sweep.sweep_id})"


def _line(finding: dict[str, Any]) -> str:
    evidence = finding["evidence"]
    return (
        f"  {finding['severity']}: {finding['machine_uid']} tells {evidence['same_days']:.0f} days of another obligor's"
        f" machine (pseudonym {evidence['other_machine']}) since {finding['since']}"
    )
