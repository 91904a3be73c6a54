"""The world's laws one by one, each on a case small enough to work by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pytest

from simulator.factory.schedule import activity_after_default
from simulator.firms.obligors import synthetic_uscc
from simulator.gateway.outages import draw_outages
from simulator.parameter_values import WorldParameters, load_parameters
from simulator.streams import Streams, round_at_random
from simulator.trade.deliveries import Shipments, empty_shelf, ship, take_orders
from simulator.trade.orders import Orders, work_load
from simulator.world_calendar import Calendar, Month, build_calendar


@pytest.fixture(scope="module")
def parameters() -> WorldParameters:
    """The shipped parameters."""
    return load_parameters(date(2026, 7, 1))


@pytest.fixture(scope="module")
def calendar(parameters: WorldParameters) -> Calendar:
    """The calendar of the full world."""
    return build_calendar(48, place=parameters.place, holidays=parameters.calendar)


def _sent(rows: list[tuple[int, int, int, int]], made: list[list[int]], *, stock: list[int], last: int) -> Shipments:
    """What leaves in July for orders of (firm, day, parts, lead days); `made` by firm on its first days."""
    firm, day, parts, lead = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
    fixed = np.full_like(firm, 250)
    number = np.arange(len(firm)) - np.searchsorted(firm, firm)
    orders = Orders(
        firm=firm, day=day, parts=parts, price_minor=fixed, buyer=np.zeros_like(firm), lead_days=lead, number=number
    )
    july = Month(position=0, first=date(2022, 7, 1), first_day=0, length=31)
    whole = np.zeros((len(made), 31), dtype=np.int64)
    whole[:, : len(made[0])] = made
    shelf = take_orders(empty_shelf(np.array(stock)), orders, two_shipments_from_lead_days=46)
    return ship(shelf, whole, july, last_day=np.full(len(made), last))[1]


def test_orders_are_served_first_come_first_served() -> None:
    # Firm 0 has 5 parts in stock and makes 10 a day; firm 1 makes nothing but has 3 in stock.
    orders = [(0, 0, 12, 20), (0, 1, 30, 50), (1, 2, 3, 20), (1, 2, 1, 20)]
    sent = _sent(orders, [[10] * 6, [0] * 6], stock=[5, 3], last=99)
    # 12 <= 15 on day 0; half of 30 makes 27 <= 35 on day 2; the rest makes 42 <= 45 on day 3; each leaves next morning
    assert sent.firm.tolist() == [0, 0, 0, 1]
    assert sent.order.tolist() == [0, 1, 1, 0]
    assert sent.parts.tolist() == [12, 15, 15, 3]
    assert sent.number.tolist() == [1, 1, 2, 1]
    assert sent.day.tolist() == [1, 3, 4, 3]


def test_nothing_is_shipped_once_a_firm_has_stopped() -> None:
    sent = _sent([(0, 0, 10, 20), (0, 0, 10, 20)], [[10, 0, 10, 0, 0]], stock=[0], last=3)
    assert (sent.order.tolist(), sent.day.tolist()) == ([0], [1])


def test_work_follows_the_book_and_stock_saves_work(parameters: WorldParameters) -> None:
    load = work_load(
        np.array([100, 0, -100]), np.array([80, 80, 80]), np.array([200.0, 200.0, 200.0]), demand=parameters.demand
    )
    assert load.tolist() == pytest.approx([(0.6 * 100 + 0.5 * 80) / 200, 0.2, 0.0])


def test_a_firm_in_default_winds_down_in_a_straight_line(calendar: Calendar) -> None:
    july = calendar.months[0]
    activity = activity_after_default(np.array([10, calendar.day_count]), month=july, wind_down_days=60)
    assert activity[0, :11].tolist() == [1.0] * 11
    assert activity[0, 25] == pytest.approx(0.75)
    assert activity[1].tolist() == [1.0] * 31


def test_an_outage_runs_on_over_midnight_and_months(parameters: WorldParameters, calendar: Calendar) -> None:
    july, august = calendar.months[:2]
    never = replace(parameters.gateway, outages_per_day=0.0)
    silent_until = np.array([96 * 33 + 10, 0])  # ten quarter-hours into the world's 34th day, the 3rd of August
    quiet = draw_outages(0, august, silent_until=silent_until, gateway=never, streams=Streams(1))
    assert quiet.quarters[0, :4].tolist() == [96, 96, 10, 0]
    assert quiet.quarters[1].sum() == 0
    often = replace(parameters.gateway, outages_per_day=1.0, outage_median_quarters=200.0)
    busy = draw_outages(0, july, silent_until=np.zeros(50, dtype=np.int64), gateway=often, streams=Streams(1))
    assert (busy.front_until <= busy.start).all()
    assert (busy.start <= busy.stop).all()
    assert (busy.stop <= 96).all()
    was_cut_at_midnight = (busy.stop == 96)[:, :-1] & (busy.stop > busy.start)[:, :-1]
    assert was_cut_at_midnight.any()
    assert (busy.silent_until > 31 * 96 - 96).all()


def test_the_world_ends_with_june_2026_whatever_its_length(parameters: WorldParameters, calendar: Calendar) -> None:
    assert calendar.first_day == date(2022, 7, 1)
    assert calendar.day_count == 1461
    assert datetime.fromtimestamp(calendar.end / 1e6, tz=UTC) == datetime(2026, 6, 30, 16, tzinfo=UTC)
    short = build_calendar(14, place=parameters.place, holidays=parameters.calendar)
    assert (short.first_day, short.day_count, short.end) == (date(2025, 5, 1), 426, calendar.end)
    assert (short.warm_up.first, short.warm_up.first_day) == (date(2025, 4, 1), -30)
    assert [month.first.month for month in short.months] == [5, 6, 7, 8, 9, 10, 11, 12, 1, 2, 3, 4, 5, 6]


def test_days_know_their_weekday_and_their_new_year(calendar: Calendar) -> None:
    eve = (date(2024, 2, 9) - calendar.first_day).days
    assert calendar.days_from_new_year[eve : eve + 3].tolist() == [-1, 0, 1]
    assert calendar.weekday[eve] == 4
    assert calendar.is_holiday[(date(2023, 10, 1) - calendar.first_day).days]
    assert calendar.index_of(calendar.date_of(np.array([-31, 0, 700]))).tolist() == [-31, 0, 700]


def test_a_day_of_the_ledger_ends_at_local_midnight(calendar: Calendar) -> None:
    nine_in_the_evening = np.array([int(datetime(2026, 6, 15, 13, tzinfo=UTC).timestamp()) * 1_000_000])
    end = datetime.fromtimestamp(int(calendar.next_midnight(nine_in_the_evening)[0]) / 1e6, tz=UTC)
    assert end == datetime(2026, 6, 15, 16, tzinfo=UTC)


def test_streams_differ_by_purpose_and_place_only() -> None:
    draws = {
        key: Streams(5).of(*key).random(4).tolist()  # type: ignore[arg-type]
        for key in [("a", 0), ("a", 1), ("b", 0), ("a", 0, 0)]
    }
    assert len({tuple(values) for values in draws.values()}) == 4
    assert Streams(5).of("a", 0).random(4).tolist() == draws["a", 0]
    assert Streams(6).of("a", 0).random(4).tolist() != draws["a", 0]


def test_rounding_at_random_keeps_the_mean() -> None:
    amount = np.full(100_000, 2.3)
    rounded = round_at_random(amount, np.random.default_rng(2).random(100_000))
    assert set(rounded.tolist()) == {2, 3}
    assert rounded.mean() == pytest.approx(2.3, abs=4 * np.sqrt(0.21 / 100_000))


def test_the_known_demonstration_code() -> None:
    assert synthetic_uscc(1) == "91999999MA0000001N"
