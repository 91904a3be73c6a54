"""Machines and months as they are answered."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import Field

from api.http.shapes import FeatureTold, SnapshotNote, Told


class MachineTold(Told):
    """A machine, when the obligor owned it last, of which type it is, what it is worth, and its features (none where it
    is not known)."""

    machine_uid: str
    owned_from: datetime | None
    owned_until: datetime | None
    install_date: date | None
    asset_value_minor: int | None
    currency: str | None
    machine_type: str | None = Field(description="of GB/T 14885-2022; null where nobody said")
    features: dict[str, FeatureTold]


class MachineList(Told):
    """A page of machines, in order of their names."""

    data: list[MachineTold]
    next_cursor: str | None
    snapshot: SnapshotNote
    livemode: bool


class MonthTold(Told):
    """A calendar month of the obligor's site over all its machines; null where nothing says."""

    month: date = Field(description="its first day")
    complete_days: int
    power_on_rate: float | None
    operating_rate: float | None
    coverage: float | None
    energy_kwh: float | None
    fault_starts: int | None


class MonthsAnswer(Told):
    """The last twelve months, the earliest first."""

    months: list[MonthTold]
    snapshot: SnapshotNote
    livemode: bool
