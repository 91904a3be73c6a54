"""A policy is what its records say: a whole life, and every record that does not follow."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_contracts.identifiers import MachineUid, QuoteId
from scoring.errors import InvalidRequest, PolicyForbids
from scoring.insurance.policy_life import (
    Billed,
    Bound,
    Claimed,
    Endorsed,
    Lapsed,
    Record,
    Renewed,
    TruedUp,
    UsageBasis,
    life_of,
    pro_rata,
)
from scoring.insurance.usage import MeterFinding
from scoring.records import InsuranceProduct

A, B, C = (MachineUid(f"91999999MA0000001N/{name}") for name in "ABC")


def at(month: int, day: int, year: int = 2026) -> datetime:
    return datetime(year, month, day, 9, tzinfo=UTC)


BOUND = Bound(
    recorded_time=at(1, 1), product=InsuranceProduct.EQUIPMENT_UBI, quote_id=QuoteId("q1"), quote_valid_until=at(1, 15), starts=date(2026, 1, 10), ends=date(2026, 12, 31),
    machines=(A, B), sum_insured_minor=10**8, premium_minor=712_000, currency="CNY",
    usage=UsageBasis(hours_a_machine_day=Decimal(8), kwh_an_hour=Decimal(5)),
)  # fmt: skip
SOLD = Endorsed(
    recorded_time=at(7, 1),
    effective=date(2026, 7, 1),
    added=(C,),
    removed=(A,),
    premium_change_minor=-10_000,
    currency="CNY",
    reason="A sold",
)
CLAIM = Claimed(
    recorded_time=at(7, 20),
    claim_id="c1",
    day=date(2026, 7, 15),
    machine_uid=C,
    amount_minor=50_000,
    currency="CNY",
    evidence="sha256:ab",
)
SETTLED = TruedUp(recorded_time=at(1, 20, 2027), due_minor=30_000, currency="CNY", evidence="sha256:cd")
BILL = Billed(
    recorded_time=at(7, 2), starts=date(2026, 6, 1), ends=date(2026, 6, 30), hours=Decimal(400), expected_hours=Decimal(480),
    meter_finding=MeterFinding.AGREES, due_minor=-4_000, currency="CNY", evidence="sha256:ef",
)  # fmt: skip
BILL_LATER = replace(BILL, starts=date(2026, 8, 1), ends=date(2026, 8, 31), recorded_time=at(9, 1))
LAPSE = Lapsed(
    recorded_time=at(10, 2), effective=date(2026, 10, 1), premium_change_minor=-100_000, currency="CNY", reason="unpaid"
)
AGAIN = Renewed(recorded_time=at(1, 21, 2027), next_policy_id="p2", next_starts=date(2027, 1, 1))


def test_a_whole_life() -> None:
    state = life_of("p1", [BOUND, SOLD, CLAIM, SETTLED, AGAIN])
    assert state.premium_minor == 732_000
    assert [claim.claim_id for claim in state.claims] == ["c1"]
    assert (state.is_trued_up, state.next_policy_id) == (True, "p2")
    assert state.covered(A, date(2026, 6, 30))
    assert not state.covered(A, date(2026, 7, 1))
    assert state.covered(C, date(2026, 7, 1))
    assert state.machine_days() == 356 + 172 + 184


FORBIDDEN: list[tuple[list[Record], str]] = [
    ([replace(BOUND, recorded_time=at(1, 16))], "held until 2026-01-15"),
    ([BOUND, replace(SOLD, effective=date(2027, 1, 1))], "outside the policy"),
    ([BOUND, SOLD, replace(SOLD, added=())], "cannot be taken out"),
    ([BOUND, replace(SOLD, added=(B,))], "counts once"),
    ([BOUND, replace(SOLD, premium_change_minor=-800_000)], "88000 minor units more"),
    ([BOUND, replace(CLAIM, currency="EUR", machine_uid=B)], "is in CNY"),
    ([BOUND, CLAIM], "is not covered"),
    ([BOUND, SOLD, replace(CLAIM, machine_uid=A)], "is not covered"),
    ([BOUND, SOLD, replace(CLAIM, amount_minor=-1)], "of -1 minor units"),
    ([BOUND, SOLD, CLAIM, replace(CLAIM, recorded_time=at(7, 21))], "notified before"),
    ([BOUND, SOLD, replace(CLAIM, recorded_time=at(12, 1))], "after 139 days"),
    ([BOUND, replace(SETTLED, recorded_time=at(12, 31))], "settled afterwards"),
    ([BOUND, SETTLED, replace(SETTLED, recorded_time=at(2, 1, 2027))], "trued up before"),
    ([BOUND, AGAIN, AGAIN], "was renewed as p2"),
    ([BOUND, replace(AGAIN, next_starts=date(2027, 1, 2))], "the day after"),
    ([BOUND, replace(SOLD, recorded_time=at(1, 1, 2025))], "cannot follow"),
    ([replace(BOUND, usage=None), BILL], "does not follow use"),
    ([BOUND, replace(BILL, starts=date(2026, 1, 1))], "outside the policy"),
    ([BOUND, replace(BILL, recorded_time=at(6, 30))], "is not over"),
    ([BOUND, BILL, replace(BILL, starts=date(2026, 6, 30))], "billed once"),
    ([BOUND, SETTLED, replace(BILL, recorded_time=at(2, 1, 2027))], "nothing is billed afterwards"),
    ([BOUND, BILL, replace(SOLD, recorded_time=at(7, 3), effective=date(2026, 6, 15))], "was billed already"),
    ([BOUND, SETTLED, replace(LAPSE, recorded_time=at(2, 1, 2027))], "moves no more"),
    ([BOUND, LAPSE, replace(CLAIM, machine_uid=B, day=date(2026, 10, 1), recorded_time=at(10, 9))], "is not covered"),
    ([BOUND, LAPSE, replace(LAPSE, recorded_time=at(10, 3))], "outside the policy"),
    ([BOUND, LAPSE, replace(AGAIN, next_starts=date(2026, 10, 1))], "nothing to renew"),
]


@pytest.mark.parametrize(("records", "said"), FORBIDDEN)
def test_a_record_that_does_not_follow_is_refused(records: list[Record], said: str) -> None:
    with pytest.raises(PolicyForbids, match=said):
        life_of("p1", records)


def test_a_lapse_ends_cover_and_gives_back_what_is_not_earned() -> None:
    state = life_of("p1", [BOUND, SOLD, BILL_LATER, LAPSE])
    assert (state.is_lapsed, state.ends) == (True, date(2026, 9, 30))
    assert state.premium_minor == 712_000 - 10_000 - 4_000 - 100_000
    assert state.machine_days() == (date(2026, 10, 1) - date(2026, 1, 10)).days + 172 + 92
    assert life_of("p1", [BOUND, LAPSE, replace(CLAIM, machine_uid=B, recorded_time=at(10, 9))]).claims


def test_a_cover_of_the_firm_has_no_machines() -> None:
    firm = replace(BOUND, product=InsuranceProduct.GUARANTEE, machines=(), usage=None)
    assert life_of("p1", [firm, replace(CLAIM, machine_uid=None)]).claims[0].amount_minor == 50_000
    assert life_of("p1", [firm]).machine_days() == 356
    with pytest.raises(InvalidRequest):
        life_of("p1", [replace(BOUND, product=InsuranceProduct.GUARANTEE)])


def test_a_life_begins_with_a_bound_quote() -> None:
    with pytest.raises(InvalidRequest, match="begin"):
        life_of("p1", [CLAIM])
    with pytest.raises(InvalidRequest, match="0 machines"):
        life_of("p1", [replace(BOUND, machines=())])


@given(st.integers(0, 10**12), st.integers(0, 4000), st.integers(1, 4000))
def test_pro_rata_parts_sum_to_the_premium_within_a_unit(premium: int, some: int, more: int) -> None:
    whole = some + more
    parts = [pro_rata(premium, machine_days=days, all_machine_days=whole) for days in (some, more)]
    assert abs(sum(parts) - premium) <= 1
    assert pro_rata(premium, machine_days=whole, all_machine_days=whole) == premium
