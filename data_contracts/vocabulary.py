"""Closed sets of words and the small integers that stand for them in kernels.

The pair of item state and operation mode is that of OPC UA for Machinery (OPC 40001-1); `Unknown` is ours.
"""

from __future__ import annotations

from enum import StrEnum


class ItemState(StrEnum):
    """What the machine is doing."""

    UNKNOWN = "Unknown"
    NOT_AVAILABLE = "NotAvailable"
    OUT_OF_SERVICE = "OutOfService"
    NOT_EXECUTING = "NotExecuting"
    EXECUTING = "Executing"


class OperationMode(StrEnum):
    """What the machine is meant to be doing."""

    NONE = "None"
    MAINTENANCE = "Maintenance"
    SETUP = "Setup"
    PROCESSING = "Processing"


class Silence(StrEnum):
    """What a gap means: the machine was off (it sends nothing when off), or nobody knows."""

    OFF = "off"
    UNKNOWN = "unknown"


class SubjectKind(StrEnum):
    """Legal persons and sole traders fall under different law."""

    LEGAL_PERSON = "legal_person"
    SOLE_TRADER = "sole_trader"


class DataOrigin(StrEnum):
    """Where the data behind a value came from; synthetic never serves live."""

    REAL = "real"
    SYNTHETIC = "synthetic"


ITEM_STATE_CODES: dict[str, int] = {state.value: code for code, state in enumerate(ItemState)}
"""Position in `ItemState`; -1 stands for "this row did not say"."""

OPERATION_MODE_CODES: dict[str, int] = {mode.value: code for code, mode in enumerate(OperationMode)}
"""Position in `OperationMode`; -1 stands for "this row did not say"."""

ELEMENTS = (
    "unknown_seconds",
    "off_seconds",
    "fault_seconds",
    "maintenance_seconds",
    "setup_seconds",
    "executing_seconds",
    "idle_seconds",
)
"""The elements of a machine-day in order of precedence: each second belongs to exactly one, the first that fits."""
