"""Books drawn at random: late rows, corrections, machines that change hands, and ledgers whose rows are rewritten."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from observed_book import OTHER, THIRD, Book
from sample_tables import OBLIGOR

from data_contracts.contract import RecordKind
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


books = st.lists(st.one_of(reports(), reports(), reports(), ownership(), instalment()), min_size=3, max_size=12)


def fill(book: Book, told: list[Told]) -> None:
    """Admit one batch after the other."""
    for batch in told:
        book.say(batch.kind, batch.rows)
