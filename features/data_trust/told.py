"""What was told of many machines and obligors, dense by day: what every comparison works on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from data_contracts.vocabulary import ELEMENTS
from features.machine_day.arrow import day_numbers, encoded, floats, micros
from features.machine_day.days import day_number, days_around
from features.machine_day.machine_days import ENERGIES, ONLY_REPORTED, MachineDays

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SECONDS = ELEMENTS
COUNTS = ("peak_kw", "parts", "fault_starts", "state_changes")
MEASURES = (*SECONDS, *ENERGIES, *COUNTS, *ONLY_REPORTED)
ISSUED = "issued"
FALLBACK_ZONE = "UTC"
EARLIEST_ZONE = timedelta(hours=14)
"""No clock on earth is further ahead of UTC."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ledgers:
    """What the obligors' papers say, as (obligor, day) sums; NaN in every cell of an obligor without such papers.

    `invoiced_unmatched_minor` is the part of `invoiced_minor` that names a delivery which no delivery note knows;
    `billed_kwh` stands on the last day of the month that the bill is for, `inspections` count visits to the site.
    Amounts are without tax.
    """

    delivered_parts: Floats
    delivered_minor: Floats
    invoiced_minor: Floats
    invoiced_unmatched_minor: Floats
    billed_kwh: Floats
    inspections: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Told:
    """Machine-days of some obligors over a run of local days, with their ledgers.

    A *row* is a machine in the hands of one obligor. `measures` are arrays (row, day) by column of the machine-days,
    NaN where nothing was told. Column j is the day `first_day + j` (days since 1970).
    """

    obligor_ids: tuple[str, ...]
    machine_uids: tuple[str, ...]
    owner: Ints
    """(row,): position of the obligor, rising."""
    first_day: int
    measures: Mapping[str, Floats]
    ledgers: Ledgers

    @property
    def days(self) -> int:
        """How many."""
        return int(self.measures["executing_seconds"].shape[1])

    def by_obligor(self, rows: Floats) -> Floats:
        """(row, ...) summed over each obligor's rows, NaN counting as nothing."""
        return summed_by_owner(or_nothing(rows), self.owner, len(self.obligor_ids))


def or_nothing(values: Floats) -> Floats:
    """The values, 0 where nothing is told (`np.nan_to_num` looks for infinities as well, in thrice the time)."""
    return np.where(np.isnan(values), 0.0, values)


def summed_by_owner(rows: Floats, owner: Ints, owners: int) -> Floats:
    """(row, ...) summed to (owner, ...); `owner` rises."""
    sums = np.zeros((owners, *rows.shape[1:]))
    if len(owner):
        first = np.flatnonzero(np.diff(owner, prepend=-1))
        sums[owner[first]] = np.add.reduceat(rows, first, axis=0)
    return sums


def told_of(
    machine_days: MachineDays,
    *,
    bills: pa.Table,
    deliveries: pa.Table,
    invoices: pa.Table,
    inspections: pa.Table,
    obligor_ids: tuple[str, ...],
    as_of: datetime,
    days: int,
) -> Told:
    """The last `days` local days before `as_of` of these obligors, from rows that were known then.

    The run of days depends on `as_of` alone: it ends with the last day that is complete anywhere on earth, so that an
    obligor's cells are the same whoever stands beside it. Ledgers are in the layout of their contracts. Where an
    obligor's sites lie in several zones, papers are dated by the first.
    """
    position = {obligor: number for number, obligor in enumerate(obligor_ids)}
    zones = _zones(machine_days.spans, position)
    first = day_number((as_of.astimezone(UTC) + EARLIEST_ZONE).date()) - days
    uids, owner, measures = _dense(machine_days.table, position, first, days)
    ledgers = _Papers(position=position, zones=zones, first=first, days=days)
    return Told(
        obligor_ids=obligor_ids,
        machine_uids=uids,
        owner=owner,
        first_day=first,
        measures=measures,
        ledgers=Ledgers(
            delivered_parts=ledgers.sums(deliveries, floats(deliveries["parts"])),
            delivered_minor=ledgers.sums(deliveries, floats(deliveries["amount_minor"])),
            billed_kwh=ledgers.sums(bills, floats(bills["energy_kwh"]), days_back=1),
            inspections=ledgers.sums(inspections, np.ones(len(inspections))),
            **_invoiced(ledgers, invoices, deliveries),
        ),
    )


def _zones(spans: pa.Table, position: Mapping[str, int]) -> list[str]:
    zones = [FALLBACK_ZONE] * len(position)
    for obligor, zone in zip(spans["obligor_id"].to_pylist()[::-1], spans["site_zone"].to_pylist()[::-1], strict=True):
        if obligor in position:
            zones[position[obligor]] = zone
    return zones


def _dense(
    table: pa.Table, position: Mapping[str, int], first: int, days: int
) -> tuple[tuple[str, ...], Ints, Mapping[str, Floats]]:
    machines, machine = encoded(table["machine_uid"])
    obligors, obligor = encoded(table["obligor_id"])
    column = day_numbers(table["day"]) - first
    owner_of = np.array([position.get(word, -1) for word in obligors] + [-1], dtype=np.int64)[obligor]
    kept = np.flatnonzero((column >= 0) & (column < days) & (owner_of >= 0))
    pairs, row = _places(owner_of[kept] * (len(machines) + 1) + machine[kept])
    uids = tuple(machines[pair % (len(machines) + 1)] for pair in pairs.tolist())
    cells = _Cells(table=table, kept=kept, cell=row * days + column[kept], shape=(len(pairs), days))
    return uids, pairs // (len(machines) + 1), cells


def _places(keys: Ints) -> tuple[Ints, Ints]:
    """The distinct keys, sorted, and the place of each: `np.unique` of keys that come in long runs."""
    begins = np.flatnonzero(np.diff(keys, prepend=-1))
    found, place = np.unique(keys[begins], return_inverse=True)
    return found, np.repeat(place, np.diff(begins, append=len(keys)))


class _Cells(Mapping[str, Floats]):
    """The measures of machine-days as (row, day) arrays, each made when it is first asked for."""

    def __init__(self, *, table: pa.Table, kept: Ints, cell: Ints, shape: tuple[int, int]) -> None:
        self._table, self._kept, self._cell, self._shape = table, kept, cell, shape
        self._made: dict[str, Floats] = {}

    def __getitem__(self, name: str) -> Floats:
        if name not in self._made:
            dense = np.full(self._shape[0] * self._shape[1], np.nan)
            dense[self._cell] = floats(self._table[name])[self._kept]
            self._made[name] = dense.reshape(self._shape)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(MEASURES)

    def __len__(self) -> int:
        return len(MEASURES)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Papers:
    """Where a ledger's rows belong."""

    position: Mapping[str, int]
    zones: list[str]
    first: int
    days: int

    def sums(self, ledger: pa.Table, values: Floats, *, days_back: int = 0) -> Floats:
        """(obligor, day) sums of a value of its rows, each on the local day of its event (or so many days before)."""
        dense = np.zeros((len(self.position), self.days))
        owner = self.owners(ledger)
        instants = micros(ledger["event_time"])
        zone_of = np.array([*self.zones, FALLBACK_ZONE])[owner]
        for zone in np.unique(zone_of[owner >= 0]):
            own = np.flatnonzero((zone_of == zone) & (owner >= 0))
            calendar = days_around(str(zone), int(instants[own].min()), int(instants[own].max()))
            column = calendar.day_of(instants[own]) - days_back - self.first
            inside = (column >= 0) & (column < self.days)
            np.add.at(dense, (owner[own][inside], column[inside]), np.nan_to_num(values[own][inside]))
        dense[np.setdiff1d(np.arange(len(dense)), owner)] = np.nan
        return dense

    def owners(self, ledger: pa.Table) -> Ints:
        """Position of each row's obligor, -1 where it is none of these."""
        words, codes = encoded(ledger["obligor_id"])
        return np.array([self.position.get(word, -1) for word in words] + [-1], dtype=np.int64)[codes]


def _invoiced(ledgers: _Papers, invoices: pa.Table, deliveries: pa.Table) -> dict[str, Floats]:
    issued = invoices.filter(pc.equal(invoices["status"], ISSUED))
    net = floats(issued["amount_minor"]) - floats(issued["tax_minor"])
    known = pc.is_in(_paper(issued), value_set=_paper(deliveries).combine_chunks())
    unmatched = pc.and_(issued["delivery_id"].is_valid(), pc.invert(known)).to_numpy()
    return {
        "invoiced_minor": ledgers.sums(issued, net),
        "invoiced_unmatched_minor": ledgers.sums(issued, np.where(unmatched, net, 0.0)),
    }


def _paper(table: pa.Table) -> pa.ChunkedArray:
    """Whose delivery each row names."""
    return pc.binary_join_element_wise(
        table["obligor_id"].cast(pa.string()), table["delivery_id"].cast(pa.string()), "|"
    )
