"""Commands about loans in trouble: what was done about one, and what may be done next."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from api.access_log.repository import looked
from api.console import HomeOption, JsonOption, aligned, opened, show
from api.credit_decisions import repository as decisions
from api.database.engine import unit_of_work
from api.http.strict_json import parse_file
from api.keys.principal import Role
from api.responses import service
from api.responses.schemas import ResponseTold
from data_contracts.identifiers import DecisionId, ObligorId

COLUMNS = ("event_id", "told_time", "told_by", "by", "kind", "step", "is_upheld", "first_day", "last_day", "reason")

response_app = typer.Typer(help="Steps, appeals and hardships of a decision's loan.", no_args_is_help=True)


class Side(StrEnum):
    """Who tells."""

    BANK = "bank"
    OBLIGOR = "obligor"


def mount(app: typer.Typer) -> None:
    """Give `app` these commands."""
    app.add_typer(response_app, name="response")


@response_app.command("show")
def show_course(
    decision: Annotated[str, typer.Argument(help="A decision's id.")],
    *,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Everything that was done about a loan, and what may be done next."""
    now = datetime.now(UTC)
    with opened(home) as here, unit_of_work(here.engine) as connection:
        row = decisions.load(connection, DecisionId(decision))
        looked(connection, ObligorId(row.obligor_id), "response", now=now)
        told = service.course(connection, row, now=now)
    show(told, as_json, _text(told))


@response_app.command("tell")
def tell_event(
    decision: Annotated[str, typer.Argument(help="A decision's id.")],
    *,
    event: Annotated[
        Path, typer.Option("--event", help="JSON file, as POST /v1/credit-decisions/{id}/responses takes it.")
    ],
    told_by: Annotated[Side, typer.Option("--as", help="Whose word it is.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a step, appeal, answer an appeal, ask for or grant a window of hardship."""
    now, asked = datetime.now(UTC), parse_file(event, ResponseTold)
    with opened(home) as here, unit_of_work(here.engine) as connection:
        row = decisions.load(connection, DecisionId(decision))
        service.tell(connection, row, asked.event, role=Role(told_by.value), now=now)
        told = service.course(connection, row, now=now)
    show(told, as_json, _text(told))


def _text(told: dict[str, Any]) -> str:
    advice = told["next"]
    may = "nothing" if advice["step"] is None else f"{advice['step']} from {advice['not_before']}"
    return "\n".join([f"Next: {may} ({advice['reason']})", aligned(told["events"], COLUMNS)])
