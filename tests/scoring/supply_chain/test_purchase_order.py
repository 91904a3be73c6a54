"""Orders financed tranche by tranche, against cases worked by hand: a row a case. Amounts in fen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t as student

from data_contracts.reference.dated import load_book
from scoring.errors import InvalidRequest
from scoring.supply_chain.purchase_order.exposure import Event, EventKind, Exposure, exposure_of, staged_loss
from scoring.supply_chain.purchase_order.forecast import Forecast, Prior, forecast, posterior, prior_of
from scoring.supply_chain.purchase_order.order import Milestone, Order, OrderFile, Seen, Status, Work
from scoring.supply_chain.purchase_order.progress import progress
from scoring.supply_chain.purchase_order.tranches import Hold, Tranche, TrancheTerms, release, tranche_terms

VALUES = load_book(files("scoring") / "supply_chain" / "parameters").at(date(2018, 1, 1))
TERMS = tranche_terms(VALUES)
ORDER = Order(
    order_id="PO-1", part_number="P", placed_on=date(2026, 5, 1), units=1000, amount_minor=1_000_000, currency="CNY",
    due_on=date(2026, 9, 1), kwh_per_unit=2.0, hours_per_unit=0.1,
)  # fmt: skip
NOTHING = Work(units=0, kwh=0, hours=0)
ON_TIME = Forecast(remaining_units=1, days_left=10, probability_on_time=0.9, units_a_day=50, observed_days=10)
LATE = replace(ON_TIME, probability_on_time=0.59)
SHORT = {
    "A": Milestone.ACCEPTED,
    "M": Milestone.MATERIAL,
    "S": Milestone.STARTED,
    "I": Milestone.INSPECTED,
    "D": Milestone.SHIPPED,
    "B": Milestone.INVOICED,
}


def test_the_shipped_terms() -> None:
    assert TrancheTerms(
        advance={
            Tranche.ACCEPTED: Decimal("0.3"), Tranche.STARTED: Decimal("0.4"), Tranche.EARNED: Decimal("0.7"),
            Tranche.SHIPPED: Decimal("0.85"),
        },
        norm_tolerance=0.1, stop_loss_probability=0.6,
    ) == TERMS  # fmt: skip


# units   kWh     hours    verified   binding      ordered 1,000 of 2 kWh and 0.1 h; norms 10 % tolerant
PROGRESS = [
    (500,    1000,   50,     0.5,       "units"),
    (500,     900,   45,     0.5,       "units"),     # 900 / (2 x 1000 x 0.9) = 0.5, and so the hours
    (500,     720,   45,     0.4,       "energy"),    # counted and not worked for
    (800,    1440,   36,     0.4,       "hours"),
    (0,      2000,  100,     0.0,       "units"),     # a dummy load makes no parts
    (2000,   9000,  900,     1.0,       "units"),
    (None,   1000,   50,     None,      None),
    (500,    None,   50,     None,      None),
    (500,    1000,   None,   None,      None),
]  # fmt: skip


@pytest.mark.parametrize(("units", "kwh", "hours", "verified", "binding"), PROGRESS)
def test_earned_output_is_the_least_of_three(
    units: float | None, kwh: float | None, hours: float | None, verified: float | None, binding: str | None
) -> None:
    found = progress(ORDER, Work(units=units, kwh=kwh, hours=hours), tolerance=0.1)
    assert found.verified == (None if verified is None else pytest.approx(verified))
    assert found.binding == binding


def test_a_part_without_norms_earns_nothing_that_is_known() -> None:
    made = progress(replace(ORDER, kwh_per_unit=None), Work(units=500, kwh=1000, hours=50), tolerance=0.1)
    assert (made.verified, made.by_units) == (None, 0.5)


def file(met: str, work: Work = NOTHING, *, drawn: int = 0, shipped: int = 0, billed: int = 0, inspected: int | None = None,
         cost: int | None = None, contradicted: str = "") -> OrderFile:  # fmt: skip
    seen = {SHORT[letter]: Seen(status=Status.MET, evidence=(f"saw-{letter}",)) for letter in met}
    seen |= {SHORT[letter]: Seen(status=Status.CONTRADICTED) for letter in contradicted}
    return OrderFile(
        order=ORDER, seen=seen, work=work, inspected_units=inspected, shipped_minor=shipped, invoiced_minor=billed,
        drawn_minor=drawn, cost_minor=cost,
    )  # fmt: skip


def work(share: float) -> Work:
    return Work(units=1000 * share, kwh=2000 * share, hours=100 * share)


FULL = 1_000_000
# what is seen                                                       forecast  pays     holds
TRANCHES = [
    (file(""),                                                       None,           0, ""),
    (file("A"),                                                      None,     300_000, ""),
    (file("A", drawn=300_000),                                       None,           0, "already_drawn"),
    (file("A", drawn=120_000),                                       None,     180_000, ""),
    (file("A", cost=250_000),                                        None,     250_000, "cost_cap"),
    (file("AM", drawn=300_000),                                      None,           0, "already_drawn"),
    (file("AMS", drawn=300_000),                                     ON_TIME,  100_000, ""),
    (file("AMS", drawn=300_000),                                     None,           0, "forecast_unknown"),
    (file("AMS", drawn=300_000),                                     LATE,           0, "stop_loss"),
    (file("AMS", work(0.8), drawn=400_000),                          ON_TIME,  160_000, ""),              # 0.7 x 0.8
    (file("AMS", replace(work(0.8), kwh=720), drawn=400_000),        ON_TIME,        0, "already_drawn"), # 0.7 x 0.4
    (file("AMS", replace(work(0.8), kwh=None), drawn=400_000),       ON_TIME,        0, "already_drawn"),
    (file("AMS", work(1.0), drawn=400_000),                          LATE,     300_000, ""),              # it is made
    (file("AMS", work(0.8), drawn=400_000, contradicted="S"),        ON_TIME,        0, "already_drawn"),
    (file("AMSIDB", work(1), drawn=700_000, shipped=FULL, billed=FULL, inspected=1000), None, 150_000, ""),
    (file("AMSIDB", work(1), drawn=0, shipped=FULL, billed=FULL, inspected=1000),  None,      850_000, ""),
    (file("AMSIDB", work(1), drawn=700_000, shipped=900_000, billed=FULL, inspected=1000), None, 65_000, ""),
    (file("AMSIDB", work(1), drawn=700_000, shipped=FULL, billed=FULL, inspected=880), None,  48_000, ""),
    (file("AMSDB", work(1), drawn=700_000, shipped=FULL, billed=FULL), None,         0, "already_drawn"),
    (file("AMSIDB", work(0.5), drawn=400_000, shipped=FULL, billed=FULL), None, 25_000, ""),  # billed above what was made
]  # fmt: skip


@pytest.mark.parametrize(("order_file", "told", "pays", "holds"), TRANCHES)
def test_what_is_paid_now(order_file: OrderFile, told: Forecast | None, pays: int, holds: str) -> None:
    found = release(order_file, told, TERMS)
    assert found.release_minor == pays
    assert [hold.value for hold in found.holds] == holds.split()
    assert found.exposure_minor == order_file.drawn_minor + pays


def test_a_tranche_says_what_it_rests_on_or_why_it_is_held() -> None:
    found = {
        item.tranche: item
        for item in release(file("AM", replace(work(0.2), hours=None), contradicted="S"), None, TERMS).tranches
    }
    assert found[Tranche.ACCEPTED].evidence == ("saw-A",)
    assert found[Tranche.STARTED].holds == (Hold.MILESTONE_CONTRADICTED,)
    assert found[Tranche.EARNED].holds == (Hold.MILESTONE_CONTRADICTED, Hold.PROGRESS_UNKNOWN)
    assert found[Tranche.SHIPPED].holds == (Hold.MILESTONE_OPEN,)


@settings(deadline=None)
@given(st.floats(0, 1), st.floats(0, 1), st.integers(0, FULL), st.integers(0, FULL), st.integers(0, FULL))
def test_more_evidence_never_pays_less_and_nothing_is_paid_above_the_order(
    share: float, more: float, shipped: int, billed: int, drawn: int
) -> None:
    low, high = sorted((share, more))
    paid = [
        release(file("AMSIDB", work(done), shipped=shipped, billed=billed, drawn=drawn), ON_TIME, TERMS).exposure_minor
        for done in (low, high)
    ]
    assert paid[0] <= paid[1] <= max(drawn, 850_000)


def test_the_posterior_by_hand() -> None:
    """Prior 10 a day worth 4 days, variance 4 of 4 degrees; days of 16 and 12: mean (40 + 28) / 6, squares
    4 x 4 + 8 + (4 x 2 / 6)(14 - 10)^2 = 45.333 over 6 degrees."""
    told = posterior(Prior(mean=10, days=4, variance=4, degrees=4), [16, 12])
    assert (told.mean, told.days, told.degrees) == (pytest.approx(68 / 6), 6, 6)
    assert told.variance == pytest.approx((16 + 8 + 8 / 6 * 16) / 6)


def test_the_forecast_by_hand() -> None:
    """100 of 12 a day in 9 days, known from 9 days: scale sqrt(9 x (1 + 9 / 9) x 4) = 8.4853; t = (100 - 108) / scale."""
    told = forecast(Prior(mean=12, days=9, variance=4, degrees=9), [], remaining_units=100, days_left=9)
    assert told.probability_on_time == pytest.approx(student.sf(-8 / 72**0.5, 9))
    assert told.probability_on_time == pytest.approx(0.815, abs=5e-4)


# remaining  days   probability
EDGES = [(0, 0, 1.0), (-5, 3, 1.0), (1, 0, 0.0), (1, -2, 0.0), (12, 1, 0.5)]


@pytest.mark.parametrize(("remaining", "days", "probability"), EDGES)
def test_the_forecast_at_its_edges(remaining: float, days: int, probability: float) -> None:
    prior = Prior(mean=12, days=9, variance=4, degrees=9)
    assert forecast(prior, [], remaining_units=remaining, days_left=days).probability_on_time == pytest.approx(
        probability
    )


def test_a_firm_that_never_varies_is_certain_and_one_without_history_has_no_prior() -> None:
    steady = prior_of([5, 5, 5], worth_days=3)
    assert steady is not None
    assert forecast(steady, [], remaining_units=15, days_left=3).probability_on_time == 1.0
    assert forecast(steady, [], remaining_units=16, days_left=3).probability_on_time == 0.0
    assert prior_of([5], worth_days=3) is None


def events(*told: tuple[str, int]) -> Sequence[Event]:
    return [Event(kind=EventKind(kind), amount_minor=amount) for kind, amount in told]


def test_one_exposure_from_order_to_payment() -> None:
    life = events(
        ("drawn", 300), ("drawn", 400), ("carried_over", 650), ("repaid", 600), ("repaid", 70), ("written_off", 30)
    )
    totals = [exposure_of(life[:n]).total_minor for n in range(len(life) + 1)]
    assert totals == [0, 300, 700, 700, 100, 30, 0]
    assert exposure_of(life[:4]) == Exposure(
        on_order_minor=50, on_receivables_minor=50, drawn_minor=700, repaid_minor=600
    )


@pytest.mark.parametrize("life", [[("drawn", 5), ("carried_over", 6)], [("drawn", 5), ("repaid", 6)], [("drawn", -1)]])
def test_nothing_moves_that_is_not_there(life: list[tuple[str, int]]) -> None:
    with pytest.raises(InvalidRequest):
        exposure_of(events(*life))


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from([kind.value for kind in EventKind]), st.integers(0, 1000)), max_size=30))
def test_what_is_owed_is_what_was_drawn_less_what_came_back(life: list[tuple[str, int]]) -> None:
    now = Exposure()
    for kind, amount in life:
        bounded = (
            amount
            if kind == "drawn"
            else min(amount, now.on_order_minor if kind == "carried_over" else now.total_minor)
        )
        now = exposure_of([*_so_far(now), *events((kind, bounded))])
    assert now.total_minor == now.drawn_minor - now.repaid_minor - now.written_off_minor
    assert now.on_order_minor >= 0 <= now.on_receivables_minor


def _so_far(now: Exposure) -> Sequence[Event]:
    return events(
        ("drawn", now.drawn_minor), ("repaid", now.repaid_minor), ("written_off", now.written_off_minor),
        ("carried_over", now.on_receivables_minor),
    )  # fmt: skip


# stage        LGD      of 400,000 owed and 100,000 committed at PD 4 %
LOSSES = [("accepted", "0.75", 15_000), ("earned", "0.55", 11_000), ("invoiced", "0.35", 7_000)]


@pytest.mark.parametrize(("stage", "lgd", "expected"), LOSSES)
def test_the_loss_falls_as_the_order_grows(stage: str, lgd: str, expected: int) -> None:
    found = staged_loss(
        Exposure(on_order_minor=400_000), Milestone(stage), undrawn_committed_minor=100_000, pd=0.04, values=VALUES
    )
    assert (found.lgd, found.exposure_at_default_minor, found.expected_loss_minor) == (Decimal(lgd), 500_000, expected)
