"""Lives: processes that do one thing as a user's would, until they end or are killed.

A fork server holds the loaded libraries, so that a life begins in milliseconds; nothing else is shared with it.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any

from api import cli

START_SECONDS = 60.0


def context() -> ForkServerContext:
    """Where lives come from."""
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload([__name__])
    return found


class Life:
    """One process that runs a `millgrade` command; what it prints can be read, and it can be killed."""

    def __init__(self, arguments: Sequence[str | Path], log: Path, database_url: str | None = None) -> None:
        here = context()
        self._told, says = here.Pipe(duplex=False)
        target: Callable[..., Any] = _live
        self.process: ForkServerProcess = here.Process(
            target=target, args=([str(item) for item in arguments], says, str(log), database_url), daemon=True
        )
        self.process.start()
        says.close()

    def first_line(self) -> str:
        """The first thing it prints, waited for. Raises RuntimeError where it ends before."""
        try:
            if not self._told.poll(START_SECONDS):
                raise RuntimeError(f"nothing was printed within {START_SECONDS:.0f} s")
            return str(self._told.recv())
        except EOFError as error:
            raise RuntimeError("it ended without a word") from error

    def printed(self) -> str:
        """Everything it printed in whole writes until its end."""
        said = []
        try:
            while True:
                said.append(str(self._told.recv()))
        except (EOFError, OSError):
            return "".join(said)

    def is_over(self, within: float) -> bool:
        """Whether it ends by itself in so many seconds."""
        self.process.join(within)
        return not self.process.is_alive()

    def kill(self) -> None:
        """SIGKILL: no handler runs, nothing is flushed."""
        self.process.kill()
        self.process.join()


class _Teller:
    """Standard output of a life: each write is one message, whole or not there at all."""

    encoding = "utf-8"

    def __init__(self, says: Connection) -> None:
        self.says = says

    def write(self, text: str) -> int:
        """Send it on."""
        if text:
            self.says.send(text)
        return len(text)

    def flush(self) -> None:
        """Nothing waits."""

    def isatty(self) -> bool:
        """No person looks."""
        return False


def _live(arguments: Sequence[str], says: Connection, log: str, database_url: str | None) -> None:
    sys.stdout = _Teller(says)  # type: ignore[assignment]
    errors = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(errors, 2)
    if database_url is not None:
        os.environ["MILLGRADE_DATABASE_URL"] = database_url
    sys.argv = ["millgrade", *arguments]
    cli.main()
