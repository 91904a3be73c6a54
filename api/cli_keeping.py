"""Commands that keep what was admitted: compact, erase, quarantine, quality."""

from __future__ import annotations

import sys
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from api.console import HomeOption, JsonOption, aligned, opened, progress_bar, show
from api.errors import EXIT_BAD_INPUT
from api.instants import parse_instant
from api.operations import keeping, rolling
from api.operations.obligors import DEFAULT_ZONE
from api.operations.recovery import at_work
from data_contracts.errors import InputError
from data_contracts.identifiers import BatchId, obligor_id
from data_contracts.mapping import load_mapping
from data_contracts.observations.compaction import LEAST_FILES
from risk_reports import tables

QUALITY_DAYS = 30

ObligorOption = Annotated[str, typer.Option("--obligor", help="Unified social credit code (18 characters).")]
BatchOption = Annotated[str, typer.Option("--batch", help="The batch that holds them.")]

quarantine_app = typer.Typer(help="Rows that were turned away: why, as they were written, and once more.")


def mount(app: typer.Typer) -> None:
    """Give `app` these commands."""
    app.command()(compact)
    app.command()(rollup)
    app.command()(erase)
    app.command()(quality)
    app.add_typer(quarantine_app, name="quarantine")


def compact(
    *,
    least_files: Annotated[
        int, typer.Option("--least-files", min=2, help="Leave folders with fewer small files as they are.")
    ] = LEAST_FILES,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make one file of many small ones, folder by folder. What any as-of sees stays what it is."""
    with opened(home) as here, at_work(here), progress_bar("compact") as progress:
        done = asdict(keeping.compact(here, least_files=least_files, now=datetime.now(UTC), progress=progress))
    show(done, as_json, "\n".join(f"{name.replace('_', ' ')}: {count:,}" for name, count in done.items()))


def rollup(
    *,
    cluster: Annotated[
        str | None, typer.Option("--cluster", help="Address of a Dask scheduler (tcp://...); default: threads here.")
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Roll up samples that came in since the last time and keep the result. What any as-of sees stays what it is."""
    with opened(home) as here, rolling.workers(cluster) as executor, progress_bar("rollup") as progress:
        done = asdict(rolling.roll_up(here, now=datetime.now(UTC), executor=executor, progress=progress))
    show(done, as_json, "\n".join(f"{name}: {count:,}" for name, count in done.items()))


def erase(
    *,
    obligor: ObligorOption,
    period: Annotated[
        list[str] | None,
        typer.Option("--period", help="Only this local day (samples) or month (others); repeatable."),
    ] = None,
    confirm: Annotated[bool, typer.Option("--confirm", help="Do it; there is no way back.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Erase what was observed of an obligor. Commitments stay valid; scores and decisions are kept as the law asks."""
    owner = obligor_id(obligor)
    if not confirm:
        raise InputError(f"This erases what was observed of {owner} for good.", hint="Add --confirm to do it.")
    with opened(home) as here, at_work(here):
        done = keeping.erase(here, owner, periods=period, now=datetime.now(UTC))
    show(done, as_json, f"{done['rows']:,} rows in {done['chunks']:,} chunks of {owner} are erased")


@quarantine_app.command("list")
def list_quarantine(*, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """What was turned away, by batch, column and reason, and how much of it came in later."""
    with opened(home) as here:
        rows = keeping.held(here, None)
    columns = ("batch_id", "kind", "source_name", "column", "reason", "rows", "readmitted")
    show({"quarantine": rows}, as_json, aligned(rows, columns) if rows else "Nothing is in quarantine.")


@quarantine_app.command("show")
def show_quarantine(*, batch: BatchOption, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """The rows of one batch in quarantine, as their source wrote them, and what was wrong with each."""
    with opened(home) as here:
        rows = keeping.held(here, BatchId(batch))
    lines = [
        f"row {row['row_number']}: "
        + "; ".join(f"{column} {value or ''} {reason}" for column, value, reason in row["faults"])
        + (f" (readmitted in {row['readmitted_in']})" if row["readmitted_in"] else "")
        for row in rows
    ]
    show({"batch_id": batch, "rows": rows}, as_json, "\n".join(lines) or "Nothing of it is in quarantine.")


@quarantine_app.command("readmit")
def readmit_quarantine(
    *,
    batch: BatchOption,
    mapping: Annotated[str, typer.Option("--mapping", help="A shipped mapping's name, or the mended file.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Admit a batch's rows in quarantine under a mended mapping. They are known from now on."""
    with opened(home) as here, at_work(here):
        found = keeping.readmit(here, BatchId(batch), load_mapping(mapping), now=datetime.now(UTC))
    answer = {**tables.ingest_answer([found.admission]), "unsplit": found.unsplit}
    show(answer, as_json, tables.ingest_text(answer))
    if answer["rows_quarantined"]:
        sys.stderr.write(tables.quarantine_text([found.admission]))
        raise typer.Exit(EXIT_BAD_INPUT)


def quality(
    *,
    obligor: ObligorOption,
    since: Annotated[str | None, typer.Option("--since", help="Instant or date; default 30 days before.")] = None,
    as_of: Annotated[str | None, typer.Option("--as-of", help="Instant or date; default now.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """How good an obligor's sources are: gaps, lateness, clocks and counters by machine and day, and every batch."""
    now = datetime.now(UTC)
    until = now if as_of is None else parse_instant(as_of, zone=DEFAULT_ZONE)
    begins = until - timedelta(days=QUALITY_DAYS) if since is None else parse_instant(since, zone=DEFAULT_ZONE)
    with opened(home) as here:
        answer = keeping.quality_report(here, obligor_id(obligor), since=begins, as_of=until)
    columns = (
        "machine_uid",
        "day",
        "samples",
        "duplicates",
        "heard_seconds",
        "gaps",
        "longest_gap_seconds",
        "skew_seconds",
    )
    days = answer["machine_days"]
    show(answer, as_json, aligned(days, columns) if days else "No sample of it in these days.")
