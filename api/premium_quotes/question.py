"""What an insurer asks about cover."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from data_contracts.identifiers import DecisionId, MachineUid, ObligorId
from scoring.records import InsuranceProduct


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverQuestion:
    """What an insurer asks; of a guarantee perhaps with its own decision about the facility.

    Without `as_of` the answer rests on the latest stored snapshot, or on a fresh one.
    """

    obligor_id: ObligorId
    product: InsuranceProduct
    sum_insured_minor: int
    currency: str
    starts: date
    ends: date
    machines: Sequence[MachineUid]
    as_of: datetime | None
    is_fresh: bool
    decision_id: DecisionId | None = None
