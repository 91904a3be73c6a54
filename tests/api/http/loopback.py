"""A real server on loopback, in a thread of the test's process."""

from __future__ import annotations

import threading
import time

import httpx
import uvicorn
from fastapi import FastAPI

SECONDS_TO_START = 10.0


class Loopback:
    """Serves an app until it is closed; `client` asks it."""

    def __init__(self, app: FastAPI) -> None:
        config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical", access_log=False, lifespan="off")
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        deadline = time.monotonic() + SECONDS_TO_START
        while not self.server.started:
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.01)
        port = self.server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.client = self.new_client()

    def new_client(self) -> httpx.Client:
        """A client with connections of its own."""
        return httpx.Client(base_url=self.url, timeout=60, trust_env=False)

    def close(self) -> None:
        """Stop the server and wait for it."""
        self.client.close()
        self.server.should_exit = True
        self.thread.join()
