"""What each lever does to the books, and that an honest change raises no finding of the physics check."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from recourse_world import RecourseWorld

from data_contracts.contract import RecordKind
from data_contracts.vocabulary import ELEMENTS
from features.trust import Severity
from features.what_if import Told, WhatIf
from scoring.recourse import papers, telemetry
from scoring.recourse.levers import LEVERS, LeverName
from scoring.recourse.terms import recourse_terms, shipped_terms

DAYS = 90


def pulled(firm: WhatIf, name: LeverName, strength: float) -> Told:
    told = LEVERS[name].change(firm.told, strength, DAYS)
    assert told is not None, "the lever has room here"
    return told


@pytest.mark.parametrize("name", [LeverName.ADD_SHIFT, LeverName.FIX_MACHINES, LeverName.RESTORE_FEED])
def test_a_day_keeps_its_seconds(world: RecourseWorld, name: LeverName) -> None:
    firm = world.firms[0]
    before, after = firm.told.machine_days, pulled(firm, name, 0.3).machine_days
    both = before.merge(after, on=["machine_uid", "day"], suffixes=("", "_after"))
    assert len(both) == len(before)
    seconds = both[list(ELEMENTS)].sum(axis=1)
    np.testing.assert_allclose(both[[f"{name}_after" for name in ELEMENTS]].sum(axis=1), seconds, atol=1e-6)
    assert (after[list(ELEMENTS)] >= -1e-6).all(axis=None)
    assert (both["executing_seconds_after"] >= both["executing_seconds"] - 1e-6).all()


def test_a_shift_is_worked_shipped_invoiced_and_metered(world: RecourseWorld) -> None:
    firm = world.firms[1]
    told = pulled(firm, LeverName.ADD_SHIFT, 0.3)
    made = telemetry.longer_days(firm.told, 0.3, DAYS)
    assert made.parts > 0
    sent = [rows.ledgers[RecordKind.DELIVERY]["parts"].sum() for rows in (firm.told, told)]
    assert sent[1] - sent[0] == pytest.approx(made.parts, abs=14)  # weeks are rounded to whole parts
    assert papers.open_parts(told) == pytest.approx(papers.open_parts(firm.told) - (sent[1] - sent[0]), abs=1)
    billed = [rows.ledgers[RecordKind.INVOICE]["amount_minor"].sum() for rows in (firm.told, told)]
    assert billed[1] > billed[0]
    drawn = [rows.ledgers[RecordKind.ENERGY_BILL]["energy_kwh"].sum() for rows in (firm.told, told)]
    assert drawn[1] - drawn[0] <= made.more["energy_kwh"].sum() + 1e-6
    assert drawn[1] > drawn[0]


def test_without_open_orders_there_is_no_further_shift(world: RecourseWorld) -> None:
    firm = world.firms[1]
    orders = firm.told.ledgers[RecordKind.PURCHASE_ORDER]
    assert (
        LEVERS[LeverName.ADD_SHIFT].change(firm.told.with_ledger(RecordKind.PURCHASE_ORDER, orders[:0]), 0.3, DAYS)
        is None
    )


def test_faults_do_not_happen_and_hours_do_not_pass_the_day(world: RecourseWorld) -> None:
    firm = world.firms[0]
    recent = telemetry.recent_rows(firm.told, DAYS)
    before = firm.told.machine_days[recent]
    after = pulled(firm, LeverName.FIX_MACHINES, 0.6).machine_days[recent]
    assert after["fault_seconds"].sum() == pytest.approx(0.4 * before["fault_seconds"].sum())
    assert after["fault_starts"].sum() < before["fault_starts"].sum()


def test_the_feed_is_restored_by_a_share(world: RecourseWorld) -> None:
    firm = world.firms[0]
    (half, whole) = firm.snapshots([pulled(firm, LeverName.RESTORE_FEED, strength) for strength in (0.5, 1.0)])
    told = [item.values["coverage_90d"].value for item in (firm.base, half, whole)]
    assert told == sorted(told)
    assert told[0] < told[2]


def test_buyers_share_and_pay(world: RecourseWorld) -> None:
    firm = world.firms[2]
    spread, paid = firm.snapshots(
        [pulled(firm, LeverName.DIVERSIFY_BUYERS, 0.5), pulled(firm, LeverName.COLLECT_OVERDUE, 1.0)]
    )
    assert spread.values["buyer_hhi_365d"].value < firm.base.values["buyer_hhi_365d"].value  # type: ignore[operator]
    assert paid.values["overdue_share_90d"].value < firm.base.values["overdue_share_90d"].value  # type: ignore[operator]
    assert (
        spread.values["operating_rate_90d"]
        == paid.values["operating_rate_90d"]
        == firm.base.values["operating_rate_90d"]
    )


def test_honest_levers_raise_no_finding_that_needs_an_explanation(world: RecourseWorld) -> None:
    terms = recourse_terms(shipped_terms().at(world.firms[0].base.as_of))
    for firm in world.firms:
        changed = [
            told
            for name, days in product(LEVERS, terms.held_days)
            if (told := LEVERS[name].change(firm.told, terms.levers[name].strengths[0], days)) is not None
        ]
        for found in firm.snapshots(changed):
            assert not found.data_trust.at_least(Severity.MODERATE)
