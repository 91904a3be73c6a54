"""Use of funds: what a bank agreed and paid, held against the borrower's own ledgers and what its machines did."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow.compute as pc
import sqlalchemy as sa

from api.errors import DataNotForLive
from api.funds.schemas import FundsAsked
from api.home import Home
from api.pledges.service import supply_chain_parameters
from api.snapshots.service import reader
from data_contracts.contract import RecordKind
from data_contracts.identifiers import ObligorId
from data_contracts.observations.reader import ObservationReader
from data_contracts.vocabulary import DataOrigin
from features.loading import load_machine_days
from features.machine_day.machine_days import any_synthetic
from risk_reports.numbers import money
from risk_reports.wording.catalogue import Language, wording
from scoring.supply_chain.collateral.funds import Agreed, FundsFinding, Happened, Payment, examine_funds

ZONE = ZoneInfo("Asia/Shanghai")


def use_of_funds(
    connection: sa.Connection, home: Home, asked: FundsAsked, *, as_of: datetime, livemode: bool = False
) -> dict[str, Any]:
    """Every deviation as of an instant, with the payments that show it. Raises DataNotForLive."""
    agreed = [Agreed(**line.model_dump()) for line in asked.agreed]
    payments = [Payment(**payment.model_dump()) for payment in asked.payments]
    machines = {line.machine_uid for line in agreed if line.machine_uid is not None}
    since = min(payment.paid_on for payment in payments)
    happened = _happened(reader(connection, home), asked, machines, since=since, as_of=as_of, livemode=livemode)
    book = supply_chain_parameters()
    found = examine_funds(agreed, payments, happened, day=as_of.astimezone(ZONE).date(), values=book.at(as_of))
    return {
        "obligor_id": asked.obligor_id,
        "as_of": as_of.isoformat(),
        "currency": asked.currency,
        "paid_minor": found.paid_minor,
        "agreed_use_minor": found.agreed_use_minor,
        "outside_minor": found.outside_minor,
        "findings": [_plain(item, asked.currency) for item in found.findings],
        "delivered_on": _days(happened.delivered_on),
        "first_used_on": _days(happened.first_used_on),
        "bought_minor": dict(sorted(happened.bought_minor.items())),
        "parameters_version": book.version,
    }


def _happened(
    source: ObservationReader,
    asked: FundsAsked,
    machines: Collection[str],
    *,
    since: date,
    as_of: datetime,
    livemode: bool,
) -> Happened:
    """What ledgers and machine-days tell of deliveries, first work, and purchases since the first payment."""
    obligor = ObligorId(asked.obligor_id)
    owned = source.machines(as_of=as_of, obligor_ids=[obligor]).to_pylist()
    delivered = {
        row["machine_uid"]: row["owned_from"].astimezone(ZONE).date() for row in owned if row["machine_uid"] in machines
    }
    days, _ = load_machine_days(source, as_of=as_of, obligor_ids=[obligor])
    if livemode and any_synthetic(days.spans["data_origin"].to_pylist()) is not DataOrigin.REAL:
        raise DataNotForLive("Machine-days of this obligor are synthetic.", hint="Ask with a test key.")
    at_work = days.table.filter(pc.greater(days.table["executing_seconds"], 0)).select(["machine_uid", "day"])
    used = at_work.group_by("machine_uid").aggregate([("day", "min")]).to_pylist()
    columns = ("supplier_id", "event_time", "amount_minor", "currency")
    bills = source.rows(RecordKind.SUPPLIER_INVOICE, as_of=as_of, obligor_ids=[obligor], columns=columns).to_pylist()
    bought: dict[str, int] = {}
    for row in bills:
        if row["currency"] == asked.currency and row["event_time"].astimezone(ZONE).date() >= since:
            bought[row["supplier_id"]] = bought.get(row["supplier_id"], 0) + int(row["amount_minor"])
    payees = {line.payee for line in asked.agreed}
    return Happened(
        delivered_on=delivered,
        first_used_on={row["machine_uid"]: row["day_min"] for row in used if row["machine_uid"] in machines},
        bought_minor={name: amount for name, amount in bought.items() if name in payees},
        own_side=frozenset({asked.obligor_id, *asked.affiliates}),
    )


def _plain(found: FundsFinding, currency: str) -> dict[str, Any]:
    return {
        "deviation": found.deviation.value,
        "payee": found.payee,
        "amount_minor": found.amount_minor,
        "evidence": list(found.evidence),
        "narrative": {
            language.value.split("_")[0]: wording(language).say(
                f"funds.{found.deviation.value}",
                payee=found.payee,
                amount=money(found.amount_minor, currency, language),
            )
            for language in Language
        },
    }


def _days(found: Any) -> dict[str, str]:
    return {name: day.isoformat() for name, day in sorted(found.items())}
