"""A statement of usage-linked instalments: what is asked for, and the bills month by month."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from api.http.shapes import Asked, MachineName, Told, UtcInstant, Words
from scoring.monitoring.instalments import BillBasis

MonthName = Annotated[
    str, StringConstraints(pattern=r"^(199\d|20\d\d|21\d\d)-(0[1-9]|1[0-2])$"), Field(examples=["2026-03"])
]
MOST_MACHINES, MOST_DISPUTES = 200, 600


class HoursDisputed(Asked):
    """Hours of a month that the borrower disputes, and why; they are not billed until it is decided."""

    month: MonthName
    hours: Annotated[float, Field(gt=0, le=1e6)]
    reason: Words


class StatementAsked(Asked):
    """The first month that is billed, the machines that were financed, what is disputed, and as of when."""

    first_month: MonthName
    machines: Annotated[tuple[MachineName, ...], Field(min_length=1, max_length=MOST_MACHINES)]
    disputed: Annotated[tuple[HoursDisputed, ...], Field(max_length=MOST_DISPUTES)] = ()
    as_of: UtcInstant | None = None


class UsageTermsTold(Told):
    """What the decision planned: the floor of a month, the price of an hour beside it, interest, the longest term."""

    financed_minor: int
    floor_minor: int
    per_hour_minor: int
    annual_rate_ratio: str
    longest_months: int


class MonthBilled(Told):
    """One month: how much of it the machines were observed and how long they executed, what of that is disputed, the
    hours that are billed and what those rest on; interest and principal sum to the instalment. `held_minor` waits for
    the dispute."""

    month: str
    observed_share: float = Field(ge=0, le=1)
    executing_hours: float = Field(ge=0)
    disputed_hours: float
    billed_hours: float
    basis: BillBasis
    interest_minor: int
    principal_minor: int
    instalment_minor: int
    left_minor: int
    held_minor: int


class StatementTold(Told):
    """The bills of all months that are over, and what they come to. Nothing is kept, and no money is moved.

    `machine_days_sha256` is of the machine-days that the hours are added up from.
    """

    decision_id: str
    obligor_id: str
    as_of: datetime
    currency: str
    machines: list[str]
    terms: UsageTermsTold
    months: list[MonthBilled]
    billed_minor: int
    left_minor: int
    held_minor: int
    disputes: list[HoursDisputed]
    machine_days_sha256: str


class StatementAnswer(Told):
    """A statement of usage-linked instalments."""

    statement: StatementTold
    livemode: bool
