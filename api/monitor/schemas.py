"""The register of outcomes as it is told."""

from __future__ import annotations

from datetime import datetime

from api.http.shapes import Told


class VintageTold(Told):
    """Decisions of one month: what was advised and reported, and, of those whose year is over, promised and seen."""

    vintage: str
    decisions: int
    approve: int
    refer: int
    decline: int
    overridden: int
    reported_granted: int
    reported_not_granted: int
    reported_defaulted: int
    reported_repaid: int
    reported_disputed: int
    reported_dispute_upheld: int
    reported_dispute_dismissed: int
    rows: int
    defaults: int
    mean_pd: float | None
    default_rate: float | None
    actual_to_expected: float | None
    optimism: float | None


class OutcomeRegister(Told):
    """The partner's decisions by the month that they were made in."""

    as_of: datetime
    vintages: list[VintageTold]
    livemode: bool
