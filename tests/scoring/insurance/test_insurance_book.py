"""An insurer's book adds up: tables to the whole, earned premium to what is charged, the tail's parts to the tail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_contracts.identifiers import MachineUid, ObligorId, QuoteId
from data_contracts.reference.dated import ParameterBook
from scoring.insurance.book.accumulation import Accumulation, behind, breached, peaks, rooms
from scoring.insurance.book.holdings import HeldPolicy, charges_of, earned_minor, insured_minor, position
from scoring.insurance.book.report import InsuredBook, industry, insurance_portfolio
from scoring.insurance.book.slump import IdleRisk, slump_loss
from scoring.insurance.idle_cover.price import price_book
from scoring.insurance.offers.idle import payouts
from scoring.insurance.policy_life import Billed, Bound, Claimed, Endorsed, Lapsed, Record, UsageBasis, life_of
from scoring.insurance.usage import MeterFinding
from scoring.records import InsuranceProduct

ZONE = ZoneInfo("Asia/Shanghai")
A, B, C = (MachineUid(f"91999999MA0000001N/{name}") for name in "ABC")
STARTS, ENDS, DAY = date(2026, 1, 1), date(2026, 12, 31), date(2026, 6, 30)


def at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 9, tzinfo=UTC)


def held(
    product: InsuranceProduct, *more: Record, firm: str = "F1", division: str = "C34", **changes: Any
) -> HeldPolicy:
    """A policy of a year; of two machines where it covers machines."""
    is_of_machines = product in {InsuranceProduct.EQUIPMENT_UBI, InsuranceProduct.EXTENDED_WARRANTY}
    given: dict[str, Any] = {
        **{"recorded_time": at(STARTS), "product": product, "quote_id": QuoteId(f"q-{firm}-{product}")},
        **{"quote_valid_until": at(STARTS + timedelta(days=60)), "starts": STARTS, "ends": ENDS},
        **{"machines": (A, B) if is_of_machines else (), "sum_insured_minor": 12_000_001, "premium_minor": 365_000},
    }
    records = (Bound(**{**given, "currency": "CNY", **changes}), *more)
    return HeldPolicy(
        obligor_id=ObligorId(firm),
        industry=division,
        region="99",
        state=life_of(f"p-{firm}-{product}", records),
        charges=charges_of(records, ZONE),
        filed_rate=0.5,
        model_rate=0.25,
        covered_share=Decimal("0.8"),
    )


CLAIM = Claimed(
    **{"recorded_time": at(date(2026, 5, 20)), "claim_id": "c1", "day": date(2026, 5, 15), "machine_uid": A},
    **{"amount_minor": 50_000, "currency": "CNY", "evidence": "ab"},
)
IN = Endorsed(
    **{"recorded_time": at(date(2026, 7, 1)), "effective": date(2026, 7, 1), "added": (C,), "removed": ()},
    **{"premium_change_minor": 92_000, "currency": "CNY", "reason": "bought"},
)
USAGE = UsageBasis(hours_a_machine_day=Decimal(8), kwh_an_hour=None)
UBI, IDLE, GUARANTEE = InsuranceProduct.EQUIPMENT_UBI, InsuranceProduct.IDLE_COVER, InsuranceProduct.GUARANTEE


def book(*policies: HeldPolicy, idle: Sequence[IdleRisk] = ()) -> InsuredBook:
    return InsuredBook(currency="CNY", policies=policies, idle=idle, buyers={"F1": {"X": Decimal("0.3")}})


def test_a_position_by_hand() -> None:
    found = position(held(UBI, CLAIM), begins=STARTS, day=DAY)
    assert (found.is_in_force, found.sum_insured_minor, found.cover_days) == (True, 12_000_001, 2 * 181)
    assert (found.written_minor, found.earned_minor, found.unearned_minor) == (365_000, 181_000, 184_000)
    assert (found.claims, found.claimed_minor) == (1, 50_000)
    assert found.expected_claims == pytest.approx(0.5 * 362 / 365)
    later = position(held(UBI, CLAIM), begins=date(2026, 6, 1), day=DAY)
    assert (later.written_minor, later.earned_minor, later.claims) == (0, 30_000, 0)


def test_a_machine_more_insures_more() -> None:
    policy = held(UBI, IN)
    assert insured_minor(policy, DAY) == 12_000_001
    assert insured_minor(policy, date(2026, 7, 1)) == 18_000_002  # half to even
    assert insured_minor(policy, date(2027, 1, 1)) == 0


def test_a_guarantee_insures_the_covered_share_of_what_is_owed() -> None:
    policy = held(GUARANTEE, sum_insured_minor=12_000_000)
    assert [insured_minor(policy, date(2026, month, 1)) for month in (1, 2, 12)] == [9_600_000, 8_800_000, 800_000]
    assert insured_minor(policy, date(2026, 1, 31)) == 9_600_000


@given(days=st.lists(st.integers(0, 400), min_size=2, max_size=6))
def test_spans_earn_what_the_whole_earns(days: list[int]) -> None:
    billed = Billed(
        **{"recorded_time": at(date(2026, 3, 2)), "starts": date(2026, 2, 1), "ends": date(2026, 2, 28)},
        **{"hours": Decimal(1), "expected_hours": Decimal(2), "meter_finding": MeterFinding.AGREES},
        **{"due_minor": -4_001, "currency": "CNY", "evidence": "ef"},
    )
    policy = held(UBI, billed, IN, usage=USAGE)
    ends = sorted(STARTS + timedelta(days=day) for day in days)
    spans = [position(policy, begins=a + timedelta(days=1), day=b) for a, b in pairwise(ends)]
    assert sum(span.earned_minor for span in spans) == earned_minor(policy.state, ends[-1]) - earned_minor(
        policy.state, ends[0]
    )
    assert earned_minor(policy.state, ENDS) == policy.state.premium_minor == 365_000 - 4_001 + 92_000
    assert earned_minor(policy.state, STARTS - timedelta(days=1)) == 0


def test_what_lapsed_has_earned_what_it_kept() -> None:
    lapse = Lapsed(
        **{"recorded_time": at(date(2026, 7, 2)), "effective": date(2026, 7, 1)},
        **{"premium_change_minor": -184_000, "currency": "CNY", "reason": "unpaid"},
    )
    found = position(held(UBI, lapse), begins=STARTS, day=date(2026, 7, 5))
    assert (found.is_in_force, found.earned_minor, found.unearned_minor, found.written_minor) == (
        False,
        181_000,
        0,
        181_000,
    )


def test_tables_add_up_and_limits_passed_are_findings(parameters: ParameterBook) -> None:
    values = parameters.at(at(DAY))
    policies = [
        held(product, firm=firm, division=division, sum_insured_minor=amount)
        for firm, division in (("F1", "C34"), ("F2", "C34"), ("F3", "C17"))
        for product, amount in ((UBI, 100_000_000), (IDLE, 900_000_000), (GUARANTEE, 2_500_000_000))
    ]
    risks = [risk("C34", 900_000_000), risk("C34", 900_000_000), risk("C17", 900_000_000)]
    found = insurance_portfolio(book(*policies, idle=risks), begins=STARTS, day=DAY, largest=2, values=values)
    for table in (found.by_product, found.by_industry, found.by_region):
        for name in ("policies", "sum_insured_minor", "cover_days", "earned_minor", "claims", "written_minor"):
            assert sum(getattr(line, name) for line in table) == getattr(found.whole, name)
    assert found.findings == []
    assert [line.name for line in found.idle_industries] == ["C34", "C17"]
    assert found.idle_industries[0].left_minor == 200_000_000
    assert {line.name: line.used_minor for line in found.guarantee_core_enterprises}["X"] > 0
    assert sum(line.used_minor for line in found.guarantee_core_enterprises) == sum(
        line.used_minor for line in found.guarantee_industries
    )
    more = held(IDLE, firm="F4", sum_insured_minor=300_000_000, starts=date(2026, 12, 1), ends=date(2027, 5, 31))
    passed = insurance_portfolio(book(*policies, more), begins=STARTS, day=DAY, largest=2, values=values)
    assert [(line.kind, line.name, line.over_minor) for line in passed.findings] == [
        (Accumulation.IDLE_INDUSTRY, "C34", 100_000_000)
    ]
    assert passed.not_begun == 1
    assert len(found.largest_obligors) == len(found.largest_policies) == 2
    assert found.largest_obligors[0].products.keys() == {"equipment_ubi", "guarantee", "idle_cover"}


def test_a_cover_that_follows_another_adds_nothing_to_the_peak() -> None:
    first = held(IDLE, sum_insured_minor=100)
    follows = held(IDLE, firm="F2", sum_insured_minor=70, starts=date(2027, 1, 1), ends=date(2027, 6, 30))
    meets = held(IDLE, firm="F3", sum_insured_minor=30, starts=date(2026, 12, 31), ends=date(2027, 6, 30))
    assert peaks([first, follows], industry, day=DAY) == {"C34": 100}
    assert peaks([first, follows, meets], industry, day=DAY) == {"C34": 130}


def test_no_limit_is_never_passed() -> None:
    (line,) = rooms(Accumulation.REGION, {"99": 5}, {"region": None})
    assert (line.left_minor, line.over_minor, line.used_ratio, breached([line])) == (None, 0, None, [])


def test_what_no_sale_explains_is_unknown() -> None:
    found = behind({"F1": 101, "F2": 7}, {"F1": {"X": Decimal(1) / 3, "Y": Decimal(2) / 3}})
    assert found == {"X": 34, "Y": 67, "unknown": 7}


def risk(division: str, insured: int, **changes: Any) -> IdleRisk:
    told: dict[str, Any] = {"usual_rate": 0.5, "industry_state": -1.0, "lead_months": 0, "months": 12}
    return replace(IdleRisk(industry=division, sum_insured_minor=insured, **told), **changes)


def test_one_cover_loses_what_its_own_price_says(parameters: ParameterBook) -> None:
    terms = parameters.at(at(DAY))["insurance_covers"]["idle_cover"]
    found = slump_loss([risk("C34", 10**9, lead_months=1, months=6)], terms)
    paid = payouts(0.5, -1.0, months=6, lead=1, terms=terms)
    alone = price_book(paid[:, None], np.array([1e9]), cost_of_capital=0.0)
    assert found is not None
    assert found.expected_minor == pytest.approx(alone.expected_minor[0]) == pytest.approx(paid.mean() * 1e9)
    assert found.value_at_risk_minor == pytest.approx(alone.value_at_risk_minor)
    assert slump_loss([], terms) is None


def test_the_tail_is_shared_by_its_clusters_and_grows_with_what_they_share(parameters: ParameterBook) -> None:
    terms = {**parameters.at(at(DAY))["insurance_covers"]["idle_cover"], "paths": 2000}
    risks = [risk(f"C{30 + at}", 10**8, months=3 + at) for at in range(6)]
    tails = {}
    for share in (0.0, 0.9):
        found = slump_loss(risks, {**terms, "common_share": share})
        assert found is not None
        assert sum(cluster.in_tail_minor for cluster in found.clusters) == pytest.approx(found.tail_value_at_risk_minor)
        assert sum(cluster.expected_minor for cluster in found.clusters) == pytest.approx(found.expected_minor)
        tails[share] = found.value_at_risk_minor
    assert tails[0.9] > 1.2 * tails[0.0]
