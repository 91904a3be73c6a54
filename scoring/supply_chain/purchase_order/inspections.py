"""What of an order its buyer inspected: by the buyer's own electronic records, or by the lender's word of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from scoring.supply_chain.purchase_order.order import Seen, Status

LENDERS_WORD = "the lender's word of the buyer's inspection"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """Units that passed (None where nobody tells), on what that rests, and the rejection where the buyer looked at
    parts and none passed."""

    units: int | None
    evidence: Sequence[str] = ()
    rejection: Seen | None = None


def inspected_of(records: pd.DataFrame | None, order: Any, told_by_lender: int | None) -> Inspected:
    """Of an order (`order_id`, `buyer_id`): what its buyer's own records pass; the lender's word where there are none,
    and no more than it where there are both."""
    own = None if records is None else records[_of(records, order)]
    if own is None or own.empty:
        return Inspected(units=told_by_lender, evidence=(LENDERS_WORD,) if told_by_lender else ())
    names = tuple(str(name) for name in own["inspection_id"])
    passed = int(own[["parts_passed", "parts_inspected"]].min(axis=1).sum())
    if not passed and own["parts_inspected"].sum():
        return Inspected(units=0, rejection=Seen(status=Status.CONTRADICTED, evidence=names))
    if told_by_lender is None:
        return Inspected(units=passed, evidence=names)
    return Inspected(units=min(passed, told_by_lender), evidence=(*names, LENDERS_WORD))


def _of(records: pd.DataFrame, order: Any) -> pd.Series[bool]:
    return (records["order_id"] == order.order_id) & (records["obligor_id"] == order.buyer_id)
