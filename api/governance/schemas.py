"""What is to be tried, and who would move."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from api.http.shapes import Asked, Told

LivingGrade = Annotated[str, Field(pattern=r"^R([1-9]|1[0-3])$", examples=["R9"])]


class DryRunAsked(Asked):
    """Another model that is kept here, other cut-offs (the worst grade approved, and the worst that a person may look
    at), or both; what is left out stays as it is in force."""

    model_version: Annotated[str, Field(pattern=r"^[0-9a-f]{8,64}$")] | None = None
    approve_to: LivingGrade | None = None
    refer_to: LivingGrade | None = None

    @model_validator(mode="after")
    def says_something(self) -> Self:
        """Both cut-offs or none, and something to try."""
        if (self.approve_to is None) is not (self.refer_to is None):
            raise ValueError("approve_to and refer_to go together")
        if self.approve_to is None and self.model_version is None:
            raise ValueError("nothing to try: name model_version, or approve_to and refer_to")
        if self.approve_to and self.refer_to and int(self.approve_to[1:]) > int(self.refer_to[1:]):
            raise ValueError("approve_to is no worse than refer_to")
        return self


class GradeMove(Told):
    """An obligor whose grade would be another one."""

    obligor_id: str
    before: str = Field(alias="from")
    after: str = Field(alias="to")


class OutcomeMove(Told):
    """A decision, the latest of its obligor and product, whose outcome would be another one."""

    obligor_id: str
    product: str
    before: str = Field(alias="from")
    after: str = Field(alias="to")


class DryRunAnswer(Told):
    """Who would move, of the partner's obligors and decisions."""

    obligors: int
    of_another_catalogue: int
    grade_changes: int
    grades: dict[str, int]
    obligors_changed: list[GradeMove]
    outcome_changes: int
    outcomes: dict[str, int]
    decisions_changed: list[OutcomeMove]
    livemode: bool
