"""Serving a home over HTTP: one process, one socket, and an orderly end."""

from __future__ import annotations

import gc
import logging
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from api.http.logs import ServerLines, make_logger
from api.operations.errors import AddressTaken

GRACE_SECONDS = 30
KEEP_ALIVE_SECONDS = 15
BACKLOG = 512


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes any that is free. Raises AddressTaken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except (OSError, UnicodeError) as error:
        raise AddressTaken(
            f"{host}:{port} cannot be listened on: {getattr(error, 'strerror', None) or error}.",
            hint="Choose another --port, or another --host.",
        ) from error
    # asyncio sets it only where it made the socket; without it an answer's body waits 40 ms for the peer's ACK.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def url_of(listening: socket.socket) -> str:
    """Where a socket is reached on this machine."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve(app: ASGIApp, listening: socket.socket) -> None:
    """Answer on `listening` until SIGTERM or SIGINT; requests that are at work then are answered first.

    What is acknowledged is committed, so that an end without order loses none of it either.
    """
    config = uvicorn.Config(
        app,
        log_config=None,  # the app logs requests itself, without payloads
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    server = uvicorn.Server(config)
    logging.getLogger("uvicorn.error").addHandler(ServerLines(make_logger(sys.stderr)))
    gc.collect()
    gc.freeze()  # what is loaded now stays: walking it again would hold an answer up for a tenth of a second
    with _signals_end_it():
        server.run(sockets=[listening])
    gc.unfreeze()


@contextmanager
def _signals_end_it() -> Iterator[None]:
    """uvicorn raises the signal that ended it once more; within this block that is an end, not a failure."""
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
