"""Steps, appeals and hardships as they are told and answered."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from api.http.shapes import Asked, PersonName, Told, Words

EventName = Annotated[str, StringConstraints(pattern=r"^re_[0-9a-f]{32}$")]
Day = Annotated[date, Field(ge=date(1990, 1, 1), le=date(2199, 12, 31))]
StepName = Literal["notice", "cure_plan", "restructuring", "inspection"]


class StepAsked(Asked):
    """A step that the bank takes, why, and what it rests on (names of cases, covenants, papers)."""

    kind: Literal["step"]
    step: StepName
    reason: Words
    evidence: Annotated[tuple[Words, ...], Field(min_length=1, max_length=20)]
    by: PersonName


class AppealAsked(Asked):
    """The obligor's appeal against a step; until it is answered nothing harsher is begun."""

    kind: Literal["appeal"]
    about: EventName
    reason: Words
    by: PersonName


class AppealAnswered(Asked):
    """The bank's answer to an appeal; one that is upheld undoes its step."""

    kind: Literal["appeal_answer"]
    about: EventName
    is_upheld: bool
    reason: Words
    by: PersonName


class HardshipAsked(Asked):
    """A window, both days inclusive, in which nothing harsher is begun. The bank's counts at once, the obligor's once
    the bank grants it."""

    kind: Literal["hardship"]
    first_day: Day
    last_day: Day
    reason: Words
    by: PersonName


class HardshipGranted(Asked):
    """The bank's word for a window that the obligor asked for."""

    kind: Literal["hardship_grant"]
    about: EventName
    by: PersonName


EventAsked = Annotated[
    StepAsked | AppealAsked | AppealAnswered | HardshipAsked | HardshipGranted, Field(discriminator="kind")
]


class ResponseTold(Asked):
    """One event of the course."""

    event: EventAsked


class EventTold(Told):
    """One event as it is kept; what does not go with its kind is null."""

    event_id: str
    kind: Literal["step", "appeal", "appeal_answer", "hardship", "hardship_grant"]
    about: str | None
    told_by: Literal["bank", "obligor"]
    by: str
    told_time: datetime
    step: StepName | None
    evidence: list[str] | None
    is_upheld: bool | None
    first_day: date | None
    last_day: date | None
    reason: str | None


class AdviceTold(Told):
    """The step that may be taken next and from when; null with the reason why none may."""

    step: StepName | None
    not_before: date | None
    reason: Literal["first", "in_turn", "hardship", "appeal_open", "people_decide"]


class CourseTold(Told):
    """All that was done about a loan in trouble, in order, and what may be done next."""

    decision_id: str
    obligor_id: str
    day: date
    events: list[EventTold]
    next: AdviceTold
    parameters_version: str


class CourseAnswer(Told):
    """The course of a decision's loan."""

    course: CourseTold
    livemode: bool
