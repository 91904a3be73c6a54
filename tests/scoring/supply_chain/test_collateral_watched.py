"""Stock, leases and the use of funds against cases worked by hand. Amounts in fen."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_contracts.reference.dated import load_book
from scoring.supply_chain.collateral.funds import Agreed, Deviation, FundsPurpose, Happened, Payment, examine_funds
from scoring.supply_chain.collateral.inventory import Balance, Lot, StockKind, contradictions, shortfall, stock_values
from scoring.supply_chain.collateral.leasing import Fence, Fix, Lease, distance_m, early_end, moved, use_and_pay

VALUES = load_book(files("scoring") / "supply_chain" / "parameters").at(date(2018, 1, 1))
TODAY = date(2026, 6, 30)


def balance(opening: int, made: int, shipped: int, scrapped: int, counted: int | None) -> Balance:
    return Balance(item="P", opening=opening, made=made, shipped=shipped, scrapped=scrapped, counted=counted)


# opening, made, shipped, scrapped, counted   expected  contradiction
BALANCES = [
    (balance(10, 100, 60, 5, None),            45, None),
    (balance(10, 100, 60, 5, 45),              45, None),
    (balance(1000, 0, 0, 0, 980),            1000, None),                          # two in a hundred are allowed
    (balance(1000, 0, 0, 0, 979),            1000, "counted_less"),
    (balance(1000, 0, 0, 0, 1021),           1000, "counted_more"),
    (balance(10, 100, 111, 0, None),           -1, "shipped_more_than_there_was"),
]  # fmt: skip


@pytest.mark.parametrize(("told", "expected", "what"), BALANCES)
def test_balances(told: Balance, expected: int, what: str | None) -> None:
    assert told.expected == expected
    assert [item.what for item in contradictions([told], VALUES)] == ([] if what is None else [what])


def lot(units: int, days: int = 10, kind: StockKind = StockKind.FINISHED_GOODS, each: int = 100) -> Lot:
    since = TODAY - timedelta(days=days)
    return Lot(item="P", kind=kind, units=units, unit_value_minor=each, in_since=since, currency="CNY")


def test_no_more_counts_than_lies_there_and_age_takes_half_and_then_all() -> None:
    """70 lie there: all 50 of the newest lot and 20 of the next, which is over half a year old; none of the oldest."""
    lots = [lot(500, days=400), lot(40, days=181), lot(50)]
    found = stock_values(lots, [balance(0, 100, 30, 0, None)], day=TODAY, values=VALUES)
    assert [(item.units_that_count, item.value_minor, item.lendable_minor) for item in found] == [
        (0, 0, 0), (20, 1_000, 550), (50, 5_000, 2_750),
    ]  # fmt: skip
    assert stock_values(lots, [], day=TODAY, values=VALUES)[2].units_that_count == 0  # without a balance nothing counts


def test_a_shortfall_and_both_ways_to_cure_it() -> None:
    stock = stock_values([lot(50)], [balance(50, 0, 0, 0, 50)], day=TODAY, values=VALUES)
    found = shortfall(stock, owed_minor=3_850, day=TODAY, values=VALUES)
    assert (found.lendable_minor, found.shortfall_minor, found.repay_minor) == (2_750, 1_100, 1_100)
    assert (found.or_add_finished_goods_minor, found.cure_by) == (2_000, date(2026, 7, 10))  # 2,000 x 55 % = 1,100
    enough = shortfall(stock, owed_minor=2_750, day=TODAY, values=VALUES)
    assert (enough.shortfall_minor, enough.cure_by, enough.or_add_finished_goods_minor) == (0, None, 0)


SHOP = Fence(latitude_deg=28.20, longitude_deg=112.97, radius_m=500)


def fixes(*metres: float) -> list[Fix]:
    """Fixes so far north of the shop, a day each; a degree of latitude is 111,195 m on this sphere."""
    return [
        Fix(day=TODAY + timedelta(days=n), latitude_deg=28.20 + away / 111_195, longitude_deg=112.97)
        for n, away in enumerate(metres)
    ]


def test_a_degree_of_latitude() -> None:
    assert distance_m(SHOP, fixes(111_195)[0]) == pytest.approx(111_195, rel=1e-5)
    assert distance_m(SHOP, fixes(0)[0]) == 0


# metres from the shop, day by day; 500 m fence, 200 m tolerance, three days in a row      since  days
FIXES = [
    ((0, 100, 690, 699),                    None),
    ((0, 0, 5000),                          None),
    ((0, 5000, 0, 5000, 5000),              None),
    ((0, 5000, 5100, 5200),                 (1, 3)),
]  # fmt: skip


@pytest.mark.parametrize(("metres", "expected"), FIXES)
def test_moved(metres: tuple[float, ...], expected: tuple[int, int] | None) -> None:
    found = moved(SHOP, fixes(*metres), VALUES)
    if expected is None:
        assert found is None
    else:
        assert found is not None
        assert (found.since, found.days) == (TODAY + timedelta(days=expected[0]), expected[1])
        assert found.farthest_m == pytest.approx(max(metres), rel=1e-4)


# overdue  recent h  usual h   what they say together
USES = [
    (0,      100,      100,      "sound"),
    (0,       49,      100,      "idle"),
    (1,      100,      100,      "busy_in_arrears"),
    (1,       49,      100,      "idle_in_arrears"),
    (1,      None,     100,      "silent_in_arrears"),
    (0,      None,     None,     "silent"),
]  # fmt: skip


@pytest.mark.parametrize(("overdue", "recent", "usual", "says"), USES)
def test_arrears_and_use_together(overdue: int, recent: float | None, usual: float | None, says: str) -> None:
    assert use_and_pay(overdue_minor=overdue, recent_hours=recent, usual_hours=usual, values=VALUES).value == says


def test_ending_a_lease_early() -> None:
    """Two rentals of 1,020.10 at 1 % a month: 1,010.00 + 1,000.00; 204.02 at the end is 200.00 today; sold for 1,500."""
    lease = Lease(
        rental_minor=102_010, rentals_left=2, overdue_minor=5_000, annual_rate_ratio=Decimal("0.12"),
        residual_minor=20_402, sale_value_minor=150_000,
    )  # fmt: skip
    found = early_end(lease)
    assert (found.rentals_today_minor, found.residual_today_minor, found.due_minor) == (201_000, 20_000, 76_000)
    assert early_end(replace(lease, rentals_left=0)).rentals_today_minor == 0


AGREED = [
    Agreed(payee="MAKER", purpose=FundsPurpose.EQUIPMENT, amount_minor=1_000, machine_uid="A/1"),
    Agreed(payee="STEEL", purpose=FundsPurpose.MATERIAL, amount_minor=500),
]
NOTHING = Happened(delivered_on={}, first_used_on={}, bought_minor={}, own_side=frozenset({"A", "SISTER"}))


def paid(payee: str, amount: int, days_ago: int = 10, name: str = "1") -> Payment:
    return Payment(payment_id=name, payee=payee, paid_on=TODAY - timedelta(days=days_ago), amount_minor=amount)


# payments                                        what happened                                       outside  deviations
FUNDS = [
    ([],                                          NOTHING,                                                  0, []),
    ([paid("MAKER", 1_000), paid("STEEL", 500)],  NOTHING,                                                  0, []),
    ([paid("MAKER", 1_010)],                      NOTHING,                                                  0, []),
    ([paid("MAKER", 1_011)],                      NOTHING,                                                 11, ["paid_too_much"]),
    ([paid("CASINO", 300)],                       NOTHING,                                                300, ["unknown_payee"]),
    ([paid("SISTER", 300)],                       NOTHING,                                                300, ["back_to_borrower"]),
    ([paid("MAKER", 1_000, 61)],                  NOTHING,                                                  0, ["not_delivered"]),
    ([paid("MAKER", 1_000, 61)],                  replace(NOTHING, delivered_on={"A/1": TODAY - timedelta(31)}), 0, ["delivered_and_not_used"]),
    ([paid("MAKER", 1_000, 61)],                  replace(NOTHING, delivered_on={"A/1": TODAY - timedelta(30)}), 0, []),
    ([paid("MAKER", 1_000, 61)],                  replace(NOTHING, delivered_on={"A/1": TODAY - timedelta(31)}, first_used_on={"A/1": TODAY}), 0, []),
    ([paid("STEEL", 500, 61)],                    NOTHING,                                                  0, ["no_purchase"]),
    ([paid("STEEL", 500, 61)],                    replace(NOTHING, bought_minor={"STEEL": 480}),            0, []),
]  # fmt: skip


@pytest.mark.parametrize(("payments", "happened", "outside", "deviations"), FUNDS)
def test_use_of_funds(payments: list[Payment], happened: Happened, outside: int, deviations: list[str]) -> None:
    found = examine_funds(AGREED, payments, happened, day=TODAY, values=VALUES)
    assert found.outside_minor == outside
    assert [item.deviation.value for item in found.findings] == deviations
    assert all(item.evidence == tuple(payment.payment_id for payment in payments) for item in found.findings)


payments_ = st.builds(
    paid, st.sampled_from(["MAKER", "STEEL", "SISTER", "X"]), st.integers(1, 3000), st.integers(0, 100)
)


@settings(deadline=None)
@given(st.lists(payments_, max_size=10))
def test_every_fen_went_as_agreed_or_did_not(payments: list[Payment]) -> None:
    found = examine_funds(AGREED, payments, NOTHING, day=TODAY, values=VALUES)
    assert (
        found.agreed_use_minor + found.outside_minor == found.paid_minor == sum(item.amount_minor for item in payments)
    )
    assert 0 <= found.outside_minor <= found.paid_minor
    assert {item.deviation for item in found.findings} <= set(Deviation)
