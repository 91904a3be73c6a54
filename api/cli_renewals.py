"""Commands about the premium after a policy's own: a round of renewals, and cover on demand by site and days."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any

import sqlalchemy as sa
import typer

from api.access_log.repository import looked
from api.cli_policies import ByOption
from api.console import HomeOption, JsonOption, aligned, opened, show
from api.database.engine import unit_of_work
from api.insurance_policies import renewals
from api.insurance_policies import repository as policies
from api.insurance_policies.on_demand import on_demand
from api.insurance_policies.repository import KeptPolicy
from api.premium_quotes import repository as quotes
from data_contracts.errors import InputError
from data_contracts.identifiers import ObligorId, QuoteId
from risk_reports.numbers import money
from risk_reports.wording.catalogue import Language
from scoring.insurance.usage import SitePeriod

COLUMNS = ("policy_id", "expiring", "quoted", "A/E", "Z", "technical", "charged", "change")

PairArgument = Annotated[list[str], typer.Argument(help="POLICY=QUOTE: a policy that ends and the quote that follows.")]
BindOption = Annotated[bool, typer.Option("--bind", help="Renew them at the premiums charged; else only tell.")]
PeriodArgument = Annotated[list[str], typer.Argument(help="SITE:FROM:TO, inclusive: mine:2026-07-01:2026-07-09.")]


def mount(policies_app: typer.Typer) -> None:
    """Give the commands about policies these two more."""
    policies_app.command("renew-round")(renew_round)
    policies_app.command("on-demand")(on_demand_premium)


def renew_round(
    pairs: PairArgument, by: ByOption, bind: BindOption = False, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """Renew policies together: their own claims, caps on what expires, and the off-balance that pays for the caps."""
    now = datetime.now(UTC)
    with opened(home) as here, unit_of_work(here.engine) as connection:
        asked = [_pair(connection, text, now=now) for text in pairs]
        following: list[KeptPolicy] = []
        if bind:
            found, following = renewals.renew_round(connection, here, asked, by=by, now=now)
        else:
            found = renewals.plan(connection, asked, now=now)
        told = renewals.plain_round(found, asked, following=following)
    show(told, as_json, _text(told))


def on_demand_premium(
    quote: Annotated[str, typer.Argument(help="A quote of equipment cover: a day of a machine is its rate.")],
    periods: PeriodArgument,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Price cover of one machine by days and kind of site."""
    now = datetime.now(UTC)
    with opened(home) as here, unit_of_work(here.engine) as connection:
        row = quotes.load(connection, QuoteId(quote))
        looked(connection, ObligorId(row.obligor_id), "premium_quote", now=now)
        told = on_demand(row, [_period(text) for text in periods])
    rows = [
        {**line, "premium": money(line["premium_minor"], told["currency"], Language.EN)} for line in told["periods"]
    ]
    show(told, as_json, aligned(rows, ("site", "from", "to", "relativity", "premium")))


def _pair(connection: sa.Connection, text: str, *, now: datetime) -> renewals.Pair:
    policy_id, is_pair, quote_id = text.partition("=")
    if not is_pair:
        raise InputError(f"{text!r} names no quote.", hint="Write POLICY=QUOTE.")
    policy = policies.load(connection, policy_id, for_update=True)
    looked(connection, policy.obligor_id, "insurance_policy", now=now)
    return renewals.Pair(policy=policy, quote=quotes.load(connection, QuoteId(quote_id)))


def _period(text: str) -> SitePeriod:
    try:
        site, starts, ends = text.split(":")
        return SitePeriod(site=site, starts=date.fromisoformat(starts), ends=date.fromisoformat(ends))
    except ValueError as error:
        raise InputError(f"{text!r} is no site with its days.", hint="Write SITE:FROM:TO.") from error


def _text(told: dict[str, Any]) -> str:
    def shown(amount_minor: int) -> str:
        return money(amount_minor, told["currency"], Language.EN)

    rows = [
        {
            **line,
            **{name: shown(line[f"{name}_minor"]) for name in ("expiring", "quoted", "technical", "charged")},
            "A/E": "" if line["fleet"]["own"] is None else f"{line['fleet']['own']:.2f}",
            "Z": f"{line['fleet']['credibility']:.3f}",
            "change": f"{line['change_ratio']:+.1%}",
        }
        for line in told["lines"]
    ]
    gist = (
        f"off-balance {told['off_balance']:.6f}; held back {told['capped_up']} going up, {told['capped_down']} going "
        f"down; left for later {shown(told['unbalanced_minor'])}; {'bound' if told['is_bound'] else 'not bound'}"
    )
    return "\n".join([gist, aligned(rows, COLUMNS)])
