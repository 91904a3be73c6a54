"""Schedules of an order out of ledgers, and the forecast that is held against them: by hand, a row a case."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date

import pandas as pd
import pytest
from test_from_ledgers import ACCEPTED, DAY, VALUES, frame, order_ledgers

from scoring.supply_chain.purchase_order.forecast import Prior, all_at_least, forecast
from scoring.supply_chain.purchase_order.from_ledgers import release_of, rests_of
from scoring.supply_chain.purchase_order.rests_on import OrderCaution, cautions
from scoring.supply_chain.purchase_order.tranches import Hold

FIRM = "S"
COLUMNS = "obligor_id supplier_id order_id call_off_id part_number due_date parts"

Row = tuple[str, str, int] | tuple[str, str, int, str]


def rows(*told: Row) -> pd.DataFrame:
    """Call-offs C1, C2 ... of P1 (teller, day of July 2026, parts and, where told, their part number)."""
    return frame(
        COLUMNS,
        *(
            (teller, FIRM, "P1", f"C{number}", part[0] if part else None, date.fromisoformat(f"2026-{day}"), parts)
            for number, (teller, day, parts, *part) in enumerate(told, start=1)
        ),
    )


# 100 parts every day, 500 of 1,000 made by the morning of June 30th; the order's own day is July 20th. B1 is its buyer.
# schedule told                                          delivered  remains        days left   missed  whole left  stop
CASES = [
    ([],                                                         0, [],            [],         None,   20,         False),
    ([("B1", "07-01", 500)],                                     0, [0],           [1],        None,   20,         False),
    ([("B1", "07-01", 600)],                                     0, [100],         [1],        None,   20,         False),
    ([("B1", "07-01", 700)],                                     0, [200],         [1],        "C1",   20,         True),
    ([("B1", "07-01", 700)],                                   700, [0],           [1],        None,   20,         False),  # from stock
    ([("B1", "06-20", 400)],                                     0, [0],           [0],        None,   20,         False),  # made by now
    ([("B1", "06-20", 501)],                                     0, [1],           [0],        "C1",   20,         True),  # overdue
    ([("B1", "07-03", 300), ("B1", "07-01", 500)],               0, [0, 300],      [1, 3],     None,   20,         False),
    ([("B1", "07-02", 300), ("B1", "07-01", 500)],               0, [0, 300],      [1, 2],     "C1",   20,         True),
    ([("B1", "07-05", 1000)],                                    0, [500],         [5],        None,   5,          False),
    ([("B1", "07-04", 1000)],                                    0, [500],         [4],        "C1",   4,          True),  # all of it early
    ([("B1", "07-25", 900)],                                     0, [400],         [25],       None,   25,         False),  # later than agreed
    ([("B1", "07-05", 900), ("B1", "07-06", 400)],               0, [400, 500],    [5, 6],     None,   6,          False),  # beyond the order
    ([("S", "07-25", 900)],                                      0, [400],         [20],       None,   20,         False),  # gives itself no time
    ([("S", "07-01", 900)],                                      0, [400],         [1],        "C1",   20,         True),
    ([("S", "07-01", 900), ("B1", "07-05", 900)],                0, [400],         [5],        None,   20,         False),  # the buyer's word
    ([("B2", "07-01", 900)],                                     0, [],            [],         None,   20,         False),  # of a stranger
    ([("B1", "07-01", 0)],                                       0, [],            [],         None,   20,         False),  # withdrawn
]  # fmt: skip


@pytest.mark.parametrize(("told", "delivered", "remains", "left", "missed", "whole_left", "is_stopped"), CASES)
def test_an_order_is_held_against_the_next_call_off(
    told: list[Row],
    delivered: int,
    remains: list[float],
    left: list[int],
    missed: str | None,
    whole_left: int,
    is_stopped: bool,
) -> None:
    deliveries = frame("delivery_id order_id parts amount_minor", ("D9", "P1", delivered, delivered * 1000))
    ledgers = replace(order_ledgers(), schedules=rows(*told), deliveries=deliveries)
    _, ahead, release = release_of(ledgers, "P1", ACCEPTED, day=DAY, values=VALUES)
    assert ahead is not None
    assert [item.remaining_units for item in ahead.call_offs] == remains
    assert [item.days_left for item in ahead.call_offs] == left
    assert ahead.next_missed(0.6) == missed
    assert (ahead.days_left, ahead.remaining_units) == (whole_left, 500)
    assert (Hold.STOP_LOSS in release.holds, not release.release_minor) == (is_stopped, is_stopped)


# schedule told                                   order's part  due days              cautions
TOLD = [
    (None,                                         None,   "order_alone",         {"schedule_unknown"}),
    ([],                                           None,   "order_alone",         {"schedule_unknown"}),
    ([("B1", "07-05", 500)],                       None,   "buyers_schedule",     set()),
    ([("S", "07-05", 500)],                        None,   "suppliers_schedule",  set()),
    ([("B1", "07-05", 0)],                         None,   "order_alone",         {"schedule_unknown"}),
    ([("B1", "07-05", 1001)],                      None,   "buyers_schedule",     {"schedule_exceeds_order"}),
    ([("B1", "07-05", 500, "AX-007")],             "ax 7", "buyers_schedule",     set()),
    ([("B1", "07-05", 500, "BX"), ("B1", "07-06", 9)], "AX", "buyers_schedule",   {"schedule_of_another_part"}),
    ([("B1", "07-05", 500, "BX")],                 "AX",   "order_alone",         {"schedule_unknown", "schedule_of_another_part"}),
]  # fmt: skip


@pytest.mark.parametrize(("told", "part", "due_days", "lacking"), TOLD)
def test_terms_say_whose_word_the_due_days_are(
    told: list[Row] | None, part: str | None, due_days: str, lacking: set[str]
) -> None:
    plain = order_ledgers()
    ledgers = replace(
        plain,
        schedules=None if told is None else rows(*told),
        orders=plain.orders.assign(part_number=part),
        deliveries=frame("delivery_id order_id event_time parts amount_minor"),
    )
    file, _, _ = release_of(ledgers, "P1", ACCEPTED, day=DAY, values=VALUES)
    rests = rests_of(ledgers, "P1", ACCEPTED)
    found = {code.value for code in cautions(file, rests, has_material_suppliers=False)}
    about = {code.value for code in OrderCaution if code.value.startswith("schedule")}
    assert (rests.due_days.value, found & about) == (due_days, lacking)


RATE = Prior(mean=12, days=9, variance=4, degrees=9)


def test_two_steps_at_their_means_are_sheppards() -> None:
    """Where both steps stand at what is expected of them, P = 1/4 + asin(correlation) / 2 pi, of any elliptical law. With
    a mean worth 9 days, 9 and 36 days have variances 9 + 81/9 = 18 and 36 + 144 = 180, and 9 + 36 = 45 in common."""
    expected = 0.25 + math.asin(45 / math.sqrt(18 * 180)) / (2 * math.pi)
    assert all_at_least(RATE, [(12 * 9, 9), (12 * 36, 36)]) == pytest.approx(expected, abs=1e-3)


def test_all_of_one_step_is_that_step() -> None:
    alone = forecast(RATE, [], remaining_units=100, days_left=9).probability_on_time
    for steps in ([(100, 9)], [(100, 9), (0, 3)], [(90, 9), (100, 9)]):
        assert all_at_least(RATE, steps) == alone
    assert all_at_least(RATE, [(100, 9), (1, 0)]) == 0.0
    assert all_at_least(RATE, []) == 1.0


def test_every_further_step_can_only_lower_the_chance_and_never_below_independence() -> None:
    """Steps share days and rate, so that their chances hang together: between the product of all and the least."""
    steps = [(11.5 * days, days) for days in (5, 10, 15, 20)]
    each = [forecast(RATE, [], remaining_units=units, days_left=days).probability_on_time for units, days in steps]
    chances = [all_at_least(RATE, steps[:count]) for count in range(1, 5)]
    assert chances == sorted(chances, reverse=True)
    assert math.prod(each) < chances[-1] < min(each)
    assert chances[-1] == all_at_least(RATE, steps[::-1])
