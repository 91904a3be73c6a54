"""When parts of an order are due, and on whose word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Teller(StrEnum):
    """Whose word a schedule is."""

    BUYER = "buyer"
    SUPPLIER = "supplier"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOff:
    """Parts due on a day, and how many of the order are due by then in all, never more than were ordered."""

    call_off_id: str
    due_on: date
    units: int
    units_by_then: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Call-offs of an order by the day on which they are due, and those that name another part than it asks for, which
    are not held against it."""

    told_by: Teller
    call_offs: Sequence[CallOff]
    of_another_part: Sequence[str]

    @property
    def units(self) -> int:
        """Parts called off in all, which may be more than were ordered."""
        return sum(item.units for item in self.call_offs)


def whole_due_on(schedule: Schedule | None, *, units: int, due_on: date) -> date:
    """When the whole of an order is due: on the call-off that completes it; where they leave parts open, on the order's
    own day, or on the last call-off where that is later."""
    if schedule is None or not schedule.call_offs:
        return due_on
    complete = [item.due_on for item in schedule.call_offs if item.units_by_then >= units]
    return complete[0] if complete else max(due_on, schedule.call_offs[-1].due_on)
