"""Errors that the doors raise themselves, and the one table that gives every error its place outside."""

from __future__ import annotations

from dataclasses import dataclass

from data_contracts.errors import (
    BusinessError,
    ConsentMissing,
    InputError,
    MillgradeError,
    NotFound,
    OperatingError,
    StoreUnwritable,
)
from scoring.errors import (
    AccumulationExceeded,
    ArtefactDamaged,
    HourMeterMissing,
    ModelDoesNotFit,
    NoTariffFiled,
    NothingToCover,
    PolicyForbids,
    TariffClash,
    UnknownModel,
)


class HomeOutdated(BusinessError):
    """The database is older or newer than the code."""

    code = "home_outdated"


class NoModel(BusinessError):
    """No model of that kind has been promoted in this home."""

    code = "no_model"


class InvalidInstant(InputError):
    """A text is neither an instant nor a date."""

    code = "invalid_instant"


class InvalidAmount(InputError):
    """A text is no amount in major units of its currency."""

    code = "invalid_amount"


class NotReproduced(BusinessError):
    """A stored answer does not come out again from the versions it names."""

    code = "not_reproduced"


class InvalidKeyRequest(InputError):
    """A key is asked for whose role does not fit whom it would act for."""

    code = "invalid_key_request"


class InvalidConsent(InputError):
    """A consent is asked for that could never be used."""

    code = "invalid_consent"


class Unauthenticated(MillgradeError):
    """No key, or none that is known and in force."""

    code = "unauthenticated"


class RoleNotAllowed(BusinessError):
    """The operation is not for keys of that role, whatever it asks about."""

    code = "role_not_allowed"


class MethodNotAllowed(BusinessError):
    """The path knows other methods."""

    code = "method_not_allowed"


class MalformedBody(InputError):
    """A body is no JSON of the strict kind, or no text."""

    code = "malformed_body"


class BodyTooLarge(InputError):
    """A body has more bytes than its operation takes."""

    code = "body_too_large"


class UnsupportedMediaType(InputError):
    """A body is of a type or an encoding that its operation does not take."""

    code = "unsupported_media_type"


class InvalidBody(InputError):
    """Members of a request are missing, unknown or of another form; `faults` are (JSON pointer, message) pairs."""

    code = "invalid_request"

    def __init__(self, message: str, *, faults: tuple[tuple[str, str], ...], hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.faults = faults


class InvalidCursor(InputError):
    """A cursor that no answer of this operation gave."""

    code = "invalid_cursor"


class ForeignMachine(InputError):
    """A gateway reports a machine that is not its obligor's."""

    code = "foreign_machine"


class IdempotencyKeyReused(InputError):
    """An Idempotency-Key comes with another request than the first time."""

    code = "idempotency_key_reused"


class RequestInFlight(BusinessError):
    """A request with the same Idempotency-Key is being worked on."""

    code = "request_in_flight"


class ModelNotForLive(BusinessError):
    """A live key asks a model that was made from synthetic data."""

    code = "model_not_for_live"


class DataNotForLive(BusinessError):
    """A live key asks about an obligor whose data is synthetic."""

    code = "data_not_for_live"


class RealDataKept(BusinessError):
    """A test key writes about an obligor of whom real data is kept."""

    code = "real_data_kept"


class EvidenceErased(BusinessError):
    """What was logged can be shown no more: its salt was erased, as somebody asked."""

    code = "evidence_erased"


class SealRefused(InputError):
    """A batch bears a seal that cannot be read, is of no gateway of the obligor, or is over something else."""

    code = "seal_refused"


class GatewayKeyGone(BusinessError):
    """A batch is sealed with a key that was revoked."""

    code = "gateway_key_revoked"


class PledgeNotReviewed(BusinessError):
    """Something of a reservation is like something that stands pledged, and nobody said that it was looked at."""

    code = "pledge_not_reviewed"


class PledgeNotStanding(BusinessError):
    """A reservation that is to be confirmed was refused, has lapsed or was released."""

    code = "pledge_not_standing"


class OfferLapsed(BusinessError):
    """A plan is reported done after the last day on which its offer was good."""

    code = "offer_lapsed"


class RequestTimedOut(OperatingError):
    """A request took longer than it may; nothing of it was kept unless an answer says so."""

    code = "request_timed_out"


class IntakeBusy(OperatingError):
    """More batches wait to be written than may."""

    code = "intake_busy"


class DatabaseUnavailable(OperatingError):
    """The database does not answer, or not in time."""

    code = "database_unavailable"


class DatabaseDamaged(OperatingError):
    """The database's file is damaged, or is no database any more."""

    code = "database_damaged"


EXIT_BAD_INPUT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an error stands outside: its status and its title.

    `detail` and `hint` replace the error's own words where those could tell what the caller must not learn.
    """

    status: int
    title: str
    detail: str | None = None
    hint: str | None = None


PLACES: dict[type[Exception], Place] = {
    MalformedBody: Place(status=400, title="The body cannot be read"),
    Unauthenticated: Place(status=401, title="A valid API key is needed"),
    RoleNotAllowed: Place(status=403, title="The operation is not for this key's role"),
    ConsentMissing: Place(status=403, title="The consent that this rests on is missing"),
    NotFound: Place(
        status=404,
        title="Not found",
        detail="There is nothing of that name that this key may see.",
        hint="Check the identifier, and that a consent to this key's owner is in force.",
    ),
    MethodNotAllowed: Place(status=405, title="The method is not allowed here"),
    BusinessError: Place(status=409, title="The state of the business forbids it"),
    RequestInFlight: Place(status=409, title="The same request is being worked on"),
    ModelNotForLive: Place(status=409, title="The model is not for live keys"),
    DataNotForLive: Place(status=409, title="The data is not for live keys"),
    GatewayKeyGone: Place(status=409, title="The gateway's key was revoked"),
    EvidenceErased: Place(status=409, title="It was erased"),
    RealDataKept: Place(status=409, title="Real data is kept of this obligor"),
    PledgeNotReviewed: Place(status=409, title="Somebody must look at the pledge first"),
    PledgeNotStanding: Place(status=409, title="The reservation does not stand"),
    OfferLapsed: Place(status=409, title="The offer has lapsed"),
    NoTariffFiled: Place(status=409, title="No tariff is filed for it"),
    TariffClash: Place(status=409, title="Two tariffs are filed for one day"),
    PolicyForbids: Place(status=409, title="The record does not follow from the policy's others"),
    AccumulationExceeded: Place(status=409, title="The book may hold no more of it"),
    HourMeterMissing: Place(status=409, title="The hours worked are not known"),
    NothingToCover: Place(status=409, title="There is no machine to cover"),
    BodyTooLarge: Place(status=413, title="The body is too large"),
    UnsupportedMediaType: Place(status=415, title="The media type is not supported"),
    InputError: Place(status=422, title="The request cannot be used as it is"),
    SealRefused: Place(status=422, title="The seal of the batch does not hold"),
    IdempotencyKeyReused: Place(status=422, title="The Idempotency-Key belongs to another request"),
    NoModel: Place(status=503, title="No model is promoted", detail="No model that could answer is promoted here."),
    UnknownModel: Place(status=503, title="No model is promoted", detail="No model that could answer is kept here."),
    ModelDoesNotFit: Place(status=503, title="The promoted model does not fit the features"),
    RequestTimedOut: Place(status=503, title="The request took too long"),
    IntakeBusy: Place(status=503, title="Too many batches come in at once"),
    DatabaseUnavailable: Place(status=503, title="The database is not available"),
    StoreUnwritable: Place(
        status=503,
        title="Nothing can be stored",
        detail="The observation store cannot be written. Nothing of this request was kept.",
        hint="Send it again later, with the same Idempotency-Key.",
    ),
    DatabaseDamaged: Place(status=500, title="The database is damaged"),
    ArtefactDamaged: Place(status=500, title="Internal error", detail="A stored model is damaged.", hint=""),
    Exception: Place(
        status=500,
        title="Internal error",
        detail="Something failed here that is not the caller's fault.",
        hint="Report the request_id; with an Idempotency-Key the request can be repeated safely.",
    ),
}
"""Every error's status and title, by class; a class without a row stands where its nearest ancestor does."""


def place_of(kind: type[Exception]) -> Place:
    """The row of `PLACES` for an error's class or its nearest ancestor."""
    return next(PLACES[ancestor] for ancestor in kind.__mro__ if ancestor in PLACES)


def code_of(kind: type[Exception]) -> str:
    """The stable code of an error's class."""
    return kind.code if issubclass(kind, MillgradeError) else "internal_error"
