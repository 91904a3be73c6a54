"""Business parameters as dated YAML: a value per date, a unit and a source. The one loader of such files.

A file is `description`, `unit`, `values: {date: value}` and `reference: {date: source}`. A rule ends with a dated null.
Every file has a first entry at or before 2018-01-01, so that long histories can be scored.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from data_contracts.errors import InvalidParameters, NoParameterYet
from data_contracts.identifiers import ParametersVersion

FIRST_ENTRY_BY = date(2018, 1, 1)
MERGE_TAG = "tag:yaml.org,2002:merge"
RULES_ZONE = ZoneInfo("Asia/Shanghai")
"""A rule dated 1 July is in force from that day's midnight where the rules are made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatedParameter:
    """One parameter file: what it means, its unit, its values by first day of validity, and where each came from."""

    name: str
    description: str
    unit: str
    values: Mapping[date, Any]
    reference: Mapping[date, str]

    def at(self, as_of: date) -> Any:
        """The value in force on `as_of`. Raises NoParameterYet before the first entry."""
        started = [start for start in self.values if start <= as_of]
        if not started:
            first = min(self.values)
            raise NoParameterYet(
                f"Parameter {self.name} has no value at {as_of.isoformat()}; its first is of {first.isoformat()}.",
                hint="Ask for a later as_of, or add an earlier dated entry with its source.",
            )
        return self.values[max(started)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterBook:
    """All parameter files of one room, under one version: the SHA-256 of their canonical content."""

    parameters: Mapping[str, DatedParameter]
    version: ParametersVersion

    def at(self, as_of: datetime | date) -> dict[str, Any]:
        """Every parameter's value on the day of `as_of` in China. Raises NoParameterYet before a first entry."""
        day = as_of.astimezone(RULES_ZONE).date() if isinstance(as_of, datetime) else as_of
        return {name: parameter.at(day) for name, parameter in sorted(self.parameters.items())}

    def with_those_of(self, other: ParameterBook, names: Collection[str]) -> ParameterBook:
        """This book with the named parameters as `other` has them, under the version of what it then holds."""
        kept = {name: own for name, own in self.parameters.items() if name not in names}
        return _book(kept | {name: theirs for name, theirs in other.parameters.items() if name in names})

    def canonical(self) -> str:
        """The book as canonical JSON: what its version hashes, and what a replay loads."""
        return _canonical(self.parameters)


def parse_book(canonical: str) -> ParameterBook:
    """The book that `ParameterBook.canonical` wrote. Raises InvalidParameters when it is no such text."""
    try:
        raw = json.loads(canonical)
    except json.JSONDecodeError as error:
        raise InvalidParameters(f"A stored parameter book is no JSON: {error}.") from error
    return _book({name: _parameter(name, body) for name, body in raw.items()})


def load_book(folder: Path | Traversable) -> ParameterBook:
    """Read every `*.yaml` in `folder`. Raises InvalidParameters naming the file and what is wrong."""
    files = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".yaml")), key=lambda entry: entry.name)
    return _book({file.name[:-5]: _parameter(file.name[:-5], _yaml(file)) for file in files})


class _ToldOnce(yaml.SafeLoader):
    """YAML in which a key is told once: of two values for one day the reader would keep the last and say nothing."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """The mapping. Raises InvalidParameters for a key told twice."""
        keys = [str(key.value) for key, _ in node.value if key.tag != MERGE_TAG]
        twice = sorted({key for key in keys if keys.count(key) > 1})
        if twice:
            raise InvalidParameters(
                f"{self.name} tells {twice[0]!r} twice (line {node.start_mark.line + 1} on).",
                hint="One value counts a day: give one of the two another day, or take it out.",
            )
        return super().construct_mapping(node, deep)


def _yaml(file: Path | Traversable) -> Any:
    loader = _ToldOnce(file.read_text(encoding="utf-8"))
    loader.name = file.name
    try:
        return loader.get_single_data()
    except yaml.YAMLError as error:
        raise InvalidParameters(f"{file.name} is no YAML: {error}.") from error


def _parameter(name: str, body: Any) -> DatedParameter:
    if not isinstance(body, dict) or set(body) != {"description", "unit", "values", "reference"}:
        raise InvalidParameters(
            f"Parameter file {name} must have exactly description, unit, values and reference.",
            hint="See docs/recipes.md, 'Add a parameter'.",
        )
    values = {_day(name, key): value for key, value in body["values"].items()}
    reference = {_day(name, key): str(value) for key, value in body["reference"].items()}
    if not values or min(values) > FIRST_ENTRY_BY:
        raise InvalidParameters(f"Parameter file {name} needs a first entry at or before {FIRST_ENTRY_BY}.")
    if values.keys() != reference.keys():
        raise InvalidParameters(f"Parameter file {name} needs one reference for each dated value.")
    return DatedParameter(
        name=name, description=str(body["description"]), unit=str(body["unit"]), values=values, reference=reference
    )


def _day(name: str, key: Any) -> date:
    if isinstance(key, date):
        return key
    try:
        return date.fromisoformat(str(key))
    except ValueError as error:
        raise InvalidParameters(f"Parameter file {name} has {key!r} where a date must stand.") from error


def _book(parameters: dict[str, DatedParameter]) -> ParameterBook:
    version = hashlib.sha256(_canonical(parameters).encode()).hexdigest()
    return ParameterBook(parameters=parameters, version=ParametersVersion(version))


def _canonical(parameters: Mapping[str, DatedParameter]) -> str:
    body = {
        name: {
            "description": parameter.description,
            "unit": parameter.unit,
            "values": {start.isoformat(): value for start, value in sorted(parameter.values.items())},
            "reference": {start.isoformat(): source for start, source in sorted(parameter.reference.items())},
        }
        for name, parameter in parameters.items()
    }
    return json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
