"""Commands about how a model does: monitor, the challenger's shadow, the outcome register, and what is reported."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from api.console import NOTHING, HomeOption, JsonOption, aligned, opened, show
from api.database.engine import reading
from api.decision_events import service as decision_events
from api.decision_events.repository import EventKind
from api.home import Home
from api.instants import parse_instant, require_past
from api.models.service import book_zone
from api.monitor import service as monitoring
from api.monitor.exposition import exposition
from api.shadow import service as shadow
from api.snapshots.service import reader
from data_contracts.identifiers import DecisionId, PartnerId

outcome_app = typer.Typer(help="What became of decisions.", no_args_is_help=True)

AsOfOption = Annotated[str | None, typer.Option("--as-of", help="Instant or date in the book's zone; default now.")]


def mount(app: typer.Typer) -> None:
    """Give `app` these commands."""
    app.command("monitor")(monitor)
    app.command("shadow")(run_shadow)
    app.add_typer(outcome_app, name="outcome")


def monitor(
    *,
    as_of: AsOfOption = None,
    metrics: Annotated[
        Path | None, typer.Option("--metrics", help="Also write gauges for Prometheus's textfile collector.")
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Stability, calibration by cohort, overrides and their defaults, the challenger, and alarms."""
    now = datetime.now(UTC)
    with opened(home) as here:
        answer = monitoring.monitor(here, as_of=_instant(here, as_of, now=now), now=now)
    if metrics is not None:
        metrics.write_bytes(exposition(answer))
    show(answer, as_json, _text(answer))


def run_shadow(
    *,
    most: Annotated[int | None, typer.Option("--most", min=1, help="So many at most; default all.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let the challenger answer every decision since its appointment, unseen by whoever asked."""
    with opened(home) as here:
        answer = shadow.run(here, now=datetime.now(UTC), most=most)
    show(answer, as_json, "\n".join(f"{name}: {NOTHING if value is None else value}" for name, value in answer.items()))


@outcome_app.command("report")
def report(
    *,
    decision: Annotated[str, typer.Argument(help="A decision's id.")],
    kind: Annotated[EventKind, typer.Option("--kind", help="What became of it.")],
    on: Annotated[datetime, typer.Option("--on", formats=["%Y-%m-%d"], help="The day it happened.")],
    by: Annotated[str, typer.Option("--by", help="Who reports it.")],
    note: Annotated[str, typer.Option("--note", help="In words; a dispute needs its reason.")] = "",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Report what became of a decision."""
    with opened(home) as here:
        answer = decision_events.report(
            here, DecisionId(decision), kind, on=on.date(), note=note, by=by, now=datetime.now(UTC)
        )
    show(answer, as_json, f"{answer['event_id']}: {answer['kind']} on {answer['happened_on']}")


@outcome_app.command("register")
def register(
    *,
    as_of: AsOfOption = None,
    partner: Annotated[str | None, typer.Option("--partner", help="Of one partner; default of all.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Every decision and what became of it, and calibration by vintage."""
    now = datetime.now(UTC)
    with opened(home) as here:
        chosen = None if partner is None else PartnerId(partner)
        answer = monitoring.outcome_register(here, as_of=_instant(here, as_of, now=now), partner=chosen)
    columns = ("vintage", "decisions", "approve", "refer", "decline", "overridden", "rows", "defaults", "mean_pd")
    show(answer, as_json, aligned(answer["vintages"], columns))


def _instant(home: Home, as_of: str | None, *, now: datetime) -> datetime:
    if as_of is None:
        return now
    with reading(home.engine) as connection:
        zone = book_zone(reader(connection, home), as_of=now)
    instant = parse_instant(as_of, zone=zone)
    require_past(instant, now=now)
    return instant


def _text(answer: Mapping[str, Any]) -> str:
    population, score = answer["population"], answer["population"]["score"]
    lines = [f"model {answer['model_version'][:12]}: {answer['mandate']}, {population['obligors']} obligors of late"]
    if score is not None:
        lines.append(f"score: index {score['psi']:.3f}, by chance {score['expected_by_chance']:.3f}, {score['drift']}")
    lines += [
        f"{item['cohort']}: {item['defaults']} of {item['rows']} defaulted, promised {item['mean_pd']:.2%}"
        for item in answer["cohorts"]
        if item["rows"]
    ]
    alarms = [f"  {alarm['code']}: {alarm['subject']}" for alarm in answer["alarms"]]
    return "\n".join([*lines, "alarms:", *(alarms or ["  none"])])
