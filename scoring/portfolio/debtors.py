"""What ledgers say of those who owe a lender as of an instant, and from when until when they say no more than that.

Whoever answers many questions a day reads a ledger with all its versions once, and keeps what follows from it for as
long as it holds: until the next row is recorded, an invoice is a year old, or the day ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scoring.portfolio.core_enterprises import Debtor, debtor
from scoring.portfolio.ledgers import loans_from, sold_to_buyers
from scoring.portfolio.loans import outstanding_minor

YEAR = timedelta(days=365)
TICK = timedelta(microseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOT_TOLD = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerVersions:
    """Every version of rows under the contracts' column names, whenever recorded, each with its `recorded_time` and
    `superseded_time`: facilities, the instalments of those who have one, and what they invoiced since a year before the
    day that is asked about."""

    facilities: pd.DataFrame
    repayments: pd.DataFrame
    invoices: pd.DataFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A debtor as of every instant from `since` on and before `until`."""

    debtor: Debtor
    since: datetime
    until: datetime


def debtors_as_of(
    told: LedgerVersions,
    obligors: Sequence[str],
    *,
    as_of: datetime,
    lenders: Sequence[str],
    currency: str,
    lgd: Mapping[str, float],
    zone: tzinfo,
) -> dict[str, Held]:
    """Each of these obligors, by what it owes under the names of `lenders` in a currency, and what it sold in that."""
    facilities = standing(told.facilities, as_of)
    facilities = facilities[facilities["lender_id"].isin(list(lenders)) & (facilities["currency"] == currency)]
    known = told.repayments[told.repayments["recorded_time"] <= as_of]
    day, owed = as_of.astimezone(zone).date(), dict.fromkeys(obligors, 0)
    for loan in loans_from(facilities, known, lgd=lgd, zone=zone):
        owed[loan.obligor_id] += outstanding_minor(loan, day)
    invoices = standing(told.invoices, as_of)
    counted = (invoices["event_time"] >= as_of - YEAR) & (invoices["currency"] == currency)
    sold = sold_to_buyers(invoices[counted])
    spans = _spans(told, as_of, zone)
    whole = day_of(as_of, zone)
    return {
        obligor: _held(debtor(amount, sold.get(obligor, {})), spans.get(obligor, whole))
        for obligor, amount in owed.items()
    }


def standing(versions: pd.DataFrame, as_of: datetime) -> pd.DataFrame:
    """The versions that stood at an instant."""
    superseded = versions["superseded_time"]
    return versions[(versions["recorded_time"] <= as_of) & (superseded.isna() | (superseded > as_of))]


def day_of(as_of: datetime, zone: tzinfo) -> tuple[datetime, datetime]:
    """The local day of an instant: its first one, and the first of the next day."""
    day = as_of.astimezone(zone).date()
    return (
        datetime.combine(day, time(), tzinfo=zone),
        datetime.combine(day + timedelta(days=1), time(), tzinfo=zone),
    )


def _held(one: Debtor, span: tuple[datetime, datetime]) -> Held:
    return Held(debtor=one, since=span[0], until=span[1])


def _spans(told: LedgerVersions, as_of: datetime, zone: tzinfo) -> dict[str, tuple[datetime, datetime]]:
    """By obligor the last instant up to `as_of` at which anything changed, and the first one after it, within the
    day."""
    columns = [
        (frame, frame[name])
        for frame in (told.facilities, told.repayments, told.invoices)
        for name in ("recorded_time", "superseded_time")
    ]
    columns.append((told.invoices, told.invoices["event_time"] + YEAR + TICK))
    turns = np.concatenate([_microseconds(turn) for _, turn in columns])
    obligor, names = pd.factorize(np.concatenate([frame["obligor_id"].to_numpy(object) for frame, _ in columns]))
    now, first, end = ((at - EPOCH) // TICK for at in (as_of, *day_of(as_of, zone)))
    since, until = np.full(len(names), first), np.full(len(names), end)
    is_past, is_coming = (turns != NOT_TOLD) & (turns <= now), turns > now
    np.maximum.at(since, obligor[is_past], turns[is_past])
    np.minimum.at(until, obligor[is_coming], turns[is_coming])
    spans = zip(names, since.tolist(), until.tolist(), strict=True)
    return {str(name): (EPOCH + begin * TICK, EPOCH + stop * TICK) for name, begin, stop in spans}


def _microseconds(turn: pd.Series[pd.Timestamp]) -> NDArray[np.int64]:
    """UTC microseconds since 1970; `NOT_TOLD` where there is none."""
    return np.asarray(turn.dt.as_unit("us").astype("int64"), np.int64)
