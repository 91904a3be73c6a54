"""Cases as they are answered, and what is done with them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from api.http.shapes import Asked, Told
from scoring.monitoring.cases import Act, CaseOutcome, CaseState
from scoring.monitoring.vocabulary import WarningCode

Reason = Annotated[str, StringConstraints(min_length=1, max_length=400, pattern=r"^[^\x00]*[^\s\x00][^\x00]*$")]
SeverityName = Literal["watch", "serious", "critical"]


class CaseWarningTold(Told):
    """What was warned of: the worst severity, and the days on which it was first and last seen."""

    unit: str
    code: WarningCode
    severity: SeverityName
    first_day: date
    last_day: date
    zh: str
    en: str


class CaseEventTold(Told):
    """Something that happened in a case: news of what was seen, with its evidence, or what a person did."""

    time: datetime
    what: str
    by: str
    reason: str
    evidence: list[dict[str, Any]]


class CaseTold(Told):
    """What an obligor is watched for. How it is handled (`state` beyond open and closed, `snoozed_until`, `outcome`,
    `events`) is told to the operator alone, and null or empty for others."""

    case_id: str
    obligor_id: str
    state: CaseState
    severity: SeverityName
    opened_on: date
    snoozed_until: date | None
    outcome: CaseOutcome | None
    warnings: list[CaseWarningTold]
    events: list[CaseEventTold]


class CaseAnswer(Told):
    """One case."""

    case: CaseTold
    livemode: bool


class CaseList(Told):
    """A page of open cases, in order of their ids; events are told with a single case."""

    data: list[CaseTold]
    next_cursor: str | None
    livemode: bool


class CaseActed(Asked):
    """What is done with a case, always with a reason; snoozed `until` a day, closed with an `outcome`."""

    act: Act
    reason: Reason
    until: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")] | None = None
    outcome: CaseOutcome | None = None
