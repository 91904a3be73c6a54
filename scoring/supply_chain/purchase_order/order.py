"""An order that is financed, and what was seen of it: its milestones, and the work that machines did on it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from scoring.supply_chain.purchase_order.schedule import Schedule


class Milestone(StrEnum):
    """The way of an order, in order."""

    ACCEPTED = "accepted"
    MATERIAL = "material"
    STARTED = "started"
    EARNED = "earned"
    INSPECTED = "inspected"
    SHIPPED = "shipped"
    INVOICED = "invoiced"


class Status(StrEnum):
    """How a milestone stands: seen, not seen yet, or contradicted by something that was seen."""

    MET = "met"
    OPEN = "open"
    CONTRADICTED = "contradicted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order with the norms of its part: `kwh_per_unit` and `hours_per_unit` of executing are what one good part
    takes, None where nobody knows. What was made before the local day `placed_on` is no work on it. `norm_days` is on
    how many days runs of the part itself were told, and `norm_own_weight` how far the norms are the part's own, the
    rest being those of all that the firm makes."""

    order_id: str
    part_number: str
    placed_on: date
    units: int
    amount_minor: int
    currency: str
    due_on: date
    kwh_per_unit: float | None
    hours_per_unit: float | None
    norm_days: int = 0
    norm_own_weight: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What was done on an order: good parts counted, energy drawn while executing, hours executed. None is not told."""

    units: float | None
    kwh: float | None
    hours: float | None


NO_WORK = Work(units=None, kwh=None, hours=None)


def work_of(units: float, kwh: float, hours: float) -> Work:
    """Work as sums of frames tell it, NaN where nothing was told."""
    known = [None if math.isnan(amount) else float(amount) for amount in (units, kwh, hours)]
    return Work(units=known[0], kwh=known[1], hours=known[2])


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One milestone with the evidence that it rests on: names of records, findings or machine-days."""

    status: Status
    evidence: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFile:
    """Everything that a tranche is released or held on.

    `inspected_units`, `shipped_minor` and `invoiced_minor` are totals so far; `drawn_minor` what was paid on the order
    and on its invoices until now; `work_by_job` the part of `work` that production runs tell of this order, the rest
    being its share in days of which none are told; `cost_minor` what making the whole order costs, None where it is not
    known; `schedule` on which days parts of it are due, None where nobody tells.
    """

    order: Order
    seen: Mapping[Milestone, Seen]
    work: Work
    inspected_units: int | None
    shipped_minor: int
    invoiced_minor: int
    drawn_minor: int
    cost_minor: int | None
    work_by_job: Work = NO_WORK
    schedule: Schedule | None = None
