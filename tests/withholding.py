"""Rows taken away between the store and everything that is concluded from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from data_contracts.contract import RecordKind, load_contract
from data_contracts.identifiers import ObligorId
from data_contracts.observations.reader import ObservationReader

KINDS = (
    RecordKind.MACHINE_DAY_REPORT,
    RecordKind.SAMPLE,
    RecordKind.PURCHASE_ORDER,
    RecordKind.OBLIGOR_PROFILE,
    RecordKind.ENERGY_BILL,
    RecordKind.MAINTENANCE,
    RecordKind.GATEWAY_SILENCE,
)
"""Kinds whose rows gain nothing by being withheld. docs/withholding.md says why the others are not among them."""

Withheld = Mapping[RecordKind, frozenset[tuple[Any, ...]]]


class WithholdingReader(ObservationReader):
    """Reads a store as if some rows had never been said."""

    def __init__(self, reader: ObservationReader, withheld: Withheld) -> None:
        super().__init__(reader.connection, reader.store)
        self.withheld = withheld

    def rows(self, kind: RecordKind, *, columns: Sequence[str] | None = None, **asked: Any) -> pa.Table:
        """The rows that are not withheld."""
        gone = self.withheld.get(kind)
        if not gone:
            return super().rows(kind, columns=columns, **asked)
        named = None if columns is None else list(dict.fromkeys((*columns, *load_contract(kind).identity)))
        found = super().rows(kind, columns=named, **asked)
        kept = pa.array([row not in gone for row in names(found, kind)], pa.bool_())
        found = found.filter(kept)
        return found if columns is None else found.select(list(columns))


def names(rows: pa.Table, kind: RecordKind) -> list[tuple[Any, ...]]:
    """What names each row."""
    return list(zip(*(rows[column].to_pylist() for column in load_contract(kind).identity), strict=True))


@dataclass(frozen=True)
class Said:
    """Everything that may be withheld of an obligor."""

    tables: Mapping[RecordKind, pa.Table]

    def withhold(self, random: np.random.Generator) -> Withheld:
        """Rows chosen in one of many ways, from single ones to whole streams."""
        ways = (_scattered, _span, _machine, _stream, _late, _idle_days, _faulty_days, _slow_days, _cheap_orders)
        gone: dict[RecordKind, frozenset[tuple[Any, ...]]] = {}
        for way in random.choice(len(ways), size=int(random.integers(1, 3)), replace=False).tolist():
            for kind, mask in ways[way](self.tables, random).items():
                chosen = [name for name, is_gone in zip(names(self.tables[kind], kind), mask, strict=True) if is_gone]
                gone[kind] = gone.get(kind, frozenset()) | frozenset(chosen)
        return gone

    def surely(self) -> dict[str, Withheld]:
        """What whoever gains by silence tries first: the word of the machine that worked least, and that of all."""
        reports = self.tables[_REPORT]
        uids = np.array(reports["machine_uid"].to_pylist())
        work = {uid: float(_floats(reports, "executing_seconds")[uids == uid].sum()) for uid in np.unique(uids)}
        idlest = uids == min(work, key=work.__getitem__, default="")
        named = np.array([*names(reports, _REPORT), None], dtype=object)[:-1]
        return {
            "least busy machine": {_REPORT: frozenset(named[idlest])},
            "all reports": {_REPORT: frozenset(named)},
        }


def said_by(reader: ObservationReader, obligor: ObligorId, *, as_of: datetime) -> Said:
    """What an obligor's machines and ledgers said."""
    return Said({kind: reader.rows(kind, as_of=as_of, obligor_ids=[obligor]) for kind in KINDS})


Tables = Mapping[RecordKind, pa.Table]
Masks = dict[RecordKind, NDArray[np.bool_]]
_REPORT = RecordKind.MACHINE_DAY_REPORT
_TELEMETRY = (_REPORT, RecordKind.SAMPLE)


def _scattered(tables: Tables, random: np.random.Generator) -> Masks:
    share = float(random.choice([0.002, 0.05, 0.3]))
    return {kind: random.random(len(rows)) < share for kind, rows in tables.items()}


def _span(tables: Tables, random: np.random.Generator) -> Masks:
    end = int(random.integers(0, 400))
    begin = end + int(random.integers(1, 60))
    masks = {}
    for kind in _TELEMETRY:
        age = _age_days(tables[kind])
        masks[kind] = (age >= end) & (age < begin)
    return masks


def _late(tables: Tables, random: np.random.Generator) -> Masks:
    days = int(random.integers(1, 45))
    return {kind: _age_days(rows) < days for kind, rows in tables.items()}


def _machine(tables: Tables, random: np.random.Generator) -> Masks:
    uids = sorted({uid for kind in _TELEMETRY for uid in tables[kind]["machine_uid"].to_pylist()})
    chosen = uids[int(random.integers(len(uids)))] if uids else None
    return {
        kind: np.array([uid == chosen for uid in tables[kind]["machine_uid"].to_pylist()], bool) for kind in _TELEMETRY
    }


def _stream(tables: Tables, random: np.random.Generator) -> Masks:
    kinds = list(tables)
    kind = kinds[int(random.integers(len(kinds)))]
    return {kind: np.ones(len(tables[kind]), bool)}


def _idle_days(tables: Tables, random: np.random.Generator) -> Masks:
    return _most(tables[_REPORT], -_floats(tables[_REPORT], "executing_seconds"), random)


def _faulty_days(tables: Tables, random: np.random.Generator) -> Masks:
    return _most(tables[_REPORT], _floats(tables[_REPORT], "fault_starts"), random)


def _slow_days(tables: Tables, random: np.random.Generator) -> Masks:
    rows = tables[_REPORT]
    parts = _floats(rows, "parts")
    each = np.divide(_floats(rows, "executing_seconds"), parts, out=np.zeros(len(parts)), where=parts > 0)
    return _most(rows, each, random)


def _cheap_orders(tables: Tables, random: np.random.Generator) -> Masks:
    rows = tables[RecordKind.PURCHASE_ORDER]
    price = _floats(rows, "amount_minor") / np.maximum(_floats(rows, "parts"), 1.0)
    worst = np.argsort(price)[: int(len(price) * random.uniform(0, 0.6))]
    return {RecordKind.PURCHASE_ORDER: np.isin(np.arange(len(price)), worst)}


def _most(rows: pa.Table, badness: NDArray[np.float64], random: np.random.Generator) -> Masks:
    """The worst of the reports of the last quarter, or of all."""
    inside = _age_days(rows) < (90 if random.random() < 0.7 else 10_000)
    worst = np.argsort(np.where(inside, badness, -np.inf))[::-1][: int(inside.sum() * random.uniform(0, 0.3))]
    return {_REPORT: np.isin(np.arange(len(badness)), worst)}


def _floats(rows: pa.Table, column: str) -> NDArray[np.float64]:
    return np.asarray(rows[column].cast(pa.float64()).fill_null(0.0).to_numpy(zero_copy_only=False))


def _age_days(rows: pa.Table) -> NDArray[np.float64]:
    """Days before the latest row of the table at which each row could be known."""
    if not len(rows):
        return np.empty(0)
    known = rows["recorded_time"].cast(pa.int64()).to_numpy(zero_copy_only=False)
    return np.asarray((pc.max(rows["recorded_time"].cast(pa.int64())).as_py() - known) / 86_400e6)
