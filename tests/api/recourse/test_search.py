"""The search is exact: what it offers first is the cheapest point of the whole grid that does, found by trying all."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, product

import pytest
from recourse_world import RecourseWorld, short_terms

from features.what_if import WhatIf
from scoring.records import Outcome
from scoring.recourse.levers import LEVERS, LeverName, Works
from scoring.recourse.promise import corner, missed
from scoring.recourse.reach import NO_PEERS, PeerReach
from scoring.recourse.records import Answer, Recourse
from scoring.recourse.search import _finds_more, find_recourse
from scoring.recourse.terms import RecourseTerms, recourse_terms, shipped_terms


@pytest.fixture(scope="module")
def terms(world: RecourseWorld) -> RecourseTerms:
    return short_terms(world.firms[0].base.as_of)


@pytest.fixture(scope="module")
def found(world: RecourseWorld, terms: RecourseTerms) -> tuple[WhatIf, Recourse]:
    """A firm that levers help, and what was found."""
    for firm in world.firms:
        recourse = find_recourse(firm, world.grounds(firm), terms, NO_PEERS)
        if recourse.answer is Answer.PLANS:
            return firm, recourse
    raise AssertionError("no firm of this world has a plan")


def test_the_first_plan_is_the_cheapest_of_all(
    world: RecourseWorld, terms: RecourseTerms, found: tuple[WhatIf, Recourse]
) -> None:
    firm, recourse = found
    grounds, target = world.grounds(firm), recourse.plans[0].outcome
    does = []
    for count in (1, 2):
        for names in combinations(list(LEVERS), count):
            for strengths in product(*(terms.levers[name].strengths for name in names)):
                told = firm.told
                for name, strength in zip(names, strengths, strict=True):
                    told = told if told is None else LEVERS[name].change(told, strength, 90)
                if told is None:
                    continue
                (snapshot,) = firm.snapshots([told])
                (decision,) = grounds.decisions([snapshot])
                if (
                    decision.outcome.severity <= target.severity
                    and grounds.agreement(snapshot, target, pd_margin=terms.pd_margin) >= terms.least_agreement
                    and not _finds_more(snapshot, firm.base)
                ):
                    effort = sum(terms.effort(name, s, 90) for name, s in zip(names, strengths, strict=True))
                    does.append((effort, snapshot.snapshot_id))
    assert does, "at least the plan found does"
    assert recourse.plans[0].effort == min(effort for effort, _ in does)
    assert {plan.snapshot_id for plan in recourse.plans} <= {snapshot for _, snapshot in does}
    assert recourse.searched.asked <= recourse.searched.grid


def test_plans_are_of_different_levers_and_dated(found: tuple[WhatIf, Recourse], terms: RecourseTerms) -> None:
    firm, recourse = found
    sets = [{step.lever for step in plan.steps} for plan in recourse.plans]
    assert all(not one <= other for one, other in combinations(sets, 2))
    assert [plan.effort for plan in recourse.plans] == sorted(plan.effort for plan in recourse.plans)
    for plan in recourse.plans:
        assert plan.shows_by == max(step.held_until for step in plan.steps)
        assert (plan.good_until - plan.shows_by).days == terms.grace_days
        assert all(step.begins > firm.told.last_day for step in plan.steps)


def test_the_worst_within_the_promise_gets_the_outcome(world: RecourseWorld, found: tuple[WhatIf, Recourse]) -> None:
    firm, recourse = found
    grounds = world.grounds(firm)
    for plan in recourse.plans:
        worst = corner(firm.base, plan.promise)
        (decision,) = grounds.decisions([worst])
        assert decision.outcome.severity <= plan.outcome.severity
        assert missed(plan.promise, firm.base, grounds.values), "the firm as it is does not lie within"


def test_no_lever_goes_beyond_what_most_peers_do(
    world: RecourseWorld, terms: RecourseTerms, found: tuple[WhatIf, Recourse]
) -> None:
    """Peers that all stand where the firm stands leave no room to be better."""
    firm, recourse = found
    gauges = {own.gauge: firm.base.values[own.gauge].value for own in terms.levers.values()}
    reach = PeerReach(firms=40, quantiles={name: (value,) * 21 for name, value in gauges.items() if value is not None})
    bound = find_recourse(firm, world.grounds(firm), terms, reach)
    assert len(bound.plans) < len(recourse.plans) or bound.plans != recourse.plans
    for plan in bound.plans:
        assert all(step.gauge_to == step.gauge_from for step in plan.steps)


def test_what_no_lever_moves_is_said(world: RecourseWorld, terms: RecourseTerms) -> None:
    """Another currency than the parameters': no lever changes that."""
    firm = world.firms[0]
    grounds = world.grounds(firm)
    foreign = replace(grounds, request=replace(grounds.request, currency="USD"))
    recourse = find_recourse(firm, foreign, terms, NO_PEERS)
    assert recourse.answer is Answer.NOT_BY_LEVERS
    assert "C01_currency" in recourse.against


def test_an_approval_needs_no_recourse(world: RecourseWorld, terms: RecourseTerms) -> None:
    for firm in world.firms:
        (decision,) = world.grounds(firm).decisions([firm.base])
        if decision.outcome is Outcome.APPROVE:
            assert find_recourse(firm, world.grounds(firm), terms, NO_PEERS).answer is Answer.NOT_NEEDED


def test_a_lever_that_is_not_offered_is_in_no_plan(
    world: RecourseWorld, terms: RecourseTerms, found: tuple[WhatIf, Recourse]
) -> None:
    firm, recourse = found
    pulled = recourse.plans[0].steps[0].lever
    kept = replace(terms, levers={**terms.levers, pulled: replace(terms.levers[pulled], offered=False)})
    plans = find_recourse(firm, world.grounds(firm), kept, NO_PEERS).plans
    assert all(step.lever is not pulled for plan in plans for step in plan.steps)


def test_the_shipped_terms_offer_the_levers_that_made_firms_safer(world: RecourseWorld) -> None:
    shipped = recourse_terms(shipped_terms().at(world.firms[0].base.as_of)).levers
    on_risk = {name for name, own in shipped.items() if own.offered and LEVERS[name].works is Works.RISK}
    assert on_risk == {LeverName.DIVERSIFY_BUYERS, LeverName.COLLECT_OVERDUE}
