"""Books drawn at random: late rows, corrections, machines that change hands, and ledgers whose rows are rewritten."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from observed_book import OTHER, THIRD, Book
from sample_tables import OBLIGOR

from data_contracts.contract import RecordKind, load_contract
from data_contracts.vocabulary import ELEMENTS

FIRST = date(2026, 3, 1)
DAYS = 60
OWNERS = (OBLIGOR, OTHER, THIRD)
MACHINES = tuple(f"{owner}/M{number}" for owner in OWNERS for number in (1, 2))
LAG = timedelta(hours=8)
"""Local midnights of Asia/Shanghai lie eight hours before those of UTC."""

Row = dict[str, Any]


def midnight(day: int) -> datetime:
    """The local midnight so many days after the first."""
    return datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=UTC) + timedelta(days=day) - LAG


@dataclass(frozen=True)
class Told:
    """What is said in one batch."""

    kind: RecordKind
    rows: tuple[Row, ...]


@st.composite
def reports(draw: st.DrawFn, *, days: int = DAYS) -> Told:
    """Daily reports of one machine on some days in a row; known after the day, most of them at once, some weeks later.
    Said again for a day that was told before, they are corrections."""
    machine = draw(st.sampled_from(MACHINES))
    start = draw(st.integers(0, days - 1))
    count = draw(st.integers(1, min(25, days - start)))
    late = draw(st.sampled_from((0, 0, 1, 3, 20)))
    hours = draw(st.integers(0, 20))
    kwh = draw(st.one_of(st.none(), st.floats(0.0, 500.0, allow_nan=False).map(lambda value: round(value, 3))))
    faults = draw(st.one_of(st.none(), st.integers(0, 4)))
    rows = []
    for number in range(start, start + count):
        elements = dict.fromkeys(ELEMENTS, 0.0) | {
            "executing_seconds": hours * 3_600.0,
            "idle_seconds": float((number * 977) % 7_200),
            "fault_seconds": 60.0 * (faults or 0),
        }
        energies = dict.fromkeys(
            ("energy_kwh", "energy_executing_kwh", "energy_idle_kwh", "energy_other_kwh"), None
        ) | (
            {}
            if kwh is None
            else {"energy_kwh": kwh, "energy_executing_kwh": kwh, "energy_idle_kwh": 0.0, "energy_other_kwh": 0.0}
        )
        known = midnight(number + 1 + late)
        rows.append(
            {
                "machine_uid": machine,
                "day": FIRST + timedelta(days=number),
                "recorded_time": known,
                "fault_starts": faults,
                "parts": None if kwh is None else float(hours * 9),
                **elements,
                **energies,
            }
        )
    return Told(RecordKind.MACHINE_DAY_REPORT, tuple(rows))


@st.composite
def ownership(draw: st.DrawFn, *, days: int = DAYS) -> Told:
    """Somebody owns a machine from a day on, perhaps until another; known before, at, or after it began."""
    start = draw(st.integers(-5, days))
    lasts = draw(st.one_of(st.none(), st.integers(1, days)))
    row = {
        "machine_uid": draw(st.sampled_from(MACHINES)),
        "obligor_id": draw(st.sampled_from(OWNERS)),
        "event_time": midnight(start),
        "owned_until": None if lasts is None else midnight(start + lasts),
        "recorded_time": midnight(max(start + draw(st.sampled_from((-3, 0, 1, 15))), -5)),
        "asset_value_minor": draw(st.integers(1, 10**8)),
        "currency": "CNY",
    }
    return Told(RecordKind.MACHINE_OWNERSHIP, (row,))


@st.composite
def instalment(draw: st.DrawFn, *, days: int = DAYS) -> Told:
    """An instalment as it fell due, or as it was paid later: two versions of one row, which may differ in time."""
    due = draw(st.integers(0, days))
    paid = draw(st.integers(0, 40))
    row = {
        "obligor_id": draw(st.sampled_from(OWNERS)),
        "facility_id": "F1",
        "instalment": draw(st.integers(1, 3)),
        "event_time": midnight(due),
        "due_date": FIRST + timedelta(days=due),
        "amount_due_minor": 1_000,
        "amount_paid_minor": 1_000 if paid else 0,
        "currency": "CNY",
        "paid_date": FIRST + timedelta(days=due + paid) if paid else None,
        "recorded_time": midnight(due + paid),
    }
    return Told(RecordKind.REPAYMENT, (row,))


@st.composite
def trade(draw: st.DrawFn, *, days: int = DAYS) -> tuple[Told, ...]:
    """An order, its delivery, its invoice, what was received or taken off, and upkeep; each known some days later."""
    owner, number = draw(st.sampled_from(OWNERS)), draw(st.integers(1, 6))
    start = draw(st.integers(0, days))
    named = {"obligor_id": owner, "buyer_id": draw(st.sampled_from(("B1", "B2"))), "currency": "CNY"}
    currency = draw(st.sampled_from(("CNY", "CNY", "CNY", "EUR")))

    def row(after: int, **values: Any) -> Row:
        known = midnight(start + after + draw(st.sampled_from((0, 1, 9))))
        return {**named, "event_time": midnight(start + after), "recorded_time": known, **values}

    order, bill = f"O{number}", f"I{number}"
    amount = draw(st.integers(1, 10**6))
    due = FIRST + timedelta(days=start + 10)
    rows = {
        RecordKind.PURCHASE_ORDER: row(0, order_id=order, parts=100, amount_minor=amount, due_date=due),
        RecordKind.DELIVERY: row(7, order_id=order, delivery_id=f"D{number}", parts=60, amount_minor=amount),
        RecordKind.INVOICE: row(8, invoice_id=bill, delivery_id=f"D{number}", status="issued", amount_minor=amount, tax_minor=0, due_date=due, currency=currency),
        RecordKind.RECEIPT: row(draw(st.integers(9, 30)), receipt_id=f"R{number}", invoice_id=bill, amount_minor=amount // 2),
        RecordKind.MAINTENANCE: row(3, maintenance_id=f"W{number}", machine_uid=draw(st.sampled_from(MACHINES)), maintenance_kind=draw(st.sampled_from(("preventive", "corrective"))), component="spindle", work_seconds=600.0, cost_minor=5),
        RecordKind.FACILITY: row(0, facility_id="F1", lender_id="L", facility_kind="term_loan", purpose="equipment", collateral_id=draw(st.sampled_from(MACHINES)), amount_minor=amount, rate_per_year=0.06, instalments=12),
    }  # fmt: skip
    return tuple(Told(kind, (told,)) for kind, told in rows.items())


def _alone(told: Told) -> tuple[Told, ...]:
    return (told,)


books = st.lists(
    st.one_of(reports().map(_alone), reports().map(_alone), ownership().map(_alone), instalment().map(_alone), trade()),
    min_size=3,
    max_size=12,
).map(lambda batches: [told for batch in batches for told in batch])


def fill(book: Book, told: list[Told]) -> None:
    """Admit one batch after the other."""
    for batch in told:
        columns = {column.name for column in load_contract(batch.kind).source_columns} | {"recorded_time"}
        book.say(batch.kind, [{name: value for name, value in row.items() if name in columns} for row in batch.rows])
