"""Every comparison that looks for days told twice, of one set of day vectors."""

from __future__ import annotations

from features.data_trust.codes import TrustCode
from features.data_trust.exact_days import exactly_replayed_days
from features.data_trust.measured import Check, Measured
from features.data_trust.told import Told
from features.data_trust.traces import cloned_days, days_of, replayed_days
from features.history import Level


def repeated_days(told: Told) -> dict[Check, Measured]:
    """Replays of machines, exact replays of obligors, and clones within an obligor."""
    days = days_of(told)
    return {
        Check(TrustCode.REPLAYED_DAYS, Level.MACHINE): replayed_days(told, days),
        Check(TrustCode.REPLAYED_DAYS, Level.OBLIGOR): exactly_replayed_days(told, days),
        Check(TrustCode.CLONED_DAYS, Level.MACHINE): cloned_days(told, days),
    }
