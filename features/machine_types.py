"""Of which types the machines of an obligor are, by the register of ownership as known at an instant."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from data_contracts.errors import InvalidMachineType
from data_contracts.reference.machine_types import class_of, machine_type

UNTOLD = "untold"
"""Stands for a code in a cell of a table."""

_COLUMNS = ("machine_uid", "obligor_id", "owned_until", "machine_type")


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineTypes:
    """How many of the machines that an obligor owns are of each type (codes of GB/T 14885), and of how many nobody told
    the type. Machines are counted, not weighed by value: features add up their time, and each has as much of it."""

    machines: Mapping[str, int]
    untold: int

    def shares(self) -> dict[str | None, float]:
        """The share of each class of types among the machines; under None, of those whose type nobody told."""
        classes: Counter[str | None] = Counter({None: self.untold} if self.untold else {})
        for code, count in self.machines.items():
            classes[class_of(code)] += count
        return {name: count / classes.total() for name, count in classes.items()}

    def text(self) -> str:
        """As a cell of a table: `A02050000:4 A02280100:1 untold:2`."""
        counts = dict(self.machines) | ({UNTOLD: self.untold} if self.untold else {})
        return " ".join(f"{name}:{count}" for name, count in counts.items())


def parse_machine_types(text: str) -> MachineTypes | None:
    """What `MachineTypes.text` wrote; a code without a number is of one machine. None where no code is told.

    Raises InvalidMachineType for what is no code, and for a number that counts no machines."""
    counts: Counter[str] = Counter()
    for item in text.split():
        name, _, number = item.partition(":")
        if not (number or "1").isdecimal() or int(number or "1") == 0:
            raise InvalidMachineType(f"{item!r} counts no machines.", hint="Write A02280100:2 for two machines.")
        counts[UNTOLD if name == UNTOLD else machine_type(name)] += int(number or "1")
    untold = counts.pop(UNTOLD, 0)
    return MachineTypes(machines=dict(sorted(counts.items())), untold=untold) if counts else None


def machine_types_at(register: pa.Table, as_of: datetime) -> dict[str, MachineTypes]:
    """By obligor, the types of the machines that it owns at `as_of`; obligors of whom no type is told are left out.

    `register` is in the layout and order of `ObservationReader.machines`, with every owner of each machine: a later row
    ends an earlier. A machine that telemetry spoke of and no row names is one of unknown type.
    """
    told = register["machine_type"]
    if told.null_count == len(told):
        return {}
    now = pa.scalar(as_of, pa.timestamp("us", tz="UTC"))
    begun = register.filter(pc.fill_null(pc.less_equal(register["owned_from"], now), True)).select(_COLUMNS)
    types: dict[str, Counter[str | None]] = defaultdict(Counter)
    for row in {row["machine_uid"]: row for row in begun.to_pylist()}.values():
        if row["owned_until"] is None or row["owned_until"] > as_of:
            types[row["obligor_id"]][row["machine_type"]] += 1
    return {obligor: found for obligor, counts in types.items() if (found := _told(counts)) is not None}


def _told(counts: Mapping[str | None, int]) -> MachineTypes | None:
    machines = {code: counts[code] for code in sorted(filter(None, counts))}
    return MachineTypes(machines=machines, untold=counts.get(None, 0)) if machines else None
