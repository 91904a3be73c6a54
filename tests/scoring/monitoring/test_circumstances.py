"""Moved machines, data that contradict each other, buyers in trouble and notices, each by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from importlib.resources import files
from typing import Any

import pandas as pd
import pytest

from data_contracts.reference.dated import load_book
from features.trust import DataTrust, TrustFinding, TrustGrade
from features.trust import Severity as TrustSeverity
from scoring.monitoring.circumstances import Circumstances, circumstance_warnings, trust_warnings
from scoring.monitoring.vocabulary import EarlyWarning, Severity

TODAY = date(2026, 6, 30)
VALUES = {
    **load_book(files("scoring") / "supply_chain" / "parameters").at(TODAY),
    **load_book(files("scoring") / "monitoring" / "parameters").at(TODAY),
}
COLUMNS = {
    "locations": ("machine_uid", "day", "latitude_deg", "longitude_deg"),
    "invoices": (
        *("obligor_id", "invoice_id", "buyer_id", "status", "corrected_invoice_id", "amount_minor", "due_date"),
    ),
    "receipts": ("obligor_id", "invoice_id", "amount_minor"),
    "ratings": ("counterparty_id", "event_time", "recorded_time", "pd_12m"),
    "power_notices": ("obligor_id", "from_day", "until_day", "measure", "lost_ratio"),
}


def told(**rows: list[tuple[Any, ...]]) -> list[EarlyWarning]:
    frames = {name: pd.DataFrame(rows.get(name, []), columns=list(columns)) for name, columns in COLUMNS.items()}
    return circumstance_warnings(Circumstances(**frames), today=TODAY, values=VALUES)


def fixes(last: list[float], *, machine: str = "A/1") -> list[tuple[Any, ...]]:
    """Twenty days at one place, then at these latitudes, the last today."""
    days = pd.date_range(end=pd.Timestamp(TODAY), periods=20 + len(last), freq="D")
    return [(machine, day, place, 114.0) for day, place in zip(days, [22.6] * 20 + last, strict=True)]


@pytest.mark.parametrize(
    ("last", "is_moved"),
    [
        ([22.7, 22.7, 22.7], True),  # eleven kilometres away, three days in a row
        ([22.7, 22.7], False),  # not yet long enough
        ([22.7, 22.7, 22.6], False),  # back where it was
        ([22.604, 22.604, 22.604], False),  # 445 metres: what a gateway in a building may err by
    ],
)
def test_a_machine_has_moved_after_three_days_elsewhere(last: list[float], *, is_moved: bool) -> None:
    found = told(locations=fixes(last))
    assert [item.code.value for item in found] == (["moved"] if is_moved else [])
    if is_moved:
        assert (found[0].unit, found[0].evidence["since"], found[0].evidence["days"]) == ("A/1", "2026-06-28", 3)


def sale(firm: str, number: str, buyer: str, amount: int, due: str) -> tuple[Any, ...]:
    return (firm, number, buyer, "issued", None, amount, pd.Timestamp(due))


SALES = [
    sale("A", "1", "B1", 60, "2026-03-01"),
    sale("A", "2", "B2", 40, "2026-07-20"),
    sale("C", "1", "B1", 30, "2026-03-01"),
    sale("C", "2", "B3", 70, "2026-07-20"),
]


@pytest.mark.parametrize(
    ("receipts", "ratings", "expected"),
    [
        ([], [], {"A": Severity.SERIOUS, "C": Severity.WATCH}),  # B1 has paid nobody: A lives by it, C less so
        ([("A", "1", 60)], [], {"C": Severity.WATCH}),  # it paid A
        ([("A", "1", 31), ("C", "1", 30)], [], {"A": Severity.SERIOUS}),  # all that is still open with A is overdue
        ([("A", "1", 60), ("C", "1", 30)], [], {}),
        ([("A", "1", 60), ("C", "1", 30)], [("B3", 0.2)], {"C": Severity.SERIOUS}),  # rated badly
        ([("A", "1", 60), ("C", "1", 30)], [("B3", 0.05)], {}),
    ],
)
def test_a_buyer_in_trouble(
    receipts: list[tuple[Any, ...]], ratings: list[tuple[str, float]], expected: dict[str, Severity]
) -> None:
    rated = [(buyer, pd.Timestamp("2026-01-01"), pd.Timestamp("2026-01-01"), pd_12m) for buyer, pd_12m in ratings]
    found = told(invoices=SALES, receipts=receipts, ratings=rated)
    assert {item.unit: item.severity for item in found} == expected
    assert {item.code.value for item in found} <= {"buyer_trouble"}


def test_a_red_letter_invoice_is_nothing_owed() -> None:
    red = [("A", "9", "B1", "red_letter", "1", 60, None), ("C", "9", "B1", "red_letter", "1", 30, None)]
    assert told(invoices=[*SALES, *red]) == []


@pytest.mark.parametrize(
    ("begins", "ends", "lost", "is_told"),
    [
        ("2026-06-20", "2026-07-05", 0.4, True),
        ("2026-07-10", "2026-07-20", 0.4, True),  # within a fortnight
        ("2026-08-01", "2026-08-10", 0.4, False),
        ("2026-06-01", "2026-06-20", 0.4, False),  # over
        ("2026-06-20", "2026-07-05", 0.1, False),  # hardly felt
    ],
)
def test_power_is_rationed(begins: str, ends: str, lost: float, *, is_told: bool) -> None:
    notice = ("A", pd.Timestamp(begins), pd.Timestamp(ends), "whole_days", lost)
    found = told(power_notices=[notice])
    assert [(item.code.value, item.severity) for item in found] == ([("external_event", Severity.WATCH)] * is_told)


def test_the_worst_finding_of_each_unit_speaks() -> None:
    def finding(severity: TrustSeverity, machine: str | None) -> TrustFinding:
        return TrustFinding(code="x", severity=severity, machine_uid=machine, since=None, evidence={})  # type: ignore[arg-type]

    trust = DataTrust(
        grade=TrustGrade.T3,
        findings=[
            finding(TrustSeverity.SEVERE, "A/1"),
            finding(TrustSeverity.MODERATE, "A/1"),
            finding(TrustSeverity.MODERATE, None),
            finding(TrustSeverity.NOTE, "A/2"),
        ],
    )
    quiet = replace(trust, findings=[finding(TrustSeverity.NOTE, None)])
    found = trust_warnings({"A": trust, "B": quiet}, today=TODAY)
    assert {item.unit: (item.severity, item.evidence["findings"]) for item in found} == {
        "A/1": (Severity.SERIOUS, 2),
        "A": (Severity.WATCH, 1),
    }
