"""Dead sensor or dead shop: why nothing was observed, as far as somebody else's word tells.

Each machine-day with a gap gets one cause, by the first evidence that fits. Evidence is *independent* where the
obligor alone cannot make it: the register of sales, a notice of the grid, and what the platform hears of many other
firms at the same time. Only a cause that rests on it is external; the monitor's word on the firm's own gateways is not
independent, because whoever pulls a plug writes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum

import numpy as np
from numpy.typing import NDArray

from features.history import Array

Flags = NDArray[np.bool_]


class GapCause(StrEnum):
    """Why a machine-day has a gap."""

    MACHINE_SOLD = "machine_sold"
    POWER_CUT = "power_cut"
    NETWORK = "network"
    SHOP_CLOSED = "shop_closed"
    PLAN_ENDED = "plan_ended"
    GATEWAY = "gateway"
    UNCLASSIFIED = "unclassified"


CAUSES = tuple(GapCause)
NO_GAP = -1
EXTERNAL = frozenset({GapCause.MACHINE_SOLD, GapCause.POWER_CUT, GapCause.NETWORK})
"""Causes that are only given on independent evidence."""


class Heartbeat(IntEnum):
    """What the platform's monitor heard of a firm's gateways on a day."""

    NOT_TOLD = 0
    PRESENT = 1
    LOST = 2
    POWER_LOST = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class GapRules:
    """From `features/parameters/gap_rules.yaml`: how many other firms must fall silent on the same day, and what share
    of those that are listened to; below which share of its usual draw a meter stands still; after how many silent days
    a data plan counts as ended."""

    others_at_least: int
    others_share: float
    meter_still_ratio: float
    plan_ended_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GapEvidence:
    """What is known of gaps, by unit and day unless said otherwise.

    `unobserved` seconds and `heard` (anything was observed) are of machines, whose owner among the units is `owner`;
    so are `sold_seconds`, the part of the gap in which what is silent had been sold. `meter_ratio` is the site meter's
    draw against its usual, NaN where no meter tells; `is_rest` a weekday on which the firm rests, `is_holiday` one on
    which its country does; `heard_before` says that something of the unit was heard on an earlier day. `others_lost`
    and `others_power_lost` count the other firms whose gateways fell silent, of `others` listened to.
    """

    unobserved: Array
    heard: Flags
    owner: NDArray[np.int64]
    sold_seconds: Array
    power_notice: Flags
    heartbeat: NDArray[np.int64]
    others_lost: NDArray[np.int64]
    others_power_lost: NDArray[np.int64]
    others: NDArray[np.int64]
    meter_ratio: Array
    is_rest: Flags
    is_holiday: Flags
    heard_before: Flags


def classify_gaps(evidence: GapEvidence, rules: GapRules) -> NDArray[np.int8]:
    """The position in `CAUSES` of each machine-day's cause: (machine, day); `NO_GAP` where there is none."""
    conditions = _conditions(evidence, rules)
    cause = np.full(evidence.unobserved.shape, CAUSES.index(GapCause.UNCLASSIFIED), dtype=np.int8)
    for name, applies in reversed(conditions):
        cause[applies] = CAUSES.index(name)
    cause[evidence.unobserved <= 0] = NO_GAP
    return cause


def is_external(cause: NDArray[np.int8]) -> Flags:
    """Whether each cause rests on independent evidence."""
    return np.isin(cause, [CAUSES.index(name) for name in EXTERNAL])


def external_seconds(cause: NDArray[np.int8], evidence: GapEvidence) -> Array:
    """Unobserved seconds that independent evidence explains: all of a gap with an external cause, of others the part
    that had been sold."""
    return np.where(is_external(cause), evidence.unobserved, np.minimum(evidence.sold_seconds, evidence.unobserved))


def _conditions(evidence: GapEvidence, rules: GapRules) -> list[tuple[GapCause, Flags]]:
    """Each cause with the machine-days to which its evidence applies, in order of precedence."""
    of_owner = evidence.owner
    beat = evidence.heartbeat[of_owner]
    site_silent = ~_any_heard(evidence)[of_owner]
    rests = (evidence.is_rest | evidence.is_holiday)[of_owner]
    still = (evidence.meter_ratio < rules.meter_still_ratio)[of_owner]
    draws = (evidence.meter_ratio >= rules.meter_still_ratio)[of_owner]
    return [
        (GapCause.MACHINE_SOLD, evidence.sold_seconds >= evidence.unobserved),
        (GapCause.POWER_CUT, evidence.power_notice[of_owner]),
        (
            GapCause.POWER_CUT,
            (beat == Heartbeat.POWER_LOST) & _many(evidence.others_power_lost, evidence, rules)[of_owner],
        ),
        (GapCause.NETWORK, (beat == Heartbeat.LOST) & _many(evidence.others_lost, evidence, rules)[of_owner]),
        (GapCause.SHOP_CLOSED, site_silent & (rests | still)),
        (GapCause.PLAN_ENDED, _plan_ended(evidence, rules)[of_owner] & draws),
        (GapCause.GATEWAY, (beat == Heartbeat.PRESENT) | ~site_silent),
    ]


def _many(silent: NDArray[np.int64], evidence: GapEvidence, rules: GapRules) -> Flags:
    return np.asarray((silent >= rules.others_at_least) & (silent >= rules.others_share * evidence.others))


def _any_heard(evidence: GapEvidence) -> Flags:
    """Whether any machine of a unit was heard of on a day."""
    heard = np.zeros(evidence.heartbeat.shape, dtype=np.bool_)
    np.logical_or.at(heard, evidence.owner, evidence.heard)
    return heard


def _plan_ended(evidence: GapEvidence, rules: GapRules) -> Flags:
    """Long silences of units that were heard of before: a plan that never began cannot end."""
    return np.asarray((_silent_days(evidence) >= rules.plan_ended_days) & evidence.heard_before)


def _silent_days(evidence: GapEvidence) -> NDArray[np.int64]:
    """Length of the run of wholly silent days of a unit that each day lies in; 0 on others."""
    silent = ~_any_heard(evidence)
    run = np.zeros(silent.shape, dtype=np.int64)
    for day in range(silent.shape[1]):
        run[:, day] = np.where(silent[:, day], (run[:, day - 1] if day else 0) + 1, 0)
    for day in range(silent.shape[1] - 2, -1, -1):
        goes_on = silent[:, day] & silent[:, day + 1]
        run[:, day] = np.where(goes_on, run[:, day + 1], run[:, day])
    return run
