"""Errors of this room: named, carrying their values and the way out."""

from __future__ import annotations

from data_contracts.errors import BusinessError, InputError, MillgradeError, NotFound


class AdditivityBroken(AssertionError):
    """Base and contributions do not sum to the margin: a defect of this program, never of its input."""


class ArtefactDamaged(MillgradeError):
    """The files of a model are not the bytes that its version names."""

    code = "artefact_damaged"


class UnknownModel(NotFound):
    """No model of that version (or none at all) is kept here."""

    code = "model_not_found"


class ExtraMissing(BusinessError):
    """What is asked for needs a library that is an extra and is not installed."""

    code = "extra_missing"


class NotPromotable(BusinessError):
    """Nobody who may has vouched for a model, or a check of it failed."""

    code = "not_promotable"


class ModelDoesNotFit(BusinessError):
    """A model asks for features that the snapshot does not have."""

    code = "model_does_not_fit"


class TableInvalid(InputError):
    """A lender's own table, or the file of its signs, cannot be used as it is."""

    code = "table_invalid"


class TreesNotExplainable(BusinessError):
    """A booster has no exact tables: of another kind, with several outputs, or deeper than they reach."""

    code = "trees_not_explainable"


class EmbargoViolated(InputError):
    """Two slices of a split in time see the same months, or the months do not allow a split."""

    code = "embargo_violated"


class NotEnoughEvents(BusinessError):
    """Too few defaults or claims to fit or calibrate a model."""

    code = "not_enough_events"


class InvalidRequest(InputError):
    """A request for credit or cover contradicts itself."""

    code = "invalid_request"


class ProductNotOffered(InputError):
    """No terms are set for that product."""

    code = "product_not_offered"


class CurrencyNotSupported(InputError):
    """A parameter has no value in the currency asked for."""

    code = "currency_not_supported"


class NothingToCover(BusinessError):
    """The obligor has no machine, or not the machine, that a quote is asked for."""

    code = "nothing_to_cover"


class TariffChanged(BusinessError):
    """A tariff is not the table that was filed under its number."""

    code = "tariff_changed"


class TariffClash(BusinessError):
    """Two tariffs are filed for the same product, insurer and day: nothing says which one counts."""

    code = "tariff_clash"


class NoTariffFiled(BusinessError):
    """Nothing is filed for a product that is in force on the day, and the model brings no table of its own."""

    code = "no_tariff_filed"


class PolicyForbids(BusinessError):
    """A record does not follow from what the policy's records say before it."""

    code = "policy_forbids"


class HourMeterMissing(BusinessError):
    """A premium by the hour has no hours to go by."""

    code = "hour_meter_missing"


class AccumulationExceeded(BusinessError):
    """One industry's covers would sum to more than a book may hold of it."""

    code = "accumulation_exceeded"
