"""The folder of a world: data files, the mappings of its gateways, and a manifest of what to ingest in which order."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from data_contracts.contract import RecordKind, load_contract
from data_contracts.errors import InputError
from data_contracts.vocabulary import DataOrigin
from simulator.world_calendar import QUARTER_SECONDS

MANIFEST_FORMAT = 1
MANIFEST = "manifest.json"
TRUTH_FOLDER = "truth"
COMPRESSION = {"compression": "zstd", "compression_level": 3}
KINDS_IN_ORDER = (
    RecordKind.OBLIGOR_PROFILE,
    RecordKind.MACHINE_OWNERSHIP,
    RecordKind.MACHINE_DAY_REPORT,
    RecordKind.SAMPLE,
    RecordKind.PURCHASE_ORDER,
    RecordKind.DELIVERY,
    RecordKind.INVOICE,
    RecordKind.RECEIPT,
    RecordKind.FACILITY,
    RecordKind.REPAYMENT,
    RecordKind.MAINTENANCE,
    RecordKind.ENERGY_BILL,
    RecordKind.MACHINE_SALE,
    RecordKind.GATEWAY_SILENCE,
    RecordKind.POWER_NOTICE,
    RecordKind.SITE_INSPECTION,
    RecordKind.INSURANCE_POLICY,
    RecordKind.INSURANCE_CLAIM,
    RecordKind.DEFAULT_EVENT,
)


class FolderNotEmpty(InputError):
    """A world is written into a folder of its own."""

    code = "folder_not_empty"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEntry:
    """One data file as the manifest names it; its path and its mapping are relative to the folder."""

    path: str
    kind: str
    mapping: str
    obligor: str | None
    sha256: str
    rows: int


@dataclass(slots=True)
class WorldFolder:
    """Writes the files of one world; a context manager that closes what is still open.

    Raises FolderNotEmpty when the folder holds anything already.
    """

    root: Path
    site_zone: str
    about: Mapping[str, Any]
    """What every file of the truth bears in its metadata: world, version, seed, parameters, statement."""
    _entries: list[FileEntry] = field(default_factory=list)
    _open: dict[str, pq.ParquetWriter] = field(default_factory=dict)
    _rows: dict[str, int] = field(default_factory=dict)

    def __enter__(self) -> WorldFolder:
        if self.root.exists() and any(self.root.iterdir()):
            raise FolderNotEmpty(
                f"{self.root} is not empty.", hint="Give --out a new folder, or remove the old world first."
            )
        self.root.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for writer in self._open.values():
            writer.close()
        self._open.clear()

    def append(self, kind: RecordKind, name: str, table: pa.Table) -> None:
        """Add rows, as one row group, to the Parquet file `name` of its kind; `finish` closes it."""
        self._append(f"{kind}/{name}.parquet", table)

    def append_truth(self, name: str, table: pa.Table) -> None:
        """Add rows to what no feature may read: it lies beside the data, in no manifest, and closes with the folder."""
        told = {key: str(value) for key, value in self.about.items()}
        self._append(f"{TRUTH_FOLDER}/{name}.parquet", table.replace_schema_metadata(told))

    def finish(self, kind: RecordKind, name: str) -> None:
        """Close the Parquet file `name` of its kind and enter it in the manifest; without rows there is no file."""
        path = f"{kind}/{name}.parquet"
        if path in self._open:
            self._open.pop(path).close()
            self._enter(kind, path, format_name="parquet", rows=self._rows.pop(path))

    def is_open(self, kind: RecordKind, name: str) -> bool:
        """Whether the Parquet file `name` of its kind has rows and is not finished."""
        return f"{kind}/{name}.parquet" in self._open

    def ledger(self, kind: RecordKind, table: pa.Table) -> None:
        """Write a ledger as one CSV file; instants in UTC with a Z. An empty ledger is no file.

        Later versions of a row go into files of their own, `<kind>_2.csv` and so on: a file may not contradict itself.
        """
        for number, version in enumerate(_versions(kind, table), start=1):
            path = f"{kind}.csv" if number == 1 else f"{kind}_{number}.csv"
            pa_csv.write_csv(version, self.root / path)
            self._enter(kind, path, format_name="csv", rows=len(version))

    def raw_samples(
        self, name: str, parts: Iterable[tuple[bytes, int]], *, mapping_name: str, mapping: str, obligor: str
    ) -> None:
        """Write what an obligor's gateway sent, part by part (bytes, rows), and the mapping that reads it."""
        path, mapping_path = f"{RecordKind.SAMPLE}/{name}.csv", f"mappings/{mapping_name}.mapping.yaml"
        (self.root / path).parent.mkdir(exist_ok=True)
        rows = 0
        with (self.root / path).open("wb") as file:
            for text, more in parts:
                file.write(text)
                rows += more
        if rows:
            self._enter_under(RecordKind.SAMPLE, path, mapping_path, mapping, obligor=obligor, rows=rows)
        else:
            (self.root / path).unlink()

    def manifest(self, **about: Any) -> None:
        """Write the manifest, the files in the order of ingestion."""
        order = {kind.value: position for position, kind in enumerate(KINDS_IN_ORDER)}
        entries = sorted(self._entries, key=lambda entry: (order[entry.kind], entry.path))
        body = {
            "format": MANIFEST_FORMAT,
            **about,
            "data_origin": DataOrigin.SYNTHETIC.value,
            "files": [asdict(entry) for entry in entries],
        }
        text = json.dumps(body, ensure_ascii=False, indent=1)
        (self.root / MANIFEST).write_text(text + "\n", encoding="utf-8")

    def rows(self) -> dict[RecordKind, int]:
        """Rows that the manifest's files hold, of every kind."""
        counts: Counter[RecordKind] = Counter()
        for entry in self._entries:
            counts[RecordKind(entry.kind)] += entry.rows
        return {kind: counts[kind] for kind in RecordKind}

    def _append(self, path: str, table: pa.Table) -> None:
        if not len(table) and not path.startswith(TRUTH_FOLDER):
            return
        if path not in self._open:
            (self.root / path).parent.mkdir(exist_ok=True)
            self._open[path] = pq.ParquetWriter(self.root / path, table.schema, **COMPRESSION)
        self._open[path].write_table(table, row_group_size=max(len(table), 1))
        self._rows[path] = self._rows.get(path, 0) + len(table)

    def _enter(self, kind: RecordKind, path: str, *, format_name: str, rows: int) -> None:
        lines = _mapping_lines(kind, format_name=format_name, site_zone=self.site_zone)
        self._enter_under(kind, path, f"mappings/{kind}.mapping.yaml", "\n".join(lines) + "\n", obligor=None, rows=rows)

    def _enter_under(
        self, kind: RecordKind, path: str, mapping_path: str, mapping: str, *, obligor: str | None, rows: int
    ) -> None:
        (self.root / mapping_path).parent.mkdir(exist_ok=True)
        (self.root / mapping_path).write_text(mapping, encoding="utf-8")
        digest = _sha256(self.root / path)
        self._entries.append(
            FileEntry(path=path, kind=kind.value, mapping=mapping_path, obligor=obligor, sha256=digest, rows=rows)
        )


def _versions(kind: RecordKind, table: pa.Table) -> list[pa.Table]:
    """The rows of a ledger: those known first of each thing, those that correct them, and so on, each in order."""
    identity = [name for name in load_contract(kind).identity if name in table.column_names]
    if len(table.group_by(identity).aggregate([])) == len(table):
        return [table] if len(table) else []
    numbered = table.select([*identity, "recorded_time"]).to_pandas()
    turn = numbered.groupby(identity, sort=False)["recorded_time"].rank(method="first").to_numpy()
    return [table.filter(pa.array(turn == number)) for number in range(1, int(turn.max()) + 1)]


def _mapping_lines(kind: RecordKind, *, format_name: str, site_zone: str) -> Sequence[str]:
    lines = [
        f"name: synthetic_{kind}",
        f"kind: {kind}",
        "description: Written by the simulator under the contract's own column names; synthetic.",
        f"format: {format_name}",
        "source_zone: UTC",
        f"site_zone: {site_zone}",
        "site_zone_assumed: false",
        f"data_origin: {DataOrigin.SYNTHETIC}",
        "recorded_time: {column: recorded_time}",
        "columns: canonical",
    ]
    if kind in {RecordKind.SAMPLE, RecordKind.MACHINE_DAY_REPORT}:
        lines += [f"hold_seconds: {QUARTER_SECONDS}", "silence: unknown"]
    return lines


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
