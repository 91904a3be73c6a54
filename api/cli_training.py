"""Commands that build what models are trained on."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from api.console import HomeOption, JsonOption, opened, show
from api.instants import parse_instant, require_past
from api.models import training_sets
from api.models.training_sets import Asked, Every, Purpose


def mount(app: typer.Typer) -> None:
    """Give `app` these commands."""
    app.command("training-set")(training_set)


def training_set(
    *,
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First date to observe at.")],
    last: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Last date to observe at.")],
    purpose: Annotated[Purpose, typer.Option("--purpose", help="What is to be told beforehand.")],
    out: Annotated[Path, typer.Option("--out", help="The Parquet file to write.")],
    every: Annotated[Every, typer.Option("--every", help="From a month's end, every month's end.")] = Every.MONTH,
    as_of: Annotated[str | None, typer.Option("--as-of", help="Outcomes as known then; default now.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write who was at risk at each date, with what was known then, and what became of them."""
    now = datetime.now(UTC)
    known_until = now if as_of is None else parse_instant(as_of, zone="UTC")
    require_past(known_until, now=now)
    asked = Asked(first=first.date(), last=last.date(), every=every, purpose=purpose)
    with opened(home) as here:
        answer = training_sets.write_training_set(here, asked, out, known_until=known_until)
    show(answer, as_json, _text(answer))


def _text(answer: dict[str, Any]) -> str:
    told = [f"{name.replace('_', ' ')}: {answer[name]}" for name in _SHOWN if answer.get(name) is not None]
    suspected = [
        f"  {item['detector']}: {item['subject']} ({item['value']:.3g}, limit {item['limit']:.3g})"
        for item in answer["suspected_leaks"]
    ]
    return "\n".join([*told, "suspected leaks:", *(suspected or ["  none"])])


_SHOWN = (
    "out",
    "purpose",
    "as_ofs",
    "rows",
    "obligors",
    "machines",
    "defaults",
    "censored_rows",
    "claims",
    "exposure_machine_years",
    "catalogue_version",
    "parameters_version",
    "data_origin",
    "statement",
)
