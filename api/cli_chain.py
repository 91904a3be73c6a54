"""Commands about chains of firms and about the years after a loan."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from api.access_log.repository import looked
from api.chain import service as chain
from api.console import HomeOption, JsonOption, aligned, opened, progress_bar, show
from api.database.engine import unit_of_work
from api.funds import service as funds
from api.funds.schemas import FundsAsked
from api.http.strict_json import parse_file
from api.instants import parse_instant, require_past
from api.leases import service as leases
from api.obligors.repository import require
from api.partners.repository import LOCAL
from api.watch import repository as cases
from api.watch import service as watching
from data_contracts.identifiers import ObligorId, PartnerId, obligor_id
from scoring.monitoring.cases import Act, CaseOutcome
from scoring.supply_chain.contagion.stress import Shock

SHOWN = 20
ZONE = "Asia/Shanghai"
LEASE_COLUMNS = (
    *("facility_id", "machine_uid", "where", "use_and_pay", "overdue_minor", "days_past_due", "value_minor"),
    "early_end_minor",
)
CASE_COLUMNS = ("case_id", "obligor_id", "severity", "state", "opened_on")
COLUMNS = (
    *("firm", "sales_share", "output_level", "bridge_minor", "bridge_at_most_minor"),
    *("pd_before", "pd_after", "pd_after_at_most"),
)

case_app = typer.Typer(help="Obligors that are watched, and what is done about them.", no_args_is_help=True)


def mount(app: typer.Typer) -> None:
    """Give `app` these commands."""
    app.add_typer(case_app, name="case")
    app.command("stress")(stress)
    app.command("watch")(watch)
    app.command("use-of-funds")(use_of_funds)
    app.command("leases")(show_leases)


def stress(
    *,
    core_enterprise: Annotated[str, typer.Option("--core-enterprise", help="The buyer that is struck, by its code.")],
    orders: Annotated[
        float, typer.Option("--orders", min=-1.0, max=0.0, help="Change of what it orders: -0.4 is 40 % fewer.")
    ] = 0.0,
    default: Annotated[bool, typer.Option("--default", help="It defaults: orders and pays nothing.")] = False,
    pays_later_days: Annotated[int, typer.Option("--pays-later-days", min=0, help="It pays so many days later.")] = 0,
    pd_rise: Annotated[float, typer.Option("--pd-rise", min=0.0, max=1.0, help="Its PD rises by so much.")] = 0.0,
    currency: Annotated[str, typer.Option("--currency", help="Of the ledgers that count.")] = "CNY",
    partner: Annotated[str, typer.Option("--partner", help="Whose obligors are struck.")] = LOCAL,
    as_of: Annotated[str | None, typer.Option("--as-of", help="Instant or date; default now.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """What becomes of suppliers when a core enterprise orders less, defaults or pays later, bridge lines first."""
    now = datetime.now(UTC)
    shock = Shock(
        core_enterprise=core_enterprise,
        orders=orders,
        is_default=default,
        pays_later_days=pays_later_days,
        pd_rise=pd_rise,
    )
    with opened(home) as here, unit_of_work(here.engine) as connection:
        told = chain.run_stress(
            connection,
            here,
            shock,
            partner=PartnerId(partner),
            currency=currency,
            as_of=parse_instant(as_of, zone=ZONE) if as_of else now,
            now=now,
        )
    struck = told["suppliers"]
    table = aligned([_percent(item) for item in struck[:SHOWN]], COLUMNS) if struck else ""
    show(told, as_json, "\n".join([_gist_of_stress(told), table, f"Rests on: {told['rests_on']}"]))


def _gist_of_stress(told: dict[str, Any]) -> str:
    """Who is struck and what is lost, or that nobody knows."""
    unrated = f"{told['obligors_without_score']} of {told['rests_on']['obligors']} without a score"
    struck = f"{len(told['suppliers'])} suppliers are struck"
    if (drawn := told["loss_distribution"]) is None:
        return f"{struck}; expected loss unknown: of no obligor both a score and a loan are known; {unrated}"
    names = ("before", "after", "after_at_most")
    before, after, most = (f"{told[f'expected_loss_{name}_minor'] / 100:,.2f}" for name in names)
    tail = [f"{drawn[when]['quantile_99_alone_minor'] / 100:,.2f}" for when in ("before", "after")]
    return (
        f"{struck}; expected loss {before} -> {after} (at most {most}) {told['currency']}"
        f" of {told['obligors_in_losses']} obligors, {unrated}; 99 of 100 draws lose at most {tail[0]} -> {tail[1]}"
    )


def _percent(item: dict[str, Any]) -> dict[str, Any]:
    """A supplier with its shares and probabilities in percent."""
    return {name: f"{value:.1%}" if isinstance(value, float) else value for name, value in item.items()}


def use_of_funds(
    *,
    file: Annotated[Path, typer.Option("--file", help="JSON file, as POST /v1/use-of-funds takes it.")],
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="Instant or date; default of the file, else now.")
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Hold a loan's payments against what was agreed, what was delivered, bought, and set to work."""
    now, asked = datetime.now(UTC), parse_file(file, FundsAsked)
    instant = parse_instant(as_of, zone=ZONE) if as_of else asked.as_of or now
    require_past(instant, now=now)
    with opened(home) as here, unit_of_work(here.engine) as connection:
        require(connection, ObligorId(asked.obligor_id))
        looked(connection, ObligorId(asked.obligor_id), "use_of_funds", now=now)
        told = funds.use_of_funds(connection, here, asked, as_of=instant)
    gist = f"{told['agreed_use_minor'] / 100:,.2f} of {told['paid_minor'] / 100:,.2f} {told['currency']} as agreed"
    show(told, as_json, "\n".join([gist, *(item["narrative"]["en"] for item in told["findings"])]))


def show_leases(
    obligor: Annotated[str, typer.Argument(help="USCC of the lessee.")],
    *,
    as_of: Annotated[str | None, typer.Option("--as-of", help="Instant or date; default now.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Each leased machine: where it stands, how it works, what is owed, its worth, and what an early end costs."""
    now, owner = datetime.now(UTC), obligor_id(obligor)
    instant = parse_instant(as_of, zone=ZONE) if as_of else now
    require_past(instant, now=now)
    with opened(home) as here, unit_of_work(here.engine) as connection:
        require(connection, owner)
        looked(connection, owner, "leases", now=now)
        told = leases.leases(connection, here, owner, as_of=instant)
    lines = [_lease_line(line) for line in told["leases"]]
    sums = [
        "{leases} leases, {overdue_minor:,} overdue of {financed_minor:,} financed; {early_end_due_minor:,} to end "
        "the {early_end_known} of which it is known (minor units, {currency})".format(**total)
        for total in told["totals"]
    ]
    show(told, as_json, "\n".join([aligned(lines, LEASE_COLUMNS) if lines else "No machine is leased.", *sums]))


def _lease_line(line: dict[str, Any]) -> dict[str, Any]:
    end = line["early_end"]
    return {
        **line,
        "where": line["place"]["where"],
        "value_minor": line["worth"]["value_minor"],
        "early_end_minor": None if end is None else end["due_minor"],
    }


def watch(
    *,
    as_of: Annotated[str | None, typer.Option("--as-of", help="Instant or date; default now.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Warn of every consenting obligor: the last day that is over, each done once; cases with what was seen."""
    now = datetime.now(UTC)
    instant = parse_instant(as_of, zone=ZONE) if as_of else now
    with opened(home) as here, progress_bar("watching") as progress:
        told = watching.watch(here, as_of=instant, now=now, progress=progress)
    gist = f"{told['day']}: {told['warnings']} warnings of {told['obligors']} obligors, {len(told['news'])} news"
    table = aligned(told["cases"], CASE_COLUMNS) if told["cases"] else "No case is open."
    show(told, as_json, f"{gist}\n{table}")


@case_app.command("show")
def show_case(
    case_id: Annotated[str, typer.Argument(help="The case's id.")],
    *,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """A case with its warnings and everything that happened in it."""
    with opened(home) as here, unit_of_work(here.engine) as connection:
        told = watching.described(connection, case_id)
    lines = [f"{event['time']} {event['what']} by {event['by']}: {event['reason']}" for event in told["events"]]
    warned = [f"{item['unit']} {item['severity']}: {item['en']}" for item in told["warnings"]]
    show(told, as_json, "\n".join([f"{told['case_id']} {told['state']} {told['severity']}", *warned, *lines]))


@case_app.command("list")
def list_cases(
    *,
    with_closed: Annotated[bool, typer.Option("--with-closed", help="Closed ones too.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Cases, the most severe first."""
    with opened(home) as here, unit_of_work(here.engine) as connection:
        told = [watching.plain_case(row) for row in cases.listed(connection, with_closed=with_closed)]
    show({"cases": told}, as_json, aligned(told, CASE_COLUMNS) if told else "No case.")


@case_app.command("act")
def act_on_case(
    case_id: Annotated[str, typer.Argument(help="The case's id.")],
    what: Annotated[Act, typer.Argument(help="What is done.")],
    *,
    reason: Annotated[str, typer.Option("--reason", help="Why, in words.")],
    by: Annotated[str, typer.Option("--by", help="Who does it.")] = "operator",
    until: Annotated[datetime | None, typer.Option("--until", formats=["%Y-%m-%d"], help="Snoozed until.")] = None,
    outcome: Annotated[CaseOutcome | None, typer.Option("--outcome", help="How it ended.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Acknowledge, escalate, snooze or close a case, with the reason."""
    with opened(home) as here, unit_of_work(here.engine) as connection:
        told = watching.handle(
            connection,
            case_id,
            what,
            by=by,
            reason=reason,
            until=None if until is None else until.date(),
            outcome=outcome,
            now=datetime.now(UTC),
        )
    show(told, as_json, f"{case_id} is {told['state']}")
