"""What endorsements, lapses, bills and settlements move a premium by, worked by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_contracts.identifiers import MachineUid, QuoteId
from data_contracts.reference.dated import ParameterBook
from scoring.errors import HourMeterMissing, PolicyForbids
from scoring.insurance.policy_life import Billed, Bound, Endorsed, UsageBasis, bind, follow
from scoring.insurance.policy_premium import (
    Worked,
    endorsement_change,
    lapse_change,
    month_bill,
    settlement,
    usage_terms,
)
from scoring.insurance.usage import MeterFinding, UsageTerms
from scoring.records import InsuranceProduct

A, B, C = (MachineUid(f"91999999MA0000001N/{name}") for name in "ABC")
BOUND = Bound(
    recorded_time=datetime(2026, 1, 1, tzinfo=UTC),
    product=InsuranceProduct.EQUIPMENT_UBI,
    quote_id=QuoteId("q"),
    quote_valid_until=datetime(2026, 1, 9, tzinfo=UTC),
    starts=date(2026, 1, 1),
    ends=date(2026, 12, 31),
    machines=(A, B),
    sum_insured_minor=10**8,
    premium_minor=730_000,
    currency="CNY",
    usage=UsageBasis(hours_a_machine_day=Decimal(8), kwh_an_hour=Decimal(5)),
)
STATE = bind("p", BOUND)  # 1,000 minor units a machine-day
JUNE = (date(2026, 6, 1), date(2026, 6, 30))


@pytest.fixture
def terms(parameters: ParameterBook) -> UsageTerms:
    return usage_terms(parameters.at(date(2026, 1, 1)))


def worked(hours: str, *, energy: str | None = None, unwatched: int = 0, days: int = 60) -> Worked:
    return Worked(
        hours=Decimal(hours),
        energy_kwh=None if energy is None else Decimal(energy),
        watched_machine_days=Decimal(days - unwatched),
        unwatched_machine_days=Decimal(unwatched),
    )


def test_machines_in_and_out_move_the_premium_by_their_days() -> None:
    assert endorsement_change(STATE, added=(C,), removed=(), effective=date(2026, 12, 22)) == 10_000
    assert endorsement_change(STATE, added=(), removed=(A,), effective=date(2026, 12, 22)) == -10_000
    assert endorsement_change(STATE, added=(C,), removed=(A,), effective=date(2026, 7, 1)) == 0


def test_a_lapse_gives_back_the_days_that_are_left() -> None:
    assert lapse_change(STATE, date(2026, 12, 22)) == -20_000
    assert lapse_change(STATE, date(2026, 1, 1)) == -730_000
    gone = Endorsed(
        recorded_time=BOUND.recorded_time, effective=date(2026, 7, 1), added=(), removed=(A,),
        premium_change_minor=-184_000, currency="CNY", reason="sold",
    )  # fmt: skip
    assert lapse_change(follow(STATE, gone), date(2026, 12, 22)) == -10_000


def test_a_month_of_the_hours_expected_moves_nothing(terms: UsageTerms) -> None:
    found = month_bill(STATE, *JUNE, worked("480"), terms)
    assert (found.expected_hours, found.due_minor) == (Decimal(480), 0)


def test_fewer_and_more_hours_within_the_collar(terms: UsageTerms) -> None:
    due = {hours: month_bill(STATE, *JUNE, worked(hours), terms).due_minor for hours in ("0", "360", "600", "1400")}
    assert due["0"] == -18_000  # 30 % of 60,000 at most
    assert due["360"] == round(60_000 * 0.75**0.7) - 60_000
    assert due["600"] == round(60_000 * 1.25**0.7) - 60_000
    assert due["1400"] == 12_000  # 20 % at most


def test_days_that_nobody_watched_count_as_expected(terms: UsageTerms) -> None:
    told = month_bill(STATE, *JUNE, worked("240"), terms)
    withheld = month_bill(STATE, *JUNE, worked("240", unwatched=30), terms)
    assert (told.due_minor, withheld.due_minor) == (-18_000, 0)
    assert withheld.check.hours == Decimal(480)
    with pytest.raises(HourMeterMissing, match="No machine-day"):
        month_bill(STATE, *JUNE, worked("0", unwatched=60), terms)


def test_a_meter_that_tells_less_than_the_energy_is_not_believed(terms: UsageTerms) -> None:
    rolled_back = month_bill(STATE, *JUNE, worked("240", energy="2400"), terms)
    assert rolled_back.check.finding is MeterFinding.ENERGY_EXCEEDS_HOURS
    assert (rolled_back.check.hours, rolled_back.due_minor) == (Decimal(480), 0)


def test_what_does_not_follow_use_is_not_billed(terms: UsageTerms) -> None:
    with pytest.raises(PolicyForbids, match="no hours to bill"):
        month_bill(bind("p", replace(BOUND, usage=None)), *JUNE, worked("480"), terms)
    with pytest.raises(PolicyForbids, match="0 machine-days"):
        month_bill(STATE, date(2027, 1, 1), date(2027, 1, 31), worked("480"), terms)


@given(st.lists(st.integers(0, 900), min_size=12, max_size=12))
def test_bills_and_settlement_come_to_the_premium_of_the_whole(hours: list[int]) -> None:
    """However the months were billed, the policy costs what its hours in all cost within the collar."""
    terms = UsageTerms(
        elasticity=Decimal("0.7"),
        deposit_share=Decimal("0.7"),
        minimum_share=Decimal("0.6"),
        most_back=Decimal("0.3"),
        most_on=Decimal("0.2"),
        meter_tolerance=Decimal("0.15"),
    )
    state, total = STATE, worked(str(sum(hours)), days=730)
    for month, each in enumerate(hours, 1):
        starts = date(2026, month, 1)
        ends = date(2026, month + 1, 1).replace(day=1) if month < 12 else date(2027, 1, 1)
        ends = date.fromordinal(ends.toordinal() - 1)
        bill = month_bill(state, starts, ends, worked(str(each)), terms)
        record = Billed(
            recorded_time=datetime(2027, 1, 1, tzinfo=UTC), starts=starts, ends=ends, hours=bill.check.hours,
            expected_hours=bill.expected_hours, meter_finding=bill.check.finding, due_minor=bill.due_minor,
            currency="CNY", evidence="",
        )  # fmt: skip
        state = follow(state, record)
    rest = settlement(state, total, terms)
    assert state.premium_minor + rest.due_minor == 730_000 + settlement(STATE, total, terms).due_minor
