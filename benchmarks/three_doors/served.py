"""A home served on loopback, in a process of its own."""

from __future__ import annotations

import multiprocessing
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from api.home import open_home
from api.main import create_app
from api.operations.serving import listen, serve, url_of


@contextmanager
def served(root: Path, *, clock: datetime) -> Iterator[str]:
    """Where the home at `root` answers while the block lasts; its server takes `clock` for now at every moment."""
    with listen("127.0.0.1", 0) as listening:
        # Requests that come before the server is up wait in the socket's queue.
        server = multiprocessing.get_context("spawn").Process(target=_serve, args=(root, listening, clock), daemon=True)
        server.start()
        try:
            yield url_of(listening)
        finally:
            server.terminate()
            server.join()


def _serve(root: Path, listening: socket.socket, clock: datetime) -> None:
    """The app that `millgrade serve` runs, its log into nothing."""
    with Path(os.devnull).open("w", encoding="utf-8") as nothing:
        serve(create_app(open_home(root), clock=lambda: clock, log_stream=nothing), listening)
