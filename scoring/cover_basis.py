"""What stands behind a question about cover: the decision on a facility, and warranties that pay first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from data_contracts.identifiers import DecisionId, MachineUid


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidedFacility:
    """A facility as a decision priced it: what is owed at most, its months, and the loss given default."""

    decision_id: DecisionId
    lgd_ratio: float
    exposure_at_default_minor: int
    currency: str
    tenor_months: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldWarranty:
    """A machine that a policy of the same insurer has under warranty, on the days `starts` to `ends` (inclusive, its
    waiting period over)."""

    policy_id: str
    machine_uid: MachineUid
    starts: date
    ends: date
