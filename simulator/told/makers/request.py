"""Samples on demand: which firm's gateways are read, and over which days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from data_contracts.errors import InputError
from data_contracts.identifiers import ObligorId, obligor_id

LONGEST_DAYS = 366


class InvalidSampleRequest(InputError):
    """A request for samples that cannot be met."""

    code = "invalid_sample_request"


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRequest:
    """Samples as the gateways of `obligor` would send them, on all days from `from_date` to `to_date` inclusive."""

    obligor: ObligorId
    from_date: date
    to_date: date

    def __post_init__(self) -> None:
        """Raises InvalidSampleRequest when the period is empty or too long."""
        days = (self.to_date - self.from_date).days + 1
        if not 1 <= days <= LONGEST_DAYS:
            raise InvalidSampleRequest(
                f"Samples from {self.from_date} to {self.to_date} are {days} days.",
                hint=f"Ask for 1 to {LONGEST_DAYS} days; both dates are included.",
            )


def parse_request(text: str) -> SampleRequest:
    """The request that `OBLIGOR:FROM:TO` says. Raises InvalidSampleRequest, InvalidIdentifier."""
    parts = text.split(":")
    try:
        obligor, first, last = parts
        dates = date.fromisoformat(first), date.fromisoformat(last)
    except ValueError as error:
        raise InvalidSampleRequest(
            f"{text!r} names no firm and period.",
            hint="Write OBLIGOR:FROM:TO, such as 91999999MA0001000T:2026-05-01:2026-05-31.",
        ) from error
    return SampleRequest(obligor=obligor_id(obligor), from_date=dates[0], to_date=dates[1])
