"""One exposure through its life: drawn on an order, carried over into the receivable that the order became, repaid.

Carrying over moves an amount; it never adds one. What is owed is at all times what was drawn less what was repaid and
written off.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any

from scoring.errors import InvalidRequest
from scoring.money import exact, to_minor
from scoring.supply_chain.purchase_order.order import Milestone


class EventKind(StrEnum):
    """What happens to an exposure."""

    DRAWN = "drawn"
    CARRIED_OVER = "carried_over"
    REPAID = "repaid"
    WRITTEN_OFF = "written_off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One happening, in order of time."""

    kind: EventKind
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """What is owed on the order and on its receivables; together they are the one exposure."""

    on_order_minor: int = 0
    on_receivables_minor: int = 0
    drawn_minor: int = 0
    repaid_minor: int = 0
    written_off_minor: int = 0

    @property
    def total_minor(self) -> int:
        """What is owed in all."""
        return self.on_order_minor + self.on_receivables_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedLoss:
    """Exposure at default and expected loss at the stage that an order has reached."""

    stage: Milestone
    lgd: Decimal
    exposure_at_default_minor: int
    expected_loss_minor: int


def exposure_of(events: Iterable[Event]) -> Exposure:
    """The exposure after these events. Raises InvalidRequest where one moves more than there is."""
    now = Exposure()
    for event in events:
        now = _after(now, event)
    return now


def staged_loss(
    exposure: Exposure, stage: Milestone, *, undrawn_committed_minor: int, pd: float, values: Mapping[str, Any]
) -> StagedLoss:
    """EAD is what is owed and what must still be paid; PD x LGD of the stage x EAD is expected to be lost."""
    lgd = exact(values["purchase_order"]["lgd"][stage.value])
    at_default = exposure.total_minor + undrawn_committed_minor
    return StagedLoss(
        stage=stage,
        lgd=lgd,
        exposure_at_default_minor=at_default,
        expected_loss_minor=to_minor(exact(pd) * lgd * at_default),
    )


def _after(now: Exposure, event: Event) -> Exposure:
    amount = event.amount_minor
    if amount < 0:
        raise InvalidRequest(f"{event.kind.value} of {amount} is negative.", hint="Name another kind of event.")
    match event.kind:
        case EventKind.DRAWN:
            return replace(now, on_order_minor=now.on_order_minor + amount, drawn_minor=now.drawn_minor + amount)
        case EventKind.CARRIED_OVER:
            _require(event, amount, now.on_order_minor, "is owed on the order")
            return replace(
                now,
                on_order_minor=now.on_order_minor - amount,
                on_receivables_minor=now.on_receivables_minor + amount,
            )
        case EventKind.REPAID:
            _require(event, amount, now.total_minor, "is owed")
            return replace(_less(now, amount), repaid_minor=now.repaid_minor + amount)
        case EventKind.WRITTEN_OFF:
            _require(event, amount, now.total_minor, "is owed")
            return replace(_less(now, amount), written_off_minor=now.written_off_minor + amount)


def _less(now: Exposure, amount: int) -> Exposure:
    """What is paid comes off the receivables first: that is where the money comes from."""
    first = min(amount, now.on_receivables_minor)
    return replace(
        now,
        on_receivables_minor=now.on_receivables_minor - first,
        on_order_minor=now.on_order_minor - (amount - first),
    )


def _require(event: Event, amount: int, available: int, what: str) -> None:
    if amount > available:
        raise InvalidRequest(
            f"{event.kind.value} of {amount:,} exceeds the {available:,} that {what}.",
            hint="Check the order of events.",
        )
