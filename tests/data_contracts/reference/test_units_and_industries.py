"""Conversions against the definitions, and the divisions of GB/T 4754."""

from __future__ import annotations

import re

import pytest

from data_contracts.errors import InvalidMapping
from data_contracts.reference.industries import industries
from data_contracts.reference.units import conversion

FACTORS = [
    ("W", "kW", 1e-3),
    ("MW", "kW", 1e3),
    ("Wh", "kWh", 1e-3),
    ("MWh", "kWh", 1e3),
    ("J", "kWh", 1 / 3.6e6),
    ("W·s", "kWh", 1 / 3.6e6),
    ("kJ", "kWh", 1 / 3600),
    ("MJ", "kWh", 1 / 3.6),
    ("GJ", "kWh", 1000 / 3.6),
    ("h", "s", 3600.0),
    ("min", "s", 60.0),
    ("ms", "s", 1e-3),
]


@pytest.mark.parametrize(("source", "stored", "factor"), FACTORS)
def test_factors(source: str, stored: str, factor: float) -> None:
    found = conversion(source=source, stored=stored)
    assert found.multiply / found.divide == pytest.approx(factor, rel=1e-15)


def test_an_unknown_unit_names_the_known_ones() -> None:
    with pytest.raises(InvalidMapping, match=r"'hp' cannot be read as kW.*kW, W, MW, mW"):
        conversion(source="hp", stored="kW")


def test_the_divisions_of_manufacturing() -> None:
    divisions = industries()
    assert list(divisions) == [f"C{number}" for number in range(13, 44)]
    assert divisions["C34"].zh == "通用设备制造业"
    assert divisions["C34"].en == "Manufacture of general-purpose machinery"
    for code, division in divisions.items():
        assert division.code == code
        assert re.fullmatch(r"[\u4e00-\u9fff、]+业", division.zh)
        assert division.en.isascii()
