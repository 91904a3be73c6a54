"""Usage-linked instalments of a decision, billed month by month from what its machines told."""

from __future__ import annotations

import hashlib
import json
from calendar import monthrange
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from api.errors import DataNotForLive
from api.home import Home
from api.snapshots.service import reader
from api.usage_statements.schemas import StatementAsked
from data_contracts.identifiers import ObligorId
from data_contracts.vocabulary import DataOrigin
from features.loading import load_machine_days
from features.machine_day.machine_days import any_synthetic
from scoring.canonical import canonical_bytes
from scoring.errors import InvalidRequest
from scoring.money import exact
from scoring.monitoring.instalments import MonthUse, UsageInstalment, UsageTerms, schedule

ZONE = ZoneInfo("Asia/Shanghai")
COLUMNS = ("machine_uid", "day", "executing_seconds", "observed_seconds")
SECONDS_AN_HOUR, SECONDS_A_DAY = 3600, 86_400


def statement(
    connection: sa.Connection,
    home: Home,
    row: sa.Row[Any],
    asked: StatementAsked,
    *,
    as_of: datetime,
    livemode: bool = False,
) -> dict[str, Any]:
    """The bills of every month that is over as of an instant, by the plan of a stored decision.

    Raises InvalidRequest for a decision without such a plan, for machines that its obligor does not own, and where no
    month is over; DataNotForLive.
    """
    terms = _terms(row)
    months = list(_months_over(asked.first_month, day=as_of.astimezone(ZONE).date()))[: terms.longest_months]
    _check(asked, months)
    days = _machine_days(connection, home, row, asked, since=months[0], as_of=as_of, livemode=livemode)
    disputed = {item.month: exact(item.hours) for item in asked.disputed}
    used = [_use(month, days, machines=len(asked.machines), disputed=disputed) for month in months]
    bills = schedule(terms, used)
    return {
        "decision_id": row.decision_id,
        "obligor_id": row.obligor_id,
        "as_of": as_of.isoformat(),
        "currency": row.request["currency"],
        "machines": sorted(asked.machines),
        "terms": {
            "financed_minor": terms.financed_minor,
            "floor_minor": terms.floor_minor,
            "per_hour_minor": terms.hourly_minor,
            "annual_rate_ratio": str(terms.annual_rate_ratio),
            "longest_months": terms.longest_months,
        },
        "months": [_plain(*line) for line in zip(months, used, bills, strict=False)],
        "billed_minor": sum(bill.instalment_minor for bill in bills),
        "left_minor": bills[-1].left_minor,
        "held_minor": sum(bill.held_minor for bill in bills),
        "disputes": [item.model_dump() for item in asked.disputed],
        "machine_days_sha256": hashlib.sha256(canonical_bytes({"machine_days": days})).hexdigest(),
    }


def _terms(row: sa.Row[Any]) -> UsageTerms:
    body = json.loads(row.body)
    plan = body["usage_plan"]
    if plan is None:
        raise InvalidRequest(
            f"The decision {row.decision_id} plans no instalments by use.", hint="Ask for the product usage_instalment."
        )
    return UsageTerms(
        financed_minor=row.request["amount_minor"],
        floor_minor=plan["floor_minor"],
        hourly_minor=plan["per_hour_minor"],
        annual_rate_ratio=exact(body["annual_rate_ratio"]),
        longest_months=plan["longest_months"],
    )


def _months_over(first: str, *, day: date) -> Iterator[date]:
    """First days of the months from `first` on whose last day is before `day`."""
    month = date.fromisoformat(f"{first}-01")
    while (then := (month + timedelta(days=31)).replace(day=1)) <= day:
        yield month
        month = then


def _check(asked: StatementAsked, months: Sequence[date]) -> None:
    if not months:
        raise InvalidRequest(f"No month from {asked.first_month} on is over.", hint="Ask again when it is.")
    if len(set(asked.machines)) < len(asked.machines):
        raise InvalidRequest("A machine is named twice.", hint="Name each once.")
    named = [item.month for item in asked.disputed]
    if len(set(named)) < len(named):
        raise InvalidRequest("A month is disputed twice.", hint="Add its hours up.")
    billed = {f"{month:%Y-%m}" for month in months}
    if strange := sorted(set(named) - billed):
        raise InvalidRequest(
            f"{strange[0]} is disputed and not billed.", hint=f"Billed: {min(billed)} to {max(billed)}."
        )


def _machine_days(
    connection: sa.Connection,
    home: Home,
    row: sa.Row[Any],
    asked: StatementAsked,
    *,
    since: date,
    as_of: datetime,
    livemode: bool,
) -> list[dict[str, Any]]:
    """What these machines did on each day since, while the decision's obligor owned them; by machine and day."""
    source, owner = reader(connection, home), ObligorId(row.obligor_id)
    owned = set(source.machines(as_of=as_of, obligor_ids=[owner])["machine_uid"].to_pylist())
    if strange := sorted(set(asked.machines) - owned):
        raise InvalidRequest(f"{strange[0]} is no machine of {owner}.", hint="Name those that were financed.")
    days, _ = load_machine_days(source, as_of=as_of, obligor_ids=[owner], first_day=since)
    if livemode and any_synthetic(days.spans["data_origin"].to_pylist()) is not DataOrigin.REAL:
        raise DataNotForLive("Machine-days of this obligor are synthetic.", hint="Ask with a test key.")
    told = days.of_obligors([owner]).table.select(list(COLUMNS)).to_pylist()
    wanted = set(asked.machines)
    return [
        {**line, "day": line["day"].isoformat()}
        for line in told
        if line["machine_uid"] in wanted and line["day"] >= since
    ]


def _use(month: date, days: Sequence[dict[str, Any]], *, machines: int, disputed: Mapping[str, Decimal]) -> MonthUse:
    """A month of all machines together; a machine without a word counts as not observed."""
    name, whole = f"{month:%Y-%m}", monthrange(month.year, month.month)[1] * machines * SECONDS_A_DAY
    mine = [line for line in days if line["day"].startswith(name)]
    executed = sum((exact(line["executing_seconds"]) for line in mine), Decimal(0))
    observed = sum((exact(line["observed_seconds"]) for line in mine), Decimal(0))
    return MonthUse(
        hours=executed / SECONDS_AN_HOUR,
        observed_share=min(Decimal(1), observed / whole),
        disputed_hours=disputed.get(name, Decimal(0)),
    )


def _plain(month: date, use: MonthUse, bill: UsageInstalment) -> dict[str, Any]:
    return {
        "month": f"{month:%Y-%m}",
        "observed_share": round(float(use.observed_share), 6),
        "executing_hours": round(float(use.hours), 6),
        "disputed_hours": float(use.disputed_hours),
        "billed_hours": round(float(bill.billed_hours), 6),
        "basis": bill.basis.value,
        "interest_minor": bill.interest_minor,
        "principal_minor": bill.principal_minor,
        "instalment_minor": bill.instalment_minor,
        "left_minor": bill.left_minor,
        "held_minor": bill.held_minor,
    }
