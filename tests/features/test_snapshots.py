"""Snapshots from the observation store: complete, as known then, and the same alone and among many."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from observed_book import OTHER, THIRD, Book, new_book
from sample_tables import MACHINE, OBLIGOR

from data_contracts.contract import RecordKind
from data_contracts.identifiers import MachineUid, ObligorId
from data_contracts.vocabulary import DataOrigin
from features import compute
from features.as_of import feature_matrix, load_machine_days
from features.catalogue import CATALOGUE, catalogue_version
from features.history import Level
from features.settings import shipped_parameters
from features.snapshot import FeatureSnapshot, Missing, parse_snapshot
from features.snapshot_book import snapshot_book
from features.trade import QUANTITIES
from features.trust import TrustFinding

AS_OF = datetime(2026, 6, 30, 16, tzinfo=UTC)
START = datetime(2024, 1, 1, tzinfo=UTC)
PARAMETERS = shipped_parameters()
SECOND = f"{OBLIGOR}/M2"
THEIRS = f"{OTHER}/M1"
HOUR = 3_600.0
WORK = {
    "executing_seconds": 8 * HOUR,
    "idle_seconds": 2 * HOUR,
    "off_seconds": 14 * HOUR,
    "energy_kwh": 40.0,
    "energy_executing_kwh": 36.0,
    "energy_idle_kwh": 2.0,
    "peak_kw": 6.0,
    "parts": 72.0,
    "fault_starts": 0,
}


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Book]:
    with new_book(tmp_path_factory.mktemp("book")) as book:
        fill(book)
        yield book


def fill(book: Book) -> None:
    """One obligor with two machines and orders, one with one machine and little else, one that only has a name."""
    book.owns(MACHINE, start=START, asset_value_minor=70_000_000, currency="CNY")
    book.owns(SECOND, start=START, asset_value_minor=30_000_000, currency="CNY")
    book.reports(MACHINE, date(2024, 12, 1), 577, **WORK)
    book.reports(SECOND, date(2025, 7, 1), 365, **{**WORK, "executing_seconds": 0.0, "idle_seconds": 10 * HOUR})
    book.reports(THEIRS, date(2026, 5, 1), 40, executing_seconds=4 * HOUR)
    named = {
        "event_time": START,
        "industry_division": "C34",
        "subject_kind": "legal_person",
        "site_zone": "Asia/Shanghai",
    }
    book.say(
        RecordKind.OBLIGOR_PROFILE,
        [{"obligor_id": owner, "name": owner, **named} for owner in (OBLIGOR, THIRD)],
        data_origin=DataOrigin.SYNTHETIC,
    )
    placed = {"obligor_id": OBLIGOR, "buyer_id": "B1", "currency": "CNY"}
    book.say(
        RecordKind.PURCHASE_ORDER,
        [
            {**placed, "order_id": "1", "event_time": AS_OF - timedelta(days=400), "parts": 10, "amount_minor": 1, "due_date": date(2026, 1, 1)},
            {**placed, "order_id": "2", "event_time": AS_OF - timedelta(days=300), "parts": 100, "amount_minor": 40_000, "due_date": date(2026, 1, 1)},
            {**placed, "order_id": "3", "event_time": AS_OF - timedelta(days=3), "parts": 100, "amount_minor": 60_000, "due_date": date(2026, 8, 1)},
        ],
    )  # fmt: skip
    shipped = {"obligor_id": OBLIGOR, "currency": "CNY", "order_id": "2", "event_time": AS_OF - timedelta(days=200)}
    book.say(RecordKind.DELIVERY, [{**shipped, "delivery_id": "1", "parts": 75, "amount_minor": 30_000}])


def take(book: Book, *obligors: str, as_of: datetime = AS_OF, **options: Any) -> list[FeatureSnapshot]:
    wanted = [ObligorId(obligor) for obligor in obligors]
    return compute.snapshots(book.reader, obligor_ids=wanted, as_of=as_of, parameters=PARAMETERS, **options)


def disagreements(snapshot: FeatureSnapshot) -> list[TrustFinding]:
    """The findings without what gaps are."""
    return [item for item in snapshot.data_trust.findings if not item.code.startswith("gap_")]


def test_a_snapshot_says_everything(book: Book) -> None:
    (snapshot,) = take(book, OBLIGOR)
    assert list(snapshot.values) == list(CATALOGUE)
    assert list(snapshot.quantities) == list(QUANTITIES)
    assert set(snapshot.machines) == {MACHINE, SECOND}
    assert snapshot.values["operating_rate_90d"].value == pytest.approx(8 / 48)
    assert snapshot.machines[MachineUid(MACHINE)]["operating_rate_90d"].value == pytest.approx(8 / 24)
    assert snapshot.machines[MachineUid(SECOND)]["operating_rate_90d"].value == 0
    assert snapshot.values["power_on_rate_7d"].unit == "1"
    assert snapshot.values["mtbf_30d"].missing is Missing.NO_FAILURE
    assert (snapshot.first_day, snapshot.history_days) == (date(2024, 12, 1), 577)
    assert (snapshot.industry_division, snapshot.subject_kind) == ("C34", "legal_person")
    assert snapshot.coverage_basis == "sampled"
    # M2 counts parts and never executes, and most of what is counted is never shipped.
    assert {item.code for item in snapshot.data_trust.findings} == {"impossible_days", "counted_above_shipped"}
    assert snapshot.catalogue_version == catalogue_version()
    assert snapshot.parameters_version == PARAMETERS.version
    assert len(snapshot.batches) == len(set(snapshot.batches)) == 7
    assert parse_snapshot(snapshot.canonical()).snapshot_id == snapshot.snapshot_id


def test_quantities_of_a_snapshot(book: Book) -> None:
    (snapshot,) = take(book, OBLIGOR, with_machines=False)
    found = {name: (value.value, value.unit) for name, value in snapshot.quantities.items()}
    assert found["order_price_per_part_minor_365d"] == (500.0, "CNY_minor")
    assert found["open_orders_amount_minor_365d"] == (70_000.0, "CNY_minor")
    assert found["asset_value_minor"] == (100_000_000.0, "CNY_minor")
    assert found["output_parts_90d"] == (2 * 90 * 72, "parts")
    assert found["output_parts_by_energy_90d"][0] == pytest.approx(2 * 90 * 72)
    assert not snapshot.machines


def test_little_history_and_none(book: Book) -> None:
    little, none = take(book, OTHER, THIRD)
    assert (little.first_day, little.history_days) == (date(2026, 5, 1), 61)
    assert little.values["operating_rate_90d"].value == pytest.approx(1.0)
    assert little.values["coverage_90d"].value == pytest.approx(40 * 4 / (61 * 24))
    assert little.values["coverage_7d"].value == 0
    assert little.values["operating_rate_7d"].missing is Missing.NOT_OBSERVED
    assert little.values["operating_rate_30d"].adverse_value == pytest.approx(9 * 4 / (30 * 24))
    assert little.industry_division is None
    assert (none.first_day, none.history_days, dict(none.machines)) == (None, 0, {})
    reasons = {Missing.NOT_ENOUGH_HISTORY, Missing.NO_SOURCE, Missing.NO_PEERS}
    assert {value.missing for value in none.values.values()} == reasons
    assert all(value.value is None for value in none.quantities.values())
    assert none.industry_division == "C34"


def test_one_alone_is_the_same_as_among_many(book: Book) -> None:
    together = take(book, OTHER, OBLIGOR, THIRD)
    alone = [take(book, obligor)[0] for obligor in (OTHER, OBLIGOR, THIRD)]
    assert [item.canonical() for item in together] == [item.canonical() for item in alone]


def test_a_machine_that_was_sold_secures_nothing_more(tmp_path: Path) -> None:
    """Whether its buyer is looked at beside the seller or not."""
    borrowed = {
        "facility_id": "F1",
        "lender_id": "L",
        "facility_kind": "term_loan",
        "purpose": "equipment",
        "amount_minor": 12_000,
        "currency": "CNY",
        "rate_per_year": 0.06,
        "instalments": 12,
    }
    with new_book(tmp_path) as book:
        for machine in (MACHINE, SECOND):
            book.owns(machine, start=START)
            book.reports(machine, date(2026, 5, 1), 60, **WORK)
        book.say(
            RecordKind.FACILITY,
            [{**borrowed, "obligor_id": OBLIGOR, "event_time": START, "collateral_id": MACHINE}],
        )
        (before,) = take(book, OBLIGOR)
        book.owns(MACHINE, OTHER, start=AS_OF - timedelta(days=40))
        (alone,), (beside, _) = take(book, OBLIGOR), take(book, OBLIGOR, OTHER)
    assert before.quantities["secured_debt_minor"].value == 12_000
    assert alone.quantities["secured_debt_minor"].value == 0
    assert alone.canonical() == beside.canonical()


@pytest.mark.parametrize("size", [1, 2, 5])
def test_a_book_in_blocks_is_the_same(book: Book, size: int) -> None:
    asked = [ObligorId(owner) for owner in (OTHER, OBLIGOR, THIRD)]
    found = snapshot_book(book.reader, obligor_ids=asked, as_of=AS_OF, parameters=PARAMETERS, obligors_per_block=size)
    assert [item.canonical() for item in found] == [item.canonical() for item in take(book, *asked)]


def test_the_matrix_is_what_snapshots_say(book: Book) -> None:
    snapshots = {item.obligor_id: item for item in take(book, OBLIGOR, OTHER)}
    matrix = feature_matrix(book.reader, as_of=AS_OF, level=Level.OBLIGOR, parameters=PARAMETERS)
    assert list(matrix.units) == [OBLIGOR, OTHER]
    for row, unit in enumerate(matrix.units):
        assert snapshots[ObligorId(unit)].vector(matrix.names).tobytes() == matrix.values[row].tobytes()
    machines = feature_matrix(book.reader, as_of=AS_OF, level=Level.MACHINE, parameters=PARAMETERS)
    assert list(zip(machines.units, machines.obligor_ids, strict=True)) == [
        (MACHINE, OBLIGOR),
        (SECOND, OBLIGOR),
        (THEIRS, OTHER),
    ]
    own = snapshots[ObligorId(OBLIGOR)].vector(machines.names, machine=MachineUid(SECOND))
    assert own.tobytes() == machines.values[1].tobytes()


def test_what_is_recorded_later_changes_nothing(tmp_path: Path) -> None:
    earlier = AS_OF - timedelta(days=100)
    with new_book(tmp_path) as book:
        fill(book)
        (before,) = take(book, OBLIGOR, as_of=earlier)
        batches = before.batches
        corrected = {
            "machine_uid": MACHINE,
            "day": date(2026, 3, 1),
            "recorded_time": AS_OF,
            **WORK,
            "idle_seconds": 1.0,
        }
        elements = dict.fromkeys(("unknown_seconds", "fault_seconds", "maintenance_seconds", "setup_seconds"), 0.0)
        book.say(RecordKind.MACHINE_DAY_REPORT, [{**elements, **corrected, "energy_other_kwh": 2.0}])
        (after,) = take(book, OBLIGOR, as_of=earlier)
        assert after.canonical() == before.canonical()
        assert after.batches == batches
        (now,) = take(book, OBLIGOR)
        assert len(now.batches) == len(batches) + 1


def test_machine_days_from_a_first_day_on_are_those_of_the_whole_history(book: Book) -> None:
    whole, _ = load_machine_days(book.reader, as_of=AS_OF, obligor_ids=[ObligorId(OBLIGOR)])
    late, findings = load_machine_days(
        book.reader, as_of=AS_OF, obligor_ids=[ObligorId(OBLIGOR)], first_day=date(2026, 6, 1)
    )
    assert whole.table.num_rows == 577 + 365
    assert late.table.filter(late.table["machine_uid"].to_numpy() == MACHINE).num_rows in (30, 31, 32, 33)
    rows = whole.table.to_pylist()
    assert all(row in rows for row in late.table.to_pylist())
    assert findings == ()


def test_findings_go_to_whom_they_concern(tmp_path: Path) -> None:
    with new_book(tmp_path) as book:
        sold = AS_OF - timedelta(days=10)
        book.owns(MACHINE, start=START, owned_until=sold)
        book.owns(MACHINE, OTHER, start=sold)
        book.reports(MACHINE, date(2026, 6, 1), 30, idle_seconds=10 * HOUR)
        said = {"machine_uid": MACHINE, "item_state": "Executing", "operation_mode": "Processing"}
        days = [AS_OF - timedelta(days=20), AS_OF - timedelta(days=5)]
        book.say(RecordKind.SAMPLE, [{**said, "event_time": day + timedelta(hours=1)} for day in days])
        price = {"buyer_id": "B", "parts": 1, "amount_minor": 5, "due_date": date(2026, 8, 1), "obligor_id": OTHER}
        ordered = [
            {**price, "order_id": currency, "currency": currency, "event_time": days[0]} for currency in ("CNY", "EUR")
        ]
        book.say(RecordKind.PURCHASE_ORDER, ordered)
        seller, buyer = take(book, OBLIGOR, OTHER)
        assert [(item.code, item.since) for item in disagreements(seller)] == [("report_differs", date(2026, 6, 11))]
        assert [item.code for item in disagreements(buyer)] == ["report_differs", "several_currencies"]
        assert buyer.data_trust.findings[0].since == date(2026, 6, 26)
        assert seller.machines == {}
        assert set(buyer.machines) == {MACHINE}
        assert parse_snapshot(buyer.canonical()).data_trust == buyer.data_trust


def test_a_gap_under_a_notice_of_the_grid_is_excused_and_one_without_is_not(tmp_path: Path) -> None:
    with new_book(tmp_path) as book:
        book.owns(MACHINE, start=START)
        book.reports(MACHINE, date(2025, 1, 1), 510, **WORK)  # to 25 May 2026
        book.reports(MACHINE, date(2026, 5, 27), 35, **WORK)  # from 27 May on
        (before,) = take(book, OBLIGOR, with_machines=False)
        day = datetime(2026, 5, 25, 16, tzinfo=UTC)  # 26 May in Shanghai
        notice = {"obligor_id": OBLIGOR, "notice_id": "1", "measure": "whole_days", "lost_ratio": 1.0}
        book.say(RecordKind.POWER_NOTICE, [{**notice, "event_time": day, "until_time": day + timedelta(days=1)}])
        (after,) = take(book, OBLIGOR, with_machines=False)
    keys = ("operating_rate_90d", "failure_rate_90d")
    rate, faults = (before.values[key] for key in keys)
    assert (rate.adverse_value, faults.adverse_value) == (pytest.approx(89 * 8 / (90 * 24)), None)
    assert [before.values[key].unexcused_value for key in keys] == [rate.adverse_value, None]
    rate, faults = (after.values[key] for key in keys)
    assert (rate.adverse_value, faults.adverse_value) == (pytest.approx(8 / 24), pytest.approx(faults.value))
    assert [after.values[key].unexcused_value for key in keys] == [pytest.approx(89 * 8 / (90 * 24)), None]
