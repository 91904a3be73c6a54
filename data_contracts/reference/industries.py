"""Manufacturing divisions of GB/T 4754-2017 (Industrial classification for national economic activities), C13 to C43.

Codes and Chinese names are those of the standard; the English ones are ours, after the usual statistical translations.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True, slots=True, kw_only=True)
class Industry:
    """One division: section letter and two digits, its Chinese and its English name."""

    code: str
    zh: str
    en: str


@cache
def industries() -> Mapping[str, Industry]:
    """All manufacturing divisions by code, in the order of the standard."""
    source = resources.files("data_contracts").joinpath("reference", "industries.csv")
    rows = csv.DictReader(source.read_text(encoding="utf-8").splitlines())
    return {row["code"]: Industry(**row) for row in rows}
