"""Clocks of gateways: samples that were known before they say they happened."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING

from features.data_trust.codes import TrustCode
from features.trust import Severity, TrustFinding

if TYPE_CHECKING:
    from data_contracts.observations.quality import SampledDay

CLOCK_DAYS = 90
"""Days before `as_of` whose samples are looked at."""
AHEAD_SECONDS = 60.0
"""A crystal gains no more between two settings, and no uplink is faster than light."""
SEVERAL_DAYS = 3
"""From so many days on a clock that runs ahead needs an explanation."""


def clocks_ahead(days: Iterable[SampledDay]) -> list[TrustFinding]:
    """A finding for each machine with days on which a sample was recorded more than `AHEAD_SECONDS` before its own
    stamp: its clock ran ahead, or was set ahead, then. Clocks that ran further ahead were turned away at admission."""
    ahead: dict[str, list[SampledDay]] = defaultdict(list)
    for day in days:
        if day.skew_seconds > AHEAD_SECONDS:
            ahead[day.machine_uid].append(day)
    return [
        TrustFinding(
            code=TrustCode.CLOCK_AHEAD,
            severity=Severity.MODERATE if len(found) >= SEVERAL_DAYS else Severity.NOTE,
            machine_uid=found[0].machine_uid,
            since=min(day.day for day in found),
            evidence={"days": len(found), "most_seconds_ahead": max(day.skew_seconds for day in found)},
        )
        for _, found in sorted(ahead.items())
    ]
