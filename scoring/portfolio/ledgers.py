"""A book out of ledgers: facilities, what fell due and was paid, who buys of whom, and who defaulted, as of a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, tzinfo
from decimal import Decimal
from itertools import groupby
from operator import itemgetter

import numpy as np
import pandas as pd

from scoring.monitoring.delinquency import Due
from scoring.portfolio.loans import UNKNOWN, Borrower, Loan, Rating
from scoring.portfolio.operating import ClusterMonth, operating_course
from scoring.records import CreditProduct

PRODUCTS = {
    ("term_loan", "working_capital"): CreditProduct.WORKING_CAPITAL,
    ("term_loan", "equipment"): CreditProduct.EQUIPMENT_LOAN,
    ("term_loan", "receivables"): CreditProduct.RECEIVABLES,
}
OF_KIND = {"finance_lease": CreditProduct.FINANCE_LEASE, "invoice_advance": CreditProduct.RECEIVABLES}
"""Products by what a facility ledger says; a lease is one whatever it is for, and so is an advance on an invoice."""

ALL = "all"
LEAST_FIRMS = 5
"""A cluster of fewer firms tells of each of them, and is left to the line of all."""


FACILITIES = (
    *("facility_id", "event_time", "lender_id", "facility_kind", "purpose", "amount_minor", "currency"),
    *("rate_per_year", "instalments"),
)
DEBTS = ("facility_id", "instalment", "due_date", "amount_due_minor", "amount_paid_minor", "paid_date")
SALES = ("buyer_id", "status", "amount_minor", "currency")
"""Columns of ledgers that a book is made of, beside the obligor."""
INSTALMENT = ("obligor_id", "facility_id", "instalment")
TOLD_OF_INSTALMENT = ("due_date", "amount_due_minor", "amount_paid_minor", "paid_date")


@dataclass(frozen=True, slots=True, kw_only=True)
class BookFrames:
    """Rows known as of a time, under the contracts' column names; invoices of the last year."""

    facilities: pd.DataFrame
    repayments: pd.DataFrame
    invoices: pd.DataFrame
    defaults: pd.DataFrame
    machine_days: pd.DataFrame


def loans_of(frames: BookFrames, *, currency: str, lgd: Mapping[str, float], zone: tzinfo) -> list[Loan]:
    """The facilities of one currency with their instalments, in order of borrower and facility. A day is one of
    `zone`."""
    wanted = frames.facilities[frames.facilities["currency"] == currency]
    return loans_from(wanted, frames.repayments, lgd=lgd, zone=zone)


def loans_from(
    facilities: pd.DataFrame, repayments: pd.DataFrame, *, lgd: Mapping[str, float], zone: tzinfo
) -> list[Loan]:
    """The same of these facilities.

    `repayments` are all versions of the instalments that were recorded by the time (`ObservationReader.versions`), so
    that each payment on an instalment counts from its own day (`dated_payments`).
    """
    dues: dict[tuple[str, str], list[Due]] = defaultdict(list)
    ordered = repayments.sort_values([*INSTALMENT, "recorded_time"], kind="stable")
    rows = zip(*(ordered[name].tolist() for name in (*INSTALMENT, *TOLD_OF_INSTALMENT)), strict=True)
    for (obligor, facility, _), versions in groupby(rows, key=itemgetter(slice(len(INSTALMENT)))):
        told = [version[len(INSTALMENT) :] for version in versions]
        due_on, amount, _, _ = told[-1]
        payments = dated_payments((paid_on, paid) for _, _, paid, paid_on in told)
        dues[str(obligor), str(facility)].append(Due(due_on=due_on, amount_minor=int(amount), payments=payments))
    found = []
    for row in facilities.sort_values(["obligor_id", "facility_id"]).itertuples():
        product = product_of(str(row.facility_kind), str(row.purpose))
        loan = Loan(
            facility_id=f"{row.obligor_id}/{row.facility_id}",
            obligor_id=str(row.obligor_id),
            product=product,
            granted_on=row.event_time.astimezone(zone).date(),
            amount_minor=int(row.amount_minor),
            annual_rate=float(row.rate_per_year),
            instalments=int(row.instalments),
            dues=dues[str(row.obligor_id), str(row.facility_id)],
            lgd=lgd[product],
        )
        found.append(loan)
    return found


def dated_payments(versions: Iterable[tuple[date, int]]) -> list[tuple[date, int]]:
    """The payments on one instalment, each on its day, out of its versions in order of recording: each says what was
    paid so far and the day of the last payment. What a later version has more was paid on its day, what it has less was
    given back on it; the same amount on another day corrects the day."""
    payments, before = list[tuple[date, int]](), 0
    for paid_on, so_far in versions:
        change, before = int(so_far) - before, int(so_far)
        if change:
            payments.append((payments[-1][0] if pd.isna(paid_on) else paid_on, change))
        elif payments and not pd.isna(paid_on):
            payments[-1] = (paid_on, payments[-1][1])
    return payments


def product_of(facility_kind: str, purpose: str) -> str:
    """The product that a facility ledger's words stand for."""
    product = OF_KIND.get(facility_kind) or PRODUCTS.get((facility_kind, purpose))
    assert product is not None, f"the contract of facilities knows no {facility_kind} for {purpose}"
    return product.value


def borrowers_of(
    frames: BookFrames,
    *,
    obligors: Sequence[str],
    industry: Mapping[str, str | None],
    ratings: Mapping[str, Sequence[Rating]],
    watched: frozenset[str],
    currency: str,
    zone: tzinfo,
) -> dict[str, Borrower]:
    """What is known of each obligor."""
    shares = buyer_shares(frames.invoices[frames.invoices["currency"] == currency])
    defaults: dict[str, list[date]] = defaultdict(list)
    for row in frames.defaults.itertuples():
        defaults[str(row.obligor_id)].append(row.event_time.astimezone(zone).date())
    return {
        obligor: Borrower(
            industry=industry.get(obligor),
            ratings=ratings.get(obligor, ()),
            buyer_shares=shares.get(obligor),
            defaults=sorted(defaults[obligor]),
            is_on_watch=obligor in watched,
        )
        for obligor in obligors
    }


def buyer_shares(invoices: pd.DataFrame) -> dict[str, dict[str, Decimal]]:
    """By seller the share of each buyer in what was invoiced, less what red-letter invoices took back."""
    return shares_of(sold_to_buyers(invoices))


def sold_to_buyers(invoices: pd.DataFrame) -> dict[str, dict[str, int]]:
    """The same in minor units; a buyer of whom more was taken back than invoiced bought nothing."""
    signed = invoices["amount_minor"].where(invoices["status"] == "issued", -invoices["amount_minor"])
    net = signed.groupby([invoices["obligor_id"], invoices["buyer_id"]]).sum().clip(lower=0)
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for (seller, buyer), amount in net[net > 0].items():
        found[str(seller)][str(buyer)] = int(amount)
    return dict(found)


def shares_of(sold: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, Decimal]]:
    """By seller the share of each buyer."""
    return {
        seller: {buyer: Decimal(amount) / sum(buyers.values()) for buyer, amount in buyers.items()}
        for seller, buyers in sold.items()
    }


def clusters_of(
    machine_days: pd.DataFrame, *, industry: Mapping[str, str | None], months: Sequence[str]
) -> dict[str, list[ClusterMonth]]:
    """The operating course of all firms together, and of each industry with enough of them."""
    firms = sorted(machine_days["obligor_id"].unique())
    place = {firm: row for row, firm in enumerate(firms)}
    column = {month: at for at, month in enumerate(months)}
    of_month = machine_days.assign(month=machine_days["day"].map(lambda day: f"{day:%Y-%m}"))
    of_month = of_month[of_month["month"].isin(column)]
    sums = of_month.groupby(["obligor_id", "month"]).agg(
        executing=("executing_seconds", "sum"),
        observed=("observed_seconds", "sum"),
        machines=("machine_uid", "nunique"),
    )
    shape = (len(firms), len(months))
    executing, observed, machines = np.zeros(shape), np.zeros(shape), np.zeros(shape, dtype=np.int64)
    for (firm, month), row in zip(sums.index, sums.itertuples(index=False), strict=True):
        at = place[firm], column[month]
        executing[at], observed[at], machines[at] = row.executing, row.observed, row.machines
    members = {ALL: list(range(len(firms)))}
    for firm in firms:
        members.setdefault(industry.get(firm) or UNKNOWN, []).append(place[firm])
    return {
        name: operating_course(executing[rows], observed[rows], machines[rows], months=months)
        for name, rows in sorted(members.items())
        if name == ALL or len(rows) >= LEAST_FIRMS
    }
