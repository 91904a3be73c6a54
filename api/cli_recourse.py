"""Commands about recourse: what an obligor can do about a decision, and reporting it done."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from api.console import HomeOption, JsonOption, opened, show
from api.database.engine import unit_of_work
from api.instants import parse_instant, require_past
from api.partners.repository import LOCAL
from api.recourse import service as recourse
from api.snapshots.service import site_zone
from data_contracts.identifiers import PartnerId, obligor_id
from risk_reports.recourse import text
from risk_reports.wording.catalogue import Language

AsOfOption = Annotated[str | None, typer.Option("--as-of", help="An instant or a date; the default is now.")]


def mount(app: typer.Typer) -> None:
    """Give `app` these commands."""
    app.command("recourse")(seek)
    app.command("recourse-done")(report_done)


def seek(
    *,
    obligor: Annotated[str, typer.Argument(help="Unified social credit code.")],
    as_of: AsOfOption = None,
    partner: Annotated[str, typer.Option("--partner", help="Whose decision.")] = LOCAL,
    chinese: Annotated[bool, typer.Option("--zh", help="In Chinese.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """What an obligor can do about the latest decision up to a time, as a signed offer."""
    owner, now = obligor_id(obligor), datetime.now(UTC)
    with opened(home) as here:
        with unit_of_work(here.engine) as connection:
            zone = site_zone(connection, here, owner)
        when = now if as_of is None else require_past(parse_instant(as_of, zone=zone), now=now)
        answer = recourse.offer(here, owner, partner=PartnerId(partner), as_of=when or now, now=now)
    show(answer, as_json, text(answer, Language.ZH if chinese else Language.EN))


def report_done(
    *,
    offer: Annotated[str, typer.Argument(help="An offer's id.")],
    plan: Annotated[int, typer.Option("--plan", min=1, help="Which of its plans.")],
    as_of: AsOfOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look again at an obligor who reports a plan done, under the terms of the offer."""
    now = datetime.now(UTC)
    with opened(home) as here:
        when = None if as_of is None else require_past(parse_instant(as_of, zone="UTC"), now=now)
        answer = recourse.report_done(here, offer, plan=plan, as_of=when, now=now)
    within = "within the offer" if answer["is_kept"] else f"outside the offer: {', '.join(answer['missed'])}"
    show(answer, as_json, f"{answer['outcome']} (promised: {answer['promised_outcome']}); {within}")
