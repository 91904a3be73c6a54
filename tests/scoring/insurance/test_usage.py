"""Deposit and true-up as a table, meters that disagree, and cover by site and period."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.errors import HourMeterMissing, InvalidRequest
from scoring.insurance.usage import (
    MeterCheck,
    MeterFinding,
    SitePeriod,
    UsageTerms,
    check_meters,
    deposit,
    on_demand_premium,
    true_up,
)

D = Decimal
TERMS = UsageTerms(
    elasticity=D("1"),
    deposit_share=D("0.65"),
    minimum_share=D("0.6"),
    most_back=D("0.3"),
    most_on=D("0.2"),
    meter_tolerance=D("0.15"),
)


def worked(hours: str) -> MeterCheck:
    return MeterCheck(finding=MeterFinding.AGREES, metered_hours=D(hours), energy_hours=None, hours=D(hours))


TRUE_UPS = [
    # hours  elasticity  uncollared    earned       due     what bounds it
    ("4000", "1",         1_000_000, 1_000_000,  350_000),  # as expected
    ("3600", "1",           900_000,   900_000,  250_000),  # a tenth less
    ("2000", "1",           500_000,   700_000,   50_000),  # collar: at most 30 % back
    ("0",    "1",                 0,   700_000,   50_000),
    ("6000", "1",         1_500_000, 1_200_000,  550_000),  # collar: at most 20 % on
    ("3000", "0.7",         817_604,   817_604,  167_604),  # (3/4)^0.7
]  # fmt: skip


@pytest.mark.parametrize(("hours", "elasticity", "uncollared", "earned", "due"), TRUE_UPS)
def test_the_true_up(hours: str, elasticity: str, uncollared: int, earned: int, due: int) -> None:
    terms = replace(TERMS, elasticity=D(elasticity))
    paid = deposit(premium_minor=1_000_000, expected_hours=D(4000), terms=terms)
    found = true_up(paid, worked(hours), terms)
    assert (found.uncollared_minor, found.earned_minor, found.due_minor) == (uncollared, earned, due)
    assert found.deposit_minor + found.due_minor == found.earned_minor


METERS = [
    # metered  kWh      finding                                 hours that count
    ("1000",  "10000", MeterFinding.AGREES,               "1000"),
    ("900",   "10000", MeterFinding.AGREES,               "900"),
    ("600",   "10000", MeterFinding.ENERGY_EXCEEDS_HOURS, "1000"),
    ("1000",  "5000",  MeterFinding.HOURS_EXCEED_ENERGY,  "1000"),
    ("1000",  None,    MeterFinding.NO_ENERGY,            "1000"),
]  # fmt: skip


@pytest.mark.parametrize(("metered", "kwh", "finding", "hours"), METERS)
def test_hour_meter_against_energy(metered: str, kwh: str | None, finding: MeterFinding, hours: str) -> None:
    energy = None if kwh is None else D(kwh)
    found = check_meters(metered_hours=D(metered), energy_kwh=energy, kwh_an_hour=D(10), tolerance=D("0.15"))
    assert (found.finding, found.hours) == (finding, D(hours))


def test_a_meter_that_was_not_read_is_a_named_error() -> None:
    with pytest.raises(HourMeterMissing, match="No hour meter"):
        check_meters(metered_hours=None, energy_kwh=D(1), kwh_an_hour=D(1), tolerance=D(0))


def test_impossible_meters_and_terms_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="count upwards"):
        check_meters(metered_hours=D(-1), energy_kwh=None, kwh_an_hour=D(1), tolerance=D(0))
    with pytest.raises(InvalidRequest, match="no rate an hour"):
        deposit(premium_minor=100, expected_hours=D(0), terms=TERMS)
    with pytest.raises(InvalidRequest, match="elasticity"):
        deposit(premium_minor=100, expected_hours=D(1), terms=replace(TERMS, elasticity=D(2)))


@given(
    st.integers(1, 10**9),
    st.decimals("0.1", 10_000, places=2),
    st.decimals(0, 20_000, places=2),
    st.decimals(0, 20_000, places=2),
)
def test_leaving_hours_out_never_pays(premium: int, expected: Decimal, hours: Decimal, told: Decimal) -> None:
    """Whatever is told, with the energy metered nobody pays less than by the hours worked less the tolerance."""
    honest = check_meters(metered_hours=hours, energy_kwh=hours * 10, kwh_an_hour=D(10), tolerance=D("0.15"))
    claimed = check_meters(metered_hours=told, energy_kwh=hours * 10, kwh_an_hour=D(10), tolerance=D("0.15"))
    assert honest.hours == hours
    assert claimed.hours >= hours * D("0.85")
    paid = deposit(premium_minor=premium, expected_hours=expected, terms=TERMS)
    settled = true_up(paid, claimed, TERMS)
    assert paid.premium_minor * D("0.7") - 1 <= settled.earned_minor <= paid.premium_minor * D("1.2") + 1


def test_cover_by_site_and_period() -> None:
    periods = [
        SitePeriod(site="B", starts=date(2026, 3, 11), ends=date(2026, 3, 11)),
        SitePeriod(site="A", starts=date(2026, 3, 1), ends=date(2026, 3, 10)),
    ]
    found = on_demand_premium(
        periods, daily_rate_minor=D("1234.56"), site_relativities={"A": D(1), "B": D("1.5")}, minimum_minor=2_000
    )
    assert [(period.site, amount) for period, amount in found] == [("A", 12_346), ("B", 2_000)]


@pytest.mark.parametrize(
    ("site", "starts", "ends", "said"),
    [("B", 10, 12, "overlaps"), ("C", 20, 22, "No rate is filed"), ("B", 20, 19, "has no day")],
)
def test_cover_that_cannot_be(site: str, starts: int, ends: int, said: str) -> None:
    first = SitePeriod(site="A", starts=date(2026, 3, 1), ends=date(2026, 3, 10))
    second = SitePeriod(site=site, starts=date(2026, 3, starts), ends=date(2026, 3, ends))
    with pytest.raises(InvalidRequest, match=said):
        on_demand_premium(
            [first, second], daily_rate_minor=D(1), site_relativities={"A": D(1), "B": D(1)}, minimum_minor=0
        )
