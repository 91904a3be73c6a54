"""Debtors as of an instant: what they owe and sold by then, and for how long an answer holds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import zip_longest
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.portfolio.debtors import YEAR, Held, LedgerVersions, debtors_as_of

ZONE = ZoneInfo("Asia/Shanghai")
GRANTED = datetime(2026, 1, 10, tzinfo=UTC)
NOON = datetime(2026, 6, 30, 4, tzinfo=UTC)
MIDNIGHT = datetime(2026, 6, 30, 16, tzinfo=UTC)
FACILITY = {
    "obligor_id": "FIRM", "facility_id": "F1", "event_time": GRANTED, "lender_id": "Bank A", "facility_kind": "term_loan",
    "purpose": "working_capital", "amount_minor": 400, "currency": "CNY", "rate_per_year": 0.0, "instalments": 4,
}  # fmt: skip
INVOICE = {
    "obligor_id": "FIRM", "event_time": GRANTED, "buyer_id": "CORE", "status": "issued", "amount_minor": 90,
    "currency": "CNY",
}  # fmt: skip
PAID = {
    "obligor_id": "FIRM", "facility_id": "F1", "instalment": 1, "due_date": NOON.date(), "amount_due_minor": 100,
    "amount_paid_minor": 100, "paid_date": NOON.date(),
}  # fmt: skip


def version(row: dict[str, Any], recorded: datetime, superseded: datetime | None = None, **more: Any) -> dict[str, Any]:
    return {**row, "recorded_time": recorded, "superseded_time": superseded, **more}


def frame(like: dict[str, Any], rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """As a reader hands versions on: instants in UTC microseconds, days as dates."""
    told = pd.DataFrame(rows, columns=[*like, "recorded_time", "superseded_time"])
    for name in ("event_time", "recorded_time", "superseded_time"):
        if name in told:
            told[name] = pd.to_datetime(told[name], utc=True).astype("datetime64[us, UTC]")
    return told


Rows = Sequence[dict[str, Any]]


def ledgers(facilities: Rows, repayments: Rows = (), invoices: Rows = ()) -> LedgerVersions:
    return LedgerVersions(
        facilities=frame(FACILITY, facilities), repayments=frame(PAID, repayments), invoices=frame(INVOICE, invoices)
    )


def ask(told: LedgerVersions, as_of: datetime = NOON) -> Held:
    return debtors_as_of(
        told, ["FIRM"], as_of=as_of, lenders=["Bank A"], currency="CNY", lgd={"working_capital": 0.4}, zone=ZONE
    )["FIRM"]


HOUR = timedelta(hours=1)
START = MIDNIGHT - timedelta(days=1)
LOAN = version(FACILITY, GRANTED)
SALE = version(INVOICE, GRANTED)


@pytest.mark.parametrize(
    ("told",                                                                         "owed", "sold",       "since",     "until"),
    [
        (ledgers([]),                                                                0,      {},           START,       MIDNIGHT),
        (ledgers([LOAN], [], [SALE]),                                                400,    {"CORE": 90}, START,       MIDNIGHT),
        (ledgers([{**LOAN, "lender_id": "Bank B"}], [], [SALE]),                     0,      {"CORE": 90}, START,       MIDNIGHT),
        (ledgers([LOAN], [version(PAID, NOON - HOUR)]),                              300,    {},           NOON - HOUR, MIDNIGHT),
        (ledgers([LOAN], [version(PAID, NOON)]),                                     300,    {},           NOON,        MIDNIGHT),
        (ledgers([LOAN], [version(PAID, NOON + HOUR)]),                              400,    {},           START,       NOON + HOUR),
        (ledgers([version(FACILITY, GRANTED, NOON + HOUR),
                  version(FACILITY, NOON + HOUR, amount_minor=800)]),                400,    {},           START,       NOON + HOUR),
        (ledgers([version(FACILITY, GRANTED, NOON - HOUR),
                  version(FACILITY, NOON - HOUR, amount_minor=800)]),                800,    {},           NOON - HOUR, MIDNIGHT),
        (ledgers([LOAN], [], [{**SALE, "event_time": NOON - YEAR}]),                 400,    {"CORE": 90}, START,
         NOON + timedelta(microseconds=1)),
        (ledgers([LOAN], [], [{**SALE, "event_time": NOON - YEAR - HOUR}]),          400,    {},
         NOON - HOUR + timedelta(microseconds=1),                                                                       MIDNIGHT),
    ],
)  # fmt: skip
def test_what_holds_and_for_how_long(
    told: LedgerVersions, owed: int, sold: dict[str, int], since: datetime, until: datetime
) -> None:
    found = ask(told)
    assert (found.debtor.owed_minor, found.debtor.sold) == (owed, sold)
    assert (found.since, found.until) == (since, until)


MINUTES = st.integers(-1_500, 1_500).map(lambda minutes: NOON + timedelta(minutes=minutes))


@st.composite
def made(draw: st.DrawFn) -> LedgerVersions:
    """A facility that grows, instalments that are paid bit by bit, invoices about a year old; recorded around noon."""
    facilities, repayments, invoices = list[dict[str, Any]](), list[dict[str, Any]](), list[dict[str, Any]]()
    grown = sorted(draw(st.sets(MINUTES, min_size=1, max_size=3)))
    for number, (at, then) in enumerate(zip_longest(grown, grown[1:])):
        facilities.append(version(FACILITY, at, then, amount_minor=400 * (number + 1)))
    paid = sorted(draw(st.sets(MINUTES, max_size=3)))
    for number, (at, then) in enumerate(zip_longest(paid, paid[1:])):
        repayments.append(version(PAID, at, then, amount_paid_minor=50 * number, paid_date=at.date()))
    for happened, at in draw(st.lists(st.tuples(MINUTES, MINUTES), max_size=4)):
        invoices.append(version(INVOICE, at, event_time=happened - YEAR, amount_minor=10 + len(invoices)))
    return ledgers(facilities, repayments, invoices)


@settings(max_examples=40, deadline=None)
@given(told=made(), as_of=MINUTES, percent=st.integers(0, 99))
def test_an_answer_is_the_same_as_long_as_it_is_said_to_hold(
    told: LedgerVersions, as_of: datetime, percent: int
) -> None:
    found = ask(told, as_of)
    assert found.since <= as_of < found.until
    assert ask(told, found.since + (found.until - found.since) * percent // 100).debtor == found.debtor
    assert ask(told, found.until - timedelta(microseconds=1)).debtor == found.debtor
