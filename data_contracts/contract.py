"""Data contracts: the ODCS files of `contracts/` as values, the one source of column names, types, units and ranges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any

import pyarrow as pa
import yaml

from data_contracts.errors import NotFound


class RecordKind(StrEnum):
    """What may be said from outside: telemetry and ledgers, each under its own contract."""

    SAMPLE = "sample"
    MACHINE_DAY_REPORT = "machine_day_report"
    MACHINE_OWNERSHIP = "machine_ownership"
    OBLIGOR_PROFILE = "obligor_profile"
    PURCHASE_ORDER = "purchase_order"
    DELIVERY = "delivery"
    DEFAULT_EVENT = "default_event"
    INSURANCE_POLICY = "insurance_policy"
    INSURANCE_CLAIM = "insurance_claim"
    INVOICE = "invoice"
    RECEIPT = "receipt"
    FACILITY = "facility"
    REPAYMENT = "repayment"
    MAINTENANCE = "maintenance"
    ENERGY_BILL = "energy_bill"
    MACHINE_SALE = "machine_sale"
    SUPPLIER_INVOICE = "supplier_invoice"
    COUNTERPARTY_RATING = "counterparty_rating"
    BALANCE_SHEET = "balance_sheet"
    LOCATION = "location"
    GATEWAY_SILENCE = "gateway_silence"
    POWER_NOTICE = "power_notice"
    SITE_INSPECTION = "site_inspection"
    LEASE = "lease"
    PRODUCTION_RUN = "production_run"
    PAYABLE_CONFIRMATION = "payable_confirmation"
    INSPECTION_RECORD = "inspection_record"
    DELIVERY_SCHEDULE = "delivery_schedule"


class PartitionGrain(StrEnum):
    """How wide a span of event time one folder of the store holds."""

    UTC_DAY = "utcDay"
    MONTH = "month"
    YEAR = "year"


class ChunkPeriod(StrEnum):
    """The span, in the site's zone, that one unit's rows of a batch are committed to together."""

    LOCAL_DAY = "localDay"
    LOCAL_MONTH = "localMonth"


class SetBy(StrEnum):
    """Where a column's values come from."""

    SOURCE = "source"
    ADMISSION = "admission"
    RECORDED_TIME_RULE = "recordedTimeRule"


class Identifier(StrEnum):
    """Text columns that name something the platform knows."""

    USCC = "uscc"
    MACHINE_UID = "machineUid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: its Arrow type and what its values must satisfy. Bounds are inclusive; instants bound in UTC."""

    name: str
    type: pa.DataType
    required: bool
    unit: str | None
    set_by: SetBy
    identifier: Identifier | None
    minimum: float | date | datetime | None
    maximum: float | date | datetime | None
    min_length: int
    max_length: int | None
    pattern: str | None
    allowed: tuple[str, ...]
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SumAtMost:
    """The columns of a row together are no more than a limit that the row's day sets."""

    name: str
    columns: tuple[str, ...]
    limit: str
    tolerance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SumEquals:
    """The columns of a row add up to another, within a relative tolerance, where all are given."""

    name: str
    columns: tuple[str, ...]
    total: str
    tolerance: float


RowCheck = SumAtMost | SumEquals


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """The data contract of one record kind.

    `identity` names the columns that say which thing a row is about; with `identity_per_value` every other column is
    a named value of its own and null means that the row did not say. `unit_column` (machine or obligor) decides the
    bucket and, with `chunk_period`, the chunk.
    """

    kind: RecordKind
    contract_id: str
    version: str
    columns: tuple[Column, ...]
    identity: tuple[str, ...]
    identity_per_value: bool
    unit_column: str
    partition_grain: PartitionGrain
    chunk_period: ChunkPeriod
    future_events: bool
    row_checks: tuple[RowCheck, ...]

    @property
    def schema(self) -> pa.Schema:
        """Arrow schema of the stored rows, in the contract's order; instants are UTC microseconds."""
        return pa.schema([pa.field(column.name, column.type, nullable=not column.required) for column in self.columns])

    @property
    def names(self) -> tuple[str, ...]:
        """All column names in order."""
        return tuple(column.name for column in self.columns)

    @property
    def source_columns(self) -> tuple[Column, ...]:
        """The columns that a source speaks for."""
        return tuple(column for column in self.columns if column.set_by is SetBy.SOURCE)

    @property
    def value_names(self) -> tuple[str, ...]:
        """For per-value identity: the columns that each are a named value."""
        return tuple(column.name for column in self.source_columns if column.name not in self.identity)

    @property
    def content_names(self) -> tuple[str, ...]:
        """What two rows of one identity are compared by: all but the identity, recorded_time and batch_id."""
        aside = {*self.identity, "recorded_time", "batch_id"}
        return tuple(name for name in self.names if name not in aside)

    @property
    def identity_has_time(self) -> bool:
        """Whether all versions of one thing bear the same event_time, so that time can prune a search for them."""
        return "event_time" in self.identity

    @property
    def sort_names(self) -> tuple[str, ...]:
        """Order of the stored rows: the unit, event_time, the rest of the identity, recorded_time."""
        first = (self.unit_column, "event_time")
        return (*first, *(name for name in self.identity if name not in first), "recorded_time")

    def column(self, name: str) -> Column:
        """The named column. Raises NotFound naming those there are."""
        for column in self.columns:
            if column.name == name:
                return column
        raise NotFound(f"The contract of {self.kind} has no column {name!r}.", hint=f"It has {', '.join(self.names)}.")


_Loader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
"""Every process reads the contracts when it begins; compiled, that takes a seventh of the time."""


@cache
def load_contract(kind: RecordKind) -> Contract:
    """The contract of `kind`, read from its ODCS file."""
    source = resources.files("data_contracts").joinpath("contracts", f"{kind}.odcs.yaml")
    return _contract(kind, yaml.load(source.read_text(encoding="utf-8"), Loader=_Loader))


def _contract(kind: RecordKind, body: Mapping[str, Any]) -> Contract:
    (entity,) = body["schema"]
    assert entity["name"] == kind, "a contract file is named after its kind"
    custom = _custom(entity)
    return Contract(
        kind=kind,
        contract_id=body["id"],
        version=body["version"],
        columns=tuple(_column(item) for item in entity["properties"]),
        identity=tuple(custom["identity"]),
        identity_per_value=custom["identityPerValue"],
        unit_column=custom["unitColumn"],
        partition_grain=PartitionGrain(custom["partitionGrain"]),
        chunk_period=ChunkPeriod(custom["chunkPeriod"]),
        future_events=custom["futureEvents"],
        row_checks=tuple(_row_check(item) for item in entity.get("quality", ())),
    )


_TYPES: Mapping[str, pa.DataType] = {
    "string": pa.string(),
    "number": pa.float64(),
    "integer": pa.int64(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", tz="UTC"),
}


def _column(item: Mapping[str, Any]) -> Column:
    options = item.get("logicalTypeOptions", {})
    custom = _custom(item)
    logical = item["logicalType"]
    return Column(
        name=item["name"],
        type=_TYPES[logical],
        required=item.get("required", False),
        unit=custom.get("unit"),
        set_by=SetBy(custom.get("setBy", SetBy.SOURCE)),
        identifier=Identifier(custom["identifier"]) if "identifier" in custom else None,
        minimum=_bound(logical, options.get("minimum")),
        maximum=_bound(logical, options.get("maximum")),
        min_length=options.get("minLength", 0),
        max_length=options.get("maxLength"),
        pattern=options.get("pattern"),
        allowed=_allowed(item.get("quality", ())),
        description=item["description"].strip(),
    )


def _bound(logical: str, raw: Any) -> float | date | datetime | None:
    if raw is None:
        return None
    if logical == "timestamp":
        return datetime.fromisoformat(raw).astimezone(UTC)
    return date.fromisoformat(raw) if logical == "date" else float(raw)


def _allowed(quality: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(
        word for check in quality if check["metric"] == "invalidValues" for word in check["arguments"]["validValues"]
    )


def _row_check(item: Mapping[str, Any]) -> RowCheck:
    ((form, body),) = item["implementation"].items()
    columns = tuple(body["columns"])
    if form == "sumAtMost":
        return SumAtMost(name=item["name"], columns=columns, limit=body["limit"], tolerance=body["tolerance"])
    assert form == "sumEquals", f"a row check of unknown form {form}"
    return SumEquals(name=item["name"], columns=columns, total=body["total"], tolerance=body["tolerance"])


def _custom(item: Mapping[str, Any]) -> dict[str, Any]:
    return {entry["property"]: entry["value"] for entry in item.get("customProperties", ())}
