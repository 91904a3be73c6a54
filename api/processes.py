"""Reading a home from several processes at once."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from api.database.engine import create_engine, reading
from api.home import Home
from data_contracts.observations.reader import ObservationReader
from data_contracts.observations.store import ObservationStore
from features.blocks import Processes

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Of glibc's `mallopt`."""

_KEPT_BYTES = 2**30
_NEVER = -1

_ARROW_KEEPS = ("MIMALLOC_PURGE_DELAY", str(_NEVER))
"""Arrow's allocator gives back what it freed after a tenth of a second, and takes its word when it is loaded only."""

MOST = 8
"""Processes at once that are worth their memory, however many processors there are."""


def processes_of(home: Home, count: int | None = None) -> Processes:
    """So many processes that read this home; one for each processor that this one may use, if None.

    What this process starts from now on keeps the memory of Arrow (`_keep_memory`), unless the environment says else.
    """
    os.environ.setdefault(*_ARROW_KEEPS)
    url = home.engine.url.render_as_string(hide_password=False)
    return Processes(
        open_reader=partial(_open_reader, url, home.observations),
        count=count or min(_processors(), MOST),
    )


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _open_reader(url: str, observations: Path) -> Iterator[ObservationReader]:
    _keep_memory()
    engine = create_engine(url)
    with reading(engine) as connection:
        yield ObservationReader(connection, ObservationStore(observations))
    engine.dispose()


def _keep_memory() -> None:
    """Have this process keep the memory that a block gave back for the next one: a fifth of its processor time went
    into asking the kernel for the same arrays again. Where the C library is not glibc nothing changes."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _KEPT_BYTES)
        mallopt(_TRIM_THRESHOLD, _NEVER)
