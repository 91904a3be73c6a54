"""What an audit finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """In which way something differs from what was logged and signed."""

    CHANGED = "changed"
    MISSING = "missing"
    NOT_LOGGED = "not_logged"
    BACKDATED = "backdated"
    LOG_BROKEN = "log_broken"
    ROLLED_BACK = "rolled_back"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Discrepancy:
    """One thing that is not as it was logged."""

    verdict: Verdict
    kind: str
    subject: str
    message: str
