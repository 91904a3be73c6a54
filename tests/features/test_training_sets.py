"""Training sets: who is in, with what was known then, and what became of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from observed_book import OTHER, THIRD, Book, new_book
from sample_tables import INSTANT, OBLIGOR

from data_contracts.contract import RecordKind
from features.as_of import credit_training_set, feature_matrix, insurance_training_set
from features.catalogue import CATALOGUE
from features.cover import cover_columns
from features.history import Level
from features.machine_day.days import MICROS_PER_DAY, to_micros
from features.settings import shipped_parameters

PARAMETERS = shipped_parameters()
HOUR = 3_600.0
REPORTED = datetime(2026, 7, 30, 16, tzinfo=UTC)
"""A month after the last window: everything in it is recorded."""
YEARS = {year: datetime(year, 6, 30, 16, tzinfo=UTC) for year in (2024, 2025, 2026)}
MACHINES = {owner: f"{owner}/M1" for owner in (OBLIGOR, OTHER, THIRD)}


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Book]:
    """Three firms that work through 2024 and 2025; one defaults in September 2024, one in June 2026 after a year's end."""
    with new_book(tmp_path_factory.mktemp("training")) as book:
        for owner, hours in zip(MACHINES, (8, 4, 2), strict=True):
            book.reports(MACHINES[owner], date(2024, 1, 1), 730, executing_seconds=hours * HOUR, off_seconds=10 * HOUR)
        rule = {"rule_version": "1", "trigger": "days_past_due_90"}
        book.say(
            RecordKind.DEFAULT_EVENT,
            [
                {**rule, "obligor_id": OTHER, "event_time": datetime(2024, 9, 1, tzinfo=UTC)},
                {**rule, "obligor_id": OTHER, "event_time": datetime(2025, 9, 1, tzinfo=UTC)},
                {**rule, "obligor_id": THIRD, "event_time": YEARS[2026]},
            ],
        )
        cover = {"product": "equipment_ubi", "deductible_minor": 0, "currency": "CNY"}
        book.say(
            RecordKind.INSURANCE_POLICY,
            [
                {**cover, "obligor_id": OBLIGOR, "machine_uid": MACHINES[OBLIGOR], "policy_id": "P1", "sum_insured_minor": 500,
                 "event_time": YEARS[2024] - timedelta(days=10), "expires_time": YEARS[2024] + timedelta(days=73)},
                {**cover, "obligor_id": OTHER, "machine_uid": MACHINES[OTHER], "policy_id": "P2", "sum_insured_minor": 900,
                 "event_time": YEARS[2025], "expires_time": YEARS[2025] + timedelta(days=730)},
            ],
        )  # fmt: skip
        claim = {"obligor_id": OBLIGOR, "policy_id": "P1", "machine_uid": MACHINES[OBLIGOR], "currency": "CNY"}
        book.say(
            RecordKind.INSURANCE_CLAIM,
            [
                {**claim, "claim_id": "C0", "event_time": YEARS[2024] - timedelta(days=1), "amount_minor": 7},
                {**claim, "claim_id": "C1", "event_time": YEARS[2024] + timedelta(days=1), "amount_minor": 30},
                {**claim, "claim_id": "C2", "event_time": YEARS[2024] + timedelta(days=50), "amount_minor": 12},
            ],
        )
        yield book


def credit(book: Book, *years: int, known_until: datetime) -> dict[tuple[str, int], bool]:
    found = credit_training_set(
        book.reader, as_ofs=[YEARS[year] for year in years], parameters=PARAMETERS, known_until=known_until
    )
    assert tuple(found.names) == tuple(CATALOGUE)
    assert found.values.shape == (len(found.obligor_ids), len(CATALOGUE))
    assert (found.observed_until - found.as_of).max(initial=np.timedelta64(0)) <= np.timedelta64(366, "D")
    stamps = found.as_of.astype("datetime64[Y]").astype(int) + 1970
    return dict(zip(zip(found.obligor_ids, stamps.tolist(), strict=True), found.defaulted.tolist(), strict=True))


def test_the_first_default_in_the_twelve_months_after(book: Book) -> None:
    assert credit(book, 2024, 2025, known_until=REPORTED) == {
        (OBLIGOR, 2024): False,
        (OTHER, 2024): True,
        (THIRD, 2024): False,
        (OBLIGOR, 2025): False,
        (THIRD, 2025): True,  # the last instant of the window belongs to it
    }


def test_windows_that_are_not_over_are_left_out(book: Book) -> None:
    found = credit(book, 2024, 2025, known_until=REPORTED - timedelta(seconds=1))
    assert {year for _, year in found} == {2024}
    assert credit(book, 2025, known_until=YEARS[2025]) == {}


def test_a_row_sees_only_what_was_known_at_its_instant(book: Book) -> None:
    found = credit_training_set(book.reader, as_ofs=[YEARS[2024]], parameters=PARAMETERS, known_until=YEARS[2026])
    matrix = feature_matrix(book.reader, as_of=YEARS[2024], level=Level.OBLIGOR, parameters=PARAMETERS)
    assert found.values.tobytes() == matrix.values.tobytes()
    rates = found.values[:, found.names.index("executing_hours_per_day_90d")]
    assert dict(zip(found.obligor_ids, rates, strict=True)) == pytest.approx({OBLIGOR: 8, OTHER: 4, THIRD: 2})
    assert found.as_of.dtype == np.dtype("datetime64[us]")
    assert found.observed_until[0] == np.datetime64("2025-06-30T16:00:00")


def test_a_row_is_of_the_industry_that_was_known_at_its_instant(tmp_path: Path) -> None:
    firm = {"name": "One", "subject_kind": "legal_person", "site_zone": "Asia/Shanghai", "obligor_id": OBLIGOR}
    with new_book(tmp_path) as book:
        for owner in (OBLIGOR, OTHER):
            book.reports(MACHINES[owner], date(2024, 1, 1), 730, executing_seconds=HOUR, off_seconds=10 * HOUR)
        book.say(
            RecordKind.OBLIGOR_PROFILE,
            [
                {**firm, "industry_division": "C33", "event_time": datetime(2020, 1, 1, tzinfo=UTC)},
                {**firm, "industry_division": "C34", "event_time": datetime(2024, 1, 1, tzinfo=UTC),
                 "recorded_time": datetime(2025, 1, 1, tzinfo=UTC)},
            ],
        )  # fmt: skip
        asked = [YEARS[2024], YEARS[2025]]
        found = credit_training_set(book.reader, as_ofs=asked, parameters=PARAMETERS, known_until=REPORTED)
    years = (found.as_of.astype("datetime64[Y]").astype(int) + 1970).tolist()
    told = dict(zip(zip(found.obligor_ids, years, strict=True), found.industry_divisions or (), strict=True))
    assert told == {(OBLIGOR, 2024): "C33", (OTHER, 2024): None, (OBLIGOR, 2025): "C34", (OTHER, 2025): None}
    turned = found.at(np.array([3, 0]))
    assert turned.industry_divisions == (None, "C33")


def test_obligors_of_whom_nothing_is_known_are_left_out(book: Book) -> None:
    early = credit_training_set(
        book.reader, as_ofs=[datetime(2024, 1, 2, tzinfo=UTC)], parameters=PARAMETERS, known_until=YEARS[2026]
    )
    assert early.obligor_ids == ()
    assert early.values.shape == (0, len(CATALOGUE))


def test_machines_under_cover_and_their_claims(book: Book) -> None:
    known = YEARS[2025] + timedelta(days=146)
    found = insurance_training_set(
        book.reader, as_ofs=[YEARS[2025], YEARS[2024], known], parameters=PARAMETERS, known_until=known
    )
    assert list(found.machine_uids) == [MACHINES[OBLIGOR], MACHINES[OTHER]]
    assert list(found.obligor_ids) == [OBLIGOR, OTHER]
    assert found.exposure_years == pytest.approx([0.2, 0.4])
    assert found.claim_counts.tolist() == [2, 0]
    assert found.claim_amounts_minor.tolist() == [42, 0]
    assert found.sums_insured_minor.tolist() == [500, 900]
    assert found.currencies == ("CNY", "CNY")
    assert found.observed_until.tolist() == [YEARS[2025].replace(tzinfo=None), known.replace(tzinfo=None)]
    assert found.values[0, found.names.index("operating_rate_90d")] == pytest.approx(8 / 18)


def table(columns: dict[str, list[Any]]) -> pa.Table:
    stamps = {name: pa.array(values, INSTANT) for name, values in columns.items() if name.endswith("_time")}
    return pa.table(columns | stamps)


def test_policies_that_overlap_expose_a_machine_once() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    days = [(0, 100, 10), (50, 120, 20), (60, 70, 30), (200, 230, 40), (-50, 20, 50)]
    policies = table(
        {
            "machine_uid": ["M"] * len(days),
            "event_time": [start + timedelta(days=first) for first, _, _ in days],
            "expires_time": [start + timedelta(days=last) for _, last, _ in days],
            "sum_insured_minor": [amount for *_, amount in days],
            "currency": ["CNY"] * len(days),
        }
    )
    no_claims = table(
        {"machine_uid": pa.array([], pa.string()), "event_time": [], "amount_minor": pa.array([], pa.int64())}
    )
    after = to_micros(start)
    found = cover_columns(policies, no_claims, units=["M", "N"], after=after, until=after + 365 * MICROS_PER_DAY)
    assert found["exposure_years"] == pytest.approx([(120 + 30) / 365, 0])
    assert found["sums_insured_minor"].tolist() == [10, 0]
    assert found["currencies"].tolist() == ["CNY", None]
