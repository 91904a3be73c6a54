"""The report of a lender's book: read what consenting borrowers' ledgers say, and tell."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import sqlalchemy as sa

from api.consents import repository as consents
from api.database.tables import score_record
from api.errors import DataNotForLive
from api.home import Home
from api.models.service import scoring_parameters
from api.monitoring import monitoring_parameters
from api.portfolio.then import limits_then, watched_then
from api.snapshots.service import reader
from data_contracts.contract import RecordKind
from data_contracts.identifiers import ObligorId, PartnerId
from data_contracts.vocabulary import DataOrigin
from features.loading import load_machine_days
from features.machine_day.machine_days import any_synthetic
from scoring.portfolio.course import TO, month_ends
from scoring.portfolio.ledgers import DEBTS, FACILITIES, SALES, BookFrames, borrowers_of, clusters_of, loans_of
from scoring.portfolio.loans import Rating
from scoring.portfolio.report import Book, Portfolio, portfolio

YEAR = timedelta(days=365)
ZONE = ZoneInfo("Asia/Shanghai")
LARGEST = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Whose book, of which lender's facilities (None: everything that consenting borrowers owe to anybody), in which
    currency, as of when, and over how many months that are over."""

    partner: PartnerId
    lender: str | None
    currency: str
    as_of: datetime
    months: int = 12


def portfolio_report(
    connection: sa.Connection, home: Home, asked: Asked, *, now: datetime, livemode: bool = False
) -> dict[str, Any]:
    """The book on the last day that is over as of the instant, of the borrowers that consent to the partner today:
    what is not to be shown any more is not, and who consented since is counted (`rests_on`).

    Raises DataNotForLive for a live key where any machine-day is synthetic.
    """
    obligors = consents.shown_for_credit(connection, asked.partner, now=now, livemode=livemode)
    day = asked.as_of.astimezone(ZONE).date() - timedelta(days=1)
    then = consents.shown_for_credit(connection, asked.partner, now=asked.as_of, livemode=livemode)
    book, facts = _load(connection, home, asked, obligors, day)
    facts["rests_on"]["consented_since"] = len(set(obligors) - set(then))
    if livemode and facts["data_origin"] != DataOrigin.REAL.value:
        raise DataNotForLive("Machine-days of this book are synthetic.", hint="Ask with a test key.")
    parameters = monitoring_parameters()
    values = parameters.at(asked.as_of)
    found = portfolio(book, day=day, months=asked.months, largest=LARGEST, values=values)
    return {
        "as_of": asked.as_of.isoformat(),
        "partner_id": asked.partner,
        "lender_id": asked.lender,
        **plain_portfolio(found),
        **facts,
        "parameters_version": parameters.version,
    }


def plain_portfolio(found: Portfolio) -> dict[str, Any]:
    """A portfolio as it is answered: dates as texts, and rates beside the counts that they are made of."""
    told = json.loads(json.dumps(asdict(found), default=date.isoformat))
    for line, vintage in zip(told["vintages"], found.vintages, strict=True):
        line["cumulative_rates"] = list(vintage.cumulative_rates)
    for line, roll in zip(told["rolls"], found.rolls, strict=True):
        line["to_rates"] = list(roll.rates)
    return {**told, "roll_to": list(TO)}


def _load(
    connection: sa.Connection, home: Home, asked: Asked, obligors: Sequence[ObligorId], day: date
) -> tuple[Book, dict[str, Any]]:
    """The book, and what it rests on."""
    source = reader(connection, home)
    ends = month_ends(day, asked.months)
    begins = ends[0].replace(day=1)
    machine_days, _ = load_machine_days(source, as_of=asked.as_of, obligor_ids=obligors, first_day=begins)

    def rows(kind: RecordKind, *columns: str, event_from: datetime | None = None) -> pd.DataFrame:
        names = ("obligor_id", *columns)
        told = source.rows(kind, as_of=asked.as_of, obligor_ids=obligors, event_from=event_from, columns=names)
        return told.to_pandas()

    facilities = rows(RecordKind.FACILITY, *FACILITIES)
    if asked.lender is not None:
        facilities = facilities[facilities["lender_id"] == asked.lender]
    frames = BookFrames(
        facilities=facilities,
        repayments=source.versions(
            RecordKind.REPAYMENT, until=asked.as_of, obligor_ids=obligors, columns=("obligor_id", *DEBTS)
        ).to_pandas(),
        invoices=rows(RecordKind.INVOICE, *SALES, event_from=asked.as_of - YEAR),
        defaults=rows(RecordKind.DEFAULT_EVENT, "event_time"),
        machine_days=_since(machine_days.table, begins),
    )
    profiles = rows(RecordKind.OBLIGOR_PROFILE, "event_time", "industry_division").sort_values("event_time")
    industry = dict(zip(profiles["obligor_id"], profiles["industry_division"], strict=True))
    loans = loans_of(frames, currency=asked.currency, lgd=_lgd(asked.as_of), zone=ZONE)
    borrowers = borrowers_of(
        frames,
        obligors=obligors,
        industry=industry,
        ratings=_ratings(connection, obligors, as_of=asked.as_of),
        watched=watched_then(connection, partner=asked.partner, day=day, as_of=asked.as_of),
        currency=asked.currency,
        zone=ZONE,
    )
    limits = limits_then(connection, obligors, partner=asked.partner, currency=asked.currency, as_of=asked.as_of)
    book = Book(
        currency=asked.currency,
        loans=loans,
        borrowers=borrowers,
        limits=limits.minor,
        clusters=clusters_of(frames.machine_days, industry=industry, months=[f"{end:%Y-%m}" for end in ends]),
    )
    facts = {
        "data_origin": any_synthetic(machine_days.spans["data_origin"].to_pylist()).value,
        "facilities_in_other_currencies": int((facilities["currency"] != asked.currency).sum()),
        "rests_on": {
            "obligors": len(obligors),
            "with_a_facility": len({loan.obligor_id for loan in loans}),
            "with_a_score": sum(bool(borrower.ratings) for borrower in borrowers.values()),
            "with_a_buyer": sum(borrower.buyer_shares is not None for borrower in borrowers.values()),
            "with_machine_days": int(frames.machine_days["obligor_id"].nunique()),
            "limits_decided_since": limits.decided_since,
        },
    }
    return book, facts


def _since(table: Any, first: date) -> pd.DataFrame:
    days = table.select(["obligor_id", "machine_uid", "day", "executing_seconds", "observed_seconds"]).to_pandas()
    return days[days["day"] >= first]


def _lgd(as_of: datetime) -> Mapping[str, float]:
    return {name: float(value) for name, value in scoring_parameters().at(as_of)["lgd"].items()}


def _ratings(connection: sa.Connection, obligors: Sequence[ObligorId], *, as_of: datetime) -> dict[str, list[Rating]]:
    """Every score that was kept, in order of what could be known and of when it was computed."""
    table = score_record.c
    asked = sa.select(table.obligor_id, table.as_of, table.pd_12m, table.rating_grade).where(table.as_of <= as_of)
    wanted, found = set(obligors), defaultdict[str, list[Rating]](list)
    for row in connection.execute(asked.order_by(table.as_of, table.scored_time, table.score_id)):
        if row.obligor_id in wanted:
            rating = Rating(
                day=row.as_of.astimezone(ZONE).date(), pd_12m=float(row.pd_12m), rating_grade=row.rating_grade
            )
            found[row.obligor_id].append(rating)
    return found
