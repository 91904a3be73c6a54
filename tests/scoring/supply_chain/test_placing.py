"""Runs placed on orders by order, by part number and by program: worked by hand, a row a case."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from scoring.supply_chain.purchase_order.order import Work
from scoring.supply_chain.purchase_order.placing import placed, shared, with_parts

D1, D2, D3 = (pd.Timestamp(f"2026-06-2{day}") for day in (5, 6, 7))
ORDERS = pd.DataFrame(
    [
        ("A2", "A", D1, date(2026, 8, 1), 100),
        ("A1", "A", D1, date(2026, 7, 1), 100),
        ("A0", "a", D2, date(2026, 6, 30), 50),  # placed a day later, due before both
        ("B1", "B-07", D1, date(2026, 7, 1), 100),
        ("N1", None, D1, date(2026, 7, 1), 100),  # tells no part
    ],
    columns=["order_id", "part_number", "placed", "due_date", "parts"],
)


def runs_of(*told: tuple[Any, ...]) -> pd.DataFrame:
    """Runs (day, program, part number, order, units), each unit of 2 kWh and a tenth of an hour."""
    frame = pd.DataFrame(told, columns=["day", "program", "part_number", "order_id", "units"])
    units = frame["units"].astype(float)
    return frame.assign(
        machine_uid="M1", day=frame["day"].astype("datetime64[us]"), units=units, kwh=2 * units, hours=units / 10
    )


# runs: day, program, part, order, units                            units by order                      not placed        of another part
CASES: list[tuple[list[tuple[Any, ...]], dict[str, float], dict[str, float], dict[tuple[str, str], float]]] = [
    ([(D1, "O1", "A", None, 60)],                                   {"A1": 60},                         {},               {}),
    ([(D1, "O1", "A", None, 160)],                                  {"A1": 100, "A2": 60},              {},               {}),  # due first first
    ([(D2, "O1", "A", None, 60)],                                   {"A0": 50, "A1": 10},               {},               {}),
    ([(D2, "O1", "A", None, 60), (D1, "O1", "A", None, 60)],        {"A0": 50, "A1": 70},               {},               {}),  # day by day
    ([(D1, "O1", "A", None, 260)],                                  {"A1": 100, "A2": 100},             {"A": 60},        {}),  # more than is open
    ([(D1, "O1", "A", None, 60), (D3, "O1", "A", "A1", 70)],        {"A1": 100, "A2": 30},              {},               {}),  # named runs first
    ([(D1, "O1", "C", None, 60), (D2, "O2", "c", None, 5)],         {},                                 {"C": 65},        {}),  # nobody asks
    ([(D1, "O1", "ｂ 7", None, 60)],                                {"B1": 60},                         {},               {}),  # as it is meant
    ([(D1, "O1", None, None, 60)],                                  {},                                 {},               {}),  # nobody knows
    ([(D1, "O1", "-", None, 60)],                                   {},                                 {},               {}),  # no number
    ([(D1, "O1", None, "A1", 60)],                                  {"A1": 60},                         {},               {}),
    ([(D1, "O1", "A", "N1", 60)],                                   {"N1": 60},                         {},               {}),
    ([(D1, "O1", "A", "A1", 160)],                                  {"A1": 160},                        {},               {}),  # named is not cut
    ([(D1, "O1", "A", "A0", 60)],                                   {},                                 {},               {}),  # before it was placed
    ([(D1, "O1", "A", "Z9", 60)],                                   {},                                 {},               {}),  # an order nobody knows
    ([(D1, "O1", "A", "B1", 60), (D2, "O1", "A", "B1", 5)],         {},                                 {},               {("B1", "A"): 65}),
    # by program
    ([(D1, "O1", "B7", "B1", 10), (D1, "O1", None, None, 60)],      {"B1": 70},                         {},               {}),
    ([(D3, "O1", "A", None, 10), (D1, "O1", None, None, 60)],       {"A0": 10, "A1": 60},               {},               {}),
    ([(D1, "O1", "A", None, 10), (D1, "O2", None, None, 60)],       {"A1": 10},                         {},               {}),  # another program
    ([(D1, "O1", "A", None, 1), (D1, "O1", "B7", None, 2), (D1, "O1", None, None, 60)], {"A1": 1, "B1": 2}, {},           {}),  # told of two parts
    ([(D1, "O1", "A", None, 10), (D1, "O1", None, "B1", 60)],       {"A1": 10},                         {},               {("B1", "A"): 60}),
]  # fmt: skip


@pytest.mark.parametrize(("runs", "by_order", "not_placed", "other"), CASES)
def test_a_run_goes_to_the_order_that_it_was_for(
    runs: list[tuple[Any, ...]],
    by_order: dict[str, float],
    not_placed: dict[str, float],
    other: dict[tuple[str, str], float],
) -> None:
    found = placed(with_parts(runs_of(*runs)), ORDERS)
    assert found.by_order == {name: of_units(units) for name, units in by_order.items()}
    assert found.not_placed == {part: of_units(units) for part, units in not_placed.items()}
    assert {(run.order_id, run.part_number): run.units for run in found.contradicting} == other


def of_units(units: float) -> Work:
    """Energy and hours are cut as their units are."""
    return Work(units=pytest.approx(units), kwh=pytest.approx(2 * units), hours=pytest.approx(units / 10))


NEVER = pd.NaT
QUEUE = pd.DataFrame(
    [
        ("L", None, D1, date(2026, 8, 1), 100),
        ("F", "F", D2, date(2026, 7, 1), 50),  # placed a day later, due first
        ("E", None, D1, date(2026, 8, 1), 100),  # with L in all, but by number
        ("U", None, NEVER, date(2026, 6, 1), 100),  # nobody knows when it was placed
    ],
    columns=["order_id", "part_number", "placed", "due_date", "parts"],
)
# day, units                                    of it by runs    units by order
SHARED: list[tuple[list[tuple[Any, float]], dict[str, float], dict[str, float]]] = [
    ([(D1, 60)],                                {},              {"E": 60}),
    ([(D1, 160)],                               {},              {"E": 100, "L": 60}),
    ([(D1 - pd.Timedelta(days=1), 60)],         {},              {}),                            # before any was placed
    ([(D1, 900)],                               {},              {"E": 100, "L": 100}),          # no order above its parts
    ([(D1, 900), (D2, 60)],                     {},              {"E": 100, "L": 100, "F": 50}), # none of the day before
    ([(D2, 60), (D1, 60)],                      {},              {"E": 70, "F": 50}),
    ([(D2, 60)],                                {"F": 40},       {"F": 10, "E": 50}),
    ([(D2, 60)],                                {"F": 70},       {"E": 60}),
]  # fmt: skip


@pytest.mark.parametrize(("days", "named", "by_order"), SHARED)
def test_days_without_runs_fill_orders_placed_by_then(
    days: list[tuple[Any, float]], named: dict[str, float], by_order: dict[str, float]
) -> None:
    told = runs_of(*((day, None, None, None, units) for day, units in days))[["day", "units", "kwh", "hours"]]
    found = shared(told, QUEUE, {name: Work(units=units, kwh=0, hours=0) for name, units in named.items()})
    assert found == {name: of_units(units) for name, units in by_order.items()}


def test_runs_of_another_part_are_named_by_machine_and_program() -> None:
    (found,) = placed(
        with_parts(runs_of((D2, "O1", "A", "B1", 60), (D1, "O1", "A", "B1", np.nan), (D1, "O1", "B-7", "B1", 1))),
        ORDERS,
    ).contradicting
    assert (found.machine_uid, found.program, found.first_day) == ("M1", "O1", "2026-06-25")
    assert (found.runs, found.units) == (2, 60)


def test_work_that_no_counter_told_goes_whole_to_the_order_due_first_and_fills_nothing() -> None:
    blind = runs_of((D1, "O1", "A", None, np.nan), (D2, "O1", "A", "A1", 100)).assign(kwh=7.0, hours=[0.5, 1.0])
    found = placed(with_parts(blind), ORDERS)
    assert found.by_order == {
        "A1": Work(units=100, kwh=7, hours=1.0),
        "A2": Work(units=None, kwh=7, hours=0.5),
    }


def test_nothing_is_made_or_lost_in_placing() -> None:
    rng = np.random.default_rng(7)
    told = [
        (D1 + pd.Timedelta(days=int(day)), f"O{part}", "ABC"[part], None, float(units))
        for day, part, units in zip(
            rng.integers(0, 9, 60), rng.integers(0, 3, 60), rng.integers(0, 30, 60), strict=True
        )
    ]
    runs = with_parts(runs_of(*told))
    found = placed(runs, ORDERS)
    every = [*found.by_order.values(), *found.not_placed.values()]
    for measure in ("units", "kwh", "hours"):
        assert sum(getattr(work, measure) for work in every) == pytest.approx(runs[measure].sum())
    room = ORDERS.set_index("order_id")["parts"]
    assert all(work.units <= room[name] + 1e-9 for name, work in found.by_order.items() if work.units is not None)
    shuffled = placed(with_parts(runs_of(*rng.permutation(np.array(told, dtype=object)))), ORDERS)
    assert shuffled.by_order == {name: of_units(work.units or 0.0) for name, work in found.by_order.items()}
