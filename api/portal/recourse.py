"""What the manufacturer can do about each lender's latest answer, as its page shows it, having it searched for, and
telling of a plan that it is done."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from api.credit_decisions import repository as decisions
from api.database.engine import unit_of_work
from api.database.text import is_storable
from api.home import Home
from api.jobs import service as jobs
from api.recourse import repository as offers
from api.recourse import service
from data_contracts.errors import NotFound
from data_contracts.identifiers import DecisionId, ObligorId
from data_contracts.reference.dated import RULES_ZONE
from risk_reports.sme_recourse import ShownAnswer, Told, shown_answers
from risk_reports.wording.catalogue import Language


def answers(
    connection: sa.Connection, obligor_id: ObligorId, *, now: datetime, zone: str, language: Language
) -> tuple[ShownAnswer, ...]:
    """Each lender's latest answer, the offer about it, and how the search for one stands."""
    rows = decisions.latest_of_each_partner(connection, obligor_id)
    told, today = [_told(connection, row) for row in rows], now.astimezone(RULES_ZONE).date()
    return shown_answers(told, today=today, zone=zone, language=language)


def seek(home: Home, obligor_id: ObligorId, decision_id: str, *, now: datetime) -> None:
    """Queue the search about a decision. Raises NotFound where there is none of that name about the obligor."""
    with unit_of_work(home.engine) as connection:
        row = decisions.load(connection, DecisionId(decision_id)) if is_storable(decision_id) else None
        if row is None or row.obligor_id != obligor_id:
            raise NotFound(f"No decision {decision_id!r} is stored here.")
        jobs.queue_recourse(connection, DecisionId(row.decision_id), now=now)


def report_done(home: Home, obligor_id: ObligorId, offer_id: str, plan: str, *, now: datetime) -> None:
    """Look again at an obligor that reports a plan done. Raises NotFound where it has no such offer, and as
    `api.recourse.service.rescore`."""
    with unit_of_work(home.engine) as connection:
        missing = f"No offer {offer_id!r} is stored here."
        if not is_storable(offer_id):
            raise NotFound(missing)
        row = offers.load(connection, offer_id)
        if decisions.load(connection, DecisionId(row.decision_id)).obligor_id != obligor_id:
            raise NotFound(missing)
        number = int(plan) if plan in {"1", "2", "3"} else 0
        livemode = json.loads(row.body)["livemode"]
        service.rescore(connection, home, row, plan=number, as_of=None, now=now, livemode=livemode)


def _told(connection: sa.Connection, row: sa.Row[Any]) -> Told:
    decision_id = DecisionId(row.decision_id)
    offer = offers.find_latest_of(connection, decision_id)
    return Told(
        decided=json.loads(row.body),
        lender=row.partner_name,
        offer=None if offer is None else service.told(connection, offer),
        search=jobs.recourse_search(connection, decision_id),
    )
