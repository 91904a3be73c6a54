"""What an examination finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad a finding is: only what is wrong must be mended."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    check: str
    level: Level
    message: str
    hint: str = ""


def fine(check: str, message: str) -> Finding:
    """It is as it should be."""
    return Finding(check=check, level=Level.OK, message=message)


def warning(check: str, message: str, hint: str = "") -> Finding:
    """It works, but an operator should know."""
    return Finding(check=check, level=Level.WARNING, message=message, hint=hint)


def wrong(check: str, message: str, hint: str = "") -> Finding:
    """It must be mended."""
    return Finding(check=check, level=Level.WRONG, message=message, hint=hint)


def few(names: list[str], *, shown: int = 3) -> str:
    """The first of some names, and how many there are beyond."""
    rest = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {rest:,} more" if rest > 0 else "")
