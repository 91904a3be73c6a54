"""What a snapshot says of gaps: their causes among the findings, sold machines and holidays among the causes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from observed_book import Book, new_book
from sample_tables import MACHINE, OBLIGOR

from data_contracts.contract import RecordKind
from data_contracts.identifiers import ObligorId
from data_contracts.vocabulary import ELEMENTS
from features import compute
from features.settings import shipped_parameters
from features.snapshot import FeatureSnapshot
from features.trust import TrustFinding

AS_OF = datetime(2026, 3, 31, 16, tzinfo=UTC)
START = datetime(2024, 1, 1, tzinfo=UTC)
NEW_YEAR = date(2026, 2, 17)
SECOND = f"{OBLIGOR}/M2"
HOUR = 3_600.0
WORK = dict.fromkeys(ELEMENTS, 0.0) | {"executing_seconds": 8 * HOUR, "off_seconds": 16 * HOUR}


def taken(book: Book) -> FeatureSnapshot:
    (snapshot,) = compute.snapshots(
        book.reader, obligor_ids=[ObligorId(OBLIGOR)], as_of=AS_OF, parameters=shipped_parameters()
    )
    return snapshot


def gaps(snapshot: FeatureSnapshot) -> dict[str, TrustFinding]:
    return {item.code: item for item in snapshot.data_trust.findings if item.code.startswith("gap_")}


def reported(book: Book, machine: str, last: date, *, silent: range = range(0)) -> None:
    """Days of work from a year before `AS_OF` to the last, less a run counted from Chinese New Year's Day."""
    first = date(2025, 3, 1)
    without = {NEW_YEAR + timedelta(days=day) for day in silent}
    runs: list[list[date]] = [[]]
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        if day in without:
            runs.append([])
        else:
            runs[-1].append(day)
    for run in filter(None, runs):
        book.reports(machine, run[0], len(run), **WORK)


def two_machines(book: Book, sold: datetime | None, *, second_until: date) -> None:
    for machine in (MACHINE, SECOND):
        book.owns(machine, start=START, asset_value_minor=1, currency="CNY")
    reported(book, MACHINE, date(2026, 3, 31))
    reported(book, SECOND, second_until)
    if sold is not None:
        row: dict[str, Any] = {"machine_uid": SECOND, "obligor_id": OBLIGOR, "event_time": sold}
        fetched = {"price_minor": 1, "currency": "CNY", "operating_seconds": 1.0, "condition": "fair"}
        book.say(RecordKind.MACHINE_SALE, [row | fetched])


def test_a_machine_that_was_sold_is_no_gap_of_the_sellers(tmp_path: Path) -> None:
    """The register still has it with the seller; the lender's word on the sale excuses what follows."""
    for name in ("kept", "sold"):
        (tmp_path / name).mkdir()
    with new_book(tmp_path / "kept") as book:
        two_machines(book, None, second_until=date(2026, 2, 28))
        kept = taken(book)
    with new_book(tmp_path / "sold") as book:
        two_machines(book, datetime(2026, 2, 28, 16, tzinfo=UTC), second_until=date(2026, 2, 28))
        sold = taken(book)
    assert gaps(kept)["gap_gateway"].evidence["machine_hours"] == pytest.approx(31 * 24)
    finding = gaps(sold)["gap_machine_sold"]
    assert "gap_gateway" not in gaps(sold)
    assert finding.since == date(2026, 3, 1)
    assert finding.evidence["external"] is True
    assert finding.evidence["sold_machine_hours"] == pytest.approx(31 * 24)
    rate = "operating_rate_30d"
    assert sold.values[rate].adverse_value == pytest.approx(8 / 24)
    assert kept.values[rate].adverse_value < 8 / 24
    hours = "executing_hours_per_day_90d"
    assert sold.values[rate].unexcused_value == kept.values[rate].unexcused_value
    assert sold.values[hours].favourable_value == kept.values[hours].favourable_value
    assert sold.values[hours].favourable_value > sold.values[hours].value, "wear is not excused"
    assert sold.data_trust.grade is kept.data_trust.grade, "what gaps are is told, and no disagreement"


def test_a_machine_heard_of_after_its_sale_was_not_sold(tmp_path: Path) -> None:
    with new_book(tmp_path) as book:
        two_machines(book, datetime(2026, 2, 10, 16, tzinfo=UTC), second_until=date(2026, 2, 28))
        found = gaps(taken(book))
    assert set(found) == {"gap_gateway"}


def test_a_festival_is_told_apart_from_a_weekday_of_rest(tmp_path: Path) -> None:
    with new_book(tmp_path) as book:
        book.owns(MACHINE, start=START, asset_value_minor=1, currency="CNY")
        reported(book, MACHINE, date(2026, 3, 31), silent=range(-2, 9))
        book.say(
            RecordKind.OBLIGOR_PROFILE,
            [
                {"obligor_id": OBLIGOR, "name": OBLIGOR, "event_time": START, "industry_division": "C34",
                 "subject_kind": "legal_person", "site_zone": "Asia/Shanghai"}
            ],
        )  # fmt: skip
        found = gaps(taken(book))
    closed = found["gap_shop_closed"]
    assert closed.since == NEW_YEAR - timedelta(days=1)
    assert closed.evidence["days_of_holiday"] == closed.evidence["days"] == 8
    assert "days_of_rest" not in closed.evidence
    assert closed.evidence["external"] is False
    assert found["gap_unclassified"].evidence["days"] == 3, "the day before the eve, and the two after the festival"
