"""Mappings: how one source's files are read. And the source profile, what of a mapping the numbers depend on.

A mapping is a YAML file, shipped in `mappings/` under its name or written by a user (docs/mappings.md).
"""

from __future__ import annotations

import codecs
import difflib
from collections.abc import Mapping as MappingOf
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pyarrow as pa
import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from data_contracts.contract import RecordKind, load_contract
from data_contracts.errors import InvalidMapping, UnknownMapping
from data_contracts.profile import SourceProfile, parse_profile
from data_contracts.reference import units
from data_contracts.vocabulary import DataOrigin, ItemState, OperationMode, Silence

__all__ = [
    "ColumnSource",
    "CsvOptions",
    "Lag",
    "Mapping",
    "RecordedColumn",
    "SourceProfile",
    "load_mapping",
    "parse_mapping",
    "parse_profile",
    "shipped_mappings",
]

SUFFIX = ".mapping.yaml"

LONGEST_HOLD_SECONDS = 30 * 86_400.0
"""A sample that speaks for longer than a month is a mistake in the mapping."""

LONGEST_LAG_SECONDS = 10 * 366 * 86_400.0
"""Ten years: history that became known later than that is not lent on."""

MACHINE = "machine"
"""Canonical target: the source's own machine id, which admission makes a machine_uid."""

STATE = "state"
"""Canonical target: one source column that says item state and operation mode together, as `State/Mode`."""


def _word(value: Any) -> Any:
    """YAML reads a bare 2 as a number and a bare off, no or true as a boolean; in a mapping all are words."""
    if isinstance(value, bool):
        raise ValueError("a bare on, off, yes, no, true or false is ambiguous in YAML; put it in quotes")
    return str(value) if isinstance(value, int | float) else value


def _silence(value: Any) -> Any:
    return "off" if value is False else value


def _zone(value: Any) -> Any:
    try:
        ZoneInfo(str(value))
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"{value!r} is no IANA time zone (write it like Asia/Shanghai)") from error
    return value


def _encoding(value: Any) -> Any:
    try:
        "".encode(str(value))  # refuses codecs that are not for text
        return codecs.lookup(str(value)).name
    except LookupError as error:
        raise ValueError(f"{value!r} is no text encoding (write it like utf-8 or gb18030)") from error


Word = Annotated[str, BeforeValidator(_word)]
Zone = Annotated[str, BeforeValidator(_zone)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CsvOptions(_Part):
    """How a delimited text file is written."""

    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    encoding: Annotated[str, BeforeValidator(_encoding)] = "utf-8"
    decimal_point: Literal[".", ","] = "."
    null_values: tuple[Word, ...] = ("",)


class Lag(_Part):
    """Backfilled history: a row could be known `lag_seconds` after it was true."""

    lag_seconds: Annotated[float, Field(ge=0, le=LONGEST_LAG_SECONDS)]


class RecordedColumn(_Part):
    """Backfilled history: a column of the source says when each row could be known."""

    column: str


class ColumnSource(_Part):
    """Where one canonical value comes from: a source column, its unit, its words, the form of its stamps."""

    column: str
    unit: str | None = None
    values: MappingOf[Word, Word] | None = None
    format: str | None = None


class Mapping(_Part):
    """How one source's files are read; see docs/mappings.md for every key."""

    name: str
    kind: RecordKind
    description: str = ""
    format: Literal["csv", "parquet"] | None = None
    csv: CsvOptions = CsvOptions()
    source_zone: Zone = "UTC"
    site_zone: Zone = "UTC"
    site_zone_assumed: bool = False
    hold_seconds: Annotated[float, Field(gt=0, le=LONGEST_HOLD_SECONDS)] | None = None
    silence: Annotated[Silence | None, BeforeValidator(_silence)] = None
    part_count_modulus: Annotated[float, Field(gt=0)] | None = None
    energy_register_modulus: Annotated[float, Field(gt=0)] | None = None
    data_origin: DataOrigin = DataOrigin.REAL
    recorded_time: Literal["now", "event_time"] | Lag | RecordedColumn = "now"
    columns: Literal["canonical"] | MappingOf[str, ColumnSource]

    @model_validator(mode="after")
    def _agrees_with_the_contract(self) -> Mapping:
        _check_profile(self)
        if not isinstance(self.columns, str):
            _check_targets(self.kind, self.columns)
            for target, source in self.columns.items():
                _check_column(self.kind, target, source)
        return self

    def profile(self) -> SourceProfile:
        """The mapping less its column names: what the numbers made from its rows depend on."""
        named = {} if isinstance(self.columns, str) else self.columns
        return SourceProfile(
            kind=self.kind,
            source_zone=self.source_zone,
            site_zone=self.site_zone,
            site_zone_assumed=self.site_zone_assumed,
            hold_seconds=self.hold_seconds,
            silence=self.silence,
            units={target: source.unit for target, source in sorted(named.items()) if source.unit is not None},
            vocabulary={
                target: dict(sorted(source.values.items()))
                for target, source in sorted(named.items())
                if source.values is not None
            },
            part_count_modulus=self.part_count_modulus,
            energy_register_modulus_kwh=_modulus_kwh(self.energy_register_modulus, named),
            data_origin=self.data_origin,
            recorded_time=self.recorded_rule,
        )

    @property
    def recorded_rule(self) -> str:
        """The rule of recorded_time less any column name: `now`, `event_time+<seconds>` or `column`."""
        match self.recorded_time:
            case "now":
                return "now"
            case "event_time":
                return "event_time+0.0"
            case Lag(lag_seconds=lag):
                return f"event_time+{lag}"
            case RecordedColumn():
                return "column"

    @property
    def is_backfilled(self) -> bool:
        """Whether the source declares after the fact what could be known when (caps the attestation level)."""
        return self.recorded_time != "now"


def shipped_mappings() -> tuple[str, ...]:
    """Names of the mappings that ship with the package, sorted."""
    folder = resources.files("data_contracts").joinpath("mappings")
    return tuple(
        sorted(file.name.removesuffix(SUFFIX) for file in folder.iterdir() if file.name.endswith(SUFFIX)),
    )


def load_mapping(name_or_path: str) -> Mapping:
    """The shipped mapping of that name, or the mapping in the file at that path.

    Raises UnknownMapping when there is neither, InvalidMapping with the place in the file when it is malformed.
    """
    if name_or_path in shipped_mappings():
        shipped = resources.files("data_contracts").joinpath("mappings", name_or_path + SUFFIX)
        return parse_mapping(shipped.read_text(encoding="utf-8"), source=name_or_path)
    path = Path(name_or_path)
    if not path.is_file():
        near = difflib.get_close_matches(name_or_path, shipped_mappings(), n=3)
        hint = f"Did you mean {' or '.join(near)}?" if near else f"Shipped: {', '.join(shipped_mappings())}."
        raise UnknownMapping(f"No mapping is called {name_or_path!r}, and no file lies there.", hint=hint)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InvalidMapping(f"{path.name} is no UTF-8 text (byte {error.start}).") from error
    return parse_mapping(text, source=path.name)


def parse_mapping(text: str, *, source: str) -> Mapping:
    """The mapping that a YAML text says; `source` names it in errors. Raises InvalidMapping."""
    try:
        body = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InvalidMapping(f"Mapping {source} is no YAML: {error}.") from error
    if not isinstance(body, dict):
        raise InvalidMapping(f"Mapping {source} must be a YAML object.", hint="See docs/mappings.md for an example.")
    try:
        return Mapping.model_validate(body)
    except ValidationError as error:
        faults = "; ".join(_fault(item) for item in error.errors(include_url=False))
        raise InvalidMapping(f"Mapping {source}: {faults}.", hint="docs/mappings.md explains every key.") from error


def _fault(item: Any) -> str:
    place = ".".join(str(part) for part in item["loc"])
    message = item["msg"].removeprefix("Value error, ").rstrip(".")
    return f"{place}: {message}" if place else message


def _check_profile(mapping: Mapping) -> None:
    if mapping.kind is RecordKind.SAMPLE and mapping.hold_seconds is None:
        raise ValueError("a mapping of samples needs hold_seconds (how long a sample holds at most)")
    telemetry = mapping.kind in {RecordKind.SAMPLE, RecordKind.MACHINE_DAY_REPORT}
    if telemetry and mapping.silence is None:
        raise ValueError("a mapping of telemetry needs silence: off or unknown (what a gap means)")
    if telemetry and "site_zone" not in mapping.model_fields_set:
        raise ValueError("a mapping of telemetry needs site_zone (whose calendar decides what a day is)")


def _check_targets(kind: RecordKind, columns: MappingOf[str, ColumnSource]) -> None:
    contract = load_contract(kind)
    names = {column.name for column in contract.source_columns}
    special = {MACHINE} if "machine_uid" in names else set()
    special |= {STATE} if "item_state" in names else set()
    unknown = sorted(set(columns) - names - special)
    if unknown:
        known = ", ".join(sorted(names | special))
        raise ValueError(f"columns {', '.join(unknown)} are not of the contract of {kind}; it has {known}")
    given = set(columns) | ({"machine_uid"} if MACHINE in columns else set())
    needed = {column.name for column in contract.source_columns if column.required} - {"obligor_id"}
    if missing := sorted(needed - given):
        raise ValueError(f"columns must also name {', '.join(missing)} (required by the contract of {kind})")
    if STATE in columns and {"item_state", "operation_mode"} & set(columns):
        raise ValueError("state says item_state and operation_mode together; name either it or them")


def _check_column(kind: RecordKind, target: str, source: ColumnSource) -> None:
    if target == STATE:
        if source.values is None:
            raise ValueError("columns.state needs values, from the source's words to State/Mode")
        for word in source.values.values():
            split_state(word)
        return
    if target == MACHINE:
        if source.unit is not None:
            raise ValueError("columns.machine bears no unit")
        return
    column = load_contract(kind).column(target)
    if source.unit is not None:
        if column.unit is None:
            raise ValueError(f"columns.{target} bears no unit")
        try:
            units.conversion(source=source.unit, stored=column.unit)
        except InvalidMapping as error:
            raise ValueError(f"columns.{target}: {error.message} {error.hint}") from error
    if source.values is not None and not pa.types.is_string(column.type):
        raise ValueError(f"columns.{target}: values are for text columns; {target} is {column.type}")
    if source.values is not None and column.allowed:
        wrong = sorted(set(source.values.values()) - set(column.allowed))
        if wrong:
            raise ValueError(f"columns.{target} knows no {', '.join(wrong)}; it knows {', '.join(column.allowed)}")


def split_state(word: str) -> tuple[ItemState, OperationMode]:
    """`Executing/Setup` as its pair; a word says both, so without a slash the mode is None, not the one held before.

    Raises ValueError on an unknown word.
    """
    state, _, mode = word.partition("/")
    if state not in set(ItemState) or (mode and mode not in set(OperationMode)):
        raise ValueError(
            f"{word!r} is no State/Mode; states are {', '.join(ItemState)}; modes are {', '.join(OperationMode)}"
        )
    return ItemState(state), OperationMode(mode) if mode else OperationMode.NONE


def _modulus_kwh(modulus: float | None, columns: MappingOf[str, ColumnSource]) -> float | None:
    register = columns.get("energy_register_kwh")
    if modulus is None or register is None or register.unit is None:
        return modulus
    factor = units.conversion(source=register.unit, stored="kWh")
    return modulus * factor.multiply / factor.divide
