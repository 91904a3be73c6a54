"""Errors that the lower rooms raise: named, carrying their values and the way out, knowing nothing of HTTP."""

from __future__ import annotations


class MillgradeError(Exception):
    """Base of every named error. `code` is stable across releases; `hint` names the way out."""

    code = "error"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} Hint: {self.hint}" if self.hint else self.message


class InputError(MillgradeError):
    """What was handed in cannot be used as it is (the caller can mend it)."""

    code = "invalid_input"


class BusinessError(MillgradeError):
    """The request is well formed but the state of the business forbids it."""

    code = "refused"


class InvalidIdentifier(InputError):
    """An identifier fails its check digit, its length or its alphabet."""

    code = "invalid_identifier"


class InvalidMachineType(InputError):
    """A text is no code of a type of machine."""

    code = "invalid_machine_type"


class UnknownMapping(InputError):
    """No shipped mapping has that name and no file lies at that path."""

    code = "unknown_mapping"


class InvalidMapping(InputError):
    """A mapping file does not say what a mapping must say."""

    code = "invalid_mapping"


class UnreadableSource(InputError):
    """A source file cannot be read at all: missing, empty, truncated, binary, of another format or encoding."""

    code = "unreadable_source"


class ContractViolated(InputError):
    """A source does not have the columns that its mapping or contract needs."""

    code = "contract_violated"


class NoParameterYet(InputError):
    """A dated parameter has no entry at or before the date asked for."""

    code = "no_parameter_yet"


class InvalidParameters(InputError):
    """A parameter file breaks the form of dated YAML."""

    code = "invalid_parameters"


class NotFound(BusinessError):
    """Nothing of that identity is known here."""

    code = "not_found"


class ConsentMissing(BusinessError):
    """The obligor has not consented to this recipient and purpose."""

    code = "consent_missing"


class OperatingError(MillgradeError):
    """The machinery failed, not the caller; an operator must act."""

    code = "operating_error"


class StoreDamaged(OperatingError):
    """A registered observation file is missing or cannot be read."""

    code = "store_damaged"


class LogDamaged(OperatingError):
    """The evidence log lacks something that it once held, or contradicts what it signed."""

    code = "log_damaged"


class InvalidEvidence(InputError):
    """A key, checkpoint, receipt or signature is not of the form that it should be."""

    code = "invalid_evidence"


class StoreUnwritable(OperatingError):
    """An observation file cannot be written: the disk is full, read-only or failing."""

    code = "store_unwritable"
