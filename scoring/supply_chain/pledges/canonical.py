"""One spelling for numbers of papers and plates, so that a rewritten number is still the same number."""

from __future__ import annotations

import re
import unicodedata

LONGEST_PART = 2
"""A last group of so few characters can number the parts of a paper, as in `IN-0042/1`."""

_GROUPS = re.compile(r"\d+|[^\W\d_]+")
_SEPARATORS = re.compile(r"[\W_]+")
_LEADING_ZEROS = re.compile(r"(?<!\d)0+(?=\d)")
_LOOK_ALIKE = str.maketrans("OQDILSZBG", "000115286")


def canonical_number(text: str) -> tuple[str, ...]:
    """The groups of letters and of digits in a number: full-width forms folded, upper case, without leading zeros.

    `IN-0042`, `in 42` and `ＩＮ００４２` are the same.
    """
    return tuple(_LEADING_ZEROS.sub("", group) for group in _GROUPS.findall(_folded(text)))


def whole_of(number: tuple[str, ...]) -> tuple[str, ...] | None:
    """The number that `number` would be a part of, or None where nothing says that it numbers a part."""
    is_part = len(number) > 1 and len(number[-1]) <= LONGEST_PART
    return number[:-1] if is_part else None


def look_alike(text: str) -> str:
    """What stays of a number where letters and digits that look alike are one, as in `lN-OO42` and `IN-0042`."""
    return _SEPARATORS.sub("", _LEADING_ZEROS.sub("", _folded(text).translate(_LOOK_ALIKE)))


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).upper()
