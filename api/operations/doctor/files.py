"""The home's folders and what lies in them, against what the database and the names of the files say."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar, get_args

import sqlalchemy as sa

from api.database.tables import snapshot
from api.home import Home
from api.operations.doctor.finding import Finding, few, fine, warning, wrong
from api.snapshots import repository as snapshot_files
from data_contracts.contract import RecordKind
from data_contracts.errors import MillgradeError
from data_contracts.identifiers import SnapshotId
from data_contracts.observations.tables import observation_file, retired_file
from data_contracts.reference.dated import parse_book
from scoring import registry

FOLDERS = (".", "observations", "snapshots", "models", "parameters", "evidence")
LITTLE_SPACE_BYTES = 5 * 1024**3
NO_SPACE_BYTES = 512 * 1024**2

T = TypeVar("T")


def folders(root: Path) -> Iterator[Finding]:
    """Whether each folder that is there can be written to."""
    there = [name for name in FOLDERS if (root / name).is_dir()]
    closed = [name for name in there if not _is_writable(root / name)]
    for name in closed:
        yield wrong("folders", f"{root / name} cannot be written to.", f"The process runs as user {os.geteuid()}.")
    if not closed:
        yield fine("folders", f"{len(there)} folders of {root} can be written to")


def space(root: Path) -> Iterator[Finding]:
    """Whether there is room on the disk."""
    free = shutil.disk_usage(root).free
    told = f"{free / 1024**3:,.1f} GiB free at {root}"
    if free < NO_SPACE_BYTES:
        yield wrong("space", told, "Intake stops when the disk is full; nothing acknowledged is lost, make room.")
    elif free < LITTLE_SPACE_BYTES:
        yield warning("space", told, "Make room before intake stops.")
    else:
        yield fine("space", told)


def register(connection: sa.Connection, home: Home, *, sample: int) -> Iterator[Finding]:
    """The register against the observation files: missing, of another length, of other bytes, and not registered."""
    table = observation_file.c
    rows = connection.execute(sa.select(table.path, table.bytes, table.sha256).order_by(table.path)).all()
    sizes = _sizes(home.observations)
    missing = [row.path for row in rows if row.path not in sizes]
    cut = [row.path for row in rows if sizes.get(row.path, row.bytes) != row.bytes]
    whole = [row for row in rows if sizes.get(row.path) == row.bytes]
    read = _some(whole, sample)
    changed = [row.path for row in read if _sha256(home.observations / row.path) != row.sha256]
    if missing:
        yield wrong("observations", f"{len(missing):,} registered files are missing: {few(missing)}", _RESTORE)
    if cut:
        yield wrong("observations", f"{len(cut):,} files have another length: {few(cut)}", _RESTORE)
    if changed:
        yield wrong("observations", f"{len(changed):,} files have other bytes: {few(changed)}", _RESTORE)
    retired = set(connection.scalars(sa.select(retired_file.c.path)))
    extra = sorted(sizes.keys() - {row.path for row in rows} - retired)
    if extra:
        yield warning(
            "observations",
            f"{len(extra):,} files are not registered: {few(extra)}",
            "Left by intake that was broken off; they count for nothing and may be deleted.",
        )
    if not missing and not cut and not changed:
        yield fine("observations", f"{len(rows):,} registered files are there; {len(read):,} were read and are whole")


def snapshots(connection: sa.Connection, home: Home, *, sample: int) -> Iterator[Finding]:
    """Whether the stored snapshots are there, and some of them still what their names say."""
    names = list(connection.scalars(sa.select(snapshot.c.snapshot_id).distinct().order_by(snapshot.c.snapshot_id)))
    kept = {path.stem for path in home.snapshots.rglob("*.json")} if home.snapshots.is_dir() else set()
    missing = [name for name in names if name not in kept]
    read = _some([name for name in names if name in kept], sample)
    changed = [name for name in read if not _is_true(home, SnapshotId(name))]
    if missing:
        yield wrong("snapshots", f"{len(missing):,} stored snapshots are missing: {few(missing)}", _RESTORE)
    if changed:
        yield wrong("snapshots", f"{len(changed):,} snapshots have other bytes: {few(changed)}", _RESTORE)
    if not missing and not changed:
        yield fine("snapshots", f"{len(names):,} snapshots are there; {len(read):,} were read and are whole")


def models(home: Home) -> Iterator[Finding]:
    """Whether the promoted models load, and were made with the libraries of this process."""
    kind: registry.Kind
    for kind in get_args(registry.Kind):
        try:
            artefact = registry.promoted(home.models, kind)
        except MillgradeError as error:
            yield wrong("models", f"The promoted {kind} model does not load: {error.message}", error.hint or _RESTORE)
            continue
        if artefact is None:
            yield warning("models", f"No {kind} model is promoted.", f"Run: millgrade train {kind}")
        elif not registry.plain_card(artefact)["trained_with_installed_libraries"]:
            yield warning(
                "models",
                f"The promoted {kind} model {artefact.version[:12]} was trained with other library versions.",
                "It scores as it did; train again before comparing new models with it.",
            )
        else:
            yield fine("models", f"the promoted {kind} model {artefact.version[:12]} loads")


def kept_parameters(home: Home) -> Iterator[Finding]:
    """Whether the parameter books that answers were made with are still what their names say."""
    kept = sorted(home.parameters.glob("*.json")) if home.parameters.is_dir() else []
    changed = [path.name for path in kept if not _is_book(path)]
    if changed:
        yield wrong("parameters", f"{len(changed):,} kept parameter books are damaged: {few(changed)}", _RESTORE)
    else:
        yield fine("parameters", f"{len(kept):,} kept parameter books are whole")


_RESTORE = "Restore from the backup that belongs to this database."


def _is_writable(folder: Path) -> bool:
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _sizes(root: Path) -> dict[str, int]:
    """Length in bytes of every file of the store, by its path within."""
    folders = (root / kind for kind in RecordKind)
    files = (path for folder in folders if folder.is_dir() for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path.stat().st_size for path in files}


def _some(rows: Sequence[T], number: int) -> list[T]:
    return list(rows) if len(rows) <= number else random.sample(list(rows), number)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_true(home: Home, name: SnapshotId) -> bool:
    try:
        return snapshot_files.load(home, name).snapshot_id == name
    except (MillgradeError, ValueError, KeyError, TypeError):
        return False  # whatever cannot be read is not what its name says


def _is_book(path: Path) -> bool:
    try:
        return parse_book(path.read_text(encoding="utf-8")).version == path.stem
    except (MillgradeError, ValueError, AttributeError, KeyError):
        return False
