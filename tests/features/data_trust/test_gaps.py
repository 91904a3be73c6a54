"""A gap gets the cause that its evidence names; only what the obligor alone cannot make is external."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from features.data_trust.gaps import (
    CAUSES,
    NO_GAP,
    GapCause,
    GapEvidence,
    GapRules,
    Heartbeat,
    classify_gaps,
    is_external,
)

RULES = GapRules(others_at_least=5, others_share=0.3, meter_still_ratio=0.25, plan_ended_days=30)
DAYS = 40
DAY = 20


def evidence(**of_the_day: Any) -> GapEvidence:
    """One obligor with two machines, of which the first is silent on `DAY` and nothing else is told; with changes there."""
    site = (1, DAYS)
    found = GapEvidence(
        unobserved=np.zeros((2, DAYS)),
        heard=np.ones((2, DAYS), dtype=np.bool_),
        owner=np.zeros(2, dtype=np.int64),
        sold_seconds=np.zeros((2, DAYS)),
        power_notice=np.zeros(site, dtype=np.bool_),
        heartbeat=np.zeros(site, dtype=np.int64),
        others_lost=np.zeros(site, dtype=np.int64),
        others_power_lost=np.zeros(site, dtype=np.int64),
        others=np.full(site, 20),
        meter_ratio=np.full(site, np.nan),
        is_rest=np.zeros(site, dtype=np.bool_),
        is_holiday=np.zeros(site, dtype=np.bool_),
        heard_before=np.ones(site, dtype=np.bool_),
    )
    found.unobserved[0, DAY], found.heard[0, DAY] = 86_400, False
    if of_the_day.pop("site_silent", False):
        found.unobserved[1, DAY], found.heard[1, DAY] = 86_400, False
    for name, value in of_the_day.items():
        getattr(found, name)[0, DAY] = value
    return found


@pytest.mark.parametrize(
    ("told", "cause", "external"),
    [
        ({}, "gateway", False),
        ({"site_silent": True}, "unclassified", False),
        ({"site_silent": True, "heartbeat": Heartbeat.PRESENT}, "gateway", False),
        ({"site_silent": True, "heartbeat": Heartbeat.LOST}, "unclassified", False),
        ({"site_silent": True, "heartbeat": Heartbeat.LOST, "others_lost": 5}, "unclassified", False),
        ({"site_silent": True, "heartbeat": Heartbeat.LOST, "others_lost": 6}, "network", True),
        ({"site_silent": True, "heartbeat": Heartbeat.LOST, "others_lost": 4, "others": 4}, "unclassified", False),
        ({"site_silent": True, "others_lost": 20}, "unclassified", False),
        ({"site_silent": True, "heartbeat": Heartbeat.POWER_LOST}, "unclassified", False),
        ({"site_silent": True, "heartbeat": Heartbeat.POWER_LOST, "others_power_lost": 6}, "power_cut", True),
        ({"site_silent": True, "power_notice": True}, "power_cut", True),
        ({"site_silent": True, "is_rest": True}, "shop_closed", False),
        ({"site_silent": True, "meter_ratio": 0.1}, "shop_closed", False),
        ({"site_silent": True, "meter_ratio": 0.9}, "unclassified", False),
        ({"is_rest": True}, "gateway", False),
        ({"sold_seconds": 86_400.0}, "machine_sold", True),
        ({"sold_seconds": 86_400.0, "power_notice": True}, "machine_sold", True),
        ({"sold_seconds": 43_200.0}, "gateway", False),
        ({"site_silent": True, "is_holiday": True}, "shop_closed", False),
        ({"is_holiday": True}, "gateway", False),
    ],
)  # fmt: skip
def test_a_gap_has_the_cause_that_its_evidence_names(told: dict[str, Any], cause: str, external: bool) -> None:
    found = classify_gaps(evidence(**told), RULES)
    assert CAUSES[found[0, DAY]] == cause
    assert bool(is_external(found)[0, DAY]) is external
    assert (np.delete(found, DAY, axis=1) == NO_GAP).all()


def test_a_month_of_silence_with_the_meter_drawing_is_a_plan_that_ended() -> None:
    found = evidence()
    found.unobserved[:, 8:], found.heard[:, 8:] = 86_400, False
    drawing = replace(found, meter_ratio=np.ones((1, DAYS)))
    assert {CAUSES[code] for code in classify_gaps(drawing, RULES)[:, 8:].ravel()} == {GapCause.PLAN_ENDED}
    never = replace(drawing, heard_before=np.zeros((1, DAYS), dtype=np.bool_))
    assert {CAUSES[code] for code in classify_gaps(never, RULES)[:, 8:].ravel()} == {GapCause.UNCLASSIFIED}
    found.heard[1, 12] = True
    shorter = replace(found, meter_ratio=np.ones((1, DAYS)))
    assert CAUSES[classify_gaps(shorter, RULES)[0, 30]] is GapCause.UNCLASSIFIED


def test_no_evidence_of_an_obligors_own_makes_a_gap_external() -> None:
    random = np.random.default_rng(2)
    for _ in range(200):
        own = {
            "site_silent": bool(random.random() < 0.5),
            "heartbeat": int(random.integers(4)),
            "meter_ratio": float(random.choice([np.nan, 0.1, 1.0])),
            "is_rest": bool(random.random() < 0.5),
        }
        assert not is_external(classify_gaps(evidence(**own), RULES)).any(), own
