"""What buyers and lenders say of invoices, and what invoices bill of what was made: worked by hand, a row a case."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from scoring.errors import InvalidRequest
from scoring.facts import FactSource
from scoring.supply_chain.receivables.produced import Counted, billed_parts
from scoring.supply_chain.receivables.receivable import Produced, Receivable
from scoring.supply_chain.receivables.said import (
    CONFIRMATION_COLUMNS,
    NOTHING_SAID,
    AffiliatesFact,
    InvoiceFact,
    LenderSays,
    as_said,
    require_known,
)

DAY = date(2026, 6, 30)
OWED = Receivable(
    invoice_id="I1", buyer_id="B", amount_minor=1200, outstanding_minor=1000, currency="CNY",
    issued_on=date(2026, 6, 1), due_on=date(2026, 7, 30),
)  # fmt: skip


def rows(*told: tuple[str, str, int]) -> pd.DataFrame:
    """Rows (day of June, status, amount) of the buyer B on I1."""
    return pd.DataFrame(
        [("B", "S", "I1", pd.Timestamp(f"2026-06-{day}", tz="UTC"), what, amount, "CNY") for day, what, amount in told],
        columns=list(CONFIRMATION_COLUMNS),
    )


def fact(source: str = "lender", **said: Any) -> InvoiceFact:
    return InvoiceFact(source=FactSource(source), dated=DAY, **said)


IRREVOCABLE, ACKNOWLEDGED, DISPUTED = (
    ("10", "irrevocable", 1000),
    ("10", "acknowledged", 1000),
    ("12", "disputed", 1000),
)
# the buyer's rows                              the lender's fact                        confirmation    disputed part
SAID: list[tuple[list[tuple[str, str, int]], InvoiceFact | None, str, bool | None, bool]] = [
    ([],                                        None,                                    "unknown",      None,  False),
    ([IRREVOCABLE],                             None,                                    "irrevocable",  False, False),
    ([("10", "irrevocable", 999)],              None,                                    "acknowledged", False, True),
    ([ACKNOWLEDGED],                            None,                                    "acknowledged", False, False),
    ([DISPUTED],                                None,                                    "unknown",      True,  False),
    ([IRREVOCABLE, DISPUTED],                   None,                                    "irrevocable",  True,  False),
    ([DISPUTED, ("14", "acknowledged", 1000)],  None,                                    "acknowledged", False, False),
    ([],                                        fact(is_disputed=True),                  "unknown",      True,  False),
    ([],                                        fact(is_disputed=False),                 "unknown",      False, False),
    ([],                                        fact(is_acknowledged=True),              "acknowledged", None,  False),
    ([IRREVOCABLE],                             fact(is_disputed=True),                  "irrevocable",  True,  False),
    ([DISPUTED],                                fact(is_disputed=False),                 "unknown",      True,  False),
    ([],                                        fact("obligor", is_acknowledged=True),   "unknown",      None,  False),
    ([],                                        fact("obligor", is_disputed=False),      "unknown",      None,  False),
    ([],                                        fact("obligor", is_disputed=True),       "unknown",      True,  False),
]  # fmt: skip


@pytest.mark.parametrize(("buyer", "lender", "confirmation", "is_disputed", "in_part"), SAID)
def test_who_says_what(
    buyer: list[tuple[str, str, int]],
    lender: InvoiceFact | None,
    confirmation: str,
    is_disputed: bool | None,
    in_part: bool,
) -> None:
    says = NOTHING_SAID if lender is None else LenderSays(invoices={"I1": lender})
    (found,) = as_said([OWED], rows(*buyer), says)
    assert (found.confirmation.value, found.is_disputed, found.is_confirmed_in_part) == (
        confirmation,
        is_disputed,
        in_part,
    )
    expected = [what for _, what, _ in buyer]
    assert [said.what for said in found.told_by][: len(expected)] == expected


def test_only_the_buyer_of_an_invoice_promises_to_pay_it_and_in_its_currency() -> None:
    for column, value in (("obligor_id", "C"), ("currency", "USD"), ("invoice_id", "I2")):
        assert as_said([OWED], rows(IRREVOCABLE).assign(**{column: value}), NOTHING_SAID) == [OWED]


def test_that_a_group_has_nobody_else_is_not_for_the_borrower_to_say() -> None:
    for source, is_known in ((FactSource.LENDER, True), (FactSource.OBLIGOR, False)):
        says = LenderSays(affiliates=AffiliatesFact(source=source, dated=DAY, firms=frozenset({"C"})))
        assert (says.affiliated, says.is_group_known) == ({"C"}, is_known)
    assert not NOTHING_SAID.is_group_known


def test_a_fact_of_an_invoice_that_nobody_tells_is_refused() -> None:
    with pytest.raises(InvalidRequest, match=r"'I9'.*1 of 2"):
        require_known(LenderSays(invoices={"I1": fact(), "I9": fact()}), pd.DataFrame({"invoice_id": ["I1"]}))


def test_parts_that_invoices_bill_of_what_was_made_since_the_count() -> None:
    """Counted on 1 June: 20 units. D0 left that day, so that I0 bills nothing made since. D1 of 90 parts is billed by I1
    and I2, two thirds and a third; I3 of 40 parts is settled. 100 made, 4 of them scrap: 96 - 40 + 20 are left."""
    deliveries = pd.DataFrame(
        {
            "delivery_id": ["D0", "D1", "D3"],
            "parts": [50, 90, 40],
            "event_time": [pd.Timestamp(f"2026-06-{day}", tz="UTC") for day in ("01", "05", "06")],
        }
    )
    invoices = pd.DataFrame(
        {
            "invoice_id": ["I0", "I1", "I2", "I3", "I4"],
            "delivery_id": ["D0", "D1", "D1", "D3", None],
            "net_minor": [500, 800, 400, 400, 100],
        }
    )
    days = pd.DataFrame(
        {
            "day": pd.to_datetime(["2026-06-01", "2026-06-02", "2026-06-03"]),
            "parts": [1000.0, 60.0, 40.0],
            "scrap_parts": [np.nan, 4.0, np.nan],
        }
    )
    counted = Counted(units=20, counted_on=date(2026, 6, 1), days=days)
    found = billed_parts(invoices, deliveries, {"I0", "I1", "I2", "I4"}, counted)
    assert found.by_invoice == {"I0": 0, "I1": 60, "I2": 30, "I3": 40}
    assert found.produced == Produced(since=date(2026, 6, 2), parts=56, opening_parts=20)
    silent = Counted(units=20, counted_on=date(2026, 6, 1), days=days.assign(parts=np.nan))
    assert billed_parts(invoices, deliveries, set(), silent).produced is None
