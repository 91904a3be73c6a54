"""The command that scores a whole book."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from api.console import HomeOption, JsonOption, opened, show
from api.database.engine import reading
from api.instants import parse_instant, require_past
from api.models.service import book_zone
from api.scores import service as scores
from api.snapshots.service import reader
from risk_reports import portfolio_report
from scoring.records import ScoreRecord


def mount(app: typer.Typer) -> None:
    """Give `app` this command."""
    app.command("score")(score)


def score(
    *,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="Instant or date in the book's zone; default now.")
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a snapshot of everybody who consented, score it with the promoted model, keep both, and print the grades."""
    now = datetime.now(UTC)
    with opened(home) as here:
        instant = now
        if as_of is not None:
            with reading(here.engine) as connection:
                zone = book_zone(reader(connection, here), as_of=now)
            instant = parse_instant(as_of, zone=zone)
            require_past(instant, now=now)
        records = scores.score_all(here, as_of=instant, now=now)
    show(_answer(records, instant), as_json, portfolio_report.text(records))


def _answer(records: Sequence[ScoreRecord], as_of: datetime) -> dict[str, Any]:
    return {
        "as_of": as_of.astimezone(UTC).isoformat(),
        "scored": len(records),
        "scores": [
            {
                "obligor_id": record.obligor_id,
                "pd_12m": record.pd_12m,
                "rating_grade": record.rating_grade,
                "source": record.source.value,
                "snapshot_id": record.snapshot_id,
                "model_version": record.model_version,
            }
            for record in records
        ],
    }
