"""A register in memory and a store in a folder, filled through admission with rows under the contracts' own names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa
from sample_tables import OBLIGOR

from data_contracts.admission import admit
from data_contracts.contract import RecordKind, load_contract
from data_contracts.evidence.tables import metadata as evidence
from data_contracts.mapping import load_mapping
from data_contracts.observations.reader import ObservationReader
from data_contracts.observations.store import ObservationStore
from data_contracts.observations.tables import metadata
from data_contracts.vocabulary import ELEMENTS
from features.machine_day.machine_days import ENERGIES

OTHER = "91999999MA0000002R"
THIRD = "91999999MA0000003W"
RECEIVED = datetime(2026, 11, 21, tzinfo=UTC)


class Book:
    """What was said, and a reader of it."""

    def __init__(self, connection: sa.Connection, folder: Path) -> None:
        self.connection, self.folder = connection, folder
        self.store = ObservationStore(folder / "observations")
        self.reader = ObservationReader(connection, self.store)
        self._count = 0

    def say(self, kind: RecordKind, rows: Sequence[Mapping[str, Any]], **mapping: Any) -> None:
        """Admit rows; what a row does not name is null, and it is known when it happened unless it says `recorded_time`."""
        columns = [
            column
            for column in load_contract(kind).source_columns
            if column.name != "event_time" or kind != "machine_day_report"
        ]
        schema = pa.schema(
            [(column.name, column.type) for column in columns] + [("recorded_time", pa.timestamp("us", tz="UTC"))]
        )
        unsaid = dict.fromkeys(schema.names)
        stamped = [{"recorded_time": row.get("event_time")} | dict(row) for row in rows]
        self._count += 1
        path = self.folder / f"{self._count}.parquet"
        pq.write_table(pa.Table.from_pylist([unsaid | row for row in stamped], schema=schema), path)
        chosen = load_mapping(f"canonical_{kind}").model_copy(update=mapping)
        result = admit(self.connection, self.store, path, chosen, obligor=None, received_time=RECEIVED)
        assert result.rows_admitted + result.rows_duplicate == len(rows), result.messages()

    def reports(self, machine: str, first: date, days: int, *, lag_days: int = 1, **values: float) -> None:
        """A report for each of `days` days from `first` on, known `lag_days` after the day began."""
        measures = dict.fromkeys(ELEMENTS, 0.0) | values
        energies = {name: measures.get(name) for name in ENERGIES}
        if energies["energy_kwh"] is not None:
            energies |= {name: energies[name] or 0.0 for name in ENERGIES[1:]}
            energies["energy_other_kwh"] = (
                energies["energy_kwh"] - energies["energy_executing_kwh"] - energies["energy_idle_kwh"]
            )
        rows = []
        for number in range(days):
            day = first + timedelta(days=number)
            known = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=lag_days) - timedelta(hours=8)
            rows.append({"machine_uid": machine, "day": day, "recorded_time": known, **measures, **energies})
        self.say(RecordKind.MACHINE_DAY_REPORT, rows)

    def owns(self, machine: str, obligor: str = OBLIGOR, *, start: datetime, **values: Any) -> None:
        """An ownership row."""
        self.say(
            RecordKind.MACHINE_OWNERSHIP,
            [{"machine_uid": machine, "obligor_id": obligor, "event_time": start, **values}],
        )


@contextmanager
def new_book(folder: Path) -> Iterator[Book]:
    """An empty book."""
    engine = sa.create_engine("sqlite://")
    for tables in (metadata, evidence):
        tables.create_all(engine)
    with engine.connect() as connection:
        yield Book(connection, folder)
    engine.dispose()
