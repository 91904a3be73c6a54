"""Leased machines: whether each is where it belongs, whether it works, what it owes, and what ending it early costs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from scoring.money import to_minor

EARTH_RADIUS_M = 6_371_008.8
"""Mean radius (IUGG)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """A circle in which a machine is to stay: degrees and metres."""

    latitude_deg: float
    longitude_deg: float
    radius_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """Where a machine was on a day."""

    day: date
    latitude_deg: float
    longitude_deg: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A machine outside its fence: since when, on how many days, and how far at most."""

    since: date
    days: int
    farthest_m: float


class UseAndPay(StrEnum):
    """What arrears and use say together: the same arrears mean different things of a busy and of an idle machine."""

    SOUND = "sound"
    IDLE = "idle"
    BUSY_IN_ARREARS = "busy_in_arrears"
    IDLE_IN_ARREARS = "idle_in_arrears"
    SILENT_IN_ARREARS = "silent_in_arrears"
    SILENT = "silent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A lease on a day: level rentals that are left, what is overdue, the nominal annual rate, the value that the
    machine is to have at the end, and what it would fetch today."""

    rental_minor: int
    rentals_left: int
    overdue_minor: int
    annual_rate_ratio: Decimal
    residual_minor: int
    sale_value_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlyEnd:
    """Ending a lease today, line by line: lines sum to `due_minor`, which is negative where the lessee is owed."""

    overdue_minor: int
    rentals_today_minor: int
    residual_today_minor: int
    sale_value_minor: int

    @property
    def due_minor(self) -> int:
        """What the lessee owes once the machine is sold."""
        return self.overdue_minor + self.rentals_today_minor + self.residual_today_minor - self.sale_value_minor


def distance_m(one: Fence | Fix, other: Fence | Fix) -> float:
    """Great-circle distance in metres (haversine)."""
    lat1, lat2 = math.radians(one.latitude_deg), math.radians(other.latitude_deg)
    half = (lat2 - lat1) / 2
    across = math.radians(other.longitude_deg - one.longitude_deg) / 2
    chord = math.sin(half) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin(across) ** 2
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(chord)))


def moved(fence: Fence, fixes: Sequence[Fix], values: Mapping[str, Any]) -> Moved | None:
    """Whether the last fixes, on enough days in a row, all lie outside the fence; one stray fix moves no machine."""
    terms = values["collateral"]["lease"]
    outside: list[tuple[date, float]] = []
    for fix in sorted(fixes, key=lambda fix: fix.day):
        away = distance_m(fence, fix) - fence.radius_m
        outside = [*outside, (fix.day, away)] if away > terms["fence_tolerance_m"] else []
    days = {day for day, _ in outside}
    if len(days) < terms["moved_days"]:
        return None
    return Moved(since=min(days), days=len(days), farthest_m=max(away for _, away in outside) + fence.radius_m)


def use_and_pay(
    *, overdue_minor: int, recent_hours: float | None, usual_hours: float | None, values: Mapping[str, Any]
) -> UseAndPay:
    """Arrears and use together; hours are None where the machine was not observed."""
    is_late = overdue_minor > 0
    if recent_hours is None or usual_hours is None:
        return UseAndPay.SILENT_IN_ARREARS if is_late else UseAndPay.SILENT
    is_idle = recent_hours < values["collateral"]["lease"]["idle_ratio"] * usual_hours
    if is_late:
        return UseAndPay.IDLE_IN_ARREARS if is_idle else UseAndPay.BUSY_IN_ARREARS
    return UseAndPay.IDLE if is_idle else UseAndPay.SOUND


def early_end(lease: Lease) -> EarlyEnd:
    """What ending the lease today comes to: everything that is left, discounted at the lease's own rate."""
    monthly = lease.annual_rate_ratio / 12
    discount = [(1 + monthly) ** -month for month in range(1, lease.rentals_left + 1)]
    at_end = discount[-1] if discount else Decimal(1)
    return EarlyEnd(
        overdue_minor=lease.overdue_minor,
        rentals_today_minor=to_minor(lease.rental_minor * sum(discount, Decimal(0))),
        residual_today_minor=to_minor(lease.residual_minor * at_end),
        sale_value_minor=lease.sale_value_minor,
    )
