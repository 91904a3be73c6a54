"""Levers: what a manufacturer can do, as a change of what its machines and ledgers told over the last days.

The last days stand in for the coming ones: "as if they had been so". A lever keeps its books: what machines make more
is shipped against open orders, invoiced as the firm invoices, and drawn through the site's meter, so that the physics
check finds nothing that an honest firm would not show. Where a lever has no room (no open orders for a further shift)
it gives nothing at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from features.what_if import Told
from scoring.recourse import papers, telemetry

Change = Callable[[Told, float, int], Told | None]
"""What was told, the strength, and for how many of the last days; None where the lever has no room."""


class LeverName(StrEnum):
    """What a manufacturer can do."""

    ADD_SHIFT = "add_shift"
    FIX_MACHINES = "fix_machines"
    RESTORE_FEED = "restore_feed"
    DIVERSIFY_BUYERS = "diversify_buyers"
    COLLECT_OVERDUE = "collect_overdue"


class Works(StrEnum):
    """Through what a lever lowers the figure: the firm's own risk, or what is not known of it."""

    RISK = "risk"
    UNCERTAINTY = "uncertainty"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lever:
    """A lever: what it works through, and the change that it is."""

    name: LeverName
    works: Works
    change: Change


def _add_shift(told: Told, strength: float, days: int) -> Told | None:
    """Longer working days: everything a machine does on a day of work grows by a share, out of the time that it is
    off; as much as there are open orders for."""
    made = telemetry.longer_days(told, strength, days)
    if made.parts > papers.open_parts(told):
        return None
    return papers.booked(made, days) if made.hours > 0 else None


def _fix_machines(told: Told, strength: float, days: int) -> Told | None:
    """A share of the faults never happens: the time becomes work as that day's was, where there are open orders for
    it, else time off."""
    made = telemetry.fewer_faults(told, strength, days, works=True)
    if made.parts > papers.open_parts(told):
        made = telemetry.fewer_faults(told, strength, days, works=False)
    return papers.booked(made, days) if made.freed_seconds > 0 else None


def _restore_feed(told: Told, strength: float, days: int) -> Told | None:
    """A share of the hours that nobody observed is told, and shows what the machine's other hours show."""
    return telemetry.filled_gaps(told, strength, days)


def _diversify_buyers(told: Told, strength: float, days: int) -> Told | None:
    """A share of what the largest buyer owes and ordered of late is that of two new buyers."""
    return papers.spread_over_buyers(told, strength, days)


def _collect_overdue(told: Told, strength: float, days: int) -> Told | None:
    """A share of what is overdue, by age, comes within ten days of its due day."""
    return papers.collected(told, strength, days)


LEVERS: Mapping[LeverName, Lever] = MappingProxyType(
    {
        lever.name: lever
        for lever in (
            Lever(name=LeverName.ADD_SHIFT, works=Works.RISK, change=_add_shift),
            Lever(name=LeverName.FIX_MACHINES, works=Works.RISK, change=_fix_machines),
            Lever(name=LeverName.RESTORE_FEED, works=Works.UNCERTAINTY, change=_restore_feed),
            Lever(name=LeverName.DIVERSIFY_BUYERS, works=Works.RISK, change=_diversify_buyers),
            Lever(name=LeverName.COLLECT_OVERDUE, works=Works.RISK, change=_collect_overdue),
        )
    }
)
"""By name, in the order in which a plan carries them out."""
