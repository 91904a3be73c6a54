"""A home: the folder that holds one installation's database, files and models."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import sqlalchemy as sa

from api.database.engine import create_engine
from api.database.migrate import current_revision, head_revision, migrate
from api.errors import HomeOutdated

OWNER_ONLY = 0o600


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """Where things lie, and the engine of the database beside them."""

    root: Path
    engine: sa.Engine

    @property
    def observations(self) -> Path:
        """Immutable Parquet files; the register in the database says which exist."""
        return self.root / "observations"

    @property
    def snapshots(self) -> Path:
        """Feature snapshots by content hash."""
        return self.root / "snapshots"

    @property
    def peers(self) -> Path:
        """Peer references, by the instant and the hash of each."""
        return self.root / "peers"

    @property
    def clones(self) -> Path:
        """What sweeps for cloned machines found, by the instant and the hash of each, and the key of fingerprints."""
        return self.root / "clones"

    @property
    def models(self) -> Path:
        """Model artefacts by version."""
        return self.root / "models"

    @property
    def tariffs(self) -> Path:
        """Tariffs as filed, by product and version."""
        return self.root / "tariffs"

    @property
    def parameters(self) -> Path:
        """Every parameter book that a decision or quote was made with, by version."""
        return self.root / "parameters"

    @property
    def evidence(self) -> Path:
        """Keys that sign the log's checkpoints."""
        return self.root / "evidence"

    @property
    def pledges(self) -> Path:
        """The key under which pledged things are fingerprinted."""
        return self.root / "pledges"

    @property
    def at_work(self) -> Path:
        """A locked file for each process that writes here."""
        return self.root / "at_work"

    @property
    def left_over(self) -> Path:
        """Observation files that a killed process left and no transaction committed, until a sweep."""
        return self.root / "left_over"


def open_home(root: Path, *, database_url: str | None = None) -> Home:
    """Open the home at `root`, making it when absent. An empty database is migrated; an outdated one is refused."""
    root.mkdir(parents=True, exist_ok=True)
    engine = create_engine(database_url or database_url_of(root))
    with engine.connect() as connection:
        revision = current_revision(connection)
    if revision is None:
        migrate(engine)
    elif revision != head_revision():
        raise HomeOutdated(
            f"The database of {root} stands at revision {revision}; this release needs {head_revision()}.",
            hint=f"Run: millgrade migrate --home {root}",
        )
    return Home(root=root, engine=engine)


def database_url_of(root: Path) -> str:
    """The address of the database in the home itself."""
    return f"sqlite:///{root / 'millgrade.db'}"


def keep_secret(path: Path, content: bytes) -> bool:
    """Write a secret that only its owner may read, unless there is one; of rivals one wins. Whether it was this one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        path.hardlink_to(draft)
    except FileExistsError:
        return False
    finally:
        draft.unlink(missing_ok=True)
    return True


def write_once(path: Path, content: bytes) -> None:
    """Write an immutable file named by its content: synced, then renamed into place; an existing one stays."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{uuid4().hex}")  # rivals may write the same content at once
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
