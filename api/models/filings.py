"""Tariffs that were filed for what this home quotes: `<home>/tariffs/<product>/<version>.json`, written once.

A table's version is the hash of all of it, so that a file that was changed is another table than its name says.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from pydantic import ValidationError

from api.home import Home, write_once
from scoring.errors import TariffChanged
from scoring.insurance.filed import FiledEquipment, require_one_a_day
from scoring.insurance.tariff import require_version
from scoring.records import InsuranceProduct


def keep_filing(home: Home, filed: FiledEquipment) -> None:
    """Keep a table as filed; from its effective day on it is what equipment cover is charged by.

    The same table kept again stays as it is. Raises TariffClash for a second table of one day, TariffChanged for a
    second table of one number.
    """
    kept = filed_equipment(home)
    for other in kept:
        if other.filing_number == filed.filing_number and other.version != filed.version:
            raise TariffChanged(
                f"Filing {filed.filing_number} holds table {other.version[:12]}, another one than this.",
                hint="A filed tariff is locked: file the new one under a number and a day of its own.",
            )
    require_one_a_day([*kept, filed])
    write_once(_folder(home) / f"{filed.version}.json", filed.model_dump_json(indent=2).encode())


def filed_equipment(home: Home) -> tuple[FiledEquipment, ...]:
    """Every table of equipment cover that was filed here. Raises TariffChanged for a file that is not what it names."""
    return tuple(_read(path) for path in sorted(_folder(home).glob("*.json")))


@lru_cache(maxsize=256)
def _read(path: Path) -> FiledEquipment:
    """A version names its bytes, so that a table that was read and checked once can be kept."""
    try:
        filed = FiledEquipment.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise TariffChanged(
            f"{path.name} is no filed tariff.", hint="Restore the file from a backup; tables are never edited."
        ) from error
    require_version(filed, path.stem)
    return filed


def _folder(home: Home) -> Path:
    return home.tariffs / InsuranceProduct.EQUIPMENT_UBI.value
