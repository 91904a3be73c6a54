"""The report of an insurer's book: read its policies as they were known then, and tell."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from api.consents import repository as consents
from api.consents.repository import Purpose
from api.home import Home
from api.insurance_policies.held import ZONE, held_policy, idle_book, industries
from api.insurance_policies.known import known_policies
from api.models.service import scoring_parameters
from api.partners import repository as partners
from api.snapshots.service import reader
from data_contracts.contract import RecordKind
from data_contracts.identifiers import ObligorId, PartnerId
from data_contracts.reference.calendars import add_months
from features.machine_day.machine_days import any_synthetic
from scoring.insurance.book.accumulation import Room
from scoring.insurance.book.holdings import HeldPolicy, insured_minor
from scoring.insurance.book.report import InsurancePortfolio, InsuredBook, insurance_portfolio
from scoring.portfolio.ledgers import buyer_shares
from scoring.records import InsuranceProduct

YEAR = timedelta(days=365)
ROOMS = ("idle_industries", "idle_tail", "regions", "obligors")
GUARANTEE_ROOMS = ("guarantee_core_enterprises", "guarantee_industries")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Whose book, in which currency, as of when, what was earned and claimed over how many months before, and how many
    of the largest exposures are told."""

    partner: PartnerId
    currency: str
    as_of: datetime
    months: int = 12
    largest: int = 10


def insurance_report(
    connection: sa.Connection, home: Home, asked: Asked, *, now: datetime, livemode: bool = False
) -> dict[str, Any]:
    """The insurer's book on the last day that was over as of the instant, of insured firms that consent to it today.

    Policies of firms whose consent ended are counted with what they insure (`rests_on`) and told nothing else of.
    Raises NotFound for an unknown partner.
    """
    partners.require(connection, asked.partner)
    day = asked.as_of.astimezone(ZONE).date() - timedelta(days=1)
    every = known_policies(connection, asked.partner, as_of=asked.as_of, livemode=livemode)
    mine = [known for known in every if known.quote["currency"] == asked.currency]
    told = set(consents.shown(connection, asked.partner, purpose=Purpose.INSURANCE, now=now, livemode=livemode))
    division = industries(connection, home, as_of=asked.as_of)
    held = [held_policy(known, division) for known in mine]
    shown = [policy for policy in held if policy.obligor_id in told]
    idle = idle_book(connection, home, shown, day=day, as_of=asked.as_of)
    book = InsuredBook(
        currency=asked.currency,
        policies=shown,
        idle=idle.risks,
        buyers=_buyers(connection, home, shown, asked, now=now, livemode=livemode),
    )
    parameters = scoring_parameters()
    found = insurance_portfolio(
        book,
        begins=_begins(asked.as_of, asked.months),
        day=day,
        largest=asked.largest,
        values=parameters.at(asked.as_of),
    )
    return {
        "as_of": asked.as_of.isoformat(),
        "partner_id": asked.partner,
        **plain_book(found),
        "data_origin": any_synthetic([known.quote["data_origin"] for known in mine]).value,
        "policies_in_other_currencies": len(every) - len(mine),
        "rests_on": _rests_on(held, told, idle.not_simulated, day=day),
        "parameters_version": parameters.version,
    }


def insured(told: Mapping[str, Any]) -> list[ObligorId]:
    """Of whom a report tells."""
    return [ObligorId(line["name"]) for line in told["obligors"]]


def plain_book(found: InsurancePortfolio) -> dict[str, Any]:
    """A report as it is answered: dates as texts, and of every limit what is left and what lies above it."""
    told = json.loads(json.dumps(asdict(found), default=date.isoformat))
    for name in (*ROOMS, *GUARANTEE_ROOMS, "findings"):
        told[name] = [_plain_room(room) for room in getattr(found, name)]
    return dict(told)


def _plain_room(room: Room) -> dict[str, Any]:
    return {
        "kind": room.kind.value,
        "name": room.name,
        "used_minor": room.used_minor,
        "limit_minor": room.limit_minor,
        "left_minor": room.left_minor,
        "over_minor": room.over_minor,
        "limit_utilization_ratio": room.used_ratio,
    }


def _begins(as_of: datetime, months: int) -> date:
    """The first of the days that the report looks back on."""
    return add_months(as_of.astimezone(ZONE), -months).date()


def _rests_on(held: Sequence[HeldPolicy], told: set[ObligorId], not_simulated: int, *, day: date) -> dict[str, int]:
    shown = [policy for policy in held if policy.obligor_id in told]
    hidden = [policy for policy in held if policy.obligor_id not in told]
    return {
        "policies": len(shown),
        "obligors": len({policy.obligor_id for policy in shown}),
        "policies_without_consent": len(hidden),
        "sum_insured_without_consent_minor": sum(insured_minor(policy, day) for policy in hidden),
        "idle_covers_not_simulated": not_simulated,
    }


def _buyers(
    connection: sa.Connection,
    home: Home,
    policies: Sequence[HeldPolicy],
    asked: Asked,
    *,
    now: datetime,
    livemode: bool,
) -> Mapping[str, Mapping[str, Decimal]]:
    """Who buys of the firms that have a guarantee, over the year before: a guarantee is credit, so that only those who
    consent to that too are looked through."""
    lent = set(consents.shown_for_credit(connection, asked.partner, now=now, livemode=livemode))
    guaranteed = {policy.obligor_id for policy in policies if policy.product is InsuranceProduct.GUARANTEE}
    names = ("obligor_id", "buyer_id", "status", "amount_minor", "currency")
    if not (wanted := sorted(guaranteed & lent)):
        return {}
    rows = reader(connection, home).rows(
        RecordKind.INVOICE,
        as_of=asked.as_of,
        obligor_ids=wanted,
        event_from=asked.as_of - YEAR,
        columns=names,
    )
    sold = rows.to_pandas()
    return buyer_shares(sold[sold["currency"] == asked.currency])
