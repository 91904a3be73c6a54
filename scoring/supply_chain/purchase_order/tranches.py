"""Tranches of an order: each milestone releases one, or holds it and says on what.

Everything is cumulative: a tranche pays what may be drawn in all by now less what was drawn. So nothing is paid twice
however often it is asked, and a later milestone makes up for an earlier one that was held.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from enum import StrEnum
from typing import Any

from scoring.money import exact
from scoring.supply_chain.purchase_order.forecast import Forecast
from scoring.supply_chain.purchase_order.order import Milestone, OrderFile, Seen, Status
from scoring.supply_chain.purchase_order.progress import Progress, progress


class Tranche(StrEnum):
    """What is paid on: an accepted order, its start, earned output, and what three papers agree was shipped."""

    ACCEPTED = "accepted"
    STARTED = "started"
    EARNED = "earned"
    SHIPPED = "shipped"


class Hold(StrEnum):
    """Why a tranche is not released."""

    MILESTONE_OPEN = "milestone_open"
    MILESTONE_CONTRADICTED = "milestone_contradicted"
    PROGRESS_UNKNOWN = "progress_unknown"
    WITNESSES_DISAGREE = "witnesses_disagree"
    STOP_LOSS = "stop_loss"
    FORECAST_UNKNOWN = "forecast_unknown"
    COST_CAP = "cost_cap"
    ALREADY_DRAWN = "already_drawn"


NEEDED: Mapping[Tranche, Sequence[Milestone]] = {
    Tranche.ACCEPTED: (Milestone.ACCEPTED,),
    Tranche.STARTED: (Milestone.ACCEPTED, Milestone.MATERIAL, Milestone.STARTED),
    Tranche.EARNED: (Milestone.ACCEPTED, Milestone.STARTED),
    Tranche.SHIPPED: (Milestone.ACCEPTED, Milestone.INSPECTED, Milestone.SHIPPED, Milestone.INVOICED),
}
"""Milestones that a tranche needs. Earned output is itself the evidence that material came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrancheTerms:
    """Parameter `purchase_order`."""

    advance: Mapping[Tranche, Decimal]
    norm_tolerance: float
    stop_loss_probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TrancheFinding:
    """One tranche: what may be drawn in all by it, or why it is held; and what either rests on."""

    tranche: Tranche
    entitled_minor: int
    holds: Sequence[Hold]
    evidence: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What is recommended to pay now, tranche by tranche; `exposure_minor` what would then be drawn in all."""

    release_minor: int
    exposure_minor: int
    tranches: Sequence[TrancheFinding]
    progress: Progress
    holds: Sequence[Hold]


def tranche_terms(values: Mapping[str, Any]) -> TrancheTerms:
    """The terms of parameter `purchase_order`."""
    told = values["purchase_order"]
    return TrancheTerms(
        advance={tranche: exact(told["advance"][tranche.value]) for tranche in Tranche},
        norm_tolerance=told["norm_tolerance"],
        stop_loss_probability=told["stop_loss_probability"],
    )


def release(file: OrderFile, forecast: Forecast | None, terms: TrancheTerms) -> Release:
    """What may be paid on an order now. Stop-loss holds everything once work has begun; before, no forecast is due."""
    made = progress(file.order, file.work, tolerance=terms.norm_tolerance)
    tranches = tuple(_examine(tranche, file, made, terms) for tranche in Tranche)
    entitled = max(item.entitled_minor for item in tranches)
    holds = []
    if file.cost_minor is not None and entitled > file.cost_minor:
        entitled = file.cost_minor
        holds.append(Hold.COST_CAP)
    holds += _stops(file, forecast, made, terms)
    payable = max(0, entitled - file.drawn_minor)
    if not payable and not holds and file.drawn_minor:
        holds.append(Hold.ALREADY_DRAWN)
    is_stopped = Hold.STOP_LOSS in holds or Hold.FORECAST_UNKNOWN in holds
    paid = 0 if is_stopped else payable
    return Release(
        release_minor=paid,
        exposure_minor=file.drawn_minor + paid,
        tranches=tranches,
        progress=made,
        holds=tuple(holds),
    )


def _examine(tranche: Tranche, file: OrderFile, made: Progress, terms: TrancheTerms) -> TrancheFinding:
    seen = [file.seen.get(milestone, Seen(status=Status.OPEN)) for milestone in NEEDED[tranche]]
    holds = _held(seen)
    share: Decimal | None = Decimal(1)
    if tranche is Tranche.EARNED:
        share = None if made.verified is None else exact(made.verified)
        holds += [Hold.PROGRESS_UNKNOWN] if share is None else []
        holds += [Hold.WITNESSES_DISAGREE] if made.is_contradicted else []
    elif tranche is Tranche.SHIPPED:
        share = _three_way(file, made)
    entitled = Decimal(0) if holds or share is None else terms.advance[tranche] * share * file.order.amount_minor
    return TrancheFinding(
        tranche=tranche,
        entitled_minor=int(entitled.to_integral_value(rounding=ROUND_FLOOR)),
        holds=tuple(holds),
        evidence=tuple(name for item in seen for name in item.evidence),
    )


def _held(seen: Sequence[Seen]) -> list[Hold]:
    found = {item.status for item in seen}
    holds = [Hold.MILESTONE_CONTRADICTED] if Status.CONTRADICTED in found else []
    return holds + ([Hold.MILESTONE_OPEN] if Status.OPEN in found else [])


def _three_way(file: OrderFile, made: Progress) -> Decimal:
    """The share of the order on which delivery, invoice and inspection agree; and no more than the machines made, where
    they tell."""
    least = Decimal(min(file.shipped_minor, file.invoiced_minor)) / file.order.amount_minor
    if file.inspected_units is not None:
        least = min(least, Decimal(file.inspected_units) / file.order.units)
    if made.verified is not None:
        least = min(least, exact(made.verified))
    return min(least, Decimal(1))


def _stops(file: OrderFile, forecast: Forecast | None, made: Progress, terms: TrancheTerms) -> list[Hold]:
    """Whether the order, or a call-off of it, is too late to go on with: asked from its start until all is made."""
    has_begun = file.seen.get(Milestone.STARTED, Seen(status=Status.OPEN)).status is Status.MET
    if not has_begun or made.verified == 1.0 or file.shipped_minor >= file.order.amount_minor:
        return []
    if forecast is None:
        return [Hold.FORECAST_UNKNOWN]
    least = terms.stop_loss_probability
    is_late = forecast.probability_on_time < least or forecast.next_missed(least) is not None
    return [Hold.STOP_LOSS] if is_late else []
