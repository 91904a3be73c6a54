"""Units that sources use, and what one of each is in the unit that the contracts store.

Source of the factors: the SI (BIPM, The International System of Units, 9th edition, 2019): 1 W = 1 J/s and
1 h = 3,600 s, so 1 kWh = 3.6 MJ = 3,600,000 W s; the rest are decimal prefixes. A factor is a pair (multiply, divide)
of exact integers, so that a conversion rounds once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from data_contracts.errors import InvalidMapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """value in the stored unit = value in the source's unit * multiply / divide."""

    multiply: int
    divide: int


SAME = Conversion(multiply=1, divide=1)

CONVERSIONS: Mapping[str, Mapping[str, Conversion]] = {
    "kW": {
        "kW": SAME,
        "W": Conversion(multiply=1, divide=1_000),
        "MW": Conversion(multiply=1_000, divide=1),
        "mW": Conversion(multiply=1, divide=1_000_000),
    },
    "kWh": {
        "kWh": SAME,
        "Wh": Conversion(multiply=1, divide=1_000),
        "MWh": Conversion(multiply=1_000, divide=1),
        "GWh": Conversion(multiply=1_000_000, divide=1),
        "J": Conversion(multiply=1, divide=3_600_000),
        "W·s": Conversion(multiply=1, divide=3_600_000),
        "Ws": Conversion(multiply=1, divide=3_600_000),
        "kJ": Conversion(multiply=1, divide=3_600),
        "MJ": Conversion(multiply=10, divide=36),
        "GJ": Conversion(multiply=10_000, divide=36),
    },
    "s": {
        "s": SAME,
        "ms": Conversion(multiply=1, divide=1_000),
        "min": Conversion(multiply=60, divide=1),
        "h": Conversion(multiply=3_600, divide=1),
    },
    "h": {
        "h": SAME,
        "min": Conversion(multiply=1, divide=60),
        "s": Conversion(multiply=1, divide=3_600),
    },
    "1": {"1": SAME, "k": Conversion(multiply=1_000, divide=1)},
    "minor": {"minor": SAME},
    "deg": {"deg": SAME},
    "m": {"m": SAME, "km": Conversion(multiply=1_000, divide=1)},
}
"""Stored unit -> unit a source may declare -> conversion."""


def conversion(*, source: str, stored: str) -> Conversion:
    """How a value in `source` units becomes one in `stored` units.

    Raises InvalidMapping, naming the units it knows, when it knows no such conversion.
    """
    known = CONVERSIONS[stored]
    if source not in known:
        raise InvalidMapping(
            f"Unit {source!r} cannot be read as {stored}.", hint=f"Known for {stored}: {', '.join(known)}."
        )
    return known[source]
