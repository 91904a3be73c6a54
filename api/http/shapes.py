"""Forms that requests and answers of several resources share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

OBLIGOR_ID_PATTERN = r"^[0-9A-HJ-NPQRTUWXY]{18}$"
MAXIMUM_AMOUNT_MINOR = 10**15
EARLIEST, LATEST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


class Asked(BaseModel):
    """A request: nothing in it that is not declared, every type as declared."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Told(BaseModel):
    """An answer, as its reader may count on it: every member is always there, and no other."""

    model_config = ConfigDict(extra="forbid")


def _in_utc(instant: datetime) -> datetime:
    try:
        told = instant.astimezone(UTC)
    except OverflowError:
        told = LATEST
    if not EARLIEST <= told < LATEST:
        raise ValueError(f"an instant lies between {EARLIEST:%Y} and {LATEST:%Y}")
    return told


ObligorCode = Annotated[
    str,
    StringConstraints(pattern=OBLIGOR_ID_PATTERN),
    Field(description="Unified social credit code.", examples=["91999999MA0000001N"]),
]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$"), Field(description="ISO 4217.", examples=["CNY"])]
AmountMinor = Annotated[int, Field(ge=1, le=MAXIMUM_AMOUNT_MINOR, description="Minor units of `currency`.")]
UtcInstant = Annotated[AwareDatetime, AfterValidator(_in_utc)]
PartnerName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$")]
PersonName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$"),
    Field(description="A person of the key's owner.", examples=["Li Wei"]),
]
Words = Annotated[
    str,
    StringConstraints(min_length=1, max_length=1000, pattern=r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$"),
]
MachineName = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]


class SnapshotNote(Told):
    """What an answer rests on: the snapshot, the time that it speaks of, and how long ago that was."""

    snapshot_id: str
    as_of: datetime
    age_seconds: int = Field(ge=0)
    first_day: str | None = Field(description="first observed local day")
    history_days: int
    coverage_basis: str


class FeatureTold(Told):
    """One feature: its value, or the reason why there is none; never 0 for unknown."""

    value: float | None
    unit: str
    window_days: int | None
    missing: str | None
    adverse_value: float | None
    favourable_value: float | None
    unexcused_value: float | None
