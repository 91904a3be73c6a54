"""Commands about insurance policies: bind a quote, append what happens, read what the records say."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import sqlalchemy as sa
import typer

from api.access_log.repository import looked
from api.console import HomeOption, JsonOption, opened, show
from api.database.engine import unit_of_work
from api.home import Home
from api.instants import parse_amount
from api.insurance_policies import payouts, service
from api.insurance_policies import repository as policies
from api.insurance_policies.repository import KeptPolicy
from api.premium_quotes import repository as quotes
from data_contracts.identifiers import MachineUid, ObligorId, QuoteId
from risk_reports.policy_text import policy_text

policy_app = typer.Typer(help="Insurance policies: bound from a quote, then record by record.", no_args_is_help=True)

PolicyArgument = Annotated[str, typer.Argument(help="A policy's id.")]
QuoteArgument = Annotated[str, typer.Argument(help="A quote's id.")]
ByOption = Annotated[str, typer.Option("--by", help="Who says so.")]
DAY = ["%Y-%m-%d"]

Step = Callable[[sa.Connection, Home, KeptPolicy, datetime], KeptPolicy]


def mount(app: typer.Typer) -> None:
    """Give `app` these commands."""
    app.add_typer(policy_app, name="policy")


@policy_app.command("bind")
def bind(quote: QuoteArgument, by: ByOption, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Make a policy of a quote that still holds."""
    now = datetime.now(UTC)
    with opened(home) as here, unit_of_work(here.engine) as connection:
        row = quotes.load(connection, QuoteId(quote))
        looked(connection, ObligorId(row.obligor_id), "insurance_policy", now=now)
        _tell(service.bind_quote(connection, here, row, by=by, now=now), as_json)


@policy_app.command("show")
def show_policy(policy: PolicyArgument, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """What a policy's records say together, and each of them."""
    _step(policy, lambda _connection, _home, kept, _now: kept, home, as_json)


@policy_app.command("endorse")
def endorse(
    *,
    policy: PolicyArgument,
    effective: Annotated[datetime, typer.Option("--effective", formats=DAY, help="From this day on.")],
    add: Annotated[list[str] | None, typer.Option("--add", help="A machine's uid; repeatable.")] = None,
    remove: Annotated[list[str] | None, typer.Option("--remove", help="A machine's uid; repeatable.")] = None,
    reason: Annotated[str, typer.Option("--reason", help="Why, in words.")],
    by: ByOption,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Machines in and out from a day on; the premium moves pro rata."""
    _step(
        policy,
        lambda connection, _, kept, now: service.endorse(
            connection,
            kept,
            effective=effective.date(),
            added=[MachineUid(uid) for uid in add or ()],
            removed=[MachineUid(uid) for uid in remove or ()],
            reason=reason,
            by=by,
            now=now,
        ),
        home,
        as_json,
    )


@policy_app.command("bill")
def bill(
    *,
    policy: PolicyArgument,
    month: Annotated[datetime, typer.Option("--month", formats=["%Y-%m"], help="A calendar month that is over.")],
    by: ByOption,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bill a month by the hours that telemetry tells of."""
    _step(
        policy,
        lambda connection, here, kept, now: service.bill(connection, here, kept, month.date(), by=by, now=now),
        home,
        as_json,
    )


@policy_app.command("true-up")
def true_up(policy: PolicyArgument, by: ByOption, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Settle the hours of the whole term, after it."""
    _step(
        policy,
        lambda connection, here, kept, now: service.settle(connection, here, kept, by=by, now=now),
        home,
        as_json,
    )


@policy_app.command("claim")
def claim(
    *,
    policy: PolicyArgument,
    day: Annotated[datetime, typer.Option("--day", formats=DAY, help="The day of the loss.")],
    amount: Annotated[str, typer.Option("--amount", help="Major units.")],
    machine: Annotated[
        str | None, typer.Option("--machine", help="A machine's uid; none for a cover of the firm.")
    ] = None,
    currency: Annotated[str, typer.Option("--currency")] = "CNY",
    by: ByOption,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """First notice of a loss, with the hash of the telemetry up to it."""
    _step(
        policy,
        lambda connection, here, kept, now: service.claim(
            connection,
            here,
            kept,
            day=day.date(),
            machine=None if machine is None else MachineUid(machine),
            amount_minor=parse_amount(amount, currency=currency),
            currency=currency,
            by=by,
            now=now,
        ),
        home,
        as_json,
    )


@policy_app.command("lapse")
def lapse(
    *,
    policy: PolicyArgument,
    effective: Annotated[datetime, typer.Option("--effective", formats=DAY, help="The first day without cover.")],
    reason: Annotated[str, typer.Option("--reason", help="Why, in words.")],
    by: ByOption,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """End the cover before a day; what is not earned is given back."""
    _step(
        policy,
        lambda connection, _, kept, now: service.lapse(
            connection, kept, effective=effective.date(), reason=reason, by=by, now=now
        ),
        home,
        as_json,
    )


@policy_app.command("renew")
def renew(
    *,
    policy: PolicyArgument,
    quote: Annotated[str, typer.Option("--quote", help="The quote of what follows.")],
    by: ByOption,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bind the quote of the next term; tells the old policy, which names the new one."""
    _step(
        policy,
        lambda connection, here, kept, now: service.renew(
            connection, here, kept, quotes.load(connection, QuoteId(quote)), by=by, now=now
        ),
        home,
        as_json,
    )


@policy_app.command("announce-shutdown")
def announce_shutdown(
    *,
    policy: PolicyArgument,
    starts: Annotated[datetime, typer.Option("--from", formats=DAY, help="The first day without work.")],
    ends: Annotated[datetime, typer.Option("--to", formats=DAY, help="The last one.")],
    reason: Annotated[str, typer.Option("--reason", help="Why, in words.")],
    by: ByOption,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say before they begin on which days the insured of an idle cover will not work; they are no loss."""
    _step(
        policy,
        lambda connection, _, kept, now: payouts.announce(
            connection, kept, starts=starts.date(), ends=ends.date(), reason=reason, by=by, now=now
        ),
        home,
        as_json,
    )


@policy_app.command("settle-season")
def settle_season(policy: PolicyArgument, by: ByOption, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Settle the season of an idle cover by its index, after its last day."""
    _step(
        policy,
        lambda connection, here, kept, now: payouts.settle_season(connection, here, kept, by=by, now=now),
        home,
        as_json,
    )


@policy_app.command("decide-payout")
def decide_payout(
    *,
    policy: PolicyArgument,
    is_paid: Annotated[bool, typer.Option("--pay/--refuse", help="All of the payout, or nothing.")],
    reason: Annotated[str, typer.Option("--reason", help="Why, in words.")],
    by: ByOption,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Decide a payout that was referred to a person."""
    _step(
        policy,
        lambda connection, _, kept, now: payouts.decide(
            connection, kept, is_paid=is_paid, reason=reason, by=by, now=now
        ),
        home,
        as_json,
    )


def _step(policy_id: str, step: Step, home: Path | None, as_json: bool) -> None:
    now = datetime.now(UTC)
    with opened(home) as here, unit_of_work(here.engine) as connection:
        kept = policies.load(connection, policy_id, for_update=True)
        looked(connection, kept.obligor_id, "insurance_policy", now=now)
        _tell(step(connection, here, kept, now), as_json)


def _tell(policy: KeptPolicy, as_json: bool) -> None:
    told = service.plain_policy(policy)
    show(told, as_json, policy_text(told))
