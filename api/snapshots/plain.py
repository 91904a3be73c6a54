"""What answers say of the snapshot that they rest on."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from features.snapshot import FeatureSnapshot


def age_seconds(as_of: datetime, *, now: datetime) -> int:
    """Whole seconds since the time that a snapshot speaks of."""
    return max(0, int((now - as_of).total_seconds()))


def plain_note(snapshot: FeatureSnapshot, *, now: datetime) -> dict[str, Any]:
    """The snapshot's name, time, age, and how much it knows."""
    return {
        "snapshot_id": snapshot.snapshot_id,
        "as_of": snapshot.as_of.isoformat(),
        "age_seconds": age_seconds(snapshot.as_of, now=now),
        "first_day": snapshot.first_day.isoformat() if snapshot.first_day else None,
        "history_days": snapshot.history_days,
        "coverage_basis": snapshot.coverage_basis,
    }
