"""What invoices bill against what was made: parts since the lender counted the stock, by invoice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

from scoring.supply_chain.receivables.receivable import Produced


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """A lender's count of finished goods, and machine-days since: `days` with day, parts and scrap_parts, NaN where
    nothing was told."""

    units: int
    counted_on: date
    days: pd.DataFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class BilledParts:
    """What may have been invoiced since the count, and the parts that each invoice bills of it: those of its delivery
    by its share in what the delivery was billed for, none where that left before the count."""

    produced: Produced | None
    by_invoice: dict[str, int]


def billed_parts(invoices: pd.DataFrame, deliveries: pd.DataFrame, owed: set[str], counted: Counted) -> BilledParts:
    """`invoices` as issued, with `net_minor` (less what was credited); `owed` are those on which something is owed.

    What settled invoices bill is taken off what was made first: somebody paid for it.
    """
    shipped = deliveries.groupby("delivery_id").agg(parts=("parts", "sum"), left=("event_time", "max"))
    named = invoices[invoices["delivery_id"].isin(shipped.index)]
    total = named.groupby("delivery_id")["net_minor"].sum()
    share = named["net_minor"] / named["delivery_id"].map(total).where(lambda amount: amount > 0)
    since = (named["delivery_id"].map(shipped["left"]).dt.date > counted.counted_on).astype(int)
    parts = (share.fillna(0) * named["delivery_id"].map(shipped["parts"]) * since).astype("float64").round().astype(int)
    by_invoice = dict(zip(named["invoice_id"], parts.tolist(), strict=True))
    made = counted.days[counted.days["day"] > pd.Timestamp(counted.counted_on)]
    if made["parts"].notna().sum() == 0:
        return BilledParts(produced=None, by_invoice=by_invoice)
    good = round(float(made["parts"].sum() - made["scrap_parts"].sum()))
    settled = sum(number for name, number in by_invoice.items() if name not in owed)
    return BilledParts(
        produced=Produced(
            since=counted.counted_on + timedelta(days=1), parts=good - settled, opening_parts=counted.units
        ),
        by_invoice=by_invoice,
    )
