"""Consents as they are granted and answered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from api.consents.repository import Purpose
from api.http.shapes import Asked, ObligorCode, PartnerName, Told, UtcInstant

Stream = Annotated[str, StringConstraints(pattern=r"^(\*|[a-z][a-z_]{0,39})$")]


class ConsentGrant(Asked):
    """What is granted: to a partner for `credit` or `insurance`, or to `platform` for `platform`."""

    obligor_id: ObligorCode
    recipient: PartnerName
    purpose: Purpose
    streams: Annotated[
        tuple[Stream, ...], Field(min_length=1, max_length=20, description="kinds of data, `*` for all")
    ] = ("*",)
    expires_time: UtcInstant | None = None
    evidence: Annotated[
        Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None,
        Field(description="SHA-256 of the document that shows the consent"),
    ] = None
    decision_id: Annotated[
        Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^[^\x00-\x1f\x7f]+$")] | None,
        Field(description="to an insurer: the decision on a facility that it may see to guarantee it"),
    ] = None


class ConsentTold(Told):
    """A consent; `mark` says how it was given (an operator's declaration and a test key's grant never count live)."""

    consent_id: str
    obligor_id: str
    recipient: str
    purpose: Purpose
    streams: list[str]
    granted_time: datetime
    expires_time: datetime | None
    withdrawn_time: datetime | None
    is_in_force: bool
    mark: str
    evidence: str | None


class ConsentAnswer(Told):
    """One consent."""

    consent: ConsentTold
    livemode: bool


class ConsentList(Told):
    """A page of consents, in the order of their granting."""

    data: list[ConsentTold]
    next_cursor: str | None
    livemode: bool
