"""Overrides as they are asked for and told."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from api.http.shapes import Asked, PersonName, Told, Words
from scoring.records import Outcome


class OverrideAsked(Asked):
    """Another outcome for a recommendation, why, who says so, and for how many days it is good."""

    outcome: Outcome
    reason_code: Annotated[str, Field(max_length=40, pattern=r"^[a-z_]+$", examples=["new_contract"])]
    reason_text: Words
    by: PersonName
    days: Annotated[int, Field(ge=1, le=3650)] = 30


class OverrideConfirmed(Asked):
    """The word of a second person."""

    by: PersonName


class OverrideTold(Told):
    """An override: proposed by one person, in force once another has confirmed it, until it ends."""

    override_id: str
    decision_id: str
    outcome: Outcome
    reason_code: str
    reason_text: str
    proposed_by: str
    proposed_time: datetime
    expires_time: datetime
    confirmed_by: str | None
    confirmed_time: datetime | None
    in_force: bool


class OverrideAnswer(Told):
    """One override."""

    override: OverrideTold
    livemode: bool


class OverridesOfDecision(Told):
    """What stands for a decision, and every override of it in order of proposal."""

    outcome: Outcome
    outcome_now: Outcome
    overrides: list[OverrideTold]
    livemode: bool
