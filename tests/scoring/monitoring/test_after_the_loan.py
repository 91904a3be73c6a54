"""Arrears, stages, the graduated answer and usage-linked instalments against cases worked by hand. Amounts in fen."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_contracts.reference.dated import load_book
from scoring.credit.schedule import usage_payments
from scoring.errors import InvalidRequest
from scoring.monitoring.delinquency import Arrears, Bucket, Due, arrears, stage_hint
from scoring.monitoring.instalments import MonthUse, UsageTerms, schedule
from scoring.monitoring.response import Hardship, Step, Taken, next_step, require_allowed
from scoring.records import UsagePlan

VALUES = load_book(files("scoring") / "monitoring" / "parameters").at(date(2018, 1, 1))
D0 = date(2026, 1, 1)


def on(days: int) -> date:
    return D0 + timedelta(days=days)


def due(day: int, amount: int = 100_000, *paid: tuple[int, int]) -> Due:
    return Due(due_on=on(day), amount_minor=amount, payments=[(on(at), part) for at, part in paid])


# what fell due (day, amount, payments)              on day  overdue   days  bucket
ARREARS = [
    ([due(0)],                                        0,          0,     0, "current"),
    ([due(0)],                                        1,    100_000,     1, "early"),
    ([due(0)],                                       30,    100_000,    30, "substandard"),
    ([due(0)],                                       60,    100_000,    60, "doubtful"),
    ([due(0)],                                       90,    100_000,    90, "defaulted"),
    ([due(0, 100_000, (5, 100_000))],                30,          0,     0, "current"),
    ([due(0, 100_000, (5, 91_000))],                 95,          0,     0, "current"),      # 9,000 is not material
    ([due(0, 100_000, (5, 60_000))],                 35,     40_000,    35, "substandard"),
    ([due(0), due(30, 100_000, (31, 100_000))],      40,    100_000,    10, "early"),        # the oldest is paid first
    ([due(0, 100_000, (100, 100_000))],             110,          0,     0, "defaulted"),    # 10 of 90 days of probation
    ([due(0, 100_000, (100, 100_000))],             189,          0,     0, "defaulted"),
    ([due(0, 100_000, (100, 100_000))],             190,          0,     0, "current"),
    ([due(0, 100_000, (100, 100_000)), due(150)],   200,    100_000,    50, "defaulted"),    # late again within probation
    ([due(0, 100_000, (100, 100_000)), due(195)],   200,    100_000,     5, "early"),
]  # fmt: skip


@pytest.mark.parametrize(("dues", "day", "overdue", "days", "bucket"), ARREARS)
def test_arrears(dues: list[Due], day: int, overdue: int, days: int, bucket: str) -> None:
    found = arrears(dues, day=on(day), values=VALUES)
    assert (found.overdue_minor, found.days_past_due, found.bucket.value) == (overdue, days, bucket)


def test_when_a_default_began_and_was_cured() -> None:
    dues = [due(0, 100_000, (100, 100_000))]
    found = arrears(dues, day=on(200), values=VALUES)
    assert (found.defaulted_on, found.cured_on) == (on(90), on(190))
    again = arrears([*dues, due(300)], day=on(395), values=VALUES)
    assert (again.defaulted_on, again.cured_on, again.bucket) == (on(390), None, Bucket.DEFAULTED)


CURRENT = Arrears(day=D0, overdue_minor=0, days_past_due=0, bucket=Bucket.CURRENT, defaulted_on=None, cured_on=None)

# bucket        dpd  pd      at grant  watched  stage  reasons                    loss of 1,000,000 at LGD 40 %, life 10 %
STAGES = [
    ("current",    0, 0.02,   0.02,     False,   1,     "",                        8_000),
    ("current",    0, 0.039,  0.02,     False,   1,     "",                       15_600),
    ("current",    0, 0.04,   0.02,     False,   2,     "risk_has_risen",         40_000),
    ("current",    0, 0.002,  0.001,    False,   1,     "",                          800),   # doubled, and still tiny
    ("current",    0, 0.02,   None,     False,   1,     "",                        8_000),
    ("early",     29, 0.02,   0.02,     False,   1,     "",                        8_000),
    ("substandard", 30, 0.02, 0.02,     False,   2,     "days_past_due",          40_000),
    ("current",    0, 0.02,   0.02,     True,    2,     "watched",                40_000),
    ("defaulted", 95, 0.02,   0.02,     True,    3,     "defaulted days_past_due watched", 400_000),
    ("current",    0, None,   0.02,     False,   1,     "",                         None),
]  # fmt: skip


@pytest.mark.parametrize(("bucket", "dpd", "pd", "granted", "watched", "stage", "reasons", "loss"), STAGES)
def test_a_hint_at_the_stage(
    bucket: str,
    dpd: int,
    pd: float | None,
    granted: float | None,
    watched: bool,
    stage: int,
    reasons: str,
    loss: int | None,
) -> None:
    found = stage_hint(
        replace(CURRENT, bucket=Bucket(bucket), days_past_due=dpd), pd_12m=pd, pd_lifetime=0.10, pd_12m_at_grant=granted,
        lgd=0.4, exposure_minor=1_000_000, is_on_watch=watched, values=VALUES,
    )  # fmt: skip
    assert (found.stage, found.reasons, found.expected_loss_minor) == (stage, tuple(reasons.split()), loss)


def taken(step: Step, day: int, **appeal: object) -> Taken:
    return Taken(step=step, taken_on=on(day), reason="r", evidence=("e",), **appeal)  # type: ignore[arg-type]


N, P, R, I_ = Step
FLOOD = [Hardship(first_day=on(0), last_day=on(60), reason="flood")]
# taken so far                                          hardship  on day  next  not before  reason
LADDER = [
    ([],                                                [],        0,     N,    0,          "first"),
    ([taken(N, 0)],                                     [],        5,     P,    14,         "in_turn"),
    ([taken(N, 0)],                                     [],       20,     P,    20,         "in_turn"),
    ([taken(N, 0), taken(P, 14)],                       [],       20,     R,    44,         "in_turn"),
    ([taken(N, 0), taken(P, 14), taken(R, 44)],         [],       80,     I_,   80,         "in_turn"),
    ([taken(N, 0), taken(P, 14), taken(R, 44), taken(I_, 80)], [], 200,   None, None,       "people_decide"),
    ([taken(N, 0)],                                     FLOOD,    30,     None, None,       "hardship"),
    ([taken(N, 0)],                                     FLOOD,    61,     P,    61,         "in_turn"),
    ([taken(N, 0, appealed_on=on(3))],                  [],       30,     None, None,       "appeal_open"),
    ([taken(N, 0, appealed_on=on(3), appeal_upheld=True)], [],    30,     N,    30,         "first"),
    ([taken(N, 0, appealed_on=on(3), appeal_upheld=False)], [],   30,     P,    30,         "in_turn"),
]  # fmt: skip


@pytest.mark.parametrize(("steps", "hardships", "day", "step", "not_before", "reason"), LADDER)
def test_each_step_in_its_turn(
    steps: list[Taken], hardships: list[Hardship], day: int, step: Step | None, not_before: int | None, reason: str
) -> None:
    found = next_step(steps, hardships, day=on(day), values=VALUES)
    assert (found.step, found.not_before, found.reason) == (
        step,
        None if not_before is None else on(not_before),
        reason,
    )


def test_no_step_without_turn_reason_and_evidence_and_none_stops_a_machine() -> None:
    def take(step: Step, day: int, reason: str = "late", evidence: tuple[str, ...] = ("arrears",)) -> Taken:
        return require_allowed(step, [taken(N, 0)], [], day=on(day), reason=reason, evidence=evidence, values=VALUES)

    assert take(P, 14).step is P
    for wrong in (
        lambda: take(P, 13),
        lambda: take(I_, 14),
        lambda: take(P, 14, reason=" "),
        lambda: take(P, 14, evidence=()),
    ):
        with pytest.raises(InvalidRequest):
            wrong()
    assert {step.name for step in Step} == {"NOTICE", "CURE_PLAN", "RESTRUCTURING", "INSPECTION"}


TERMS = UsageTerms(
    financed_minor=120_000, floor_minor=5_000, hourly_minor=100, annual_rate_ratio=Decimal("0.06"), longest_months=24
)


def use(hours: int, share: str = "1", disputed: int = 0) -> MonthUse:
    return MonthUse(hours=Decimal(hours), observed_share=Decimal(share), disputed_hours=Decimal(disputed))


def test_bills_by_hand() -> None:
    """Interest of a month is half a percent of what is left. 200 h: 5,000 and 20,000 due, 600 of it interest; then a
    silent meter bills the 200 h that are usual; 150 h of which 50 are disputed bill 100 and hold 5,000."""
    bills = schedule(TERMS, [use(200), use(0, "0.79"), use(150, disputed=50), use(10)])
    assert [
        (bill.interest_minor, bill.principal_minor, bill.left_minor, bill.held_minor, bill.basis) for bill in bills
    ] == [
        (600, 24_400, 95_600, 0, "observed_hours"),
        (478, 24_522, 71_078, 0, "usual_hours"),
        (355, 14_645, 56_433, 5_000, "disputed_left_out"),
        (282, 5_718, 50_715, 0, "observed_hours"),
    ]


def test_bills_are_what_the_decision_planned() -> None:
    """Observed and undisputed, month by month the same payments as the plan of the decision."""
    hours = [160, 0, 320, 200, 180]
    plan = UsagePlan(
        floor_minor=TERMS.floor_minor,
        per_hour_minor=TERMS.hourly_minor,
        planned_hours_a_month=200.0,
        months_if_planned=5,
        months_at_floor=24,
        owed_at_floor_minor=0,
        longest_months=24,
    )
    paid = usage_payments(TERMS.financed_minor, plan, annual_rate=TERMS.annual_rate_ratio, hours=hours)
    bills = schedule(TERMS, [use(worked) for worked in hours])
    assert [(bill.instalment_minor, bill.interest_minor, bill.left_minor) for bill in bills] == [
        (payment.paid_minor, payment.interest_minor, payment.owed_minor) for payment in paid
    ]


def test_a_silent_meter_from_the_first_day_bills_the_floor() -> None:
    (bill,) = schedule(TERMS, [use(0, "0")])
    assert (bill.instalment_minor, bill.basis) == (5_000, "floor")


def test_what_is_left_falls_due_at_the_end_and_a_floor_must_pay_the_interest() -> None:
    bills = schedule(replace(TERMS, longest_months=2), [use(0), use(0), use(0)])
    assert [bill.left_minor for bill in bills] == [115_600, 0]
    with pytest.raises(InvalidRequest):
        schedule(replace(TERMS, floor_minor=600), [use(1)])


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 700), st.sampled_from(["1", "0.5"]), st.integers(0, 800)), min_size=24, max_size=30
    )
)
def test_never_more_than_was_financed(months: list[tuple[int, str, int]]) -> None:
    bills = schedule(TERMS, [use(*month) for month in months])
    assert sum(bill.principal_minor for bill in bills) == TERMS.financed_minor
    assert bills[-1].left_minor == 0
    assert all(bill.principal_minor > 0 for bill in bills)
