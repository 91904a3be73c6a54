"""Commands about decisions: overrides by two persons, and who would change before a change is committed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from api.access_log.repository import looked
from api.console import HomeOption, JsonOption, aligned, opened, show
from api.covenants.service import book_warnings, standings
from api.credit_decisions import repository as decisions
from api.credit_decisions.dry_run import change_of, dry_run
from api.database.engine import unit_of_work
from api.http.strict_json import parse_file
from api.instants import parse_instant, require_past
from api.overrides import service as overrides
from api.partners.repository import LOCAL
from api.usage_statements.schemas import StatementAsked
from api.usage_statements.service import statement
from data_contracts.identifiers import DecisionId, ObligorId, PartnerId
from scoring.records import Outcome

ZONE = "Asia/Shanghai"
COVENANT_COLUMNS = ("name", "state", "value", "comparison", "threshold", "since", "turns_on", "crosses_in_days")
WARNING_COLUMNS = ("severity", "obligor_id", "product", "name", "state", "value", "threshold", "since", "turns_on")
STATEMENT_COLUMNS = (
    *("month", "observed_share", "executing_hours", "billed_hours", "basis", "interest_minor", "principal_minor"),
    *("instalment_minor", "left_minor", "held_minor"),
)

override_app = typer.Typer(help="Set a recommendation aside: one proposes, another confirms.", no_args_is_help=True)

ByOption = Annotated[str, typer.Option("--by", help="Who says so.")]


def mount(app: typer.Typer) -> None:
    """Give `app` these commands."""
    app.add_typer(override_app, name="override")
    app.command("dry-run")(try_change)
    app.command("covenants")(show_covenants)
    app.command("covenant-warnings")(show_covenant_warnings)
    app.command("usage-statement")(show_usage_statement)


@override_app.command()
def propose(
    *,
    decision: Annotated[str, typer.Argument(help="A decision's id.")],
    outcome: Annotated[Outcome, typer.Option("--outcome", help="What should stand instead.")],
    reason: Annotated[str, typer.Option("--reason", help="A code of override_rules.yaml.")],
    text: Annotated[str, typer.Option("--text", help="The reason in words.")],
    by: ByOption,
    days: Annotated[int, typer.Option("--days", min=1, help="For how long it is good.")] = 30,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Propose another outcome for a decision."""
    with opened(home) as here:
        answer = overrides.propose(
            here,
            DecisionId(decision),
            outcome=outcome,
            reason_code=reason,
            reason_text=text,
            by=by,
            days=days,
            now=datetime.now(UTC),
        )
    show(answer, as_json, _line(answer))


@override_app.command()
def confirm(
    *,
    override: Annotated[str, typer.Argument(help="An override's id.")],
    by: ByOption,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Confirm what another person proposed."""
    with opened(home) as here:
        answer = overrides.confirm(here, override, by=by, now=datetime.now(UTC))
    show(answer, as_json, _line(answer))


@override_app.command("list")
def list_overrides(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Every override, and the share of decisions that were overridden."""
    with opened(home) as here:
        answer = overrides.listed(here, now=datetime.now(UTC))
    share = "none decided" if answer["override_share"] is None else f"{answer['override_share']:.1%}"
    lines = [_line(item) for item in answer["overrides"]]
    show(answer, as_json, "\n".join([*lines, f"share of {answer['decisions']} decisions: {share}"]))


def try_change(
    *,
    parameters: Annotated[
        Path | None, typer.Option("--parameters", help="Folder of parameter files to try, whole.")
    ] = None,
    model: Annotated[str | None, typer.Option("--model", help="Version of a credit model kept here to try.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Who would change grade or outcome under other parameters or another model; nothing is kept."""
    with opened(home) as here:
        answer = dry_run(here, change_of(here, parameters=parameters, model=model))
    show(answer, as_json, _changes(answer))


def show_covenants(
    decision: Annotated[str, typer.Argument(help="A decision's id.")],
    *,
    as_of: Annotated[str | None, typer.Option("--as-of", help="Instant or date; default now.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """How the covenants of a decision stand: kept, near a breach, in grace, breached or cured."""
    now = datetime.now(UTC)
    instant = parse_instant(as_of, zone=ZONE) if as_of else now
    require_past(instant, now=now)
    with opened(home) as here, unit_of_work(here.engine) as connection:
        row = decisions.load(connection, DecisionId(decision))
        looked(connection, ObligorId(row.obligor_id), "covenants", now=now)
        answer = standings(connection, here, row, as_of=instant)
    gist = (
        f"{decision}: {answer['worst'] or 'nothing is beyond its bound or near it'}, by {answer['snapshots']} snapshots"
    )
    show(answer, as_json, "\n".join([gist, aligned(answer["covenants"], COVENANT_COLUMNS)]))


def show_covenant_warnings(
    *,
    partner: Annotated[str, typer.Option("--partner", help="Whose decisions.")] = LOCAL,
    as_of: Annotated[str | None, typer.Option("--as-of", help="Instant or date; default now.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Covenants of a partner's book that are near a breach, in grace or breached, the worst first."""
    now = datetime.now(UTC)
    instant = parse_instant(as_of, zone=ZONE) if as_of else now
    require_past(instant, now=now)
    with opened(home) as here, unit_of_work(here.engine) as connection:
        answer = book_warnings(connection, here, PartnerId(partner), as_of=instant, now=now)
        for owner in dict.fromkeys(line["obligor_id"] for line in answer["warnings"]):
            looked(connection, ObligorId(owner), "covenants", viewer=PartnerId(partner), now=now)
    lines = answer["warnings"]
    gist = f"{len(lines)} warnings of {answer['decisions']} decisions"
    show(answer, as_json, "\n".join([gist, *([aligned(lines, WARNING_COLUMNS)] if lines else [])]))


def show_usage_statement(
    decision: Annotated[str, typer.Argument(help="The id of a decision about instalments by use.")],
    *,
    file: Annotated[
        Path, typer.Option("--file", help="JSON file, as POST /v1/credit-decisions/{id}/usage-statements takes it.")
    ],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bill instalments by use month by month, from the hours that the financed machines told."""
    now, asked = datetime.now(UTC), parse_file(file, StatementAsked)
    as_of = require_past(asked.as_of, now=now) or now
    with opened(home) as here, unit_of_work(here.engine) as connection:
        row = decisions.load(connection, DecisionId(decision))
        looked(connection, ObligorId(row.obligor_id), "usage_statement", now=now)
        answer = statement(connection, here, row, asked, as_of=as_of)
    amounts = (answer[name] / 100 for name in ("billed_minor", "left_minor", "held_minor"))
    gist = "billed {:,.2f}, left {:,.2f}, held {:,.2f} {currency}".format(*amounts, currency=answer["currency"])
    show(answer, as_json, "\n".join([gist, aligned(answer["months"], STATEMENT_COLUMNS)]))


def _line(answer: dict[str, Any]) -> str:
    second = answer["confirmed_by"] or "nobody yet"
    state = "in force" if answer["in_force"] else "not in force"
    who = f"proposed by {answer['proposed_by']}, confirmed by {second}, until {answer['expires_time']}: {state}"
    return f"{answer['override_id']} of {answer['decision_id']}: {answer['outcome']} ({answer['reason_code']}), {who}"


def _changes(answer: dict[str, Any]) -> str:
    lines = [f"{answer['grade_changes']} of {answer['obligors']} obligors change grade"]
    lines += [f"  {move}: {count}" for move, count in answer["grades"].items()]
    lines.append(f"{answer['outcome_changes']} latest decisions change outcome")
    lines += [f"  {move}: {count}" for move, count in answer["outcomes"].items()]
    return "\n".join(lines)
