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


def processes_of(home: Home, count: int | None = None) -> Processes:
    """So many processes that read this home; one for each processor, if None."""
    url = home.engine.url.render_as_string(hide_password=False)
    return Processes(
        open_reader=partial(_open_reader, url, home.observations),
        count=count or len(os.sched_getaffinity(0)),
    )


@contextmanager
def _open_reader(url: str, observations: Path) -> Iterator[ObservationReader]:
    engine = create_engine(url)
    with reading(engine) as connection:
        yield ObservationReader(connection, ObservationStore(observations))
    engine.dispose()
