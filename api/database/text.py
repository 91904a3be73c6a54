"""Text that a database can hold."""

from __future__ import annotations


def is_storable(text: str) -> bool:
    """Whether a database could hold the text at all: no NUL, no lone surrogate."""
    return not any(character == "\0" or "\ud800" <= character <= "\udfff" for character in text)
