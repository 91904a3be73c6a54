"""A folder of sources with a manifest: what files there are, in what order they go in, and under which mappings."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from data_contracts.contract import RecordKind
from data_contracts.errors import ContractViolated, UnreadableSource
from data_contracts.mapping import Mapping, load_mapping, shipped_mappings
from data_contracts.vocabulary import DataOrigin

MANIFEST = "manifest.json"


class ManifestFile(BaseModel):
    """One file of a folder: its path within it, kind, mapping, obligor (of single-obligor files), hash and rows."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str
    kind: RecordKind
    mapping: str
    obligor: str | None = None
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None
    rows: Annotated[int, Field(ge=0)] | None = None


class Manifest(BaseModel):
    """What a folder holds, in the order of ingestion, and where the data came from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1]
    world: str | None = None
    version: str
    seed: int | None = None
    parameters_hash: str | None = None
    obligors: int | None = None
    months: int | None = None
    machines_per_obligor: float | None = None
    data_origin: DataOrigin
    statement: str
    files: tuple[ManifestFile, ...]


def read_manifest(folder: Path) -> Manifest:
    """The manifest of `folder`. Raises UnreadableSource when there is none, ContractViolated when it is malformed.

    Every file must lie inside the folder.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise UnreadableSource(
            f"{folder.name} has no {MANIFEST}.", hint="Ingest single files with a mapping, or write a manifest."
        )
    try:
        manifest = Manifest.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors(include_url=False)
        )
        raise ContractViolated(f"{MANIFEST} of {folder.name}: {faults}.", hint="See docs/mappings.md.") from error
    except ValueError as error:
        raise UnreadableSource(f"{MANIFEST} of {folder.name} is no JSON: {error}.") from error
    for file in manifest.files:
        if not (folder / file.path).resolve().is_relative_to(folder.resolve()):
            raise ContractViolated(f"{MANIFEST} of {folder.name} names {file.path!r}, outside the folder.")
    return manifest


def check_file(folder: Path, file: ManifestFile) -> Path:
    """Where the file lies. Raises UnreadableSource when it is missing or is not the one that the manifest means."""
    path = folder / file.path
    if not path.is_file():
        raise UnreadableSource(f"The manifest names {file.path}, but there is no such file.", hint="Copy it again.")
    if file.sha256 is None:
        return path
    with path.open("rb") as handle:
        found = hashlib.file_digest(handle, "sha256").hexdigest()
    if found != file.sha256:
        raise UnreadableSource(
            f"{file.path} has SHA-256 {found[:12]}..., the manifest says {file.sha256[:12]}...",
            hint="The file was changed or cut off after the manifest was written.",
        )
    return path


def mapping_of(folder: Path, manifest: Manifest, file: ManifestFile) -> Mapping:
    """The mapping of one file: shipped under its name, or a file in the folder.

    What a synthetic folder holds is synthetic, whatever its mappings say. Raises UnknownMapping, InvalidMapping, or
    ContractViolated when the mapping is of another kind.
    """
    shipped = file.mapping in shipped_mappings()
    mapping = load_mapping(file.mapping if shipped else str(folder / file.mapping))
    if mapping.kind is not file.kind:
        raise ContractViolated(f"{file.path} is declared {file.kind}, but mapping {file.mapping} reads {mapping.kind}.")
    if manifest.data_origin is DataOrigin.SYNTHETIC:
        return mapping.model_copy(update={"data_origin": DataOrigin.SYNTHETIC})
    return mapping
