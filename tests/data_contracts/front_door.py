"""A register in memory, a store in a folder, and a door through which text is admitted in one call."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from data_contracts.admission import AdmissionResult, admit
from data_contracts.contract import RecordKind
from data_contracts.identifiers import ObligorId
from data_contracts.mapping import Mapping as SourceMapping
from data_contracts.mapping import parse_mapping
from data_contracts.observations.reader import ObservationReader
from data_contracts.observations.store import ObservationStore
from data_contracts.observations.tables import metadata

OBLIGOR = ObligorId("91999999MA0000001N")
NOW = datetime(2026, 7, 1, tzinfo=UTC)

SAMPLES = {
    "name": "gateway",
    "kind": "sample",
    "source_zone": "Asia/Shanghai",
    "site_zone": "Asia/Shanghai",
    "hold_seconds": 600,
    "silence": "off",
    "recorded_time": "event_time",
    "columns": {
        "machine": {"column": "m"},
        "event_time": {"column": "t"},
        "state": {
            "column": "state",
            "values": {
                "1": "Executing/Setup",
                "2": "Executing/Processing",
                "3": "OutOfService",
                "0": "NotExecuting/None",
            },
        },
        "power_kw": {"column": "kw", "unit": "kW"},
        "part_delta": {"column": "parts"},
    },
}


def sample_mapping(**changes: Any) -> SourceMapping:
    """The mapping of a plain gateway, with some keys changed."""
    return parse_mapping(json.dumps({**SAMPLES, **changes}), source="test")


@dataclass
class Door:
    """Admission with everything it needs; `received` is the clock."""

    connection: sa.Connection
    store: ObservationStore
    folder: Path
    received: datetime = NOW
    _count: int = field(default=0)

    def file(self, content: bytes | str, name: str = "source.csv") -> Path:
        """A source file in a folder of its own."""
        self._count += 1
        path = self.folder / f"in{self._count}" / name
        path.parent.mkdir()
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def text(
        self, lines: str, mapping: SourceMapping | None = None, *, obligor: ObligorId | None = OBLIGOR
    ) -> AdmissionResult:
        """Admit CSV lines (with header)."""
        return self.path(self.file(lines), mapping, obligor=obligor)

    def table(
        self, columns: Mapping[str, Any], mapping: SourceMapping, *, obligor: ObligorId | None = None
    ) -> AdmissionResult:
        """Admit a typed table through a Parquet file."""
        self._count += 1
        path = self.folder / f"in{self._count}.parquet"
        pq.write_table(pa.table(dict(columns)), path)
        return self.path(path, mapping, obligor=obligor)

    def path(
        self, path: Path, mapping: SourceMapping | None = None, *, obligor: ObligorId | None = OBLIGOR
    ) -> AdmissionResult:
        """Admit a file."""
        return admit(
            self.connection,
            self.store,
            path,
            mapping or sample_mapping(),
            obligor=obligor,
            received_time=self.received,
        )

    def reader(self) -> ObservationReader:
        """A reader of what was admitted."""
        return ObservationReader(self.connection, self.store)

    def rows(
        self, kind: RecordKind = RecordKind.SAMPLE, *, as_of: datetime = NOW, **asked: Any
    ) -> list[dict[str, Any]]:
        """Current rows as plain dictionaries."""
        rows: list[dict[str, Any]] = self.reader().rows(kind, as_of=as_of, **asked).to_pylist()
        return rows


def new_door(folder: Path, server: sa.Engine | None = None) -> tuple[sa.Engine, Door]:
    """A door on a fresh register (in memory, or in a schema of its own on `server`) and a fresh store in `folder`."""
    engine = sa.create_engine("sqlite://") if server is None else _in_new_schema(server)
    metadata.create_all(engine)
    return engine, Door(connection=engine.connect(), store=ObservationStore(folder / "observations"), folder=folder)


def _in_new_schema(server: sa.Engine) -> sa.Engine:
    schema = f"door_{uuid4().hex}"
    with server.begin() as connection:
        connection.execute(sa.schema.CreateSchema(schema))
    return sa.create_engine(server.url, connect_args={"options": f"-csearch_path={schema}"})
