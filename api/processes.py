"""Reading a home from several processes at once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from api.database.engine import create_engine, reading
from api.home import Home
from data_contracts.observations.reader import ObservationReader
from data_contracts.observations.store import ObservationStore
from features.blocks import Processes

MOST = 8
"""Processes at once that are worth their memory, however many processors there are."""


def processes_of(home: Home, count: int | None = None) -> Processes:
    """So many processes that read this home; one for each processor that this one may use, if None."""
    url = home.engine.url.render_as_string(hide_password=False)
    return Processes(
        open_reader=partial(_open_reader, url, home.observations),
        count=count or min(_processors(), MOST),
    )


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _open_reader(url: str, observations: Path) -> Iterator[ObservationReader]:
    engine = create_engine(url)
    with reading(engine) as connection:
        yield ObservationReader(connection, ObservationStore(observations))
    engine.dispose()
