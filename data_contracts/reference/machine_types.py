"""Types of machines by GB/T 14885-2022 (basic classification and codes of fixed and other assets), part A02, equipment.

A code is A02 and three pairs of digits: group, class and item, such as A02280100 (group A0228, class A022801). What is
not told is 00, from the right; the group is always told. Names are those of the groups that factories run, in Chinese
as the standard has them, in English ours; any other group is called by its code. No figure rests on a name.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from data_contracts.contract import RecordKind, load_contract
from data_contracts.errors import InvalidMachineType

GROUP_LENGTH = 5
CLASS_LENGTH = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineGroup:
    """One group of equipment: its code, its Chinese and its English name."""

    code: str
    zh: str
    en: str


def machine_type(text: str) -> str:
    """The code in `text`, normalised. Raises InvalidMachineType with the value and the form that it should have."""
    code = text.strip().upper()
    if re.fullmatch(_pattern(), code) is None:
        raise InvalidMachineType(
            f"{text!r} is no type of machine.",
            hint="A code of GB/T 14885-2022: A02 and six digits, 00 for what is not told, such as A02280100.",
        )
    return code


def class_of(code: str) -> str:
    """The class that a type is of: as near as two firms' machines are compared."""
    return code[:CLASS_LENGTH]


def group_of(code: str) -> MachineGroup | None:
    """The group that a type or class is of; None where it has no name here."""
    return machine_groups().get(code[:GROUP_LENGTH])


@cache
def machine_groups() -> Mapping[str, MachineGroup]:
    """The groups that have a name here, in the order of the standard."""
    source = resources.files("data_contracts").joinpath("reference", "machine_types.csv")
    rows = csv.DictReader(source.read_text(encoding="utf-8").splitlines())
    return {row["code"]: MachineGroup(**row) for row in rows}


@cache
def _pattern() -> str:
    pattern = load_contract(RecordKind.MACHINE_OWNERSHIP).column("machine_type").pattern
    assert pattern is not None, "the contract says what a code looks like"
    return pattern
