"""The manufacturer's page on a real server on loopback, and Debian's Chromium in front of it."""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI

sys.path.append(str(Path(__file__).parents[1] / "portal"))

from portal_world import CHEAP, NOW, Clock, build_world
from served_site import Site

from api.access_log import repository as access_log
from api.database.engine import unit_of_work
from api.portal.endpoints import mount
from benchmarks.chromium import CHROMIUM, launched


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip, saying so, where there is no Chromium."""
    absent = pytest.mark.skip(reason=f"no browser: {CHROMIUM} is absent (apt-get install chromium fonts-noto-cjk)")
    for item in items:
        if Path(__file__).parent in item.path.parents and not CHROMIUM.exists():
            item.add_marker(absent)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The page of a small synthetic world, in which a bank and an insurer have looked."""
    world = build_world(tmp_path_factory.mktemp("browser"))
    with unit_of_work(world.home.engine) as connection:
        for viewer, role, what in (("bank-a", "bank", "score"), ("bank-a", "bank", "explanation"), ("insurer-a", "insurer", "machines")):  # fmt: skip
            access_log.append(connection, world.graded, viewer=viewer, role=role, what=what, now=NOW)
    app = FastAPI()
    mount(app, world.home, passwords=CHEAP, clock=Clock(), answered_after_seconds=0.0)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.02)
        yield Site(f"http://127.0.0.1:{listening.getsockname()[1]}", world)
        server.should_exit = True
        thread.join()
    world.home.engine.dispose()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's Chromium, closed with the module: while it is open, its event loop runs in this thread."""
    with launched() as opened:
        yield opened
